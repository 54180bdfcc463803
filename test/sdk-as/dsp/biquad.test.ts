import { test } from "uvu";
import * as assert from "uvu/assert";
import { bits, driver } from "./driver.ts";

const wasm = await driver(`
import { Biquad } from "./sdk-as/dsp/biquad";
const f = new Biquad();
const g = new Biquad();
export function shape(kind: i32, rate: f64, hz: f64, q: f64, db: f64): void {
  if (kind == 0) f.lowpass(rate, hz, q);
  else if (kind == 1) f.highpass(rate, hz, q);
  else if (kind == 2) f.bandpass(rate, hz, q);
  else if (kind == 3) f.notch(rate, hz, q);
  else if (kind == 4) f.allpass(rate, hz, q);
  else if (kind == 5) f.peaking(rate, hz, q, db);
  else if (kind == 6) f.lowShelf(rate, hz, db, q);
  else f.highShelf(rate, hz, db, q);
  g.copyShape(f);
}
export function reset(): void { f.reset(); g.reset(); }
export function run(n: i32): void { for (let i = 0; i < n; i++) B[i] = f.next(A[i]); }
export function block(n: i32): void { g.process(C, A, n); }
export function inPlace(n: i32): void { g.process(A, A, n); }
export function coefficients(): void {
  store<f64>(W, f.b0); store<f64>(W + 8, f.b1); store<f64>(W + 16, f.b2); store<f64>(W + 24, f.a1); store<f64>(W + 32, f.a2);
}
`);

type Complex = [number, number];
const times = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
const plus = (a: Complex, b: Complex): Complex => [a[0] + b[0], a[1] + b[1]];
const over = (a: Complex, [c, d]: Complex): Complex => {
  const m = c * c + d * d;
  return times(a, [c / m, -d / m]);
};
const gain = ([a, b]: Complex) => Math.hypot(a, b);

/**
 * The analogue prototype of each shape, as a function of the complex s (1 at the filter's frequency). The digital
 * filter is its bilinear transform, so at w it must have the prototype's value at j tan(w / 2) / tan(w0 / 2).
 */
const PROTOTYPES: ((s: Complex, q: number, a: number) => Complex)[] = [
  (s, q) => over([1, 0], poles(s, q)),
  (s, q) => over(times(s, s), poles(s, q)),
  (s, q) => over(times(s, [1 / q, 0]), poles(s, q)),
  (s, q) => over(plus(times(s, s), [1, 0]), poles(s, q)),
  (s, q) => over(plus(plus(times(s, s), times(s, [-1 / q, 0])), [1, 0]), poles(s, q)),
  (s, q, a) => over(poles(s, q / a), poles(s, q * a)),
  (s, q, a) => times([a, 0], over(shelf(s, q, a, 1, a), shelf(s, q, a, a, 1))),
  (s, q, a) => times([a, 0], over(shelf(s, q, a, a, 1), shelf(s, q, a, 1, a))),
];
function poles(s: Complex, q: number): Complex {
  return plus(plus(times(s, s), times(s, [1 / q, 0])), [1, 0]);
}
function shelf(s: Complex, q: number, a: number, square: number, constant: number): Complex {
  return plus(plus(times(times(s, s), [square, 0]), times(s, [Math.sqrt(a) / q, 0])), [constant, 0]);
}
const NAMES = ["lowpass", "highpass", "bandpass", "notch", "allpass", "peaking", "low shelf", "high shelf"];

const CASES: [number, number, number][] = [];
for (const hz of [20, 200, 1000, 5000, 12000, 20000])
  for (const q of [0.1, Math.SQRT1_2, 4, 30]) for (const db of [-24, 9]) CASES.push([hz, q, db]);
const RATE = 48000;
const FREQUENCIES = [0, 1e-4, 0.01, 1, 23999, 23999.99, 24000];
for (let hz = 5; hz < 24000; hz *= 1.13) FREQUENCIES.push(hz);

test("every shape is the bilinear transform of its analogue prototype, from 0 Hz to Nyquist", () => {
  for (let kind = 0; kind < 8; kind++)
    for (const [f0, q, db] of CASES) {
      wasm.call("shape", kind, RATE, f0, q, db);
      wasm.call("coefficients");
      const [b0, b1, b2, a1, a2] = wasm.wide as unknown as [number, number, number, number, number];
      const w0 = (2 * Math.PI * f0) / RATE;
      for (const hz of [...FREQUENCIES, f0]) {
        const w = (2 * Math.PI * hz) / RATE;
        const z: Complex = [Math.cos(w), -Math.sin(w)];
        const top = plus(plus(times([b2, 0], times(z, z)), times([b1, 0], z)), [b0, 0]);
        const bottom = plus(plus(times([a2, 0], times(z, z)), times([a1, 0], z)), [1, 0]);
        // At Nyquist s is infinite; a large number is near enough.
        const s: Complex = [0, Math.min(Math.tan(w / 2) / Math.tan(w0 / 2), 1e9)];
        const truth = (PROTOTYPES[kind] as (typeof PROTOTYPES)[0])(
          hz >= 24000 ? [0, 1e9] : s,
          q,
          10 ** (db / 40),
        );
        const got = over(top, bottom);
        const error = Math.hypot(got[0] - truth[0], got[1] - truth[1]);
        // At 20 Hz the five coefficients cancel: 1e-16 / w0^2 is what f64 can hold.
        const allowed = 1e-7 + 4e-15 / w0 ** 2;
        assert.ok(
          error <= allowed * Math.max(1, gain(truth)),
          `${NAMES[kind]} ${f0} ${q} ${db} at ${hz}: ${error}`,
        );
      }
    }
});

test("what a filter does to an impulse is its transfer function", () => {
  const n = 65536;
  for (let kind = 0; kind < 8; kind++)
    for (const [f0, q] of [
      [200, 0.7],
      [1000, 8],
      [15000, 1],
    ] as const) {
      const db = 7;
      wasm.call("shape", kind, RATE, f0, q, db);
      wasm.call("reset");
      wasm.a.fill(0);
      wasm.a[0] = 1;
      wasm.call("run", n);
      for (const hz of [0, 3, 50, 150, 200, 260, 700, 1000, 1100, 4000, 9000, 15000, 19000, 23900, 24000]) {
        const w = (2 * Math.PI * hz) / RATE;
        let sum: Complex = [0, 0];
        for (let i = 0; i < 20000; i++) {
          const y = wasm.b[i] as number;
          if (y !== 0) sum = [sum[0] + y * Math.cos(w * i), sum[1] - y * Math.sin(w * i)];
        }
        const s: Complex = [0, hz === 24000 ? 1e9 : Math.tan(w / 2) / Math.tan(Math.PI * (f0 / RATE))];
        const truth = gain((PROTOTYPES[kind] as (typeof PROTOTYPES)[0])(s, q, 10 ** (db / 40)));
        assert.ok(
          Math.abs(gain(sum) - truth) < 2e-5,
          `${NAMES[kind]} ${f0} at ${hz}: ${gain(sum)} not ${truth}`,
        );
      }
    }
});

test("a block gives the samples of next, also in place, and cutting it changes nothing", () => {
  wasm.call("shape", 5, RATE, 700, 3, 12);
  wasm.call("reset");
  for (let i = 0; i < 4096; i++) wasm.a[i] = Math.sin(i * i * 0.001);
  wasm.call("run", 4096);
  wasm.call("block", 4096);
  assert.equal(bits(wasm.b, 4096), bits(wasm.c, 4096));
  wasm.call("reset");
  wasm.call("inPlace", 4096);
  assert.equal(bits(wasm.b, 4096), bits(wasm.a, 4096));
});

test("a tail ends in exact zeros, not in subnormals", () => {
  wasm.call("shape", 0, RATE, 100, 0.7, 0);
  wasm.call("reset");
  wasm.a.fill(0);
  wasm.a[0] = 1;
  wasm.call("run", 65536);
  for (let i = 0; i < 65536; i++) {
    const y = Math.abs(wasm.b[i] as number);
    assert.ok(y === 0 || y > 9.9e-16, `frame ${i}: ${y}`);
  }
  assert.is(wasm.b[65535], 0);
});

test("frequencies and Q out of range are held, so no setting is unstable", () => {
  for (let kind = 0; kind < 8; kind++)
    for (const hz of [-5, 0, 24000, 1e9])
      for (const q of [-1, 0, 1]) {
        wasm.call("shape", kind, RATE, hz, q, 6);
        wasm.call("reset");
        for (let i = 0; i < 20000; i++) wasm.a[i] = i & 1 ? -1 : 1;
        wasm.call("run", 20000);
        for (let i = 0; i < 20000; i++)
          assert.ok(Math.abs(wasm.b[i] as number) < 1e4, `${NAMES[kind]} ${hz} ${q}`);
      }
});

test("a filter swept up beyond Nyquist and down again, in steps of a block, does not burst", () => {
  wasm.call("reset");
  let peak = 0;
  for (let block = 0; block < 400; block++) {
    wasm.call("shape", 0, RATE, 3000 + 40000 * Math.max(0, Math.sin(block / 7)), 1, 0);
    // a sawtooth of 110 Hz
    for (let i = 0; i < 128; i++) wasm.a[i] = 2 * ((((block * 128 + i) * 110) / RATE) % 1) - 1;
    wasm.call("run", 128);
    for (let i = 0; i < 128; i++) peak = Math.max(peak, Math.abs(wasm.b[i] as number));
  }
  assert.ok(peak < 3, `${peak}`);
});

test.run();
