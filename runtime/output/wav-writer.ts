// A WAV file written as sound comes in. It appears whole or not at all (atomic-file.ts). Layout: RIFF header, room for the
// 64-bit sizes of RF64 (EBU Tech 3306: a JUNK chunk that becomes ds64 past 4 GiB), format, samples.

import { BelljarError, printable } from "../../abi/error.ts";
import { AtomicFile, fileError, freeBytes } from "./atomic-file.ts";

export type WavFormat = "float32" | "pcm16" | "pcm24";
export const WAV_FORMATS: readonly WavFormat[] = ["float32", "pcm16", "pcm24"];

export interface WavOptions {
  /** Hz, a whole number, 1 to 768000. */
  rate: number;
  /** 1 to 64. */
  channels: number;
  format: WavFormat;
  /**
   * pcm16 and pcm24: "tpdf" (the default) adds triangular noise of two units of the last bit peak to peak before rounding, so that the error of
   * rounding does not depend on the sound; "none" rounds to the nearest, which gives back PCM that was read from a file bit by bit.
   */
  dither?: "tpdf" | "none";
  /** How many frames will come, where that is known: then a disk that is too small is refused at once. */
  expectedFrames?: number;
}

const BUFFER_BYTES = 1 << 16;
const RIFF_MAX = 0xffffffff;
/** Where the JUNK or ds64 chunk begins. */
const LONG_SIZES = 12;
/** The dither's generator always starts here, so that the same sound makes the same file. */
const DITHER_SEED = 0x1f123bb5;

/**
 * Opens a WAV file for writing, at once: what stands in the way is said before the work begins.
 * @throws BelljarError file/… (see AtomicFile.open), file/disk-full, usage/wav-rate, usage/wav-channels, usage/wav-format
 */
export function openWav(path: string, options: WavOptions): WavWriter {
  const { rate, channels, format } = options;
  if (!Number.isInteger(rate) || rate < 1 || rate > 768000) {
    throw new BelljarError(
      "usage/wav-rate",
      `A WAV file can't have a sample rate of ${printable(String(rate))} Hz; 1 to 768000 are possible.`,
    );
  }
  if (!Number.isInteger(channels) || channels < 1 || channels > 64) {
    throw new BelljarError(
      "usage/wav-channels",
      `A WAV file can't have ${printable(String(channels))} channels here; 1 to 64 are possible.`,
    );
  }
  if (!WAV_FORMATS.includes(format)) {
    throw new BelljarError(
      "usage/wav-format",
      `"${printable(String(format))}" is no format of WAV files; there are ${WAV_FORMATS.join(", ")}.`,
    );
  }
  const file = AtomicFile.open(path);
  try {
    const needed = (options.expectedFrames ?? 0) * channels * bytesOf(format);
    if (needed > freeBytes(path)) throw fileError({ code: "ENOSPC" }, path);
    return new WavWriter(file, options);
  } catch (error) {
    file.abort();
    throw error;
  }
}

/** Made by openWav. */
export class WavWriter {
  readonly path: string;
  readonly rate: number;
  readonly channels: number;
  readonly format: WavFormat;
  readonly #file: AtomicFile;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #dither: boolean;
  readonly #dataStart: number;
  #used = 0;
  #frames = 0;
  #clipped = 0;
  #random = DITHER_SEED;

  constructor(file: AtomicFile, options: WavOptions) {
    this.path = file.path;
    this.rate = options.rate;
    this.channels = options.channels;
    this.format = options.format;
    this.#file = file;
    this.#bytes = new Uint8Array(BUFFER_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
    this.#dither = options.format !== "float32" && (options.dither ?? "tpdf") === "tpdf";
    const header = makeHeader(options.rate, options.channels, options.format);
    this.#dataStart = header.byteLength;
    file.write(header);
  }

  /** Frames written so far. */
  get frames(): number {
    return this.#frames;
  }

  /** Samples that were beyond full scale and were cut to it; 0 with float32, which has no such limit. */
  get clipped(): number {
    return this.#clipped;
  }

  /**
   * Appends frames. Full scale is -1 to 1.
   * @param samples one array a channel, of `offset + frames` samples at least
   * @throws BelljarError wav/not-finite (a NaN or an infinity), file/disk-full, file/…; the file is gone then
   */
  write(samples: readonly Float32Array[], frames: number, offset = 0): void {
    const width = bytesOf(this.format);
    const frameBytes = width * this.channels;
    if (samples.length !== this.channels)
      throw new RangeError(`${samples.length} channels for a file of ${this.channels}`);
    for (let i = offset; i < offset + frames; i++) {
      if (this.#used + frameBytes > BUFFER_BYTES) this.#flush();
      for (let channel = 0; channel < this.channels; channel++) {
        const x = (samples[channel] as Float32Array)[i] as number;
        if (x - x !== 0) this.#refuse(channel);
        if (this.format === "float32") this.#view.setFloat32(this.#used, x, true);
        else if (this.format === "pcm16") this.#view.setInt16(this.#used, this.#quantize(x, 32768), true);
        else {
          const n = this.#quantize(x, 8388608);
          this.#view.setUint16(this.#used, n & 0xffff, true);
          this.#view.setInt8(this.#used + 2, n >> 16);
        }
        this.#used += width;
      }
      this.#frames++;
    }
  }

  /** Writes the sizes and puts the file in its place. */
  finish(): void {
    this.#flush();
    const dataBytes = this.#file.length - this.#dataStart;
    if (dataBytes % 2 === 1) this.#file.write(new Uint8Array(1));
    const sizes = finalSizes(this.#file.length - 8, dataBytes, this.#frames);
    this.#file.overwrite(0, sizes.start);
    if (sizes.long) this.#file.overwrite(LONG_SIZES, sizes.long);
    if (this.format === "float32")
      this.#file.overwrite(this.#dataStart - 12, u32(Math.min(this.#frames, RIFF_MAX)));
    this.#file.overwrite(this.#dataStart - 4, sizes.data);
    this.#file.commit();
  }

  /** Removes what was written. Harmless when repeated or after finish. */
  abort(): void {
    this.#file.abort();
  }

  #flush(): void {
    this.#file.write(this.#bytes.subarray(0, this.#used));
    this.#used = 0;
  }

  #quantize(x: number, scale: number): number {
    const noise = this.#dither ? this.#uniform() - this.#uniform() : 0;
    const n = Math.floor(x * scale + noise + 0.5);
    if (n >= -scale && n < scale) return n;
    this.#clipped++;
    return n < 0 ? -scale : scale - 1;
  }

  /** 0 up to 1: xorshift32 (Marsaglia, "Xorshift RNGs", 2003). Two of them, subtracted, are triangular over -1 to 1. */
  #uniform(): number {
    let r = this.#random;
    r ^= r << 13;
    r ^= r >>> 17;
    r ^= r << 5;
    this.#random = r;
    return (r >>> 0) / 4294967296;
  }

  #refuse(channel: number): never {
    this.abort();
    throw new BelljarError(
      "wav/not-finite",
      `${printable(this.path)} was given a sample that is not a finite number (frame ${this.#frames}, channel ${channel + 1}).`,
    );
  }
}

function bytesOf(format: WavFormat): number {
  return format === "float32" ? 4 : format === "pcm24" ? 3 : 2;
}

/** Everything up to the first sample, with sizes of zero. Extensible past two channels, as Microsoft asks; no speaker is assigned. */
function makeHeader(rate: number, channels: number, format: WavFormat): Uint8Array {
  const isFloat = format === "float32";
  const width = bytesOf(format);
  const extensible = channels > 2;
  const formatBytes = extensible ? 40 : isFloat ? 18 : 16;
  const header = new Uint8Array(LONG_SIZES + 36 + 8 + formatBytes + (isFloat ? 12 : 0) + 8);
  const view = new DataView(header.buffer);
  let at = 0;
  const tag = (text: string): void => {
    for (let i = 0; i < 4; i++) header[at++] = text.charCodeAt(i);
  };
  const long = (n: number): void => {
    view.setUint32(at, n, true);
    at += 4;
  };
  const short = (n: number): void => {
    view.setUint16(at, n, true);
    at += 2;
  };
  tag("RIFF");
  long(0);
  tag("WAVE");
  tag("JUNK");
  long(28);
  at += 28;
  tag("fmt ");
  long(formatBytes);
  const plain = isFloat ? 3 : 1;
  short(extensible ? 0xfffe : plain);
  short(channels);
  long(rate);
  long(Math.min(rate * channels * width, RIFF_MAX));
  short(channels * width);
  short(width * 8);
  if (extensible) {
    short(22);
    short(width * 8);
    long(0);
    short(plain);
    header.set([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71], at);
    at += 14;
  } else if (isFloat) short(0);
  if (isFloat) {
    tag("fact");
    long(4);
    long(0);
  }
  tag("data");
  long(0);
  return header;
}

/**
 * The sizes that are known at the end: the first eight bytes of the file, the ds64 chunk if the file is too long for 32 bits, and
 * the size of the data chunk.
 */
export function finalSizes(
  riffBytes: number,
  dataBytes: number,
  frames: number,
): { start: Uint8Array; long: Uint8Array | null; data: Uint8Array } {
  const fits = riffBytes <= RIFF_MAX && dataBytes < RIFF_MAX;
  const start = new Uint8Array(8);
  start.set(ascii(fits ? "RIFF" : "RF64"));
  start.set(u32(fits ? riffBytes : RIFF_MAX), 4);
  if (fits) return { start, long: null, data: u32(dataBytes) };
  const long = new Uint8Array(36);
  long.set(ascii("ds64"));
  long.set(u32(28), 4);
  [riffBytes, dataBytes, frames].forEach((n, i) => {
    long.set(u32(n % 2 ** 32), 8 + 8 * i);
    long.set(u32(Math.floor(n / 2 ** 32)), 12 + 8 * i);
  });
  return { start, long, data: u32(RIFF_MAX) };
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

function u32(n: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, n, true);
  return bytes;
}
