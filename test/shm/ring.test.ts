// The ring against a model of it: a list of frames.

import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RING_AT_READ, RING_AT_WRITTEN, RING_HEADER, RingState } from "../../abi/ring.ts";
import { atomicsWake, createRing, RingReader, ringBytes, ringCapacity, RingWriter } from "../../shm/ring.ts";

function throws(work: () => unknown, code: string): void {
  assert.throws(work, (error: { code?: string }) => error.code === code);
}

interface Pair {
  writer: RingWriter;
  reader: RingReader;
  words: Int32Array;
  buffer: SharedArrayBuffer;
}

/** Both sides of a ring whose positions begin at `start`. */
function pair(capacity: number, channels: number, start = 0): Pair {
  const shape = { capacity, channels, rate: 48_000 };
  const buffer = new SharedArrayBuffer(ringBytes(shape));
  createRing(buffer, shape);
  const words = new Int32Array(buffer, 0, RING_HEADER / 4);
  words[RING_AT_WRITTEN / 4] = start;
  words[RING_AT_READ / 4] = start;
  const wake = atomicsWake(buffer);
  return { writer: new RingWriter(buffer, wake, 1), reader: new RingReader(buffer, wake, 2), words, buffer };
}

const planar = (first: number, frames: number, channels: number): Float32Array[] =>
  Array.from({ length: channels }, (_, c) =>
    Float32Array.from({ length: frames }, (_, i) => first + i + c / 8),
  );
const interleaved = (numbers: number[], channels: number): number[] =>
  numbers.flatMap((n) => Array.from({ length: channels }, (_, c) => (n < 0 ? 0 : n + c / 8)));

const write = fc.record({ do: fc.constant("write" as const), frames: fc.nat(20) });
const read = fc.record({ do: fc.constant("read" as const), frames: fc.nat(20) });
const epoch = fc.record({ do: fc.constant("epoch" as const), frames: fc.constant(0) });
const steps = fc.array(fc.oneof({ weight: 6, arbitrary: write }, { weight: 6, arbitrary: read }, epoch), {
  maxLength: 200,
});

test("frames come out in order, whole and once, through any number of wraps, and positions may wrap, too", () => {
  fc.assert(
    fc.property(
      steps,
      fc.constantFrom(2, 4, 16, 64),
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(0, -7, 0x7ffffff0),
      (list, capacity, channels, start) => {
        const { writer, reader } = pair(capacity, channels, start);
        writer.setState(RingState.Running);
        const model: number[] = [];
        const into = new Float32Array(20 * channels);
        let next = 1;
        let underruns = 0;
        let missing = 0;
        let worst = 0;
        for (const step of list) {
          if (step.do === "write") {
            const fits = model.length + step.frames <= capacity;
            assert.is(writer.write(planar(next, step.frames, channels), step.frames), fits);
            if (fits) for (let i = 0; i < step.frames; i++) model.push(next++);
          } else if (step.do === "read") {
            const there = model.splice(0, step.frames);
            const lacks = step.frames - there.length;
            assert.is(reader.read(into, step.frames), there.length);
            const expected = interleaved([...there, ...new Array(lacks).fill(-1)], channels);
            assert.equal([...into.subarray(0, step.frames * channels)], expected);
            if (lacks > 0) underruns++;
            missing += lacks;
            worst = Math.max(worst, lacks);
          } else {
            writer.beginEpoch();
            model.length = 0;
            // What was dropped makes room once the consumer has seen it.
            assert.is(reader.available, 0);
            assert.is(reader.epochTaken, true);
          }
        }
        assert.is(reader.available, model.length);
        assert.equal([writer.underruns, writer.missing, writer.worstShortfall], [underruns, missing, worst]);
      },
    ),
    { numRuns: 500 },
  );
});

test("an empty ring is an underrun only while its producer runs", () => {
  const { writer, reader } = pair(8, 2);
  const into = new Float32Array(16);
  for (const [state, underruns] of [
    [RingState.Idle, 0],
    [RingState.Running, 1],
    [RingState.Draining, 1],
  ] as const) {
    writer.setState(state);
    reader.read(into, 8);
    assert.is(reader.underruns, underruns);
  }
});

test("several epochs before the consumer looks count as the last one", () => {
  const { writer, reader } = pair(16, 1);
  for (let i = 0; i < 3; i++) {
    writer.write(planar(10 * i, 2, 1), 2);
    writer.beginEpoch();
  }
  writer.write(planar(99, 2, 1), 2);
  const into = new Float32Array(4);
  assert.is(reader.read(into, 4), 2);
  assert.equal([...into], [99, 100, 0, 0]);
});

test("a tag counts as passed when the frame that it marks is the next to be heard", () => {
  const { writer, reader } = pair(64, 1);
  const into = new Float32Array(64);
  assert.is(reader.passedTag, null);
  writer.write(planar(0, 10, 1), 10);
  writer.tag(7);
  writer.write(planar(10, 10, 1), 10);
  writer.tag(8);
  reader.read(into, 9);
  assert.is(writer.passedTag, null);
  reader.read(into, 1);
  assert.is(writer.passedTag, 7);
  reader.read(into, 10);
  assert.is(writer.passedTag, 8);
});

test("neither side believes positions that can't be", () => {
  const { writer, reader, words } = pair(16, 1);
  const into = new Float32Array(32);
  words[RING_AT_WRITTEN / 4] = 1_000_000;
  assert.is(reader.available, 0);
  assert.is(reader.read(into, 16), 0);
  words[RING_AT_WRITTEN / 4] = 0;
  words[RING_AT_READ / 4] = 5;
  assert.is(writer.space, 0);
  assert.is(writer.write(planar(0, 4, 1), 4), false);
});

test("what is no ring is refused: no magic, another version, a shape that can't be, too little memory", () => {
  const { buffer, words } = pair(16, 2);
  const open = (): unknown => new RingReader(buffer, atomicsWake(buffer), 1);
  throws(() => new RingReader(new SharedArrayBuffer(100), atomicsWake(buffer), 1), "ring/shape");
  const broken: [number, number, string][] = [
    [0, 0, "ring/magic"],
    [1, 9, "ring/version"],
    [2, 12, "ring/shape"],
    [2, 0, "ring/shape"],
    [2, -16, "ring/shape"],
    [2, 32, "ring/shape"],
    [2, 1 << 30, "ring/shape"],
    [3, 0, "ring/shape"],
    [3, 3, "ring/shape"],
    [3, 65, "ring/shape"],
    [4, 0, "ring/shape"],
  ];
  for (const [word, value, code] of broken) {
    const before = words[word] as number;
    words[word] = value;
    throws(open, code);
    words[word] = before;
  }
  open();
});

test("a capacity is the next power of two", () => {
  assert.equal([0, 1, 2, 3, 1000, 12_000].map(ringCapacity), [2, 2, 2, 4, 1024, 16_384]);
});

test.run();
