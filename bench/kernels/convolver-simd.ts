// A partitioned convolver, SIMD: 2,048-point radix-2 transforms over 16 partitions, four points at a time; the two
// smallest stages are one pass with shuffles. Takes blocks of 1,024 frames.

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
  memory.fill(changetype<usize>(sumRe), 0, bytes * 2);
  memory.fill(changetype<usize>(sumIm), 0, bytes * 2);
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
  for (let i = 0; i < N * 4; i += 16) {
    const a = v128.load(xr + i);
    const b = v128.load(xi + i);
    const c = v128.load(hr + i);
    const d = v128.load(hi + i);
    v128.store(yr + i, f32x4.add(v128.load(yr + i), f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, d))));
    v128.store(yi + i, f32x4.add(v128.load(yi + i), f32x4.add(f32x4.mul(a, d), f32x4.mul(b, c))));
  }
}

/** Natural order in, bit-reversed out. */
function forward(re: usize, im: usize): void {
  for (let half = N >> 1; half >= 4; half >>= 1) {
    const wr = changetype<usize>(twiddleRe) + (<usize>half << 2);
    const wi = changetype<usize>(twiddleIm) + (<usize>half << 2);
    const reach = <usize>half << 2;
    for (let base = 0; base < N; base += half << 1) {
      const r = re + (<usize>base << 2);
      const m = im + (<usize>base << 2);
      for (let j = 0; j < half; j += 4) {
        const o = <usize>j << 2;
        const ar = v128.load(r + o);
        const ai = v128.load(m + o);
        const br = v128.load(r + o + reach);
        const bi = v128.load(m + o + reach);
        const dr = f32x4.sub(ar, br);
        const di = f32x4.sub(ai, bi);
        const c = v128.load(wr + o);
        const s = v128.load(wi + o);
        v128.store(r + o, f32x4.add(ar, br));
        v128.store(m + o, f32x4.add(ai, bi));
        v128.store(r + o + reach, f32x4.sub(f32x4.mul(dr, c), f32x4.mul(di, s)));
        v128.store(m + o + reach, f32x4.add(f32x4.mul(dr, s), f32x4.mul(di, c)));
      }
    }
  }
  const lower = f32x4(1, 1, -1, -1);
  const odd = f32x4(1, -1, 1, -1);
  for (let i = 0; i < N * 4; i += 16) {
    let r = v128.load(re + i);
    let m = v128.load(im + i);
    // Half 2: (a, b) -> (a + b, a - b), and the last point times -i.
    r = f32x4.add(f32x4.mul(r, lower), v128.shuffle<f32>(r, r, 2, 3, 0, 1));
    m = f32x4.add(f32x4.mul(m, lower), v128.shuffle<f32>(m, m, 2, 3, 0, 1));
    const turned = v128.shuffle<f32>(r, m, 0, 1, 2, 7);
    m = f32x4.mul(v128.shuffle<f32>(m, r, 0, 1, 2, 7), f32x4(1, 1, 1, -1));
    // Half 1.
    v128.store(re + i, f32x4.add(f32x4.mul(turned, odd), v128.shuffle<f32>(turned, turned, 1, 0, 3, 2)));
    v128.store(im + i, f32x4.add(f32x4.mul(m, odd), v128.shuffle<f32>(m, m, 1, 0, 3, 2)));
  }
}

/** Bit-reversed in, natural order out; not scaled. */
function inverse(re: usize, im: usize): void {
  const lower = f32x4(1, 1, -1, -1);
  const odd = f32x4(1, -1, 1, -1);
  for (let i = 0; i < N * 4; i += 16) {
    let r = v128.load(re + i);
    let m = v128.load(im + i);
    r = f32x4.add(f32x4.mul(r, odd), v128.shuffle<f32>(r, r, 1, 0, 3, 2));
    m = f32x4.add(f32x4.mul(m, odd), v128.shuffle<f32>(m, m, 1, 0, 3, 2));
    // The last point times i.
    const turned = f32x4.mul(v128.shuffle<f32>(r, m, 0, 1, 2, 7), f32x4(1, 1, 1, -1));
    m = v128.shuffle<f32>(m, r, 0, 1, 2, 7);
    v128.store(re + i, f32x4.add(f32x4.mul(turned, lower), v128.shuffle<f32>(turned, turned, 2, 3, 0, 1)));
    v128.store(im + i, f32x4.add(f32x4.mul(m, lower), v128.shuffle<f32>(m, m, 2, 3, 0, 1)));
  }
  for (let half = 4; half < N; half <<= 1) {
    const wr = changetype<usize>(twiddleRe) + (<usize>half << 2);
    const wi = changetype<usize>(twiddleIm) + (<usize>half << 2);
    const reach = <usize>half << 2;
    for (let base = 0; base < N; base += half << 1) {
      const r = re + (<usize>base << 2);
      const m = im + (<usize>base << 2);
      for (let j = 0; j < half; j += 4) {
        const o = <usize>j << 2;
        const c = v128.load(wr + o);
        const s = v128.load(wi + o);
        const br = v128.load(r + o + reach);
        const bi = v128.load(m + o + reach);
        const dr = f32x4.add(f32x4.mul(br, c), f32x4.mul(bi, s));
        const di = f32x4.sub(f32x4.mul(bi, c), f32x4.mul(br, s));
        const ar = v128.load(r + o);
        const ai = v128.load(m + o);
        v128.store(r + o, f32x4.add(ar, dr));
        v128.store(m + o, f32x4.add(ai, di));
        v128.store(r + o + reach, f32x4.sub(ar, dr));
        v128.store(m + o + reach, f32x4.sub(ai, di));
      }
    }
  }
}
