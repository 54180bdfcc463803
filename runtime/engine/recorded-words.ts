// Words of a plugin's memory that the host writes and process reads: values of controls, flags of ports, the transport.
// A recording holds what the host wrote there, and nothing that the plugin put there itself: that could be sound.
//
// Whoever records and whoever replays keep the same picture. A word that the host has written, it is taken to write again
// before each block: the same value, or one further on the same line. What comes otherwise stands in the recording.

import type { ByteLog, ByteReader } from "./recording-bytes.ts";

/** Most words of one kind; a plugin's ports are fewer. */
const MOST_WORDS = 65_536;

class Words {
  /** What the host wrote last, and the time before. */
  protected readonly last: Int32Array;
  protected readonly before: Int32Array;
  /** 1: it writes the word before each block. */
  protected readonly written: Uint8Array;
  private readonly linear: boolean;

  /** @param linear whether the difference of two blocks comes again, as with a clock's */
  constructor(count: number, linear: boolean) {
    this.last = new Int32Array(count);
    this.before = new Int32Array(count);
    this.written = new Uint8Array(count);
    this.linear = linear;
  }

  protected predicted(w: number): number {
    const last = this.last[w] as number;
    return this.linear ? (2 * last - (this.before[w] as number)) | 0 : last;
  }

  protected write(w: number, value: number, block: boolean): void {
    this.before[w] = block ? (this.last[w] as number) : value;
    this.last[w] = value;
    this.written[w] = 1;
  }
}

/** What is to be written down. */
export class WordChanges extends Words {
  /** As the plugin left them. */
  private readonly left: Int32Array;
  private readonly changed: number[] = [];
  private readonly ceased: number[] = [];

  constructor(count: number, linear: boolean) {
    super(count, linear);
    this.left = new Int32Array(count);
  }

  /** After a call of the plugin. */
  leave(words: Int32Array): void {
    const { left } = this;
    // A handful of words: a call of set costs more.
    for (let w = 0; w < left.length; w++) left[w] = words[w] as number;
  }

  /** Before a call: whether anything is not as a replay would have it. @param block whether the call is process */
  look(words: Int32Array, block: boolean): boolean {
    const { left, written, changed, ceased } = this;
    if (changed.length > 0) changed.length = 0;
    if (ceased.length > 0) ceased.length = 0;
    for (let w = 0; w < left.length; w++) {
      const now = words[w] as number;
      if (!block || written[w] === 0) {
        if (now === left[w]) continue;
      } else {
        if (now === this.predicted(w)) {
          this.write(w, now, true);
          continue;
        }
        if (now === left[w]) {
          ceased.push(w);
          written[w] = 0;
          continue;
        }
      }
      const expected = block ? this.predicted(w) : (this.last[w] as number);
      changed.push(w, (now - expected) | 0);
      this.write(w, now, block);
    }
    return changed.length > 0 || ceased.length > 0;
  }

  /** Writes down what look found. */
  note(log: ByteLog): void {
    const { changed, ceased } = this;
    log.count(changed.length / 2);
    let next = 0;
    for (let i = 0; i < changed.length; i += 2) {
      log.count((changed[i] as number) - next);
      log.small(changed[i + 1] as number);
      next = (changed[i] as number) + 1;
    }
    log.count(ceased.length);
    for (const w of ceased) log.count(w);
  }
}

/** What was written down: words and how far each is off, and words that are no longer written. */
export interface NotedWords {
  changed: Int32Array;
  ceased: Int32Array;
}

/** @throws BelljarError recording/malformed */
export function readWords(reader: ByteReader): NotedWords {
  const count = reader.countOf(2);
  if (count > MOST_WORDS) reader.fail(`${count} words change at once`);
  const changed = new Int32Array(count * 2);
  let next = 0;
  for (let i = 0; i < changed.length; i += 2) {
    next += reader.count();
    if (next >= MOST_WORDS) reader.fail("there is no such control, port or field");
    changed[i] = next++;
    changed[i + 1] = reader.small();
  }
  const ceased = new Int32Array(reader.countOf(1));
  for (let i = 0; i < ceased.length; i++) {
    const w = reader.count();
    if (w >= MOST_WORDS) reader.fail("there is no such control, port or field");
    ceased[i] = w;
  }
  return { changed, ceased };
}

/** Writes them again. */
export class WordReplay extends Words {
  private noted: NotedWords | null = null;
  private readonly count: number;

  constructor(count: number, linear: boolean) {
    super(count, linear);
    this.count = count;
  }

  /** What holds for the next call. False: there are no such words here. */
  take(noted: NotedWords): boolean {
    for (let i = 0; i < noted.changed.length; i += 2) {
      if ((noted.changed[i] as number) >= this.count) return false;
    }
    if (noted.ceased.some((w) => w >= this.count)) return false;
    this.noted = noted;
    return true;
  }

  /** Before a call: puts the words where the plugin has them. */
  apply(words: Int32Array, block: boolean): void {
    const { noted, written } = this;
    this.noted = null;
    for (const w of noted?.ceased ?? []) written[w] = 0;
    const changed = noted?.changed ?? NONE;
    let next = 0;
    for (let w = 0; w < this.count; w++) {
      if (next < changed.length && changed[next] === w) {
        const expected = block ? this.predicted(w) : (this.last[w] as number);
        this.write(w, (expected + (changed[next + 1] as number)) | 0, block);
        next += 2;
      } else if (!block || written[w] === 0) continue;
      else this.write(w, this.predicted(w), true);
      words[w] = this.last[w] as number;
    }
  }
}

const NONE = new Int32Array(0);
