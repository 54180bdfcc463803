// The convolver of convolver.ts, four points at once; the two stages that stay inside of a vector are made by
// shuffles. `frames` is 1,024.

import { fillInput, LEFT_IN, LEFT_OUT, RIGHT_IN, RIGHT_OUT } from "./parts/signal";
import {
  COSINES,
  fillFactors,
  fillResponse,
  HOP,
  PARTITIONS,
  POINTS,
  RESPONSE_IM,
  RESPONSE_RE,
  SINES,
} from "./parts/response";

export { input, output } from "./parts/signal";

/** Spectra of the last 16 windows, newest at `newest`. */
const HISTORY_RE: usize = memory.data(16 * 8192, 16);
const HISTORY_IM: usize = memory.data(16 * 8192, 16);
const SUM_RE: usize = memory.data(8192, 16);
const SUM_IM: usize = memory.data(8192, 16);
const WINDOW_RE: usize = memory.data(8192, 16);
const WINDOW_IM: usize = memory.data(8192, 16);
let newest: i32 = 0;

function forward(re: usize, im: usize): void {
  for (let m = POINTS >> 1; m >= 4; m >>= 1) {
    const half = <usize>m << 2;
    for (let start = 0; start < POINTS; start += m << 1) {
      for (let j = 0; j < m; j += 4) {
        const at = <usize>(start + j) << 2;
        const c = v128.load(COSINES + (<usize>(m + j) << 2));
        const s = v128.load(SINES + (<usize>(m + j) << 2));
        const ar = v128.load(re + at);
        const ai = v128.load(im + at);
        const br = v128.load(re + at + half);
        const bi = v128.load(im + at + half);
        v128.store(re + at, f32x4.add(ar, br));
        v128.store(im + at, f32x4.add(ai, bi));
        const dr = f32x4.sub(ar, br);
        const di = f32x4.sub(ai, bi);
        v128.store(re + at + half, f32x4.sub(f32x4.mul(dr, c), f32x4.mul(di, s)));
        v128.store(im + at + half, f32x4.add(f32x4.mul(dr, s), f32x4.mul(di, c)));
      }
    }
  }
  const halves = f32x4(1, 1, -1, -1);
  const pairs = f32x4(1, -1, 1, -1);
  for (let i = 0; i < POINTS; i += 4) {
    const at = <usize>i << 2;
    let r = v128.load(re + at);
    let q = v128.load(im + at);
    r = f32x4.add(v128.shuffle<f32>(r, r, 0, 1, 0, 1), f32x4.mul(v128.shuffle<f32>(r, r, 2, 3, 2, 3), halves));
    q = f32x4.add(v128.shuffle<f32>(q, q, 0, 1, 0, 1), f32x4.mul(v128.shuffle<f32>(q, q, 2, 3, 2, 3), halves));
    // the last point times -i
    const turned = v128.shuffle<f32>(r, q, 0, 1, 2, 7);
    q = v128.shuffle<f32>(q, f32x4.neg(r), 0, 1, 2, 7);
    r = turned;
    r = f32x4.add(v128.shuffle<f32>(r, r, 0, 0, 2, 2), f32x4.mul(v128.shuffle<f32>(r, r, 1, 1, 3, 3), pairs));
    q = f32x4.add(v128.shuffle<f32>(q, q, 0, 0, 2, 2), f32x4.mul(v128.shuffle<f32>(q, q, 1, 1, 3, 3), pairs));
    v128.store(re + at, r);
    v128.store(im + at, q);
  }
}

function inverse(re: usize, im: usize): void {
  const halves = f32x4(1, 1, -1, -1);
  const pairs = f32x4(1, -1, 1, -1);
  for (let i = 0; i < POINTS; i += 4) {
    const at = <usize>i << 2;
    let r = v128.load(re + at);
    let q = v128.load(im + at);
    r = f32x4.add(v128.shuffle<f32>(r, r, 0, 0, 2, 2), f32x4.mul(v128.shuffle<f32>(r, r, 1, 1, 3, 3), pairs));
    q = f32x4.add(v128.shuffle<f32>(q, q, 0, 0, 2, 2), f32x4.mul(v128.shuffle<f32>(q, q, 1, 1, 3, 3), pairs));
    // the last point times i
    const turned = v128.shuffle<f32>(r, f32x4.neg(q), 0, 1, 2, 7);
    q = v128.shuffle<f32>(q, r, 0, 1, 2, 7);
    r = turned;
    r = f32x4.add(v128.shuffle<f32>(r, r, 0, 1, 0, 1), f32x4.mul(v128.shuffle<f32>(r, r, 2, 3, 2, 3), halves));
    q = f32x4.add(v128.shuffle<f32>(q, q, 0, 1, 0, 1), f32x4.mul(v128.shuffle<f32>(q, q, 2, 3, 2, 3), halves));
    v128.store(re + at, r);
    v128.store(im + at, q);
  }
  for (let m = 4; m < POINTS; m <<= 1) {
    const half = <usize>m << 2;
    for (let start = 0; start < POINTS; start += m << 1) {
      for (let j = 0; j < m; j += 4) {
        const at = <usize>(start + j) << 2;
        const c = v128.load(COSINES + (<usize>(m + j) << 2));
        const s = v128.load(SINES + (<usize>(m + j) << 2));
        const ar = v128.load(re + at);
        const ai = v128.load(im + at);
        const xr = v128.load(re + at + half);
        const xi = v128.load(im + at + half);
        const br = f32x4.add(f32x4.mul(xr, c), f32x4.mul(xi, s));
        const bi = f32x4.sub(f32x4.mul(xi, c), f32x4.mul(xr, s));
        v128.store(re + at, f32x4.add(ar, br));
        v128.store(im + at, f32x4.add(ai, bi));
        v128.store(re + at + half, f32x4.sub(ar, br));
        v128.store(im + at + half, f32x4.sub(ai, bi));
      }
    }
  }
}

export function setup(): void {
  fillInput();
  fillFactors();
  fillResponse();
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const at = <usize>partition << 13;
    forward(RESPONSE_RE + at, RESPONSE_IM + at);
  }
}

export function process(frames: i32): void {
  const bytes: usize = <usize>HOP << 2;
  memory.copy(WINDOW_RE, WINDOW_RE + bytes, bytes);
  memory.copy(WINDOW_IM, WINDOW_IM + bytes, bytes);
  memory.copy(WINDOW_RE + bytes, LEFT_IN, bytes);
  memory.copy(WINDOW_IM + bytes, RIGHT_IN, bytes);
  newest = (newest + PARTITIONS - 1) & (PARTITIONS - 1);
  const re = HISTORY_RE + (<usize>newest << 13);
  const im = HISTORY_IM + (<usize>newest << 13);
  memory.copy(re, WINDOW_RE, 8192);
  memory.copy(im, WINDOW_IM, 8192);
  forward(re, im);

  memory.fill(SUM_RE, 0, 8192);
  memory.fill(SUM_IM, 0, 8192);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const past = <usize>((newest + partition) & (PARTITIONS - 1)) << 13;
    const response = <usize>partition << 13;
    for (let i = 0; i < POINTS; i += 4) {
      const at = <usize>i << 2;
      const xr = v128.load(HISTORY_RE + past + at);
      const xi = v128.load(HISTORY_IM + past + at);
      const hr = v128.load(RESPONSE_RE + response + at);
      const hi = v128.load(RESPONSE_IM + response + at);
      v128.store(SUM_RE + at, f32x4.add(v128.load(SUM_RE + at), f32x4.sub(f32x4.mul(xr, hr), f32x4.mul(xi, hi))));
      v128.store(SUM_IM + at, f32x4.add(v128.load(SUM_IM + at), f32x4.add(f32x4.mul(xr, hi), f32x4.mul(xi, hr))));
    }
  }
  inverse(SUM_RE, SUM_IM);
  memory.copy(LEFT_OUT, SUM_RE + bytes, <usize>frames << 2);
  memory.copy(RIGHT_OUT, SUM_IM + bytes, <usize>frames << 2);
}
