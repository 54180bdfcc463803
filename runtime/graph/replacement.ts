// Another instance that is to take a node's place: checked and made ready beside the running graph, so that the swap at a
// block's edge only points elsewhere.

import { isInput, type PortDescriptor } from "../../abi/descriptor.ts";
import { BelljarError, printable } from "../../abi/error.ts";
import { PortCopy } from "./audio-wires.ts";
import type { GraphNode, NodeAudioPort } from "./node.ts";
import { type NodeStep, transportBytes } from "./step.ts";
import { hearsChanges, type TransportChanges } from "./transport-changes.ts";

interface BoundPort {
  readonly port: NodeAudioPort;
  readonly copy: PortCopy;
}

export class Replacement {
  readonly step: NodeStep;
  readonly node: GraphNode;
  readonly inputs: readonly BoundPort[];
  readonly outputs: readonly BoundPort[];
  readonly transportTo: Uint8Array | null;
  readonly changes: TransportChanges | null;

  /**
   * Made by Graph.prepareReplacement.
   * @throws BelljarError plugin/changed: it has other ports or another latency, for which the graph is not built
   */
  constructor(step: NodeStep, node: GraphNode, frames: number, changes: TransportChanges) {
    checkTwin(step.id, step.node, node);
    this.step = step;
    this.node = node;
    const bound = (inward: boolean): BoundPort[] =>
      node.audio
        .filter((port) => isInput(node.ports[port.index] as PortDescriptor) === inward)
        .map((port) => ({ port, copy: new PortCopy(port, frames) }));
    this.inputs = bound(true);
    this.outputs = bound(false);
    this.transportTo = transportBytes(node);
    this.changes = hearsChanges(node) ? changes : null;
  }
}

/**
 * [control] Whether one instance can stand where another one stood.
 * @throws BelljarError plugin/changed
 */
export function checkTwin(
  id: string,
  before: Pick<GraphNode, "ports" | "latency">,
  after: Pick<GraphNode, "ports" | "latency">,
): void {
  const refuse = (what: string): never => {
    const name = `The plugin at "${printable(id)}"`;
    throw new BelljarError("plugin/changed", `${name} ${what} than before, so it can't take its own place.`);
  };
  if (!samePorts(before.ports, after.ports)) refuse("describes other ports");
  if (before.latency !== after.latency) {
    refuse(`has ${after.latency} frames of latency, others (${before.latency})`);
  }
}

function samePorts(before: readonly PortDescriptor[], after: readonly PortDescriptor[]): boolean {
  return before === after || JSON.stringify(before) === JSON.stringify(after);
}
