// The plugin and the files that a replay needs: those that the user names, else what lies beside the recording under the
// name that it proposes. Whatever is found must have the recorded SHA-256; a recording alone opens nothing else.

import { createHash } from "node:crypto";
import path from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import { isFileName, listBuiltins } from "../registry/builtins.ts";
import { readPlugin } from "../registry/load.ts";
import { readRegularFile } from "../registry/read-file.ts";
import type { RecordedFile, RecordingFacts } from "./recording.ts";

/** The largest file that a plugin can have been given. */
const FILE_MAX_BYTES = 2 ** 29;

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
/** Enough of a hash to tell two apart by eye. */
const brief = (hash: string): string => `${hash.slice(0, 12)}…`;

/**
 * The recorded plugin's bytes, and where they are from, safe to print.
 * @param folder the recording's; null: there is none
 * @param named what the user says it is
 * @param most bytes that a plugin may have
 * @throws BelljarError recording/plugin, and what reading `named` throws
 */
export async function findPlugin(
  wanted: RecordingFacts["plugin"],
  folder: string | null,
  named: string | Uint8Array | undefined,
  recording: string,
  most: number,
): Promise<{ bytes: Uint8Array; from: string }> {
  const shown = printable(recording, 80);
  if (named !== undefined) {
    const bytes = typeof named === "string" ? await readPlugin(named, most) : named;
    const from = typeof named === "string" ? printable(named, 120) : "bytes";
    const hash = hashOf(bytes);
    if (hash === wanted.sha256) return { bytes, from };
    throw new BelljarError(
      "recording/plugin",
      `${typeof named === "string" ? from : "What was handed in"} is not the plugin that ${shown} was made with: its SHA-256 is ${brief(hash)}, not ${brief(wanted.sha256)}.`,
      "A plugin that was built again is another one; replay needs the very file.",
    );
  }
  const what = `the plugin "${printable(wanted.name || wanted.id, 80)}" (SHA-256 ${brief(wanted.sha256)})`;
  if (wanted.name !== "" && !isFileName(wanted.name)) {
    const builtin = listBuiltins().find(({ id }) => id === wanted.name || id === `builtin.${wanted.name}`);
    const bytes = builtin === undefined ? null : await readPlugin(builtin.id, most);
    if (bytes !== null && hashOf(bytes) === wanted.sha256) return { bytes, from: builtin?.id ?? "" };
    if (bytes !== null) {
      throw new BelljarError(
        "recording/plugin",
        `${shown} was made with ${what}, which is not the one that is built in here.`,
        "Name the file of the one it was made with: --plugin FILE.",
      );
    }
  }
  const beside = await readBeside(folder, wanted.name, most);
  if (beside !== null && hashOf(beside) === wanted.sha256)
    return { bytes: beside, from: printable(wanted.name, 120) };
  throw new BelljarError(
    "recording/plugin",
    beside === null
      ? `${shown} was made with ${what}, which is not beside it.`
      : `${shown} was made with ${what}; the file of that name beside it is another one.`,
    "Name its file: --plugin FILE.",
  );
}

/**
 * The files that the plugin had been given, in the recording's order.
 * @param named those that the user names
 * @throws BelljarError recording/file, and what reading `named` throws
 */
export async function findFiles(
  wanted: readonly RecordedFile[],
  folder: string | null,
  named: readonly string[],
  recording: string,
): Promise<Uint8Array[]> {
  const known = new Map<string, Uint8Array>();
  for (const file of named) {
    const bytes = await readRegularFile(file, FILE_MAX_BYTES, "a file for a plugin");
    const hash = hashOf(bytes);
    if (!wanted.some(({ sha256 }) => sha256 === hash)) {
      throw new BelljarError(
        "recording/file",
        `${printable(file)} is none of the files that ${printable(recording, 80)} was made with.`,
        wanted.length === 0
          ? "The plugin had been given none."
          : `They are: ${wanted.map(({ name }) => printable(name, 60)).join(", ")}.`.slice(0, 400),
      );
    }
    known.set(hash, bytes);
  }
  const found: Uint8Array[] = [];
  for (const { name, bytes, sha256 } of wanted) {
    let content = known.get(sha256);
    if (content === undefined) {
      const beside = await readBeside(
        folder,
        path.basename(name.replaceAll("\\", "/")),
        Math.min(bytes, FILE_MAX_BYTES),
      );
      if (beside !== null && hashOf(beside) === sha256) content = beside;
    }
    if (content === undefined) {
      throw new BelljarError(
        "recording/file",
        `The plugin had been given the file "${printable(name, 80)}" (${bytes} bytes, SHA-256 ${brief(sha256)}), which is not beside ${printable(recording, 80)}.`,
        "Name it: --file FILE.",
      );
    }
    known.set(sha256, content);
    found.push(content);
  }
  return found;
}

/** A file in the recording's own folder; null where there is none that can be read. */
async function readBeside(folder: string | null, name: string, most: number): Promise<Uint8Array | null> {
  if (folder === null || !isPlainName(name)) return null;
  try {
    return await readRegularFile(path.join(folder, name), most);
  } catch (error) {
    if (error instanceof BelljarError) return null;
    throw error;
  }
}

/** A file's name, and nothing that leads elsewhere: no folder, drive or device. */
function isPlainName(name: string): boolean {
  if (name === "" || name === "." || name === ".." || name.length > 255) return false;
  return !/[\\/:\0]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(name);
}
