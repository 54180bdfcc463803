// What each node of a session takes of the whole: from a few rounds in which the nodes are timed, too.

import { setImmediate } from "node:timers/promises";
import type { NodeStep } from "../graph/index.ts";
import { blocksOf, timeBlock } from "./measure.ts";
import type { Configuration } from "./player.ts";
import { SessionPlayer, type SessionSubject } from "./session-subject.ts";

export interface NodeFigures {
  id: string;
  type: string;
  /** Microseconds of the mean block. */
  block: number;
  /** Its part of the time of the whole, 0 to 1. */
  share: number;
  /** Units of the mean block in which it was called, and the most of one; and the part of the blocks in which it was. */
  units: number;
  mostUnits: number;
  called: number;
  /** Bytes of linear memory; 0 for what is no plugin. */
  memory: number;
}

export interface NodeShares {
  nodes: NodeFigures[];
  /** What is no node's: wires, mixing, the master. */
  rest: { block: number; share: number };
}

const ROUNDS = 3;
/** Blocks whose time is looked at together. Of each such stretch the best round counts, for each node alone. */
const STRETCH = 16;

export async function nodeShares(
  subject: SessionSubject,
  configuration: Configuration,
  seconds: number,
): Promise<NodeShares> {
  const blocks = blocksOf(configuration, seconds);
  const stretches = Math.ceil(blocks / STRETCH);
  // By stretch: all nodes in running order, then the rest.
  let best: Float64Array[] = [];
  let last: SessionPlayer | null = null;
  for (let round = 0; round < ROUNDS; round++) {
    const player = new SessionPlayer(await subject.prepare(configuration, true));
    const { steps } = player.prepared.graph;
    if (round === 0) {
      best = Array.from({ length: steps.length + 1 }, () =>
        new Float64Array(stretches).fill(Number.POSITIVE_INFINITY),
      );
    }
    const before = new Float64Array(steps.length);
    for (let stretch = 0; stretch < stretches; stretch++) {
      const count = Math.min(STRETCH, blocks - stretch * STRETCH);
      let rest = 0;
      for (let b = 0; b < count; b++) rest += timeBlock(player);
      for (const [i, step] of steps.entries()) {
        const time = (step.time - (before[i] as number)) * 1000;
        before[i] = step.time;
        rest -= time;
        keepLeast(best[i] as Float64Array, stretch, time);
      }
      keepLeast(best[steps.length] as Float64Array, stretch, Math.max(0, rest));
      if (stretch % 64 === 63) await setImmediate();
    }
    last = player;
  }
  const { graph, nodes: entries } = (last as SessionPlayer).prepared;
  const times = best.map((one) => one.reduce((sum, time) => sum + time, 0));
  const whole = times.reduce((sum, time) => sum + time, 0);
  const byNode = new Map(entries.map((entry) => [entry.node, entry]));
  const nodes = graph.steps.map((step: NodeStep, i): NodeFigures => {
    const entry = byNode.get(step.node);
    return {
      id: step.id,
      type: entry?.type ?? "",
      block: (times[i] as number) / blocks,
      share: (times[i] as number) / whole,
      units: step.calls > 0 ? step.units / step.calls : 0,
      mostUnits: step.mostUnits,
      called: step.calls / blocks,
      memory: entry?.instance?.share().memory.buffer.byteLength ?? 0,
    };
  });
  const rest = times[times.length - 1] as number;
  return { nodes, rest: { block: rest / blocks, share: rest / whole } };
}

function keepLeast(values: Float64Array, at: number, value: number): void {
  if (value < (values[at] as number)) values[at] = value;
}
