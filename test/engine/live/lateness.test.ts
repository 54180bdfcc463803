// How late blocks begin: against a sink and a clock that the test moves.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RingState } from "../../../abi/ring.ts";
import {
  LATENESS_WORDS,
  LatenessMeter,
  latenessOf as lateness,
} from "../../../runtime/engine/live/lateness.ts";
import { atomicsWake, createRing, ringBytes, RingReader, RingWriter } from "../../../shm/ring.ts";

const test = suite("lateness");
const RATE = 48_000;
const BLOCK = 128;
const SHAPE = { capacity: 4096, channels: 1, rate: RATE };

/** A sink that takes `chunk` frames at a time, in even time; and a thread that is woken by that. */
class Rig {
  /** Milliseconds. */
  readonly time = new Float64Array(1);
  readonly counts = new Int32Array(LATENESS_WORDS);
  readonly meter = new LatenessMeter(this.counts, { time: this.time, read() {} }, RATE, BLOCK);
  readonly writer: RingWriter;
  readonly reader: RingReader;
  private readonly silence = [new Float32Array(BLOCK)];
  private readonly chunk: number;
  private taken = 0;

  constructor(chunk: number, depth = 1024) {
    const buffer = new SharedArrayBuffer(ringBytes(SHAPE));
    createRing(buffer, SHAPE);
    this.writer = new RingWriter(buffer, atomicsWake(buffer), 1);
    this.reader = new RingReader(buffer, atomicsWake(buffer), 2);
    this.writer.depth = depth;
    this.writer.setState(RingState.Running);
    this.chunk = chunk;
    this.meter.reset(this.writer);
    // Long before the sink begins.
    this.time[0] = -500;
    this.fill(0);
  }

  /** The sink takes a chunk, at its time. */
  take(): void {
    this.time[0] = (this.taken * this.chunk * 1000) / RATE;
    this.taken++;
    this.reader.read(new Float32Array(this.chunk), this.chunk);
  }

  /** So long after the sink's last turn the thread is there, and fills the ring. A block takes no time. */
  fill(milliseconds: number): void {
    this.time[0] = (this.time[0] as number) + milliseconds;
    while (this.writer.space >= BLOCK) {
      this.meter.mark(this.writer, this.chunk);
      this.writer.write(this.silence, BLOCK);
    }
  }
}

/** Milliseconds. */
function latenessOf(counts: Int32Array) {
  const { blocks, p50, p99, p999, most } = lateness(counts);
  return { blocks, p50: p50 * 1000, p99: p99 * 1000, p999: p999 * 1000, most: most * 1000 };
}

const near = (found: number, expected: number): void =>
  assert.ok(found >= expected - 0.002 && found <= expected * 1.07 + 0.002, `${found}, not ${expected}`);

for (const chunk of [64, 128, 256, 384, 1024]) {
  test(`a block that begins when the sink has made room is not late: ${chunk} frames at a time`, () => {
    const rig = new Rig(chunk);
    for (let i = 0; i < 2000; i++) {
      rig.take();
      rig.fill(0.1);
    }
    const { blocks, p50, p999, most } = latenessOf(rig.counts);
    assert.ok(blocks >= (2000 * chunk) / BLOCK - 20);
    assert.equal([p50 < 0.002, p999 < 0.002, most < 0.002], [true, true, true]);
  });
}

test("a thread that comes late is late by that, measured against when it came soonest", () => {
  const rig = new Rig(256);
  for (let i = 0; i < 2000; i++) {
    rig.take();
    rig.fill(i % 200 === 50 ? 4.1 : i % 10 === 5 ? 1.1 : 0.1);
  }
  const { p50, p99, p999, most } = latenessOf(rig.counts);
  assert.ok(p50 < 0.002);
  near(p99, 1);
  near(p999, 4);
  near(most, 4);
});

test("blocks that are made up for are late as well, each by its own time", () => {
  const rig = new Rig(128);
  for (let i = 0; i < 1000; i++) {
    rig.take();
    // The thread sleeps through two turns of the sink.
    if (i % 100 < 98) rig.fill(0);
  }
  const { most } = latenessOf(rig.counts);
  near(most, (2 * 128 * 1000) / RATE);
});

test("what the sink missed has gone by: after it the thread is as punctual as before", () => {
  const rig = new Rig(256, 512);
  const turns = (count: number): void => {
    for (let i = 0; i < count; i++) {
      rig.take();
      rig.fill(0.2);
    }
  };
  turns(400);
  // Nothing is written for so long that the sink finds too little four times.
  for (let i = 0; i < 6; i++) rig.take();
  rig.fill(0.2);
  assert.ok(rig.reader.missing > 0);
  const late = latenessOf(rig.counts);
  near(late.most, (5 * 256 * 1000) / RATE);
  turns(400);
  const { p99, most } = latenessOf(rig.counts);
  assert.ok(p99 < 0.002);
  assert.ok(Math.abs(most - late.most) < 1e-9);
});

test("a sound card whose clock drifts makes nothing late", () => {
  const rig = new Rig(256);
  const drift = 300e-6;
  for (let i = 0; i < 20_000; i++) {
    rig.take();
    const ideal = rig.time[0] as number;
    rig.fill(ideal * drift);
  }
  assert.ok(latenessOf(rig.counts).most < 2 * 1000 * drift + 0.05);
});

test("counts give shares to a sixteenth, and the most exactly", () => {
  const rig = new Rig(128);
  const delays = Array.from({ length: 5000 }, (_, i) => (i * 2.6) / 5000);
  for (const [i] of delays.entries()) {
    rig.take();
    // In no order, and the soonest among the first and in each window.
    rig.fill(i % 50 === 0 ? 0 : (delays[(i * 1999) % 5000] as number));
  }
  const { p50, p99, p999, most } = latenessOf(rig.counts);
  near(p50, 1.3 * 0.98);
  near(p99, 2.6 * 0.99);
  near(p999, 2.6 * 0.998);
  near(most, 2.599);
});

test("before anything has played there is nothing", () => {
  assert.equal(latenessOf(new Int32Array(LATENESS_WORDS)), { blocks: 0, p50: 0, p99: 0, p999: 0, most: 0 });
});

test.run();
