// When a MIDI message came, on this system's clock. The driver says how long after the one before it came, and it took the time
// where the byte came in; the thread that is told is sometimes late, and never early. So the smallest lateness of the
// last seconds is taken for all.

/** Milliseconds for which a smallest lateness counts, at least: the two clocks drift. */
const WINDOW = 2000;
/** A driver's clock that is further than this from the system's is not believed. Milliseconds. */
const STRAY = 100;

export class ArrivalClock {
  /** The driver's clock: milliseconds since the first message. */
  private driver = 0;
  /** What to add to it: the smallest that was seen in this window, and in the one before. */
  private smallest = Number.POSITIVE_INFINITY;
  private before = Number.POSITIVE_INFINITY;
  private windowEnd = 0;

  /**
   * @param now when this thread was told, in milliseconds
   * @param since milliseconds that the driver says have gone by since the message before; 0: it does not say
   * @returns when it came, `now` at the latest
   */
  at(now: number, since: number): number {
    this.driver += since > 0 && since < Number.MAX_SAFE_INTEGER ? since : 0;
    const offset = now - this.driver;
    if (now >= this.windowEnd) {
      this.before = this.smallest;
      this.smallest = Number.POSITIVE_INFINITY;
      this.windowEnd = now + WINDOW;
    }
    this.smallest = Math.min(this.smallest, offset);
    const least = Math.min(this.smallest, this.before);
    if (offset - least <= STRAY) return this.driver + least;
    this.before = this.smallest = offset;
    return now;
  }
}
