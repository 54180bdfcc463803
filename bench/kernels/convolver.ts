// A partitioned convolver, scalar: 2,048-point radix-2 transforms over 16 partitions. Takes blocks of 1,024 frames.

import {
  historyIm, historyRe, irIm, irRe, lineIm, lineRe, makeResponse, makeTwiddles, N, PART, PARTS, sumIm, sumRe,
  twiddleIm, twiddleRe,
} from "./convolver-tables";
import { fillInput, IN, OUT } from "./signal";

let slot: i32 = 0;

export function input(): i32 { return <i32>IN; }
export function output(): i32 { return <i32>OUT; }

export function setup(): void {
  makeTwiddles();
  makeResponse();
  for (let p = 0; p < PARTS; p++) forward(at(irRe, p), at(irIm, p));
  fillInput();
  slot = 0;
}

export function process(frames: i32): void {
  const bytes = <usize>PART << 2;
  const re = changetype<usize>(historyRe);
  const im = changetype<usize>(historyIm);
  memory.copy(re, re + bytes, bytes);
  memory.copy(im, im + bytes, bytes);
  memory.copy(re + bytes, IN, bytes);
  memory.copy(im + bytes, IN + 4096, bytes);
  slot = (slot + PARTS - 1) & (PARTS - 1);
  memory.copy(at(lineRe, slot), re, bytes * 2);
  memory.copy(at(lineIm, slot), im, bytes * 2);
  forward(at(lineRe, slot), at(lineIm, slot));
  sumRe.fill(0);
  sumIm.fill(0);
  for (let p = 0; p < PARTS; p++) multiply((slot + p) & (PARTS - 1), p);
  inverse(changetype<usize>(sumRe), changetype<usize>(sumIm));
  memory.copy(OUT, changetype<usize>(sumRe) + bytes, bytes);
  memory.copy(OUT + 4096, changetype<usize>(sumIm) + bytes, bytes);
}

function at(array: StaticArray<f32>, part: i32): usize {
  return changetype<usize>(array) + <usize>(part * N * 4);
}

function multiply(from: i32, part: i32): void {
  const xr = at(lineRe, from);
  const xi = at(lineIm, from);
  const hr = at(irRe, part);
  const hi = at(irIm, part);
  const yr = changetype<usize>(sumRe);
  const yi = changetype<usize>(sumIm);
  for (let i = 0; i < N * 4; i += 4) {
    const a = load<f32>(xr + i);
    const b = load<f32>(xi + i);
    const c = load<f32>(hr + i);
    const d = load<f32>(hi + i);
    store<f32>(yr + i, load<f32>(yr + i) + (a * c - b * d));
    store<f32>(yi + i, load<f32>(yi + i) + (a * d + b * c));
  }
}

/** Natural order in, bit-reversed out. */
function forward(re: usize, im: usize): void {
  for (let half = N >> 1; half >= 1; half >>= 1) {
    const wr = changetype<usize>(twiddleRe) + (<usize>half << 2);
    const wi = changetype<usize>(twiddleIm) + (<usize>half << 2);
    const reach = <usize>half << 2;
    for (let base = 0; base < N; base += half << 1) {
      const r = re + (<usize>base << 2);
      const m = im + (<usize>base << 2);
      for (let j = 0; j < half; j++) {
        const o = <usize>j << 2;
        const ar = load<f32>(r + o);
        const ai = load<f32>(m + o);
        const br = load<f32>(r + o + reach);
        const bi = load<f32>(m + o + reach);
        const dr = ar - br;
        const di = ai - bi;
        const c = load<f32>(wr + o);
        const s = load<f32>(wi + o);
        store<f32>(r + o, ar + br);
        store<f32>(m + o, ai + bi);
        store<f32>(r + o + reach, dr * c - di * s);
        store<f32>(m + o + reach, dr * s + di * c);
      }
    }
  }
}

/** Bit-reversed in, natural order out; not scaled. */
function inverse(re: usize, im: usize): void {
  for (let half = 1; half < N; half <<= 1) {
    const wr = changetype<usize>(twiddleRe) + (<usize>half << 2);
    const wi = changetype<usize>(twiddleIm) + (<usize>half << 2);
    const reach = <usize>half << 2;
    for (let base = 0; base < N; base += half << 1) {
      const r = re + (<usize>base << 2);
      const m = im + (<usize>base << 2);
      for (let j = 0; j < half; j++) {
        const o = <usize>j << 2;
        const c = load<f32>(wr + o);
        const s = load<f32>(wi + o);
        const br = load<f32>(r + o + reach);
        const bi = load<f32>(m + o + reach);
        const dr = br * c + bi * s;
        const di = bi * c - br * s;
        const ar = load<f32>(r + o);
        const ai = load<f32>(m + o);
        store<f32>(r + o, ar + dr);
        store<f32>(m + o, ai + di);
        store<f32>(r + o + reach, ar - dr);
        store<f32>(m + o + reach, ai - di);
      }
    }
  }
}
