// A delay line: a ring of samples, read at whole, linearly or cubically interpolated distances.
//
// Source of the interpolators: Lagrange's formula of order 1 and 3 (T. Laakso and others, "Splitting the unit
// delay", IEEE Signal Processing Magazine, 1996). For a sine of w radians a frame, the error
// is at most w^2 / 8 of its amplitude (linear) and 3 w^4 / 128 (cubic, in the middle interval of its four points).
//
// Distances are f64: at a distance of 96,000 frames f32 has steps of 1/128 frame, which is noise at
// -40 dB on a moving 10 kHz tone.

/** What is quieter (-300 dB) is written as 0, so that feedback never dwells among the slow subnormals. */
const QUIET: f32 = 1e-15;

/** A ring of samples. Its memory is allocated by the constructor: make it in `activate`, not in `process`. */
export class DelayLine {
  private samples: StaticArray<f32>;
  private mask: i32;
  private position: i32 = 0;
  /** The longest distance that can be read. */
  readonly maxFrames: i32;

  /** A line that holds at least `maxFrames` frames (up to 2^26). */
  constructor(maxFrames: i32) {
    const frames = min(max(maxFrames, 1), 1 << 26);
    // Four more: the sample just written, and the neighbours that interpolation reads.
    const size = 1 << (32 - clz(frames + 3));
    this.maxFrames = frames;
    this.mask = size - 1;
    this.samples = new StaticArray<f32>(size);
  }

  /** Silence. */
  clear(): void {
    this.samples.fill(0);
  }

  /** One frame on. Subnormals and NaN are written as 0. */
  write(sample: f32): void {
    const position = (this.position + 1) & this.mask;
    this.position = position;
    unchecked((this.samples[position] = abs(sample) >= QUIET ? sample : 0));
  }

  /** The sample written `frames` calls of `write` before the last (0 is the last). Out of range is held at the nearest end. */
  read(frames: i32): f32 {
    return this.tap(min(max(frames, 0), this.maxFrames));
  }

  /** Between two samples, linearly. `frames` from 0 to `maxFrames`; out of range is held at the nearest end. */
  readLinear(frames: f64): f32 {
    const distance = min(max(frames, 0), <f64>this.maxFrames);
    const whole = <i32>distance;
    const d = <f32>(distance - <f64>whole);
    const near = this.tap(whole);
    return near + d * (this.tap(whole + 1) - near);
  }

  /**
   * Between four samples, by the cubic through them: for delays that move, and bright sound. `frames` from 1 to `maxFrames`
   * (the newer neighbour must exist already); out of range is held at the nearest end.
   */
  readCubic(frames: f64): f32 {
    const distance = min(max(frames, 1), <f64>this.maxFrames);
    const whole = <i32>distance;
    const d = <f32>(distance - <f64>whole);
    const a = this.tap(whole - 1);
    const b = this.tap(whole);
    const c = this.tap(whole + 1);
    const e = this.tap(whole + 2);
    // Newton's form of Lagrange's cubic through the distances -1, 0, 1, 2.
    const d1 = b - a;
    const d2 = c - b;
    const d3 = e - c;
    const second = (d2 - d1) * 0.5;
    const third = (d3 - d2 - (d2 - d1)) * (<f32>(1.0 / 6.0));
    return b + d * (d2 + (d - 1) * (second + (d + 1) * third));
  }

  private tap(frames: i32): f32 {
    return unchecked(this.samples[(this.position - frames) & this.mask]);
  }
}
