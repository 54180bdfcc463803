// Runs a module under the meter with nothing else of the sandbox around it, beside the original.

import type { Code } from "../../runtime/sandbox/body.ts";
import { DEFAULT_LIMITS } from "../../runtime/sandbox/limits.ts";
import { SLICE, slicesOwed, STACK_OVERFLOW } from "../../runtime/sandbox/meter.ts";
import { rewriteModule } from "../../runtime/sandbox/rewrite.ts";
import { vetModule } from "../../runtime/sandbox/vet.ts";

export type Exports = Record<string, (...args: (number | bigint)[]) => number>;

export interface Metered {
  exports: Exports;
  memory: WebAssembly.Memory;
  lanes: number;
  codes: Code[];
  /** Begins a call with a budget. */
  begin(units: number, control?: boolean): void;
  /** Units since begin. */
  used(): number;
  /** How often the host was asked. */
  ticks: number;
  /** Units that it hands out at once. */
  slice: number;
  /** Called each time with the units that were charged so far. */
  onTick?: (charged: number) => void;
}

export class OutOfUnits extends Error {}
export class OutOfStack extends Error {}

/** The rewritten form of `bytes`, booted. */
export function metered(bytes: Uint8Array<ArrayBuffer>): Metered {
  const { module, codes } = vetModule(bytes, DEFAULT_LIMITS);
  const rewritten = rewriteModule(module, codes, DEFAULT_LIMITS);
  const memory = new WebAssembly.Memory({ ...rewritten.memory, shared: true });
  let granted = 0;
  let budget = 0;
  const tick = (fuel: number): number => {
    result.ticks++;
    result.onTick?.(granted - fuel);
    if (fuel === STACK_OVERFLOW) throw new OutOfStack();
    if (granted - fuel > budget) throw new OutOfUnits();
    const units = slicesOwed(fuel) * result.slice;
    granted += units;
    return fuel + units;
  };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(rewritten.bytes), { $: { memory, tick } });
  const exports = instance.exports as unknown as Exports;
  const result: Metered = {
    exports,
    memory,
    lanes: rewritten.lanes,
    codes,
    ticks: 0,
    slice: SLICE,
    begin(units, control = false) {
      granted = result.slice;
      budget = units;
      exports.$fuel?.(granted, control ? 1 : 0);
    },
    used: () => granted - (exports.$fuel?.(0, 0) as number),
  };
  result.begin(1e9, true);
  exports.$boot?.();
  return result;
}

/** The module as it is. */
export function original(bytes: Uint8Array<ArrayBuffer>): { exports: Exports; memory: WebAssembly.Memory } {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {});
  return {
    exports: instance.exports as unknown as Exports,
    memory: instance.exports.memory as WebAssembly.Memory,
  };
}
