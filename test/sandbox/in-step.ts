// The rewritten form of a module and the original, called in step: each call must come to the same result or trap, and
// leave the same memory.

import * as assert from "uvu/assert";
import { type Metered, metered, original } from "./run.ts";

export interface InStep {
  /** Calls both; what it came to: the result as text, or the trap's message. */
  call(name: string, ...args: (number | bigint)[]): string;
  /** The rewritten form, and the memories of both. */
  after: Metered;
  memories: WebAssembly.Memory[];
}

function outcome(call: () => unknown): string {
  try {
    return `${call()}`;
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    return error.message;
  }
}

/** `bytes` must export its memory as "memory". */
export function inStep(bytes: Uint8Array<ArrayBuffer>): InStep {
  const after = metered(bytes);
  const before = original(bytes);
  return {
    after,
    memories: [after.memory, before.memory],
    call(name, ...args) {
      after.begin(1e9, true);
      const is = outcome(() => after.exports[name]?.(...args));
      const was = outcome(() => before.exports[name]?.(...args));
      assert.is(is, was, `${name}(${args})`);
      const memory = Buffer.from(after.memory.buffer as unknown as ArrayBuffer);
      assert.ok(memory.equals(Buffer.from(before.memory.buffer)), `memory after ${name}(${args})`);
      return is;
    },
  };
}
