// Walks MessagePack bytes from a stranger before any decoder sees them. What passes holds only nil, booleans,
// finite numbers, valid UTF-8 strings, bytes, arrays, and maps with unique string keys, all within bounds.

import { BelljarError, printable } from "../../abi/error.ts";
import { type Limits, limitHint } from "./limits.ts";

type Bounds = Pick<Limits, "descriptorBytes" | "descriptorDepth" | "descriptorValues" | "stringBytes">;

/**
 * Checks that `bytes` are exactly one well-formed MessagePack value within `limits`.
 * @throws BelljarError descriptor/too-large, /empty, /truncated, /trailing, /too-deep, /too-many, /too-long, /extension,
 * /reserved, /key, /duplicate-key, /utf8, /not-finite, /integer
 */
export function scanMessagePack(bytes: Uint8Array, limits: Bounds): void {
  if (bytes.length > limits.descriptorBytes) {
    throw wrong(
      "too-large",
      `${bytes.length} bytes are more than the ${limits.descriptorBytes} allowed (descriptorBytes)`,
      limitHint("descriptorBytes", bytes.length),
    );
  }
  if (bytes.length === 0) throw wrong("empty", "there are no bytes");
  const scan = new Scan(bytes, limits);
  scan.value(0);
  if (scan.at !== bytes.length) {
    throw wrong("trailing", `${bytes.length - scan.at} bytes follow its end at byte ${scan.at}`);
  }
}

function wrong(what: string, sentence: string, hint = ""): BelljarError {
  return new BelljarError(`descriptor/${what}`, `The descriptor is wrong: ${sentence}.`, hint);
}

class Scan {
  at = 0;
  private items = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly limits: Bounds;
  private readonly utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(bytes: Uint8Array, limits: Bounds) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.limits = limits;
  }

  /** Walks one value inside `depth` arrays and maps. */
  value(depth: number): void {
    this.count();
    const start = this.at;
    const tag = this.unsigned(1);
    if (tag <= 0x7f || tag >= 0xe0) return; // small integers
    if (tag <= 0x8f) this.map(tag & 15, depth, start);
    else if (tag <= 0x9f) this.array(tag & 15, depth, start);
    else if (tag <= 0xbf) this.text(tag & 31, start);
    else this.tagged(tag, depth, start);
  }

  /** Bounds the work and memory of whoever decodes the bytes next. */
  private count(): void {
    const most = this.limits.descriptorValues;
    if (++this.items <= most) return;
    throw wrong(
      "too-many",
      `it holds more than ${most} values (descriptorValues)`,
      limitHint("descriptorValues"),
    );
  }

  private tagged(tag: number, depth: number, start: number): void {
    switch (tag) {
      case 0xc0: // nil
      case 0xc2: // false
      case 0xc3: // true
        break;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        this.take(this.unsigned(1 << (tag - 0xc4)));
        break;
      case 0xca:
        this.finite(this.view.getFloat32(this.take(4)), start);
        break;
      case 0xcb:
        this.finite(this.view.getFloat64(this.take(8)), start);
        break;
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xd0:
      case 0xd1:
      case 0xd2:
        this.take(1 << (tag & 3));
        break;
      case 0xcf:
        this.exact(Number(this.view.getBigUint64(this.take(8))), start);
        break;
      case 0xd3:
        this.exact(Number(this.view.getBigInt64(this.take(8))), start);
        break;
      case 0xd9:
      case 0xda:
      case 0xdb:
        this.text(this.unsigned(1 << (tag - 0xd9)), start);
        break;
      case 0xdc:
      case 0xdd:
        this.array(this.unsigned(tag === 0xdc ? 2 : 4), depth, start);
        break;
      case 0xde:
      case 0xdf:
        this.map(this.unsigned(tag === 0xde ? 2 : 4), depth, start);
        break;
      case 0xc1:
        throw wrong("reserved", `byte ${start} is 0xc1, which MessagePack never uses`);
      default:
        throw wrong("extension", `byte ${start} begins an extension type, and none are allowed`);
    }
  }

  private array(count: number, depth: number, start: number): void {
    this.open(depth, start);
    for (let i = 0; i < count; i++) this.value(depth + 1);
  }

  private map(count: number, depth: number, start: number): void {
    this.open(depth, start);
    const seen = new Set<string>();
    for (let i = 0; i < count; i++) {
      const key = this.key();
      if (seen.has(key))
        throw wrong("duplicate-key", `the key "${printable(key, 60)}" stands twice in one map`);
      seen.add(key);
      this.value(depth + 1);
    }
  }

  /** An array or map begins. One that claims more values than there are bytes is found out at the last byte. */
  private open(depth: number, start: number): void {
    if (depth >= this.limits.descriptorDepth) {
      throw wrong(
        "too-deep",
        `byte ${start} opens more than ${this.limits.descriptorDepth} levels (descriptorDepth)`,
        limitHint("descriptorDepth"),
      );
    }
  }

  private key(): string {
    this.count();
    const start = this.at;
    const tag = this.unsigned(1);
    if (tag >= 0xa0 && tag <= 0xbf) return this.text(tag & 31, start);
    if (tag >= 0xd9 && tag <= 0xdb) return this.text(this.unsigned(1 << (tag - 0xd9)), start);
    throw wrong("key", `the map key at byte ${start} is not a string`);
  }

  private text(length: number, start: number): string {
    if (length > this.limits.stringBytes) {
      throw wrong(
        "too-long",
        `the string at byte ${start} has ${length} bytes, ${this.limits.stringBytes} are allowed (stringBytes)`,
        limitHint("stringBytes", length),
      );
    }
    const from = this.take(length);
    try {
      return this.utf8.decode(this.bytes.subarray(from, from + length));
    } catch {
      throw wrong("utf8", `the string at byte ${start} is not UTF-8`);
    }
  }

  private finite(value: number, start: number): void {
    if (!Number.isFinite(value)) throw wrong("not-finite", `the number at byte ${start} is ${value}`);
  }

  private exact(value: number, start: number): void {
    if (!Number.isSafeInteger(value)) throw wrong("integer", `the integer at byte ${start} is beyond ±2^53`);
  }

  /** The next 1, 2 or 4 bytes as a number. */
  private unsigned(bytes: number): number {
    const from = this.take(bytes);
    if (bytes === 1) return this.view.getUint8(from);
    return bytes === 2 ? this.view.getUint16(from) : this.view.getUint32(from);
  }

  /** Steps over `length` bytes and returns where they began. */
  private take(length: number): number {
    if (length > this.bytes.length - this.at) throw this.truncated();
    const from = this.at;
    this.at += length;
    return from;
  }

  private truncated(): BelljarError {
    return wrong("truncated", `it ends after ${this.bytes.length} bytes, in the middle of a value`);
  }
}
