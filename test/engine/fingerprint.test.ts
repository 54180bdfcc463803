import { createHash } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Fingerprint } from "../../runtime/engine/fingerprint.ts";

function of(rate: number, block: number, ...pieces: number[][][]): string {
  const print = new Fingerprint(rate, block, pieces[0]?.length ?? 1);
  for (const channels of pieces) {
    print.write(
      channels.map((channel) => Float32Array.from(channel)),
      channels[0]?.length ?? 0,
    );
  }
  return print.digest();
}

test("the fingerprint is SHA-256 over a line and little-endian floats, frame by frame", () => {
  const bytes = Buffer.from([0, 0, 0x80, 0x3f, 0, 0, 0, 0xbf, 0, 0, 0, 0x3f, 0, 0, 0, 0]);
  const expected = createHash("sha256").update("belljar 1 48000 128 2\n").update(bytes).digest("hex");
  assert.is(
    of(48000, 128, [
      [1, 0.5],
      [-0.5, 0],
    ]),
    expected,
  );
});

test("-0 counts as +0", () => {
  assert.is(of(48000, 128, [[-0, 1]]), of(48000, 128, [[0, 1]]));
});

test("how the sound is cut into writes does not matter", () => {
  const sound = Array.from({ length: 50000 }, (_, i) => Math.sin(i));
  assert.is(of(8000, 1, [sound.slice(0, 777)], [sound.slice(777)]), of(8000, 1, [sound]));
});

test("rate, block size, channels and every sample matter", () => {
  const prints = [
    of(48000, 128, [[1, 2]]),
    of(44100, 128, [[1, 2]]),
    of(48000, 64, [[1, 2]]),
    of(48000, 128, [[1], [2]]),
    of(48000, 128, [[1, 2.000001]]),
    of(48000, 128, [[2, 1]]),
  ];
  assert.is(new Set(prints).size, prints.length);
});

test("a part of the samples can be written", () => {
  const print = new Fingerprint(1, 1, 1);
  print.write([Float32Array.of(9, 1, 2, 9)], 2, 1);
  assert.is(print.digest(), of(1, 1, [[1, 2]]));
});

test.run();
