// From nodes and wires to a graph that runs: checked, ordered, compensated, placed in the mixer's memory.

import { clockOf } from "../../abi/clock.ts";
import { isInput, type PortDescriptor } from "../../abi/descriptor.ts";
import { BelljarError } from "../../abi/error.ts";
import { AudioInput, AudioOutput, DelayLine, HeldSlot } from "./audio-wires.ts";
import { ControlInput, ControlWire } from "./control-wires.ts";
import { EventInputs, EventQueue, EventWire } from "./event-wires.ts";
import { Graph, newTransport, type Timing } from "./graph.ts";
import { compensate } from "./latency.ts";
import { DryPath } from "./dry-path.ts";
import { Master } from "./master.ts";
import { Mixer, type Slot } from "./mixer.ts";
import type { GraphNode, NodeAudioPort } from "./node.ts";
import { runningOrder } from "./order.ts";
import { EVENT_FAN_OUT, NodeStep } from "./step.ts";
import { hearsChanges, TransportChanges } from "./transport-changes.ts";
import { resolveWires, type Wire, type WireSpec } from "./wiring.ts";

export interface NodeSpec {
  id: string;
  /** Activated for the graph's rate and block size. */
  node: GraphNode;
  /** While it is at fault its audio inputs go to its outputs, in pairs; otherwise it is silent. */
  passDry?: boolean | undefined;
}

export interface GraphSpec {
  /** Exactly one of them is a Master. */
  nodes: readonly NodeSpec[];
  /** Their order is the order of addition. */
  wires: readonly WireSpec[];
  /** Frames of a block. */
  frames: number;
  /** Milliseconds; where given, nodes are timed. */
  clock?: (() => number) | undefined;
  /** Default: in turns. */
  timing?: Timing | undefined;
  /** Frames in which a replacement comes to its full level. Default: 256. */
  fadeFrames?: number | undefined;
  /** Most events that one node sends in a block, times the wires that take them. Default: 16,384. */
  eventFanOut?: number | undefined;
}

const FADE_FRAMES = 256;

/** Builds a graph. Throws BelljarError session/… naming the node or wire that can't be. */
export function buildGraph(spec: GraphSpec): Graph {
  const { nodes, frames } = spec;
  const ids = nodes.map((entry) => entry.id);
  const master = findMaster(nodes);
  const wires = resolveWires(
    nodes.map((entry) => ({ id: entry.id, ports: entry.node.ports })),
    spec.wires,
  );
  const order = runningOrder(ids, wires);
  const { delays, arrival } = compensate(
    ids,
    nodes.map((entry) => entry.node.latency),
    order,
    wires,
  );

  const mixer = new Mixer();
  const transport = newTransport();
  const changes = new TransportChanges();
  const fade = spec.fadeFrames ?? FADE_FRAMES;
  const places = nodes.map((entry) => new Place(entry, mixer, frames, transport, changes, fade));
  for (const { step } of places) step.fanOut = spec.eventFanOut ?? EVENT_FAN_OUT;
  const lines: DelayLine[] = [];
  for (const place of places) {
    for (const { line } of place.step.dry) if (line !== null) lines.push(line);
  }
  const held = new Map<Slot, HeldSlot>();
  const heldEvents: EventQueue[] = [];
  const lateEvents: EventQueue[] = [];
  const heldValues: ControlWire[] = [];

  const joinAudio = (wire: Wire, delay: number, from: Place, to: Place): void => {
    const output = from.output(wire.fromPort);
    output.connected = true;
    let slot = output.slot;
    let line: DelayLine | null = null;
    if (wire.feedback) {
      const kept = held.get(slot) ?? new HeldSlot(mixer, slot);
      held.set(slot, kept);
      slot = kept.output;
    } else if (delay > 0) {
      line = new DelayLine(mixer, slot, delay);
      lines.push(line);
      slot = line.output;
    }
    to.input(wire.toPort).connect(slot, line, wire.channel);
  };
  const joinEvents = (wire: Wire, delay: number, from: Place, to: Place): void => {
    const source = from.step.node.eventsOut;
    if (wire.feedback) {
      const queue = new EventQueue(source, wire.fromPort, frames, frames);
      heldEvents.push(queue);
      from.step.readers.push(queue);
      to.step.events.connect(new EventWire(queue, null, wire.fromPort, wire.toPort));
    } else if (delay > 0) {
      const queue = new EventQueue(source, wire.fromPort, delay, frames);
      lateEvents.push(queue);
      from.step.readers.push(queue);
      to.step.events.connect(new EventWire(queue, queue, wire.fromPort, wire.toPort));
    } else {
      const direct = new EventWire(source, null, wire.fromPort, wire.toPort);
      from.step.readers.push(direct);
      to.step.events.connect(direct);
    }
  };
  const joinControls = (wire: Wire, from: Place, to: Place): void => {
    const slot = controlSlot(from.step.node.ports, wire.fromPort);
    const port = from.step.node.ports[wire.fromPort] as PortDescriptor;
    const control = new ControlWire(from.step.node.controlsOut, slot, port, wire.feedback);
    from.step.leaving.push(control);
    if (wire.feedback) heldValues.push(control);
    const input = to.knobs[controlSlot(to.step.node.ports, wire.toPort)] as ControlInput;
    input.connect(control);
    if (!to.step.controls.includes(input)) to.step.controls.push(input);
  };
  for (const [index, wire] of wires.entries()) {
    const from = places[wire.from] as Place;
    const to = places[wire.to] as Place;
    if (wire.kind === "audio") joinAudio(wire, delays[index] as number, from, to);
    else if (wire.kind === "event") joinEvents(wire, delays[index] as number, from, to);
    else joinControls(wire, from, to);
  }

  mixer.commit();
  for (const place of places) place.bind();
  const running = order.filter((index) => index !== master);
  return new Graph({
    frames,
    steps: running.map((index) => (places[index] as Place).step),
    byNode: places.map((place, index) => (index === master ? null : place.step)),
    knobs: places.map((place) => place.knobs),
    masterInput: (places[master] as Place).step.inputs[0] as AudioInput,
    lines,
    heldSound: [...held.values()],
    heldEvents,
    lateEvents,
    heldValues,
    latency: arrival[master] as number,
    transport,
    changes,
    clock: spec.clock === undefined ? null : clockOf(spec.clock),
    timing: spec.timing ?? "turns",
  });
}

function findMaster(nodes: readonly NodeSpec[]): number {
  const masters = nodes.flatMap((entry, index) => (entry.node instanceof Master ? [index] : []));
  if (masters.length === 1) return masters[0] as number;
  throw new BelljarError(
    "session/master",
    masters.length === 0 ? "The graph has no master." : "The graph has more than one master.",
  );
}

/** A node while it is being wired. */
class Place {
  readonly step: NodeStep;
  /** By slot of controlsIn. */
  readonly knobs: (ControlInput | null)[];
  private readonly byPort = new Map<number, AudioInput | AudioOutput>();

  constructor(
    entry: NodeSpec,
    mixer: Mixer,
    frames: number,
    transport: DataView,
    changes: TransportChanges,
    fade: number,
  ) {
    const { node } = entry;
    const events = new EventInputs(node.eventsIn, hearsChanges(node) ? changes : null, node.arena);
    this.step = new NodeStep(entry.id, node, events, transport, fade);
    for (const audio of node.audio) {
      const port = node.ports[audio.index] as PortDescriptor;
      if (isInput(port)) this.place(audio, new AudioInput(mixer, audio, frames), this.step.inputs);
      else this.place(audio, new AudioOutput(mixer, audio, frames), this.step.outputs);
    }
    this.knobs = node.ports
      .filter((port) => port.type === "control" && isInput(port))
      .map((port, slot) =>
        port.hint === "graph_editor" ? null : new ControlInput(node.controlsIn, slot, port),
      );
    if (entry.passDry === true) this.addDryPaths(node, mixer, frames);
  }

  /** The first input to the first output, and so on; sidechains and monitors stay out. */
  private addDryPaths(node: GraphNode, mixer: Mixer, frames: number): void {
    const withRole = (role: PortDescriptor["role"]): NodeAudioPort[] =>
      node.audio.filter((audio) => (node.ports[audio.index] as PortDescriptor).role === role);
    const inputs = withRole("input");
    for (const [i, port] of withRole("output").entries()) {
      const input = inputs[i];
      if (input === undefined) return;
      this.step.dry.push(
        new DryPath(mixer, this.input(input.index), this.output(port.index), port, frames, node.latency),
      );
    }
  }

  private place<T extends AudioInput | AudioOutput>(audio: NodeAudioPort, made: T, list: T[]): void {
    list.push(made);
    this.byPort.set(audio.index, made);
  }

  input(port: number): AudioInput {
    return this.byPort.get(port) as AudioInput;
  }

  output(port: number): AudioOutput {
    return this.byPort.get(port) as AudioOutput;
  }

  bind(): void {
    for (const input of this.step.inputs) input.bind();
    for (const output of this.step.outputs) output.bind();
  }
}

/** Where a control port's value lies: control ports of its direction before it. */
export function controlSlot(ports: readonly PortDescriptor[], index: number): number {
  const input = isInput(ports[index] as PortDescriptor);
  let slot = 0;
  for (let i = 0; i < index; i++) {
    const port = ports[i] as PortDescriptor;
    if (port.type === "control" && isInput(port) === input) slot++;
  }
  return slot;
}
