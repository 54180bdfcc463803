// How a graph will run, as plain data: checked, ordered and compensated wires. It is worked out where there is time for
// it, travels, and is built from in small steps. `planEdit` says what of a running graph goes on in the next one.

import type { PortDescriptor } from "../../abi/descriptor.ts";
import { BelljarError } from "../../abi/error.ts";
import { compensate } from "./latency.ts";
import { runningOrder } from "./order.ts";
import { resolveWires, type Wire, type WireSpec } from "./wiring.ts";

/** What a plan has to know of a node. */
export interface PlannedNode {
  id: string;
  ports: readonly PortDescriptor[];
  latency: number;
  /** Exactly one of them. */
  isMaster: boolean;
}

/** Of a wire's sound, after an edit: it comes in, it is there, it goes away. */
export const Fade = { In: 1, None: 0, Out: -1 } as const;
export type Fade = (typeof Fade)[keyof typeof Fade];

export interface PlannedWire extends Wire {
  /** Frames by which it is held back, so that paths of different latency meet. */
  delay: number;
  fade: Fade;
  /** Which wire of the graph before goes on in it; -1: none. */
  was: number;
}

export interface GraphPlan {
  master: number;
  /** All nodes, in running order. */
  order: number[];
  wires: PlannedWire[];
  /** Frames by which what is heard lags the sources. */
  latency: number;
  /** By node: which node of the graph before goes on in it; -1: none. */
  was: number[];
  /** By node: the node of the graph before whose knobs it takes over, by the ports' ids; -1: none. */
  heirOf: number[];
  /** Nodes from this one on are of the graph before, and go away. */
  leaving: number;
  /** Event inputs where a wire has ended: all its notes end. */
  farewells: { node: number; port: number }[];
  /** Frames after which fades begin: what comes in has to have come through its delays. */
  fadeAfter: number;
}

/** Throws BelljarError session/… naming the node or wire that can't be. */
export function planGraph(nodes: readonly PlannedNode[], specs: readonly WireSpec[]): GraphPlan {
  const ids = nodes.map(({ id }) => id);
  const master = findMaster(nodes);
  const wires = resolveWires(nodes, specs);
  const order = runningOrder(ids, wires);
  const latencies = nodes.map(({ latency }) => latency);
  const { delays, arrival } = compensate(ids, latencies, order, wires);
  return {
    master,
    order,
    wires: wires.map((wire, i) => ({ ...wire, delay: delays[i] as number, fade: Fade.None, was: -1 })),
    latency: arrival[master] as number,
    was: ids.map(() => -1),
    heirOf: ids.map(() => -1),
    leaving: nodes.length,
    farewells: [],
    fadeAfter: 0,
  };
}

function findMaster(nodes: readonly PlannedNode[]): number {
  const masters = nodes.flatMap(({ isMaster }, index) => (isMaster ? [index] : []));
  if (masters.length === 1) return masters[0] as number;
  throw new BelljarError(
    "session/master",
    masters.length === 0 ? "The graph has no master." : "The graph has more than one master.",
  );
}

/**
 * The plan by which a running graph becomes another one: what stays goes on, what comes and goes is faded.
 * @param plan of the next graph alone @param ids of its nodes @param former the running one's
 * @param was by node of the next graph: the running one's node that goes on in it, or -1
 * @param heirOf by node: the running one's node whose place it takes, or -1
 * @param audible by node of the running graph: whether it can sound on by itself while it goes away
 * @returns the plan, and the nodes of the running graph that follow the plan's own until they have faded
 */
export function planEdit(
  plan: GraphPlan,
  ids: readonly string[],
  latencies: readonly number[],
  former: GraphPlan,
  was: readonly number[],
  heirOf: readonly number[],
  audible: readonly boolean[],
): { plan: GraphPlan; ghosts: number[] } {
  const edited = { ...plan, was: [...was], heirOf: [...heirOf] };
  const staysAs = new Map<number, number>();
  for (const [next, before] of was.entries()) if (before >= 0) staysAs.set(before, next);
  const fresh = (node: number): boolean => was[node] === -1 && node !== plan.master;
  const kept = new Map<string, number>();
  for (const [index, wire] of former.wires.entries()) {
    const from = staysAs.get(wire.from);
    const to = staysAs.get(wire.to);
    if (wire.fade !== Fade.Out && from !== undefined && to !== undefined)
      kept.set(keyOf({ ...wire, from, to }), index);
  }
  const goOn = new Set<number>();
  edited.wires = plan.wires.map((wire) => {
    const before = kept.get(keyOf(wire));
    if (before !== undefined) {
      goOn.add(before);
      return { ...wire, was: before };
    }
    return { ...wire, fade: wire.kind === "audio" && !fresh(wire.to) ? Fade.In : Fade.None };
  });
  for (const [index, wire] of former.wires.entries()) {
    const to = staysAs.get(wire.to);
    if (wire.kind !== "event" || wire.fade === Fade.Out || goOn.has(index) || to === undefined) continue;
    edited.farewells.push({ node: to, port: wire.toPort });
  }
  const late = latencies.some((latency, node) => fresh(node) && latency > 0);
  const waits = edited.wires.some(({ delay, fade }) => delay > 0 && fade === Fade.In);
  if (late || waits) edited.fadeAfter = plan.latency;
  return addLeaving(edited, ids, former, staysAs, goOn, audible);
}

/** What makes two wires the same. */
const keyOf = ({ kind, from, fromPort, to, toPort, channel, feedback, delay }: PlannedWire): string =>
  `${kind} ${from} ${fromPort} ${to} ${toPort} ${channel} ${feedback} ${delay}`;

/** Nodes and wires that are heard until they have faded. */
function addLeaving(
  plan: GraphPlan,
  ids: readonly string[],
  former: GraphPlan,
  staysAs: ReadonlyMap<number, number>,
  goOn: ReadonlySet<number>,
  audible: readonly boolean[],
): { plan: GraphPlan; ghosts: number[] } {
  const place = new Map(staysAs);
  const ghosts: number[] = [];
  for (let node = 0; node < former.leaving; node++) {
    if (staysAs.has(node) || audible[node] !== true) continue;
    place.set(node, ids.length + ghosts.length);
    ghosts.push(node);
  }
  const isGhost = (node: number): boolean => node >= ids.length;
  const wires: PlannedWire[] = [];
  for (const [index, wire] of former.wires.entries()) {
    const from = place.get(wire.from);
    const to = place.get(wire.to);
    if (wire.fade === Fade.Out || goOn.has(index) || from === undefined || to === undefined) continue;
    // What is no sound can't be faded: it goes on only where it ends at what goes away.
    if (!isGhost(to) && wire.kind !== "audio") continue;
    wires.push({ ...wire, from, to, was: index, fade: isGhost(to) ? Fade.None : Fade.Out });
  }
  if (wires.length === 0) return { plan, ghosts: [] };
  const all = [...plan.wires, ...wires];
  try {
    const names = [...ids, ...ghosts.map((node) => `the former ${node}`)];
    const order = runningOrder(names, all);
    const none = ghosts.map(() => -1);
    return {
      plan: { ...plan, order, wires: all, was: [...plan.was, ...ghosts], heirOf: [...plan.heirOf, ...none] },
      ghosts,
    };
  } catch (error) {
    if (!(error instanceof BelljarError)) throw error;
    // Old and new wires together form a circle: what goes away ends at once.
    return { plan, ghosts: [] };
  }
}
