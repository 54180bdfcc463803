// builtin.delay: echoes come when, where and as loud as they should, and die without a rest.
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as abi from "../../abi/layout.ts";
import type { Processor } from "../../runtime/engine/processor.ts";
import { instance, load, play, RATE, render } from "./load.ts";

/** Wide open: an echo keeps its shape. */
const CLEAR = { tone: 20000, mix: 100 };

function impulse(frames: number): Float32Array {
  const samples = new Float32Array(frames);
  samples[0] = 1;
  return samples;
}

function tempo(delay: Processor, bpm: number): void {
  const { transport } = delay.instance;
  transport?.setUint32(abi.TRANSPORT_FLAGS, abi.TRANSPORT_HAS_TEMPO | abi.TRANSPORT_PLAYING, true);
  transport?.setFloat64(abi.TRANSPORT_BPM, bpm, true);
}

test("the first echo comes after the time that is set, whole", async () => {
  for (const ms of [1, 10, 350, 2000]) {
    const delay = await instance("delay", { params: { ...CLEAR, time: ms, feedback: 0 } });
    const { left, right } = play(delay, impulse(RATE * 2 + 1000));
    assert.equal(left, right);
    left.forEach((sample, i) => {
      const expected = i === (ms * RATE) / 1000 ? 1 : 0;
      assert.ok(Math.abs(sample - expected) < 1e-6, `${ms} ms, frame ${i}: ${sample}`);
    });
  }
});

test("between whole frames a slow sine is delayed by the very fraction", async () => {
  const time = 10.0078125; // 480.375 frames
  const delay = await instance("delay", { params: { ...CLEAR, time, feedback: 0 } });
  const angle = (i: number) => (2 * Math.PI * 440 * i) / RATE;
  const { left } = play(
    delay,
    Float32Array.from({ length: 8192 }, (_, i) => Math.sin(angle(i))),
  );
  for (let i = 1000; i < 8192; i++) assert.ok(Math.abs(left[i]! - Math.sin(angle(i - 480.375))) < 1e-4);
});

test("each echo is as loud as the feedback says beside the one before", async () => {
  const delay = await instance("delay", { params: { mix: 100, tone: 20000, time: 100, feedback: 50 } });
  // a plateau, so that the low-pass in the loop has settled
  const { left } = play(
    delay,
    Float32Array.from({ length: RATE }, (_, i) => (i < 2400 ? 1 : 0)),
  );
  for (const echo of [1, 2, 3, 4]) {
    const middle = left[echo * 4800 + 1200]!;
    assert.ok(Math.abs(middle - 0.5 ** (echo - 1)) < 1e-3, `echo ${echo}: ${middle}`);
  }
});

test("the mix goes from the dry sound alone to the echo alone", async () => {
  const dry = play(await instance("delay", { params: { mix: 0 } }), impulse(4800));
  assert.equal(dry.left, impulse(4800));
  const half = play(await instance("delay", { params: { ...CLEAR, mix: 50, time: 50 } }), impulse(4800));
  assert.ok(Math.abs(half.left[0]! - 0.5) < 1e-6 && Math.abs(half.left[2400]! - 0.5) < 1e-6);
});

test("in sync, the time is that of the note at the host's tempo", async () => {
  for (const [note, beats] of [
    ["1/16", 0.25],
    ["1/8", 0.5],
    ["1/8 dotted", 0.75],
    ["1/4 triplet", 2 / 3],
    ["1/4", 1],
    ["1/1", 4],
  ] as const) {
    const delay = await instance("delay", { params: { ...CLEAR, sync: 1, note, feedback: 0 } });
    tempo(delay, 150);
    const { left } = play(delay, impulse(RATE * 2));
    const loudest = left.reduce(
      (best, sample, i) => (Math.abs(sample) > Math.abs(left[best]!) ? i : best),
      0,
    );
    assert.ok(Math.abs(loudest - (beats * 60 * RATE) / 150) <= 0.5, `${note}: ${loudest}`);
  }
});

test("left and right are apart, until ping pong makes echoes change sides", async () => {
  const apart = play(
    await instance("delay", { params: { ...CLEAR, time: 10 } }),
    impulse(4800),
    new Float32Array(4800),
  );
  assert.ok(apart.right.every((sample) => sample === 0));
  const crossed = await instance("delay", { params: { ...CLEAR, time: 10, feedback: 50, ping_pong: 1 } });
  const { left, right } = play(crossed, impulse(4800));
  const sum = (side: Float32Array, echo: number) =>
    side.subarray(echo * 480 - 100, echo * 480 + 300).reduce((a, b) => a + b, 0);
  assert.ok(sum(left, 1) > 0.9 && Math.abs(sum(right, 1)) < 1e-6);
  assert.ok(Math.abs(sum(right, 2) - 0.5) < 0.01 && Math.abs(sum(left, 2)) < 1e-6);
  assert.ok(Math.abs(sum(left, 3) - 0.25) < 0.01);
});

test("the tone takes highs from each echo and leaves the lows", async () => {
  const ratio = async (hz: number) => {
    const delay = await instance("delay", { params: { mix: 100, tone: 1000, time: 100, feedback: 90 } });
    const tone = Float32Array.from({ length: RATE }, (_, i) =>
      i < 4800 ? Math.sin((2 * Math.PI * hz * i) / RATE) : 0,
    );
    const { left } = play(delay, tone);
    const energy = (from: number) =>
      left.subarray(from + 1000, from + 4000).reduce((sum, x) => sum + x * x, 0);
    return Math.sqrt(energy(9600) / energy(4800)) / 0.9;
  };
  assert.ok(Math.abs((await ratio(50)) - 1) < 0.01);
  // a one-pole's gain at its corner is -3 dB
  assert.ok(Math.abs((await ratio(1000)) - Math.SQRT1_2) < 0.06);
  assert.ok((await ratio(8000)) < 0.2);
});

test("it never grows, at the most feedback and the brightest tone", async () => {
  const delay = await instance("delay", { params: { mix: 100, tone: 20000, time: 3, feedback: 95 } });
  const { left } = play(
    delay,
    Float32Array.from({ length: RATE * 5 }, (_, i) => (i < RATE ? Math.sign(Math.sin(i * 1.3)) : 0)),
  );
  assert.ok(left.every((sample) => Math.abs(sample) <= 1 / (1 - 0.95) + 1));
  const peak = (from: number) =>
    left.subarray(from, from + 4800).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  assert.ok(peak(RATE * 4) < peak(RATE) / 1000);
});

test("an echo that dies becomes silence, with no subnormal number on the way", async () => {
  const delay = await instance("delay", { params: { mix: 100, time: 1, feedback: 60, tone: 3000 } });
  const { left } = play(delay, impulse(RATE));
  assert.ok(left.every((sample) => sample === 0 || Math.abs(sample) > 1.2e-38));
  assert.ok(left.subarray(RATE / 2).every((sample) => sample === 0));
});

test("a change of time glides: no sample jumps", async () => {
  const delay = await instance("delay", { params: { mix: 100, time: 100, feedback: 0, tone: 20000 } });
  const sine = Float32Array.from({ length: RATE }, (_, i) => Math.sin((2 * Math.PI * 110 * i) / RATE));
  const { left } = render2(delay, sine, (at) => {
    if (at === 128 * 100) delay.set("time", 150);
  });
  for (let i = 6000; i < RATE; i++) assert.ok(Math.abs(left[i]! - left[i - 1]!) < 0.1, `frame ${i}`);
});

test("a reset leaves no echo", async () => {
  const delay = await instance("delay", { params: { mix: 100, feedback: 95 } });
  play(delay, impulse(RATE));
  delay.reset();
  assert.ok(play(delay, new Float32Array(RATE)).left.every((sample) => sample === 0));
});

test("it can be run in any block size, with the same sound", async () => {
  const sounds = [];
  for (const maxFrames of [32, 128, 1024]) {
    const delay = await instance("delay", { maxFrames, params: { time: 37, feedback: 80, tone: 4000 } });
    sounds.push(play(delay, impulse(RATE / 4)).left);
  }
  for (const sound of sounds) assert.equal(sound, sounds[0]);
});

test("it says that its sound may go on for ever, and that it needs no call once it has ended", async () => {
  const { descriptor } = await load("delay");
  assert.is(descriptor.tail, -1);
  const delay = await instance("delay", { params: { feedback: 0 } });
  play(delay, impulse(128));
  assert.is(delay.instance.processState, abi.ProcessState.Continue);
  play(delay, new Float32Array(RATE * 6));
  assert.is(delay.instance.processState, abi.ProcessState.QuietOk);
});

function render2(delay: Processor, input: Float32Array, before: (at: number) => void) {
  return render(delay, input.length, (at, count) => {
    before(at);
    delay.input().left.set(input.subarray(at, at + count));
    delay.input().right.set(input.subarray(at, at + count));
  });
}

test.run();
