// A prepared session as it travels to the audio thread: instances in their own living memory, types that are compiled
// already, and what the engine's own nodes play.

import {
  buildGraph,
  EventInput,
  FileSource,
  type Graph,
  type GraphNode,
  Master,
  type Schedule,
  TrackSource,
  type WireSpec,
} from "../../graph/index.ts";
import {
  type PluginInstance,
  PluginType,
  type SharedInstance,
  type SharedType,
} from "../../sandbox/index.ts";
import { FADE_SECONDS, type PreparedNode, type PreparedSession } from "../prepare.ts";
import { type TempoMap, TransportClock } from "../transport.ts";
import { LivePluginNode } from "./live-plugin-node.ts";
import type { LiveWords } from "./words.ts";

/** A plugin's instance on its way. */
export interface PluginParcel {
  kind: "plugin";
  type: SharedType;
  instance: SharedInstance;
  unitBudget: number;
  /** Milliseconds. */
  deadline: number;
  /** Its globals, as they are after each of its blocks: what another thread goes on with. */
  lanes: Int32Array;
}

type NodeParcel = { id: string; passDry: boolean } & (
  | PluginParcel
  | { kind: "track"; schedule: Schedule }
  | { kind: "file"; samples: readonly Float32Array[] }
  | { kind: "input" }
  | { kind: "master" }
);

export interface Parcel {
  rate: number;
  block: number;
  nodes: NodeParcel[];
  wires: WireSpec[];
  bpm: number;
  song: TempoMap | null;
}

/** [control] After this the instances belong to whoever unpacks them. */
export function packSession({ nodes, session, rate, block, song }: PreparedSession): Parcel {
  const tempo = song === null ? null : tempoOf(song);
  return { rate, block, nodes: nodes.map(packNode), wires: session.wires, bpm: session.bpm, song: tempo };
}

function tempoOf({ division, tempoMap, timeSignatures }: TempoMap): TempoMap {
  return { division, tempoMap, timeSignatures };
}

function packNode({ id, node, instance, recipe }: PreparedNode): NodeParcel {
  const common = { id, passDry: recipe?.whileFaulty === "bypass" };
  if (instance !== null) return { ...common, ...packInstance(instance) };
  if (node instanceof TrackSource) return { ...common, kind: "track", schedule: node.schedule };
  if (node instanceof FileSource) return { ...common, kind: "file", samples: node.channels.map(sharedCopy) };
  return { ...common, kind: node instanceof EventInput ? "input" : "master" };
}

/** [control] */
export function packInstance(instance: PluginInstance): PluginParcel {
  const shared = instance.share();
  const lanes = new Int32Array(new SharedArrayBuffer(shared.lanes.byteLength));
  lanes.set(shared.lanes);
  const { type, unitBudget, deadline } = instance;
  return { kind: "plugin", type: type.share(), instance: shared, unitBudget, deadline, lanes };
}

/** So that it is not copied each time it travels. */
function sharedCopy(samples: Float32Array): Float32Array {
  const copy = new Float32Array(new SharedArrayBuffer(samples.byteLength));
  copy.set(samples);
  return copy;
}

export interface LiveGraph {
  graph: Graph;
  /** As the session declares them. */
  nodes: GraphNode[];
  transport: TransportClock;
  parcel: Parcel;
}

/**
 * Attaches the instances, and builds the graph over them.
 * @param gone the place of a node that the thread before this one was inside of when it was ended, or -1
 */
export function unpackSession(parcel: Parcel, words: LiveWords, now: () => number, gone: number): LiveGraph {
  const { rate, block } = parcel;
  const nodes = parcel.nodes.map((node, place) => {
    return node.kind === "plugin"
      ? unpackPlugin(node, place, words, now, place === gone)
      : unpackNode(node, block);
  });
  const graph = buildGraph({
    nodes: parcel.nodes.map(({ id, passDry }, i) => ({ id, passDry, node: nodes[i] as GraphNode })),
    wires: parcel.wires,
    frames: block,
    fadeFrames: Math.max(1, Math.round(FADE_SECONDS * rate)),
    clock: now,
    timing: "turns",
  });
  return { graph, nodes, transport: new TransportClock(rate, parcel.bpm, parcel.song), parcel };
}

function unpackNode(node: Exclude<NodeParcel, PluginParcel>, block: number): GraphNode {
  switch (node.kind) {
    case "track":
      return new TrackSource(node.schedule, block);
    case "file":
      return new FileSource(node.samples, block);
    case "input":
      return new EventInput();
    case "master":
      return new Master(block);
  }
}

/**
 * Attaches an instance: with the globals that it had after its last block.
 * @param gone it was left in the midst of a call: it counts as stopped
 */
export function unpackPlugin(
  parcel: PluginParcel,
  place: number,
  words: LiveWords,
  now: () => number,
  gone: boolean,
): LivePluginNode {
  const shared = { ...parcel.instance, lanes: parcel.lanes };
  const instance = PluginType.adopt(parcel.type).attach(shared, { now });
  instance.unitBudget = parcel.unitBudget;
  instance.deadline = parcel.deadline;
  return new LivePluginNode(instance, place, words, parcel.lanes, gone);
}
