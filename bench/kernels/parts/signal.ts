// What all kernels share: a stereo input of noise and a stereo output, planar, BLOCK frames a channel.

/** Most frames of one block. */
export const BLOCK: i32 = 1024;

export const LEFT_IN: usize = memory.data(8192, 16);
export const RIGHT_IN: usize = LEFT_IN + 4096;
export const LEFT_OUT: usize = memory.data(8192, 16);
export const RIGHT_OUT: usize = LEFT_OUT + 4096;

/** Address of the left input; the right one lies 4,096 bytes behind it. */
export function input(): i32 {
  return <i32>LEFT_IN;
}

/** Address of the left output; the right one lies 4,096 bytes behind it. */
export function output(): i32 {
  return <i32>LEFT_OUT;
}

let seed: u32 = 1;

/** White noise from -1 to 1: a linear congruential generator (Numerical Recipes' constants), its upper 24 bits. */
export function noise(): f32 {
  seed = seed * 1664525 + 1013904223;
  return <f32>((<i32>seed) >> 8) * 1.1920929e-7;
}

/** Fills both inputs with noise at -12 dBFS. */
export function fillInput(): void {
  seed = 1;
  for (let i = 0; i < 2 * BLOCK; i++) store<f32>(LEFT_IN + (<usize>i << 2), noise() * 0.25);
}
