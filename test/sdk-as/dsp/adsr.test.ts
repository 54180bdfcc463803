import { test } from "uvu";
import * as assert from "uvu/assert";
import { driver } from "./driver.ts";

const wasm = await driver(`
import { Adsr } from "./sdk-as/dsp/adsr";
const adsr = new Adsr();
export function set(a: f64, d: f64, s: f64, r: f64, rate: f64): void { adsr.set(a, d, s, r, rate); }
export function on(): void { adsr.noteOn(); }
export function off(): void { adsr.noteOff(); }
export function reset(): void { adsr.reset(); }
export function active(): i32 { return adsr.active; }
export function stage(): i32 { return adsr.stage; }
export function run(from: i32, n: i32): void { for (let i = 0; i < n; i++) B[from + i] = adsr.next(); }
`);
const [SUSTAIN, IDLE] = [3, 0];

/** The law: from `start`, towards `end`, bent by c, over `frames`; n frames after the start. */
function law(start: number, end: number, c: number, frames: number, n: number): number {
  const aim = end + c * (end - start);
  return aim + (start - aim) * (c / (1 + c)) ** (n / frames);
}
const near = (got: number | undefined, truth: number, where: string) =>
  assert.ok(Math.abs((got as number) - truth) < 1e-6, `${where}: ${got}, not ${truth}`);

const SHAPES = [
  { a: 480, d: 960, s: 0.5, r: 2400 },
  { a: 3, d: 7, s: 0.25, r: 5 },
  { a: 20000, d: 20000, s: 0.9, r: 20000 },
  { a: 1000, d: 5000, s: 0, r: 100 },
];

test("attack, decay and release follow the analytic curve, each for its set time", () => {
  for (const { a, d, s, r } of SHAPES) {
    wasm.call("reset");
    wasm.call("set", a / 48000, d / 48000, s, r / 48000, 48000);
    wasm.call("on");
    wasm.call("run", 0, a + d + 10);
    for (let i = 0; i < a - 1; i++) near(wasm.b[i], law(0, 1, 0.3, a, i + 1), `attack ${i}`);
    // The crossing may fall one frame late, by rounding.
    const peak = wasm.b[a - 1] === 1 ? a - 1 : a;
    assert.is(wasm.b[peak], 1);
    for (let i = 1; i < d - 1; i++) near(wasm.b[peak + i], law(1, s, 0.001, d, i), `decay ${i}`);
    for (let i = peak + d + 1; i < a + d + 10; i++) assert.is(wasm.b[i], Math.fround(s));
    assert.is(wasm.call("stage"), SUSTAIN);
    wasm.call("off");
    wasm.call("run", 0, r + 2);
    for (let i = 0; i < r - 1; i++) near(wasm.b[i], law(s, 0, 0.001, r, i + 1), `release ${i}`);
    for (let i = r; i < r + 2; i++) assert.is(wasm.b[i], 0);
    assert.is(wasm.call("active"), 0);
    assert.is(wasm.call("stage"), IDLE);
  }
});

test("a note struck again rises from where the sound is, without a step", () => {
  const [a, d, r] = [480, 4800, 4800];
  wasm.call("reset");
  wasm.call("set", a / 48000, d / 48000, 0.6, r / 48000, 48000);
  wasm.call("on");
  wasm.call("run", 0, 2000);
  wasm.call("off");
  wasm.call("run", 2000, 700);
  wasm.call("on");
  wasm.call("run", 2700, 1000);
  // No frame moves by more than the attack's first frame does, its steepest.
  const steepest = law(0, 1, 0.3, a, 1);
  for (let i = 1; i < 3700; i++)
    assert.ok(Math.abs((wasm.b[i] as number) - (wasm.b[i - 1] as number)) <= steepest + 1e-7, `frame ${i}`);
  const from = wasm.b[2699] as number;
  assert.ok(from > 0.05 && from < 0.6);
  assert.ok((wasm.b[2700] as number) > from);
  // The same capacitor: towards 1.3, with the attack's factor.
  const q = (0.3 / 1.3) ** (1 / a);
  near(wasm.b[2719], 1.3 + (from - 1.3) * q ** 20, "twenty frames on");
});

test("a release from the attack begins at the level reached, and takes the whole release time", () => {
  wasm.call("reset");
  wasm.call("set", 0.1, 0.1, 0.5, 0.05, 48000);
  wasm.call("on");
  wasm.call("run", 0, 1000);
  const level = wasm.b[999] as number;
  wasm.call("off");
  wasm.call("run", 0, 2402);
  for (let i = 0; i < 2399; i++) near(wasm.b[i], law(level, 0, 0.001, 2400, i + 1), `release ${i}`);
  assert.is(wasm.b[2400], 0);
});

test("another sustain level during a held note is approached in the decay time, upwards too", () => {
  for (const [before, after] of [
    [0.5, 0.8],
    [0.8, 0.1],
    [0, 1],
  ] as const) {
    wasm.call("reset");
    wasm.call("set", 0.001, 0.01, before, 0.1, 48000);
    wasm.call("on");
    wasm.call("run", 0, 2000);
    assert.is(wasm.b[1999], Math.fround(before));
    wasm.call("set", 0.001, 0.01, after, 0.1, 48000);
    wasm.call("run", 0, 482);
    for (let i = 0; i < 478; i++) near(wasm.b[i], law(before, after, 0.001, 480, i + 1), `frame ${i}`);
    assert.is(wasm.b[481], Math.fround(after));
    assert.is(wasm.call("stage"), SUSTAIN);
  }
});

test("times of 0 jump, and note off without a note is silence", () => {
  wasm.call("reset");
  wasm.call("off");
  wasm.call("run", 0, 2);
  assert.equal([...wasm.b.subarray(0, 2)], [0, 0]);
  wasm.call("set", 0, 0, 0.5, 0, 48000);
  wasm.call("on");
  wasm.call("run", 0, 4);
  assert.equal([...wasm.b.subarray(0, 4)], [1, 0.5, 0.5, 0.5]);
  wasm.call("off");
  wasm.call("run", 0, 2);
  assert.equal([...wasm.b.subarray(0, 2)], [0, 0]);
});

test.run();
