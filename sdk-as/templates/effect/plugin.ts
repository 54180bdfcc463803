// My Plugin: a tremolo. The sound swells and fades; left and right may do so in turn.

import { AudioPort, Info, Param, Plugin } from "belljar/sdk-as";
import { Phasor } from "belljar/sdk-as/dsp/phasor";
import { sine } from "belljar/sdk-as/dsp/sine";

export default class MyPlugin extends Plugin {
  info: Info = this.plugin("example.my-plugin", "My Plugin").category("Effect")
    .doc("Makes the sound swell and fade.");
  input: AudioPort = this.stereoIn("audio_in");
  output: AudioPort = this.stereoOut("audio_out");
  rate: Param = this.param("rate").range(0.1, 20).default(5).unit("Hz").skew(2).doc("Swells a second");
  depth: Param = this.param("depth").range(0, 1).default(0.6).smooth(20).doc("0: none, 1: down to silence");
  spread: Param = this.param("spread").toggle().doc("Left and right swell in turn");

  private swell: Phasor = new Phasor();

  activate(rate: f64, maxFrames: i32): void {
    this.reset();
  }

  reset(): void {
    this.swell.reset();
  }

  process(frames: i32): void {
    if (this.rate.changed) this.swell.setFrequency(this.rate.value, this.sampleRate);
    const inLeft = this.input.left, inRight = this.input.right;
    const left = this.output.left, right = this.output.right;
    const depth = this.depth.samples;
    const side: f32 = this.spread.on ? -1 : 1;
    for (let i = 0; i < frames; i++) {
      const half: f32 = depth[i] * 0.5;
      const wave: f32 = sine(this.swell.next()) * half;
      left[i] = inLeft[i] * (1 - half + wave);
      right[i] = inRight[i] * (1 - half + wave * side);
    }
  }
}
