// The way round a node: an input's sound, later by the node's latency, for an output to pass on while the node is at fault.

import { AudioInput, type AudioOutput } from "./audio-wires.ts";
import { DelayLine } from "./held-sound.ts";
import type { Keep } from "./keep.ts";
import type { Mixer, Slot } from "./mixer.ts";
import type { NodeAudioPort } from "./node.ts";

export class DryPath {
  readonly output: AudioOutput;
  /** A path that has to be kept going in every block, so that the sound is there when it is wanted. */
  readonly line: DelayLine | null;
  private readonly input: AudioInput;
  private readonly converted: AudioInput;

  /** @param port the output's: mono and stereo are converted as on a wire @param latency the node's, in frames */
  constructor(
    mixer: Mixer,
    keep: Keep,
    input: AudioInput,
    output: AudioOutput,
    port: NodeAudioPort,
    frames: number,
    latency: number,
  ) {
    this.input = input;
    this.output = output;
    this.line = latency > 0 ? new DelayLine(mixer, keep, input.sum, latency) : null;
    this.converted = new AudioInput(mixer, port, frames);
    this.converted.connect(this.line?.output ?? input.sum, this.line, "sum");
  }

  /** After the input's sound was gathered, once a block: what lies in `sound` then. */
  run(): void {
    this.input.settle();
    this.converted.collect();
  }

  /** This block's, in as many channels as the output has. */
  get sound(): Slot {
    return this.converted.sum;
  }
}
