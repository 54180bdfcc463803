import { test } from "uvu";
import * as assert from "uvu/assert";
import { BLOCK, bits, driver, sweep, worst } from "./driver.ts";

const wasm = await driver(`
import { exp, exp2, exp2x4, expx4, saturate, saturate4 } from "./sdk-as/dsp/exp";
export function exp2s(n: i32): void { for (let i = 0; i < n; i++) B[i] = exp2(A[i]); }
export function exp2s4(n: i32): void { for (let i = 0; i < n; i += 4) v128.store(C.address(i), exp2x4(v128.load(A.address(i)))); }
export function exps(n: i32): void { for (let i = 0; i < n; i++) B[i] = exp(A[i]); }
export function exps4(n: i32): void { for (let i = 0; i < n; i += 4) v128.store(C.address(i), expx4(v128.load(A.address(i)))); }
export function saturates(n: i32): void { for (let i = 0; i < n; i++) B[i] = saturate(A[i]); }
export function saturates4(n: i32): void { for (let i = 0; i < n; i += 4) v128.store(C.address(i), saturate4(v128.load(A.address(i)))); }
`);

/** The range cut into `parts`, each swept with a full block, so that millions of points are tried. */
function* parts(low: number, high: number, parts: number): Generator<void> {
  for (let i = 0; i < parts; i++) {
    sweep(wasm.a, low + ((high - low) * i) / parts, low + ((high - low) * (i + 1)) / parts);
    yield;
  }
}

test("2^x is within 2.4e-7 of the truth, relatively, over its whole range", () => {
  for (const _ of parts(-126, 127.999, 32)) {
    wasm.call("exp2s", BLOCK);
    const { error, at } = worst(BLOCK, (i) => (wasm.b[i] as number) / 2 ** (wasm.a[i] as number) - 1);
    assert.ok(error <= 2.4e-7, `${error} at ${wasm.a[at]}`);
  }
});

test("2^x is exact at whole numbers", () => {
  for (let i = 0; i < 254; i++) wasm.a[i] = i - 126;
  wasm.call("exp2s", 254);
  for (let i = 0; i < 254; i++) assert.is(wasm.b[i], 2 ** (i - 126));
});

test("e^x is within 2.4e-7 of the truth, relatively, over its whole range", () => {
  for (const _ of parts(-87.3, 88.7, 32)) {
    wasm.call("exps", BLOCK);
    const { error, at } = worst(BLOCK, (i) => (wasm.b[i] as number) / Math.exp(wasm.a[i] as number) - 1);
    assert.ok(error <= 2.4e-7, `${error} at ${wasm.a[at]}`);
  }
});

test("outside their range exp2 and exp give 0 below, a large finite number above, and 0 for NaN", () => {
  const ends: [string, number, number][] = [
    ["exp2s", -126.001, 127.999],
    ["exps", -87.31, 88.7],
  ];
  for (const [name, below, above] of ends) {
    wasm.a.set([below, -1000, -1e30, -Infinity, NaN, above, 1000, 1e30, Infinity]);
    wasm.call(name, 9);
    assert.equal([...wasm.b.subarray(0, 5)], [0, 0, 0, 0, 0]);
    const most = wasm.b[5] as number;
    assert.ok(Number.isFinite(most) && most > 3e38);
    for (let i = 6; i < 9; i++) assert.is(wasm.b[i], most);
  }
});

test("four lanes give the bits of four calls, at the ends of the range too", () => {
  for (const [low, high] of [
    [-130, 130],
    [-3, 3],
    [-1e30, 1e30],
  ] as const) {
    sweep(wasm.a, low, high);
    wasm.a.set([NaN, Infinity, -Infinity, 0, -0, 127.999, -126, 88.7, -87.3]);
    for (const name of ["exp2s", "exps"]) {
      wasm.call(name, BLOCK);
      wasm.call(`${name}4`, BLOCK);
      assert.equal(bits(wasm.b, BLOCK), bits(wasm.c, BLOCK));
    }
    wasm.a[0] = 0;
    wasm.call("saturates", BLOCK);
    wasm.call("saturates4", BLOCK);
    assert.equal(bits(wasm.b, BLOCK), bits(wasm.c, BLOCK));
  }
});

test("saturate follows tanh within 1e-4, never leaves -1 to 1, never turns back, and is odd", () => {
  for (const _ of parts(0, 12, 8)) {
    wasm.call("saturates", BLOCK);
    const { error, at } = worst(BLOCK, (i) => (wasm.b[i] as number) - Math.tanh(wasm.a[i] as number));
    assert.ok(error <= 1e-4, `${error} at ${wasm.a[at]}`);
    for (let i = 1; i < BLOCK; i++) {
      assert.ok((wasm.b[i] as number) <= 1);
      // Neighbouring answers may be off by the rounding of both polynomials.
      assert.ok((wasm.b[i] as number) >= (wasm.b[i - 1] as number) - 5e-7);
    }
    const positive = wasm.b.slice();
    for (let i = 0; i < BLOCK; i++) wasm.a[i] = -(wasm.a[i] as number);
    wasm.call("saturates", BLOCK);
    for (let i = 0; i < BLOCK; i++) assert.ok(wasm.b[i] === -(positive[i] as number));
  }
});

test.run();
