// An author's source to a plugin's bytes: asc, in process, with the installation's flags and the glue that turns
// `export default class X extends Plugin` into the contract's exports.

import { basename, dirname, resolve } from "node:path";
import { BelljarError, printable } from "../../../abi/error.ts";
import { type AllocatorPath, findAllocatorPath } from "./call-graph.ts";
import { type Diagnostic, DiagnosticText, isError } from "./diagnostics.ts";
import { foreignImports } from "./foreign.ts";
import { GLUE, sourceReader } from "./sources.ts";

/** How to compile. */
export interface CompileOptions {
  /** false: quicker, several times slower sound. */
  optimize?: boolean;
  /** Array accesses are checked; one that fails is logged, and stops the plugin in the author's function. */
  checked?: boolean;
}

/** What compiling gave. */
export interface CompiledPlugin {
  wasm: Uint8Array;
  /** Ready to print, one each. */
  warnings: string[];
  /** How process comes to allocate; null: it never does. */
  allocatorPath: AllocatorPath | null;
}

/** The parts of asc's interface that are used here. */
interface Asc {
  main(
    args: string[],
    options: {
      stdout: Sink;
      stderr: Sink;
      readFile(name: string): string | null;
      writeFile(name: string, contents: string | Uint8Array): void;
      listFiles(): string[];
      reportDiagnostic(diagnostic: Diagnostic): void;
      /** Classes; asc gives their prototypes its binaryen. */
      transforms: (new () => { afterCompile(module: CompiledModule): void })[];
    },
  ): Promise<{ error: Error | null }>;
}
/** The module before it is optimised, in binaryen's hands. */
interface CompiledModule {
  emitText(): string;
  runPasses(names: string[]): void;
}
interface Binaryen {
  setPassArgument(key: string, value: string | null): void;
}
interface Sink {
  write(text: string): void;
}

/** A warning that JavaScript can't call a function with v128: nobody will, whatever a plugin's files export. */
const VECTORS_EXCHANGED = 112;

const OUT = "plugin.wasm";
/** A custom section that names the source map: the map itself is not kept, for only the compiler's text needs positions. */
const MAP_LINK = [0, 0, 16, ...Buffer.from("sourceMappingURL"), 0, ...Buffer.from(`./${OUT}.map`)];

const SILENT: Sink = { write() {} };

/**
 * Compiles one plugin.
 * @param entryFile the file whose default export is the plugin's class
 * @throws BelljarError build/failed: the message holds every error with the author's file and line (the use of Date, too);
 * build/no-source: there is no such file; build/compiler: asc itself is not there
 */
export async function compilePlugin(
  entryFile: string,
  options: CompileOptions = {},
): Promise<CompiledPlugin> {
  const path = resolve(entryFile);
  const folder = dirname(path);
  const entry = basename(path);
  const read = sourceReader(folder, glueFor(entry, options.checked === true));
  const text = new DiagnosticText(folder, entry, read);
  if (read(entry) === null) {
    throw new BelljarError(
      "build/no-source",
      `There is no plugin source ${printable(entryFile)}.`,
      "`belljar new DIR` makes a plugin to start from.",
    );
  }

  const used = new Set<string>();
  const errors: string[] = [];
  const warnings: string[] = [];
  let wasm: Uint8Array | null = null;
  let allocatorPath: AllocatorPath | null = null;
  const { error } = await (await compiler()).main([GLUE, "--outFile", OUT, ...flags(options)], {
    stdout: SILENT,
    stderr: SILENT,
    readFile(name) {
      const source = read(name);
      if (name === "asconfig.json" && source !== null && options.checked) return withChecks(source);
      if (source !== null && !name.includes("node_modules") && name.endsWith(".ts") && name !== GLUE)
        used.add(name);
      return source;
    },
    writeFile(_name, contents) {
      if (typeof contents !== "string") wasm = withoutMapLink(contents);
    },
    listFiles: () => [],
    reportDiagnostic(diagnostic) {
      if (diagnostic.code === VECTORS_EXCHANGED || text.isRepetition(diagnostic)) return;
      (isError(diagnostic) ? errors : warnings).push(text.format(diagnostic));
    },
    transforms: [
      class {
        declare readonly binaryen: Binaryen;
        afterCompile(module: CompiledModule): void {
          const wat = module.emitText();
          errors.push(...foreignImports(wat, [...used], read, folder));
          allocatorPath = findAllocatorPath(wat);
          // `process` stays a function of its own, so that a fault in it is named by it; with checks, all of the author's
          const kept = options.checked ? "*" : "*#process";
          this.binaryen.setPassArgument("no-inline", `${entry.replace(/\.ts$/, "")}/${kept}`);
          module.runPasses(["no-inline"]);
          this.binaryen.setPassArgument("no-inline", null);
        }
      },
    ],
  });
  if (errors.length > 0) {
    const count = errors.length === 1 ? "1 error" : `${errors.length} errors`;
    throw new BelljarError(
      "build/failed",
      [...new Set(errors), `${count} in ${printable(entry)}.`].join("\n\n"),
    );
  }
  if (error || wasm === null) {
    throw new BelljarError(
      "build/failed",
      `The compiler failed: ${printable(error?.message ?? "it gave no module")}.`,
    );
  }
  return { wasm, warnings, allocatorPath };
}

/** What asconfig.json leaves open. */
function flags(options: CompileOptions): string[] {
  const chosen = ["--sourceMap"];
  if (options.optimize === false) chosen.push("--optimizeLevel", "0");
  return chosen;
}

/** The settings with checks on: `abort`, which the compiler's checks call, is the SDK's. */
function withChecks(settings: string): string {
  const config = JSON.parse(settings) as { options: { use: string[]; uncheckedBehavior: string } };
  config.options.use = ["abort=~lib/belljar/sdk-as/abort/abort"];
  config.options.uncheckedBehavior = "default";
  return JSON.stringify(config);
}

/** The module without the section that the compiler puts last. */
function withoutMapLink(wasm: Uint8Array): Uint8Array {
  const link = Buffer.from(MAP_LINK);
  link[1] = link.length - 2;
  link[19] = link.length - 20;
  const start = wasm.length - link.length;
  return start > 0 && link.equals(wasm.subarray(start)) ? wasm.slice(0, start) : wasm;
}

function glueFor(entry: string, checked: boolean): string {
  const module = JSON.stringify(`./${entry.replace(/\.ts$/, "")}`);
  return `import AuthorPlugin from ${module};
import { register } from "belljar/sdk-as/exports";
${checked ? 'import "belljar/sdk-as/abort";\n' : ""}register(new AuthorPlugin());
export { ${CONTRACT.join(", ")} } from "belljar/sdk-as/exports";
`;
}

/** The functions of the contract that sdk-as implements. */
const CONTRACT = [
  "bj_abi",
  "bj_scratch",
  "bj_descriptor",
  "bj_error",
  "bj_configure",
  "bj_configure_file",
  "bj_activate",
  "bj_deactivate",
  "bj_reset",
  "bj_process",
  "bj_idle",
  "bj_state_save",
  "bj_state_load",
  "bj_graph_get",
  "bj_graph_set",
];

async function compiler(): Promise<Asc> {
  try {
    return (await import("assemblyscript/asc")) as unknown as Asc;
  } catch (error) {
    throw new BelljarError(
      "build/compiler",
      `The AssemblyScript compiler can't be loaded: ${printable((error as Error).message)}.`,
      "Install the package again: npm install.",
    );
  }
}
