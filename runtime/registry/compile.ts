// Compiling a stranger's module. A valid module of a few KiB can cost V8 a minute and gigabytes, in threads that nothing
// can stop but the end of their process. So a child process compiles it first, all of it, optimised, under limits.

import { setFlagsFromString } from "node:v8";
import { BelljarError } from "../../abi/error.ts";
import { DEFAULT_LIMITS, limitHint, type Limits } from "../sandbox/index.ts";
import { CompileChild } from "./compile-process.ts";
import { type CompileLimits, isKnown, remember, verdictKey } from "./verdicts.ts";

/**
 * Figures: real DSP takes about 1 ms of processor time a KiB (5 KiB of kernels: 1.5 to 10 ms), bombs 60 to 200 ms a
 * KiB. Processor time is what counts, since on a busy machine the clock says nothing about the module; the clock
 * alone stops a compilation that gets no processor at all. The rewritten module's size is what counts, which a hostile
 * module can make larger than its own: so there is a most.
 */
export function compileLimits({ compileSeconds, compileMemory }: Limits): CompileLimits {
  const most = compileSeconds * 1_000;
  return { base: 500, perKiB: 5, most, wall: Math.max(60_000, 3 * most), memory: compileMemory };
}

export const COMPILE_LIMITS: CompileLimits = compileLimits(DEFAULT_LIMITS);

const TOO_COMPLEX = "One of its functions is far too complex for its size; build it in smaller functions.";

const child = new CompileChild();

/**
 * Compiles a vetted module in the child process, and if that went well, in this one.
 * @throws BelljarError module/compile-time, module/compile-memory, module/invalid, build/compiler
 */
export const compileInChild = async (
  bytes: Uint8Array<ArrayBuffer>,
  limits: Limits = DEFAULT_LIMITS,
): Promise<WebAssembly.Module> => {
  await tryInChild(bytes, compileLimits(limits));
  // All of it now: a function that V8 compiles at its first call takes that time from a block, where no unit counts it.
  // Not WebAssembly.compile: what waits for that alone does not keep every version of Node from ending.
  setFlagsFromString("--no-wasm-lazy-compilation");
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    setFlagsFromString("--wasm-lazy-compilation");
  }
};

/** The child's part alone. What passed is remembered, and not tried again. */
export async function tryInChild(bytes: Uint8Array<ArrayBuffer>, limits = COMPILE_LIMITS): Promise<void> {
  const key = verdictKey(bytes, limits);
  if (isKnown(key)) return;
  const verdict = await child.compile(bytes, limits);
  switch (verdict.kind) {
    case "compiled":
      remember(key);
      return;
    case "time":
      throw new BelljarError(
        "module/compile-time",
        `The module takes too long to compile: more than ${Math.round(verdict.allowed)} ms of processor time (compileSeconds).`,
        verdict.allowed < limits.most ? TOO_COMPLEX : `${TOO_COMPLEX} ${limitHint("compileSeconds")}`,
      );
    case "wall":
      throw new BelljarError(
        "module/compile-time",
        `The module did not compile within ${limits.wall / 1000} s.`,
        "If this machine is very busy, try again later.",
      );
    case "memory":
      throw new BelljarError(
        "module/compile-memory",
        `The module needs more than ${Math.round(limits.memory / 2 ** 20)} MiB of memory to compile (compileMemory).`,
        `${TOO_COMPLEX} ${limitHint("compileMemory")}`,
      );
    case "invalid":
      throw new BelljarError("module/invalid", `The module is not valid: ${verdict.message}.`);
    case "broken":
      throw new BelljarError("build/compiler", `The compiling process did not work: ${verdict.message}.`);
  }
}
