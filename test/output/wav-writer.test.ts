// Writing WAV files: read back by our reader (itself checked against SoX), by SoX where it is installed, and byte by byte.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { BelljarError } from "../../abi/error.ts";
import { finalSizes, openWav, type WavOptions } from "../../runtime/output/wav-writer.ts";
import { readWav } from "../../runtime/player/wav-reader.ts";
import { skip } from "../root.ts";

const test = suite<{ dir: string }>("wav writer");
test.before.each((context) => {
  context.dir = fs.mkdtempSync(path.join(os.tmpdir(), "belljar-"));
});
test.after.each((context) => {
  fs.rmSync(context.dir, { recursive: true, force: true });
});

const code = (expected: string) => (error: BelljarError) => error.code === expected;

function write(
  file: string,
  options: WavOptions,
  samples: Float32Array[],
  frames = samples[0]!.length,
): Uint8Array {
  const writer = openWav(file, options);
  writer.write(samples, frames);
  writer.finish();
  return fs.readFileSync(file);
}

/** Numbers from -1 to 1 that no format holds exactly. */
function noise(frames: number, seed: number): Float32Array {
  return Float32Array.from({ length: frames }, (_, i) => (((i + 1) * 7919 * seed) % 1999) / 1000 - 0.9995);
}

test("float32 comes back to the bit, in any number of pieces", ({ dir }) => {
  const samples = [noise(50000, 1), noise(50000, 3)];
  const file = path.join(dir, "a.wav");
  const writer = openWav(file, { rate: 48000, channels: 2, format: "float32" });
  for (let at = 0; at < 50000; at += 333) writer.write(samples, Math.min(333, 50000 - at), at);
  assert.equal(fs.readdirSync(dir).length, 1);
  assert.not(fs.existsSync(file));
  writer.finish();
  const wav = readWav(fs.readFileSync(file), "a.wav");
  assert.equal(
    [wav.rate, wav.channels, wav.frames, wav.encoding, wav.ignoredBytes],
    [48000, 2, 50000, "float32", 0],
  );
  assert.equal(wav.samples, samples);
  assert.equal(fs.readdirSync(dir), ["a.wav"]);
});

test("the header says what the format's documents ask for", ({ dir }) => {
  const bytes = Buffer.from(
    write(path.join(dir, "a.wav"), { rate: 44100, channels: 1, format: "pcm24" }, [noise(3, 1)]),
  );
  assert.is(bytes.length, 80 + 9 + 1);
  assert.is(bytes.toString("latin1", 0, 4), "RIFF");
  assert.is(bytes.readUInt32LE(4), bytes.length - 8);
  assert.is(bytes.toString("latin1", 8, 16), "WAVEJUNK");
  assert.is(bytes.toString("latin1", 48, 52), "fmt ");
  assert.equal(
    [bytes.readUInt16LE(56), bytes.readUInt16LE(58), bytes.readUInt32LE(60), bytes.readUInt32LE(64)],
    [1, 1, 44100, 132300],
  );
  assert.equal([bytes.readUInt16LE(68), bytes.readUInt16LE(70)], [3, 24]);
  assert.is(bytes.toString("latin1", 72, 76), "data");
  assert.is(bytes.readUInt32LE(76), 9);
});

test("PCM that was read comes back bit by bit without dither", ({ dir }) => {
  for (const [format, scale] of [
    ["pcm16", 32768],
    ["pcm24", 8388608],
  ] as const) {
    const grid = Float32Array.from(
      { length: 4001 },
      (_, i) => Math.floor(((i - 2000) / 2000) * (scale - 1)) / scale,
    );
    grid[0] = -1;
    const wav = readWav(
      write(path.join(dir, "a.wav"), { rate: 48000, channels: 1, format, dither: "none" }, [grid]),
      "a.wav",
    );
    assert.equal(wav.samples[0], grid);
  }
});

test("dither is triangular: its error has no mean and a variance of a quarter of a step squared, whatever the sound", ({
  dir,
}) => {
  // Uniform rounding error (1/12) plus triangular noise (1/6), both in steps squared.
  for (const level of [0, 0.25, 0.5, 0.77]) {
    const n = 200000;
    const samples = new Float32Array(n).fill(level / 32768);
    const wav = readWav(
      write(path.join(dir, "a.wav"), { rate: 48000, channels: 1, format: "pcm16" }, [samples]),
      "a.wav",
    );
    let sum = 0;
    let squares = 0;
    for (const x of wav.samples[0]!) {
      sum += x * 32768 - level;
      squares += (x * 32768 - level) ** 2;
    }
    assert.ok(Math.abs(sum / n) < 0.006, `mean ${sum / n}`);
    assert.ok(Math.abs(squares / n - 0.25) < 0.005, `variance ${squares / n}`);
  }
});

test("the same sound makes the same file", ({ dir }) => {
  const options: WavOptions = { rate: 48000, channels: 2, format: "pcm16" };
  const samples = [noise(5000, 1), noise(5000, 5)];
  assert.equal(
    write(path.join(dir, "a.wav"), options, samples),
    write(path.join(dir, "b.wav"), options, samples),
  );
});

test("beyond full scale integers are cut and counted, floats are kept", ({ dir }) => {
  const samples = [Float32Array.of(1.5, -1.5, 1, -1, 0.5)];
  const writer = openWav(path.join(dir, "a.wav"), {
    rate: 8000,
    channels: 1,
    format: "pcm16",
    dither: "none",
  });
  writer.write(samples, 5);
  writer.finish();
  assert.is(writer.clipped, 3);
  const wav = readWav(fs.readFileSync(path.join(dir, "a.wav")), "a.wav");
  assert.equal([...wav.samples[0]!], [32767 / 32768, -1, 32767 / 32768, -1, 0.5]);
  assert.is(
    readWav(write(path.join(dir, "b.wav"), { rate: 8000, channels: 1, format: "float32" }, samples), "b")
      .samples[0]![0],
    1.5,
  );
});

test("a sample that is not finite is refused with its place, and leaves no file", ({ dir }) => {
  const writer = openWav(path.join(dir, "a.wav"), { rate: 8000, channels: 1, format: "float32" });
  assert.throws(() => writer.write([Float32Array.of(0, Number.NaN)], 2), code("wav/not-finite"));
  assert.equal(fs.readdirSync(dir), []);
});

test("more than two channels are written as extensible and read back", ({ dir }) => {
  for (const format of ["float32", "pcm16", "pcm24"] as const) {
    const samples = [noise(100, 1), noise(100, 3), noise(100, 7)];
    const bytes = write(path.join(dir, "a.wav"), { rate: 96000, channels: 3, format }, samples);
    assert.is(Buffer.from(bytes).readUInt16LE(56), 0xfffe);
    const wav = readWav(bytes, "a.wav");
    assert.is(wav.encoding, format);
    assert.ok(wav.samples.every((s, c) => s.every((x, i) => Math.abs(x - samples[c]![i]!) <= 1.5 / 32768)));
  }
});

test("an empty sound is a file", ({ dir }) => {
  assert.is(
    readWav(
      write(path.join(dir, "a.wav"), { rate: 48000, channels: 2, format: "float32" }, [
        new Float32Array(0),
        new Float32Array(0),
      ]),
      "a",
    ).frames,
    0,
  );
});

test("past 4 GiB the sizes move into a ds64 chunk", () => {
  const fits = finalSizes(0xffffffff, 0xfffffffe - 100, 1);
  assert.is(Buffer.from(fits.start).toString("latin1", 0, 4), "RIFF");
  assert.is(fits.long, null);
  const dataBytes = 5 * 2 ** 32 + 8;
  const big = finalSizes(dataBytes + 86, dataBytes, dataBytes / 8);
  assert.equal([...big.start], [...Buffer.from("RF64"), 255, 255, 255, 255]);
  assert.equal([...big.data], [255, 255, 255, 255]);
  const long = Buffer.from(big.long!);
  assert.is(long.toString("latin1", 0, 4), "ds64");
  assert.is(long.readUInt32LE(4), 28);
  assert.is(long.readBigUInt64LE(8), BigInt(dataBytes + 86));
  assert.is(long.readBigUInt64LE(16), BigInt(dataBytes));
  assert.is(long.readBigUInt64LE(24), BigInt(dataBytes / 8));
  assert.is(long.readUInt32LE(32), 0);
});

test("what stands in the way is said before the work", ({ dir }) => {
  const options: WavOptions = { rate: 48000, channels: 2, format: "float32" };
  assert.throws(() => openWav(path.join(dir, "none/a.wav"), options), code("file/no-folder"));
  assert.throws(() => openWav(dir, options), code("file/is-folder"));
  assert.throws(
    () => openWav(path.join(dir, "a.wav"), { ...options, expectedFrames: 2 ** 60 }),
    code("file/disk-full"),
  );
  assert.throws(() => openWav(path.join(dir, "a.wav"), { ...options, rate: 0.5 }), code("usage/wav-rate"));
  assert.throws(
    () => openWav(path.join(dir, "a.wav"), { ...options, channels: 65 }),
    code("usage/wav-channels"),
  );
  assert.throws(
    () => openWav(path.join(dir, "a.wav"), { ...options, format: "mp3" as "pcm16" }),
    code("usage/wav-format"),
  );
  assert.equal(fs.readdirSync(dir), []);
});

test("abort leaves nothing", ({ dir }) => {
  const writer = openWav(path.join(dir, "a.wav"), { rate: 48000, channels: 1, format: "pcm16" });
  writer.write([noise(100000, 1)], 100000);
  writer.abort();
  writer.abort();
  assert.equal(fs.readdirSync(dir), []);
});

test("SoX reads in our files what we wrote", ({ dir }) => {
  if (spawnSync("sox", ["--version"]).status !== 0) return skip("SoX is not installed");
  for (const format of ["float32", "pcm16", "pcm24"] as const) {
    for (const channels of [1, 2, 3]) {
      const samples = Array.from({ length: channels }, (_, c) => noise(500, 2 * c + 1));
      const file = path.join(dir, "a.wav");
      const wav = readWav(write(file, { rate: 48000, channels, format }, samples), "a.wav");
      const sox = spawnSync("sox", ["-V1", file, "-t", "f32", "-"]);
      assert.is(String(sox.stderr), "");
      const read = new Float32Array(Uint8Array.from(sox.stdout).buffer);
      assert.is(read.length, 500 * channels);
      for (let i = 0; i < read.length; i++) {
        const ours = wav.samples[i % channels]![Math.floor(i / channels)]!;
        // SoX rounds to 24 bits on its way out.
        assert.ok(Math.abs(read[i]! - ours) <= 2 ** -24, `${format} ${channels} ${i}`);
      }
    }
  }
});

test.run();
