// Eight stereo biquads in a row, transposed direct form II, all sixteen at once in four vectors: a vector holds
// stages 2v and 2v + 1 of both channels, and in each step stage s works on the frame s steps back. The seven steps
// at either end, in which some stages have no frame, leave those stages' states alone.

import { fillInput, LEFT_IN, LEFT_OUT, RIGHT_IN, RIGHT_OUT } from "./parts/signal";
import { coefficients, designPeaks, STAGES } from "./parts/peaks";

export { input, output } from "./parts/signal";

/** Per vector b0, b1, b2, a1, a2, 16 bytes each. */
const PARTS: usize = memory.data(4 * 5 * 16, 16);
/** Per vector s1, s2 and the last output. */
const STATES: usize = memory.data(4 * 3 * 16, 16);

export function setup(): void {
  fillInput();
  designPeaks();
  for (let stage = 0; stage < STAGES; stage++) {
    for (let part = 0; part < 5; part++) {
      const value = coefficients[stage * 5 + part];
      const at = PARTS + <usize>(((stage >> 1) * 5 + part) * 16 + (stage & 1) * 8);
      store<f32>(at, value);
      store<f32>(at, value, 4);
    }
  }
}

/** One step in which stage s works on frame `t - s`, where there is one. */
function edge(t: i32, frames: i32): void {
  let carried = f32x4.splat(0);
  if (t < frames) {
    carried = v128.load32_zero(LEFT_IN + (<usize>t << 2));
    carried = v128.load_lane<f32>(RIGHT_IN + (<usize>t << 2), carried, 1);
  }
  for (let v = 0; v < 4; v++) {
    const part = PARTS + <usize>(v * 80);
    const state = STATES + <usize>(v * 48);
    const s1 = v128.load(state);
    const s2 = v128.load(state, 16);
    const last = v128.load(state, 32);
    const x = v128.shuffle<f32>(carried, last, 0, 1, 4, 5);
    const y = f32x4.add(f32x4.mul(v128.load(part), x), s1);
    const n1 = f32x4.add(f32x4.sub(f32x4.mul(v128.load(part, 16), x), f32x4.mul(v128.load(part, 48), y)), s2);
    const n2 = f32x4.sub(f32x4.mul(v128.load(part, 32), x), f32x4.mul(v128.load(part, 64), y));
    const first = t - 2 * v;
    const lower: i32 = first >= 0 && first < frames ? -1 : 0;
    const upper: i32 = first >= 1 && first <= frames ? -1 : 0;
    const here = v128.shuffle<i32>(i32x4.splat(lower), i32x4.splat(upper), 0, 1, 4, 5);
    v128.store(state, v128.bitselect(n1, s1, here));
    v128.store(state, v128.bitselect(n2, s2, here), 16);
    v128.store(state, y, 32);
    carried = v128.shuffle<f32>(last, last, 2, 3, 2, 3);
  }
  const frame = t - 7;
  if (frame >= 0) {
    const y = v128.load(STATES, 3 * 48 + 32);
    v128.store_lane<f32>(LEFT_OUT + (<usize>frame << 2), y, 2);
    v128.store_lane<f32>(RIGHT_OUT + (<usize>frame << 2), y, 3);
  }
}

export function process(frames: i32): void {
  let t = 0;
  for (; t < 7; t++) edge(t, frames);

  let p1 = v128.load(STATES);
  let p2 = v128.load(STATES, 16);
  let p = v128.load(STATES, 32);
  let q1 = v128.load(STATES, 48);
  let q2 = v128.load(STATES, 64);
  let q = v128.load(STATES, 80);
  let r1 = v128.load(STATES, 96);
  let r2 = v128.load(STATES, 112);
  let r = v128.load(STATES, 128);
  let s1 = v128.load(STATES, 144);
  let s2 = v128.load(STATES, 160);
  let s = v128.load(STATES, 176);
  for (; t < frames; t++) {
    const at = <usize>t << 2;
    const xs = v128.shuffle<f32>(r, s, 2, 3, 4, 5);
    const xr = v128.shuffle<f32>(q, r, 2, 3, 4, 5);
    const xq = v128.shuffle<f32>(p, q, 2, 3, 4, 5);
    const fresh = v128.load_lane<f32>(RIGHT_IN + at, v128.load32_zero(LEFT_IN + at), 1);
    const xp = v128.shuffle<f32>(fresh, p, 0, 1, 4, 5);

    p = f32x4.add(f32x4.mul(v128.load(PARTS), xp), p1);
    p1 = f32x4.add(f32x4.sub(f32x4.mul(v128.load(PARTS, 16), xp), f32x4.mul(v128.load(PARTS, 48), p)), p2);
    p2 = f32x4.sub(f32x4.mul(v128.load(PARTS, 32), xp), f32x4.mul(v128.load(PARTS, 64), p));
    q = f32x4.add(f32x4.mul(v128.load(PARTS, 80), xq), q1);
    q1 = f32x4.add(f32x4.sub(f32x4.mul(v128.load(PARTS, 96), xq), f32x4.mul(v128.load(PARTS, 128), q)), q2);
    q2 = f32x4.sub(f32x4.mul(v128.load(PARTS, 112), xq), f32x4.mul(v128.load(PARTS, 144), q));
    r = f32x4.add(f32x4.mul(v128.load(PARTS, 160), xr), r1);
    r1 = f32x4.add(f32x4.sub(f32x4.mul(v128.load(PARTS, 176), xr), f32x4.mul(v128.load(PARTS, 208), r)), r2);
    r2 = f32x4.sub(f32x4.mul(v128.load(PARTS, 192), xr), f32x4.mul(v128.load(PARTS, 224), r));
    s = f32x4.add(f32x4.mul(v128.load(PARTS, 240), xs), s1);
    s1 = f32x4.add(f32x4.sub(f32x4.mul(v128.load(PARTS, 256), xs), f32x4.mul(v128.load(PARTS, 288), s)), s2);
    s2 = f32x4.sub(f32x4.mul(v128.load(PARTS, 272), xs), f32x4.mul(v128.load(PARTS, 304), s));

    v128.store_lane<f32>(LEFT_OUT + at - 28, s, 2);
    v128.store_lane<f32>(RIGHT_OUT + at - 28, s, 3);
  }
  v128.store(STATES, p1);
  v128.store(STATES, p2, 16);
  v128.store(STATES, p, 32);
  v128.store(STATES, q1, 48);
  v128.store(STATES, q2, 64);
  v128.store(STATES, q, 80);
  v128.store(STATES, r1, 96);
  v128.store(STATES, r2, 112);
  v128.store(STATES, r, 128);
  v128.store(STATES, s1, 144);
  v128.store(STATES, s2, 160);
  v128.store(STATES, s, 176);

  for (; t < frames + 7; t++) edge(t, frames);
}
