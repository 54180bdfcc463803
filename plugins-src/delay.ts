// An echo on each side, in milliseconds or in notes of the host's tempo. The lines are read between samples, so their
// length may glide; each repeat is darkened by a one-pole low-pass.

import { AudioPort, Info, Param, Plugin, ProcessState, Transport } from "belljar/sdk-as";
import { DelayLine } from "belljar/sdk-as/dsp/delayline";

const LONGEST_SECONDS: f64 = 4;
const NOTES: string[] = ["1/16", "1/8 triplet", "1/8", "1/8 dotted", "1/4 triplet", "1/4", "1/4 dotted", "1/2", "1/1"];
/** Quarter notes of each. */
const BEATS: StaticArray<f64> = [0.25, 1.0 / 3.0, 0.5, 0.75, 2.0 / 3.0, 1, 1.5, 2, 4];
/** What is fainter (-300 dB) is dropped, so that a dying echo ends before its numbers become subnormal. */
const FAINTEST: f32 = 1e-15;

function percent(value: f32): f32 {
  return value * 0.01;
}

export default class Delay extends Plugin {
  info: Info = this.plugin("builtin.delay", "Delay").category("Effect").author("Belljar").tail(-1)
    .doc("A stereo echo, free or in time with the music.");
  input: AudioPort = this.stereoIn("audio_in").doc("Stereo audio input");
  output: AudioPort = this.stereoOut("audio_out").doc("Stereo audio output");
  sync: Param = this.param("sync").toggle().group("Time").doc("Take the time from the tempo");
  time: Param = this.param("time").range(1, 2000).default(350).unit("ms").precision(0).skew(2).smooth(60)
    .group("Time").doc("Time between echoes, if not in sync");
  note: Param = this.param("note").categorical(NOTES).default(3)
    .group("Time").doc("Time between echoes, in sync");
  feedback: Param = this.param("feedback").range(0, 95).default(40).unit("%").precision(0).smooth(20).map(percent)
    .doc("How much of each echo comes again");
  tone: Param = this.param("tone").range(200, 20000).default(6000).unit("Hz").precision(0).skew(3).smooth(20)
    .doc("Each echo loses what is above");
  mix: Param = this.param("mix").range(0, 100).default(35).unit("%").precision(0).smooth(20).map(percent)
    .doc("Echo against the dry sound");
  pingPong: Param = this.param("ping_pong").toggle().doc("Echoes change sides");
  transport: Transport = this.useTransport();

  private left: DelayLine = new DelayLine(2);
  private right: DelayLine = new DelayLine(2);
  /** Where the low-passes are. */
  private darkLeft: f32 = 0;
  private darkRight: f32 = 0;
  /** The delay in frames as it glides, and where to. */
  private delay: f64 = 0;
  private glide: f64 = 0;
  private darkening: f32 = 1;
  /** Frames for which nothing has gone into the lines. */
  private quiet: i32 = 0;

  activate(rate: f64, maxFrames: i32): void {
    const longest = <i32>Math.ceil(rate * LONGEST_SECONDS);
    this.left = new DelayLine(longest);
    this.right = new DelayLine(longest);
    this.glide = 1 - Math.exp(-1 / (0.06 * rate));
    this.reset();
  }

  reset(): void {
    this.left.clear();
    this.right.clear();
    this.darkLeft = 0;
    this.darkRight = 0;
    this.delay = 0;
    this.quiet = 0;
  }

  process(frames: i32): void {
    const target = this.target();
    let delay = this.delay == 0 ? target : this.delay;
    // one-pole low-pass, its corner where the gain is -3 dB for corners far below the sample rate
    if (this.tone.changed) this.darkening = <f32>(1 - Math.exp((-2 * Math.PI * this.tone.current) / this.sampleRate));
    const darkening = this.darkening, glide = this.glide;
    const crossed = this.pingPong.on;
    const feedback = this.feedback.samples, mix = this.mix.samples;
    const left = this.left, right = this.right;
    const inLeft = this.input.left, inRight = this.input.right;
    const outLeft = this.output.left, outRight = this.output.right;
    let darkLeft = this.darkLeft, darkRight = this.darkRight;
    let peak: f32 = 0;
    for (let i = 0; i < frames; i++) {
      delay += (target - delay) * glide;
      const dryLeft = inLeft[i], dryRight = inRight[i];
      // the newest sample in the lines is one frame old
      const wetLeft = left.readCubic(delay - 1), wetRight = right.readCubic(delay - 1);
      darkLeft += (wetLeft - darkLeft) * darkening;
      darkRight += (wetRight - darkRight) * darkening;
      if (abs(darkLeft) < FAINTEST) darkLeft = 0;
      if (abs(darkRight) < FAINTEST) darkRight = 0;
      const again = feedback[i];
      const storeLeft: f32 = crossed ? (dryLeft + dryRight) * 0.5 + darkRight * again : dryLeft + darkLeft * again;
      const storeRight: f32 = crossed ? darkLeft * again : dryRight + darkRight * again;
      left.write(storeLeft);
      right.write(storeRight);
      peak = max(peak, max(abs(storeLeft), abs(storeRight)));
      const wet = mix[i];
      outLeft[i] = dryLeft + (wetLeft - dryLeft) * wet;
      outRight[i] = dryRight + (wetRight - dryRight) * wet;
    }
    this.darkLeft = darkLeft;
    this.darkRight = darkRight;
    this.delay = abs(target - delay) < 0.001 ? target : delay;
    this.quiet = peak >= FAINTEST ? 0 : min(this.quiet + frames, left.maxFrames);
    this.processState = this.quiet == left.maxFrames ? ProcessState.QuietOk : ProcessState.Continue;
  }

  /** Frames between echoes that are asked for. */
  private target(): f64 {
    const rate = this.sampleRate;
    const free = <f64>this.time.value * 0.001 * rate;
    const frames = this.sync.on ? this.transport.framesOf(BEATS[this.note.index]) : free;
    return Math.min(Math.max(frames, 2), rate * LONGEST_SECONDS);
  }
}
