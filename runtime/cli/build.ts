// `belljar build`: AssemblyScript to a plugin's module.

import { rmdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { setFlagsFromString } from "node:v8";
import { BelljarError, printable } from "../../abi/error.ts";
import { AtomicFile } from "../output/atomic-file.ts";
import { makeFolder } from "../output/folder.ts";
import type { SourcePlace } from "./authoring/call-graph.ts";
import { compilePlugin } from "./authoring/compile.ts";
import { checkDeclarations } from "./authoring/declarations.ts";
import { findProject } from "./authoring/project.ts";
import { flag, parseOptions, takePositionals, text } from "./options.ts";
import { painter } from "./table.ts";

export const name = "build";
export const summary = "Compile a plugin from AssemblyScript";
export const help = `Compiles a plugin, and checks what it declares. Errors name your file and line. A warning says
which calls lead from process to the memory allocator, if any do: what they make is not freed
while sound runs.

Usage: belljar build [DIR] [-o FILE]

  DIR            a project's folder with plugin.ts in it, or one .ts file; the current folder if not said
  -o, --out      where the module goes: build/NAME.wasm in the project if not said
  --fast         compile quickly, for a plugin that runs slowly
  --checked      to find a fault: an index outside of its array is logged, and stops the plugin

Exit code: 0 built, 2 the source has errors.

Examples:
  belljar build
  belljar build my-tremolo -o tremolo.wasm
  belljar build one-file.ts
`;

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, { out: text("o"), fast: flag(), checked: flag() });
  const [asked = "."] = takePositionals(positionals, ["DIR"], 0);
  const place = findProject(asked);
  const out = options.out ?? place.out;
  const madeFolder = options.out === undefined && makeFolder(dirname(out));
  const file = AtomicFile.open(out);
  const paint = painter(process.stderr);
  // The compiler, which is WebAssembly itself, runs once and shortly: making better code of it takes longer than it saves.
  setFlagsFromString("--liftoff-only");
  try {
    const { wasm, warnings, allocatorPath } = await compilePlugin(place.entry, {
      optimize: !options.fast,
      checked: options.checked,
    });
    for (const warning of warnings) process.stderr.write(`${warning}\n\n`);
    if (allocatorPath !== null) {
      const places = allocatorPath.places.map((one) => `${placeText(dirname(place.entry), one)}: `);
      const calls = allocatorPath.names.map((one) => printable(one, 100)).join(" -> ");
      process.stderr.write(
        `${places[0] ?? ""}${paint("yellow", "warning:")} process reaches the memory allocator: ${calls}\n` +
          places
            .slice(1)
            .map((one) => `${one}and here\n`)
            .join("") +
          "What it makes is not freed while sound runs. Make it once, in activate.\n\n",
      );
    }
    await checkDeclarations(wasm, place.entry);
    file.write(wasm);
    file.commit();
    process.stdout.write(
      `${printable(relative(process.cwd(), out) || out)}  ${wasm.length.toLocaleString("en")} bytes\n`,
    );
    return 0;
  } catch (error) {
    file.abort();
    if (madeFolder) rmdirSync(dirname(out));
    if (!(error instanceof BelljarError) || error.code !== "build/failed") throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

/** "plugin.ts:7:15", from the current folder. */
function placeText(folder: string, { file, line, column }: SourcePlace): string {
  return `${printable(relative(process.cwd(), join(folder, file)))}:${line}:${column}`;
}
