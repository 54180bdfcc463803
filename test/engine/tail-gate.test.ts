import { test } from "uvu";
import * as assert from "uvu/assert";
import { TailGate } from "../../runtime/engine/tail-gate.ts";

/** What comes out of a gate that is given a sound in blocks until it has enough. */
function through(
  sound: readonly number[],
  length: { content: number; most: number; auto: boolean; hold: number },
  block = 4,
): number[] {
  const out: number[] = [];
  const gate = new TailGate(
    [
      {
        write: ([left], frames, offset = 0) =>
          out.push(...(left as Float32Array).slice(offset, offset + frames)),
      },
    ],
    length,
  );
  for (let at = 0; !gate.done; at += block) {
    gate.write([Float32Array.from({ length: block }, (_, i) => sound[at + i] ?? 0)], block, 0);
    assert.ok(at < 10000);
  }
  assert.is(gate.frames, out.length);
  return out;
}

const ones = (count: number): number[] => Array(count).fill(1);
const zeros = (count: number): number[] => Array(count).fill(0);

test("without a tail exactly the asked frames come", () => {
  for (const content of [0, 1, 3, 4, 5, 8]) {
    assert.equal(through(ones(50), { content, most: 0, auto: false, hold: 0 }), ones(content));
  }
});

test("the tail ends with the last frame that is heard, whatever the block size", () => {
  const sound = [...ones(5), ...zeros(6), 1, ...zeros(40), 1];
  for (const block of [1, 3, 4, 7]) {
    assert.equal(through(sound, { content: 3, most: 100, auto: true, hold: 10 }, block), sound.slice(0, 12));
  }
});

test("the content is whole even where it is silent, and quiet after it is left out", () => {
  assert.equal(through([], { content: 6, most: 100, auto: true, hold: 10 }), zeros(6));
});

test("a tail that never ends is cut at the most", () => {
  assert.equal(through(ones(1000), { content: 6, most: 21, auto: true, hold: 10 }), ones(27));
});

test("-90 dBFS is quiet, what is above is not", () => {
  const limit = 10 ** (-90 / 20);
  const length = { content: 1, most: 100, auto: true, hold: 10 };
  assert.is(through([0, limit * 0.99], length).length, 1);
  assert.is(through([0, limit * 1.01], length).length, 2);
  assert.is(through([0, -limit * 1.01], length).length, 2);
});

test.run();
