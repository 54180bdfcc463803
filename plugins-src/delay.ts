// An echo on each side, in milliseconds or in notes of the host's tempo. The delay line is read between samples with
// a cubic through four of them (Hermite, in Niemitalo's form), so its length may glide; each repeat is darkened by a
// one-pole low-pass.

import { AudioPort, Info, Param, Plugin, ProcessState, Transport } from "belljar/sdk-as";

const LONGEST_SECONDS: f64 = 4;
/** Quarter notes of each choice of `note`. */
const BEATS: StaticArray<f64> = [0.25, 1.0 / 3.0, 0.5, 0.75, 2.0 / 3.0, 1, 1.5, 2, 4];
/** What is fainter (-300 dB) is dropped, so that a dying echo ends before its numbers become subnormal. */
const FAINTEST: f32 = 1e-15;

/** One side: a ring of samples, and where the last repeat was darkened to. */
class Line {
  ring: StaticArray<f32> = new StaticArray<f32>(4);
  mask: i32 = 3;
  at: i32 = 0;
  dark: f32 = 0;

  prepare(frames: i32): void {
    let size = 4;
    while (size < frames + 4) size <<= 1;
    this.ring = new StaticArray<f32>(size);
    this.mask = size - 1;
    this.clear();
  }

  clear(): void {
    this.ring.fill(0);
    this.at = 0;
    this.dark = 0;
  }

  /** The sound `delay` frames ago; 2 at least, so that all four neighbours are stored. */
  @inline
  read(delay: f64): f32 {
    const whole = <i32>delay;
    const t = <f32>(delay - <f64>whole);
    const ring = this.ring, mask = this.mask, at = this.at - whole;
    const a = ring[(at + 1) & mask], b = ring[at & mask], c = ring[(at - 1) & mask], d = ring[(at - 2) & mask];
    const slope: f32 = (c - a) * 0.5;
    const bend: f32 = (b - c) * 1.5 + (d - a) * 0.5;
    return ((bend * t + (a - b + slope - bend)) * t + slope) * t + b;
  }

  @inline
  write(sample: f32): void {
    this.ring[this.at & this.mask] = sample;
    this.at++;
  }
}

function swept(sample: f32): f32 {
  return abs(sample) < FAINTEST ? 0 : sample;
}

export default class Delay extends Plugin {
  info: Info = this.plugin("builtin.delay", "Delay").category("Effect").author("Belljar").doc("A stereo echo, free or in time with the music.").tail(-1);
  input: AudioPort = this.stereoIn("audio_in").doc("Stereo audio input");
  output: AudioPort = this.stereoOut("audio_out").doc("Stereo audio output");
  sync: Param = this.param("sync").toggle().group("Time").doc("Take the time from the tempo");
  time: Param = this.param("time").range(1, 2000).default(350).unit("ms").precision(0).skew(2).smooth(60).group("Time").doc("Time between echoes, if not in sync");
  note: Param = this.param("note").categorical(["1/16", "1/8 triplet", "1/8", "1/8 dotted", "1/4 triplet", "1/4", "1/4 dotted", "1/2", "1/1"]).default(3).group("Time").doc("Time between echoes, in sync");
  feedback: Param = this.param("feedback").range(0, 95).default(40).unit("%").precision(0).smooth(20).map((percent: f32): f32 => percent * 0.01).doc("How much of each echo comes again");
  tone: Param = this.param("tone").range(200, 20000).default(6000).unit("Hz").precision(0).skew(3).smooth(20).doc("Each echo loses what is above");
  mix: Param = this.param("mix").range(0, 100).default(35).unit("%").precision(0).smooth(20).map((percent: f32): f32 => percent * 0.01).doc("Echo against the dry sound");
  pingPong: Param = this.param("ping_pong").toggle().doc("Echoes change sides");
  transport: Transport = this.useTransport();

  private left: Line = new Line();
  private right: Line = new Line();
  /** The delay in frames as it glides, and where to. */
  private delay: f64 = 0;
  private glide: f64 = 0;
  private darkening: f32 = 1;
  /** Frames for which nothing has gone into the lines. */
  private quiet: i32 = 0;

  activate(rate: f64, maxFrames: i32): void {
    const longest = <i32>Math.ceil(rate * LONGEST_SECONDS);
    this.left.prepare(longest);
    this.right.prepare(longest);
    this.glide = 1 - Math.exp(-1 / (0.06 * rate));
    this.delay = 0;
    this.quiet = 0;
  }

  reset(): void {
    this.left.clear();
    this.right.clear();
    this.delay = 0;
    this.quiet = 0;
  }

  process(frames: i32): void {
    const target = this.target();
    let delay = this.delay == 0 ? target : this.delay;
    // one-pole low-pass, its corner where the gain is -3 dB for corners far below the sample rate
    if (this.tone.changed) this.darkening = <f32>(1 - Math.exp((-2 * Math.PI * <f64>this.tone.current) / this.sampleRate));
    const darkening = this.darkening, glide = this.glide;
    const crossed = this.pingPong.on;
    const feedback = this.feedback.samples, mix = this.mix.samples;
    const left = this.left, right = this.right;
    const inLeft = this.input.left, inRight = this.input.right;
    const outLeft = this.output.left, outRight = this.output.right;
    let darkLeft = left.dark, darkRight = right.dark;
    let peak: f32 = 0;
    for (let i = 0; i < frames; i++) {
      delay += (target - delay) * glide;
      const dryLeft = inLeft[i], dryRight = inRight[i];
      const wetLeft = left.read(delay), wetRight = right.read(delay);
      darkLeft = swept(darkLeft + (wetLeft - darkLeft) * darkening);
      darkRight = swept(darkRight + (wetRight - darkRight) * darkening);
      const again = feedback[i];
      const storeLeft: f32 = swept(crossed ? (dryLeft + dryRight) * 0.5 + darkRight * again : dryLeft + darkLeft * again);
      const storeRight: f32 = swept(crossed ? darkLeft * again : dryRight + darkRight * again);
      left.write(storeLeft);
      right.write(storeRight);
      peak = max(peak, max(abs(storeLeft), abs(storeRight)));
      const wet = mix[i];
      outLeft[i] = dryLeft + (wetLeft - dryLeft) * wet;
      outRight[i] = dryRight + (wetRight - dryRight) * wet;
    }
    left.dark = darkLeft;
    right.dark = darkRight;
    this.delay = abs(target - delay) < 0.001 ? target : delay;
    this.quiet = peak > 0 ? 0 : min(this.quiet + frames, left.ring.length);
    this.processState = this.quiet == left.ring.length ? ProcessState.QuietOk : ProcessState.Continue;
  }

  /** Frames between echoes that are asked for. */
  private target(): f64 {
    const rate = this.sampleRate;
    const frames = this.sync.on ? this.transport.framesOf(BEATS[this.note.index]) : <f64>this.time.value * 0.001 * rate;
    return Math.min(Math.max(frames, 2), rate * LONGEST_SECONDS);
  }
}
