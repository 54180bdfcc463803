// Float samples as a device takes them: float32 as they are, integers rounded, with triangular dither where 16 or 24 bits
// would show the steps (Lipshitz, Wannamaker, Vanderkooy: Quantization and Dither, 1992).

import type { SampleFormat } from "../abi/sidecar.ts";

export function bytesPerSample(format: SampleFormat): number {
  return format === "int16" ? 2 : format === "int24" ? 3 : 4;
}

export class Converter {
  readonly format: SampleFormat;
  /** Interleaved samples of one chunk. */
  readonly floats: Float32Array;
  /** The same as the device takes them; float32: the same memory. */
  readonly bytes: Uint8Array;
  private readonly ints: Int16Array | Int32Array | null;
  private random = 0x9e3779b9;

  constructor(format: SampleFormat, samples: number) {
    this.format = format;
    this.floats = new Float32Array(samples);
    if (format === "float32") {
      this.ints = null;
      this.bytes = new Uint8Array(this.floats.buffer);
    } else if (format === "int24") {
      this.ints = null;
      this.bytes = new Uint8Array(samples * 3);
    } else {
      this.ints = format === "int16" ? new Int16Array(samples) : new Int32Array(samples);
      this.bytes = new Uint8Array(this.ints.buffer);
    }
  }

  /** [audio] Converts the first `samples` of `floats`; the first bytes of `bytes` then hold them. Silence stays silence. */
  convert(samples: number): void {
    const { floats, ints, bytes, format } = this;
    if (format === "float32") return;
    const scale = format === "int16" ? 0x8000 : format === "int24" ? 0x800000 : 0x80000000;
    const dithered = format !== "int32";
    for (let i = 0; i < samples; i++) {
      const sample = floats[i] as number;
      let value = sample * scale;
      if (dithered && sample !== 0) value += this.triangle();
      value = Math.max(-scale, Math.min(scale - 1, Math.floor(value + 0.5)));
      if (ints !== null) ints[i] = value;
      else {
        bytes[i * 3] = value;
        bytes[i * 3 + 1] = value >> 8;
        bytes[i * 3 + 2] = value >> 16;
      }
    }
  }

  /** Two uniform numbers' sum: -1 to 1 of a step, triangular. */
  private triangle(): number {
    return this.uniform() + this.uniform();
  }

  /** xorshift32 (Marsaglia, 2003): -0.5 to 0.5. */
  private uniform(): number {
    let x = this.random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.random = x;
    return x / 4294967296;
  }
}
