// WAV files, read from bytes that nobody vouches for. Formats: RIFF, RIFX (big-endian), RF64 and BW64; PCM of 8, 16, 24
// and 32 bits; float of 32 and 64 bits; WAVE_FORMAT_EXTENSIBLE of these. Sources: "Multimedia Programming Interface and
// Data Specifications 1.0" (IBM and Microsoft, 1991), Microsoft's "Multiple Channel Audio Data and WAVE Files", EBU Tech 3306.

import { BelljarError, printable } from "../../abi/error.ts";

/** Most channels that are read. */
export const WAV_MAX_CHANNELS = 64;
/** Highest sample rate that is read, in Hz; the lowest is 1. */
export const WAV_MAX_RATE = 768000;
/** Most samples, all channels together, that are read: 2 GiB as 32-bit floats. */
export const WAV_MAX_SAMPLES = 2 ** 29;

/** Samples as the file stores them. 8-bit PCM is unsigned, the others signed. */
export type WavEncoding = "pcm8" | "pcm16" | "pcm24" | "pcm32" | "float32" | "float64";

/** A WAV file, decoded. */
export interface WavAudio {
  /** Sample rate in Hz, 1 to WAV_MAX_RATE. */
  readonly rate: number;
  /** 1 to WAV_MAX_CHANNELS. */
  readonly channels: number;
  /** Samples of each channel; 0 is possible. */
  readonly frames: number;
  /** One array of `frames` samples a channel, full scale at -1 and 1. Float files may go beyond; every sample is finite. */
  readonly samples: Float32Array<ArrayBuffer>[];
  readonly encoding: WavEncoding;
  /** Bits that carry sound, as an extensible header states them; else the bits of the encoding. */
  readonly validBits: number;
  /** The file did not say how long its samples are (it was written to a pipe, or its writer was stopped): all bytes to its end were taken. */
  readonly streamed: boolean;
  /** Bytes at the end of the samples that do not make up a whole frame. They are left out. */
  readonly ignoredBytes: number;
}

interface Format {
  channels: number;
  rate: number;
  encoding: WavEncoding;
  bytes: number;
  validBits: number;
}

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
/** Bytes 8 to 15 of the sub-formats that stand for a plain format tag. */
const GUID_TAIL = [0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71];

const TAG_NAMES: Record<number, string> = {
  2: "Microsoft ADPCM",
  6: "A-law",
  7: "mu-law",
  17: "IMA ADPCM",
  49: "GSM 6.10",
  80: "MPEG audio",
  85: "MP3",
  255: "AAC",
  61868: "FLAC",
};

/**
 * Decodes a WAV file.
 *
 * Integers become `n / 2^(bits - 1)`, exact for 8 to 24 bits and rounded to the nearest 32-bit float for 32. With fewer valid bits
 * than stored ones the sound sits in the upper bits, so the scale stays. No length in the file is believed: the size of the whole
 * file is not used, chunks are followed only inside the bytes that are there, and a data chunk that says it is longer than the
 * file is refused as cut off, unless its size is one that streaming writers leave (0, 0xffffffff, or sox's 2 GiB less a page).
 * What follows the data chunk is not read.
 *
 * @param bytes the whole file
 * @param name what errors call the file
 * @throws BelljarError with a code `wav/…`: not-wav, truncated, no-format, no-data, format, channels, rate, block-align, bits,
 * too-long, not-finite
 */
export function readWav(bytes: Uint8Array, name: string): WavAudio {
  return new WavParser(bytes, printable(name)).parse();
}

class WavParser {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #name: string;
  #little = true;
  /** Size of the data chunk from a ds64 chunk; -1: there was none. */
  #longDataSize = -1;

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#name = name;
  }

  parse(): WavAudio {
    const long = this.#header();
    const end = this.#bytes.length;
    let format: Format | null = null;
    for (let at = 12; at < end; ) {
      if (at + 8 > end) this.#truncated(at, "the header of a chunk");
      const id = this.#tag(at);
      const size = this.#view.getUint32(at + 4, this.#little);
      const body = at + 8;
      if (id === "data") {
        if (format === null) {
          throw this.#error(
            "no-format",
            `has its samples at byte ${at} before any "fmt " chunk that says how to read them`,
          );
        }
        return this.#samples(format, body, size);
      }
      if (body + size > end) this.#truncated(at, `a chunk ${quoted(id)} of ${size} bytes`);
      if (id === "fmt " && format === null) format = this.#format(body, size);
      else if (id === "ds64" && long && size >= 16) {
        this.#longDataSize =
          this.#view.getUint32(body + 8, this.#little) +
          this.#view.getUint32(body + 12, this.#little) * 2 ** 32;
      }
      at = body + size + (size & 1);
    }
    throw this.#error(
      "no-data",
      `ends at byte ${end} without a "data" chunk`,
      "There is no sound in it; it may be cut off.",
    );
  }

  /** Checks the first 12 bytes. True if sizes may be in a ds64 chunk. */
  #header(): boolean {
    const end = this.#bytes.length;
    const magic = this.#tag(0);
    const known = magic === "RIFF" || magic === "RIFX" || magic === "RF64" || magic === "BW64";
    if (end >= 4 && !known) {
      throw this.#error(
        "not-wav",
        `is not a WAV file: at byte 0 there is ${quoted(magic)} in place of "RIFF"`,
        guess(this.#bytes),
      );
    }
    if (end < 12) this.#truncated(0, "the header of a WAV file");
    if (this.#tag(8) !== "WAVE") {
      throw this.#error(
        "not-wav",
        `is not a WAV file: at byte 8 there is ${quoted(this.#tag(8))} in place of "WAVE"`,
      );
    }
    this.#little = magic !== "RIFX";
    return magic === "RF64" || magic === "BW64";
  }

  #format(at: number, size: number): Format {
    if (size < 16)
      throw this.#error("format", `has a "fmt " chunk of ${size} bytes at byte ${at}; it takes 16 at least`);
    const channels = this.#u16(at + 2);
    const rate = this.#view.getUint32(at + 4, this.#little);
    const blockAlign = this.#u16(at + 12);
    const bits = this.#u16(at + 14);
    let tag = this.#u16(at);
    let validBits = bits;
    if (tag === EXTENSIBLE) {
      if (size < 40) {
        throw this.#error(
          "format",
          `has an extensible "fmt " chunk of ${size} bytes at byte ${at}; it takes 40`,
        );
      }
      validBits = this.#u16(at + 18) || bits;
      tag = this.#subFormat(at + 24);
    }
    if (tag !== PCM && tag !== FLOAT) {
      const what = TAG_NAMES[tag] ?? `format 0x${tag.toString(16).padStart(4, "0")}`;
      throw this.#error(
        "format",
        `holds ${what} (byte ${at}), which is not read`,
        "PCM and float WAV files are; convert it to one of them.",
      );
    }
    if (channels < 1 || channels > WAV_MAX_CHANNELS) {
      throw this.#error(
        "channels",
        `says at byte ${at + 2} that it has ${channels} channels; 1 to ${WAV_MAX_CHANNELS} are read`,
      );
    }
    if (rate < 1 || rate > WAV_MAX_RATE) {
      throw this.#error(
        "rate",
        `says at byte ${at + 4} that its sample rate is ${rate} Hz; 1 to ${WAV_MAX_RATE} are read`,
      );
    }
    const known =
      tag === PCM ? bits === 8 || bits === 16 || bits === 24 || bits === 32 : bits === 32 || bits === 64;
    if (!known) {
      const which = tag === PCM ? "PCM of 8, 16, 24 and 32" : "float of 32 and 64";
      throw this.#error(
        "bits",
        `has ${bits}-bit ${tag === PCM ? "PCM" : "float"} samples (byte ${at + 14}); ${which} bits is read`,
      );
    }
    if (validBits > bits) {
      throw this.#error("bits", `says at byte ${at + 18} that ${validBits} of its ${bits} bits are valid`);
    }
    const bytes = bits / 8;
    if (blockAlign !== bytes * channels) {
      throw this.#error(
        "block-align",
        `says at byte ${at + 12} that a frame takes ${blockAlign} bytes, but ${channels} × ${bits} bits take ${bytes * channels}`,
      );
    }
    return {
      channels,
      rate,
      bytes,
      validBits,
      encoding: `${tag === PCM ? "pcm" : "float"}${bits}` as WavEncoding,
    };
  }

  /** The format tag inside a sub-format GUID. In RIFX files, writers differ on which of its parts are big-endian: all, or the tag alone. */
  #subFormat(at: number): number {
    const is = (from: number, ...expected: number[]): boolean =>
      expected.every((byte, i) => this.#bytes[at + from + i] === byte);
    if (is(8, ...GUID_TAIL)) {
      if (is(2, 0, 0, 0, 0, 0x10, 0)) return this.#u16(at);
      if (!this.#little && is(0, 0, 0) && is(4, 0, 0, 0, 0x10)) return this.#u16(at + 2);
    }
    throw this.#error("format", `has a sub-format at byte ${at} that is neither PCM nor float`);
  }

  #samples(format: Format, at: number, size: number): WavAudio {
    const present = this.#bytes.length - at;
    let length = size;
    if (size === 0xffffffff && this.#longDataSize >= 0) length = this.#longDataSize;
    const streamed = length > present ? isPlaceholder(length) : length === 0 && this.#isUnfinished(at);
    if (streamed) length = present;
    if (length > present) this.#truncated(at - 8, `a chunk "data" of ${length} bytes`);

    const frameBytes = format.bytes * format.channels;
    const frames = Math.floor(length / frameBytes);
    if (frames * format.channels > WAV_MAX_SAMPLES) {
      throw this.#error(
        "too-long",
        `holds ${frames} frames of ${format.channels} channels from byte ${at}; ${WAV_MAX_SAMPLES} samples are read at most`,
      );
    }
    const samples: Float32Array<ArrayBuffer>[] = [];
    for (let channel = 0; channel < format.channels; channel++) {
      const first = at + channel * format.bytes;
      samples.push(decode(this.#view, first, frameBytes, frames, format.encoding, this.#little));
      if (format.encoding === "float32" || format.encoding === "float64") {
        this.#checkFinite(samples[channel] as Float32Array, channel, first, frameBytes);
      }
    }
    return {
      rate: format.rate,
      channels: format.channels,
      frames,
      samples,
      encoding: format.encoding,
      validBits: format.validBits,
      streamed,
      ignoredBytes: length - frames * frameBytes,
    };
  }

  /** A data chunk of 0 bytes with bytes after it: was its writer stopped before it could write the sizes? Then the whole is said to end here, too. */
  #isUnfinished(at: number): boolean {
    const whole = this.#view.getUint32(4, this.#little);
    return this.#bytes.length > at && (whole === 0 || whole === 0xffffffff || 8 + whole <= at);
  }

  #checkFinite(samples: Float32Array, channel: number, first: number, frameBytes: number): void {
    for (let frame = 0; frame < samples.length; frame++) {
      const x = samples[frame] as number;
      if (x - x !== 0) {
        const at = first + frame * frameBytes;
        throw this.#error(
          "not-finite",
          `has a sample that is not a finite 32-bit number at byte ${at} (frame ${frame}, channel ${channel + 1})`,
        );
      }
    }
  }

  #u16(at: number): number {
    return this.#view.getUint16(at, this.#little);
  }

  /** Four bytes as text; fewer at the file's end. */
  #tag(at: number): string {
    return String.fromCharCode(...this.#bytes.subarray(at, at + 4));
  }

  #truncated(at: number, what: string): never {
    throw this.#error(
      "truncated",
      `is cut off: ${what} begins at byte ${at}, but the file ends at byte ${this.#bytes.length}`,
    );
  }

  #error(code: string, rest: string, hint = ""): BelljarError {
    return new BelljarError(`wav/${code}`, `${this.#name} ${rest}.`, hint);
  }
}

/** Sizes that writers leave which can't go back to their header: all ones, and sox's 0x7ffff000 (less the rest of a frame). */
function isPlaceholder(size: number): boolean {
  return size === 0xffffffff || (size >= 0x7fffe000 && size <= 0x7fffffff);
}

function quoted(tag: string): string {
  return `"${printable(tag)}"`;
}

/** What the first bytes of a file of another kind say. */
function guess(bytes: Uint8Array): string {
  const start = String.fromCharCode(...bytes.subarray(0, 4));
  if (start === "FORM") return "It is an AIFF file; convert it to WAV.";
  if (start === "fLaC") return "It is a FLAC file; convert it to WAV.";
  if (start === "OggS") return "It is an Ogg file; convert it to WAV.";
  if (start === "MThd") return "It is a MIDI file.";
  if (start.startsWith("ID3")) return "It is an MP3 file; convert it to WAV.";
  return "";
}

/** One channel. Each encoding has its own loop, so that each stays fast. */
function decode(
  view: DataView,
  first: number,
  step: number,
  frames: number,
  encoding: WavEncoding,
  little: boolean,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(frames);
  let at = first;
  switch (encoding) {
    case "pcm8":
      for (let i = 0; i < frames; i++, at += step) out[i] = (view.getUint8(at) - 128) / 128;
      break;
    case "pcm16":
      for (let i = 0; i < frames; i++, at += step) out[i] = view.getInt16(at, little) / 32768;
      break;
    case "pcm24": {
      const low = little ? 0 : 2;
      for (let i = 0; i < frames; i++, at += step) {
        out[i] =
          (view.getInt8(at + 2 - low) * 65536 + view.getUint8(at + 1) * 256 + view.getUint8(at + low)) /
          8388608;
      }
      break;
    }
    case "pcm32":
      for (let i = 0; i < frames; i++, at += step) out[i] = view.getInt32(at, little) / 2147483648;
      break;
    case "float32":
      for (let i = 0; i < frames; i++, at += step) out[i] = view.getFloat32(at, little);
      break;
    case "float64":
      for (let i = 0; i < frames; i++, at += step) out[i] = view.getFloat64(at, little);
      break;
  }
  return out;
}
