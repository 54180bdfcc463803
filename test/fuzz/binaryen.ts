// Modules of binaryen's random generator. Its tool wasm-opt is a program of its own, 10 MB of which take a second to
// start: here it is compiled once and run in this process, a fresh instance for every module.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Script } from "node:vm";
import { F32, F64, type FunctionType, I32, I64, V128 } from "../../runtime/sandbox/module.ts";
import { root } from "../root.ts";

const type = (params: number[], results: number[] = []): FunctionType => ({ params, results });
const FUZZING = "fuzzing-support";
/** What its modules may import. */
export const GENERATOR_IMPORTS: ReadonlyMap<string, FunctionType> = new Map([
  [`${FUZZING}.log-i32`, type([I32])],
  [`${FUZZING}.log-i64`, type([I64])],
  [`${FUZZING}.log-f32`, type([F32])],
  [`${FUZZING}.log-f64`, type([F64])],
  [`${FUZZING}.log-v128`, type([V128])],
  [`${FUZZING}.call-export`, type([I32, I32])],
  [`${FUZZING}.call-export-catch`, type([I32], [I32])],
  [`${FUZZING}.sleep`, type([I32, I32], [I32])],
]);

/** No value depends on a NaN's bits, and nothing beyond what the sandbox knows. */
const FLAGS = [
  "-ttf",
  "--denan",
  "--mvp-features",
  "--enable-simd",
  "--enable-bulk-memory",
  "--enable-sign-ext",
  "--enable-nontrapping-float-to-int",
];

type Tool = (scope: Record<string, unknown>) => void;

const path = join(root, "node_modules", "binaryen", "bin", "wasm-opt");
let tool: Tool | null = null;
let compiled: WebAssembly.Module | null = null;

/** The tool as a function of what it finds in its surroundings. */
function load(): Tool {
  const source = readFileSync(path, "utf8").replace(/^#![^\n]*/, "");
  const names = "Module, require, process, WebAssembly, __filename, __dirname, module";
  return new Script(`(function ({ ${names} }) {${source}\n})`, { filename: path }).runInThisContext() as Tool;
}

/** Keeps the compiled program; the tool itself asks for bytes and imports each time. */
const webAssembly = {
  ...Object.fromEntries(
    (
      [
        "Module",
        "Instance",
        "Memory",
        "Table",
        "Global",
        "RuntimeError",
        "CompileError",
        "LinkError",
      ] as const
    ).map((name) => [name, WebAssembly[name]]),
  ),
  async instantiate(bytes: BufferSource, imports: WebAssembly.Imports) {
    compiled ??= new WebAssembly.Module(bytes);
    return { module: compiled, instance: new WebAssembly.Instance(compiled, imports) };
  },
};

let runs = 0;

/** The module that the generator makes of these bytes. */
export async function binaryenModule(input: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  tool ??= load();
  const name = join(tmpdir(), `belljar-generated-${process.pid}-${runs++}`);
  const output = `${name}.wasm`;
  const said: string[] = [];
  writeFileSync(name, input);
  try {
    await new Promise<void>((resolve, reject) => {
      const Module: Record<string, unknown> = {
        print: (text: string) => said.push(text),
        printErr: (text: string) => said.push(text),
        postRun: resolve,
        onExit: (code: number) => (code === 0 ? resolve() : reject(new Error(said.join("\n")))),
        onAbort: (why: unknown) => reject(new Error(`${why}`)),
      };
      if (compiled !== null) {
        const program = compiled;
        Module.instantiateWasm = (
          imports: WebAssembly.Imports,
          receive: (made: WebAssembly.Instance) => void,
        ) => receive(new WebAssembly.Instance(program, imports));
      }
      const surroundings = { argv: [process.argv[0], path, name, ...FLAGS, "-o", output] };
      (tool as Tool)({
        Module,
        require: createRequire(import.meta.url),
        // its own: it would set the exit code of this one
        process: Object.create(process, {
          argv: { value: surroundings.argv },
          exitCode: { value: 0, writable: true },
          on: { value: () => {} },
        }),
        WebAssembly: webAssembly,
        __filename: path,
        __dirname: join(path, ".."),
        module: { exports: {} },
      });
    });
    return new Uint8Array(readFileSync(output));
  } finally {
    rmSync(name, { force: true });
    rmSync(output, { force: true });
  }
}
