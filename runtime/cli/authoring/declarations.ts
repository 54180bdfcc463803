// What the host would refuse in a plugin that compiles, such as two ports of one id: said at the author's line.

import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { BelljarError, printable } from "../../../abi/error.ts";
import { PluginType } from "../../sandbox/index.ts";

/**
 * Loads a plugin that was just compiled, as a host does.
 * @param source the author's file
 * @throws BelljarError build/failed
 */
export async function checkDeclarations(wasm: Uint8Array, source: string): Promise<void> {
  try {
    await PluginType.load(wasm);
  } catch (error) {
    if (!(error instanceof BelljarError)) throw error;
    const text = readFileSync(source, "utf8");
    const file = printable(relative(process.cwd(), source));
    const what = error.message.replace(/^The descriptor is wrong: /, "").replace(/\.$/, "");
    const place = placeOf(text, what, error.code === "descriptor/duplicate-id");
    const hint =
      error.code === "descriptor/id" && !/\bthis\s*\.\s*plugin\s*\(/.test(text)
        ? 'the plugin does not say who it is: `info: Info = this.plugin("vendor.name", "Name");` as its first field'
        : [what, error.hint]
            .filter((part) => part)
            .join(". ")
            .replace(/\.$/, "");
    const lines = place === null ? [] : [`    ${printable(place.text, 300)}`];
    throw new BelljarError(
      "build/failed",
      [`${file}${place === null ? "" : `:${place.line}:${place.column}`} error: ${hint}`, ...lines].join(
        "\n",
      ),
    );
  }
}

/** Where a word that the message has in quotes stands in quotes in the source. */
function placeOf(
  source: string,
  message: string,
  last: boolean,
): { line: number; column: number; text: string } | null {
  for (const [, word] of message.matchAll(/"([^"]+)"/g)) {
    const literals = [`"${word}"`, `'${word}'`, `\`${word}\``];
    const found = literals
      .map((one) => (last ? source.lastIndexOf(one) : source.indexOf(one)))
      .filter((at) => at >= 0);
    if (found.length === 0) continue;
    const at = last ? Math.max(...found) : Math.min(...found);
    const before = source.slice(0, at).split("\n");
    const line = source.split("\n")[before.length - 1] ?? "";
    return { line: before.length, column: (before.at(-1) ?? "").length + 1, text: line.trimEnd() };
  }
  return null;
}
