// A ring of sound between two threads or processes (abi/ring.ts has its layout): one producer, one consumer.
//
// Neither side trusts the other's words further than its own memory: positions are taken modulo the capacity that was
// checked when the ring was opened, and a distance that can't be is an error on the producer's side and silence on the
// consumer's. Only the producer ever waits.

import {
  RING_AT_CAPACITY,
  RING_AT_CHANNELS,
  RING_AT_CONSUMER,
  RING_AT_CONSUMER_BEAT,
  RING_AT_EPOCH,
  RING_AT_EPOCH_SEEN,
  RING_AT_EPOCH_START,
  RING_AT_MAGIC,
  RING_AT_MISSING,
  RING_AT_PRODUCER,
  RING_AT_PRODUCER_BEAT,
  RING_AT_RATE,
  RING_AT_READ,
  RING_AT_SIGNAL,
  RING_AT_STATE,
  RING_AT_TAG,
  RING_AT_TAGS,
  RING_AT_UNDERRUNS,
  RING_AT_VERSION,
  RING_AT_WAITING,
  RING_AT_WORST,
  RING_AT_WRITTEN,
  RING_HEADER,
  RING_MAGIC,
  RING_TAGS,
  RING_VERSION,
  RingState,
} from "../abi/ring.ts";
import { BelljarError } from "../abi/error.ts";

/** How a side sleeps and is woken: over a SharedArrayBuffer (atomicsWake), or between processes (wake.ts). */
export interface Wake {
  /** Sleeps until word `index` is no longer `value`, it is woken, or `milliseconds` are over. */
  wait(index: number, value: number, milliseconds: number): void;
  wake(index: number): void;
}

/** Most frames of a ring: 22 seconds at 192 kHz. */
export const MOST_RING_FRAMES = 1 << 22;
export const MOST_RING_CHANNELS = 64;
/** A wait is never longer than this, so that a worker can be ended. Milliseconds. */
export const LONGEST_WAIT = 50;

export interface RingShape {
  /** Frames: a power of two. */
  capacity: number;
  channels: number;
  /** Frames a second. */
  rate: number;
}

/** Bytes that a ring takes. */
export function ringBytes({ capacity, channels }: Pick<RingShape, "capacity" | "channels">): number {
  return RING_HEADER + capacity * channels * 4;
}

/** The smallest capacity that holds `frames`. */
export function ringCapacity(frames: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(frames, 2)));
}

/** Sleeping and waking between the threads of one process. */
export function atomicsWake(buffer: SharedArrayBuffer): Wake {
  const words = new Int32Array(buffer, 0, RING_HEADER / 4);
  return {
    wait: (index, value, milliseconds) => void Atomics.wait(words, index, value, milliseconds),
    wake: (index) => void Atomics.notify(words, index),
  };
}

/** Makes a ring of `buffer`, which holds zeros. */
export function createRing(buffer: ArrayBufferLike, { capacity, channels, rate }: RingShape): void {
  const words = new Int32Array(buffer, 0, RING_HEADER / 4);
  words[RING_AT_VERSION >> 2] = RING_VERSION;
  words[RING_AT_CAPACITY >> 2] = capacity;
  words[RING_AT_CHANNELS >> 2] = channels;
  words[RING_AT_RATE >> 2] = rate;
  shapeOf(words, buffer.byteLength);
  Atomics.store(words, RING_AT_MAGIC >> 2, RING_MAGIC);
}

/** What the header says, checked. Throws BelljarError ring/… */
function shapeOf(words: Int32Array, bytes: number): RingShape {
  const capacity = words[RING_AT_CAPACITY >> 2] as number;
  const channels = words[RING_AT_CHANNELS >> 2] as number;
  const rate = words[RING_AT_RATE >> 2] as number;
  const whole = capacity >= 2 && capacity <= MOST_RING_FRAMES && (capacity & (capacity - 1)) === 0;
  if (!whole || channels < 1 || channels > MOST_RING_CHANNELS || rate < 1 || rate > 768_000) {
    throw new BelljarError(
      "ring/shape",
      `A ring of ${capacity} frames with ${channels} channels at ${rate} Hz is none that can be.`,
    );
  }
  if (ringBytes({ capacity, channels }) > bytes) {
    throw new BelljarError("ring/shape", `A ring of ${capacity} frames does not fit into ${bytes} bytes.`);
  }
  return { capacity, channels, rate };
}

/** What both sides do: the header's words, and the frames behind them. */
class RingSide implements RingShape {
  readonly capacity: number;
  readonly channels: number;
  readonly rate: number;
  protected readonly words: Int32Array;
  protected readonly samples: Float32Array;
  protected readonly wake: Wake;
  protected readonly mask: number;

  protected constructor(buffer: ArrayBufferLike, wake: Wake) {
    if (buffer.byteLength < RING_HEADER) {
      throw new BelljarError("ring/shape", `${buffer.byteLength} bytes are too few for a ring.`);
    }
    this.words = new Int32Array(buffer, 0, RING_HEADER / 4);
    const magic = Atomics.load(this.words, RING_AT_MAGIC >> 2);
    if (magic !== RING_MAGIC) throw new BelljarError("ring/magic", "That memory holds no ring.");
    const version = this.words[RING_AT_VERSION >> 2];
    if (version !== RING_VERSION) {
      throw new BelljarError(
        "ring/version",
        `The ring has version ${version}; this side speaks ${RING_VERSION}.`,
        "Update both sides to the same release.",
      );
    }
    const shape = shapeOf(this.words, buffer.byteLength);
    this.capacity = shape.capacity;
    this.channels = shape.channels;
    this.rate = shape.rate;
    this.mask = shape.capacity - 1;
    this.samples = new Float32Array(buffer, RING_HEADER, shape.capacity * shape.channels);
    this.wake = wake;
  }

  protected load(at: number): number {
    return Atomics.load(this.words, at >> 2);
  }
  protected store(at: number, value: number): void {
    Atomics.store(this.words, at >> 2, value);
  }
  protected bump(at: number, by = 1): void {
    this.store(at, (this.load(at) + by) | 0);
  }

  /** Frames written and not read, whichever epoch they belong to. */
  get filled(): number {
    return (this.load(RING_AT_WRITTEN) - this.load(RING_AT_READ)) >>> 0;
  }
  /** Frames written, modulo 2^32. */
  get writePosition(): number {
    return this.load(RING_AT_WRITTEN) >>> 0;
  }
  /** Frames read, modulo 2^32. */
  get readPosition(): number {
    return this.load(RING_AT_READ) >>> 0;
  }
  get underruns(): number {
    return this.load(RING_AT_UNDERRUNS) >>> 0;
  }
  /** The most frames that were missing at once, and all that ever were. */
  get worstShortfall(): number {
    return this.load(RING_AT_WORST) >>> 0;
  }
  get missing(): number {
    return this.load(RING_AT_MISSING) >>> 0;
  }
  get producer(): number {
    return this.load(RING_AT_PRODUCER);
  }
  get consumer(): number {
    return this.load(RING_AT_CONSUMER);
  }
  get producerBeat(): number {
    return this.load(RING_AT_PRODUCER_BEAT);
  }
  get consumerBeat(): number {
    return this.load(RING_AT_CONSUMER_BEAT);
  }
  /** Whether the consumer has taken up the newest epoch. */
  get epochTaken(): boolean {
    return this.load(RING_AT_EPOCH) === this.load(RING_AT_EPOCH_SEEN);
  }

  /** The value of the tag that the consumer passed last, or null: none, or it is one of more than RING_TAGS that are ahead. */
  get passedTag(): number | null {
    const count = this.load(RING_AT_TAGS);
    for (let back = 1; back <= RING_TAGS && back <= count >>> 0; back++) {
      const at = RING_AT_TAG + ((count - back) & (RING_TAGS - 1)) * 8;
      if (((this.load(RING_AT_READ) - this.load(at)) | 0) >= 0) return this.load(at + 4);
    }
    return null;
  }
}

/** The producer's side. One thread uses it. */
export class RingWriter extends RingSide {
  /** Most frames that are to lie in it: the latency that is wished. The capacity, unless it is set lower. */
  depth: number;

  /** @throws BelljarError ring/magic, ring/version, ring/shape */
  constructor(buffer: ArrayBufferLike, wake: Wake, owner: number) {
    super(buffer, wake);
    this.depth = this.capacity;
    this.store(RING_AT_PRODUCER, owner);
  }

  /** Frames that there is room for. 0 where the consumer's word makes no sense. */
  get space(): number {
    const filled = this.filled;
    return filled > this.depth ? 0 : this.depth - filled;
  }

  /** [audio] Writes `frames` frames of planar channels, all or, where there is no room, none. */
  write(channels: readonly Float32Array[], frames: number): boolean {
    this.bump(RING_AT_PRODUCER_BEAT);
    if (frames > this.space) return false;
    const { samples, mask, channels: count } = this;
    const at = this.load(RING_AT_WRITTEN);
    for (let c = 0; c < count; c++) {
      const from = channels[c] as Float32Array;
      for (let i = 0; i < frames; i++) samples[((at + i) & mask) * count + c] = from[i] as number;
    }
    this.store(RING_AT_WRITTEN, (at + frames) | 0);
    return true;
  }

  /** Sleeps until there is room for `frames` frames, at most `milliseconds` (and LONGEST_WAIT). True where there is. */
  waitForSpace(frames: number, milliseconds: number): boolean {
    if (this.space >= frames) return true;
    const signal = this.load(RING_AT_SIGNAL);
    this.store(RING_AT_WAITING, 1);
    // The consumer may have read between the look and the word.
    if (this.space < frames) {
      this.wake.wait(RING_AT_SIGNAL >> 2, signal, Math.min(milliseconds, LONGEST_WAIT));
    }
    this.store(RING_AT_WAITING, 0);
    return this.space >= frames;
  }

  setState(state: RingState): void {
    this.store(RING_AT_STATE, state);
  }

  /** Drops what was written and not yet read: the consumer goes on with what is written from now on. */
  beginEpoch(): void {
    this.store(RING_AT_EPOCH_START, this.load(RING_AT_WRITTEN));
    this.bump(RING_AT_EPOCH);
  }

  /** Marks the next frame that is written. The last RING_TAGS tags are kept. */
  tag(value: number): void {
    const count = this.load(RING_AT_TAGS);
    const at = RING_AT_TAG + (count & (RING_TAGS - 1)) * 8;
    this.store(at, this.load(RING_AT_WRITTEN));
    this.store(at + 4, value);
    this.store(RING_AT_TAGS, (count + 1) | 0);
  }
}

/** The consumer's side. One thread uses it. */
export class RingReader extends RingSide {
  private readonly nap = new Int32Array(new SharedArrayBuffer(4));

  /** @throws BelljarError ring/magic, ring/version, ring/shape */
  constructor(buffer: ArrayBufferLike, wake: Wake, owner: number) {
    super(buffer, wake);
    this.store(RING_AT_CONSUMER, owner);
  }

  /** Frames that can be read now. */
  get available(): number {
    this.takeEpoch();
    return this.trusted(this.filled);
  }

  /** Sleeps, at a beginning, until `frames` frames are there: at most `milliseconds`. Afterwards the consumer never waits. */
  waitFor(frames: number, milliseconds: number): void {
    const end = performance.now() + milliseconds;
    while (this.available < frames && performance.now() < end) Atomics.wait(this.nap, 0, 0, 1);
  }

  /** A distance that no honest producer can have made counts as nothing. */
  private trusted(filled: number): number {
    return filled > this.capacity ? 0 : filled;
  }

  private takeEpoch(): void {
    const epoch = this.load(RING_AT_EPOCH);
    if (epoch === this.load(RING_AT_EPOCH_SEEN)) return;
    const start = this.load(RING_AT_EPOCH_START);
    // An epoch begins between what was read and what is written; anything else is not believed.
    if ((start - this.load(RING_AT_READ)) >>> 0 <= this.capacity) this.store(RING_AT_READ, start);
    this.store(RING_AT_EPOCH_SEEN, epoch);
    this.signal();
  }

  private signal(): void {
    if (this.load(RING_AT_WAITING) === 0) return;
    this.bump(RING_AT_SIGNAL);
    this.wake.wake(RING_AT_SIGNAL >> 2);
  }

  /** [audio] Fills `into` with `frames` interleaved frames; what is not there is silence. Returns the frames that were there. */
  read(into: Float32Array, frames: number): number {
    this.bump(RING_AT_CONSUMER_BEAT);
    this.takeEpoch();
    // The state first: what is written after it is draining was all written before.
    const state = this.load(RING_AT_STATE);
    const count = Math.min(frames, this.trusted(this.filled));
    const { samples, mask, channels } = this;
    const at = this.load(RING_AT_READ);
    const from = (at & mask) * channels;
    const first = Math.min(count * channels, samples.length - from);
    for (let i = 0; i < first; i++) into[i] = samples[from + i] as number;
    for (let i = first; i < count * channels; i++) into[i] = samples[i - first] as number;
    if (count < frames) {
      into.fill(0, count * channels, frames * channels);
      if (state === RingState.Running) this.countShortfall(frames - count);
    }
    if (count > 0) {
      this.store(RING_AT_READ, (at + count) | 0);
      this.signal();
    }
    return count;
  }

  private countShortfall(frames: number): void {
    this.bump(RING_AT_UNDERRUNS);
    this.bump(RING_AT_MISSING, frames);
    if (frames > this.worstShortfall) this.store(RING_AT_WORST, frames);
  }

  get state(): number {
    return this.load(RING_AT_STATE);
  }
}
