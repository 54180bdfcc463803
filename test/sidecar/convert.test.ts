// Floats as integers: exact where they fit, dithered where they don't.

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { SampleFormat } from "../../abi/sidecar.ts";
import { bytesPerSample, Converter } from "../../sidecar/convert.ts";

const BITS: Record<string, number> = { int16: 16, int24: 24, int32: 32 };

function converted(format: SampleFormat, samples: number[]): number[] {
  const converter = new Converter(format, samples.length);
  converter.floats.set(samples);
  converter.convert(samples.length);
  const view = new DataView(converter.bytes.buffer);
  return samples.map((_, i) => {
    if (format === "int16") return view.getInt16(i * 2, true);
    if (format === "int32") return view.getInt32(i * 4, true);
    return view.getInt8(i * 3 + 2) * 65_536 + view.getUint16(i * 3, true);
  });
}

test("float32 is handed on bit by bit", () => {
  const converter = new Converter("float32", 3);
  converter.floats.set([0.1, -1.5, 1e-30]);
  converter.convert(3);
  assert.equal([...new Float32Array(converter.bytes.buffer)], [0.1, -1.5, 1e-30].map(Math.fround));
});

test("silence stays silence, and full scale is held at the ends", () => {
  for (const format of ["int16", "int24", "int32"] as const) {
    const most = 2 ** ((BITS[format] as number) - 1);
    assert.equal(converted(format, [0, 0, 0]), [0, 0, 0]);
    const [over, under, nan] = converted(format, [2, -2, 0]);
    assert.equal([over, under, nan], [most - 1, -most, 0]);
  }
});

test("32 bits are exact for what a float holds", () => {
  assert.equal(converted("int32", [0.5, -0.25, 2 ** -24]), [2 ** 30, -(2 ** 29), 128]);
});

test("the dither is triangular: its error has no mean, a variance of a quarter step squared, and does not depend on the sample", () => {
  // Error of TPDF dither of two uniform numbers and the rounding: variance 2/12 + 1/12 steps squared, for any input.
  const count = 200_000;
  for (const format of ["int16", "int24"] as const) {
    const scale = 2 ** ((BITS[format] as number) - 1);
    for (const fraction of [0, 0.25, 0.5]) {
      const sample = (100 + fraction) / scale;
      let sum = 0;
      let squares = 0;
      for (const value of converted(format, new Array(count).fill(sample))) {
        const error = value - Math.fround(sample) * scale;
        sum += error;
        squares += error * error;
      }
      assert.ok(Math.abs(sum / count) < 0.01, `mean ${sum / count}`);
      assert.ok(Math.abs(squares / count - 0.25) < 0.01, `variance ${squares / count}`);
    }
  }
});

test("bytes of a sample", () => {
  assert.equal((["float32", "int32", "int24", "int16"] as const).map(bytesPerSample), [4, 4, 3, 2]);
});

test.run();
