// The reverb of reverb.ts, four combs a vector: four delay lines share a ring of vectors, in which each lane reads as
// far back as its comb is long. The allpasses take four frames at once, as long as their line does not end.

import { fillInput, LEFT_IN, LEFT_OUT, RIGHT_IN, RIGHT_OUT } from "./parts/signal";
import {
  ALLPASS_GAIN,
  ALLPASSES,
  allpassLengths,
  combLengths,
  DAMP,
  FEEDBACK,
  INPUT_GAIN,
  SPREAD,
} from "./parts/reverb-tuning";

export { input, output } from "./parts/signal";

const RING: usize = 2048 * 16;
const MASK: usize = RING - 1;
/** Left combs 0 to 3, left 4 to 7, right 0 to 3, right 4 to 7. */
const RINGS: usize = memory.data(4 * 32768, 16);
const LOWPASSES: usize = memory.data(4 * 16, 16);
let position: usize = 0;

/** Each line has room for 1,024 samples, of which it uses its length. */
const LINES: usize = memory.data(8 * 4096, 16);
const places = new StaticArray<i32>(8);

export function setup(): void {
  fillInput();
}

// @ts-ignore: decorator
@inline
function delayed(ring: usize, from: usize, offset: i32, spread: i32): v128 {
  const l0 = <usize>(combLengths[offset] + spread) << 4;
  const l1 = <usize>(combLengths[offset + 1] + spread) << 4;
  const l2 = <usize>(combLengths[offset + 2] + spread) << 4;
  const l3 = <usize>(combLengths[offset + 3] + spread) << 4;
  let x = v128.load32_zero(ring + ((from - l0) & MASK));
  x = v128.load_lane<f32>(ring + ((from - l1) & MASK) + 4, x, 1);
  x = v128.load_lane<f32>(ring + ((from - l2) & MASK) + 8, x, 2);
  return v128.load_lane<f32>(ring + ((from - l3) & MASK) + 12, x, 3);
}

// @ts-ignore: decorator
@inline
function sum(x: v128): f32 {
  const pairs = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

function combs(frames: i32): void {
  const damp = f32x4.splat(DAMP);
  const bright = f32x4.splat(1 - DAMP);
  const feedback = f32x4.splat(FEEDBACK);
  let a = v128.load(LOWPASSES);
  let b = v128.load(LOWPASSES, 16);
  let c = v128.load(LOWPASSES, 32);
  let d = v128.load(LOWPASSES, 48);
  let at = position;
  for (let i = 0; i < frames; i++) {
    const frame = <usize>i << 2;
    const x = f32x4.splat((load<f32>(LEFT_IN + frame) + load<f32>(RIGHT_IN + frame)) * INPUT_GAIN);
    const da = delayed(RINGS, at, 0, 0);
    const db = delayed(RINGS + RING, at, 4, 0);
    const dc = delayed(RINGS + 2 * RING, at, 0, SPREAD);
    const dd = delayed(RINGS + 3 * RING, at, 4, SPREAD);
    a = f32x4.add(f32x4.mul(da, bright), f32x4.mul(a, damp));
    b = f32x4.add(f32x4.mul(db, bright), f32x4.mul(b, damp));
    c = f32x4.add(f32x4.mul(dc, bright), f32x4.mul(c, damp));
    d = f32x4.add(f32x4.mul(dd, bright), f32x4.mul(d, damp));
    v128.store(RINGS + at, f32x4.add(x, f32x4.mul(a, feedback)));
    v128.store(RINGS + RING + at, f32x4.add(x, f32x4.mul(b, feedback)));
    v128.store(RINGS + 2 * RING + at, f32x4.add(x, f32x4.mul(c, feedback)));
    v128.store(RINGS + 3 * RING + at, f32x4.add(x, f32x4.mul(d, feedback)));
    at = (at + 16) & MASK;
    store<f32>(LEFT_OUT + frame, sum(f32x4.add(da, db)));
    store<f32>(RIGHT_OUT + frame, sum(f32x4.add(dc, dd)));
  }
  position = at;
  v128.store(LOWPASSES, a);
  v128.store(LOWPASSES, b, 16);
  v128.store(LOWPASSES, c, 32);
  v128.store(LOWPASSES, d, 48);
}

function allpass(index: i32, length: i32, out: usize, frames: i32): void {
  const line = LINES + (<usize>index << 12);
  const gain = f32x4.splat(ALLPASS_GAIN);
  let place = places[index];
  let done = 0;
  while (done < frames) {
    const run = min(frames - done, length - place);
    const fours = run & ~3;
    const lineAt = line + (<usize>place << 2);
    const outAt = out + (<usize>done << 2);
    for (let i = 0; i < fours; i += 4) {
      const at = <usize>i << 2;
      const old = v128.load(lineAt + at);
      const x = v128.load(outAt + at);
      v128.store(lineAt + at, f32x4.add(x, f32x4.mul(old, gain)));
      v128.store(outAt + at, f32x4.sub(old, x));
    }
    for (let i = fours; i < run; i++) {
      const at = <usize>i << 2;
      const old = load<f32>(lineAt + at);
      const x = load<f32>(outAt + at);
      store<f32>(lineAt + at, x + old * ALLPASS_GAIN);
      store<f32>(outAt + at, old - x);
    }
    done += run;
    place += run;
    if (place == length) place = 0;
  }
  places[index] = place;
}

export function process(frames: i32): void {
  combs(frames);
  for (let k = 0; k < ALLPASSES; k++) {
    allpass(k, allpassLengths[k], LEFT_OUT, frames);
    allpass(ALLPASSES + k, allpassLengths[k] + SPREAD, RIGHT_OUT, frames);
  }
}
