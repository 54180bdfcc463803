// Louder or softer.

import { AudioPort, Info, Param, Plugin } from "belljar/sdk-as";
import { multiply } from "belljar/sdk-as/dsp/block";

export default class Gain extends Plugin {
  info: Info = this.plugin("builtin.gain", "Gain").category("Effect").author("Belljar")
    .doc("Makes sound louder or softer.");
  input: AudioPort = this.stereoIn("audio_in").doc("Stereo audio input");
  output: AudioPort = this.stereoOut("audio_out").doc("Stereo audio output");
  gain: Param = this.param("gain").range(-60, 12).unit("dB").precision(1).asGain().smooth(20)
    .doc("How much louder; 0 dB changes nothing");

  process(frames: i32): void {
    const gain = this.gain.samples;
    multiply(this.output.left, this.input.left, gain, frames);
    multiply(this.output.right, this.input.right, gain, frames);
  }
}
