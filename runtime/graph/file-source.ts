// Decoded sound as a node: a stereo output that plays its samples from the first frame on.

import type { PortDescriptor } from "../../abi/descriptor.ts";
import { ProcessState } from "../../abi/layout.ts";
import { describePort, type GraphNode, HostAudioPort, NO_ARENA, NO_CONTROLS, NO_EVENTS } from "./node.ts";

export const FILE_SOURCE_PORTS: readonly PortDescriptor[] = [
  describePort(
    "audio_out",
    "Audio Out",
    "audio_stereo",
    "output",
    "The file's sound; mono comes out of both sides.",
  ),
];

export class FileSource implements GraphNode {
  readonly ports: readonly PortDescriptor[] = FILE_SOURCE_PORTS;
  readonly audio: readonly HostAudioPort[];
  readonly controlsIn = NO_CONTROLS;
  readonly controlsOut = NO_CONTROLS;
  readonly eventsIn = NO_EVENTS;
  readonly eventsOut = NO_EVENTS;
  readonly transport = null;
  readonly arena = NO_ARENA;
  readonly latency = 0;
  readonly processState = ProcessState.Continue;
  readonly units = 0;
  /** Frames of the sound. */
  readonly length: number;
  /** One or two. */
  readonly channels: readonly Float32Array[];
  private readonly left: Float32Array;
  private readonly right: Float32Array;
  private position = 0;

  /** @param channels one or two, at the graph's rate. @param frames of a block. */
  constructor(channels: readonly Float32Array[], frames: number) {
    this.audio = [new HostAudioPort(0, 2, frames)];
    this.channels = channels;
    this.left = channels[0] ?? NO_CONTROLS;
    this.right = channels[1] ?? this.left;
    this.length = Math.min(this.left.length, this.right.length);
  }

  process(frames: number): boolean {
    const port = this.audio[0] as HostAudioPort;
    const at = this.position;
    this.position = at + frames;
    const count = this.length - at < frames ? (this.length > at ? this.length - at : 0) : frames;
    if (count === 0) {
      port.peak = 0;
      return true;
    }
    const { samples, stride } = port;
    const { left, right } = this;
    for (let i = 0; i < count; i++) {
      samples[i] = left[at + i] as number;
      samples[stride + i] = right[at + i] as number;
    }
    for (let i = count; i < frames; i++) {
      samples[i] = 0;
      samples[stride + i] = 0;
    }
    port.peak = -1;
    return true;
  }

  /** Plays nothing more. */
  finish(): void {
    this.position = this.length;
  }

  /** Goes on from that frame. */
  seek(frame: number): void {
    this.position = frame;
  }
  idle(): void {}
  reset(): void {}
}
