// Walks MessagePack bytes from a stranger before any decoder sees them. What passes holds only nil, booleans,
// finite numbers, valid UTF-8 strings, bytes, arrays, and maps with unique string keys, all within bounds.

import { printable } from "./error.ts";

export interface ScanBounds {
  /** Of the whole. */
  bytes: number;
  /** Arrays and maps inside each other. */
  depth: number;
  /** All values together, keys too. */
  values: number;
  /** Bytes of one string. */
  text: number;
}

/**
 * What is thrown.
 * @param what too-large, empty, truncated, trailing, too-deep, too-many, too-long, extension, reserved, key, duplicate-key,
 * utf8, not-finite, integer
 * @param sentence the reason, safe to print, without a full stop
 * @param bound which of the bounds it is about, and what it would have to be, where that is known
 */
export type Refuse = (what: string, sentence: string, bound?: keyof ScanBounds, needed?: number) => Error;

/** Checks that `bytes` are exactly one well-formed MessagePack value within `bounds`; throws what `refuse` makes. */
export function scanMessagePack(bytes: Uint8Array, bounds: ScanBounds, refuse: Refuse): void {
  if (bytes.length > bounds.bytes) {
    const sentence = `${bytes.length} bytes are more than the ${bounds.bytes} allowed`;
    throw refuse("too-large", sentence, "bytes", bytes.length);
  }
  if (bytes.length === 0) throw refuse("empty", "there are no bytes");
  const scan = new Scan(bytes, bounds, refuse);
  scan.value(0);
  if (scan.at !== bytes.length) {
    throw refuse("trailing", `${bytes.length - scan.at} bytes follow its end at byte ${scan.at}`);
  }
}

class Scan {
  at = 0;
  private items = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly bounds: ScanBounds;
  private readonly refuse: Refuse;
  private readonly utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(bytes: Uint8Array, bounds: ScanBounds, refuse: Refuse) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.bounds = bounds;
    this.refuse = refuse;
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
    const most = this.bounds.values;
    if (++this.items <= most) return;
    throw this.refuse("too-many", `it holds more than ${most} values`, "values");
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
        throw this.refuse("reserved", `byte ${start} is 0xc1, which MessagePack never uses`);
      default:
        throw this.refuse("extension", `byte ${start} begins an extension type, and none are allowed`);
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
        throw this.refuse("duplicate-key", `the key "${printable(key, 60)}" stands twice in one map`);
      seen.add(key);
      this.value(depth + 1);
    }
  }

  /** An array or map begins. One that claims more values than there are bytes is found out at the last byte. */
  private open(depth: number, start: number): void {
    const most = this.bounds.depth;
    if (depth >= most) throw this.refuse("too-deep", `byte ${start} opens more than ${most} levels`, "depth");
  }

  private key(): string {
    this.count();
    const start = this.at;
    const tag = this.unsigned(1);
    if (tag >= 0xa0 && tag <= 0xbf) return this.text(tag & 31, start);
    if (tag >= 0xd9 && tag <= 0xdb) return this.text(this.unsigned(1 << (tag - 0xd9)), start);
    throw this.refuse("key", `the map key at byte ${start} is not a string`);
  }

  private text(length: number, start: number): string {
    const most = this.bounds.text;
    if (length > most) {
      const sentence = `the string at byte ${start} has ${length} bytes, ${most} are allowed`;
      throw this.refuse("too-long", sentence, "text", length);
    }
    const from = this.take(length);
    try {
      return this.utf8.decode(this.bytes.subarray(from, from + length));
    } catch {
      throw this.refuse("utf8", `the string at byte ${start} is not UTF-8`);
    }
  }

  private finite(value: number, start: number): void {
    if (!Number.isFinite(value)) throw this.refuse("not-finite", `the number at byte ${start} is ${value}`);
  }

  private exact(value: number, start: number): void {
    if (!Number.isSafeInteger(value))
      throw this.refuse("integer", `the integer at byte ${start} is beyond ±2^53`);
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

  private truncated(): Error {
    return this.refuse("truncated", `it ends after ${this.bytes.length} bytes, in the middle of a value`);
  }
}
