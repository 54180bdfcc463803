import { test } from "uvu";
import * as assert from "uvu/assert";
import { bits, driver } from "./driver.ts";

const wasm = await driver(`
import { add, clear, copy, mix, multiply, peak, scale, scaleRamp } from "./sdk-as/dsp/block";
export function adds(d: i32, s: i32, n: i32): void { add(A.from(d), B.from(s), n); }
export function clears(d: i32, n: i32): void { clear(A.from(d), n); }
export function copies(d: i32, s: i32, n: i32): void { copy(A.from(d), B.from(s), n); }
export function scales(d: i32, s: i32, gain: f32, n: i32): void { scale(A.from(d), B.from(s), gain, n); }
export function mixes(d: i32, s: i32, gain: f32, n: i32): void { mix(A.from(d), B.from(s), gain, n); }
export function multiplies(d: i32, s: i32, n: i32): void { multiply(A.from(d), B.from(s), C.from(1), n); }
export function ramps(d: i32, s: i32, from: f32, to: f32, n: i32): void { scaleRamp(A.from(d), B.from(s), from, to, n); }
export function inPlace(gain: f32, n: i32): void { scale(A, A, gain, n); }
export function peaks(s: i32, n: i32): f32 { return peak(B.from(s), n); }
`);
const { fround } = Math;

/** Every length up to two vectors and a rest, at every alignment of both sides. */
const CASES: [number, number, number][] = [];
for (const n of [0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 127, 128])
  for (const d of [0, 1, 2, 3]) for (const s of [0, 1, 3]) CASES.push([d + 4, s, n]);

function fill(): { before: Float32Array; b: Float32Array; c: Float32Array } {
  let seed = 1;
  for (const block of [wasm.a, wasm.b, wasm.c]) {
    for (let i = 0; i < 160; i++) {
      seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
      block[i] = seed / 2 ** 31;
    }
  }
  return { before: wasm.a.slice(0, 160), b: wasm.b.slice(0, 160), c: wasm.c.slice(0, 160) };
}

/** Calls for every case, and compares the whole block, so that samples outside are seen to be left alone. */
function check(
  name: string,
  between: number[],
  expected: (dest: number, source: number, c: number, i: number, n: number) => number,
): void {
  for (const [d, s, n] of CASES) {
    const { before, b, c } = fill();
    wasm.call(name, d, s, ...between, n);
    const wanted = before.slice();
    for (let i = 0; i < n; i++)
      wanted[d + i] = expected(before[d + i] as number, b[s + i] as number, c[1 + i] as number, i, n);
    assert.equal(bits(wasm.a, 160), bits(wanted, 160), `${name} ${d} ${s} ${n}`);
  }
}

test("add, copy, scale, mix and multiply give the bits of the plain formula, whatever the length and the address", () => {
  check("adds", [], (dest, source) => dest + source);
  check("copies", [], (_dest, source) => source);
  check("scales", [0.3], (_dest, source) => source * fround(0.3));
  check("mixes", [-1.7], (dest, source) => dest + fround(source * fround(-1.7)));
  check("multiplies", [], (_dest, source, c) => source * c);
});

test("clear sets to zero what it is given and nothing beside it", () => {
  for (const [d, , n] of CASES) {
    const { before } = fill();
    wasm.call("clears", d, n);
    before.fill(0, d, d + n);
    assert.equal(bits(wasm.a, 160), bits(before, 160));
  }
});

test("a ramp is a straight line that the last frame ends exactly", () => {
  const [from, to] = [fround(0.2), fround(-3.1)];
  const gainAt = (i: number, n: number) =>
    fround(to - fround(fround(fround(to - from) / fround(n)) * fround(n - 1 - i)));
  check("ramps", [from, to], (_dest, source, _c, i, n) => source * gainAt(i, n));
  for (let n = 1; n <= 128; n++) {
    wasm.b.fill(1, 0, 160);
    wasm.call("ramps", 0, 0, from, to, n);
    assert.is(wasm.a[n - 1], to);
    for (let i = 0; i < n; i++) {
      const truth = from + ((to - from) * (i + 1)) / n;
      assert.ok(Math.abs((wasm.a[i] as number) - truth) < 1e-6);
    }
  }
});

test("a block may be scaled in place", () => {
  const { before } = fill();
  wasm.call("inPlace", 2, 131);
  for (let i = 0; i < 131; i++) assert.is(wasm.a[i], 2 * (before[i] as number));
});

test("peak finds the largest magnitude wherever it is", () => {
  for (const n of [1, 3, 4, 7, 128])
    for (let at = 0; at < n; at++) {
      wasm.b.fill(0.25, 0, 160);
      wasm.b[2 + at] = -0.75;
      assert.is(wasm.call("peaks", 2, n), 0.75);
    }
  assert.is(wasm.call("peaks", 0, 0), 0);
});

test.run();
