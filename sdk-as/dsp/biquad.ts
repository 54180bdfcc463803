// The second-order filter, in the eight shapes of the Audio EQ Cookbook.
//
// Source: R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients"; structure:
// transposed direct form II. Coefficients and state are f64: at 20 Hz and 48 kHz the poles lie 0.003 from 1,
// and f32 coefficients would move the cutoff by several percent and feed rounding noise back.

import { Samples } from "../samples";

/** What is quieter (-300 dB) becomes 0, and with it the state, so that no tail dwells among the slow subnormals. */
const QUIET: f64 = 1e-15;

/**
 * One filter, one channel. A shape may be set at any time, also while it sounds. It costs a sine and a cosine: set it
 * once a (sub-)block, not each sample; a fast sweep, such as an envelope's, every 32 frames or so. Frequencies are held
 * between 0.001 Hz and 0.475 of the rate (towards Nyquist, poles and zeros almost cancel, and a sweep down from there
 * bursts), Q at 0.001 or more.
 */
export class Biquad {
  // y = b0 x + b1 x' + b2 x'' - a1 y' - a2 y'', normalised to a0 = 1; at first it passes its input.
  b0: f64 = 1;
  b1: f64 = 0;
  b2: f64 = 0;
  a1: f64 = 0;
  a2: f64 = 0;
  private s1: f64 = 0;
  private s2: f64 = 0;
  // Of the shape being set: cos w0 and alpha.
  private cosine: f64 = 0;
  private alpha: f64 = 0;

  /** 12 dB an octave above `hz`; Q 0.7071 is Butterworth. */
  lowpass(rate: f64, hz: f64, q: f64 = Math.SQRT1_2): void {
    this.tune(rate, hz, q);
    const b = 1 - this.cosine;
    this.normalise(b / 2, b, b / 2, 1 + this.alpha, -2 * this.cosine, 1 - this.alpha);
  }

  /** 12 dB an octave below `hz`. */
  highpass(rate: f64, hz: f64, q: f64 = Math.SQRT1_2): void {
    this.tune(rate, hz, q);
    const b = 1 + this.cosine;
    this.normalise(b / 2, -b, b / 2, 1 + this.alpha, -2 * this.cosine, 1 - this.alpha);
  }

  /** A band around `hz`, gain 1 at its centre, hz / q wide. */
  bandpass(rate: f64, hz: f64, q: f64): void {
    this.tune(rate, hz, q);
    this.normalise(this.alpha, 0, -this.alpha, 1 + this.alpha, -2 * this.cosine, 1 - this.alpha);
  }

  /** All but a band around `hz`. */
  notch(rate: f64, hz: f64, q: f64): void {
    this.tune(rate, hz, q);
    this.normalise(1, -2 * this.cosine, 1, 1 + this.alpha, -2 * this.cosine, 1 - this.alpha);
  }

  /** Gain 1 everywhere; the phase turns by 360 degrees around `hz`. */
  allpass(rate: f64, hz: f64, q: f64): void {
    this.tune(rate, hz, q);
    const c = -2 * this.cosine;
    this.normalise(1 - this.alpha, c, 1 + this.alpha, 1 + this.alpha, c, 1 - this.alpha);
  }

  /** `db` more (or less) around `hz`, nothing far from it. */
  peaking(rate: f64, hz: f64, q: f64, db: f64): void {
    this.tune(rate, hz, q);
    const a = amplitude(db);
    const up = this.alpha * a;
    const down = this.alpha / a;
    const c = -2 * this.cosine;
    this.normalise(1 + up, c, 1 - up, 1 + down, c, 1 - down);
  }

  /** `db` more (or less) well below `hz`; half of it (in dB) at `hz`. */
  lowShelf(rate: f64, hz: f64, db: f64, q: f64 = Math.SQRT1_2): void {
    this.shelf(rate, hz, db, q, 1);
  }

  /** `db` more (or less) well above `hz`; half of it (in dB) at `hz`. */
  highShelf(rate: f64, hz: f64, db: f64, q: f64 = Math.SQRT1_2): void {
    this.shelf(rate, hz, db, q, -1);
  }

  /** Takes over another filter's shape, not its state: the right channel's, from the left's. */
  copyShape(other: Biquad): void {
    this.b0 = other.b0;
    this.b1 = other.b1;
    this.b2 = other.b2;
    this.a1 = other.a1;
    this.a2 = other.a2;
  }

  /** Forgets what it heard. */
  reset(): void {
    this.s1 = 0;
    this.s2 = 0;
  }

  /** One sample. */
  next(sample: f32): f32 {
    const x = <f64>sample;
    let y = this.b0 * x + this.s1;
    y = abs(y) >= QUIET ? y : 0;
    this.s1 = this.b1 * x - this.a1 * y + this.s2;
    this.s2 = this.b2 * x - this.a2 * y;
    return <f32>y;
  }

  /** A block; the same samples as `next`, with everything held in locals. `dest` may be `source`. */
  process(dest: Samples, source: Samples, frames: i32): void {
    const b0 = this.b0;
    const b1 = this.b1;
    const b2 = this.b2;
    const a1 = this.a1;
    const a2 = this.a2;
    let s1 = this.s1;
    let s2 = this.s2;
    for (let i = 0; i < frames; i++) {
      const x = <f64>source[i];
      let y = b0 * x + s1;
      y = abs(y) >= QUIET ? y : 0;
      s1 = b1 * x - a1 * y + s2;
      s2 = b2 * x - a2 * y;
      dest[i] = <f32>y;
    }
    this.s1 = s1;
    this.s2 = s2;
  }

  private tune(rate: f64, hz: f64, q: f64): void {
    const w = (2 * Math.PI * min(max(hz, 0.001), 0.475 * rate)) / rate;
    this.cosine = Math.cos(w);
    this.alpha = Math.sin(w) / (2 * max(q, 0.001));
  }

  /** `side` 1: low shelf; -1: high shelf, which is the same with the cosine's sign turned. */
  private shelf(rate: f64, hz: f64, db: f64, q: f64, side: f64): void {
    this.tune(rate, hz, q);
    const a = amplitude(db);
    const c = side * this.cosine;
    const root = 2 * Math.sqrt(a) * this.alpha;
    const more = a + 1;
    const less = a - 1;
    this.normalise(
      a * (more - less * c + root),
      side * 2 * a * (less - more * c),
      a * (more - less * c - root),
      more + less * c + root,
      side * -2 * (less + more * c),
      more + less * c - root,
    );
  }

  private normalise(b0: f64, b1: f64, b2: f64, a0: f64, a1: f64, a2: f64): void {
    this.b0 = b0 / a0;
    this.b1 = b1 / a0;
    this.b2 = b2 / a0;
    this.a1 = a1 / a0;
    this.a2 = a2 / a0;
  }
}

/** The cookbook's A: the square root of the gain at the peak or shelf. */
function amplitude(db: f64): f64 {
  return Math.pow(10, db / 40);
}
