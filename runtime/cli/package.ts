// `belljar package sink`: the sidecar and all that it needs, as one zip file that can be unpacked anywhere.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { BelljarError, printable } from "../../abi/error.ts";
import { AtomicFile } from "../output/atomic-file.ts";
import { makeFolder } from "../output/folder.ts";
import { shipped } from "../registry/place.ts";
import { choice, flag, list, parseOptions, takePositionals, text } from "./options.ts";
import { type Packed, packSidecar, TARGETS, type Target } from "./sidecar-package.ts";
import { hintFor } from "./suggest.ts";
import { table } from "./table.ts";

export const name = "package";
export const summary = "Pack the sidecar for another place or machine";
export const help = `Packs the sidecar, the program that owns the sound card, with all that it needs but Node itself, into a
zip file for each target: belljar-sidecar-VERSION-TARGET.zip. The same sources give the same bytes.

Usage: belljar package sink [OPTIONS]

  --target NAME          ${TARGETS.join(", ")};
                         repeatable; this system's unless said
  --configuration WORD   release, or debug: with the source map (release)
  --portaudio FILE       put this PortAudio library in (one with ASIO, say); the sidecar then uses it;
                         for one target
  --out DIR              where to (this folder)
  --skip-build           in a clone: pack what is built, without looking whether it is up to date
  --json                 print what was packed as JSON

Unpack it anywhere, and name it in the configuration file:
"output": { "sidecar_path": "/where/it/lies/bin/sidecar.js" }, or with --sidecar.

Exit code: 0 packed, 2 bad input.

Examples:
  belljar package sink
  belljar package sink --target win32-x64 --portaudio portaudio-asio.dll --out packages
`;

const OPTIONS = {
  target: list(),
  configuration: choice(["release", "debug"]),
  portaudio: text(),
  out: text(),
  "skip-build": flag(),
  json: flag(),
};

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS);
  const [what = ""] = takePositionals(positionals, ["sink"]);
  if (what !== "sink") {
    throw new BelljarError(
      "usage/value",
      `"${printable(what, 40)}" can't be packed.`,
      hintFor(what, ["sink"]),
    );
  }
  const targets = readTargets(options.target);
  const { portaudio } = options;
  if (portaudio !== undefined && targets.length > 1) {
    throw new BelljarError("usage/value", "--portaudio goes with one target: a library is for one system.");
  }
  const folder = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
  if (!options["skip-build"]) build(folder);
  const sidecar = shipped("sidecar.js");
  if (sidecar === null) {
    throw new BelljarError(
      "package/missing",
      "dist/sidecar.js is not there.",
      "Build or install Belljar again.",
    );
  }
  const configuration = options.configuration ?? "release";
  const out = options.out ?? ".";
  // All of them are packed before the first is written.
  const packed = targets.map((target) => packSidecar({ folder, sidecar, target, configuration, portaudio }));
  makeFolder(out);
  for (const { file, zip } of packed) {
    const written = AtomicFile.open(path.join(out, file));
    written.write(zip);
    written.commit();
  }
  if (options.json) process.stdout.write(`${JSON.stringify(packed.map(factsOf(out)), null, 2)}\n`);
  else process.stdout.write(packed.map((one) => report(out, one)).join("\n"));
  return 0;
}

function readTargets(names: readonly string[]): Target[] {
  const own = `${process.platform}-${process.arch}`;
  return [...new Set(names.length === 0 ? [own] : names)].map((name_) => {
    const target = TARGETS.find((one) => one === name_);
    if (target !== undefined) return target;
    throw new BelljarError(
      "usage/value",
      `There is no target "${printable(name_, 40)}".`,
      hintFor(name_, TARGETS),
    );
  });
}

/** In a clone: brings dist/ up to date. An installed package holds nothing to build. */
function build(folder: string): void {
  const script = path.join(folder, "scripts", "build.mjs");
  if (!existsSync(script) || !existsSync(path.join(folder, "sidecar", "main.ts"))) return;
  const { status } = spawnSync(process.execPath, [script], { cwd: folder, stdio: ["ignore", 2, 2] });
  if (status !== 0) {
    throw new BelljarError(
      "package/build",
      "The build failed; it says why above.",
      "--skip-build packs what is there.",
    );
  }
}

const factsOf =
  (out: string) =>
  ({ file, zip, sha256, manifest }: Packed): object => {
    return { file: path.join(out, file), bytes: zip.length, sha256, manifest };
  };

function report(out: string, { file, zip, sha256, files }: Packed): string {
  const rows = files.map(({ path: inside, bytes }) => [inside, String(bytes.length)]);
  const contents = table([{ title: "FILE" }, { title: "BYTES", right: true }], rows);
  return `${printable(path.join(out, file), 200)}: ${zip.length} bytes, SHA-256 ${sha256}\n${contents}\n`;
}
