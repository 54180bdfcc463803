import { test } from "uvu";
import * as assert from "uvu/assert";
import { BLOCK, bits, driver, sweep, worst } from "./driver.ts";

const wasm = await driver(`
import { sine, sine4, cosine, cosine4 } from "./sdk-as/dsp/sine";
export function sines(n: i32): void { for (let i = 0; i < n; i++) B[i] = sine(A[i]); }
export function sines4(n: i32): void { for (let i = 0; i < n; i += 4) v128.store(C.address(i), sine4(v128.load(A.address(i)))); }
export function cosines(n: i32): void { for (let i = 0; i < n; i++) B[i] = cosine(A[i]); }
export function cosines4(n: i32): void { for (let i = 0; i < n; i += 4) v128.store(C.address(i), cosine4(v128.load(A.address(i)))); }
`);

/** Ranges of turns: dense around a period, tiny values, many periods. */
const RANGES: [number, number][] = [];
for (let i = -16; i < 16; i++) RANGES.push([i / 16, (i + 1) / 16]);
RANGES.push([-1e-6, 1e-6], [-1e-20, 1e-20], [-20, 20], [-2000, 2000], [-(2 ** 22), 2 ** 22]);

/** Turns reduced exactly, so that the reference's own argument error is out of the way. */
const reduced = (turns: number) => 2 * Math.PI * (turns - Math.round(turns));

test("sine is within 3e-7 of the true sine wherever it is asked", () => {
  for (const [low, high] of RANGES) {
    sweep(wasm.a, low, high);
    wasm.call("sines", BLOCK);
    const { error, at } = worst(BLOCK, (i) => (wasm.b[i] as number) - Math.sin(reduced(wasm.a[i] as number)));
    assert.ok(error <= 3e-7, `${error} at ${wasm.a[at]}`);
  }
});

test("cosine is within 4.5e-7 of the true cosine", () => {
  for (const [low, high] of RANGES) {
    sweep(wasm.a, low, high);
    wasm.call("cosines", BLOCK);
    const { error, at } = worst(BLOCK, (i) => (wasm.b[i] as number) - Math.cos(reduced(wasm.a[i] as number)));
    assert.ok(error <= 4.5e-7, `${error} at ${wasm.a[at]}`);
  }
});

test("four lanes give the bits of four calls", () => {
  for (const [low, high] of RANGES) {
    sweep(wasm.a, low, high);
    for (const name of ["sine", "cosine"]) {
      wasm.call(`${name}s`, BLOCK);
      wasm.call(`${name}s4`, BLOCK);
      assert.equal(bits(wasm.b, BLOCK), bits(wasm.c, BLOCK));
    }
  }
});

test("sine is exactly 0 at every half turn", () => {
  const count = 4001;
  for (let i = 0; i < count; i++) wasm.a[i] = (i - 2000) / 2;
  wasm.call("sines", count);
  for (let i = 0; i < count; i++) assert.is(Math.abs(wasm.b[i] as number), 0);
});

test.run();
