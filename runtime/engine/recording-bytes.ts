// The bytes of a recording: numbers and strings appended while a plugin plays, and read again with every length checked.

import { BelljarError } from "../../abi/error.ts";

/** Bytes of a log's first piece, and of its largest. */
const FIRST_CHUNK = 4_096;
const LARGEST_CHUNK = 1 << 20;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Appends; what was written stays where it is. */
export class ByteLog {
  /** Bytes written. */
  length = 0;
  private readonly full: Uint8Array[] = [];
  private chunk: Uint8Array = new Uint8Array(FIRST_CHUNK);
  private at = 0;

  u8(value: number): void {
    if (this.at === this.chunk.length) this.open();
    this.chunk[this.at++] = value;
    this.length++;
  }

  /** A whole number from 0 to 2^53. */
  count(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.u8(rest);
  }

  /** A 32-bit number that is near to 0, on either side. */
  small(value: number): void {
    this.count(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** 32 bits as they are. */
  word(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.u8((value >>> shift) & 0xff);
  }

  /** A float64. */
  number(value: number): void {
    this.raw(new Uint8Array(Float64Array.of(value).buffer));
  }

  raw(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      if (this.at === this.chunk.length) this.open();
      const part = Math.min(bytes.length - done, this.chunk.length - this.at);
      this.chunk.set(bytes.subarray(done, done + part), this.at);
      this.at += part;
      done += part;
    }
    this.length += bytes.length;
  }

  /** Bytes, their number in front. */
  bytes(bytes: Uint8Array): void {
    this.count(bytes.length);
    this.raw(bytes);
  }

  text(text: string): void {
    this.bytes(encoder.encode(text));
  }

  /** Gives all memory back. */
  clear(): void {
    this.full.length = 0;
    this.chunk = new Uint8Array(0);
    this.at = 0;
    this.length = 0;
  }

  /** Writes all of it to `to`, from `at` on. */
  copyTo(to: Uint8Array, at: number): void {
    let place = at;
    for (const chunk of [...this.full, this.chunk.subarray(0, this.at)]) {
      to.set(chunk, place);
      place += chunk.length;
    }
  }

  private open(): void {
    if (this.chunk.length > 0) this.full.push(this.chunk);
    this.chunk = new Uint8Array(Math.min(LARGEST_CHUNK, Math.max(FIRST_CHUNK, this.chunk.length * 2)));
    this.at = 0;
  }
}

/** Reads what a ByteLog wrote; whatever else it is given, it throws a BelljarError or returns. */
export class ByteReader {
  at: number;
  readonly end: number;
  private readonly bytesOf: Uint8Array;
  private readonly view: DataView;
  /** What errors call the file; safe to print. */
  private readonly name: string;

  constructor(bytes: Uint8Array, at: number, end: number, name: string) {
    this.bytesOf = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.end = end;
    this.name = name;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  fail(what: string): never {
    throw new BelljarError("recording/malformed", `${this.name} is damaged at byte ${this.at}: ${what}.`);
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  count(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value <= Number.MAX_SAFE_INTEGER ? value : this.fail("a number is too large");
    }
    return this.fail("a number is too long");
  }

  /** A count of things that take at least `size` bytes each of what is left. */
  countOf(size: number): number {
    const count = this.count();
    if (count * size > this.end - this.at) this.fail("it holds fewer values than it says");
    return count;
  }

  small(): number {
    const value = this.count();
    if (value > 0xffffffff) this.fail("a number is too large");
    return (value >>> 1) ^ -(value & 1);
  }

  word(): number {
    return this.view.getInt32(this.take(4), true);
  }

  number(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  /** A view of the next `length` bytes. */
  raw(length: number): Uint8Array {
    const from = this.take(length);
    return this.bytesOf.subarray(from, from + length);
  }

  bytes(): Uint8Array {
    return this.raw(this.count());
  }

  text(): string {
    const bytes = this.bytes();
    try {
      return decoder.decode(bytes);
    } catch {
      return this.fail("a text is not UTF-8");
    }
  }

  private take(length: number): number {
    if (length > this.end - this.at) this.fail("it ends too early");
    const from = this.at;
    this.at += length;
    return from;
  }
}
