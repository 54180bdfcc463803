// A MessagePack writer (msgpack.org, specification of 2013): what the descriptor needs, no more.

/** Appends values to a buffer that grows. [control] */
export class MsgpackWriter {
  private buffer: StaticArray<u8> = new StaticArray<u8>(1024);
  private at: i32 = 0;

  /** Where the bytes lie, until the next write. */
  get address(): usize {
    return changetype<usize>(this.buffer);
  }

  /** Bytes written. */
  get length(): i32 {
    return this.at;
  }

  /** Begins a map of `count` keys and values. */
  map(count: i32): void {
    this.head(count, 0x80, 15, 0, 0xde);
  }

  /** Begins an array of `count` values. */
  array(count: i32): void {
    this.head(count, 0x90, 15, 0, 0xdc);
  }

  string(value: string): void {
    const length = String.UTF8.byteLength(value);
    this.head(length, 0xa0, 31, 0xd9, 0xda);
    String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, this.room(length));
  }

  bytes(value: StaticArray<u8>): void {
    store<u8>(this.room(1), 0xc6);
    store<u32>(this.room(4), bswap<u32>(value.length));
    memory.copy(this.room(value.length), changetype<usize>(value), value.length);
  }

  nil(): void {
    store<u8>(this.room(1), 0xc0);
  }

  bool(value: bool): void {
    store<u8>(this.room(1), value ? 0xc3 : 0xc2);
  }

  integer(value: i32): void {
    if (value >= -32 && value < 128) {
      store<i8>(this.room(1), <i8>value);
    } else {
      store<u8>(this.room(1), 0xd2);
      store<u32>(this.room(4), bswap<u32>(value));
    }
  }

  /** A whole number of 32 bits goes as an integer, all else as f64. */
  number(value: f64): void {
    if (value == <f64>(<i32>value) && (value != 0 || 1 / value > 0)) {
      this.integer(<i32>value);
      return;
    }
    store<u8>(this.room(1), 0xcb);
    store<u64>(this.room(8), bswap<u64>(reinterpret<u64>(value)));
  }

  private head(count: i32, small: i32, most: i32, byte: i32, word: i32): void {
    if (count <= most) {
      store<u8>(this.room(1), small | count);
    } else if (byte != 0 && count < 256) {
      const p = this.room(2);
      store<u8>(p, byte);
      store<u8>(p, count, 1);
    } else if (count < 65536) {
      const p = this.room(3);
      store<u8>(p, word);
      store<u16>(p, bswap<u16>(<u16>count), 1);
    } else {
      const p = this.room(5);
      store<u8>(p, word + 1);
      store<u32>(p, bswap<u32>(count), 1);
    }
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
