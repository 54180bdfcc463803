// A writer of JSON (RFC 8259) into bytes. It allocates nothing.

/// <reference path="./library.d.ts" />
import { dtoa_buffered } from "util/number";
import { encodeCharacter } from "./text";

const MAX_DEPTH: i32 = 64;

/**
 * Writes one JSON text into memory that it is given. Commas and colons come by themselves. [any]
 *
 *     writer.open(address, capacity);
 *     writer.object().key("level").number(0.5).end();
 *     if (writer.ok) hostEmitEvent(address, writer.length);
 *
 * A number is written so that it reads back as the same f64 (Grisu2: in about one of a thousand, a digit longer
 * than the shortest); NaN and infinity, which JSON has not, as null.
 */
export class JsonWriter {
  private from: usize = 0;
  private at: usize = 0;
  private limit: usize = 0;
  private failed: bool = false;
  private depth: i32 = 0;
  /** One bit a level: 1 is an object. */
  private objects: u64 = 0;
  /** One bit a level: 1 has a member. */
  private filled: u64 = 0;
  private afterKey: bool = false;
  private done: bool = false;

  /** Starts a text of at most `capacity` bytes at `to`. */
  open(to: usize, capacity: i32): JsonWriter {
    this.from = to;
    this.at = to;
    this.limit = to + <usize>capacity;
    this.failed = false;
    this.depth = 0;
    this.objects = 0;
    this.filled = 0;
    this.afterKey = false;
    this.done = false;
    return this;
  }

  /** Where the text begins. */
  get address(): usize {
    return this.from;
  }

  /** Bytes written. */
  get length(): i32 {
    return <i32>(this.at - this.from);
  }

  /** Whether the text is whole: it fitted, and all that was opened is closed. */
  get ok(): bool {
    return !this.failed && this.done;
  }

  /** Begins an object; `end` closes it. */
  object(): JsonWriter {
    return this.enter(0x7b, true);
  }

  /** Begins an array; `end` closes it. */
  array(): JsonWriter {
    return this.enter(0x5b, false);
  }

  /** Closes the innermost object or array. */
  end(): JsonWriter {
    if (this.depth == 0 || this.afterKey) {
      this.failed = true;
      return this;
    }
    this.depth--;
    this.byte(((this.objects >> <u64>this.depth) & 1) == 1 ? 0x7d : 0x5d);
    if (this.depth == 0) this.done = true;
    return this;
  }

  /** The name of the next member of an object. */
  key(name: string): JsonWriter {
    if (this.depth == 0 || this.afterKey || ((this.objects >> <u64>(this.depth - 1)) & 1) == 0) {
      this.failed = true;
      return this;
    }
    this.comma();
    this.quoted(name);
    this.byte(0x3a);
    this.afterKey = true;
    return this;
  }

  /** A string; a lone surrogate is written as an escape. */
  string(value: string): JsonWriter {
    if (!this.begin()) return this;
    this.quoted(value);
    return this.close();
  }

  number(value: f64): JsonWriter {
    if (!this.begin()) return this;
    if (!isFinite(value)) this.letters(0x6c6c756e, 4);
    else this.numeral(value);
    return this.close();
  }

  integer(value: i64): JsonWriter {
    if (!this.begin()) return this;
    this.whole(value);
    return this.close();
  }

  /** A string of the number's digits: "12". */
  digits(value: i64): JsonWriter {
    if (!this.begin()) return this;
    this.byte(0x22);
    this.whole(value);
    this.byte(0x22);
    return this.close();
  }

  bool(value: bool): JsonWriter {
    if (!this.begin()) return this;
    if (value) {
      this.letters(0x65757274, 4);
    } else {
      this.byte(0x66);
      this.letters(0x65736c61, 4);
    }
    return this.close();
  }

  null(): JsonWriter {
    if (!this.begin()) return this;
    this.letters(0x6c6c756e, 4);
    return this.close();
  }

  /** JSON text that is already written, such as an object of someone else's: taken as it is. */
  raw(json: string): JsonWriter {
    if (!this.begin()) return this;
    for (let i = 0; i < json.length; i++) i += this.character(json, i);
    return this.close();
  }

  private enter(c: i32, object: bool): JsonWriter {
    if (this.depth >= MAX_DEPTH) this.failed = true;
    if (!this.begin()) return this;
    this.byte(c);
    const bit: u64 = <u64>1 << <u64>this.depth;
    this.objects = object ? this.objects | bit : this.objects & ~bit;
    this.filled &= ~bit;
    this.depth++;
    return this;
  }

  /** Before a value: its comma, if it is an array's. */
  private begin(): bool {
    if (this.failed || this.done) this.failed = true;
    else if (this.depth > 0) {
      if (((this.objects >> <u64>(this.depth - 1)) & 1) == 0) this.comma();
      else if (!this.afterKey) this.failed = true;
    }
    this.afterKey = false;
    return !this.failed;
  }

  private close(): JsonWriter {
    if (this.depth == 0) this.done = true;
    return this;
  }

  private comma(): void {
    const bit: u64 = <u64>1 << <u64>(this.depth - 1);
    if ((this.filled & bit) != 0) this.byte(0x2c);
    this.filled |= bit;
  }

  private byte(c: i32): void {
    if (this.at < this.limit) store<u8>(this.at++, c);
    else this.failed = true;
  }

  private letters(word: u32, length: i32): void {
    if (this.at + length > this.limit) {
      this.failed = true;
      return;
    }
    store<u32>(this.at, word);
    this.at += length;
  }

  private copy(from: usize, length: i32): void {
    if (this.at + length > this.limit) {
      this.failed = true;
      return;
    }
    memory.copy(this.at, from, length);
    this.at += length;
  }

  private whole(value: i64): void {
    let rest: u64 = value < 0 ? 0 - <u64>value : <u64>value;
    const digits = memory.data(24);
    let p = digits + 24;
    do {
      store<u8>(--p, <u8>(0x30 + (rest % 10)));
      rest /= 10;
    } while (rest != 0);
    if (value < 0) store<u8>(--p, 0x2d);
    this.copy(p, <i32>(digits + 24 - p));
  }

  private numeral(value: f64): void {
    // UTF-16, as AssemblyScript writes numbers: "100.0", "1e+21"; the ".0" is dropped
    const units = memory.data(64);
    let length = <i32>dtoa_buffered(units, value);
    if (length > 2 && load<u16>(units + (<usize>(length - 2) << 1)) == 0x2e && load<u16>(units + (<usize>(length - 1) << 1)) == 0x30)
      length -= 2;
    for (let i = 0; i < length; i++) this.byte(load<u16>(units + (<usize>i << 1)));
  }

  private quoted(value: string): void {
    this.byte(0x22);
    for (let i = 0; i < value.length; i++) {
      const c: i32 = value.charCodeAt(i);
      if (c == 0x22 || c == 0x5c) {
        this.byte(0x5c);
        this.byte(c);
      } else if (c < 0x20) {
        this.escape(c);
      } else {
        i += this.character(value, i);
      }
    }
    this.byte(0x22);
  }

  /** Writes the character at `i` as UTF-8. @returns 1 if it took two units, else 0 */
  private character(value: string, i: i32): i32 {
    let c: u32 = value.charCodeAt(i);
    let more = 0;
    if (c >= 0xd800 && c < 0xe000) {
      const low: u32 = c < 0xdc00 && i + 1 < value.length ? value.charCodeAt(i + 1) : 0;
      if (low < 0xdc00 || low >= 0xe000) {
        this.escape(c);
        return 0;
      }
      c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
      more = 1;
    }
    const bytes = encodeCharacter(c, this.at, <i32>(this.limit - this.at));
    if (bytes == 0) this.failed = true;
    this.at += bytes;
    return more;
  }

  private escape(c: u32): void {
    this.byte(0x5c);
    const short = c == 8 ? 0x62 : c == 9 ? 0x74 : c == 10 ? 0x6e : c == 12 ? 0x66 : c == 13 ? 0x72 : 0;
    if (short != 0) {
      this.byte(short);
      return;
    }
    this.byte(0x75);
    for (let shift = 12; shift >= 0; shift -= 4) {
      const digit = (c >> shift) & 15;
      this.byte(digit < 10 ? 0x30 + digit : 0x57 + digit);
    }
  }
}
