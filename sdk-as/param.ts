// A parameter: a control input, declared once with all that is known of it, and its value while sound runs.

import { Block } from "./block";
import { dbToGain } from "./dsp/db";
import { Port } from "./port";
import { Samples } from "./samples";

/**
 * A value that the user, a wire or automation moves. Declared in a field's initialiser:
 *
 *     cutoff: Param = this.param("cutoff", "Cutoff").range(20, 20000).default(1000).unit("Hz").skew(3).smooth(10);
 *
 * Three ways to read it in process: `value` (where the user put it), `current` (where the glide is at the
 * first frame of this sub-block) and `samples` (the glide, one value a frame). The glide is linear and ends exactly on the value.
 */
export class Param extends Port {
  /** Where the user put it, in the port's unit, within range. Steady through a sub-block. [audio] */
  value: f32 = 0;
  /** The gliding value at the first frame of this sub-block; for `asGain()`, the linear gain. [audio] */
  current: f32 = 0;
  /** The gliding value at every frame of this sub-block; for `asGain()`, the linear gain. [audio] */
  samples: Samples = changetype<Samples>(0);

  min: f64 = 0;
  max: f64 = 1;
  hint: string = "continuous";
  stepSize: f64 = 0;
  choiceNames: string[] = [];
  unitText: string = "";
  digits: i32 = 2;
  skewExponent: f64 = 1;
  smoothMs: f64 = 0;
  isBypass: bool = false;
  /** Blocks are cut at exactly the frame of each change, however dense. */
  isExact: bool = false;

  private start: f64 = 0;
  private hasStart: bool = false;
  private law: ((value: f32) => f32) | null = null;
  private memory: StaticArray<f32> = new StaticArray<f32>(0);
  private maxFrames: i32 = 0;
  private glideFrames: i32 = 0;
  private target: f32 = 0;
  private slope: f32 = 0;
  /** Frames until the glide is over. */
  private remaining: i32 = 0;
  /** How many leading samples hold `target`. */
  private filled: i32 = 0;
  /** The sub-block of the last change. */
  private stamp: u32 = 0;
  /** The next value is not glided to: nothing has sounded yet. */
  private fresh: bool = true;

  constructor(id: string, name: string, role: string) {
    super(id, "control", role, name);
  }

  /** Smallest and largest value; 0 to 1 if not said. [control] */
  range(min: f64, max: f64): Param {
    this.min = min;
    this.max = max;
    return this;
  }

  /** The value at first. If not said: 0 where the range has it, else the smallest. [control] */
  default(value: f64): Param {
    this.start = value;
    this.hasStart = true;
    return this;
  }

  /** "dB", "Hz", "ms", "%", … [control] */
  unit(text: string): Param {
    this.unitText = text;
    return this;
  }

  /** Distance of neighbouring values; 0 is continuous. [control] */
  step(size: f64): Param {
    this.stepSize = size;
    return this;
  }

  /** Off or on: 0 or 1. Read it as `on`. [control] */
  toggle(): Param {
    this.hint = "toggle";
    return this.whole(0, 1);
  }

  /** Whole numbers from min to max. Read it as `index`. [control] */
  integer(min: i32, max: i32): Param {
    this.hint = "integer";
    return this.whole(min, max);
  }

  /** One of several names, shown as a menu. Read it as `index`. [control] */
  categorical(choices: string[]): Param {
    this.hint = "categorical";
    this.choiceNames = choices;
    return this.whole(0, choices.length - 1);
  }

  /** One of a few names, shown as buttons. Read it as `index`. [control] */
  radio(choices: string[]): Param {
    this.categorical(choices);
    this.hint = "radio";
    return this;
  }

  /** Decimals to show, 0 to 9; 2 if not said. [control] */
  precision(digits: i32): Param {
    this.digits = digits;
    return this;
  }

  /** The knob's law: value = min + (max - min) * position ^ exponent. 1 is linear; 3 suits frequencies. [control] */
  skew(exponent: f64): Param {
    this.skewExponent = exponent;
    return this;
  }

  /** Where a panel puts it: "Filter/Envelope". [control] */
  group(path: string): Param {
    this.groupPath = path;
    return this;
  }

  /** What it does: the tooltip. [control] */
  doc(text: string): Param {
    this.docText = text;
    return this;
  }

  /** Glide to each new value in so many milliseconds, along a straight line. [control] */
  smooth(ms: f64): Param {
    this.smoothMs = ms;
    return this;
  }

  /** The control is in dB; `current` and `samples` are the linear gain, and the glide is one of gain. [control] */
  asGain(): Param {
    return this.map(dbToGain);
  }

  /** `current` and `samples` hold law(value), computed once a change; the glide runs between its results. [control] */
  map(law: (value: f32) => f32): Param {
    this.law = law;
    return this;
  }

  /** This toggle is the plugin's bypass. At most one of a plugin. [control] */
  bypass(): Param {
    this.isBypass = true;
    return this.toggle();
  }

  /** Cut blocks at every change's own frame. If not said, changes closer than 16 frames take effect together. [control] */
  exact(): Param {
    this.isExact = true;
    return this;
  }

  /** Whether a toggle is on. [audio] */
  get on(): bool {
    return this.value >= 0.5;
  }

  /** The value as a whole number: an integer, or a choice's place. [audio] */
  get index(): i32 {
    return <i32>nearest(this.value);
  }

  /** Whether `current` differs from that of the sub-block before, or did begin: time to compute coefficients. [audio] */
  get changed(): bool {
    return this.stamp == Block.count;
  }

  /** Whether the glide moves within this sub-block. If not, `samples` are all `current`. [audio] */
  get gliding(): bool {
    return this.moving;
  }
  private moving: bool = false;

  /** What the descriptor gives as default. */
  get initial(): f64 {
    return this.hasStart ? this.start : this.min <= 0 && this.max >= 0 ? 0 : this.min;
  }

  private whole(min: f64, max: f64): Param {
    this.min = min;
    this.max = max;
    this.stepSize = 1;
    this.digits = 0;
    return this;
  }

  /** Gets ready for blocks of up to `maxFrames`, at the default value. [control] */
  prepare(rate: f64, maxFrames: i32): void {
    // four more: SIMD loops may read past the end
    if (this.memory.length != maxFrames + 4) this.memory = new StaticArray<f32>(maxFrames + 4);
    this.samples = Samples.of(this.memory);
    this.maxFrames = maxFrames;
    this.glideFrames = <i32>nearest(this.smoothMs * 0.001 * rate);
    this.value = <f32>this.initial;
    this.snap();
  }

  /** Ends a glide; the next value is taken at once. [audio] */
  snap(): void {
    const law = this.law;
    this.target = law === null ? this.value : law(this.value);
    this.current = this.target;
    this.remaining = 0;
    this.filled = 0;
    this.fresh = true;
  }

  /** Takes a new plain value, at the first frame of the coming sub-block. [audio] */
  put(plain: f32): void {
    if (!(plain == plain) || (plain == this.value && !this.fresh)) return;
    this.value = <f32>Math.min(Math.max(plain, this.min), this.max);
    const law = this.law;
    const target = law === null ? this.value : law(this.value);
    if (this.fresh || this.glideFrames == 0) {
      this.remaining = 0;
    } else {
      const now = this.target - this.slope * <f32>this.remaining;
      this.remaining = this.glideFrames;
      this.slope = (target - now) / <f32>this.glideFrames;
    }
    this.fresh = false;
    this.target = target;
    this.filled = 0;
  }

  /** Whether `glide` still has something to do. */
  @inline
  get due(): bool {
    return this.filled < this.maxFrames;
  }

  /** Makes `samples` and `current` for the coming sub-block. [audio] */
  glide(frames: i32): void {
    const samples = this.samples;
    const target = this.target;
    let left = this.remaining;
    if (left > 0) {
      const slope = this.slope;
      const n = min(left, frames);
      // counted back from the end, so that rounding does not add up and the last value is the target itself
      for (let i = 0; i < n; i++) {
        left--;
        samples[i] = target - slope * <f32>left;
      }
      if (n < frames) samples.from(n).fill(target, frames - n);
      this.remaining = left;
      this.current = samples[0];
      this.moving = true;
      this.stamp = Block.count;
    } else if (this.filled < frames) {
      if (this.filled == 0) this.stamp = Block.count;
      samples.from(this.filled).fill(target, frames - this.filled);
      this.filled = frames;
      this.current = target;
      this.moving = false;
    }
  }
}
