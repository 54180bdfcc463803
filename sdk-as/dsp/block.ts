// Loops over a block, four samples at a time. Any number of frames and any address: a sub-block may
// begin anywhere. The rest that four does not divide is done one by one with the same operations, so where
// a block is cut never changes a sample. `dest` may be `source` itself, but must not overlap it otherwise.

import { Samples } from "../samples";

/** dest = 0 */
export function clear(dest: Samples, frames: i32): void {
  memory.fill(changetype<usize>(dest), 0, <usize>frames << 2);
}

/** dest = source */
export function copy(dest: Samples, source: Samples, frames: i32): void {
  memory.copy(changetype<usize>(dest), changetype<usize>(source), <usize>frames << 2);
}

/** dest += source */
export function add(dest: Samples, source: Samples, frames: i32): void {
  const d = changetype<usize>(dest);
  const s = changetype<usize>(source);
  const bytes = frames << 2;
  const most = bytes & ~15;
  let i = 0;
  for (; i < most; i += 16) v128.store(d + i, f32x4.add(v128.load(d + i), v128.load(s + i)));
  for (; i < bytes; i += 4) store<f32>(d + i, load<f32>(d + i) + load<f32>(s + i));
}

/** dest = source * gain */
export function scale(dest: Samples, source: Samples, gain: f32, frames: i32): void {
  const d = changetype<usize>(dest);
  const s = changetype<usize>(source);
  const gain4 = f32x4.splat(gain);
  const bytes = frames << 2;
  const most = bytes & ~15;
  let i = 0;
  for (; i < most; i += 16) v128.store(d + i, f32x4.mul(v128.load(s + i), gain4));
  for (; i < bytes; i += 4) store<f32>(d + i, load<f32>(s + i) * gain);
}

/** dest += source * gain */
export function mix(dest: Samples, source: Samples, gain: f32, frames: i32): void {
  const d = changetype<usize>(dest);
  const s = changetype<usize>(source);
  const gain4 = f32x4.splat(gain);
  const bytes = frames << 2;
  const most = bytes & ~15;
  let i = 0;
  for (; i < most; i += 16)
    v128.store(d + i, f32x4.add(v128.load(d + i), f32x4.mul(v128.load(s + i), gain4)));
  for (; i < bytes; i += 4) store<f32>(d + i, load<f32>(d + i) + load<f32>(s + i) * gain);
}

/** dest = a * b: an envelope or a gain for each sample. */
export function multiply(dest: Samples, a: Samples, b: Samples, frames: i32): void {
  const d = changetype<usize>(dest);
  const p = changetype<usize>(a);
  const q = changetype<usize>(b);
  const bytes = frames << 2;
  const most = bytes & ~15;
  let i = 0;
  for (; i < most; i += 16) v128.store(d + i, f32x4.mul(v128.load(p + i), v128.load(q + i)));
  for (; i < bytes; i += 4) store<f32>(d + i, load<f32>(p + i) * load<f32>(q + i));
}

/**
 * dest = source * a gain that goes in a straight line from `from` (the gain of the frame before the block) to
 * `to`, which the last frame has exactly; so the next block begins with `from` = this one's `to`.
 */
export function scaleRamp(dest: Samples, source: Samples, from: f32, to: f32, frames: i32): void {
  const d = changetype<usize>(dest);
  const s = changetype<usize>(source);
  const step = (to - from) / <f32>frames;
  const step4 = f32x4.splat(step);
  const to4 = f32x4.splat(to);
  const most = frames & ~3;
  // How many frames lie after this one: counted, not added up, so that the end is exact.
  let left = f32x4.sub(f32x4.splat(<f32>(frames - 1)), f32x4(0, 1, 2, 3));
  let i = 0;
  for (; i < most; i += 4) {
    const gain = f32x4.sub(to4, f32x4.mul(step4, left));
    v128.store(d + (i << 2), f32x4.mul(v128.load(s + (i << 2)), gain));
    left = f32x4.sub(left, f32x4.splat(4));
  }
  for (; i < frames; i++)
    store<f32>(d + (i << 2), load<f32>(s + (i << 2)) * (to - step * <f32>(frames - 1 - i)));
}

/** The largest magnitude in the block; 0 for none. */
export function peak(source: Samples, frames: i32): f32 {
  const s = changetype<usize>(source);
  const bytes = frames << 2;
  const most = bytes & ~15;
  let four = f32x4.splat(0);
  let i = 0;
  for (; i < most; i += 16) four = f32x4.pmax(four, f32x4.abs(v128.load(s + i)));
  let largest = max(
    max(f32x4.extract_lane(four, 0), f32x4.extract_lane(four, 1)),
    max(f32x4.extract_lane(four, 2), f32x4.extract_lane(four, 3)),
  );
  for (; i < bytes; i += 4) largest = max(largest, abs(load<f32>(s + i)));
  return largest;
}
