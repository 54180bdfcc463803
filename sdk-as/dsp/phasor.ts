// A phase that runs from 0 to 1 once a period: what oscillators and LFOs read from.
//
// The phase is a 64-bit fraction of a turn, and its wrap is the integer's own: no comparison, no floor, no drift.
// An f32 phase would round by up to 3e-8 turns every sample: 0.1 Hz at 48 kHz advances by 2e-6 turns, so
// its pitch would be off by more than 1 %, and a long note's by an audible beat.

/** 2^-24: the 24 bits that f32 holds exactly. */
const SCALE: f32 = 5.9604644775390625e-8;

/** A phase accumulator. Values are in turns: from 0, always less than 1. */
export class Phasor {
  private phase: u64 = 0;
  private increment: u64 = 0;

  /** Sets the frequency, which may be negative; `rate` is in frames a second. The phase goes on from where it is. */
  setFrequency(hz: f64, rate: f64): void {
    this.setIncrement(hz / rate);
  }

  /** Sets the advance, in turns a frame. Whole turns make no difference. */
  setIncrement(turns: f64): void {
    this.increment = toFraction(turns);
  }

  /** Jumps to a phase, in turns. */
  reset(turns: f64 = 0): void {
    this.phase = toFraction(turns);
  }

  /** The phase that `next` will return. */
  get value(): f32 {
    return <f32>(<i32>(this.phase >> 40)) * SCALE;
  }

  /** The phase of this frame, 0 <= phase < 1; then advances by one. */
  next(): f32 {
    const phase = this.phase;
    this.phase = phase + this.increment;
    return <f32>(<i32>(phase >> 40)) * SCALE;
  }

  /** The phases of four frames, in order: the same values as four calls of `next`. */
  next4(): v128 {
    const phase = this.phase;
    const increment = this.increment;
    this.phase = phase + (increment << 2);
    const first = i64x2.replace_lane(i64x2.splat(phase), 1, phase + increment);
    const second = i64x2.add(first, i64x2.splat(increment << 1));
    const high = v128.shuffle<u32>(first, second, 1, 3, 5, 7);
    return f32x4.mul(f32x4.convert_i32x4_u(i32x4.shr_u(high, 8)), f32x4.splat(SCALE));
  }
}

/** The fraction of a turn in units of 2^-64. */
function toFraction(turns: f64): u64 {
  return <u64>((turns - floor(turns)) * 18446744073709551616.0);
}
