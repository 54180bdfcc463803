// A plugin's state as bytes: a header with the version, then values, each behind a byte that says its type.

const MAGIC: u32 = 0x74736a62; // "bjst"
const FORMAT: u16 = 1;
/** u32 magic, u16 format, u16 zero, i32 version of the plugin. */
const HEADER_BYTES: i32 = 12;

const enum Tag {
  Integer = 1,
  Float = 2,
  Text = 3,
  Bytes = 4,
  Floats = 5,
}

/** Writes the state; saveState is given one. [control] */
export class StateWriter {
  private buffer: StaticArray<u8> = new StaticArray<u8>(256);
  private at: i32 = HEADER_BYTES;

  /** @param version the plugin's */
  constructor(version: i32) {
    const p = changetype<usize>(this.buffer);
    store<u32>(p, MAGIC);
    store<u16>(p, FORMAT, 4);
    store<i32>(p, version, 8);
  }

  integer(value: i32): void {
    store<i32>(this.value(Tag.Integer, 4), value);
  }

  bool(value: bool): void {
    this.integer(value ? 1 : 0);
  }

  float(value: f64): void {
    store<f64>(this.value(Tag.Float, 8), value);
  }

  string(value: string): void {
    const length = String.UTF8.byteLength(value);
    const to = this.block(Tag.Text, length);
    String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, to);
  }

  bytes(value: StaticArray<u8>): void {
    memory.copy(this.block(Tag.Bytes, value.length), changetype<usize>(value), value.length);
  }

  floats(value: StaticArray<f32>): void {
    const length = value.length << 2;
    memory.copy(this.block(Tag.Floats, length), changetype<usize>(value), length);
  }

  /** Whether nothing was written. */
  get empty(): bool {
    return this.at == HEADER_BYTES;
  }

  /** What was written: an address that holds until the next write. */
  get address(): usize {
    return changetype<usize>(this.buffer);
  }

  /** Bytes written. */
  get length(): i32 {
    return this.at;
  }

  private value(tag: Tag, length: i32): usize {
    const p = this.room(length + 1);
    store<u8>(p, tag);
    return p + 1;
  }

  private block(tag: Tag, length: i32): usize {
    const p = this.room(length + 5);
    store<u8>(p, tag);
    store<i32>(p, length, 1);
    return p + 5;
  }

  private room(length: i32): usize {
    const old = this.buffer;
    if (this.at + length > old.length) {
      const bigger = new StaticArray<u8>(max(old.length * 2, this.at + length));
      memory.copy(changetype<usize>(bigger), changetype<usize>(old), this.at);
      this.buffer = bigger;
    }
    const p = changetype<usize>(this.buffer) + this.at;
    this.at += length;
    return p;
  }
}

/**
 * Reads what a StateWriter wrote, in the same order; loadState is given one. [control]
 * A value of another type, or past the end, reads as zero or empty, and `ok` turns false.
 */
export class StateReader {
  /** The plugin's version that wrote the state. */
  version: i32 = 0;
  /** Whether everything read so far was there. */
  ok: bool = false;
  private at: usize = 0;
  private end: usize = 0;

  /** @param from address of the bytes @param length bytes */
  constructor(from: usize, length: i32) {
    if (length >= HEADER_BYTES && load<u32>(from) == MAGIC && load<u16>(from, 4) == FORMAT) {
      this.version = load<i32>(from, 8);
      this.at = from + HEADER_BYTES;
      this.end = from + length;
      this.ok = true;
    }
  }

  /** Whether values are left. */
  get more(): bool {
    return this.at < this.end;
  }

  integer(): i32 {
    const p = this.value(Tag.Integer, 4);
    return p == 0 ? 0 : load<i32>(p);
  }

  bool(): bool {
    return this.integer() != 0;
  }

  float(): f64 {
    const p = this.value(Tag.Float, 8);
    return p == 0 ? 0 : load<f64>(p);
  }

  string(): string {
    const p = this.block(Tag.Text);
    return p == 0 ? "" : String.UTF8.decodeUnsafe(p, load<i32>(p - 4));
  }

  bytes(): StaticArray<u8> {
    const p = this.block(Tag.Bytes);
    const length = p == 0 ? 0 : load<i32>(p - 4);
    const value = new StaticArray<u8>(length);
    memory.copy(changetype<usize>(value), p, length);
    return value;
  }

  floats(): StaticArray<f32> {
    const p = this.block(Tag.Floats);
    const length = p == 0 ? 0 : load<i32>(p - 4) & ~3;
    const value = new StaticArray<f32>(length >> 2);
    memory.copy(changetype<usize>(value), p, length);
    return value;
  }

  private value(tag: Tag, length: i32): usize {
    const p = this.at;
    if (!this.ok || <i32>(this.end - p) < length + 1 || load<u8>(p) != tag) {
      this.ok = false;
      return 0;
    }
    this.at = p + 1 + length;
    return p + 1;
  }

  private block(tag: Tag): usize {
    const p = this.at;
    const left = <i32>(this.end - p) - 5;
    if (!this.ok || left < 0 || load<u8>(p) != tag || load<u32>(p, 1) > <u32>left) {
      this.ok = false;
      return 0;
    }
    this.at = p + 5 + load<i32>(p, 1);
    return p + 5;
  }
}
