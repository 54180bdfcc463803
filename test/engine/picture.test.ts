// The picture of a render: its shape gathered from blocks, its texts harmless.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { type PictureNode, renderPicture, WaveformPeaks } from "../../runtime/engine/picture.ts";

const node = (more: Partial<PictureNode> = {}): PictureNode => ({
  id: "lead",
  type: "builtin.sine",
  unitsPerBlock: 1000,
  timeShare: 0.5,
  peak: 0.5,
  fault: null,
  ...more,
});

/** Every tag is closed in order, every attribute quoted, every entity known. */
function assertWellFormed(svg: string): void {
  const open: string[] = [];
  const tag = /<(\/?)([a-z]+)((?: [a-z-]+="[^"<]*")*)(\/?)>|([^<>]+)/giy;
  let at = 0;
  while (at < svg.length) {
    tag.lastIndex = at;
    const found = tag.exec(svg);
    assert.ok(found, `not XML at ${at}: ${svg.slice(at, at + 60)}`);
    const [whole, close, name, attributes = "", empty, text] = found as unknown as string[];
    at += whole!.length;
    const rest = (text ?? attributes).replace(/&(?:amp|lt|gt|quot|#39);/g, "");
    assert.not(rest.includes("&"));
    if (text !== undefined) continue;
    if (close) assert.is(open.pop(), name);
    else if (!empty) open.push(name!);
  }
  assert.equal(open, []);
}

function peaksOf(sound: Float32Array, block: number): WaveformPeaks {
  const peaks = new WaveformPeaks(1);
  for (let at = 0; at < sound.length; at += block) peaks.add([sound], Math.min(block, sound.length - at), at);
  return peaks;
}

test("columns hold the lowest, highest and mean power of their stretch, whatever the blocks", () => {
  const sound = Float32Array.from({ length: 100000 }, (_, i) => Math.sin(i / 300) * (i % 7) * 0.1);
  const whole = peaksOf(sound, 100000).channels[0]!.columns(50, sound.length);
  assert.equal(peaksOf(sound, 333).channels[0]!.columns(50, sound.length), whole);
  const power = (part: Float32Array): number =>
    Math.sqrt(part.reduce((sum, x) => sum + x * x, 0) / part.length);
  for (let column = 0; column < 50; column++) {
    // A column reaches into its neighbours by less than a span, 32 frames here.
    const narrow = sound.subarray(column * 2000 + 32, (column + 1) * 2000 - 32);
    const wide = sound.subarray(Math.max(0, column * 2000 - 32), (column + 1) * 2000 + 32);
    assert.ok(whole.high[column]! >= Math.max(...narrow) && whole.high[column]! <= Math.max(...wide));
    assert.ok(whole.low[column]! <= Math.min(...narrow) && whole.low[column]! >= Math.min(...wide));
    assert.ok(Math.abs(whole.body[column]! - power(wide)) < 0.02);
  }
});

test("one loud sample in an hour is not lost", () => {
  const peaks = new WaveformPeaks(1);
  const block = new Float32Array(65536);
  for (let i = 0; i < 200; i++) {
    block[12345] = i === 150 ? -0.9 : 0;
    peaks.add([block], block.length);
  }
  assert.is(peaks.frames, 200 * 65536);
  assert.is(peaks.channels[0]!.peak, Math.fround(0.9));
  const { low } = peaks.channels[0]!.columns(1000, peaks.frames);
  const column = low.findIndex((x) => x < 0);
  assert.is(column, Math.floor(((150 * 65536 + 12345) / peaks.frames) * 1000));
  assert.is(low[column], Math.fround(-0.9));
});

test("a picture is well-formed, names every node, and tells where and why one was stopped", () => {
  const svg = renderPicture({
    title: "Prelude",
    rate: 48000,
    waveform: peaksOf(
      Float32Array.from({ length: 96000 }, (_, i) => Math.sin(i / 10)),
      512,
    ),
    nodes: [
      node(),
      node({
        id: "loop",
        type: "x/loop.wasm",
        unitsPerBlock: 5e6,
        fault: { seconds: 1.25, message: "never ended" },
      }),
      node({ id: "nan", peak: 0, fault: { seconds: 1.26, message: "wrote a NaN" } }),
    ],
  });
  assertWellFormed(svg);
  for (const text of [
    "Prelude",
    "lead",
    "loop",
    "1.250 s",
    "never ended",
    "wrote a NaN",
    "5.00 M",
    "50.0 %",
    "silent",
    "peak 0.0 dBFS",
  ]) {
    assert.ok(svg.includes(text), text);
  }
});

test("texts from strangers are escaped, cut and free of control characters", () => {
  const evil = `</text><script>alert("1")</script>&'\u0000\u001b\u202e${"x".repeat(5000)}`;
  const svg = renderPicture({
    title: evil,
    rate: 48000,
    waveform: new WaveformPeaks(2),
    nodes: [node({ id: evil, type: evil, fault: { seconds: 0, message: evil } })],
  });
  assertWellFormed(svg);
  assert.not(svg.includes("<script"));
  assert.not(/[\u0000\u001b\u202e]/.test(svg));
  assert.ok(svg.length < 20000);
});

test("numbers that are none, sounds of no length and renders without nodes have a picture, too", () => {
  const bad = [Number.NaN, Number.POSITIVE_INFINITY, -1, 0];
  for (const x of bad) {
    const fault = { seconds: x, message: "" };
    const svg = renderPicture({
      title: "",
      rate: 48000,
      waveform: new WaveformPeaks(1),
      nodes: [node({ unitsPerBlock: x, timeShare: x, peak: x, fault }), node()],
    });
    assertWellFormed(svg);
    assert.not(/NaN|Infinity/.test(svg));
  }
  assertWellFormed(
    renderPicture({ title: "", rate: 1, waveform: peaksOf(Float32Array.of(0.5), 1), nodes: [] }),
  );
  assertWellFormed(
    renderPicture({
      title: "",
      rate: 8000,
      waveform: peaksOf(Float32Array.of(0.5, -0.5, 0.25), 2),
      nodes: [],
    }),
  );
});

test("the same facts make the same picture", () => {
  const draw = (): string =>
    renderPicture({
      title: "t",
      rate: 8000,
      waveform: peaksOf(
        Float32Array.from({ length: 900 }, (_, i) => (i % 9) / 9),
        64,
      ),
      nodes: [node()],
    });
  assert.is(draw(), draw());
});

test.run();
