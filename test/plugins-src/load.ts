// The built-in plugins as a host has them: compiled from source, vetted, metered.
import { join } from "node:path";
import { compilePlugin } from "../../runtime/cli/authoring/compile.ts";
import { Plugin, type Processor, type Setup } from "../../runtime/engine/processor.ts";
import { PluginType } from "../../runtime/sandbox/index.ts";
import { root } from "../root.ts";

const loaded = new Map<string, Promise<Plugin>>();

export function load(name: string): Promise<Plugin> {
  let plugin = loaded.get(name);
  if (plugin === undefined) {
    plugin = compilePlugin(join(root, "plugins-src", `${name}.ts`))
      .then(({ wasm }) => PluginType.load(wasm))
      .then((type) => new Plugin(type));
    loaded.set(name, plugin);
  }
  return plugin;
}

export const RATE = 48000;
export const FRAMES = 128;

/** An instance with a setup, at 48 kHz in blocks of 128 unless told. */
export async function instance(name: string, setup: Setup = {}): Promise<Processor> {
  return (await load(name)).instantiate({ rate: RATE, maxFrames: FRAMES, ...setup });
}

/** The outputs of so many frames. `before` is called with the first frame of each block, to write inputs and events. */
export function render(
  processor: Processor,
  frames: number,
  before: (frame: number, count: number) => void = () => {},
): { left: Float32Array; right: Float32Array } {
  const left = new Float32Array(frames);
  const right = new Float32Array(frames);
  for (let at = 0; at < frames; at += processor.maxFrames) {
    const count = Math.min(processor.maxFrames, frames - at);
    before(at, count);
    if (!processor.process(count)) throw new Error(processor.fault?.message);
    left.set(processor.output().left.subarray(0, count), at);
    right.set(processor.output().right.subarray(0, count), at);
  }
  return { left, right };
}

/** Plays two channels into the first input and renders as many frames. */
export function play(processor: Processor, inLeft: Float32Array, inRight: Float32Array = inLeft) {
  return render(processor, inLeft.length, (at, count) => {
    processor.input().left.set(inLeft.subarray(at, at + count));
    processor.input().right.set(inRight.subarray(at, at + count));
  });
}

/** How strong a frequency is in `samples`: one bin of a Fourier transform under a Hann window, 1 for a full sine. */
export function strength(samples: Float32Array, hz: number): number {
  let re = 0;
  let im = 0;
  samples.forEach((sample, i) => {
    const angle = (2 * Math.PI * hz * i) / RATE;
    const weighed = sample * (1 - Math.cos((2 * Math.PI * (i + 0.5)) / samples.length));
    re += weighed * Math.cos(angle);
    im += weighed * Math.sin(angle);
  });
  return (2 * Math.hypot(re, im)) / samples.length;
}
