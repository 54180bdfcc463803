// A kernel under the meter, called as PluginInstance calls a plugin's process, with nothing else of an instance.

import { DEFAULT_LIMITS } from "../runtime/sandbox/limits.ts";
import { SLICE, slicesDue } from "../runtime/sandbox/meter.ts";
import { rewriteModule } from "../runtime/sandbox/rewrite.ts";
import { vetModule } from "../runtime/sandbox/vet.ts";
import type { KernelExports } from "./kernels.ts";

type Call = (...args: number[]) => number;

export interface Playing {
  memory: WebAssembly.Memory;
  exports: KernelExports;
  /** Renders `blocks` blocks. */
  run(blocks: number): void;
}

export interface Metered extends Playing {
  /** Units of one block, and how often it asks the host. */
  cost(): { units: number; ticks: number };
}

/**
 * A loop of calls, from source so that each has call sites of its own: shared ones would see several instances
 * and become slower for all.
 */
function loop(body: string, scope: Record<string, unknown>): (blocks: number) => void {
  const make = new Function(
    ...Object.keys(scope),
    `return function run(blocks) { for (let i = 0; i < blocks; i++) { ${body} } }`,
  );
  return make(...Object.values(scope)) as (blocks: number) => void;
}

/** The module as it is, on its own memory. */
export function playOriginal(module: WebAssembly.Module, frames: number): Playing {
  const exports = new WebAssembly.Instance(module, {}).exports as unknown as KernelExports;
  exports.setup();
  return {
    memory: exports.memory,
    exports,
    run: loop("process(frames)", { process: exports.process, frames }),
  };
}

export function rewriteKernel(bytes: Uint8Array<ArrayBuffer>): {
  bytes: Uint8Array<ArrayBuffer>;
  memory: { initial: number; maximum: number };
} {
  const { module, codes } = vetModule(bytes, DEFAULT_LIMITS);
  return rewriteModule(module, codes, DEFAULT_LIMITS);
}

/** What PluginInstance keeps of a call. */
class Account {
  granted = 0;
  budget = 0;
  endsAt = Number.POSITIVE_INFINITY;
  ticks = 0;
  setFuel: Call = () => 0;

  tick(fuel: number): number {
    if (this.granted >= this.budget) throw new Error("The kernel has no units left.");
    if (this.endsAt !== Number.POSITIVE_INFINITY && performance.now() > this.endsAt) {
      throw new Error("The kernel has no time left.");
    }
    this.ticks++;
    const units = slicesDue(fuel) * SLICE;
    this.granted += units;
    return fuel + units;
  }

  begin(budget: number, milliseconds: number, control: number): void {
    this.budget = budget;
    this.endsAt = performance.now() + milliseconds;
    this.granted = SLICE;
    this.setFuel(SLICE, control);
  }

  finish(): number {
    return this.granted - this.setFuel(0, 0);
  }
}

const DEADLINE = 60_000;

/** A rewritten module, on shared memory. Each block begins with a full slice and has a deadline. */
export function playMetered(
  module: WebAssembly.Module,
  size: { initial: number; maximum: number },
  frames: number,
): Metered {
  const memory = new WebAssembly.Memory({ ...size, shared: true });
  const account = new Account();
  const tick = (fuel: number): number => account.tick(fuel);
  const instance = new WebAssembly.Instance(module, { $: { memory, tick } });
  const calls = instance.exports as unknown as Record<string, Call>;
  const exports = { ...instance.exports, memory } as unknown as KernelExports;
  account.setFuel = calls["$fuel"] as Call;
  account.begin(1e12, DEADLINE, 1);
  calls["$boot"]?.();
  exports.setup();
  account.finish();
  const run = loop(
    "account.begin(20000000, DEADLINE, 0); process(frames); account.units = account.finish();",
    { account, process: exports.process, frames, DEADLINE },
  );
  return {
    memory,
    exports,
    run,
    cost() {
      account.ticks = 0;
      account.begin(20_000_000, DEADLINE, 0);
      exports.process(frames);
      return { units: account.finish(), ticks: account.ticks };
    },
  };
}
