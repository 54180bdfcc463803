// Delay compensation: where paths of different latency meet, the earlier ones wait.

import { BelljarError, printable } from "../../abi/error.ts";

interface Edge {
  from: number;
  to: number;
  feedback: boolean;
  kind: string;
}

export interface Latencies {
  /** By wire: frames to hold back. Control values and feedback wires are not held back. */
  delays: number[];
  /** By node: frames by which its inputs lag the sources. */
  arrival: number[];
}

/** The most that one wire can be held back, in frames. */
export const LONGEST_DELAY = 1 << 21;

/** @param order nodes in running order, by index. */
export function compensate(
  ids: readonly string[],
  latencies: readonly number[],
  order: readonly number[],
  wires: readonly Edge[],
): Latencies {
  const into: number[][] = ids.map(() => []);
  for (const [index, wire] of wires.entries()) {
    if (!wire.feedback && wire.kind !== "control") (into[wire.to] as number[]).push(index);
  }
  const arrival = ids.map(() => 0);
  const leaves = (wire: Edge): number => (arrival[wire.from] as number) + (latencies[wire.from] as number);
  const delays = wires.map(() => 0);
  for (const node of order) {
    let latest = 0;
    for (const index of into[node] as number[]) latest = Math.max(latest, leaves(wires[index] as Edge));
    arrival[node] = latest;
    for (const index of into[node] as number[]) {
      const wait = latest - leaves(wires[index] as Edge);
      if (wait > LONGEST_DELAY) {
        throw new BelljarError(
          "session/latency",
          `A wire into the node "${printable(ids[node] as string)}" would have to wait ${wait} frames for another path; ${LONGEST_DELAY} are the most.`,
        );
      }
      delays[index] = wait;
    }
  }
  return { delays, arrival };
}
