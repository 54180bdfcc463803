// The node that is heard: what reaches its input leaves the graph.

import type { PortDescriptor } from "../../abi/descriptor.ts";
import { ProcessState } from "../../abi/layout.ts";
import { describePort, type GraphNode, HostAudioPort, NO_ARENA, NO_CONTROLS, NO_EVENTS } from "./node.ts";

export const MASTER_PORTS: readonly PortDescriptor[] = [
  describePort("audio_in", "Audio In", "audio_stereo", "input", "What is heard."),
];

export class Master implements GraphNode {
  readonly ports: readonly PortDescriptor[] = MASTER_PORTS;
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

  constructor(frames: number) {
    this.audio = [new HostAudioPort(0, 2, frames)];
  }

  /** The graph takes the input itself. */
  process(): boolean {
    return true;
  }
  idle(): void {}
  reset(): void {}
}
