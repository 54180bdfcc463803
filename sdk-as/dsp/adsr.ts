// An envelope of exponential segments: attack, decay, sustain, release.
//
// Source: the analogue circuit's law, as N. Redmon sets it out ("Envelope generators", earlevel.com, 2013):
// each segment is a capacitor that charges towards a level beyond its end and is cut where it crosses the end,
//     level(n) = aim + (start - aim) q^n,   aim = end + c (end - start),   q = (c / (1 + c))^(1 / frames)
// so a segment takes its set time whatever its height. c = 0.3 for the attack, near the circuits' own, and
// 0.001 (the end is 60 dB below the start, as reverberation times are counted) for decay and release.
//
// The recursion is in f64: over a decay of 10 s at 48 kHz an f32 factor q would be wrong by 3 % at the end.

const ATTACK_BEND: f64 = 0.3;
const FALL_BEND: f64 = 0.001;

/** What an envelope does now. */
export enum AdsrStage {
  Idle,
  Attack,
  Decay,
  Sustain,
  Release,
}

/** An ADSR envelope from 0 to 1. Note on and off take effect at the frame of the next `next`. */
export class Adsr {
  stage: AdsrStage = AdsrStage.Idle;
  private level: f64 = 0;
  private aim: f64 = 0;
  private factor: f64 = 1;
  private attackFactor: f64 = 0;
  private decayFactor: f64 = 0;
  private releaseFactor: f64 = 0;
  private sustain: f64 = 1;

  /**
   * Sets times (seconds) and the sustain level (0 to 1). Attack is the time from 0 to 1, decay from 1 to the sustain
   * level, release from any level to 0. May be called while it sounds: the current segment goes on with its
   * new time, and a held note glides to a new sustain level in the decay time. The times cost an
   * exponential each: call it when one of them changes.
   */
  set(attack: f64, decay: f64, sustain: f64, release: f64, rate: f64): void {
    this.attackFactor = factorOf(ATTACK_BEND, attack * rate);
    this.decayFactor = factorOf(FALL_BEND, decay * rate);
    this.releaseFactor = factorOf(FALL_BEND, release * rate);
    const level = min(max(sustain, 0), 1);
    const moved = level != this.sustain;
    this.sustain = level;
    const stage = this.stage;
    if (stage == AdsrStage.Attack) this.factor = this.attackFactor;
    if (stage == AdsrStage.Decay) this.factor = this.decayFactor;
    if (stage == AdsrStage.Release) this.factor = this.releaseFactor;
    if (moved && (stage == AdsrStage.Decay || stage == AdsrStage.Sustain)) this.beginDecay();
  }

  /** Note on. A sounding envelope rises from where it is, along the attack's own curve, so nothing clicks. */
  noteOn(): void {
    this.stage = AdsrStage.Attack;
    this.aim = 1 + ATTACK_BEND;
    this.factor = this.attackFactor;
  }

  /** Note off: falls to 0 from where it is. */
  noteOff(): void {
    if (this.stage == AdsrStage.Idle) return;
    this.stage = AdsrStage.Release;
    this.aim = -FALL_BEND * this.level;
    this.factor = this.releaseFactor;
  }

  /** Silent at once. */
  reset(): void {
    this.stage = AdsrStage.Idle;
    this.level = 0;
  }

  /** False once a release has ended: the voice is free. */
  get active(): bool {
    return this.stage != AdsrStage.Idle;
  }

  /** The level that `next` returned last. */
  get value(): f32 {
    return <f32>this.level;
  }

  /** The level of this frame. */
  next(): f32 {
    const stage = this.stage;
    if (stage == AdsrStage.Idle) return 0;
    if (stage == AdsrStage.Sustain) return <f32>this.level;
    const before = this.level;
    const level = this.aim + (before - this.aim) * this.factor;
    this.level = level;
    if (stage == AdsrStage.Attack) {
      if (level >= 1) {
        this.level = 1;
        this.beginDecay();
      }
    } else if (stage == AdsrStage.Decay) {
      const sustain = this.sustain;
      if (this.aim < before ? level <= sustain : level >= sustain) {
        this.level = sustain;
        this.stage = AdsrStage.Sustain;
      }
    } else if (level <= 0) {
      this.reset();
    }
    return <f32>this.level;
  }

  private beginDecay(): void {
    this.stage = AdsrStage.Decay;
    this.aim = this.sustain + FALL_BEND * (this.sustain - this.level);
    this.factor = this.decayFactor;
  }
}

/** q of the formula above; a segment of less than one frame ends at once. */
function factorOf(bend: f64, frames: f64): f64 {
  return frames > 1 ? Math.pow(bend / (1 + bend), 1 / frames) : 0;
}
