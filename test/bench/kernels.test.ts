// time limit: 300 s
// The measured kernels compute what their names say: each against its definition in plain JavaScript, in doubles.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { BLOCK, type Kernel, type KernelExports, loadKernels } from "../../bench/kernels.ts";
import { playMetered, playOriginal, rewriteKernel } from "../../bench/metered-kernel.ts";

type Stereo = [Float64Array, Float64Array];

const kernels = new Map((await loadKernels()).map((kernel) => [kernel.name, kernel]));
const kernelOf = (name: string): Kernel => kernels.get(name) as Kernel;

/** What a kernel renders from its own input, block by block, and that input. */
function render(kernel: Kernel, blocks: number): { input: Stereo; output: Stereo } {
  const { memory, exports } = playOriginal(new WebAssembly.Module(kernel.bytes), kernel.frames);
  const input: Stereo = [new Float64Array(0), new Float64Array(0)];
  const output: Stereo = [new Float64Array(0), new Float64Array(0)];
  const length = blocks * kernel.frames;
  for (const side of [0, 1] as const) {
    input[side] = new Float64Array(length);
    output[side] = new Float64Array(length);
  }
  for (let block = 0; block < blocks; block++) {
    exports.process(kernel.frames);
    for (const side of [0, 1] as const) {
      const at = block * kernel.frames;
      input[side].set(channel(memory, exports.input(), side, kernel.frames), at);
      output[side].set(channel(memory, exports.output(), side, kernel.frames), at);
    }
  }
  return { input, output };
}

function channel(memory: WebAssembly.Memory, address: number, side: number, frames: number): Float32Array {
  return new Float32Array(memory.buffer, address + side * BLOCK * 4, frames);
}

/** Asserts that two sounds differ by no more than `tolerance` of the louder one's peak, and that there is a sound. */
function agree(actual: Stereo, expected: Stereo, tolerance: number, what: string): void {
  let peak = 0;
  let worst = 0;
  for (const side of [0, 1] as const) {
    actual[side].forEach((sample, i) => {
      const other = expected[side][i] as number;
      peak = Math.max(peak, Math.abs(other));
      worst = Math.max(worst, Math.abs(sample - other));
    });
  }
  assert.ok(peak > 1e-3, `${what} is silent`);
  assert.ok(worst <= tolerance * peak, `${what}: off by ${worst} at a peak of ${peak}`);
}

/** Both variants against the reference, and against each other. */
function both(
  name: string,
  blocks: number,
  tolerance: number,
  reference: (input: Stereo, frames: number) => Stereo,
): void {
  const scalar = render(kernelOf(name), blocks);
  const simd = render(kernelOf(`${name}-simd`), blocks);
  const expected = reference(scalar.input, scalar.output[0].length);
  agree(scalar.output, expected, tolerance, name);
  agree(simd.output, expected, tolerance, `${name}-simd`);
  agree(simd.output, scalar.output, tolerance, `${name}-simd beside ${name}`);
}

const stereo = (frames: number): Stereo => [new Float64Array(frames), new Float64Array(frames)];
const { fround } = Math;

test("the biquads are eight peaking filters in a row", () => {
  both("biquad", 40, 1e-4, (input) => {
    const output: Stereo = [input[0].slice(), input[1].slice()];
    for (let stage = 0; stage < 8; stage++) {
      const w0 = (2 * Math.PI * 100 * 2 ** stage) / 48_000;
      const amplitude = 10 ** ((stage % 2 === 0 ? 6 : -6) / 40);
      const alpha = Math.sin(w0) / 2;
      const a0 = 1 + alpha / amplitude;
      const b0 = fround((1 + alpha * amplitude) / a0);
      const b1 = fround((-2 * Math.cos(w0)) / a0);
      const b2 = fround((1 - alpha * amplitude) / a0);
      const a2 = fround((1 - alpha / amplitude) / a0);
      for (const side of output) {
        // Direct form I: the same filter by another road.
        let [x1, x2, y1, y2] = [0, 0, 0, 0];
        side.forEach((x, i) => {
          const y = b0 * x + b1 * x1 + b2 * x2 - b1 * y1 - a2 * y2;
          [x2, x1, y2, y1] = [x1, x, y1, y];
          side[i] = y;
        });
      }
    }
    return output;
  });
});

/** The sum of the 64 voices, each `wave` of its phase (0 to 1). */
function voices(frames: number, wave: (phase: number) => number): Stereo {
  const output = stereo(frames);
  for (let voice = 0; voice < 64; voice++) {
    for (let i = 0; i < frames; i++) {
      const phase = (voice * 67_108_864 + i * (4_000_000 + voice * 1_000_003)) % 2 ** 32;
      const sample = wave(phase / 2 ** 32);
      (output[0][i] as number) += (sample * voice) / 4_096;
      (output[1][i] as number) += (sample * (64 - voice)) / 4_096;
    }
  }
  return output;
}

test("the wavetable's voices are a sawtooth of 31 harmonics, interpolated", () => {
  const cycle = Float64Array.from({ length: 2_049 }, (_, i) => {
    let sum = 0;
    for (let harmonic = 1; harmonic <= 31; harmonic++) {
      sum += Math.sin((2 * Math.PI * harmonic * i) / 2_048) / harmonic;
    }
    return sum;
  });
  both("wavetable", 40, 1e-5, (_, frames) =>
    voices(frames, (phase) => {
      const at = phase * 2_048;
      const index = Math.floor(at);
      const a = cycle[index] as number;
      return a + ((cycle[index + 1] as number) - a) * (at - index);
    }),
  );
});

test("the sines are sines", () => {
  both("sine", 40, 2e-5, (_, frames) => voices(frames, (phase) => Math.sin(2 * Math.PI * phase)));
});

test("the reverb is Freeverb's eight combs and four allpasses a channel", () => {
  both("reverb", 60, 1e-4, (input, frames) => {
    const output = stereo(frames);
    for (const side of [0, 1] as const) {
      const combs = [1_116, 1_188, 1_277, 1_356, 1_422, 1_491, 1_557, 1_617].map((length) => ({
        line: new Float64Array(length + side * 23),
        lowpass: 0,
      }));
      const allpasses = [556, 441, 341, 225].map((length) => new Float64Array(length + side * 23));
      for (let i = 0; i < frames; i++) {
        const x = ((input[0][i] as number) + (input[1][i] as number)) * 0.015;
        let sum = 0;
        for (const comb of combs) {
          const at = i % comb.line.length;
          const delayed = comb.line[at] as number;
          comb.lowpass = delayed * 0.8 + comb.lowpass * 0.2;
          comb.line[at] = x + comb.lowpass * 0.84;
          sum += delayed;
        }
        for (const line of allpasses) {
          const at = i % line.length;
          const delayed = line[at] as number;
          line[at] = sum + delayed * 0.5;
          sum = delayed - sum;
        }
        output[side][i] = sum;
      }
    }
    return output;
  });
});

test("the convolver is a convolution with 16,384 frames of decaying noise", () => {
  // The kernels' noise: 2,048 draws are the input, what follows is the response.
  let seed = 1;
  const noise = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
    return (seed >> 8) / 2 ** 23;
  };
  for (let i = 0; i < 2 * BLOCK; i++) noise();
  let level = fround(0.1);
  const response = Float64Array.from({ length: 16_384 }, () => {
    const sample = noise() * level;
    level = fround(level * fround(0.9996));
    return sample;
  });
  const blocks = 20;
  const check = [0, 700, 1_023, 1_024, 5_000, 16_383, 16_384, 20_479];
  const renders = ["convolver", "convolver-simd"].map((name) => render(kernelOf(name), blocks));
  const [scalar, simd] = renders as [(typeof renders)[0], (typeof renders)[0]];
  agree(simd.output, scalar.output, 1e-5, "convolver-simd beside convolver");
  const pick = (sound: Stereo): Stereo => [
    Float64Array.from(check, (at) => sound[0][at] as number),
    Float64Array.from(check, (at) => sound[1][at] as number),
  ];
  const direct = (x: Float64Array): Float64Array =>
    Float64Array.from(check, (at) =>
      response.reduce((sum, h, k) => (k > at ? sum : sum + h * (x[at - k] as number)), 0),
    );
  agree(pick(scalar.output), [direct(scalar.input[0]), direct(scalar.input[1])], 1e-5, "convolver");
});

test("under the meter every kernel gives the same samples, bit by bit", () => {
  for (const kernel of kernels.values()) {
    const rewritten = rewriteKernel(kernel.bytes);
    const plain = playOriginal(new WebAssembly.Module(kernel.bytes), kernel.frames);
    const metered = playMetered(new WebAssembly.Module(rewritten.bytes), rewritten, kernel.frames);
    const bits = (memory: WebAssembly.Memory, exports: KernelExports): string =>
      [0, 1]
        .map((side) =>
          Buffer.from(channel(memory, exports.output(), side, kernel.frames).slice().buffer).toString("hex"),
        )
        .join();
    for (let block = 0; block < 20; block++) {
      plain.exports.process(kernel.frames);
      metered.units();
      assert.is(
        bits(metered.memory, metered.exports),
        bits(plain.memory, plain.exports),
        `${kernel.name}, block ${block}`,
      );
    }
  }
});

test.run();
