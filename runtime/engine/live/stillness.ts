// Whether the audio thread stands still: seen by a thread that has nothing else to do.

import { readFileSync } from "node:fs";
import { type LiveWords, Word } from "./words.ts";

/** Milliseconds that one look counts for at most: what watches may have stood still itself. */
const MOST_A_LOOK = 40;
/** From this share of the patience on it is looked at what the thread gets from the system. */
const SUSPICIOUS = 0.5;
/**
 * A thread that waits for a processor may take so many times as long; one that waits for something else, such as a lock
 * that a thread holds which waits for a processor, so many.
 */
const STARVED = 8;
const ASLEEP = 4;

/**
 * What the system says of a thread: how long it has run, in milliseconds, and whether it sleeps. Null where the system
 * does not say.
 */
export type AskThread = () => { ran: number; sleeps: boolean } | null;

/** @param thread as Linux counts threads; null: another system */
export function askLinux(thread: number | null): AskThread {
  return () => {
    if (thread === null) return null;
    try {
      const place = `/proc/self/task/${thread}`;
      const [ran = "0"] = readFileSync(`${place}/schedstat`, "latin1").split(" ");
      const stat = readFileSync(`${place}/stat`, "latin1");
      // "<number> (<name>) <state> …"; the name may hold anything.
      const state = stat.charAt(stat.lastIndexOf(")") + 2);
      return { ran: Number(ran) / 1e6, sleeps: state !== "R" && state !== "D" };
    } catch {
      return null;
    }
  };
}

export class Stillness {
  private readonly words: LiveWords;
  private readonly patience: number;
  private beat = 0;
  private inside = 0;
  private lookedAt: number;
  /** Milliseconds for which nothing moved; and what the thread had run when that became suspicious. */
  private still = 0;
  private ranBefore: number | null = null;
  private stillBefore = 0;
  ask: AskThread = () => null;

  /** @param patience milliseconds that it may stand still */
  constructor(words: LiveWords, patience: number, now: number) {
    this.words = words;
    this.patience = patience;
    this.lookedAt = now;
  }

  /** Another thread is to be watched. */
  reset(ask: AskThread): void {
    this.ask = ask;
    this.still = 0;
    this.ranBefore = null;
  }

  /** A look. True: it is stuck, and not only kept waiting by the system. @param now milliseconds */
  look(now: number): boolean {
    const { words, patience } = this;
    const passed = Math.min(now - this.lookedAt, MOST_A_LOOK);
    this.lookedAt = now;
    const beat = words.load(Word.Beat);
    const inside = words.load(Word.Inside);
    if (beat !== this.beat || inside !== this.inside) {
      this.beat = beat;
      this.inside = inside;
      this.still = 0;
      this.ranBefore = null;
      return false;
    }
    this.still += passed;
    if (this.still < patience * SUSPICIOUS) return false;
    const asked = this.ask();
    if (asked !== null && this.ranBefore === null) {
      this.ranBefore = asked.ran;
      this.stillBefore = this.still;
    }
    if (this.still < patience) return false;
    if (asked === null || this.still >= patience * (asked.sleeps ? ASLEEP : STARVED)) return true;
    return this.stillBefore + asked.ran - (this.ranBefore ?? asked.ran) >= patience;
  }
}
