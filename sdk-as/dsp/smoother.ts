// Smoothing of a value that jumps, so that a gain or a cutoff moves without a click.
//
// `LinearSmoother` goes straight to its target in a set number of frames. `OnePoleSmoother` is the
// exponential lowpass y += a (target - y), a = 1 - exp(-1 / (tau rate)); see any text on RC circuits.
// Both end exactly on their target.

/** A straight line to the target: of use where the time counts, and for gains. */
export class LinearSmoother {
  /** Where it goes. Set with `setTarget` or `reset`. */
  target: f32;
  private length: i32 = 1;
  private remaining: i32 = 0;
  private step: f64 = 0;

  constructor(value: f32 = 0) {
    this.target = value;
  }

  /** Frames that a line takes from the next `setTarget` on, from a time in milliseconds. */
  setTime(ms: f64, rate: f64): void {
    this.length = max(1, <i32>nearest(ms * 0.001 * rate));
  }

  /** Sets off from where it is now. The target is reached, exactly, after the set time. */
  setTarget(value: f32): void {
    const from = this.at(this.remaining);
    this.target = value;
    this.remaining = from == <f64>value ? 0 : this.length;
    this.step = (<f64>value - from) / <f64>this.length;
  }

  /** Jumps. */
  reset(value: f32): void {
    this.target = value;
    this.remaining = 0;
  }

  /** Whether it stands on its target. */
  get settled(): bool {
    return this.remaining == 0;
  }

  /** The value that `next` returned last. */
  get value(): f32 {
    return <f32>this.at(this.remaining);
  }

  /** One frame on. */
  next(): f32 {
    const remaining = this.remaining;
    if (remaining == 0) return this.target;
    this.remaining = remaining - 1;
    return <f32>this.at(remaining - 1);
  }

  /** `frames` frames on: what the last of as many calls of `next` would return. */
  skip(frames: i32): f32 {
    this.remaining = max(0, this.remaining - frames);
    return <f32>this.at(this.remaining);
  }

  /** Counted back from the target, so that no rounding adds up and the end is exact. */
  private at(remaining: i32): f64 {
    return <f64>this.target - this.step * <f64>remaining;
  }
}

/** What is left of a step when the one-pole jumps onto its target: -100 dB of it. */
const NEAR: f64 = 1e-5;
/** ln(100): the set time is where 1 % of the step is left. */
const ONE_PERCENT: f64 = 4.605170185988092;

/**
 * An exponential approach: fast at first, for anything that the ear follows. After the set time 1 % of the
 * step is left; at 1e-5 of it, two and a half times as late, it lands. The state is f64: in f32, a step of
 * a (target - y) smaller than half a last place of y would stop it short of its target.
 */
export class OnePoleSmoother {
  /** Where it goes. Set with `setTarget` or `reset`. */
  target: f32;
  private current: f64;
  private coefficient: f64 = 1;
  private near: f64 = 0;

  constructor(value: f32 = 0) {
    this.target = value;
    this.current = value;
  }

  /** Time in milliseconds until 1 % of a step is left. */
  setTime(ms: f64, rate: f64): void {
    const frames = ms * 0.001 * rate;
    this.coefficient = frames > 0 ? 1 - Math.exp(-ONE_PERCENT / frames) : 1;
  }

  /** Sets off from where it is now. */
  setTarget(value: f32): void {
    if (value == this.target) return;
    this.target = value;
    this.near = abs(<f64>value - this.current) * NEAR;
  }

  /** Jumps. */
  reset(value: f32): void {
    this.target = value;
    this.current = value;
  }

  /** Whether it stands on its target. */
  get settled(): bool {
    return this.current == <f64>this.target;
  }

  /** The value that `next` returned last. */
  get value(): f32 {
    return <f32>this.current;
  }

  /** One frame on. */
  next(): f32 {
    const target = <f64>this.target;
    const left = (target - this.current) * (1 - this.coefficient);
    this.current = abs(left) > this.near ? target - left : target;
    return <f32>this.current;
  }
}
