// How much a plugin may say, and what was not passed on: log lines, and messages to the host, in a second of its own sound or in one [control] call. Never
// by the clock: a render that is faster than its sound drops the same lines on every machine.

import type { Limits } from "./limits.ts";

const LINES = 0; // in this second
const MESSAGES = 1;
const FRAMES_LEFT = 2; // of this second
const DROPPED_LINES = 3;
const REFUSED_MESSAGES = 4;
const DROPPED_EVENTS = 5;
const WORDS = 6;

/** What was not passed on. */
export interface Dropped {
  /** Events that it sent beyond what one block may hold. */
  events: number;
  /** Log lines that were one too many, or found the queue full. */
  logLines: number;
  /** Messages and requests that the plugin was told to try again later. */
  messages: number;
}

/** [any] Nothing here allocates after the constructor, but takeDropped. The counts go with an instance from thread to thread. */
export class MessageRate {
  readonly shared: SharedArrayBuffer;
  private readonly words: Int32Array;
  private readonly lines: number;
  private readonly messages: number;

  constructor(limits: Limits, shared = new SharedArrayBuffer(WORDS * 4)) {
    this.shared = shared;
    this.words = new Int32Array(shared);
    this.lines = limits.logLines;
    this.messages = limits.messages;
  }

  /** A second begins, or a [control] call. */
  begin(): void {
    this.words[LINES] = 0;
    this.words[MESSAGES] = 0;
  }

  /** [audio] Before a block. */
  sound(frames: number, rate: number): void {
    const left = (this.words[FRAMES_LEFT] as number) - frames;
    this.words[FRAMES_LEFT] = left;
    if (left >= 0) return;
    // The block that a second begins in counts whole to the new one.
    this.words[FRAMES_LEFT] = Math.ceil(rate) - frames;
    this.begin();
  }

  /** Whether one more line may pass. */
  line(): boolean {
    return this.another(LINES) <= this.lines;
  }

  message(): boolean {
    return this.another(MESSAGES) <= this.messages;
  }

  private another(what: number): number {
    const count = (this.words[what] as number) + 1;
    this.words[what] = count;
    return count;
  }

  dropLine(): void {
    Atomics.add(this.words, DROPPED_LINES, 1);
  }

  refuseMessage(): void {
    Atomics.add(this.words, REFUSED_MESSAGES, 1);
  }

  dropEvents(count: number): void {
    Atomics.add(this.words, DROPPED_EVENTS, count);
  }

  /** [control] Since the last call. */
  takeDropped(): Dropped {
    return {
      events: Atomics.exchange(this.words, DROPPED_EVENTS, 0),
      logLines: Atomics.exchange(this.words, DROPPED_LINES, 0),
      messages: Atomics.exchange(this.words, REFUSED_MESSAGES, 0),
    };
  }
}
