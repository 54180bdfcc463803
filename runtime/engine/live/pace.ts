// When the next block may be rendered: as the sink takes blocks, or, where there is none or it has died, as time goes.

import { type Clock, clockOf, type Now } from "../../../abi/clock.ts";
import type { RingWriter } from "../../../shm/ring.ts";
import { LatenessMeter } from "./lateness.ts";
import { type LiveWords, Word } from "./words.ts";

/** Milliseconds for which a sink may take nothing before the sound goes on without it. */
const SINK_PATIENCE = 250;
/** Longest sleep: the mail is looked at after it. Milliseconds. */
const LONGEST_NAP = 20;
/** Milliseconds behind time from which on lost time is given up. */
const HOPELESS = 100;

const NAPS_PER_MS = 64;
/** Naps of so many steps, made beforehand: a number that is no integer would be handed to Atomics.wait as a new object. */
const NAPS: readonly (number | null)[] = [
  // What is no number keeps the others the objects that they are.
  null,
  ...Array.from({ length: LONGEST_NAP * NAPS_PER_MS }, (_, i) => (i + 1) / NAPS_PER_MS),
];

export class Pace {
  private readonly words: LiveWords;
  private readonly clock: Clock;
  private readonly block: number;
  /** Milliseconds of a block. */
  private readonly length: number;
  private readonly free: boolean;
  private readonly nap = new Int32Array(new SharedArrayBuffer(4));
  private readonly lateness: LatenessMeter;
  private writer: RingWriter | null = null;
  /** Frames that the sink takes at a time. */
  private chunk = 1;
  private channels: Float32Array[] = [];
  private mono: Float32Array;
  /** When the sink last took something. */
  private taken = 0;
  private stalled = false;
  /** When the next block is due by the clock. */
  private due = Number.NEGATIVE_INFINITY;

  /** @param free no clock has a say: blocks follow each other as the sink takes them, and without one at once */
  constructor(words: LiveWords, now: Now, rate: number, block: number, free: boolean) {
    this.words = words;
    this.clock = clockOf(now);
    this.block = block;
    this.length = (block / rate) * 1000;
    this.free = free;
    this.mono = new Float32Array(block);
    this.lateness = new LatenessMeter(words.lateness, this.clock, rate, block);
  }

  /** Plays into a ring from now on, of which the sink takes so many frames at a time; null: for nobody. */
  setSink(writer: RingWriter | null, chunk: number): void {
    this.writer = writer;
    this.chunk = chunk;
    this.lateness.reset(writer);
    this.stalled = false;
    this.markTaken();
    const silence = new Float32Array(this.block);
    this.channels = Array.from({ length: writer?.channels ?? 0 }, () => silence);
  }

  /** [audio] Frames that this sink has played as silence for want of sound. */
  get missing(): number {
    return this.writer === null ? 0 : this.writer.missing;
  }

  /** [audio] Sleeps for a while, at most until the next block may be rendered. True: it may. */
  wait(): boolean {
    const { writer } = this;
    if (this.free) return writer === null || writer.waitForSpace(this.block, LONGEST_NAP);
    return writer === null ? this.waitForTime() : this.waitForSink(writer);
  }

  private waitForSink(writer: RingWriter): boolean {
    if (!this.stalled) {
      if (writer.waitForSpace(this.block, LONGEST_NAP)) {
        this.lateness.mark(writer, this.chunk);
        return true;
      }
      this.clock.read();
      const now = this.clock.time[0] as number;
      if (now - this.taken < SINK_PATIENCE) return false;
      this.stalled = true;
      this.due = now;
    }
    if (writer.space >= this.block) {
      // It lives again. What lay there is old by now.
      this.stalled = false;
      writer.beginEpoch();
      this.lateness.reset(writer);
      return true;
    }
    return this.waitForTime();
  }

  private waitForTime(): boolean {
    this.clock.read();
    const now = this.clock.time[0] as number;
    if (now - this.due > HOPELESS) this.due = now;
    const left = this.due - now;
    if (left <= 0) {
      this.due += this.length;
      return true;
    }
    const step = Math.min((left * NAPS_PER_MS) | 0, LONGEST_NAP * NAPS_PER_MS);
    Atomics.wait(this.nap, 0, 0, NAPS[step > 0 ? step : 1] as number);
    return false;
  }

  private markTaken(): void {
    this.clock.read();
    this.taken = this.clock.time[0] as number;
  }

  /** [audio] Hands over a block, or, at the end of the sound, what belongs to it. */
  deliver(left: Float32Array, right: Float32Array, frames: number): void {
    const { writer, channels } = this;
    if (writer === null) return;
    if (this.stalled) {
      this.words.add(Word.Unheard, 1);
      return;
    }
    if (this.delivered(writer)) return;
    if (channels.length === 1) {
      const { mono } = this;
      for (let i = 0; i < frames; i++) mono[i] = ((left[i] as number) + (right[i] as number)) / 2;
      channels[0] = mono;
    } else {
      channels[0] = left;
      channels[1] = right;
    }
    if (writer.write(channels, frames)) this.markTaken();
    else this.words.add(Word.Unheard, 1);
  }

  /** Whether the thread before this one was ended after it had handed over this very block. Marks it as under way. */
  private delivered(writer: RingWriter): boolean {
    const { words } = this;
    const block = (words.load(Word.Blocks) + 1) | 0;
    const at = writer.writePosition | 0;
    if (words.load(Word.Delivery) === block) return words.load(Word.DeliveredAt) !== at;
    words.store(Word.DeliveredAt, at);
    words.store(Word.Delivery, block);
    return false;
  }
}
