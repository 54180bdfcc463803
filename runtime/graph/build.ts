// From a plan and nodes to a graph that runs: placed in the mixer's memory, joined, in steps so small that a sounding
// graph's blocks fit in between.

import { clockOf } from "../../abi/clock.ts";
import { isInput, type PortDescriptor } from "../../abi/descriptor.ts";
import { EventType } from "../../abi/layout.ts";
import { AudioInput, AudioOutput } from "./audio-wires.ts";
import { ControlInput, ControlWire } from "./control-wires.ts";
import { DryPath } from "./dry-path.ts";
import { EventBuffer } from "./event-buffer.ts";
import { EventInputs, EventQueue, EventWire } from "./event-wires.ts";
import { Graph, newTransport, type Timing } from "./graph.ts";
import { DelayLine, FadeClock, FadingSlot, HeldSlot } from "./held-sound.ts";
import { Keep } from "./keep.ts";
import { Master } from "./master.ts";
import { Mixer, type Slot } from "./mixer.ts";
import type { GraphNode, NodeAudioPort } from "./node.ts";
import { Fade, type GraphPlan, type PlannedWire, planGraph } from "./plan.ts";
import { EVENT_FAN_OUT, NodeStep } from "./step.ts";
import { hearsChanges, TransportChanges } from "./transport-changes.ts";
import type { WireSpec } from "./wiring.ts";

export interface NodeSpec {
  id: string;
  /** Activated for the graph's rate and block size. */
  node: GraphNode;
  /** While it is at fault its audio inputs go to its outputs, in pairs; otherwise it is silent. */
  passDry?: boolean | undefined;
}

export interface GraphOptions {
  /** Frames of a block. */
  frames: number;
  /** Milliseconds; where given, nodes are timed. */
  clock?: (() => number) | undefined;
  /** Default: in turns. */
  timing?: Timing | undefined;
  /** Frames in which a replacement comes to its full level, and in which what an edit changes is faded. Default: 256. */
  fadeFrames?: number | undefined;
  /** Most events that one node sends in a block, times the wires that take them. Default: 16,384. */
  eventFanOut?: number | undefined;
  /** Where it keeps what another thread would go on with: `keepBytes` of the same graph. Default: nowhere. */
  keep?: SharedArrayBuffer | undefined;
  /** Whether it goes on with what is kept there, as of the last whole block: 0 or 1. Default: it begins anew. */
  resume?: number | undefined;
}

export interface GraphSpec extends GraphOptions {
  /** Exactly one of them is a Master. */
  nodes: readonly NodeSpec[];
  /** Their order is the order of addition. */
  wires: readonly WireSpec[];
}

const FADE_FRAMES = 256;

/** Builds a graph. Throws BelljarError session/… naming the node or wire that can't be. */
export function buildGraph(spec: GraphSpec): Graph {
  const { nodes, wires } = spec;
  const plan = planGraph(
    nodes.map(({ id, node }) => ({
      id,
      ports: node.ports,
      latency: node.latency,
      isMaster: node instanceof Master,
    })),
    wires,
  );
  const building = new GraphBuilding(plan, spec);
  for (const node of nodes) building.place(node);
  for (;;) {
    const graph = building.step();
    if (graph !== null) return graph;
  }
}

/** First all nodes are placed, in the plan's order of declaration; then it is built, step by step. */
export class GraphBuilding {
  private readonly plan: GraphPlan;
  private readonly options: GraphOptions;
  private readonly fadeFrames: number;
  private readonly mixer = new Mixer();
  private readonly keep: Keep;
  private readonly transport = newTransport();
  private readonly changes = new TransportChanges();
  private readonly fades: FadeClock;
  private readonly places: Place[] = [];
  private readonly lines: DelayLine[] = [];
  private readonly held = new Map<Slot, HeldSlot>();
  private readonly heldEvents: EventQueue[] = [];
  private readonly lateEvents: EventQueue[] = [];
  private readonly heldValues: ControlWire[] = [];
  private readonly farewells: EventBuffer[] = [];
  /** By wire of the plan: what another graph can go on with. */
  private readonly carriers: (DelayLine | HeldSlot | EventQueue | ControlWire | null)[] = [];
  private bound = 0;

  constructor(plan: GraphPlan, options: GraphOptions) {
    this.plan = plan;
    this.options = options;
    this.fadeFrames = options.fadeFrames ?? FADE_FRAMES;
    this.keep = new Keep(options.keep ?? null);
    this.fades = new FadeClock(plan.fadeAfter, this.fadeFrames);
  }

  place(entry: NodeSpec): void {
    const { keep, mixer, options, transport, changes, fadeFrames } = this;
    const resume = options.resume !== undefined;
    const { frames } = options;
    const place = new Place(entry, { keep, mixer, frames, transport, changes, fadeFrames, resume });
    place.step.fanOut = options.eventFanOut ?? EVENT_FAN_OUT;
    for (const { line } of place.step.dry) if (line !== null) this.lines.push(line);
    this.places.push(place);
  }

  /** The next step; null: there is more to do. Throws BelljarError session/memory. */
  step(): Graph | null {
    const { plan, carriers, places, mixer } = this;
    if (carriers.length === 0) this.sayFarewells();
    const wire = plan.wires[carriers.length];
    if (wire !== undefined) {
      carriers.push(this.join(wire));
      return null;
    }
    if (this.bound === 0) mixer.commit();
    const place = places[this.bound];
    if (place === undefined) return this.graph();
    this.bound++;
    place.bind();
    return null;
  }

  /** Before all other wires: what they bring begins after it. */
  private sayFarewells(): void {
    if (this.farewells.length > 0) return;
    for (const { node, port } of this.plan.farewells) {
      const end = new EventBuffer(1);
      end.push(0, EventType.AllNotesOff, 0, -1, -1, -1, 0, 0);
      this.farewells.push(end);
      (this.places[node] as Place).step.events.connect(new EventWire(end, null, 0, port));
    }
  }

  private join(wire: PlannedWire): DelayLine | HeldSlot | EventQueue | ControlWire | null {
    const from = this.places[wire.from] as Place;
    const to = this.places[wire.to] as Place;
    if (wire.kind === "audio") return this.joinAudio(wire, from, to);
    return wire.kind === "event" ? this.joinEvents(wire, from, to) : this.joinControls(wire, from, to);
  }

  private joinAudio(wire: PlannedWire, from: Place, to: Place): DelayLine | HeldSlot | null {
    const { mixer, keep, held } = this;
    const output = from.output(wire.fromPort);
    output.connected = true;
    let { slot } = output;
    let line: DelayLine | null = null;
    let kept: HeldSlot | null = null;
    if (wire.feedback) {
      kept = held.get(slot) ?? new HeldSlot(mixer, keep, slot);
      held.set(slot, kept);
      slot = kept.output;
    } else if (wire.delay > 0) {
      line = new DelayLine(mixer, keep, slot, wire.delay);
      this.lines.push(line);
      slot = line.output;
    }
    const fading = wire.fade === Fade.None ? null : new FadingSlot(mixer, slot, this.fades, wire.fade);
    to.input(wire.toPort).connect(fading?.output ?? slot, line, wire.channel, fading);
    return line ?? kept;
  }

  private joinEvents(wire: PlannedWire, from: Place, to: Place): EventQueue | null {
    const { frames } = this.options;
    const source = from.step.node.eventsOut;
    const { fromPort, toPort, feedback, delay } = wire;
    if (!feedback && delay === 0) {
      const direct = new EventWire(source, null, fromPort, toPort);
      from.step.readers.push(direct);
      to.step.events.connect(direct);
      return null;
    }
    const queue = new EventQueue(source, fromPort, feedback ? frames : delay, frames, this.keep);
    (feedback ? this.heldEvents : this.lateEvents).push(queue);
    from.step.readers.push(queue);
    to.step.events.connect(new EventWire(queue, feedback ? null : queue, fromPort, toPort));
    return queue;
  }

  private joinControls(wire: PlannedWire, from: Place, to: Place): ControlWire {
    const { ports, controlsOut } = from.step.node;
    const port = ports[wire.fromPort] as PortDescriptor;
    const control = new ControlWire(controlsOut, controlSlot(ports, wire.fromPort), port, wire.feedback);
    from.step.leaving.push(control);
    if (wire.feedback) this.heldValues.push(control);
    const input = to.knobs[controlSlot(to.step.node.ports, wire.toPort)] as ControlInput;
    input.connect(control);
    if (!to.step.controls.includes(input)) to.step.controls.push(input);
    return control;
  }

  private graph(): Graph {
    const { plan, places, options } = this;
    const { master, order } = plan;
    const { clock, frames, timing, resume } = options;
    const graph = new Graph({
      frames,
      steps: order.filter((index) => index !== master).map((index) => (places[index] as Place).step),
      byNode: places.map((place, index) => (index === master ? null : place.step)),
      knobs: places.map((place) => place.knobs),
      masterInput: (places[master] as Place).step.inputs[0] as AudioInput,
      lines: this.lines,
      heldSound: [...this.held.values()],
      heldEvents: this.heldEvents,
      lateEvents: this.lateEvents,
      heldValues: this.heldValues,
      farewells: this.farewells,
      carriers: this.carriers,
      fades: this.fades,
      plan,
      keep: this.keep,
      latency: plan.latency,
      transport: this.transport,
      changes: this.changes,
      clock: clock === undefined ? null : clockOf(clock),
      timing: timing ?? "turns",
    });
    if (resume !== undefined) graph.resume(resume);
    return graph;
  }
}

interface PlaceOptions {
  keep: Keep;
  mixer: Mixer;
  frames: number;
  transport: DataView;
  changes: TransportChanges;
  fadeFrames: number;
  resume: boolean;
}

/** A node while it is being wired. */
class Place {
  readonly step: NodeStep;
  /** By slot of controlsIn. */
  readonly knobs: (ControlInput | null)[];
  private readonly byPort = new Map<number, AudioInput | AudioOutput>();

  constructor(entry: NodeSpec, options: PlaceOptions) {
    const { node } = entry;
    const { keep, mixer, frames, transport, changes, fadeFrames, resume } = options;
    const events = new EventInputs(node.eventsIn, hearsChanges(node) ? changes : null, node.arena);
    this.step = new NodeStep(entry.id, node, events, transport, fadeFrames);
    for (const audio of node.audio) {
      const port = node.ports[audio.index] as PortDescriptor;
      if (isInput(port)) this.add(audio, new AudioInput(mixer, audio, frames), this.step.inputs);
      else this.add(audio, new AudioOutput(mixer, audio, frames), this.step.outputs);
    }
    const ports = node.ports.filter((port) => port.type === "control" && isInput(port));
    const knobs = keep.numbers(ports.length);
    this.knobs = ports.map((port, slot) =>
      port.hint === "graph_editor" ? null : new ControlInput(node.controlsIn, slot, port, knobs, resume),
    );
    if (entry.passDry === true) this.addDryPaths(node, options);
  }

  /** The first input to the first output, and so on; sidechains and monitors stay out. */
  private addDryPaths(node: GraphNode, { mixer, keep, frames }: PlaceOptions): void {
    const withRole = (role: PortDescriptor["role"]): NodeAudioPort[] =>
      node.audio.filter((audio) => (node.ports[audio.index] as PortDescriptor).role === role);
    const inputs = withRole("input");
    for (const [i, port] of withRole("output").entries()) {
      const input = inputs[i];
      if (input === undefined) return;
      const [from, to] = [this.input(input.index), this.output(port.index)];
      this.step.dry.push(new DryPath(mixer, keep, from, to, port, frames, node.latency));
    }
  }

  private add<T extends AudioInput | AudioOutput>(audio: NodeAudioPort, made: T, list: T[]): void {
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
