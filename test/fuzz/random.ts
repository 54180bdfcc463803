// Random choices that a seed repeats.

export class Random {
  private state: number;

  constructor(...seeds: number[]) {
    this.state = 0x9e3779b9;
    for (const seed of seeds) {
      this.state ^= seed | 0;
      this.bits();
    }
  }

  /** 32 random bits, as an unsigned number. */
  bits(): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  }

  /** A whole number from 0 to `end` - 1. */
  below(end: number): number {
    return Math.floor((this.bits() / 2 ** 32) * end);
  }

  chance(probability: number): boolean {
    return this.bits() < probability * 2 ** 32;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }

  bytes(count: number): Uint8Array<ArrayBuffer> {
    const words = new Uint32Array((count + 3) >> 2);
    for (let i = 0; i < words.length; i++) words[i] = this.bits();
    return new Uint8Array(words.buffer, 0, count);
  }

  /** An i32 of the kind that finds mistakes. */
  i32(): number {
    switch (this.below(6)) {
      case 0:
        return this.below(17) - 8;
      case 1:
        return this.pick([0x7fffffff, -0x80000000, -1, 0x10000, 0xffff, 0x7fff, 0xff, 0x80, 65_536 * 2 - 4]);
      case 2:
        return ((1 << this.below(32)) + this.below(5) - 2) | 0;
      case 3:
        return this.bits() | 0;
      default:
        return this.below(2_048);
    }
  }
}
