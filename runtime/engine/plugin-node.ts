// A sandboxed plugin as a node of the graph.

import type { PortDescriptor } from "../../abi/descriptor.ts";
import type { GraphNode, NodeAudioPort, NodeEvents } from "../graph/index.ts";
import type { PluginInstance } from "../sandbox/index.ts";

export class PluginNode implements GraphNode {
  readonly instance: PluginInstance;
  readonly ports: readonly PortDescriptor[];
  readonly audio: readonly NodeAudioPort[];
  readonly controlsIn: Float32Array;
  readonly controlsOut: Float32Array;
  readonly eventsIn: NodeEvents;
  readonly eventsOut: NodeEvents;
  readonly transport: DataView | null;
  readonly arena: Uint8Array;
  readonly latency: number;

  /** @param instance activated with the graph's rate and block size, and not deactivated while the graph lives */
  constructor(instance: PluginInstance) {
    this.instance = instance;
    this.ports = instance.descriptor.ports;
    this.audio = instance.audio;
    this.controlsIn = instance.controlsIn;
    this.controlsOut = instance.controlsOut;
    this.eventsIn = instance.eventsIn;
    this.eventsOut = instance.eventsOut;
    this.transport = instance.transport;
    this.arena = instance.arena;
    this.latency = instance.latency;
  }

  get stopped(): boolean {
    return this.instance.fault !== null;
  }
  get processState(): number {
    return this.instance.processState;
  }
  get units(): number {
    return this.instance.units;
  }
  process(frames: number): boolean {
    return this.instance.process(frames);
  }
  idle(): void {
    this.instance.idle();
  }
  reset(): void {
    this.instance.reset();
  }
}
