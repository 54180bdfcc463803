import { test } from "uvu";
import * as assert from "uvu/assert";
import { BLOCK, bits, driver } from "./driver.ts";

const wasm = await driver(`
import { Phasor } from "./sdk-as/dsp/phasor";
const one = new Phasor();
const four = new Phasor();
export function tune(hz: f64, rate: f64): void { one.setFrequency(hz, rate); four.setFrequency(hz, rate); }
export function advance(turns: f64): void { one.setIncrement(turns); four.setIncrement(turns); }
export function reset(turns: f64): void { one.reset(turns); four.reset(turns); }
export function run(n: i32): void { for (let i = 0; i < n; i++) B[i] = one.next(); }
export function run4(n: i32): void { for (let i = 0; i < n; i += 4) v128.store(C.address(i), four.next4()); }
export function value(): f32 { return one.value; }
`);

/** Distance on the circle. */
const apart = (a: number, b: number) => Math.abs(a - b - Math.round(a - b));

test("the phase after n frames is n * hz / rate, also after a minute and also for very slow and negative frequencies", () => {
  const rate = 48000;
  for (const hz of [0.01, 0.1, 1, 440, 12543.85, 23999, -3.3, -7000, 50000]) {
    wasm.call("tune", hz, rate);
    wasm.call("reset", 0.25);
    for (let block = 0; block < 44; block++) {
      wasm.call("run", BLOCK);
      for (let i = 0; i < BLOCK; i += 111) {
        // hz * n first: the division then rounds once.
        const turns = 0.25 + (hz * (block * BLOCK + i)) / rate;
        assert.ok(apart(wasm.b[i] as number, turns) < 6e-8 + 1e-9, `${hz} Hz, frame ${i} of block ${block}`);
      }
    }
  }
});

test("a phase is at least 0 and less than 1, even just below the wrap", () => {
  wasm.call("advance", -(2 ** -50));
  wasm.call("reset", 0);
  wasm.call("run", 64);
  for (let i = 0; i < 64; i++) assert.ok((wasm.b[i] as number) >= 0 && (wasm.b[i] as number) < 1);
  assert.ok((wasm.b[1] as number) > 0.9999999);
});

test("next4 gives the phases of four calls of next", () => {
  for (const hz of [440, 0.01, -1234.5, 23000]) {
    wasm.call("tune", hz, 48000);
    wasm.call("reset", 0.123);
    wasm.call("run", BLOCK);
    wasm.call("run4", BLOCK);
    assert.equal(bits(wasm.b, BLOCK), bits(wasm.c, BLOCK));
  }
});

test("value is what next returns, and reset takes any number of turns", () => {
  wasm.call("tune", 100, 48000);
  for (const [turns, phase] of [
    [0.5, 0.5],
    [3.75, 0.75],
    [-0.25, 0.75],
    [-2, 0],
  ] as const) {
    wasm.call("reset", turns);
    assert.is(wasm.call("value"), phase);
    wasm.call("run", 1);
    assert.is(wasm.b[0], phase);
  }
});

test.run();
