// Eight stereo biquads in a row, SIMD: four lanes hold two neighbouring filters of both channels, each filter one frame
// behind the one before it. Two passes of four filters: the output is six frames late.

import { fillInput, IN, OUT, STRIDE } from "./signal";
import { shapeOf } from "./biquad-shape";

/** Of each pair of filters: b0, b1, b2, a1, a2, s1, s2, y; 16 bytes each. */
const pairs = memory.data(512, 16);

export function input(): i32 { return <i32>IN; }
export function output(): i32 { return <i32>OUT; }

export function setup(): void {
  fillInput();
  memory.fill(pairs, 0, 512);
  for (let k = 0; k < 8; k++) {
    const shape = shapeOf(k);
    for (let channel = 0; channel < 2; channel++) {
      const at = pairs + <usize>((k >> 1) * 128 + (k & 1) * 8 + channel * 4);
      store<f32>(at, shape.b0);
      store<f32>(at, shape.b1, 16);
      store<f32>(at, shape.b2, 32);
      store<f32>(at, shape.a1, 48);
      store<f32>(at, shape.a2, 64);
    }
  }
}

export function process(frames: i32): void {
  four(pairs, IN, frames);
  four(pairs + 256, OUT, frames);
}

function four(p: usize, from: usize, frames: i32): void {
  const ab0 = v128.load(p);
  const ab1 = v128.load(p, 16);
  const ab2 = v128.load(p, 32);
  const aa1 = v128.load(p, 48);
  const aa2 = v128.load(p, 64);
  const cb0 = v128.load(p, 128);
  const cb1 = v128.load(p, 144);
  const cb2 = v128.load(p, 160);
  const ca1 = v128.load(p, 176);
  const ca2 = v128.load(p, 192);
  let as1 = v128.load(p, 80);
  let as2 = v128.load(p, 96);
  let ay = v128.load(p, 112);
  let cs1 = v128.load(p, 208);
  let cs2 = v128.load(p, 224);
  let cy = v128.load(p, 240);
  for (let i = 0; i < frames; i++) {
    const at = <usize>i << 2;
    // The second pair hears what the first has just left, before the first goes on.
    const cx = v128.shuffle<f32>(ay, cy, 2, 3, 4, 5);
    const fresh = f32x4.replace_lane(f32x4.splat(load<f32>(from + at)), 1, load<f32>(from + at, 4096));
    const ax = v128.shuffle<f32>(fresh, ay, 0, 1, 4, 5);
    ay = f32x4.add(f32x4.mul(ab0, ax), as1);
    cy = f32x4.add(f32x4.mul(cb0, cx), cs1);
    as1 = f32x4.add(f32x4.sub(f32x4.mul(ab1, ax), f32x4.mul(aa1, ay)), as2);
    cs1 = f32x4.add(f32x4.sub(f32x4.mul(cb1, cx), f32x4.mul(ca1, cy)), cs2);
    as2 = f32x4.sub(f32x4.mul(ab2, ax), f32x4.mul(aa2, ay));
    cs2 = f32x4.sub(f32x4.mul(cb2, cx), f32x4.mul(ca2, cy));
    v128.store32_lane(OUT + at, cy, 2);
    v128.store32_lane(OUT + at, cy, 3, 4096);
  }
  v128.store(p, as1, 80);
  v128.store(p, as2, 96);
  v128.store(p, ay, 112);
  v128.store(p, cs1, 208);
  v128.store(p, cs2, 224);
  v128.store(p, cy, 240);
}
