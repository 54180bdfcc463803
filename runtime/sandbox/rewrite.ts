// The rewrite: a vetted module in the one form that the runtime runs. Its memory is imported, shared and
// bounded; its data segments wait for $boot; it counts its work; and it has a few exports more, all of them
// named with a `$`.

import { type Code, VOID_BLOCK } from "./body.ts";
import { Writer } from "./bytes.ts";
import { findRecursion, signature } from "./call-stack.ts";
import {
  bootBody,
  chargeBody,
  copyBody,
  fillBody,
  fuelBody,
  goneBody,
  growBody,
  hostCallBody,
  initBody,
  laneGetBody,
  laneSetBody,
  lanesOf,
  type MovedBytes,
  sealBody,
} from "./injected.ts";
import { type Limits, within } from "./limits.ts";
import { type DataSegment, type FunctionType, FUNCREF, I32, Kind, type Module } from "./module.ts";
import { lightWeight, type MeterContext, meterBody } from "./meter.ts";

/** Changes whenever the same module would be rewritten to other bytes. */
export const REWRITER_VERSION = 5;

export interface Rewritten {
  bytes: Uint8Array<ArrayBuffer>;
  /** How many 32-bit lanes $lane_get and $lane_set know. */
  lanes: number;
  /** Pages that the memory must have at first, and may have at most. */
  memory: { initial: number; maximum: number };
  /** By index in the rewritten module: the name of each of the plugin's own functions, for faults. Others have "". */
  functionNames: string[];
}

/** Fuel, control mode and stack: globals that stand behind the module's own. */
const OWN_GLOBALS = 3;

const MOVED_BYTES = new Map<string, MovedBytes>([
  ["host_log", { said: 2, atOnce: false }],
  ["host_emit_event", { said: 1, atOnce: false }],
  ["host_control", { said: 1, atOnce: false }],
  ["host_poll_event", { said: "result", atOnce: false }],
  ["host_read", { said: 3, atOnce: true }],
]);

/** Rewrites a vetted module. `codes` are its decoded bodies. */
export function rewriteModule(module: Module, codes: Code[], limits: Limits): Rewritten {
  const recursive = findRecursion(module, codes, limits);
  const imported = module.importedFunctions;
  const defined = module.bodies.length;
  const tick = imported;
  const fuelGlobal = module.globals.length;
  const controlGlobal = fuelGlobal + 1;
  const stackGlobal = fuelGlobal + 2;

  const types: FunctionType[] = [...module.types];
  const known = new Map(types.map((type, index) => [signature(type), index]));
  const typeOf = (params: number[], results: number[]): number => {
    const wanted = signature({ params, results });
    const index = known.get(wanted) ?? types.push({ params, results }) - 1;
    known.set(wanted, index);
    return index;
  };

  // Functions that stand behind the module's own.
  const addedTypes: number[] = [];
  const addedBodies: Writer[] = [];
  const add = (params: number[], results: number[], body: Writer): number => {
    addedTypes.push(typeOf(params, results));
    return imported + 1 + defined + addedBodies.push(body) - 1;
  };
  const charge = add([I32], [], chargeBody(fuelGlobal, tick));
  const copy = add([I32, I32, I32], [], copyBody(charge));
  const fill = add([I32, I32, I32], [], fillBody(charge));
  const grow = add([I32], [I32], growBody(controlGlobal, charge));
  const hostCalls = module.imports.map(({ name, type }, index) => {
    const { params, results } = module.types[type] as FunctionType;
    return add(params, results, hostCallBody(index, params.length, MOVED_BYTES.get(name) ?? null, charge));
  });
  // Every segment is passive here, so which of them are gone is kept in globals, which an attached instance takes over.
  const droppedGlobals = new Map<number, number>();
  for (const code of codes) {
    for (const segment of code.droppedSegments) {
      if (module.data[segment]?.offset !== null || droppedGlobals.has(segment)) continue;
      droppedGlobals.set(segment, fuelGlobal + OWN_GLOBALS + droppedGlobals.size);
    }
  }
  const inits = new Map<number, number>();
  for (const code of codes) {
    for (const segment of code.initSegments) {
      if (inits.has(segment)) continue;
      const { offset, bytes } = module.data[segment] as DataSegment;
      const body =
        offset !== null ? goneBody() : initBody(segment, bytes.length, charge, droppedGlobals.get(segment));
      inits.set(segment, add([I32, I32, I32], [], body));
    }
  }
  const functionIndex = (index: number): number =>
    index < imported ? (hostCalls[index] as number) : index + 1;
  const boot = add([], [], bootBody(module, module.start === null ? null : functionIndex(module.start)));
  const flags = [...droppedGlobals.values()].map((global) => ({ global, type: I32, part: 0 }));
  const lanes = [...lanesOf(module.globals), ...flags];
  const own: [string, number][] = [
    ["$boot", boot],
    ["$fuel", add([I32, I32], [I32], fuelBody(fuelGlobal, controlGlobal, stackGlobal, limits.stackBytes))],
    ["$lane_get", add([I32], [I32], laneGetBody(lanes))],
    ["$lane_set", add([I32, I32], [], laneSetBody(lanes))],
    ["$seal", add([I32, I32], [I32], sealBody())],
  ];

  const light = codes.map(lightWeight);
  const context: MeterContext = {
    module,
    functionIndex,
    lightWeight: (index) => light[index - imported] ?? -1,
    resultType: (results) =>
      results.length === 0
        ? VOID_BLOCK
        : results.length === 1
          ? (results[0] as number) - 128
          : typeOf([], results),
    tick,
    copy,
    fill,
    grow,
    init: (segment) => inits.get(segment) as number,
    dropped: (segment) => droppedGlobals.get(segment),
    fuelGlobal,
    stackGlobal,
  };
  let rewritten = module.bytes.length;
  const bodies = codes.map((code, i) => {
    const body = meterBody(context, i, code, recursive[i] as boolean);
    rewritten += body.length - (code.end[code.end.length - 1] as number) + (code.at[0] as number);
    within(limits, "rewrittenBytes", rewritten, "bytes after the rewrite");
    return body;
  });

  const memory = {
    initial: module.memory?.initial ?? 0,
    maximum: Math.min(module.memory?.maximum ?? limits.memoryPages, limits.memoryPages),
  };
  const tickType = typeOf([I32], [I32]);
  const out = new Writer(module.bytes.length * 2);
  out.put(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  out.section(1, typeSection(types));
  out.section(2, importSection(module, tickType, memory));
  out.section(
    3,
    vector([...module.functions.slice(imported), ...addedTypes], (w, type) => w.u32(type)),
  );
  if (module.tables.length > 0) {
    out.section(
      4,
      vector(module.tables, (w, { minimum, maximum }) => {
        w.u8(FUNCREF)
          .u8(maximum === null ? 0 : 1)
          .u32(minimum);
        if (maximum !== null) w.u32(maximum);
      }),
    );
  }
  const globals = new Writer();
  const added = OWN_GLOBALS + droppedGlobals.size;
  globals.u32(module.globals.length + added);
  for (const { type, mutable, init } of module.globals)
    globals
      .u8(type)
      .u8(mutable ? 1 : 0)
      .raw(init);
  for (let i = 0; i < added; i++) globals.put(I32, 1, 0x41, 0, 0x0b);
  out.section(6, globals);
  const kept = module.exports.filter(({ kind }) => kind === Kind.Function);
  const exported = new Writer();
  exported.u32(kept.length + own.length);
  for (const { name, index } of kept) exported.name(name).u8(Kind.Function).u32(functionIndex(index));
  for (const [name, index] of own) exported.name(name).u8(Kind.Function).u32(index);
  out.section(7, exported);
  if (module.elements.length > 0) {
    out.section(
      9,
      vector(module.elements, (w, { table, offset, functions }) => {
        w.u32(6).u32(table).u8(0x41).s32(offset).u8(0x0b).u8(FUNCREF).u32(functions.length);
        for (const index of functions) {
          if (index < 0) w.put(0xd0, FUNCREF, 0x0b);
          else w.u8(0xd2).u32(functionIndex(index)).u8(0x0b);
        }
      }),
    );
  }
  if (module.data.length > 0) out.section(12, new Writer().u32(module.data.length));
  out.section(
    10,
    vector([...bodies, ...addedBodies], (w, body) => w.sized(body)),
  );
  if (module.data.length > 0) {
    out.section(
      11,
      vector(module.data, (w, { bytes }) => w.u8(1).u32(bytes.length).raw(bytes)),
    );
  }

  const exportNames = new Map(kept.map(({ name, index }) => [index, name]));
  return {
    bytes: out.finish(),
    lanes: lanes.length,
    memory,
    functionNames: Array.from({ length: imported + 1 + defined }, (_, index) => {
      const original = index - 1;
      if (index <= imported) return "";
      return module.names.get(original) ?? exportNames.get(original) ?? `function ${original}`;
    }),
  };
}

function vector<T>(items: T[], write: (w: Writer, item: T) => void): Writer {
  const w = new Writer();
  w.u32(items.length);
  for (const item of items) write(w, item);
  return w;
}

function typeSection(types: FunctionType[]): Writer {
  return vector(types, (w, { params, results }) => {
    w.u8(0x60).u32(params.length);
    for (const type of params) w.u8(type);
    w.u32(results.length);
    for (const type of results) w.u8(type);
  });
}

function importSection(
  module: Module,
  tickType: number,
  memory: { initial: number; maximum: number },
): Writer {
  const w = new Writer();
  w.u32(module.imports.length + 2);
  for (const { module: from, name, type } of module.imports)
    w.name(from).name(name).u8(Kind.Function).u32(type);
  w.name("$").name("tick").u8(Kind.Function).u32(tickType);
  w.name("$").name("memory").u8(Kind.Memory).u8(3).u32(memory.initial).u32(memory.maximum);
  return w;
}
