// The impulse response that the convolvers play: noise that decays, 16 partitions of 1,024 frames, and the factors of
// the Fourier transform.

import { noise } from "./signal";

/** Points of the transform. */
export const POINTS: i32 = 2048;
export const PARTITIONS: i32 = 16;
export const HOP: i32 = 1024;

/** cos(pi j / m) at m + j, and -sin(pi j / m), for each stage of half length m. */
export const COSINES: usize = memory.data(2048 * 4, 16);
export const SINES: usize = memory.data(2048 * 4, 16);

/** Spectra of the partitions, in the order that the forward transform leaves, divided by POINTS. */
export const RESPONSE_RE: usize = memory.data(16 * 8192, 16);
export const RESPONSE_IM: usize = memory.data(16 * 8192, 16);

export function fillFactors(): void {
  for (let m = 1; m < POINTS; m <<= 1) {
    for (let j = 0; j < m; j++) {
      const angle = Math.PI * <f64>j / <f64>m;
      store<f32>(COSINES + (<usize>(m + j) << 2), <f32>Math.cos(angle));
      store<f32>(SINES + (<usize>(m + j) << 2), <f32>-Math.sin(angle));
    }
  }
}

/** Writes the response's frames, each partition followed by as many zeros; the kernel transforms them. */
export function fillResponse(): void {
  let level: f32 = 0.1;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (let i = 0; i < HOP; i++) {
      const at = (<usize>partition << 13) + (<usize>i << 2);
      store<f32>(RESPONSE_RE + at, (noise() * level) / <f32>POINTS);
      level *= 0.9996;
    }
  }
}
