// What the kernels share: stereo blocks in and out, and deterministic noise.

/** Frames that a block may have, and the distance from the left to the right channel. */
export const STRIDE: i32 = 1024;

/** Left, then right. */
export const IN: usize = memory.data(8192, 16);
export const OUT: usize = memory.data(8192, 16);

let seed: u32 = 1;

/** Begins the noise again. */
export function restart(): void {
  seed = 1;
}

/** White noise from -1 to 1 (xorshift, G. Marsaglia 2003). */
export function noise(): f32 {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return <f32>(<i32>seed) * <f32>(1.0 / 2147483648.0);
}

/** Fills the input with noise. */
export function fillInput(): void {
  restart();
  for (let i = 0; i < STRIDE * 2; i++) store<f32>(IN + (<usize>i << 2), noise() * 0.5);
}
