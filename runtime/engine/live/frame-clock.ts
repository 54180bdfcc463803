// Which frame of the sound belongs to a moment. Blocks begin at uneven distances: as the sink takes them, and late where the
// machine is busy. The soonest that one began, of those of the last seconds, tells where an even clock stands; what
// happens at a moment sounds at that clock's frame and a constant lag later, wherever in a block that is.

import type { Clock } from "../../../abi/clock.ts";
import { Figure, type LiveWords } from "./words.ts";

/** Milliseconds for which a soonest moment counts, at least: sound cards' clocks drift. */
const WINDOW = 1000;
/** What is later than this is no lateness: the sound stood still, or its clock began anew. Milliseconds. */
const STEP = 250;
/** How long an event may be on its way to the audio thread without being late. Milliseconds. */
const ON_ITS_WAY = 1;

// Of the state.
const SOONEST_BEFORE = 0;
const SOONEST = 1;

/** The audio thread's side. */
export class FrameClock {
  private readonly words: LiveWords;
  private readonly clock: Clock;
  /** Milliseconds of a frame. */
  private readonly frame: number;
  /** Milliseconds from what happens to when it sounds: the block that is begun can't be changed. */
  private readonly lag: number;
  /** Blocks of a window, and how many of this one are over. */
  private readonly window: number;
  private seen = 0;
  /** Frames of silence that the sink has put in so far. */
  private missing = 0;
  /** Floats, in an array so that changing them makes no object. */
  private readonly state = Float64Array.of(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);

  /** @param free blocks follow each other without a clock: there is no such frame */
  constructor(words: LiveWords, clock: Clock, rate: number, block: number, free: boolean) {
    this.words = words;
    this.clock = clock;
    this.frame = 1000 / rate;
    this.lag = block * this.frame + ON_ITS_WAY;
    this.window = Math.max(8, Math.round(WINDOW / (block * this.frame)));
    words.figures[Figure.FramesPerMs] = free ? 0 : rate / 1000;
  }

  /**
   * [audio] A block begins, and the clock has been read.
   * @param missing frames that the sink has played as silence for want of sound, so far: all that follows sounds later by them
   */
  see(missing: number): void {
    const { state } = this;
    const gap = missing - this.missing;
    if (gap !== 0) this.missing = missing;
    if (gap > 0) {
      state[SOONEST_BEFORE] = (state[SOONEST_BEFORE] as number) + gap * this.frame;
      state[SOONEST] = (state[SOONEST] as number) + gap * this.frame;
    }
    const { figures } = this.words;
    const at = (this.clock.time[0] as number) - this.words.frame * this.frame;
    const before = state[SOONEST_BEFORE] as number;
    const latest = state[SOONEST] as number;
    // biome-ignore lint/complexity/useMathMinMax: what Math.min and Math.max give is a new object on some versions of V8.
    if (at - (before < latest ? before : latest) > STEP) {
      this.seen = 0;
      state[SOONEST_BEFORE] = state[SOONEST] = at;
    } else if (at < latest) state[SOONEST] = at;
    const first = state[SOONEST_BEFORE] as number;
    const second = state[SOONEST] as number;
    // biome-ignore lint/complexity/useMathMinMax: what Math.min and Math.max give is a new object on some versions of V8.
    figures[Figure.Anchor] = (first < second ? first : second) - this.lag;
    if (++this.seen < this.window) return;
    this.seen = 0;
    state[SOONEST_BEFORE] = state[SOONEST] as number;
    state[SOONEST] = Number.POSITIVE_INFINITY;
  }
}

/** Frames from now beyond which a moment's frame is not believed, in milliseconds of sound. */
const FURTHEST = 500;

/**
 * The frame at which what happened at `now` (by the steady clock) is to sound; 0: at once, where no clock says.
 */
export function frameAt(words: LiveWords, now: number): number {
  const perMs = words.figures[Figure.FramesPerMs] as number;
  if (perMs === 0) return 0;
  const frame = Math.round((now - (words.figures[Figure.Anchor] as number)) * perMs);
  return Math.abs(frame - words.frame) <= FURTHEST * perMs ? frame : 0;
}
