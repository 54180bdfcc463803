// Where a graph keeps what it goes on with from block to block. In shared memory another thread can go on where this one
// was ended: what a block writes there is the same when it is rendered again, and what is not is kept twice, in turns,
// so that what the last whole block left is always there.

export class Keep {
  /** Bytes that were taken so far. */
  bytes = 0;
  private readonly shared: SharedArrayBuffer | null;

  /** @param shared as many bytes as the same graph took before; null: memory of this thread alone */
  constructor(shared: SharedArrayBuffer | null) {
    this.shared = shared;
  }

  private take(bytes: number): number {
    const at = this.bytes;
    this.bytes += Math.ceil(bytes / 8) * 8;
    return at;
  }

  /** Samples that last from block to block. They hold zeros at first. */
  samples(count: number): Float32Array {
    const at = this.take(count * 4);
    return this.shared === null ? new Float32Array(count) : new Float32Array(this.shared, at, count);
  }

  numbers(count: number): Float64Array {
    const at = this.take(count * 8);
    return this.shared === null ? new Float64Array(count) : new Float64Array(this.shared, at, count);
  }

  /** What the last whole block left, and the one before; nothing where no other thread will ask for it. */
  copies<T extends Int32Array | Float32Array | Float64Array>(
    Kind: new (buffer: ArrayBufferLike, at: number, count: number) => T,
    width: 4 | 8,
    count: number,
  ): readonly [T, T] {
    const make = (): T => {
      const at = this.take(count * width);
      return this.shared === null ? new Kind(new ArrayBuffer(0), 0, 0) : new Kind(this.shared, at, count);
    };
    return [make(), make()];
  }
}

/** Something that changes with each block, and how it is written down. */
export interface Kept {
  /** How many integers that takes. */
  readonly words: number;
  /** [audio] Between blocks. */
  save(to: Int32Array, at: number): void;
  resume(from: Int32Array, at: number): void;
}
