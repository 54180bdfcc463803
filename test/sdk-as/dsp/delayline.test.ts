import { test } from "uvu";
import * as assert from "uvu/assert";
import { driver } from "./driver.ts";

const wasm = await driver(`
import { DelayLine } from "./sdk-as/dsp/delayline";
let line = new DelayLine(1000);
export function make(max: i32): void { line = new DelayLine(max); }
export function write(x: f32): void { line.write(x); }
export function clear(): void { line.clear(); }
export function read(d: i32): f32 { return line.read(d); }
export function linear(d: f64): f32 { return line.readLinear(d); }
export function cubic(d: f64): f32 { return line.readCubic(d); }
/** Delays A into B: 0 whole, 1 linear, 2 cubic. */
export function run(kind: i32, delay: f64, n: i32): void {
  for (let i = 0; i < n; i++) {
    line.write(A[i]);
    if (kind == 0) B[i] = line.read(<i32>delay);
    else if (kind == 1) B[i] = line.readLinear(delay);
    else B[i] = line.readCubic(delay);
  }
}
/** Feeds back with a factor; the line is one frame longer than the distance. */
export function feedback(delay: i32, factor: f32, n: i32): void {
  for (let i = 0; i < n; i++) {
    const back = line.read(delay - 1);
    line.write(A[i] + back * factor);
    B[i] = back;
  }
}
`);

test("a whole delay gives back the very samples, for each distance up to the longest", () => {
  for (const max of [1, 2, 3, 4, 5, 13, 60, 61, 64, 1000]) {
    wasm.call("make", max);
    for (let i = 0; i < 3000; i++) wasm.a[i] = i + 1;
    for (const delay of new Set([0, 1, 2, max >> 1, max - 1, max])) {
      if (delay > max) continue;
      wasm.call("clear");
      wasm.call("run", 0, delay, 3000);
      for (let i = 0; i < 3000; i++) assert.is(wasm.b[i], i < delay ? 0 : i + 1 - delay);
      wasm.call("clear");
      wasm.call("run", 1, delay, 3000);
      for (let i = 0; i < 3000; i++) assert.is(wasm.b[i], i < delay ? 0 : i + 1 - delay);
    }
  }
});

test("a sine delayed by any fraction is the shifted sine, within the interpolators' analytic error", () => {
  wasm.call("make", 1000);
  for (const w of [0.003, 0.03, 0.1, 0.5, 1, 2]) {
    for (let i = 0; i < 2000; i++) wasm.a[i] = Math.sin(w * i);
    for (let delay = 1; delay <= 1000; delay += delay < 4 ? 0.0625 : 83.03125) {
      const start = Math.ceil(delay) + 2;
      for (const [kind, bound] of [
        [1, (w * w) / 8],
        [2, (3 * w ** 4) / 128],
      ] as const) {
        wasm.call("clear");
        wasm.call("run", kind, delay, 2000);
        for (let i = start; i < 2000; i++) {
          const error = Math.abs((wasm.b[i] as number) - Math.sin(w * (i - delay)));
          assert.ok(error <= bound * 1.0001 + 3e-7, `${kind} w ${w} delay ${delay}: ${error} > ${bound}`);
        }
      }
    }
  }
});

test("the cubic passes through every cubic exactly", () => {
  wasm.call("make", 64);
  const f = (x: number) => 0.5 - 0.25 * x + 0.03125 * x * x - 0.0078125 * x ** 3;
  for (let i = -40; i <= 4; i++) wasm.call("write", f(i));
  for (let d = 1; d <= 30; d += 0.125) {
    const truth = f(4 - d);
    assert.ok(Math.abs(wasm.call("cubic", d) - truth) <= 1e-6 * Math.max(1, Math.abs(truth)) * 4);
  }
});

test("a distance out of range is held at the nearest end", () => {
  wasm.call("make", 10);
  for (let i = 1; i <= 40; i++) wasm.call("write", i);
  assert.equal(
    [-5, 0, 10, 11, 2 ** 31 - 1, -(2 ** 31)].map((d) => wasm.call("read", d)),
    [40, 40, 30, 30, 30, 40],
  );
  assert.equal(
    [-1, 0, 10, 10.5, 1e300, -Infinity].map((d) => wasm.call("linear", d)),
    [40, 40, 30, 30, 30, 40],
  );
  assert.equal(
    [-1, 0.5, 1, 10, 10.5, 1e300].map((d) => wasm.call("cubic", d)),
    [39, 39, 39, 30, 30, 30],
  );
});

test("feedback dies into exact zeros: no subnormal and no NaN ever stays in the line", () => {
  wasm.call("make", 16);
  wasm.a.fill(0);
  wasm.a[0] = 1;
  wasm.call("feedback", 4, 0.5, 2000);
  for (let k = 1; k < 40; k++) assert.is(wasm.b[4 * k], 2 ** (1 - k));
  for (let i = 0; i < 2000; i++) {
    const x = Math.abs(wasm.b[i] as number);
    assert.ok(x === 0 || x >= 1e-15 * 0.999);
  }
  assert.is(wasm.b[1996], 0);
  for (const bad of [NaN, 1e-40, -1e-40, 1e-16]) {
    wasm.call("write", bad);
    assert.is(wasm.call("read", 0), 0);
  }
});

test.run();
