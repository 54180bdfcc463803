// What the sidecar and the process that hosts naudiodon tell each other. While nothing plays: messages. While a stream
// plays, one side waits for nothing but the ring, and the other for naudiodon: then words behind the ring, in the same
// shared memory.

import type { StreamFormat, StreamWish } from "../../abi/sidecar.ts";

export type HostRequest =
  | { op: "list" }
  | { op: "caps"; device: string }
  | { op: "open"; device: string; wish: StreamWish };

export type HostAnswer =
  | { ok: true; result: object }
  | { ok: false; code: string; message: string; hint: string };

export interface Opened {
  format: StreamFormat;
  ring: { name: string; bytes: number };
  /** Frames that are to lie in the ring. */
  depth: number;
}

export const Order = {
  Nothing: 0,
  Play: 1,
  /** Plays what is in the ring, then stops. */
  Stop: 2,
  /** Drops what is in the ring, and stops. */
  Abort: 3,
} as const;
export type Order = (typeof Order)[keyof typeof Order];

const AT_ORDER = 0;
const AT_DONE = 1;
const AT_UNDERRUNS = 2;
const AT_FAILURE = 3;
const WORDS = 4;
const MOST_FAILURE = 240;

/** Bytes that it takes. */
export const HOST_WORDS_BYTES = WORDS * 4 + MOST_FAILURE;

export class HostWords {
  private readonly words: Int32Array;
  private readonly text: Uint8Array;

  /** @param at where it begins: a multiple of 4 */
  constructor(buffer: ArrayBufferLike, at: number) {
    this.words = new Int32Array(buffer, at, WORDS);
    this.text = new Uint8Array(buffer, at + WORDS * 4, MOST_FAILURE);
  }

  /** What the sidecar wants. */
  get order(): number {
    return Atomics.load(this.words, AT_ORDER);
  }
  set order(order: Order) {
    Atomics.store(this.words, AT_ORDER, order);
  }

  /** The order that the host has carried out. */
  get done(): number {
    return Atomics.load(this.words, AT_DONE);
  }
  set done(order: number) {
    Atomics.store(this.words, AT_DONE, order);
  }

  /** How often naudiodon told that the device had run dry. */
  get underruns(): number {
    return Atomics.load(this.words, AT_UNDERRUNS) >>> 0;
  }
  countUnderrun(): void {
    Atomics.add(this.words, AT_UNDERRUNS, 1);
  }

  /** Why the host can't go on; empty: it can. */
  get failure(): string {
    const length = Math.min(Atomics.load(this.words, AT_FAILURE) >>> 0, MOST_FAILURE);
    return new TextDecoder().decode(this.text.slice(0, length));
  }
  set failure(why: string) {
    const { written } = new TextEncoder().encodeInto(why, this.text);
    Atomics.store(this.words, AT_FAILURE, written);
  }
}
