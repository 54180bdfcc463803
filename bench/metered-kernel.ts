// A kernel under the meter, called as PluginInstance calls a plugin's process, with nothing else of an instance.

import { DEFAULT_LIMITS } from "../runtime/sandbox/limits.ts";
import { Calls } from "../runtime/sandbox/calls.ts";
import { Stop } from "../runtime/sandbox/fault.ts";
import { HostCalls } from "../runtime/sandbox/host-calls.ts";
import type { PluginType } from "../runtime/sandbox/plugin-type.ts";
import { type Rewritten, rewriteModule } from "../runtime/sandbox/rewrite.ts";
import { vetModule } from "../runtime/sandbox/vet.ts";
import type { KernelExports } from "./kernels.ts";

export interface Playing {
  memory: WebAssembly.Memory;
  exports: KernelExports;
  /** Renders `blocks` blocks. */
  run(blocks: number): void;
}

export interface Metered extends Playing {
  /** Renders one block without a deadline; its units. */
  units(): number;
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

export function rewriteKernel(bytes: Uint8Array<ArrayBuffer>): Rewritten {
  const { module, codes } = vetModule(bytes, DEFAULT_LIMITS);
  return rewriteModule(module, codes, DEFAULT_LIMITS);
}

const now = (): number => performance.now();

/** Milliseconds that a block may take; a block that the machine interrupts for longer is stopped, like a plugin's. */
const DEADLINE = 1;

/** A rewritten module on shared memory, called as PluginInstance calls process: with a budget and a deadline. */
export function playMetered(
  module: WebAssembly.Module,
  rewritten: Pick<Rewritten, "memory">,
  frames: number,
): Metered {
  const memory = new WebAssembly.Memory({ ...rewritten.memory, shared: true });
  const type = { module, rewritten, limits: DEFAULT_LIMITS } as unknown as PluginType;
  const calls = new Calls(type, memory, new HostCalls(memory), now);
  const exports = { ...calls.functions, memory } as unknown as KernelExports;
  calls.control("start", "$boot");
  calls.control("setup", "setup");
  calls.unitBudget = DEFAULT_LIMITS.blockUnits;
  calls.deadline = DEADLINE;
  const block = `
    calls.begin();
    try { process(frames); } catch (error) { interrupted(error); }
    calls.finish();`;
  const interrupted = (error: unknown): void => {
    if (!(error instanceof Stop && error.kind === "deadline")) throw error;
  };
  const { process } = exports;
  const scope = { calls, process, frames, interrupted };
  return {
    memory,
    exports,
    run: loop(block, scope),
    units() {
      calls.deadline = Number.POSITIVE_INFINITY;
      calls.begin();
      exports.process(frames);
      calls.finish();
      calls.deadline = DEADLINE;
      return calls.units;
    },
  };
}
