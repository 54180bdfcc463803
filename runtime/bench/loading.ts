// What it takes to have a plugin ready: vetting, rewriting, compiling, an instance; and what it takes in memory.

import { setFlagsFromString } from "node:v8";
import { Processor, type Setup } from "../engine/processor.ts";
import { compileLimits } from "../registry/compile.ts";
import { CompileChild } from "../registry/compile-process.ts";
import { type Limits, PluginType } from "../sandbox/index.ts";
import { completeLimits } from "../sandbox/limits.ts";
import { rewriteModule } from "../sandbox/rewrite.ts";
import { checkContract, vetModule } from "../sandbox/vet.ts";
import { median } from "./statistics.ts";

/** Milliseconds, medians of a few times. */
export interface Loading {
  vet: number;
  rewrite: number;
  /** A process for compiling begins. */
  start: number;
  /** Compiling there, under limits: what the first load of a module in an installation takes longer. */
  trial: number;
  /** Compiling in the process that plays it. */
  compile: number;
  /** A first instance, asked for its descriptor, which is checked. */
  describe: number;
  instantiate: number;
  /** Configuring, activating, setting values. */
  activate: number;
}

export interface Size {
  /** The module, and as it is compiled, with its meter. */
  bytes: number;
  rewrittenBytes: number;
  functions: number;
  /** Bytes of linear memory: as the module declares it, and of an instance that is ready to play. */
  initial: number;
  active: number;
}

const TIMES = 5;
const TRIALS = 2;
const PAGE = 65_536;

export async function measureLoading(
  bytes: Uint8Array<ArrayBuffer>,
  setup: Setup,
  changed: Partial<Limits>,
): Promise<{ loading: Loading; size: Size }> {
  const limits = completeLimits(changed);
  const timed = <T>(into: number[], act: () => T): T => {
    const began = performance.now();
    const result = act();
    into.push(performance.now() - began);
    return result;
  };
  const vets: number[] = [];
  const rewrites: number[] = [];
  const compiles: number[] = [];
  const describes: number[] = [];
  const instances: number[] = [];
  const activations: number[] = [];
  let type: PluginType | null = null;
  let active = 0;
  let rewrittenBytes: Uint8Array<ArrayBuffer> = bytes;
  for (let time = 0; time < TIMES; time++) {
    const { module, codes } = timed(vets, () => {
      const vetted = vetModule(bytes, limits);
      checkContract(vetted.module);
      return vetted;
    });
    const rewritten = timed(rewrites, () => rewriteModule(module, codes, limits));
    rewrittenBytes = rewritten.bytes;
    // V8 gives what it has compiled before, as long as it is the same to the last byte.
    const fresh = marked(rewritten.bytes);
    setFlagsFromString("--no-wasm-lazy-compilation");
    const compiled = timed(compiles, () => new WebAssembly.Module(fresh));
    let inCompile = 0;
    const began = performance.now();
    type = await PluginType.load(bytes, {
      limits,
      compile: async () => {
        inCompile = performance.now();
        return compiled;
      },
    });
    // What load does after it has compiled.
    describes.push(performance.now() - Math.max(began, inCompile));
    const made = type;
    const instance = timed(instances, () => made.instantiate());
    timed(activations, () => new Processor(instance, setup));
    active = instance.share().memory.buffer.byteLength;
  }
  const { facts } = type as PluginType;
  const { start, trial } = await measureTrial(rewrittenBytes, limits);
  return {
    loading: {
      vet: median(vets),
      rewrite: median(rewrites),
      start,
      trial,
      compile: median(compiles),
      describe: median(describes),
      instantiate: median(instances),
      activate: median(activations),
    },
    size: {
      bytes: facts.bytes,
      rewrittenBytes: rewrittenBytes.length,
      functions: facts.functions,
      initial: facts.memory.initial * PAGE,
      active,
    },
  };
}

/** The compiling process, asked past the memory of what passed before. */
async function measureTrial(
  bytes: Uint8Array<ArrayBuffer>,
  limits: Limits,
): Promise<{ start: number; trial: number }> {
  const child = new CompileChild();
  const times: number[] = [];
  for (let time = 0; time <= TRIALS; time++) {
    const began = performance.now();
    const verdict = await child.compile(marked(bytes), compileLimits(limits));
    if (verdict.kind !== "compiled") return { start: Number.NaN, trial: Number.NaN };
    times.push(performance.now() - began);
  }
  const [first = 0, ...later] = times;
  const trial = median(later);
  return { start: Math.max(0, first - trial), trial };
}

let marks = 0;

/** The same module with a custom section of its own at its end, which means nothing. */
function marked(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const mark = marks++;
  const result = new Uint8Array(bytes.length + 6);
  result.set(bytes);
  result.set([0, 4, 1, 0x6d, mark & 255, mark >> 8], bytes.length);
  return result;
}
