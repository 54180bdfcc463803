// Reading and writing WebAssembly's binary encodings: bytes, LEB128 numbers, names, vectors.

import { BelljarError } from "../../abi/error.ts";

/** A malformed module: says what, at which byte. */
export function malformed(what: string, at: number): BelljarError {
  return new BelljarError("module/malformed", `The module is malformed at byte ${at}: ${what}.`);
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Reads forward through `bytes` from `at` to `end`; throws BelljarError where they run out. */
export class Reader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  fail(what: string): never {
    throw malformed(what, this.at);
  }

  u8(): number {
    if (this.at >= this.end) this.fail("it ends too early");
    return this.bytes[this.at++] as number;
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  u32(): number {
    let result = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 0x0f) this.fail("a number is too large");
      result += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return result;
    }
    this.fail("a number is too long");
  }

  /** A signed LEB128 number of at most 32 bits. */
  s32(): number {
    let result = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      if (shift === 28) {
        const top = byte & 0x78;
        if (byte > 0x7f || (top !== 0 && top !== 0x78)) this.fail("a number is too large");
      }
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return shift < 28 && byte & 0x40 ? result | (-1 << (shift + 7)) : result;
    }
    this.fail("a number is too long");
  }

  /** Skips a signed LEB128 number of at most 64 bits. */
  skipS64(): void {
    for (let i = 0; i < 10; i++) {
      const byte = this.u8();
      if (i === 9 && byte !== 0x00 && byte !== 0x7f) this.fail("a number is too large");
      if (byte < 0x80) return;
    }
    this.fail("a number is too long");
  }

  /** A block type, value type or heap type: signed 33 bits. */
  s33(): number {
    let result = 0;
    let scale = 1;
    for (let i = 0; i < 5; i++) {
      const byte = this.u8();
      if (i === 4) {
        const top = byte & 0x70;
        if (byte > 0x7f || (top !== 0 && top !== 0x70)) this.fail("a number is too large");
      }
      result += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return byte & 0x40 ? result - scale : result;
    }
    this.fail("a number is too long");
  }

  skip(count: number): void {
    if (count > this.end - this.at) this.fail("it ends too early");
    this.at += count;
  }

  /** A copy-free view of the next `count` bytes. */
  take(count: number): Uint8Array {
    const start = this.at;
    this.skip(count);
    return this.bytes.subarray(start, start + count);
  }

  name(): string {
    const length = this.u32();
    const at = this.at;
    const bytes = this.take(length);
    try {
      return decoder.decode(bytes);
    } catch {
      throw malformed("a name is not UTF-8", at);
    }
  }

  /** The length of a vector whose items take at least `least` bytes each. */
  count(least = 1): number {
    const count = this.u32();
    if (count * least > this.end - this.at) this.fail("a count goes beyond its section");
    return count;
  }
}

/** Grows as bytes are written to it. */
export class Writer {
  private buffer: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity);
  }

  private room(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + count));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
  }

  u8(value: number): this {
    if (this.length === this.buffer.length) this.room(1);
    this.buffer[this.length++] = value;
    return this;
  }

  /** Several single bytes: opcodes and one-byte immediates. */
  put(...values: number[]): this {
    for (const value of values) this.u8(value);
    return this;
  }

  u32(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    return this.u8(rest);
  }

  s32(value: number): this {
    let rest = value | 0;
    for (;;) {
      const byte = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && !(byte & 0x40)) || (rest === -1 && byte & 0x40)) return this.u8(byte);
      this.u8(byte | 0x80);
    }
  }

  raw(bytes: Uint8Array): this {
    this.room(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  name(text: string): this {
    const bytes = encoder.encode(text);
    return this.u32(bytes.length).raw(bytes);
  }

  /** Another writer's bytes, with their length before them. */
  sized(part: Writer): this {
    return this.u32(part.length).raw(part.view());
  }

  section(id: number, body: Writer): this {
    return this.u8(id).sized(body);
  }

  view(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.buffer.slice(0, this.length);
  }
}
