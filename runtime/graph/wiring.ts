// From wires as they are written (ids) to wires as they are run (indices), each checked.

import { channelCount, isInput, type PortDescriptor } from "../../abi/descriptor.ts";
import { BelljarError, listed, printable } from "../../abi/error.ts";
import { didYouMean } from "./nearest.ts";

/** What a stereo output gives to a mono input. */
export type ChannelChoice = "sum" | "left" | "right";

/** A wire by names. */
export interface WireSpec {
  from: string;
  fromPort: string;
  to: string;
  toPort: string;
  /** Only where a stereo output meets a mono input; "sum" unless said. */
  channel?: ChannelChoice | undefined;
  /** Delays by one block, and may close a cycle. */
  feedback?: boolean | undefined;
}

export type WireKind = "audio" | "event" | "control";

/** A wire by indices: nodes in the order in which they were declared, ports in their node's descriptor. */
export interface Wire {
  kind: WireKind;
  from: number;
  fromPort: number;
  to: number;
  toPort: number;
  channel: ChannelChoice;
  feedback: boolean;
}

/** What wiring has to know of a node. */
export interface WiredNode {
  id: string;
  ports: readonly PortDescriptor[];
}

export function wireName(wire: WireSpec): string {
  return `${printable(wire.from)}.${printable(wire.fromPort)} -> ${printable(wire.to)}.${printable(wire.toPort)}`;
}

export function portKind(port: PortDescriptor): WireKind {
  return channelCount(port) > 0 ? "audio" : port.type === "event" ? "event" : "control";
}

/** Checks wires against the nodes' ports. Throws BelljarError session/… naming the wire. */
export function resolveWires(nodes: readonly WiredNode[], specs: readonly WireSpec[]): Wire[] {
  const byId = new Map<string, number>();
  for (const [index, node] of nodes.entries()) {
    if (byId.has(node.id)) {
      throw new BelljarError("session/duplicate-node", `Two nodes have the id "${printable(node.id)}".`);
    }
    byId.set(node.id, index);
  }
  const seen = new Set<string>();
  return specs.map((spec) => {
    const from = findNode(byId, spec, spec.from);
    const to = findNode(byId, spec, spec.to);
    const fromPort = findPort(nodes[from] as WiredNode, spec, spec.fromPort, true);
    const toPort = findPort(nodes[to] as WiredNode, spec, spec.toPort, false);
    const source = (nodes[from] as WiredNode).ports[fromPort] as PortDescriptor;
    const target = (nodes[to] as WiredNode).ports[toPort] as PortDescriptor;
    const kind = portKind(source);
    if (kind !== portKind(target)) {
      throw new BelljarError(
        "session/wire-type",
        `The wire ${wireName(spec)} joins ${article(source.type)} output to ${article(target.type)} input.`,
        "Audio goes to audio, events go to events, control values to control inputs.",
      );
    }
    if (target.hint === "graph_editor" && kind === "control") {
      throw new BelljarError(
        "session/wire-type",
        `The wire ${wireName(spec)} ends at a graph editor, which takes no values.`,
      );
    }
    if (spec.channel !== undefined && !(source.type === "audio_stereo" && target.type === "audio_mono")) {
      throw new BelljarError(
        "session/wire-channel",
        `The wire ${wireName(spec)} names a channel, but does not lead from a stereo output to a mono input.`,
      );
    }
    const key = `${from} ${fromPort} ${to} ${toPort}`;
    if (seen.has(key)) {
      throw new BelljarError("session/duplicate-wire", `The wire ${wireName(spec)} is there twice.`);
    }
    seen.add(key);
    return {
      kind,
      from,
      fromPort,
      to,
      toPort,
      channel: spec.channel ?? "sum",
      feedback: spec.feedback === true,
    };
  });
}

function findNode(byId: Map<string, number>, spec: WireSpec, id: string): number {
  const index = byId.get(id);
  if (index !== undefined) return index;
  throw new BelljarError(
    "session/unknown-node",
    `The wire ${wireName(spec)} names the node "${printable(id)}", which is not there.`,
    didYouMean(id, byId.keys(), `The nodes are ${list(byId.keys())}.`),
  );
}

function findPort(node: WiredNode, spec: WireSpec, id: string, output: boolean): number {
  const index = node.ports.findIndex((port) => port.id === id);
  const fits = (port: PortDescriptor): boolean => (output ? port.role === "output" : isInput(port));
  const names = node.ports.filter(fits).map((port) => port.id);
  const has = `The ${output ? "outputs" : "inputs"} of "${printable(node.id)}" are ${list(names)}.`;
  if (index < 0) {
    throw new BelljarError(
      "session/unknown-port",
      `The wire ${wireName(spec)} names a port "${printable(id)}" that the node "${printable(node.id)}" does not have.`,
      didYouMean(id, names, has),
    );
  }
  if (fits(node.ports[index] as PortDescriptor)) return index;
  const role = (node.ports[index] as PortDescriptor).role;
  throw new BelljarError(
    "session/wire-direction",
    `The wire ${wireName(spec)} ${output ? "begins" : "ends"} at "${printable(id)}", which is ${article(role)} of "${printable(node.id)}".`,
    has,
  );
}

function list(names: Iterable<string>): string {
  const all = [...names].map((name) => `"${printable(name, 60)}"`);
  return all.length === 0 ? "none" : listed(all);
}

function article(word: string): string {
  return `${/^[aeiou]/.test(word) ? "an" : "a"} ${word}`;
}
