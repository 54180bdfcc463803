// A ring of messages in shared memory: one writer, one reader, either of which may be the audio thread. A
// record is a u32 (kind << 24 | length), the bytes, and padding to 4. Nothing here allocates after the constructor.

import { MESSAGE_MAX_BYTES, MESSAGE_RING_BYTES } from "../../abi/layout.ts";

const READ = 0; // byte positions since the start, modulo 2^32
const WRITE = 1;
const DROPPED = 2;
const HEADER_BYTES = 16;

export class MessageRing {
  /** Hand this to another thread and wrap it there again. */
  readonly shared: SharedArrayBuffer;
  private readonly header: Int32Array;
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;

  constructor(shared = new SharedArrayBuffer(HEADER_BYTES + MESSAGE_RING_BYTES)) {
    this.shared = shared;
    this.header = new Int32Array(shared, 0, HEADER_BYTES / 4);
    this.words = new Int32Array(shared, HEADER_BYTES);
    this.bytes = new Uint8Array(shared, HEADER_BYTES);
  }

  /** [writer] Queues `length` bytes of `from`. False where there is no room. */
  write(kind: number, from: Uint8Array, at: number, length: number): boolean {
    const size = 4 + ((length + 3) & ~3);
    const write = Atomics.load(this.header, WRITE);
    const used = (write - Atomics.load(this.header, READ)) >>> 0;
    if (length > MESSAGE_MAX_BYTES || used + size > MESSAGE_RING_BYTES) return false;
    this.words[(write >>> 2) % this.words.length] = (kind << 24) | length;
    let to = ((write + 4) >>> 0) % MESSAGE_RING_BYTES;
    for (let i = 0; i < length; i++) {
      this.bytes[to] = from[at + i] as number;
      if (++to === MESSAGE_RING_BYTES) to = 0;
    }
    Atomics.store(this.header, WRITE, (write + size) | 0);
    return true;
  }

  /** [writer] Like write, but makes room by dropping the oldest messages, which are counted. */
  writeNewest(kind: number, from: Uint8Array, at: number, length: number): boolean {
    if (length > MESSAGE_MAX_BYTES) return false;
    while (!this.write(kind, from, at, length)) {
      const read = Atomics.load(this.header, READ);
      const size = 4 + (((this.words[(read >>> 2) % this.words.length] as number) + 3) & 0xfffffc);
      if (Atomics.compareExchange(this.header, READ, read, (read + size) | 0) === read) {
        Atomics.add(this.header, DROPPED, 1);
      }
    }
    return true;
  }

  /**
   * [reader] Copies the oldest message to `to` and takes it out. Returns its length, -length where it is longer
   * than `room` (it stays), or 0 where there is none; its kind is then in `kind`.
   */
  read(to: Uint8Array, at: number, room: number): number {
    for (;;) {
      const read = Atomics.load(this.header, READ);
      if (read === Atomics.load(this.header, WRITE)) return 0;
      const record = this.words[(read >>> 2) % this.words.length] as number;
      const length = record & 0xffffff;
      if (length > room && length <= MESSAGE_MAX_BYTES) {
        if (Atomics.load(this.header, READ) === read) return -length;
        continue;
      }
      let from = ((read + 4) >>> 0) % MESSAGE_RING_BYTES;
      for (let i = 0; i < length && i < room; i++) {
        to[at + i] = this.bytes[from] as number;
        if (++from === MESSAGE_RING_BYTES) from = 0;
      }
      const size = 4 + ((length + 3) & ~3);
      // The writer may have dropped this message in the meantime: then what was copied counts for nothing.
      if (Atomics.compareExchange(this.header, READ, read, (read + size) | 0) !== read) continue;
      this.kind = record >>> 24;
      return length;
    }
  }

  /** Kind of the message that read returned last. */
  kind = 0;

  /** [reader] How many messages were dropped since the last call. */
  takeDropped(): number {
    return Atomics.exchange(this.header, DROPPED, 0);
  }
}
