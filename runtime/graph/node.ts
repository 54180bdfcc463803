// What the graph asks of a node. A plugin's instance satisfies it through a thin adapter in the engine; the
// track source, the file source and the master are nodes of this folder.

import type { PortDescriptor } from "../../abi/descriptor.ts";

/** Samples of one audio port, in the node's own memory. */
export interface NodeAudioPort {
  /** Index of the port in `ports`. */
  readonly index: number;
  readonly channels: number;
  /** Samples between the first samples of two channels. */
  readonly stride: number;
  /** Frame i of channel c lies at c * stride + i. */
  readonly samples: Float32Array;
  /** Outputs: the largest magnitude of the last block; negative: not measured, so that the graph measures it. */
  peak: number;
  /** Written by the graph before each block: AUDIO_CONNECTED and, at inputs, AUDIO_INPUT_SILENT. */
  flags: number;
}

/** A list of timed events ordered by frame: `count` records of 8 words, as abi/layout.ts lays them out. */
export interface NodeEvents {
  readonly capacity: number;
  count: number;
  readonly words: Int32Array;
}

/**
 * A node of the graph, already activated for the graph's rate and block size. The views must stay the same as
 * long as the node plays in the graph. Everything here is called from the thread that runs the graph.
 */
export interface GraphNode {
  readonly ports: readonly PortDescriptor[];
  /** One for each audio port, in the order of `ports`. */
  readonly audio: readonly NodeAudioPort[];
  /** One value for each control port with the role input or sidechain, in the order of `ports`. */
  readonly controlsIn: Float32Array;
  /** One value for each control port with the role output or monitor, in the order of `ports`. */
  readonly controlsOut: Float32Array;
  /** Filled by the graph before process. */
  readonly eventsIn: NodeEvents;
  /** Filled by process. The `port` of each event is the index of the port that it leaves from. */
  readonly eventsOut: NodeEvents;
  /** 64 bytes (TRANSPORT_*), filled by the graph before process; null: not wanted. */
  readonly transport: DataView | null;
  /** Room for what incoming events refer to; may be empty. */
  readonly arena: Uint8Array;
  /** Frames by which the outputs lag the inputs. */
  readonly latency: number;
  /** A ProcessState: whether the next call of process is needed. */
  readonly processState: number;
  /** Units of work in the last block. */
  readonly units: number;
  /** Whether it came to be at fault in idle or reset, which do not say so. */
  readonly stopped?: boolean;
  /** One block. False: the node is at fault; its outputs count as silence from this block on, and it is not called again. */
  process(frames: number): boolean;
  /** Work that waits until a block is over; called between blocks, for one node at a time. */
  idle(): void;
  /** Forget sound and notes (after a jump). */
  reset(): void;
}

/** The events of a node that has none. */
export const NO_EVENTS: NodeEvents = { capacity: 0, count: 0, words: new Int32Array(0) };
export const NO_ARENA: Uint8Array = new Uint8Array(0);
export const NO_CONTROLS: Float32Array = new Float32Array(0);

const BLANK: Omit<PortDescriptor, "id" | "display_name" | "doc" | "type" | "role"> = {
  hint: "continuous",
  min: 0,
  max: 1,
  default: 0,
  step: 0,
  choices: [],
  graph_type: "",
  unit: "",
  precision: 2,
  skew: 1,
  group: "",
  smoothing: 0,
  bypass: false,
};

/** The description of a primitive's port. */
export function describePort(
  id: string,
  displayName: string,
  type: PortDescriptor["type"],
  role: PortDescriptor["role"],
  doc = "",
): PortDescriptor {
  return { ...BLANK, id, display_name: displayName, doc, type, role };
}

/**
 * Samples from one channel to the next in the graph's own buffers: the block, rounded up to four, and four more, as
 * the SDK lays out its ports. Where a plugin's stride is the same, a port is moved in one piece.
 */
export function channelStride(frames: number): number {
  return ((frames + 3) & ~3) + 4;
}

/** An audio port whose samples lie in JavaScript's memory. */
export class HostAudioPort implements NodeAudioPort {
  readonly index: number;
  readonly channels: number;
  readonly stride: number;
  readonly samples: Float32Array;
  peak = 0;
  flags = 0;

  constructor(index: number, channels: number, frames: number) {
    this.index = index;
    this.channels = channels;
    this.stride = channelStride(frames);
    this.samples = new Float32Array(channels * this.stride);
  }
}
