// Louder or softer.

import { AudioPort, Info, Param, Plugin } from "belljar/sdk-as";

export default class Gain extends Plugin {
  info: Info = this.plugin("builtin.gain", "Gain").category("Effect").author("Belljar").doc("Makes sound louder or softer.");
  input: AudioPort = this.stereoIn("audio_in").doc("Stereo audio input");
  output: AudioPort = this.stereoOut("audio_out").doc("Stereo audio output");
  gain: Param = this.param("gain").range(-60, 12).unit("dB").precision(1).smooth(20).asGain().doc("How much louder; 0 dB changes nothing");

  process(frames: i32): void {
    const gain = this.gain.samples;
    const input = this.input, output = this.output;
    const inLeft = input.left, inRight = input.right, left = output.left, right = output.right;
    for (let i = 0; i < frames; i++) {
      left[i] = inLeft[i] * gain[i];
      right[i] = inRight[i] * gain[i];
    }
  }
}
