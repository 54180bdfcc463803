// What is agreed on between a wish and a device.

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { DeviceCaps, StreamWish } from "../../abi/sidecar.ts";
import { negotiate } from "../../sidecar/negotiate.ts";

const CARD: DeviceCaps = {
  id: "card",
  rates: [44_100, 48_000, 96_000],
  channels: 2,
  formats: ["int32", "int16"],
  lowLatency: 0.01,
  highLatency: 0.05,
};
const WISH: StreamWish = {
  rate: 48_000,
  channels: 2,
  format: "int16",
  fit: "nearest",
  bufferFrames: 128,
  chunkFrames: 64,
  exclusive: false,
};

test("what the device can do is taken as it is wished, whatever the fit", () => {
  for (const fit of ["nearest", "fixed", "match"] as const) {
    const { changes, ...agreed } = negotiate(CARD, 44_100, { ...WISH, fit });
    assert.equal(changes, []);
    assert.equal(agreed, {
      rate: 48_000,
      channels: 2,
      format: "int16",
      bufferFrames: 128,
      chunkFrames: 64,
      latency: 0.01,
    });
  }
});

test("nearest means nearest in pitch", () => {
  const rate = (wished: number): number => negotiate(CARD, 48_000, { ...WISH, rate: wished }).rate;
  // Between 48,000 and 96,000 the middle of the octave is 48,000 times the square root of two.
  assert.equal(
    [8000, 46_000, 46_010, 67_882, 67_883, 192_000].map(rate),
    [44_100, 44_100, 48_000, 48_000, 96_000, 96_000],
  );
});

test("match takes the device's own rate where it lacks the wished one", () => {
  assert.is(negotiate(CARD, 44_100, { ...WISH, fit: "match", rate: 88_200 }).rate, 44_100);
});

test("fixed refuses, and says what the device plays", () => {
  const refusals: [Partial<StreamWish>, RegExp][] = [
    [{ rate: 88_200 }, /"card" does not play 88200 Hz; it plays 44100, 48000, 96000 Hz/],
    [{ channels: 6 }, /"card" does not play 6 channels; it plays up to 2 channels/],
    [{ format: "float32" }, /"card" does not play float32; it plays int32, int16/],
  ];
  for (const [wish, sentence] of refusals) {
    assert.throws(() => negotiate(CARD, 48_000, { ...WISH, fit: "fixed", ...wish }), sentence);
  }
});

test("every change is told", () => {
  const { changes, format } = negotiate(CARD, 48_000, { ...WISH, rate: 8000, channels: 8, format: "int24" });
  assert.is(format, "int32");
  assert.equal(changes, [
    "44100 Hz instead of 8000 Hz",
    "2 channels instead of 8 channels",
    "int32 instead of int24",
  ]);
});

test.run();
