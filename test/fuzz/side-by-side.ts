// Runs the rewritten form of a module and the original in step, and compares all that can be seen: results, traps,
// calls of host functions, memory, globals; and what is charged with what is executed. Now and then another instance
// of the rewritten form goes on, as another thread would. Whether a call ends is asked of the rewritten form alone,
// which has a budget: the original would go on for ever.

import { SLICE, slicesOwed, STACK_OVERFLOW } from "../../runtime/sandbox/meter.ts";
import {
  F32,
  F64,
  type FunctionType,
  I32,
  I64,
  Kind,
  type Module,
  V128,
} from "../../runtime/sandbox/module.ts";
import type { Rewritten } from "../../runtime/sandbox/rewrite.ts";
import type { Random } from "./random.ts";

/** The two forms differ. */
export class Difference extends Error {}
/** The rewritten form was stopped: it can't be compared any further. */
class Stopped extends Error {}

type Call = (...args: unknown[]) => unknown;
/** What host functions do: the same on both sides. `memory` is null while the original starts. */
export type Host = (
  name: string,
  args: unknown[],
  memory: WebAssembly.Memory | null,
  calls: number,
) => unknown;

interface Side {
  functions: Record<string, Call>;
  memory: WebAssembly.Memory | null;
  /** Units of the instructions that ran, where they are counted. */
  executed: { value: bigint } | null;
  log: string[];
}

export interface Compared {
  /** Calls that ended on both sides and were compared. */
  calls: number;
  /** How many of them trapped. */
  traps: number;
  /** False where the budget ended it. */
  whole: boolean;
  /** Units of the whole run, which no machine changes. */
  units: number;
}

export interface Options {
  /** Units of one call. */
  budget?: number;
  /** Most calls of one export. */
  calls?: number;
  host?: Host;
}

const MOST_LOG = 20_000;

/** A host that answers with numbers and bytes that depend on nothing but what it was asked. */
export const deterministicHost: Host = (name, args, memory, calls) => {
  const [at, length] = args.map((arg) => Number(arg) >>> 0);
  if (memory === null || !/poll_event|read/.test(name)) return calls % 3;
  const count = Math.min(length, (calls * 7) % 23);
  const bytes = new Uint8Array(memory.buffer);
  if (at + count > bytes.length) return -1;
  for (let i = 0; i < count; i++) bytes[at + i] = calls + i;
  return count;
};

function importsOf(module: Module, side: Side, host: Host): Record<string, Record<string, Call>> {
  const imports: Record<string, Record<string, Call>> = {};
  for (const { module: from, name } of module.imports) {
    imports[from] ??= {};
    imports[from][name] = (...args) => {
      side.log.push(`${name}(${args.map(shown).join()})`);
      if (side.log.length > MOST_LOG) throw new Stopped();
      return host(name, args, side.memory, side.log.length);
    };
  }
  return imports;
}

const shown = (value: unknown): string => (Object.is(value, -0) ? "-0" : `${value}`);

/** What a call came to: its result or its trap. */
function outcome(act: () => unknown): string {
  try {
    const result = act();
    return Array.isArray(result) ? result.map(shown).join() : shown(result);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return `trap: ${error.message}`;
    if (error instanceof TypeError) return `trap: ${error.message}`; // a v128 for a host function
    if (error instanceof RangeError) throw new Stopped(); // V8's own stack
    throw error;
  }
}

/** Throws Difference where they differ. `original` is the module that was rewritten, made observable. */
export function runSideBySide(
  module: Module,
  rewritten: Rewritten,
  original: Uint8Array<ArrayBuffer>,
  random: Random,
  { budget = 20_000_000, calls = 3, host = deterministicHost }: Options = {},
): Compared {
  const memory = new WebAssembly.Memory({ ...rewritten.memory, shared: true });
  const after: Side = { functions: {}, memory, executed: null, log: [] };
  const before: Side = { functions: {}, memory: null, executed: null, log: [] };
  const result: Compared = { calls: 0, traps: 0, whole: true, units: 0 };
  let granted = 0;
  const tick = (fuel: number): number => {
    if (fuel === STACK_OVERFLOW || granted - fuel > budget) throw new Stopped();
    const units = slicesOwed(fuel) * SLICE;
    granted += units;
    return fuel + units;
  };
  /** A call of the rewritten form, in a call of its own. */
  const metered = (name: string, args: unknown[]): unknown => {
    granted = SLICE;
    after.functions.$fuel(SLICE, 1);
    return after.functions[name](...args);
  };
  const charged = (what: string, units: number): void => {
    result.units += units;
    const executed = Number(before.executed?.value ?? 0n);
    if (units < executed)
      throw new Difference(`${what} is charged ${units} units, and executes ${executed}.`);
  };
  const compare = (what: string, one: () => unknown, other: () => unknown): boolean => {
    const is = outcome(one);
    const was = outcome(other);
    if (is !== was) throw new Difference(`${what} gives ${is}; the original gives ${was}.`);
    if (after.log.join("\n") !== before.log.join("\n")) {
      throw new Difference(`${what} makes other calls of host functions than the original.`);
    }
    after.log.length = before.log.length = 0;
    if (before.memory !== null) sameMemory(what, memory, before.memory);
    result.calls++;
    if (is.startsWith("trap")) result.traps++;
    else charged(what, granted - Number(after.functions.$fuel(0, 0)));
    return !is.startsWith("trap");
  };

  try {
    const form = new WebAssembly.Module(rewritten.bytes);
    const instantiate = (): Record<string, Call> => {
      const imports = { ...importsOf(module, after, host), $: { memory, tick } };
      return new WebAssembly.Instance(form, imports as WebAssembly.Imports).exports as unknown as Record<
        string,
        Call
      >;
    };
    /** Another instance on the same memory goes on, as another thread would. */
    const attach = (): void => {
      const next = instantiate();
      for (let lane = 0; lane < rewritten.lanes; lane++)
        next.$lane_set(lane, after.functions.$lane_get(lane));
      after.functions = next;
    };
    after.functions = instantiate();
    const untouched = new WebAssembly.Module(original);
    const startOriginal = (): void => {
      const instance = new WebAssembly.Instance(
        untouched,
        importsOf(module, before, host) as WebAssembly.Imports,
      );
      before.functions = instance.exports as unknown as Record<string, Call>;
      before.memory = instance.exports.$memory as WebAssembly.Memory;
      before.executed = (instance.exports.$executed as WebAssembly.Global | undefined) ?? null;
    };
    // The host's functions have no memory to write to while the original starts, so they get none on this side.
    after.memory = null;
    if (!compare("the start", () => metered("$boot", []), startOriginal)) return result;
    after.memory = memory;
    sameGlobals("the start", module, after, before);
    for (const { name, kind, index } of module.exports) {
      if (kind !== Kind.Function) continue;
      const type = module.types[module.functions[index]];
      if ([...type.params, ...type.results].includes(V128)) continue; // JavaScript can't call it
      if (random.chance(0.15)) attach();
      for (let n = type.params.length === 0 ? 1 : calls; n > 0; n--) {
        const args = argumentsFor(type, random, n);
        const what = `${name}(${args.map(shown).join()})`;
        compare(
          what,
          () => metered(name, args),
          () => {
            if (before.executed !== null) before.executed.value = 0n;
            return before.functions[name](...args);
          },
        );
        sameGlobals(what, module, after, before);
      }
    }
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    result.whole = false;
  }
  return result;
}

function argumentsFor({ params }: FunctionType, random: Random, n: number): unknown[] {
  const floats = [0, -0, 1, -1, 0.5, 1e10, -3e38, Number.NaN, 1 / 0, 2 ** -140];
  return params.map((type) => {
    const value = n === 1 ? 0 : random.i32();
    if (type === I32) return value;
    if (type === I64) return BigInt(value) * (random.chance(0.3) ? 0x1_0000_0001n : 1n);
    if (type === F32 || type === F64) return random.pick(floats);
    throw new Error("an argument that JavaScript can't make");
  });
}

function sameMemory(what: string, is: WebAssembly.Memory, was: WebAssembly.Memory): void {
  const [one, other] = [Buffer.from(is.buffer as ArrayBuffer), Buffer.from(was.buffer)];
  if (one.length !== other.length) {
    throw new Difference(
      `${what} leaves ${one.length >> 16} pages of memory; the original ${other.length >> 16}.`,
    );
  }
  if (one.equals(other)) return;
  const at = one.findIndex((byte, i) => byte !== other[i]);
  throw new Difference(`${what} leaves ${one[at]} in memory at ${at}; the original ${other[at]}.`);
}

const MOST_LANES = 64;

function sameGlobals(what: string, module: Module, after: Side, before: Side): void {
  let lane = 0;
  module.globals.forEach(({ type, mutable }, index) => {
    const width = !mutable ? 0 : type === I32 || type === F32 ? 1 : type === V128 ? 4 : 2;
    for (let part = 0; part < width && lane < MOST_LANES; part++, lane++) {
      const is = after.functions.$lane_get(lane);
      const was = before.functions.$lane(lane);
      if (is !== was) {
        throw new Difference(`${what} leaves ${is} in global ${index}, part ${part}; the original ${was}.`);
      }
    }
  });
}
