// What both convolvers share: sizes, twiddle factors, and the spectra of the impulse response.
//
// Uniformly partitioned overlap-save (T. Stockham 1966; partitions: G. Garcia, "Optimal filter partition", 2002). Left is
// the real part and right the imaginary part of one signal, so one complex transform serves both. Forward
// by decimation in frequency, back by decimation in time: spectra stay in bit-reversed order, and nothing is reordered.

import { noise, restart } from "./signal";

/** Points of the transform. */
export const N: i32 = 2048;
/** Frames of a partition: the block that the convolver takes. */
export const PART: i32 = 1024;
export const PARTS: i32 = 16;

/** cos and sin of -pi j / half at half + j. */
export const twiddleRe = new StaticArray<f32>(N);
export const twiddleIm = new StaticArray<f32>(N);

export const irRe = new StaticArray<f32>(N * PARTS);
export const irIm = new StaticArray<f32>(N * PARTS);
export const lineRe = new StaticArray<f32>(N * PARTS);
export const lineIm = new StaticArray<f32>(N * PARTS);
/** The last two blocks of input; then the sum of products and its inverse transform. */
export const historyRe = new StaticArray<f32>(N);
export const historyIm = new StaticArray<f32>(N);
export const sumRe = new StaticArray<f32>(N);
export const sumIm = new StaticArray<f32>(N);

export function makeTwiddles(): void {
  for (let half = 1; half < N; half <<= 1) {
    for (let j = 0; j < half; j++) {
      const angle = (-Math.PI * <f64>j) / <f64>half;
      twiddleRe[half + j] = <f32>Math.cos(angle);
      twiddleIm[half + j] = <f32>Math.sin(angle);
    }
  }
}

/** Decaying noise, 16,384 frames, partition by partition, not yet transformed; scaled by 1 / N for the way back. */
export function makeResponse(): void {
  restart();
  irRe.fill(0);
  irIm.fill(0);
  lineRe.fill(0);
  lineIm.fill(0);
  historyRe.fill(0);
  historyIm.fill(0);
  for (let i = 0; i < PARTS * PART; i++) {
    const envelope = Math.exp((-6.0 * <f64>i) / <f64>(PARTS * PART));
    irRe[i / PART * N + (i % PART)] = <f32>(<f64>noise() * 0.03 * envelope / <f64>N);
  }
}
