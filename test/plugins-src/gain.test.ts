// builtin.gain against the formula: out = in * 10^(dB / 20).
import { test } from "uvu";
import * as assert from "uvu/assert";
import { instance, load, play } from "./load.ts";

const noise = Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i * i * 0.7));

test("0 dB changes no bit, on either side", async () => {
  const { left, right } = play(
    await instance("gain"),
    noise,
    noise.map((x) => -x),
  );
  assert.equal(left, noise);
  assert.equal(
    right,
    noise.map((x) => -x),
  );
});

test("the gain is that of the formula, from -60 to 12 dB", async () => {
  for (const db of [-60, -20, -6, -0.1, 3, 12]) {
    const { left } = play(await instance("gain", { params: { gain: db } }), noise);
    const gain = 10 ** (db / 20);
    left.forEach((sample, i) =>
      assert.ok(Math.abs(sample - noise[i]! * gain) <= Math.abs(noise[i]! * gain) * 2e-7 + 1e-12),
    );
  }
});

test("a change glides for 20 ms, evenly, from the frame that it is set at", async () => {
  const gain = await instance("gain", { maxFrames: 2048 });
  gain.input().left.fill(1);
  gain.setAt(100, "gain", -60);
  assert.ok(gain.process(2048));
  const out = gain.output().left;
  const end = 10 ** (-60 / 20);
  for (let i = 0; i < 2048; i++) {
    const expected = 1 + (end - 1) * Math.min(Math.max((i - 99) / 960, 0), 1);
    assert.ok(Math.abs(out[i]! - expected) < 1e-6, `frame ${i}: ${out[i]}, not ${expected}`);
  }
});

test("block sizes make no difference", async () => {
  const sounds = [];
  for (const maxFrames of [1, 7, 128, 1000]) {
    const gain = await instance("gain", { maxFrames, params: { gain: -3 } });
    sounds.push(play(gain, noise).left);
  }
  for (const sound of sounds) assert.equal(sound, sounds[0]);
});

test("it says of itself what a panel needs", async () => {
  const { descriptor } = await load("gain");
  assert.is(descriptor.id, "builtin.gain");
  const port = descriptor.ports.find(({ id }) => id === "gain")!;
  assert.equal([port.min, port.max, port.default, port.unit, port.smoothing], [-60, 12, 0, "dB", 20]);
});

test.run();
