// What each node of a session takes of the whole: from one round in which the nodes are timed, too.

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

export async function nodeShares(
  subject: SessionSubject,
  configuration: Configuration,
  seconds: number,
): Promise<NodeShares> {
  const prepared = await subject.prepare(configuration, true);
  const { graph } = prepared;
  const player = new SessionPlayer(prepared);
  const blocks = blocksOf(configuration, seconds);
  let whole = 0;
  for (let b = 0; b < blocks; b++) whole += timeBlock(player) / 1000;
  const byNode = new Map(prepared.nodes.map((entry) => [entry.node, entry]));
  const nodes = graph.steps.map((step: NodeStep): NodeFigures => {
    const entry = byNode.get(step.node);
    return {
      id: step.id,
      type: entry?.type ?? "",
      block: (step.time * 1000) / blocks,
      share: step.time / whole,
      units: step.calls > 0 ? step.units / step.calls : 0,
      mostUnits: step.mostUnits,
      called: step.calls / blocks,
      memory: entry?.instance?.share().memory.buffer.byteLength ?? 0,
    };
  });
  const inNodes = graph.steps.reduce((sum, step) => sum + step.time, 0);
  return {
    nodes,
    rest: { block: ((whole - inNodes) * 1000) / blocks, share: (whole - inNodes) / whole },
  };
}
