// Vetting: what a module may be. It is taken apart, every instruction is looked at, and whatever is not known
// to be harmless is refused by name. Nothing of it runs.

import { BelljarError, printable } from "../../abi/error.ts";
import { type Code, decodeBody } from "./body.ts";
import { type FunctionType, I32, F64, Kind, type Module, parseModule, refuse } from "./module.ts";
import type { Limits } from "./limits.ts";
import type { ModuleFacts } from "./types.ts";

export interface Vetted {
  module: Module;
  codes: Code[];
  facts: ModuleFacts;
}

const signature = (params: number[], results: number[] = []): FunctionType => ({ params, results });

/** The functions that a plugin may import. */
export const HOST_FUNCTIONS: ReadonlyMap<string, FunctionType> = new Map([
  ["belljar.host_log", signature([I32, I32, I32])],
  ["belljar.host_poll_event", signature([I32, I32], [I32])],
  ["belljar.host_emit_event", signature([I32, I32], [I32])],
  ["belljar.host_control", signature([I32, I32, I32, I32], [I32])],
  ["belljar.host_read", signature([I32, I32, I32, I32], [I32])],
]);

/** The exports of the contract, and whether a plugin must have them. */
export const CONTRACT: ReadonlyMap<string, FunctionType & { required: boolean }> = new Map([
  ["bj_abi", { ...signature([], [I32]), required: true }],
  ["bj_scratch", { ...signature([I32], [I32]), required: true }],
  ["bj_descriptor", { ...signature([], [I32]), required: true }],
  ["bj_error", { ...signature([], [I32]), required: false }],
  ["bj_configure", { ...signature([I32, I32, I32], [I32]), required: false }],
  ["bj_configure_file", { ...signature([I32, I32, I32, I32, I32], [I32]), required: false }],
  ["bj_activate", { ...signature([F64, I32], [I32]), required: true }],
  ["bj_deactivate", { ...signature([]), required: false }],
  ["bj_reset", { ...signature([]), required: false }],
  ["bj_process", { ...signature([I32, I32], [I32]), required: true }],
  ["bj_idle", { ...signature([], [I32]), required: false }],
  ["bj_state_save", { ...signature([], [I32]), required: false }],
  ["bj_state_load", { ...signature([I32, I32], [I32]), required: false }],
  ["bj_graph_get", { ...signature([I32], [I32]), required: false }],
  ["bj_graph_set", { ...signature([I32, I32, I32], [I32]), required: false }],
]);

const TYPE_NAMES = new Map([
  [0x7f, "i32"],
  [0x7e, "i64"],
  [0x7d, "f32"],
  [0x7c, "f64"],
  [0x7b, "v128"],
]);
const list = (types: number[]): string => types.map((type) => TYPE_NAMES.get(type) ?? "reference").join(", ");
const written = ({ params, results }: FunctionType): string =>
  `(${list(params)}) -> ${results.length === 0 ? "nothing" : list(results)}`;
const same = (a: FunctionType, b: FunctionType): boolean =>
  a.params.join() === b.params.join() && a.results.join() === b.results.join();

/**
 * Takes `bytes` apart and refuses what the sandbox does not run: throws BelljarError module/….
 * `imports` are the functions that the module may import.
 */
export function vetModule(bytes: Uint8Array, limits: Limits, imports = HOST_FUNCTIONS): Vetted {
  const module = parseModule(bytes, limits);
  for (const { module: from, name, type } of module.imports) {
    const full = `${from}.${name}`;
    const expected = imports.get(full);
    if (expected === undefined) {
      refuse(
        "import",
        `The module imports "${printable(full)}"; a plugin may import ${[...imports.keys()].join(", ")}, and nothing else.`,
        from === "wasi_snapshot_preview1" ? "Build it freestanding, without WASI." : "",
      );
    }
    const actual = module.types[type] as FunctionType;
    if (!same(actual, expected)) {
      refuse("import", `The module imports ${full} as ${written(actual)}; it is ${written(expected)}.`);
    }
  }
  for (const { name } of module.exports) {
    if (name.startsWith("$") || name === "then") {
      refuse("export", `The module exports "${printable(name)}", a reserved name.`);
    }
  }
  checkPlaces(module);
  const features = new Set<string>();
  const codes = module.bodies.map((_, i) => {
    const code = decodeBody(module, i, limits);
    for (const feature of code.features) features.add(feature);
    return code;
  });
  if (!WebAssembly.validate(bytes as BufferSource))
    refuse("invalid", `The module is not valid WebAssembly: ${reason(bytes)}.`);
  if (module.memory === null) refuse("memories", "The module has no memory of its own.");
  const facts: ModuleFacts = {
    bytes: bytes.length,
    functions: module.bodies.length,
    imports: module.imports.map(({ module: from, name }) => `${from}.${name}`),
    exports: module.exports.map(({ name }) => printable(name)),
    memory: module.memory,
    features: [...features].sort(),
    dataBytes: module.data.reduce((sum, segment) => sum + segment.bytes.length, 0),
    largestBody: module.bodies.reduce((most, { start, end }) => Math.max(most, end - start), 0),
  };
  return { module, codes, facts };
}

/** Segments that are placed at the start must fit: no instance could ever be made. */
function checkPlaces(module: Module): void {
  for (const { table, offset, functions } of module.elements) {
    const { minimum } = module.tables[table] as { minimum: number };
    if (offset + functions.length > minimum) {
      refuse(
        "elements",
        `The module places ${functions.length} functions at ${offset} of a table with ${minimum} entries.`,
      );
    }
  }
  const size = (module.memory?.initial ?? 0) * 65_536;
  for (const { offset, bytes } of module.data) {
    if (offset !== null && offset + bytes.length > size) {
      refuse("data", `The module places ${bytes.length} bytes at ${offset} of a memory with ${size} bytes.`);
    }
  }
}

/** V8's own sentence, without its preamble. */
function reason(bytes: Uint8Array): string {
  try {
    new WebAssembly.Module(bytes as BufferSource);
  } catch (error) {
    return printable(String((error as Error).message).replace(/^WebAssembly\.Module\(\):\s*/, "")).replace(
      /\.$/,
      "",
    );
  }
  return "it is refused by this engine";
}

/** Checks that the module exports the contract's functions with their types. */
export function checkContract(module: Module): void {
  const exported = new Map(module.exports.map((entry) => [entry.name, entry]));
  for (const [name, expected] of CONTRACT) {
    const entry = exported.get(name);
    if (entry === undefined) {
      if (expected.required) {
        throw new BelljarError(
          "module/contract",
          `The module is no Belljar plugin: it does not export ${name}.`,
        );
      }
      continue;
    }
    const type =
      entry.kind === Kind.Function
        ? (module.types[module.functions[entry.index] as number] as FunctionType)
        : null;
    if (type === null || !same(type, expected)) {
      const is = type === null ? "something other than a function" : written(type);
      throw new BelljarError(
        "module/contract",
        `The module exports ${name} as ${is}; it must be ${written(expected)}.`,
      );
    }
  }
}
