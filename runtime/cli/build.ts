// `belljar build`: AssemblyScript to a plugin's module.

import { mkdirSync, rmdirSync } from "node:fs";
import { dirname, relative } from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import { AtomicFile, fileError } from "../output/atomic-file.ts";
import { compilePlugin } from "./authoring/compile.ts";
import { findProject } from "./authoring/project.ts";
import { flag, parseOptions, takePositionals, text } from "./options.ts";
import { painter } from "./table.ts";

export const name = "build";
export const summary = "Compile a plugin from AssemblyScript";
export const help = `Compiles a plugin. Errors name your file and line. A warning says which calls lead from process
to the memory allocator, if any do: the sound stops for as long as that takes.

Usage: belljar build [DIR] [-o FILE]

  DIR            a project's folder with plugin.ts in it, or one .ts file; the current folder if not said
  -o, --out      where the module goes: build/NAME.wasm in the project if not said
  --fast         compile quickly, for a plugin that runs slowly

Exit code: 0 built, 2 the source has errors.

Examples:
  belljar build
  belljar build my-tremolo -o tremolo.wasm
  belljar build one-file.ts
`;

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, { out: text("o"), fast: flag() });
  const [asked = "."] = takePositionals(positionals, ["DIR"], 0);
  const place = findProject(asked);
  const out = options.out ?? place.out;
  const madeFolder = options.out === undefined && makeFolder(dirname(out));
  const file = AtomicFile.open(out);
  const paint = painter(process.stderr);
  try {
    const { wasm, warnings, allocatorPath } = await compilePlugin(place.entry, { optimize: !options.fast });
    for (const warning of warnings) process.stderr.write(`${warning}\n\n`);
    if (allocatorPath !== null) {
      process.stderr.write(
        `${paint("yellow", "warning:")} process reaches the memory allocator: ${allocatorPath.map((one) => printable(one, 100)).join(" -> ")}\n` +
          "What it makes is not freed while sound runs. Make it once, in activate.\n\n",
      );
    }
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

/** Whether it was not there before. */
function makeFolder(folder: string): boolean {
  try {
    return mkdirSync(folder, { recursive: true }) !== undefined;
  } catch (error) {
    throw fileError(error, folder);
  }
}
