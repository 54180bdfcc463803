// Where the music is: tempo, beat, loop.

import {
  TRANSPORT_BAR_START,
  TRANSPORT_BEAT,
  TRANSPORT_BPM,
  TRANSPORT_BYTES,
  TRANSPORT_DENOMINATOR,
  TRANSPORT_FLAGS,
  TRANSPORT_HAS_TEMPO,
  TRANSPORT_LOOP,
  TRANSPORT_LOOP_END,
  TRANSPORT_LOOP_START,
  TRANSPORT_NUMERATOR,
  TRANSPORT_PLAYING,
  TRANSPORT_RECORDING,
  TRANSPORT_SECONDS,
} from "../abi/layout";
import { Block } from "./block";

/**
 * The host's clock of beats. Asked for in a field's initialiser: `transport: Transport = this.useTransport()`.
 * All values are those of the first frame of this sub-block. [audio]
 */
export class Transport {
  /** Address of the struct that the host fills before each block. */
  struct: usize = 0;
  /** Frame of the host's block that the struct speaks of. */
  private origin: i32 = 0;
  private rate: f64 = 48000;
  private had: bool = false;
  private seen: u32 = 0;

  @inline
  private flag(bit: i32): bool {
    return (load<i32>(this.struct + TRANSPORT_FLAGS) & bit) != 0;
  }

  private get elapsed(): f64 {
    return this.playing ? <f64>(Block.start - this.origin) / this.rate : 0;
  }

  get playing(): bool {
    return this.flag(TRANSPORT_PLAYING);
  }

  get recording(): bool {
    return this.flag(TRANSPORT_RECORDING);
  }

  /** Whether the loop of loopStart and loopEnd is on. */
  get looping(): bool {
    return this.flag(TRANSPORT_LOOP);
  }

  /** Whether the host has a tempo; if not, `bpm` is 120. */
  get hasTempo(): bool {
    return this.flag(TRANSPORT_HAS_TEMPO);
  }

  /** Quarter notes a minute. */
  get bpm(): f64 {
    const bpm = load<f64>(this.struct + TRANSPORT_BPM);
    return this.hasTempo && bpm > 0 ? bpm : 120;
  }

  /** Quarter notes since the song's start. */
  get beat(): f64 {
    return load<f64>(this.struct + TRANSPORT_BEAT) + (this.elapsed * this.bpm) / 60;
  }

  /** Seconds since the song's start. */
  get seconds(): f64 {
    return load<f64>(this.struct + TRANSPORT_SECONDS) + this.elapsed;
  }

  /** Where this bar began, in quarter notes. */
  get barStart(): f64 {
    return load<f64>(this.struct + TRANSPORT_BAR_START);
  }

  /** Beats in a bar: the 3 of 3/4. */
  get numerator(): i32 {
    return load<u16>(this.struct + TRANSPORT_NUMERATOR);
  }

  /** What a beat is: the 4 of 3/4. */
  get denominator(): i32 {
    return load<u16>(this.struct + TRANSPORT_DENOMINATOR);
  }

  /** Quarter notes. */
  get loopStart(): f64 {
    return load<f64>(this.struct + TRANSPORT_LOOP_START);
  }

  /** Quarter notes. */
  get loopEnd(): f64 {
    return load<f64>(this.struct + TRANSPORT_LOOP_END);
  }

  /** Frames of so many quarter notes at this tempo. */
  framesOf(beats: f64): f64 {
    return (beats * 60 * this.rate) / this.bpm;
  }

  /** Whether a change came by event at the first frame of this sub-block. */
  get changed(): bool {
    return this.had && this.seen == Block.count;
  }

  /** Called at activate. */
  prepare(struct: usize, rate: f64): void {
    this.struct = struct;
    this.rate = rate;
    this.origin = 0;
    this.had = false;
  }

  /** Called at the start of the host's block. */
  begin(): void {
    this.origin = 0;
  }

  /** Takes a change inside the block: 64 bytes at `from`. */
  put(from: usize): void {
    memory.copy(this.struct, from, TRANSPORT_BYTES);
    this.origin = Block.start;
    this.had = true;
    this.seen = Block.count;
  }
}
