// A Freeverb type reverb, SIMD: four combs at a time in rings whose frames are four lanes wide; the allpasses, which
// are longer than a vector, four frames at a time.

import { ALLPASSES, allpassLength, combLength, DAMPING, FEEDBACK, GAIN } from "./reverb-tuning";
import { fillInput, IN, OUT, STRIDE } from "./signal";

/** Frames of a ring, a power of two above the longest comb. */
const RING: i32 = 2048;

/** Four combs: a ring of v128, read at four distances. */
class Quad {
  ring: StaticArray<f32> = new StaticArray<f32>(RING * 4);
  lengths: StaticArray<i32> = new StaticArray<i32>(4);
  low: StaticArray<f32> = new StaticArray<f32>(4);
}

class Line {
  samples: StaticArray<f32>;
  position: i32 = 0;
  constructor(public length: i32) {
    this.samples = new StaticArray<f32>(length);
  }
}

const quads = new StaticArray<Quad>(4);
const allpasses = new StaticArray<Line>(ALLPASSES * 2);
let position: i32 = 0;

export function input(): i32 { return <i32>IN; }
export function output(): i32 { return <i32>OUT; }

export function setup(): void {
  fillInput();
  position = 0;
  for (let q = 0; q < 4; q++) {
    const quad = new Quad();
    for (let lane = 0; lane < 4; lane++) quad.lengths[lane] = combLength((q & 1) * 4 + lane, q >> 1);
    quads[q] = quad;
  }
  for (let k = 0; k < ALLPASSES * 2; k++) allpasses[k] = new Line(allpassLength(k & 3, k >> 2));
}

export function process(frames: i32): void {
  for (let channel = 0; channel < 2; channel++) {
    const out = OUT + <usize>(channel * STRIDE * 4);
    memory.fill(out, 0, <usize>frames << 2);
    combs(quads[channel * 2], out, frames);
    combs(quads[channel * 2 + 1], out, frames);
    for (let k = 0; k < ALLPASSES; k++) allpass(allpasses[channel * ALLPASSES + k], out, frames);
  }
  position = (position + frames) & (RING - 1);
}

function combs(quad: Quad, out: usize, frames: i32): void {
  const ring = changetype<usize>(quad.ring);
  const l0 = quad.lengths[0];
  const l1 = quad.lengths[1];
  const l2 = quad.lengths[2];
  const l3 = quad.lengths[3];
  const damping = f32x4.splat(DAMPING);
  const feedback = f32x4.splat(FEEDBACK);
  const start = position;
  let low = v128.load(changetype<usize>(quad.low));
  for (let i = 0; i < frames; i++) {
    const at = <usize>i << 2;
    const now = start + i;
    const x = (load<f32>(IN + at) + load<f32>(IN + at, 4096)) * GAIN;
    let y = v128.load32_zero(ring + <usize>(((now - l0) & (RING - 1)) << 4));
    y = v128.load32_lane(ring + <usize>(((now - l1) & (RING - 1)) << 4), y, 1, 4);
    y = v128.load32_lane(ring + <usize>(((now - l2) & (RING - 1)) << 4), y, 2, 8);
    y = v128.load32_lane(ring + <usize>(((now - l3) & (RING - 1)) << 4), y, 3, 12);
    low = f32x4.add(y, f32x4.mul(f32x4.sub(low, y), damping));
    v128.store(ring + <usize>((now & (RING - 1)) << 4), f32x4.add(f32x4.splat(x), f32x4.mul(low, feedback)));
    const pairs = f32x4.add(y, v128.shuffle<f32>(y, y, 2, 3, 0, 1));
    const sum = f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
    store<f32>(out + at, load<f32>(out + at) + sum);
  }
  v128.store(changetype<usize>(quad.low), low);
}

function allpass(line: Line, out: usize, frames: i32): void {
  const samples = changetype<usize>(line.samples);
  const length = line.length;
  let place = line.position;
  let done = 0;
  while (done < frames) {
    const run = min(frames - done, length - place);
    const from = samples + (<usize>place << 2);
    const to = out + (<usize>done << 2);
    const most = run & ~3;
    let i = 0;
    for (; i < most; i += 4) {
      const at = <usize>i << 2;
      const x = v128.load(to + at);
      const y = v128.load(from + at);
      v128.store(from + at, f32x4.add(x, f32x4.mul(y, f32x4.splat(0.5))));
      v128.store(to + at, f32x4.sub(y, x));
    }
    for (; i < run; i++) {
      const at = <usize>i << 2;
      const x = load<f32>(to + at);
      const y = load<f32>(from + at);
      store<f32>(from + at, x + y * <f32>0.5);
      store<f32>(to + at, y - x);
    }
    done += run;
    place += run;
    if (place == length) place = 0;
  }
  line.position = place;
}
