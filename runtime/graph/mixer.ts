// The graph's own memory and the small WebAssembly module that works in it (mixer.as.ts).

import { BelljarError } from "../../abi/error.ts";
import bytes from "./mixer.wasm";
import { channelStride } from "./node.ts";

interface MixerExports {
  memory: WebAssembly.Memory;
  base(): number;
  grow(pages: number): number;
  zero(to: number, count: number): void;
  copy(to: number, from: number, count: number): void;
  add(to: number, from: number, count: number): void;
  fold(to: number, left: number, right: number, count: number): void;
  addFold(to: number, left: number, right: number, count: number): void;
  peak(from: number, count: number): number;
  peakBits(from: number, count: number): number;
  clamp(at: number, count: number, limit: number): number;
}

let compiled: WebAssembly.Module | null = null;

/** Places buffers, then runs: all of them must be reserved before `commit`, since growing moves the views. */
export class Mixer {
  readonly run: MixerExports;
  private end: number;
  private committed = false;

  constructor() {
    compiled ??= new WebAssembly.Module(bytes);
    this.run = new WebAssembly.Instance(compiled).exports as unknown as MixerExports;
    this.end = this.run.base();
  }

  /** Room for `count` samples, holding zeros; an address that is a multiple of 16. */
  reserve(count: number): number {
    if (this.committed) throw new Error("the mixer's memory is fixed already");
    const at = this.end;
    this.end = at + Math.ceil(count / 4) * 16;
    return at;
  }

  /** Makes the memory as large as what was reserved. */
  commit(): void {
    const pages = Math.ceil((this.end - this.run.memory.buffer.byteLength) / 65536);
    // The unsigned size may pass 2 GiB, which a wasm32 address holds; V8 says no beyond 4 GiB.
    if (this.end > 0xffff0000 || (pages > 0 && this.run.grow(pages) < 0)) {
      throw new BelljarError(
        "session/memory",
        `The graph's buffers need ${Math.ceil(this.end / 1048576)} MiB, more than there is.`,
      );
    }
    this.committed = true;
  }

  /** A view of reserved samples, once committed. */
  view(at: number, count: number): Float32Array {
    return new Float32Array(this.run.memory.buffer, at, count);
  }
}

/** One block of sound in the mixer's memory. While `silent`, all of it is zero; what lies between two channels always is. */
export class Slot {
  readonly address: number;
  readonly channels: number;
  /** Samples from one channel to the next. */
  readonly stride: number;
  readonly frames: number;
  silent = true;
  private readonly mixer: Mixer;
  private samples: Float32Array | null = null;
  private perChannel: Float32Array[] = [];
  private readonly bits = new Int32Array(1);
  /** What `measure` found, one element: a number that is returned may be a new object. */
  readonly level = new Float32Array(this.bits.buffer);

  constructor(mixer: Mixer, channels: number, frames: number) {
    this.mixer = mixer;
    this.channels = channels;
    this.frames = frames;
    this.stride = channelStride(frames);
    this.address = mixer.reserve(channels * this.stride);
  }

  /** Samples of all channels, with what lies between them. */
  get size(): number {
    return this.channels * this.stride;
  }

  channelAddress(channel: number): number {
    return this.address + channel * this.stride * 4;
  }

  /** From the first sample to the last in one view (after the mixer's commit). */
  get view(): Float32Array {
    this.samples ??= this.mixer.view(this.address, (this.channels - 1) * this.stride + this.frames);
    return this.samples;
  }

  /** Views of exactly `frames` samples (after the mixer's commit). */
  get channelViews(): readonly Float32Array[] {
    if (this.perChannel.length === 0) {
      for (let c = 0; c < this.channels; c++) {
        this.perChannel.push(this.mixer.view(this.channelAddress(c), this.frames));
      }
    }
    return this.perChannel;
  }

  silence(): void {
    if (this.silent) return;
    this.mixer.run.zero(this.address, this.size);
    this.silent = true;
  }

  /** Puts the largest magnitude into `level`. */
  measure(): void {
    let most = 0;
    for (let c = 0; c < this.channels; c++) {
      const here = this.mixer.run.peakBits(this.channelAddress(c), this.frames);
      if (here > most) most = here;
    }
    // Magnitudes are in the order of their bits.
    this.bits[0] = most;
  }

  /** How many samples were beyond the limit; they are now at it. */
  clamp(limit: number, frames = this.frames): number {
    let count = 0;
    for (let c = 0; c < this.channels; c++) {
      count += this.mixer.run.clamp(this.channelAddress(c), frames, limit);
    }
    return count;
  }
}
