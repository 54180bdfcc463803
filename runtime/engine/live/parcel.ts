// A prepared session as it travels to the audio thread: instances in their own living memory, types that are compiled
// already, and what the engine's own nodes play.

import {
  EventInput,
  FileSource,
  type Graph,
  GraphBuilding,
  type GraphNode,
  type GraphPlan,
  Master,
  type Schedule,
  TrackSource,
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
import { type LiveWords, MOST_LIVE_NODES, Word } from "./words.ts";

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

export type NodeParcel = {
  id: string;
  passDry: boolean;
  /** Its place in the shared words: the same as long as the node lives. */
  slot: number;
} & (
  | PluginParcel
  | { kind: "track"; schedule: Schedule }
  | { kind: "file"; samples: readonly Float32Array[] }
  | { kind: "input" }
  | { kind: "master" }
);

export interface Parcel {
  /** Which of the pieces it is, and which of all graphs, counted in the order of their opening: an edit goes on with the piece. */
  session: number;
  edition: number;
  rate: number;
  block: number;
  /** As the session declares them; behind them those of the graph before that go away. */
  nodes: NodeParcel[];
  plan: GraphPlan;
  /** Where the graph keeps what another audio thread goes on with. */
  keep: SharedArrayBuffer;
  eventFanOut: number | undefined;
  /** Knobs that an edit sets: nodes by their number, slots of controlsIn, values. */
  knobs: { node: number; slot: number; value: number }[];
  bpm: number;
  song: TempoMap | null;
}

/**
 * [control] After this the instances belong to whoever unpacks them.
 * @param slots free places in the shared words
 */
export function packSession(
  prepared: PreparedSession,
  order: number,
  words: LiveWords,
  slots: Iterator<number>,
): Parcel {
  const { nodes, session, rate, block, song, graph, eventFanOut } = prepared;
  return {
    session: order,
    edition: order,
    rate,
    block,
    nodes: nodes.map((node) => packNode(node, words, slots.next().value)),
    plan: graph.plan,
    keep: new SharedArrayBuffer(graph.keepBytes),
    eventFanOut,
    knobs: [],
    bpm: session.bpm,
    song: song === null ? null : tempoOf(song),
  };
}

/** Places in the shared words that no node of a graph has. */
export function* freeSlots(taken: readonly { slot: number }[]): Generator<number, number> {
  const used = new Set(taken.map(({ slot }) => slot));
  for (let slot = 0; slot < MOST_LIVE_NODES; slot++) if (!used.has(slot)) yield slot;
  throw new Error("there is room for a graph and for the next one");
}

export function tempoOf({ division, tempoMap, timeSignatures }: TempoMap): TempoMap {
  return { division, tempoMap, timeSignatures };
}

export function packNode(
  { id, node, instance, recipe }: PreparedNode,
  words: LiveWords,
  slot: number,
): NodeParcel {
  const common = { id, passDry: recipe?.whileFaulty === "bypass", slot };
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
  /** By slot; null where there is none. */
  nodes: (GraphNode | null)[];
  /** As the parcel lists them. */
  declared: GraphNode[];
  /** By slot: the node's number in the graph; -1: there is none. */
  numbers: Int16Array;
  /** And back. */
  slots: Int16Array;
  transport: TransportClock;
  parcel: Parcel;
}

/**
 * Attaches the instances and builds the graph over them, in steps of some microseconds, so that the blocks of a graph that
 * sounds fit in between.
 */
export class Unpacking {
  readonly parcel: Parcel;
  private readonly words: LiveWords;
  private readonly now: () => number;
  private readonly running: () => LiveGraph | null;
  private readonly made: GraphNode[] = [];
  private building: GraphBuilding | null = null;
  private placed = 0;

  /** @param running what plays now: where the parcel is an edit of it, its nodes go on */
  constructor(
    parcel: Parcel,
    words: LiveWords,
    now: () => number,
    running: () => LiveGraph | null = () => null,
  ) {
    this.parcel = parcel;
    this.words = words;
    this.now = now;
    this.running = running;
  }

  /** From when on instances of the running graph must not be replaced. */
  get holdsNodes(): boolean {
    return this.building !== null;
  }

  /** More of the nodes of a parcel that came without them. */
  add(edition: number, nodes: readonly NodeParcel[]): void {
    if (edition === this.parcel.edition) this.parcel.nodes.push(...nodes);
  }

  /** Whether nothing can be done before more nodes have come. */
  get waits(): boolean {
    const { made, parcel } = this;
    return made.length === parcel.nodes.length && made.length < parcel.plan.was.length;
  }

  /** The next step; null: there is more to do. */
  step(): LiveGraph | null {
    const { parcel, words, now, made } = this;
    if (this.waits) return null;
    const node = parcel.nodes[made.length];
    if (node !== undefined) {
      const stays = this.staying(made.length);
      if (stays !== null) made.push(stays);
      else if (node.kind === "plugin") made.push(unpackPlugin(node, node.slot, words, now));
      else made.push(unpackNode(node, parcel.block));
      return null;
    }
    const building = this.begin();
    if (this.placed < made.length) {
      this.placeNext(building);
      return null;
    }
    const graph = building.step();
    return graph === null ? null : this.whole(graph);
  }

  private begin(): GraphBuilding {
    const { parcel, words, now } = this;
    const { block, rate, plan, keep, eventFanOut } = parcel;
    // Where the thread before this one played it already, it goes on as of its last whole block.
    const goesOn = this.running() === null && words.load(Word.Edition) === parcel.edition;
    this.building ??= new GraphBuilding(plan, {
      frames: block,
      fadeFrames: Math.max(1, Math.round(FADE_SECONDS * rate)),
      eventFanOut,
      clock: now,
      timing: "turns",
      keep,
      resume: goesOn ? words.load(Word.Blocks) & 1 : undefined,
    });
    return this.building;
  }

  private placeNext(building: GraphBuilding): void {
    const { parcel, made, placed } = this;
    const { id, passDry } = parcel.nodes[placed] as Parcel["nodes"][number];
    // It may have been replaced since it was attached.
    const node = this.staying(placed) ?? (made[placed] as GraphNode);
    made[placed] = node;
    building.place({ id, passDry, node });
    this.placed++;
  }

  /** The running graph's node that goes on in this one. */
  private staying(index: number): GraphNode | null {
    const { parcel } = this;
    const running = this.running();
    if (running === null || running.parcel.session !== parcel.session) return null;
    const was = parcel.plan.was[index] as number;
    const node = parcel.nodes[index] as Parcel["nodes"][number];
    if (was < 0) return null;
    if (node.kind !== "plugin") return running.declared[was] ?? null;
    const before = running.nodes[node.slot];
    return before instanceof LivePluginNode && before.serial === node.serial ? before : null;
  }

  private whole(graph: Graph): LiveGraph {
    const { parcel, made } = this;
    const { rate, bpm, song, nodes } = parcel;
    const bySlot: (GraphNode | null)[] = [];
    const numbers = new Int16Array(MOST_LIVE_NODES).fill(-1);
    for (const [i, { slot }] of nodes.entries()) {
      while (bySlot.length <= slot) bySlot.push(null);
      bySlot[slot] = made[i] as GraphNode;
      numbers[slot] = i;
    }
    const transport = new TransportClock(rate, bpm, song);
    const slots = Int16Array.from(nodes, ({ slot }) => slot);
    return { graph, nodes: bySlot, declared: made, numbers, slots, transport, parcel };
  }

  /** All of it. */
  finish(): LiveGraph {
    for (;;) {
      const graph = this.step();
      if (graph !== null) return graph;
    }
  }
}

export function unpackNode(node: Exclude<NodeParcel, PluginParcel>, block: number): GraphNode {
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
