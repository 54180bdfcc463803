// A pull reader of JSON (RFC 8259) over UTF-8 bytes. It allocates nothing; strings are compared and copied in place.

import { decimalToFloat } from "./decimal";
import { encodeCharacter } from "./text";

/** What JsonReader.next found. */
export enum JsonToken {
  /** The text is over, and was well formed. */
  End = 0,
  ObjectStart = 1,
  ObjectEnd = 2,
  ArrayStart = 3,
  ArrayEnd = 4,
  /** A member's name; its value comes next. */
  Key = 5,
  String = 6,
  Number = 7,
  True = 8,
  False = 9,
  Null = 10,
  /** Not JSON, or nested deeper than 64; `position` says where. All later calls say the same. */
  Error = 11,
}

const MAX_DEPTH: i32 = 64;

// What may come next.
const enum Expect {
  Value,
  ValueOrEnd,
  Key,
  KeyOrEnd,
  Colon,
  CommaOrEnd,
  Nothing,
}

/**
 * Reads one JSON text, token by token. [any]
 *
 *     reader.open(address, length);
 *     while (reader.next() == JsonToken.Key || …) if (reader.is("name")) …
 */
export class JsonReader {
  /** What the last `next` found. */
  token: JsonToken = JsonToken.End;
  /** The number, when `token` is Number: the nearest f64, exactly rounded. */
  number: f64 = 0;
  /** Objects and arrays that are open. */
  depth: i32 = 0;

  private begin: usize = 0;
  private at: usize = 0;
  private end: usize = 0;
  private expect: Expect = Expect.Nothing;
  /** One bit a level: 1 is an object. */
  private objects: u64 = 0;
  private textAt: usize = 0;
  private textEnd: usize = 0;
  private escaped: bool = false;

  /** Starts reading `length` bytes at `from`, which must stay in place. */
  open(from: usize, length: i32): void {
    this.begin = from;
    this.at = from;
    this.end = from + <usize>length;
    this.depth = 0;
    this.objects = 0;
    this.expect = Expect.Value;
    this.token = JsonToken.End;
    this.textAt = from;
    this.textEnd = from;
  }

  /** Bytes read so far. */
  get position(): i32 {
    return <i32>(this.at - this.begin);
  }

  /** The next token. */
  next(): JsonToken {
    if (this.token == JsonToken.Error) return JsonToken.Error;
    const token = this.scan();
    this.token = token;
    return token;
  }

  private scan(): JsonToken {
    let c = this.visible();
    if (this.expect == Expect.Nothing) return c < 0 ? JsonToken.End : JsonToken.Error;
    if (c < 0) return JsonToken.Error;
    if (this.expect == Expect.CommaOrEnd) {
      if (c == 0x7d || c == 0x5d) return this.close(c);
      if (c != 0x2c) return JsonToken.Error;
      this.at++;
      this.expect = this.inObject ? Expect.Key : Expect.Value;
      c = this.visible();
      if (c < 0) return JsonToken.Error;
    }
    if (this.expect == Expect.Colon) {
      if (c != 0x3a) return JsonToken.Error;
      this.at++;
      this.expect = Expect.Value;
      c = this.visible();
      if (c < 0) return JsonToken.Error;
    }
    if (this.expect == Expect.Key || this.expect == Expect.KeyOrEnd) {
      if (c == 0x7d && this.expect == Expect.KeyOrEnd) return this.close(c);
      if (c != 0x22 || !this.quoted()) return JsonToken.Error;
      this.expect = Expect.Colon;
      return JsonToken.Key;
    }
    if (c == 0x5d && this.expect == Expect.ValueOrEnd) return this.close(c);
    if (c == 0x7b) return this.enter(true);
    if (c == 0x5b) return this.enter(false);
    let token = JsonToken.Error;
    if (c == 0x22) {
      if (this.quoted()) token = JsonToken.String;
    } else if (c == 0x74) {
      if (this.word(0x65757274, 4)) token = JsonToken.True; // "true"
    } else if (c == 0x6e) {
      if (this.word(0x6c6c756e, 4)) token = JsonToken.Null; // "null"
    } else if (c == 0x66) {
      this.at++;
      if (this.word(0x65736c61, 4)) token = JsonToken.False; // "alse"
    } else if (this.numeral()) token = JsonToken.Number;
    this.expect = this.depth == 0 ? Expect.Nothing : Expect.CommaOrEnd;
    return token;
  }

  /** The next byte that is no white space, or -1. */
  private visible(): i32 {
    let at = this.at;
    const end = this.end;
    while (at < end) {
      const c = <i32>load<u8>(at);
      if (c != 0x20 && c != 0x0a && c != 0x0d && c != 0x09) {
        this.at = at;
        return c;
      }
      at++;
    }
    this.at = at;
    return -1;
  }

  private get inObject(): bool {
    return ((this.objects >> <u64>(this.depth - 1)) & 1) == 1;
  }

  private enter(object: bool): JsonToken {
    if (this.depth >= MAX_DEPTH) return JsonToken.Error;
    const bit: u64 = <u64>1 << <u64>this.depth;
    this.objects = object ? this.objects | bit : this.objects & ~bit;
    this.depth++;
    this.at++;
    this.expect = object ? Expect.KeyOrEnd : Expect.ValueOrEnd;
    return object ? JsonToken.ObjectStart : JsonToken.ArrayStart;
  }

  private close(c: i32): JsonToken {
    const object = c == 0x7d;
    if (this.depth == 0 || this.inObject != object) return JsonToken.Error;
    this.at++;
    this.depth--;
    this.expect = this.depth == 0 ? Expect.Nothing : Expect.CommaOrEnd;
    return object ? JsonToken.ObjectEnd : JsonToken.ArrayEnd;
  }

  private word(bytes: u32, length: i32): bool {
    if (<i32>(this.end - this.at) < length || load<u32>(this.at) != bytes) return false;
    this.at += length;
    return true;
  }

  /** A string, its bytes checked: no bare control characters, whole escapes, well-formed UTF-8. */
  private quoted(): bool {
    let at = this.at + 1;
    const end = this.end;
    this.escaped = false;
    this.textAt = at;
    while (at < end) {
      const c = <u32>load<u8>(at);
      if (c == 0x22) {
        this.textEnd = at;
        this.at = at + 1;
        return true;
      }
      if (c < 0x20) break;
      if (c == 0x5c) {
        this.escaped = true;
        const length = escapeLength(at, end);
        if (length == 0) break;
        at += length;
      } else if (c < 0x80) {
        at++;
      } else {
        const length = characterLength(at, end);
        if (length == 0) break;
        at += length;
      }
    }
    this.at = at;
    return false;
  }

  private numeral(): bool {
    let at = this.at;
    const end = this.end;
    const start = at;
    if (at < end && load<u8>(at) == 0x2d) at++;
    if (at < end && load<u8>(at) == 0x30) at++;
    else {
      const digits = digitsEnd(at, end);
      if (digits == at) return false;
      at = digits;
    }
    if (at < end && load<u8>(at) == 0x2e) {
      const digits = digitsEnd(at + 1, end);
      if (digits == at + 1) return false;
      at = digits;
    }
    if (at < end && (load<u8>(at) | 0x20) == 0x65) {
      at++;
      if (at < end && (load<u8>(at) == 0x2b || load<u8>(at) == 0x2d)) at++;
      const digits = digitsEnd(at, end);
      if (digits == at) return false;
      at = digits;
    }
    this.number = decimalToFloat(start, at);
    this.at = at;
    return true;
  }

  /** Whether the current key or string is `text`, escapes decoded. */
  is(text: string): bool {
    let at = this.textAt;
    const end = this.textEnd;
    let i = 0;
    while (at < end) {
      const c = decode(at);
      at += decodedLength;
      if (c >= 0x10000) {
        if (i + 1 >= text.length) return false;
        if (<u32>text.charCodeAt(i++) != 0xd7c0 + (c >> 10)) return false;
        if (<u32>text.charCodeAt(i++) != 0xdc00 + (c & 1023)) return false;
      } else {
        if (i >= text.length || <u32>text.charCodeAt(i++) != c) return false;
      }
    }
    return i == text.length;
  }

  /**
   * Copies the current key or string as UTF-8, escapes decoded; a lone surrogate becomes U+FFFD.
   * @returns bytes written; what does not fit is left out at a whole character
   */
  copyText(to: usize, capacity: i32): i32 {
    let at = this.textAt;
    const end = this.textEnd;
    let n = 0;
    while (at < end) {
      let c = decode(at);
      at += decodedLength;
      if (c >= 0xd800 && c < 0xe000) c = 0xfffd;
      const bytes = encodeCharacter(c, to + <usize>n, capacity - n);
      if (bytes == 0) break;
      n += bytes;
    }
    return n;
  }

  /** The current key or string as a string. This one allocates: not in process. [control] or idle */
  text(): string {
    const length = <i32>(this.textEnd - this.textAt);
    if (!this.escaped) return String.UTF8.decodeUnsafe(this.textAt, length);
    // an escape is never shorter than its character: two bytes at least for one unit of two bytes
    const buffer = heap.alloc(<usize>length * 2 + 2);
    let at = this.textAt;
    let n = buffer;
    while (at < this.textEnd) {
      const c = decode(at);
      at += decodedLength;
      if (c >= 0x10000) {
        store<u16>(n, 0xd7c0 + (c >> 10));
        store<u16>(n, 0xdc00 + (c & 1023), 2);
        n += 4;
      } else {
        store<u16>(n, c);
        n += 2;
      }
    }
    const text = String.UTF16.decodeUnsafe(buffer, n - buffer);
    heap.free(buffer);
    return text;
  }

  /**
   * Passes over the value that the last token began: an object or array to its end, after a Key the member's value.
   * @returns false: an error came first
   */
  skip(): bool {
    if (this.token == JsonToken.Key) this.next();
    if (this.token != JsonToken.ObjectStart && this.token != JsonToken.ArrayStart) return this.token != JsonToken.Error;
    const depth = this.depth - 1;
    while (this.depth > depth) if (this.next() == JsonToken.Error) return false;
    return true;
  }
}

/** Bytes of the escape at `at`; 0: not one. */
function escapeLength(at: usize, end: usize): i32 {
  if (at + 2 > end) return 0;
  const c = <i32>load<u8>(at, 1);
  if (c == 0x75) {
    if (at + 6 > end) return 0;
    for (let i: usize = 2; i < 6; i++) if (hexDigit(load<u8>(at + i)) < 0) return 0;
    return 6;
  }
  // " \ / b f n r t
  return c == 0x22 || c == 0x5c || c == 0x2f || c == 0x62 || c == 0x66 || c == 0x6e || c == 0x72 || c == 0x74 ? 2 : 0;
}

function hexDigit(c: i32): i32 {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  c |= 0x20;
  return c >= 0x61 && c <= 0x66 ? c - 0x57 : -1;
}

/** Bytes of the UTF-8 character at `at`, which is above 0x7f; 0: malformed, overlong, a surrogate, or too large. */
function characterLength(at: usize, end: usize): i32 {
  const c = <i32>load<u8>(at);
  const length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
  if (c < 0xc2 || c > 0xf4 || at + length > end) return 0;
  for (let i = 1; i < length; i++) if ((load<u8>(at + <usize>i) & 0xc0) != 0x80) return 0;
  const second = <i32>load<u8>(at, 1);
  if (c == 0xe0 && second < 0xa0) return 0;
  if (c == 0xed && second > 0x9f) return 0;
  if (c == 0xf0 && second < 0x90) return 0;
  if (c == 0xf4 && second > 0x8f) return 0;
  return length;
}

/** Bytes that the last `decode` took. */
let decodedLength: i32 = 0;

function unit(at: usize): u32 {
  return (
    (hexDigit(load<u8>(at, 2)) << 12) | (hexDigit(load<u8>(at, 3)) << 8) | (hexDigit(load<u8>(at, 4)) << 4) | hexDigit(load<u8>(at, 5))
  );
}

/** The character at `at` of a string that `quoted` has checked; a pair of escaped surrogates is one character. */
function decode(at: usize): u32 {
  const c = <u32>load<u8>(at);
  if (c == 0x5c) {
    decodedLength = 2;
    const e = <u32>load<u8>(at, 1);
    switch (e) {
      case 0x62:
        return 8;
      case 0x66:
        return 12;
      case 0x6e:
        return 10;
      case 0x72:
        return 13;
      case 0x74:
        return 9;
      case 0x75: {
        decodedLength = 6;
        const high = unit(at);
        // the string ends in a quote, so reading two bytes on is inside the text
        if (high >= 0xd800 && high < 0xdc00 && load<u8>(at, 6) == 0x5c && load<u8>(at, 7) == 0x75) {
          const low = unit(at + 6);
          if (low >= 0xdc00 && low < 0xe000) {
            decodedLength = 12;
            return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
          }
        }
        return high;
      }
      default:
        return e;
    }
  }
  if (c < 0x80) {
    decodedLength = 1;
    return c;
  }
  if (c < 0xe0) {
    decodedLength = 2;
    return ((c & 31) << 6) | (load<u8>(at, 1) & 63);
  }
  if (c < 0xf0) {
    decodedLength = 3;
    return ((c & 15) << 12) | (<u32>(load<u8>(at, 1) & 63) << 6) | (load<u8>(at, 2) & 63);
  }
  decodedLength = 4;
  return ((c & 7) << 18) | (<u32>(load<u8>(at, 1) & 63) << 12) | (<u32>(load<u8>(at, 2) & 63) << 6) | (load<u8>(at, 3) & 63);
}

function digitsEnd(from: usize, end: usize): usize {
  let at = from;
  while (at < end) {
    const c = load<u8>(at);
    if (c < 0x30 || c > 0x39) break;
    at++;
  }
  return at;
}
