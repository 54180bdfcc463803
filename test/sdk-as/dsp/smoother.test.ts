import { test } from "uvu";
import * as assert from "uvu/assert";
import { driver } from "./driver.ts";

const wasm = await driver(`
import { LinearSmoother, OnePoleSmoother } from "./sdk-as/dsp/smoother";
const line = new LinearSmoother();
const pole = new OnePoleSmoother();
export function lineTime(ms: f64, rate: f64): void { line.setTime(ms, rate); }
export function lineReset(v: f32): void { line.reset(v); }
export function lineTarget(v: f32): void { line.setTarget(v); }
export function lineSettled(): i32 { return line.settled; }
export function lineValue(): f32 { return line.value; }
export function lineSkip(n: i32): f32 { return line.skip(n); }
export function lineRun(n: i32): void { for (let i = 0; i < n; i++) B[i] = line.next(); }
export function poleTime(ms: f64, rate: f64): void { pole.setTime(ms, rate); }
export function poleReset(v: f32): void { pole.reset(v); }
export function poleTarget(v: f32): void { pole.setTarget(v); }
export function poleSettled(): i32 { return pole.settled; }
export function poleRun(n: i32): void { for (let i = 0; i < n; i++) B[i] = pole.next(); }
`);
const STEPS = [
  [0, 1],
  [1, 0],
  [-60, 12],
  [20, 20000],
  [0.1, 0.1 + 1e-6],
  [1e-20, 3e5],
] as const;

test("a line goes straight, and stands exactly on its target in the frame that the set time names", () => {
  for (const [from, to] of STEPS) {
    for (const [ms, rate] of [
      [20, 48000],
      [1, 44100],
      [700, 48000],
    ] as const) {
      const frames = Math.round(ms * 0.001 * rate);
      wasm.call("lineTime", ms, rate);
      wasm.call("lineReset", from);
      assert.is(wasm.call("lineSettled"), 1);
      wasm.call("lineTarget", to);
      wasm.call("lineRun", frames + 3);
      const [start, end] = [Math.fround(from), Math.fround(to)];
      for (let i = 0; i < frames; i++) {
        const truth = start + ((end - start) * (i + 1)) / frames;
        assert.ok(
          Math.abs((wasm.b[i] as number) - truth) <= 6e-8 * Math.max(Math.abs(start), Math.abs(end)) + 1e-12,
        );
        // Not earlier, where the step is large enough for f32 to tell.
        if (i < frames - 1 && Math.abs(end - start) > 1e-2) assert.is.not(wasm.b[i], end);
      }
      for (let i = frames - 1; i < frames + 3; i++) assert.is(wasm.b[i], end);
      assert.is(wasm.call("lineSettled"), 1);
    }
  }
});

test("a new target in mid-line sets off from where the line is", () => {
  wasm.call("lineTime", 10, 48000);
  wasm.call("lineReset", 0);
  wasm.call("lineTarget", 1);
  wasm.call("lineRun", 240);
  assert.is(wasm.b[239], 0.5);
  assert.is(wasm.call("lineValue"), 0.5);
  wasm.call("lineTarget", -1);
  wasm.call("lineRun", 480);
  assert.ok(Math.abs((wasm.b[0] as number) - (0.5 - 1.5 / 480)) < 1e-7);
  assert.is(wasm.b[479], -1);
});

test("skipping frames ends where calling next as often would", () => {
  for (const frames of [0, 1, 7, 479, 480, 481, 5000]) {
    wasm.call("lineTime", 10, 48000);
    wasm.call("lineReset", 3);
    wasm.call("lineTarget", -7);
    wasm.call("lineRun", frames);
    const value = wasm.call("lineValue");
    wasm.call("lineReset", 3);
    wasm.call("lineTarget", -7);
    assert.is(wasm.call("lineSkip", frames), value);
  }
});

test("a one-pole follows its exponential, has 1 % of the step left at the set time, and lands exactly", () => {
  for (const [from, to] of STEPS) {
    for (const ms of [1, 20, 300]) {
      const frames = ms * 48;
      wasm.call("poleTime", ms, 48000);
      wasm.call("poleReset", from);
      wasm.call("poleTarget", to);
      const total = Math.ceil(2.6 * frames);
      wasm.call("poleRun", total);
      const [start, end] = [Math.fround(from), Math.fround(to)];
      for (let i = 0; i < total; i++) {
        const truth = end + (start - end) * 0.01 ** ((i + 1) / frames);
        const allowed = 1.1e-5 * Math.abs(start - end) + 6e-8 * Math.max(Math.abs(start), Math.abs(end));
        assert.ok(Math.abs((wasm.b[i] as number) - truth) <= allowed, `${from} to ${to}, frame ${i}`);
      }
      assert.is(wasm.b[total - 1], end);
      assert.is(wasm.call("poleSettled"), 1);
    }
  }
});

test("a slow one-pole does not stop short of its target", () => {
  wasm.call("poleTime", 5000, 192000);
  wasm.call("poleReset", 0);
  wasm.call("poleTarget", 1);
  for (let i = 0; i < 39; i++) wasm.call("poleRun", 65536);
  assert.is(wasm.b[65535], 1);
});

test("a time of 0 jumps", () => {
  wasm.call("poleTime", 0, 48000);
  wasm.call("poleReset", 0);
  wasm.call("poleTarget", 5);
  wasm.call("poleRun", 1);
  assert.is(wasm.b[0], 5);
  wasm.call("lineTime", 0, 48000);
  wasm.call("lineReset", 0);
  wasm.call("lineTarget", 5);
  wasm.call("lineRun", 1);
  assert.is(wasm.b[0], 5);
});

test.run();
