// What of a session that plays goes on in an edit of it: instances whose node is as it was, sources that play the same,
// and what is known of them; the rest is made anew, and faded.

import { isDeepStrictEqual } from "node:util";
import { channelCount, isInput } from "../../../abi/descriptor.ts";
import { BelljarError } from "../../../abi/error.ts";
import { FileSource, GraphBuilding, type GraphNode, planEdit, TrackSource } from "../../graph/index.ts";
import { type PluginInstance, PluginType } from "../../sandbox/index.ts";
import type { PluginRecipe, RecipeMemory } from "../plugin-recipe.ts";
import { PluginNode } from "../plugin-node.ts";
import { ofNode, parameterOf } from "../plugin-setup.ts";
import { FADE_SECONDS, type GoOn, type PreparedSession } from "../prepare.ts";
import type { RecoveryMemory } from "../recovery.ts";
import type { Session, SessionNode } from "../session.ts";
import {
  freeSlots,
  type NodeParcel,
  type Parcel,
  packNode,
  type PluginParcel,
  tempoOf,
  unpackNode,
} from "./parcel.ts";
import type { LiveWords } from "./words.ts";

/** All that a control thread has to know of a session that another one attended to. */
export interface Handover {
  session: Session;
  /** As it plays, with the newest of all instances. */
  parcel: Parcel;
  /** By node's id. */
  recipes: Map<string, RecipeMemory>;
  graphData: Map<string, ReadonlyMap<string, string>>;
  recovery: RecoveryMemory;
  /** By number of the node: the instances whose fault was heard of; nodes that were said to stay off. */
  faulty: number[];
  toldOff: number[];
  nextNoteId: number;
}

type Former = { index: number; node: SessionNode; parcel: NodeParcel };

/** A plugin's instance that lives elsewhere, to be asked what it says. */
function attached({ type, instance, unitBudget, deadline }: PluginParcel): PluginInstance {
  const view = PluginType.adopt(type).attach(instance);
  view.unitBudget = unitBudget;
  view.deadline = deadline;
  return view;
}

export class Carry implements GoOn {
  readonly firstNoteId: number;
  private from: Handover;
  /** At another rate no instance and no source goes on. */
  private readonly turned: boolean;
  /** Nodes of the next session, by id: which of the former ones goes on in it, and whose place it takes. */
  private readonly was = new Map<string, number>();
  private readonly heirOf = new Map<string, number>();

  constructor(from: Handover, turned = false) {
    this.from = from;
    this.turned = turned;
    this.firstNoteId = from.nextNoteId;
  }

  private former(node: SessionNode): Former | null {
    const index = this.from.session.nodes.findIndex(({ id }) => id === node.id);
    const before = this.from.session.nodes[index];
    const parcel = this.from.parcel.nodes[index];
    if (before === undefined || parcel === undefined || before.type !== node.type) return null;
    return { index, node: before, parcel };
  }

  instance(node: SessionNode, type: PluginType, recipe: PluginRecipe): PluginInstance | null {
    const former = this.former(node);
    if (former === null || former.parcel.kind !== "plugin") return null;
    const memory = this.from.recipes.get(node.id);
    const { turned } = this;
    const same = isDeepStrictEqual(node.config, former.node.config);
    if (!turned && same && former.parcel.type.hash === type.hash) {
      const view = attached(former.parcel);
      if (sameTexts(node, former.node, view)) {
        this.was.set(node.id, former.index);
        if (memory !== undefined) recipe.recall(memory);
        return view;
      }
      view.dispose();
    }
    this.heirOf.set(node.id, former.index);
    const state = recipe.onFault === "restore" ? (memory?.state ?? null) : null;
    recipe.inherit({ state, graphData: changedTexts(node, former.node, this.from.graphData.get(node.id)) });
    return null;
  }

  source<T extends TrackSource | FileSource>(node: SessionNode, made: T): T {
    const former = this.turned ? null : this.former(node);
    if (former === null) return made;
    const { parcel } = former;
    const { block } = this.from.parcel;
    if (
      parcel.kind === "track" &&
      made instanceof TrackSource &&
      sameSchedule(parcel.schedule, made.schedule)
    ) {
      this.was.set(node.id, former.index);
      return new TrackSource(parcel.schedule, block) as T;
    }
    if (parcel.kind === "file" && made instanceof FileSource && sameSound(parcel.samples, made.channels)) {
      this.was.set(node.id, former.index);
      return new FileSource(parcel.samples, block) as T;
    }
    return made;
  }

  /**
   * Once the session is ready, and nothing is replaced any more: turns to the instances that are the newest now. Returns
   * what it was, by number of the node.
   */
  settle(prepared: PreparedSession, from: Handover): { was: number[]; heirOf: number[] } {
    for (const entry of prepared.nodes) {
      const index = this.was.get(entry.id);
      if (index === undefined || entry.instance === null) continue;
      const before = this.from.parcel.nodes[index] as PluginParcel;
      const now = from.parcel.nodes[index] as PluginParcel;
      if (before.serial === now.serial) continue;
      entry.instance.dispose();
      entry.instance = attached(now);
      entry.node = new PluginNode(entry.instance);
    }
    this.from = from;
    const { plan, nodes } = from.parcel;
    const was = prepared.nodes.map(({ id, type, instance }) => {
      if (type === "master") return plan.master;
      const former = nodes.findIndex((one, i) => one.id === id && i < plan.leaving);
      if (type === "event_input") return nodes[former]?.kind === "input" ? former : -1;
      const index = this.was.get(id) ?? -1;
      for (const [port, json] of this.from.graphData.get(id) ?? []) {
        if (index >= 0) instance?.graphData.set(port, json);
      }
      return index;
    });
    return { was, heirOf: prepared.nodes.map(({ id }) => this.heirOf.get(id) ?? -1) };
  }
}

/** Data of graph editors reach a plugin through its control calls: a living one can't be given others. */
function sameTexts(node: SessionNode, former: SessionNode, { descriptor }: PluginInstance): boolean {
  return descriptor.ports.every(
    ({ id, hint }) => hint !== "graph_editor" || node.params.get(id) === former.params.get(id),
  );
}

/** What was set while it played, but for what the session now says otherwise. */
function changedTexts(
  node: SessionNode,
  former: SessionNode,
  data: ReadonlyMap<string, string> = new Map(),
): Map<string, string> {
  return new Map([...data].filter(([id]) => node.params.get(id) === former.params.get(id)));
}

function sameSchedule(a: TrackSource["schedule"], b: TrackSource["schedule"]): boolean {
  if (a.length !== b.length) return false;
  const fields = ["frame", "type", "channel", "key", "id", "value"] as const;
  for (let i = 0; i < a.length; i++) if (fields.some((field) => a[field][i] !== b[field][i])) return false;
  return true;
}

function sameSound(a: readonly Float32Array[], b: readonly Float32Array[]): boolean {
  return (
    a.length === b.length &&
    a.every((samples, c) => {
      const other = b[c] as Float32Array;
      return samples.length === other.length && samples.every((x, i) => x === other[i]);
    })
  );
}

/**
 * [control] The edited session as it travels. The instances that are new belong to whoever unpacks them.
 * @throws BelljarError session/param of a parameter that the edit sets
 */
export function packEdit(
  prepared: PreparedSession,
  from: Handover,
  { was, heirOf }: { was: number[]; heirOf: number[] },
  order: number,
  words: LiveWords,
): Parcel {
  const { nodes, session, rate, block, song, graph, eventFanOut } = prepared;
  const { parcel } = from;
  const slots = freeSlots(parcel.nodes);
  const { plan, ghosts } = planEdit(
    graph.plan,
    nodes.map(({ id }) => id),
    nodes.map(({ node }) => node.latency),
    parcel.plan,
    was,
    heirOf,
    parcel.nodes.map(isAudible),
  );
  const own = nodes.map((node, i): NodeParcel => {
    const before = parcel.nodes[was[i] as number];
    if (before === undefined) return packNode(node, words, slots.next().value);
    return { ...before, id: node.id, passDry: node.recipe?.whileFaulty === "bypass" };
  });
  const leaving = ghosts.map((ghost) => parcel.nodes[ghost] as NodeParcel);
  const fadeFrames = Math.max(1, Math.round(FADE_SECONDS * rate));
  const building = new GraphBuilding(plan, { frames: block, fadeFrames, eventFanOut });
  for (const [i, { id, node }] of nodes.entries()) {
    building.place({ id, node, passDry: own[i]?.passDry });
  }
  const views: PluginInstance[] = [];
  for (const ghost of leaving) {
    let node: GraphNode;
    if (ghost.kind === "plugin") {
      views.push(attached(ghost));
      node = new PluginNode(views.at(-1) as PluginInstance);
    } else node = unpackNode(ghost, block);
    building.place({ id: ghost.id, node, passDry: ghost.passDry });
  }
  let built = building.step();
  while (built === null) built = building.step();
  for (const view of views) view.dispose();
  return {
    session: parcel.session,
    edition: order,
    rate,
    block,
    nodes: [...own, ...leaving],
    plan,
    keep: new SharedArrayBuffer(built.keepBytes),
    eventFanOut,
    knobs: changedKnobs(prepared, from.session, was, heirOf),
    bpm: session.bpm,
    song: song === null ? null : tempoOf(song),
  };
}

/** Whether it can sound on for a moment without what led to it. */
function isAudible(node: NodeParcel): boolean {
  if (node.kind === "file") return true;
  return (
    node.kind === "plugin" &&
    node.instance.descriptor.ports.some((port) => channelCount(port) > 0 && !isInput(port))
  );
}

/** Parameters that the next session says otherwise than the one before; what both say alike stays as it was set. */
function changedKnobs(
  { session, nodes }: PreparedSession,
  former: Session,
  was: readonly number[],
  heirOf: readonly number[],
): Parcel["knobs"] {
  const knobs: Parcel["knobs"] = [];
  for (const [i, { instance }] of nodes.entries()) {
    const node = session.nodes[i] as SessionNode;
    const index = (was[i] as number) >= 0 ? (was[i] as number) : (heirOf[i] as number);
    const before = former.nodes[index];
    if (instance === null || before === undefined) continue;
    const { descriptor } = instance;
    try {
      for (const [id, value] of node.params) {
        if (before.params.get(id) === value) continue;
        const found = parameterOf(descriptor, id, value);
        if (found !== null) knobs.push({ node: i, ...found });
      }
    } catch (error) {
      throw ofNode(node.id, error);
    }
    for (const id of before.params.keys()) {
      const port = descriptor.ports.find((one) => one.id === id);
      if (node.params.has(id) || port === undefined) continue;
      const found = parameterOf(descriptor, id, port.default);
      if (found !== null) knobs.push({ node: i, ...found });
    }
  }
  return knobs;
}

/**
 * @param turned whether another rate is meant
 * @throws BelljarError live/edit
 */
export function checkEdit(prepared: PreparedSession, { parcel }: Handover, turned: boolean): void {
  if ((turned || prepared.rate === parcel.rate) && prepared.block === parcel.block) return;
  throw new BelljarError(
    "live/edit",
    `An edit can't turn from ${parcel.rate} Hz and blocks of ${parcel.block} frames to ${prepared.rate} Hz and ${prepared.block}.`,
    "Change to it instead: it then begins anew.",
  );
}
