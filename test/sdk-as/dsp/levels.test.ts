import { test } from "uvu";
import * as assert from "uvu/assert";
import { BLOCK, driver, sweep, worst } from "./driver.ts";

const wasm = await driver(`
import { dbToGain, dbToGainFast, gainToDb } from "./sdk-as/dsp/db";
import { noteToHz, hzToNote } from "./sdk-as/dsp/note";
export function gains(n: i32): void { for (let i = 0; i < n; i++) B[i] = dbToGain(A[i]); }
export function fastGains(n: i32): void { for (let i = 0; i < n; i++) B[i] = dbToGainFast(A[i]); }
export function levels(n: i32): void { for (let i = 0; i < n; i++) B[i] = gainToDb(A[i]); }
export function level(gain: f32, floor: f32): f32 { return gainToDb(gain, floor); }
export function hz(note: f64, a4: f64): f64 { return noteToHz(note, a4); }
export function note(hz: f64, a4: f64): f64 { return hzToNote(hz, a4); }
`);

test("dbToGain is 10^(dB/20) to the precision of f32", () => {
  sweep(wasm.a, -200, 100);
  wasm.call("gains", BLOCK);
  const { error } = worst(BLOCK, (i) => (wasm.b[i] as number) / 10 ** ((wasm.a[i] as number) / 20) - 1);
  assert.ok(error <= 2 ** -24 * 1.0001, `${error}`);
});

test("dbToGainFast is within 2e-6 of it from -120 to 60 dB, and exactly 1 at 0 dB", () => {
  for (const [low, high] of [
    [-120, -60],
    [-60, 0],
    [0, 60],
  ] as const) {
    sweep(wasm.a, low, high);
    wasm.call("fastGains", BLOCK);
    const { error } = worst(BLOCK, (i) => (wasm.b[i] as number) / 10 ** ((wasm.a[i] as number) / 20) - 1);
    assert.ok(error <= 2e-6, `${error}`);
  }
  wasm.a[0] = 0;
  wasm.call("fastGains", 1);
  assert.is(wasm.b[0], 1);
});

test("gainToDb is 20 log10 |gain|, and its floor where that is lower", () => {
  sweep(wasm.a, -4, 4, BLOCK);
  wasm.call("levels", BLOCK);
  const truth = (gain: number) => Math.fround(Math.max(-144, 20 * Math.log10(Math.abs(gain))));
  const { error } = worst(BLOCK, (i) => (wasm.b[i] as number) - truth(wasm.a[i] as number));
  assert.ok(error <= 8e-6, `${error}`);
  assert.is(wasm.call("level", 0, -144), -144);
  assert.is(wasm.call("level", 0, -60), -60);
  assert.is(wasm.call("level", 1e-4, -60), -60);
  assert.is(wasm.call("level", 1, -60), 0);
});

test("noteToHz is equal temperament: 69 is 440 Hz, 12 notes are an octave, parts of notes and other tunings are allowed", () => {
  assert.is(wasm.call("hz", 69, 440), 440);
  assert.is(wasm.call("hz", 57, 440), 220);
  assert.is(wasm.call("hz", 69, 415), 415);
  for (let note = -24; note <= 151; note += 1 / 64) {
    const truth = 440 * 2 ** ((note - 69) / 12);
    assert.ok(Math.abs(wasm.call("hz", note, 440) / truth - 1) < 1e-14);
    assert.ok(Math.abs(wasm.call("note", truth, 440) - note) < 1e-11);
  }
});

test.run();
