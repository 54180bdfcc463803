// Convolution with a response of 16,384 frames by overlap-save in 16 equal partitions: T. G. Stockham, "High-speed
// convolution and correlation". Left and right are the two parts of one complex signal. The forward transform is by
// decimation in frequency and leaves its points in bit-reversed order, from where the inverse, by decimation in time,
// starts. `frames` is 1,024.

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
  for (let m = POINTS >> 1; m >= 1; m >>= 1) {
    const half = <usize>m << 2;
    for (let start = 0; start < POINTS; start += m << 1) {
      for (let j = 0; j < m; j++) {
        const at = <usize>(start + j) << 2;
        const c = load<f32>(COSINES + (<usize>(m + j) << 2));
        const s = load<f32>(SINES + (<usize>(m + j) << 2));
        const ar = load<f32>(re + at);
        const ai = load<f32>(im + at);
        const br = load<f32>(re + at + half);
        const bi = load<f32>(im + at + half);
        store<f32>(re + at, ar + br);
        store<f32>(im + at, ai + bi);
        const dr = ar - br;
        const di = ai - bi;
        store<f32>(re + at + half, dr * c - di * s);
        store<f32>(im + at + half, dr * s + di * c);
      }
    }
  }
}

function inverse(re: usize, im: usize): void {
  for (let m = 1; m < POINTS; m <<= 1) {
    const half = <usize>m << 2;
    for (let start = 0; start < POINTS; start += m << 1) {
      for (let j = 0; j < m; j++) {
        const at = <usize>(start + j) << 2;
        const c = load<f32>(COSINES + (<usize>(m + j) << 2));
        const s = load<f32>(SINES + (<usize>(m + j) << 2));
        const ar = load<f32>(re + at);
        const ai = load<f32>(im + at);
        const xr = load<f32>(re + at + half);
        const xi = load<f32>(im + at + half);
        const br = xr * c + xi * s;
        const bi = xi * c - xr * s;
        store<f32>(re + at, ar + br);
        store<f32>(im + at, ai + bi);
        store<f32>(re + at + half, ar - br);
        store<f32>(im + at + half, ai - bi);
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
    for (let i = 0; i < POINTS; i++) {
      const at = <usize>i << 2;
      const xr = load<f32>(HISTORY_RE + past + at);
      const xi = load<f32>(HISTORY_IM + past + at);
      const hr = load<f32>(RESPONSE_RE + response + at);
      const hi = load<f32>(RESPONSE_IM + response + at);
      store<f32>(SUM_RE + at, load<f32>(SUM_RE + at) + xr * hr - xi * hi);
      store<f32>(SUM_IM + at, load<f32>(SUM_IM + at) + xr * hi + xi * hr);
    }
  }
  inverse(SUM_RE, SUM_IM);
  memory.copy(LEFT_OUT, SUM_RE + bytes, <usize>frames << 2);
  memory.copy(RIGHT_OUT, SUM_IM + bytes, <usize>frames << 2);
}
