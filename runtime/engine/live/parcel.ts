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
import { type LiveWords, Word } from "./words.ts";

/** A plugin's instance on its way. */
export interface PluginParcel {
  kind: "plugin";
  /** The instance's number. */
  serial: number;
  type: SharedType;
  instance: SharedInstance;
  unitBudget: number;
  /** Milliseconds. */
  deadline: number;
  /** Its globals, as they are after each of its blocks: what another thread goes on with. */
  lanes: Int32Array;
  /** Its control outputs, as the last block left them: read by whoever shows them. */
  monitors: Float32Array;
}

type NodeParcel = { id: string; passDry: boolean } & (
  | PluginParcel
  | { kind: "track"; schedule: Schedule }
  | { kind: "file"; samples: readonly Float32Array[] }
  | { kind: "input" }
  | { kind: "master" }
);

export interface Parcel {
  /** Which of the sessions it is, counted in the order of their opening. */
  session: number;
  rate: number;
  block: number;
  nodes: NodeParcel[];
  wires: WireSpec[];
  bpm: number;
  song: TempoMap | null;
}

/** [control] After this the instances belong to whoever unpacks them. */
export function packSession(prepared: PreparedSession, order: number, words: LiveWords): Parcel {
  const { nodes, session, rate, block, song } = prepared;
  const { wires, bpm } = session;
  const tempo = song === null ? null : tempoOf(song);
  const parcels = nodes.map((node) => packNode(node, words));
  return { session: order, rate, block, nodes: parcels, wires, bpm, song: tempo };
}

function tempoOf({ division, tempoMap, timeSignatures }: TempoMap): TempoMap {
  return { division, tempoMap, timeSignatures };
}

function packNode({ id, node, instance, recipe }: PreparedNode, words: LiveWords): NodeParcel {
  const common = { id, passDry: recipe?.whileFaulty === "bypass" };
  if (instance !== null) return { ...common, ...packInstance(instance, words) };
  if (node instanceof TrackSource) return { ...common, kind: "track", schedule: node.schedule };
  if (node instanceof FileSource) return { ...common, kind: "file", samples: node.channels.map(sharedCopy) };
  return { ...common, kind: node instanceof EventInput ? "input" : "master" };
}

/** [control] */
export function packInstance(instance: PluginInstance, words: LiveWords): PluginParcel {
  const shared = instance.share();
  const lanes = new Int32Array(new SharedArrayBuffer(shared.lanes.byteLength));
  lanes.set(shared.lanes);
  const { type, unitBudget, deadline } = instance;
  const serial = Atomics.add(words.words, Word.Serials, 1) + 1;
  const monitors = new Float32Array(new SharedArrayBuffer(instance.controlsOut.byteLength));
  return {
    kind: "plugin",
    serial,
    type: type.share(),
    instance: shared,
    unitBudget,
    deadline,
    lanes,
    monitors,
  };
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

/** Attaches the instances, one at a time so that blocks fit in between, and builds the graph over them. */
export class Unpacking {
  private readonly parcel: Parcel;
  private readonly words: LiveWords;
  private readonly now: () => number;
  private readonly nodes: GraphNode[] = [];

  constructor(parcel: Parcel, words: LiveWords, now: () => number) {
    this.parcel = parcel;
    this.words = words;
    this.now = now;
  }

  /** The next step; null: there is more to do. */
  step(): LiveGraph | null {
    const { parcel, words, now, nodes } = this;
    const place = nodes.length;
    const node = parcel.nodes[place];
    if (node === undefined) return build(parcel, nodes, now);
    nodes.push(
      node.kind === "plugin" ? unpackPlugin(node, place, words, now) : unpackNode(node, parcel.block),
    );
    return null;
  }

  /** All of it. */
  finish(): LiveGraph {
    for (;;) {
      const graph = this.step();
      if (graph !== null) return graph;
    }
  }
}

function build(parcel: Parcel, nodes: GraphNode[], now: () => number): LiveGraph {
  const { rate, block } = parcel;
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

/** Attaches an instance: with the globals that it had after its last block. */
export function unpackPlugin(
  parcel: PluginParcel,
  place: number,
  words: LiveWords,
  now: () => number,
): LivePluginNode {
  const shared = { ...parcel.instance, lanes: parcel.lanes };
  const instance = PluginType.adopt(parcel.type).attach(shared, { now });
  instance.unitBudget = parcel.unitBudget;
  instance.deadline = parcel.deadline;
  return new LivePluginNode(instance, place, words, parcel);
}
