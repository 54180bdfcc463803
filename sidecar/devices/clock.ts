// An exact clock that takes frames as a sound card would: what "null" and "wav" play on.

/** Longest sleep, so that a thread in it can be ended. Milliseconds. */
const LONGEST_NAP = 50;

export class FrameClock {
  private readonly rate: number;
  /** Frames that may wait to be played. */
  private readonly buffer: number;
  private readonly now: () => number;
  private readonly word = new Int32Array(new SharedArrayBuffer(4));
  private started = 0;
  private written = 0;

  /** @param rate Hz @param buffer frames @param now milliseconds */
  constructor(rate: number, buffer: number, now: () => number = () => performance.now()) {
    this.rate = rate;
    this.buffer = buffer;
    this.now = now;
  }

  /** The frame that sounds now. */
  private get sounding(): number {
    return ((this.now() - this.started) * this.rate) / 1000;
  }

  start(): void {
    this.started = this.now();
    this.written = 0;
  }

  /** Returns when there is room for `frames` more frames. True where all had been played before. */
  take(frames: number): boolean {
    const dry = this.written > 0 && this.sounding > this.written;
    // What was not there in time is not made up for.
    if (dry) this.start();
    this.written += frames;
    this.waitUntil(this.written - this.buffer);
    return dry;
  }

  /** Returns when all has been played. */
  finish(): void {
    this.waitUntil(this.written);
  }

  private waitUntil(frame: number): void {
    for (;;) {
      const milliseconds = ((frame - this.sounding) * 1000) / this.rate;
      if (milliseconds <= 0) return;
      Atomics.wait(this.word, 0, 0, Math.min(milliseconds, LONGEST_NAP));
    }
  }
}
