// How late blocks begin: against an even clock that stands where the sink's does. The sink takes so many frames at a
// time, and each time makes room; the moment of that is not known here, but that it comes at even distances is, and the
// soonest that a block ever followed it. A block is late by what it begins after that.

import type { Clock } from "../../../abi/clock.ts";
import type { RingWriter } from "../../../shm/ring.ts";

// Microseconds are counted in bins: each to itself below 16, then sixteen bins to a power of two.
const FINE_BITS = 4;
const FINE = 1 << FINE_BITS;
const MOST_BITS = 24;
const MOST = 2 ** MOST_BITS - 1;
const BINS = (MOST_BITS - FINE_BITS + 1) * FINE;
/** 32-bit words: the bins, and the most, in microseconds. */
export const LATENESS_WORDS = BINS + 1;
const AT_MOST = BINS;

function binOf(microseconds: number): number {
  if (microseconds < FINE) return microseconds;
  const shift = 31 - Math.clz32(microseconds) - FINE_BITS;
  return shift * FINE + (microseconds >> shift);
}

/** Where the next bin begins. */
function endOf(bin: number): number {
  if (bin < FINE) return bin + 1;
  const shift = Math.floor(bin / FINE) - 1;
  return ((bin % FINE) + FINE + 1) * 2 ** shift;
}

/** Milliseconds that the clock is watched for before an older soonest moment is forgotten: sound cards' clocks drift. */
const WINDOW = 250;
/** A step of the clock by more than this is no lateness. Milliseconds. */
const STEP = 10_000;

// Of the state.
const SOONEST_BEFORE = 0;
const SOONEST = 1;

/** The audio thread's side. */
export class LatenessMeter {
  private readonly counts: Int32Array;
  private readonly clock: Clock;
  private readonly block: number;
  /** Milliseconds of a frame. */
  private readonly frame: number;
  /** Blocks of a window, and how many of this one are over. */
  private readonly window: number;
  private seen = 0;
  /** Where the sink's reading stood at the beginning, and whether it has gone on from there. */
  private begin = 0;
  private begun = false;
  /** Frames that the sink had missed when the ring was last full. */
  private missing = 0;
  /** Floats, in an array so that changing them makes no object. */
  private readonly state = Float64Array.of(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);

  /** @param counts LATENESS_WORDS of them */
  constructor(counts: Int32Array, clock: Clock, rate: number, block: number) {
    this.counts = counts;
    this.clock = clock;
    this.block = block;
    this.frame = 1000 / rate;
    this.window = Math.max(8, Math.round(WINDOW / (block * this.frame)));
  }

  /** Another sink's clock, or one that begins anew: as soon as it takes something. */
  reset(writer: RingWriter | null): void {
    this.seen = 0;
    this.missing = writer?.missing ?? 0;
    this.begin = writer?.readPosition ?? 0;
    this.begun = false;
    this.state.fill(Number.POSITIVE_INFINITY);
  }

  /** [audio] A block begins now, into this ring. @param chunk frames that the sink takes at a time */
  mark(writer: RingWriter, chunk: number): void {
    const { state, clock } = this;
    // Looked at once: the sink may take more meanwhile.
    const { missing, filled } = writer;
    const read = (writer.writePosition - filled) >>> 0;
    if (!this.begun && read === this.begin) return;
    this.begun = true;
    const left = writer.depth - filled - this.block;
    // What was taken since there was room for this block, or was missing since: it could have begun so long ago.
    const since = Math.floor(left / chunk) * chunk + missing - this.missing;
    // All that has gone by at the sink, read or missing.
    const place = (read + missing - since) * this.frame;
    if (left < this.block) this.missing = missing;
    clock.read();
    const now = (clock.time[0] as number) - place;
    const before = state[SOONEST_BEFORE] as number;
    const latest = state[SOONEST] as number;
    // biome-ignore lint/complexity/useMathMinMax: what Math.min and Math.max give is a new object on some versions of V8.
    const late = now - (before < latest ? before : latest);
    if (late > STEP || late < -STEP) this.reset(writer);
    else countLateness(this.counts, late > 0 ? Math.floor(late * 1000) : 0);
    if (now < (state[SOONEST] as number)) state[SOONEST] = now;
    if (++this.seen < this.window) return;
    this.seen = 0;
    state[SOONEST_BEFORE] = state[SOONEST] as number;
    state[SOONEST] = Number.POSITIVE_INFINITY;
  }
}

/** [audio] @param counts LATENESS_WORDS of them */
export function countLateness(counts: Int32Array, microseconds: number): void {
  // biome-ignore lint/complexity/useMathMinMax: what Math.min and Math.max give is a new object on some versions of V8.
  const late = microseconds < MOST ? microseconds : MOST;
  Atomics.add(counts, binOf(late), 1);
  if (late > Atomics.load(counts, AT_MOST)) Atomics.store(counts, AT_MOST, late);
}

/** How late blocks began, in seconds: half of them no later than `p50`, 99 of 100 no later than `p99`… */
export interface Lateness {
  blocks: number;
  p50: number;
  p99: number;
  p999: number;
  most: number;
}

/** What was counted; the shares to a sixteenth. */
export function latenessOf(counts: Int32Array): Lateness {
  let blocks = 0;
  for (let bin = 0; bin < BINS; bin++) blocks += Atomics.load(counts, bin);
  const most = Atomics.load(counts, AT_MOST);
  const within = (share: number): number => {
    let left = Math.ceil(blocks * share);
    for (let bin = 0; bin < BINS; bin++) {
      left -= Atomics.load(counts, bin);
      if (left <= 0) return Math.min(endOf(bin), most) / 1e6;
    }
    return most / 1e6;
  };
  return { blocks, p50: within(0.5), p99: within(0.99), p999: within(0.999), most: most / 1e6 };
}
