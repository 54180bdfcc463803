// The order in which nodes run: every node after those that feed it, otherwise as declared.

import { BelljarError, printable } from "../../abi/error.ts";

interface Edge {
  from: number;
  to: number;
  feedback: boolean;
}

/**
 * Topological order of `ids.length` nodes (Kahn, 1962, always taking the earliest declared node that is ready).
 * Feedback wires don't count. Throws session/cycle with the cycle's path.
 */
export function runningOrder(ids: readonly string[], wires: readonly Edge[]): number[] {
  const count = ids.length;
  const waitsFor = new Int32Array(count);
  const feeds: number[][] = Array.from({ length: count }, () => []);
  for (const wire of wires) {
    if (wire.feedback) continue;
    (feeds[wire.from] as number[]).push(wire.to);
    waitsFor[wire.to] = (waitsFor[wire.to] as number) + 1;
  }
  const ready: number[] = [];
  for (let node = count - 1; node >= 0; node--) if (waitsFor[node] === 0) ready.push(node);
  const order: number[] = [];
  while (ready.length > 0) {
    const node = ready.pop() as number;
    order.push(node);
    for (const next of feeds[node] as number[]) {
      waitsFor[next] = (waitsFor[next] as number) - 1;
      if (waitsFor[next] === 0) insertDescending(ready, next);
    }
  }
  if (order.length < count) {
    const path = findCycle(waitsFor, feeds).map((node) => printable(ids[node] as string, 60));
    throw new BelljarError(
      "session/cycle",
      `The wires form a cycle: ${path.join(" -> ")}.`,
      'Mark one of its wires with "feedback": true; it then delays by one block.',
    );
  }
  return order;
}

function insertDescending(list: number[], value: number): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as number) > value) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, value);
}

/** A cycle among the nodes that were never ready, as a closed path. */
function findCycle(waitsFor: Int32Array, feeds: readonly number[][]): number[] {
  // A node that waits has a predecessor that waits: walking backwards must come round.
  const feeder = new Int32Array(waitsFor.length).fill(-1);
  for (let node = waitsFor.length - 1; node >= 0; node--) {
    if (waitsFor[node] === 0) continue;
    for (const next of feeds[node] as number[]) feeder[next] = node;
  }
  let node = waitsFor.findIndex((count) => count > 0);
  const seen = new Set<number>();
  while (!seen.has(node)) {
    seen.add(node);
    node = feeder[node] as number;
  }
  const path = [node];
  for (let at = feeder[node] as number; at !== node; at = feeder[at] as number) path.push(at);
  path.reverse();
  // Begin with the node that was declared first.
  const first = path.indexOf(Math.min(...path));
  const turned = [...path.slice(first), ...path.slice(0, first)];
  return [...turned, turned[0] as number];
}
