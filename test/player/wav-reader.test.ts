// Reading WAV files: against what SoX reads in files that SoX wrote, against the format's own formulas, and against bytes that lie.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import { readWav } from "../../runtime/player/wav-reader.ts";
import { root } from "../root.ts";

const folder = path.join(root, "test/player/fixtures");
const reference = JSON.parse(readFileSync(path.join(folder, "reference.json"), "utf8")) as Record<
  string,
  number[][]
>;
const fixture = (name: string): Uint8Array => readFileSync(path.join(folder, name));

const u16 = (n: number): number[] => [n & 255, (n >> 8) & 255];
const u32 = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255];
const text = (s: string): number[] => [...s].map((c) => c.charCodeAt(0));
const chunk = (id: string, body: number[], size = body.length): number[] => [
  ...text(id),
  ...u32(size),
  ...body,
  ...(body.length & 1 ? [0] : []),
];
const fmt = (
  tag: number,
  channels: number,
  rate: number,
  bits: number,
  align = (channels * bits) / 8,
  extra: number[] = [],
): number[] =>
  chunk("fmt ", [
    ...u16(tag),
    ...u16(channels),
    ...u32(rate),
    ...u32(rate * align),
    ...u16(align),
    ...u16(bits),
    ...extra,
  ]);
const riff = (...chunks: number[][]): Uint8Array => {
  const body = chunks.flat();
  return Uint8Array.from([...text("RIFF"), ...u32(4 + body.length), ...text("WAVE"), ...body]);
};
const guid = (tag: number): number[] => [...u32(tag), 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
const f32 = (...x: number[]): number[] => [...new Uint8Array(Float32Array.from(x).buffer)];
const f64 = (...x: number[]): number[] => [...new Uint8Array(Float64Array.from(x).buffer)];
const read = (bytes: Uint8Array): ReturnType<typeof readWav> => readWav(bytes, "in.wav");

/** The code of the error; fails if there is none, or if it is not one clear sentence. */
function codeOf(bytes: Uint8Array): string {
  try {
    read(bytes);
  } catch (error) {
    assert.instance(error, BelljarError, String(error));
    const { code, message } = error as BelljarError;
    assert.match(message, /^in\.wav .*byte \d+.*\.$/);
    return code;
  }
  return "none";
}

for (const [name, expected] of Object.entries(reference)) {
  test(`${name} gives the samples that SoX reads in it`, () => {
    const wav = readWav(fixture(name), name);
    assert.is(wav.rate, 44100);
    assert.is(wav.channels, expected.length);
    assert.is(wav.frames, 22);
    assert.equal(
      wav.samples.map((s) => [...s]),
      expected.map((s) => s.map(Math.fround)),
    );
    assert.is(wav.streamed, name.includes("pipe"));
  });
}

test("integers are scaled by a power of two, to the bit", () => {
  assert.equal(
    [...read(riff(fmt(1, 1, 8000, 8), chunk("data", [0, 127, 128, 129, 255]))).samples[0]!],
    [-1, -1 / 128, 0, 1 / 128, 127 / 128],
  );
  const s16 = [...u16(0x8000), ...u16(0xffff), ...u16(0), ...u16(1), ...u16(0x7fff)];
  assert.equal(
    [...read(riff(fmt(1, 1, 8000, 16), chunk("data", s16))).samples[0]!],
    [-1, -1 / 32768, 0, 1 / 32768, 32767 / 32768],
  );
  const s24 = [0, 0, 0x80, 255, 255, 255, 0, 0, 0, 1, 0, 0, 255, 255, 0x7f];
  assert.equal(
    [...read(riff(fmt(1, 1, 8000, 24), chunk("data", s24))).samples[0]!],
    [-1, -1 / 8388608, 0, 1 / 8388608, 8388607 / 8388608],
  );
  const s32 = [...u32(0x80000000), ...u32(1), ...u32(0x40000000)];
  assert.equal(
    [...read(riff(fmt(1, 1, 8000, 32), chunk("data", s32))).samples[0]!],
    [-1, 1 / 2147483648, 0.5],
  );
});

test("floats come as they are, also beyond full scale", () => {
  assert.equal(
    [...read(riff(fmt(3, 2, 8000, 32), chunk("data", f32(0.1, -3, 1, 1e-40)))).samples[1]!],
    [-3, Math.fround(1e-40)],
  );
  assert.equal(
    [...read(riff(fmt(3, 1, 8000, 64), chunk("data", f64(0.1, -3)))).samples[0]!],
    [Math.fround(0.1), -3],
  );
});

test("a float that is not a finite 32-bit number is refused with its place", () => {
  const start = 12 + 24 + 8;
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    assert.throws(
      () => read(riff(fmt(3, 2, 8000, 32), chunk("data", f32(0, 0, 0, bad)))),
      (error: BelljarError) =>
        error.code === "wav/not-finite" && error.message.includes(`byte ${start + 12} (frame 1, channel 2)`),
    );
  }
  assert.is(codeOf(riff(fmt(3, 1, 8000, 64), chunk("data", f64(0, 1e300)))), "wav/not-finite");
});

test("an extensible header is read by its sub-format, its valid bits are told", () => {
  const extensible = (valid: number, tag: number[]): number[] =>
    fmt(0xfffe, 1, 48000, 32, 4, [...u16(22), ...u16(valid), ...u32(4), ...tag]);
  const wav = read(riff(extensible(24, guid(1)), chunk("data", u32(0x40000000))));
  assert.is(wav.encoding, "pcm32");
  assert.is(wav.validBits, 24);
  assert.is(wav.samples[0]![0], 0.5);
  assert.is(read(riff(extensible(32, guid(3)), chunk("data", f32(0.25)))).samples[0]![0], 0.25);
  assert.is(codeOf(riff(extensible(33, guid(1)), chunk("data", u32(0)))), "wav/bits");
  assert.is(codeOf(riff(extensible(32, guid(2)), chunk("data", u32(0)))), "wav/format");
  assert.is(codeOf(riff(extensible(32, guid(1).with(15, 0)), chunk("data", u32(0)))), "wav/format");
  assert.is(codeOf(riff(fmt(0xfffe, 1, 48000, 32), chunk("data", u32(0)))), "wav/format");
});

test("unknown chunks are stepped over, with their padding", () => {
  const wav = read(
    riff(
      chunk("LIST", text("odd")),
      fmt(1, 1, 8000, 16),
      chunk("fact", u32(1)),
      chunk("bext", [7]),
      chunk("data", u16(16384)),
    ),
  );
  assert.equal([...wav.samples[0]!], [0.5]);
});

test("a data chunk of size 0 or all ones in an unfinished file goes to the file's end", () => {
  const header = (whole: number, size: number): number[] => [
    ...text("RIFF"),
    ...u32(whole),
    ...text("WAVE"),
    ...fmt(1, 1, 8000, 16),
    ...text("data"),
    ...u32(size),
  ];
  for (const [whole, size] of [
    [0, 0],
    [36, 0],
    [0xffffffff, 0],
    [0xffffffff, 0xffffffff],
    [0, 0x7ffff000],
  ] as const) {
    const wav = read(Uint8Array.from([...header(whole, size), ...u16(16384), ...u16(8192), 9]));
    assert.equal([...wav.samples[0]!], [0.5, 0.25]);
    assert.ok(wav.streamed);
    assert.is(wav.ignoredBytes, 1);
  }
});

test("an empty data chunk in a finished file is an empty sound", () => {
  const wav = read(riff(fmt(1, 1, 8000, 16), chunk("data", []), chunk("LIST", text("abcd"))));
  assert.is(wav.frames, 0);
  assert.not(wav.streamed);
});

test("RF64 takes the size of its samples from the ds64 chunk", () => {
  const body = [
    ...chunk("ds64", [...u32(0), ...u32(0), ...u32(4), ...u32(0), ...u32(2), ...u32(0), ...u32(0)]),
    ...fmt(1, 1, 8000, 16),
    ...chunk("data", [...u16(16384), ...u16(8192), ...u16(1)], 0xffffffff),
  ];
  for (const magic of ["RF64", "BW64"]) {
    const wav = read(Uint8Array.from([...text(magic), ...u32(0xffffffff), ...text("WAVE"), ...body]));
    assert.equal([...wav.samples[0]!], [0.5, 0.25]);
  }
  const lie = Uint8Array.from([...text("RF64"), ...u32(0xffffffff), ...text("WAVE"), ...body]);
  lie[12 + 8 + 12] = 1;
  assert.is(codeOf(lie), "wav/truncated");
});

test("what can't be read is refused by name", () => {
  const data = chunk("data", [0, 0, 0, 0]);
  const cases: [string, Uint8Array][] = [
    ["wav/not-wav", Uint8Array.from(text("MThd\0\0\0\x06\0\0\0\0"))],
    ["wav/not-wav", Uint8Array.from([...text("RIFF"), ...u32(4), ...text("AVI ")])],
    ["wav/truncated", new Uint8Array(0)],
    ["wav/no-data", riff(fmt(1, 1, 8000, 16))],
    ["wav/no-format", riff(data, fmt(1, 1, 8000, 16))],
    ["wav/format", riff(fmt(2, 1, 8000, 16), data)],
    ["wav/format", riff(chunk("fmt ", u16(1)), data)],
    ["wav/bits", riff(fmt(1, 1, 8000, 12, 2), data)],
    ["wav/bits", riff(fmt(3, 1, 8000, 16), data)],
    ["wav/channels", riff(fmt(1, 0, 8000, 16), data)],
    ["wav/channels", riff(fmt(1, 65, 8000, 8), data)],
    ["wav/rate", riff(fmt(1, 1, 0, 16), data)],
    ["wav/rate", riff(fmt(1, 1, 768001, 16), data)],
    ["wav/block-align", riff(fmt(1, 1, 8000, 16, 1), data)],
    ["wav/block-align", riff(fmt(1, 2, 8000, 24, 8), data)],
    ["wav/block-align", riff(fmt(1, 1, 8000, 16, 0), data)],
    ["wav/truncated", riff(fmt(1, 1, 8000, 16), chunk("data", [0, 0], 4))],
    ["wav/truncated", riff(fmt(1, 1, 8000, 16), chunk("junk", [0, 0], 0x7fffffff), data)],
  ];
  for (const [code, bytes] of cases) {
    if (bytes.length === 0)
      assert.throws(
        () => read(bytes),
        (error: BelljarError) => error.code === code,
      );
    else assert.is(codeOf(bytes), code);
  }
});

test("the extremes of channels and rate are read", () => {
  assert.is(read(riff(fmt(1, 64, 768000, 8), chunk("data", new Array(64).fill(128)))).channels, 64);
  assert.is(read(riff(fmt(1, 1, 1, 8), chunk("data", [128]))).rate, 1);
});

test("a file cut at any byte gives one clear sentence", () => {
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".wav"))) {
    const whole = fixture(name);
    for (let length = 0; length < whole.length; length++) {
      const code = codeOf(whole.subarray(0, length));
      if (name.includes("pipe") && length >= 44) assert.is(code, "none");
      else if (length < whole.length)
        assert.ok(code === "wav/truncated" || code === "wav/no-data", `${name} cut at ${length}: ${code}`);
    }
  }
});

test("changed bytes give a result of the file's own size, or one clear sentence", () => {
  let seed = 1;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".wav"))) {
    const whole = fixture(name);
    for (let round = 0; round < 3000; round++) {
      const bytes = Uint8Array.from(whole);
      for (let n = random(4); n >= 0; n--)
        bytes[random(round & 1 ? 60 : bytes.length)] = [0, 1, 127, 128, 255, random(256)][random(6)]!;
      try {
        const wav = read(bytes);
        assert.ok(wav.frames * wav.channels <= bytes.length);
        for (const channel of wav.samples) assert.ok(channel.every(Number.isFinite));
      } catch (error) {
        assert.instance(error, BelljarError, String((error as Error).stack));
      }
    }
  }
});

test("a name from a stranger can't write to the terminal", () => {
  assert.throws(
    () => readWav(new Uint8Array(20), "\u001b[31mx"),
    (error: BelljarError) => !error.message.includes("\u001b"),
  );
});

test.run();
