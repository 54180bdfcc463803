// One node's share of a block: inputs in, process, outputs out; and what is counted about it.

import { EventType, ProcessState } from "../../abi/layout.ts";
import type { AudioInput, AudioOutput } from "./audio-wires.ts";
import type { ControlInput, ControlWire } from "./control-wires.ts";
import type { DryPath } from "./dry-path.ts";
import { EventBuffer } from "./event-buffer.ts";
import type { EventInputs, EventReader } from "./event-wires.ts";
import type { Kept } from "./keep.ts";
import type { GraphNode, NodeEvents } from "./node.ts";
import type { Replacement } from "./replacement.ts";

/** Nodes are held to +12 dBFS: 10^(12/20), as a float32. */
export const NODE_LIMIT: number = Math.fround(3.9810717);

/** Events that a node sends in a block, times the wires that take them: each is looked at and copied so often. */
export const EVENT_FAN_OUT = 16_384;

/** How far the fade of a node is that plays at its full level. */
const FADED = Number.MAX_SAFE_INTEGER;

// Places in its figures.
const UNITS = 0;
const PEAK = 1;
const TIME = 2;
const FIGURES = 3;

export class NodeStep implements Kept {
  readonly words = 2;
  readonly id: string;
  readonly inputs: AudioInput[] = [];
  readonly outputs: AudioOutput[] = [];
  /** What each output passes on while the node is at fault; empty: silence. */
  readonly dry: DryPath[] = [];
  /** Control inputs that wires lead to; the others are written when they are set. */
  readonly controls: ControlInput[] = [];
  readonly events: EventInputs;
  /** Control wires that begin here. */
  readonly leaving: ControlWire[] = [];
  /** What reads the events that it sends. */
  readonly readers: EventReader[] = [];

  /** The block at which it stopped, or -1: it plays. */
  faultBlock = -1;
  /** What was thrown, where something was. */
  thrown: unknown = null;
  /** Blocks in which it was not at fault, or came to be. */
  blocks = 0;
  /** Blocks in which process was called. */
  calls = 0;
  /** The most units in one block. */
  mostUnits = 0;
  /** Samples that the limit held. */
  limited = 0;
  /** Most events of a block, times `readers`. */
  fanOut = EVENT_FAN_OUT;
  /** Events that found no room in the node's list, and those that it sent beyond the fan-out. */
  lostEvents = 0;
  /** Blocks in which it was timed. */
  timed = 0;
  /** In arrays, since a number that is no small integer would be a new object each time. */
  private readonly figures = new Float64Array(FIGURES);
  /** Largest magnitude of all outputs in the last block, before the limit: one element. */
  readonly level = new Float64Array(1);
  /** Milliseconds of the last block in which it was timed: one element. */
  readonly took = new Float64Array(1);

  private playing: GraphNode;
  private transportTo: Uint8Array | null;
  private readonly transportFrom: Uint8Array;
  private asleep = false;
  /** Frames of a replacement's fade, and how many of them are over; below 0 while its latency lasts. */
  private readonly fadeFrames: number;
  private faded = FADED;
  /** Whether the dry sound of this block lies ready. */
  private dryReady = false;
  /** The end of all notes, from each event output: what a node at fault has begun, nobody else can end. */
  private readonly farewell: EventBuffer;
  /** Whether it has sent an event, and whether its farewell is yet to be sent. */
  private sent = false;
  private farewellDue = false;

  constructor(id: string, node: GraphNode, events: EventInputs, transport: DataView, fadeFrames: number) {
    this.id = id;
    this.playing = node;
    this.events = events;
    this.fadeFrames = fadeFrames;
    this.transportFrom = new Uint8Array(transport.buffer, transport.byteOffset, transport.byteLength);
    this.transportTo = transportBytes(node);
    this.farewell = allNotesOff(node);
  }

  /** Units in all. */
  get units(): number {
    return this.figures[UNITS] as number;
  }
  set units(value: number) {
    this.figures[UNITS] = value;
  }
  /** Largest magnitude of all outputs, before the limit. */
  get peak(): number {
    return this.figures[PEAK] as number;
  }
  set peak(value: number) {
    this.figures[PEAK] = value;
  }
  /** Milliseconds of the blocks in which it was timed. */
  get time(): number {
    return this.figures[TIME] as number;
  }

  /** A block was timed. @param from milliseconds, one element @param to the same */
  addTime(from: Float64Array, to: Float64Array): void {
    const { figures, took } = this;
    const time = (to[0] as number) - (from[0] as number);
    took[0] = time;
    figures[TIME] = (figures[TIME] as number) + time;
    this.timed++;
  }

  /** The one that plays now. */
  get node(): GraphNode {
    return this.playing;
  }

  /** One block. Never throws. */
  run(frames: number, block: number): void {
    this.blocks++;
    this.level[0] = 0;
    this.dryReady = false;
    try {
      if (!this.attempt(frames)) this.fail(block, null);
    } catch (error) {
      this.fail(block, error);
    }
  }

  /** One block while it is at fault: what is on its way to it goes on, so that another can take its place at any time. */
  sitOut(frames: number): void {
    this.level[0] = 0;
    this.events.pass(frames);
    this.farewell.count = 0;
    this.sayFarewell();
    this.dryReady = false;
    if (this.dry.length === 0) {
      for (let i = 0; i < this.inputs.length; i++) (this.inputs[i] as AudioInput).pass();
      return;
    }
    for (let i = 0; i < this.inputs.length; i++) (this.inputs[i] as AudioInput).gather();
    this.passDry();
  }

  /** Between blocks. */
  idle(block: number): void {
    try {
      this.node.idle();
      if (this.node.stopped === true) this.stop(block, null);
    } catch (error) {
      this.stop(block, error);
    }
  }

  /** Between blocks: forgets sound and notes. */
  reset(block: number): void {
    if (this.faultBlock < 0) {
      try {
        this.node.reset();
        if (this.node.stopped === true) this.stop(block, null);
      } catch (error) {
        this.stop(block, error);
      }
    }
    this.wake();
    for (let i = 0; i < this.outputs.length; i++) (this.outputs[i] as AudioOutput).silence();
  }

  /** From this block on the node is silent, sends nothing but the end of its notes, and is not called. */
  stop(block: number, thrown: unknown): void {
    this.faultBlock = block;
    this.thrown = thrown;
    for (let i = 0; i < this.outputs.length; i++) (this.outputs[i] as AudioOutput).silence();
    for (let i = 0; i < this.leaving.length; i++) (this.leaving[i] as ControlWire).dead = true;
    this.node.eventsOut.count = 0;
    this.farewellDue = this.sent;
  }

  /** Stops inside a block: what passes by is heard in this block already. */
  private fail(block: number, thrown: unknown): void {
    this.stop(block, thrown);
    this.sayFarewell();
    this.passDry();
  }

  private sayFarewell(): void {
    if (!this.farewellDue) return;
    this.farewellDue = false;
    this.farewell.count = this.farewell.capacity;
    for (let i = 0; i < this.readers.length; i++) (this.readers[i] as EventReader).source = this.farewell;
  }

  /** Between blocks, without an allocation: another instance plays from here on. */
  replace(replacement: Replacement): void {
    const { node } = replacement;
    this.playing = node;
    this.transportTo = replacement.transportTo;
    for (let i = 0; i < this.inputs.length; i++) {
      const { port, copy } = replacement.inputs[i] as Replacement["inputs"][0];
      (this.inputs[i] as AudioInput).rebind(port, copy);
    }
    for (let i = 0; i < this.outputs.length; i++) {
      const { port, copy } = replacement.outputs[i] as Replacement["outputs"][0];
      (this.outputs[i] as AudioOutput).rebind(port, copy);
    }
    this.events.rebind(node.eventsIn, replacement.changes, node.arena);
    for (let i = 0; i < this.readers.length; i++) (this.readers[i] as EventReader).source = node.eventsOut;
    for (let i = 0; i < this.leaving.length; i++) (this.leaving[i] as ControlWire).rebind(node.controlsOut);
    this.farewellDue = false;
    this.faultBlock = -1;
    this.thrown = null;
    this.begin();
  }

  /** Another instance than the one before plays from here on: it comes in after its latency. */
  begin(): void {
    this.sent = false;
    this.asleep = false;
    // What comes out until the latency is over is the silence that its delays hold.
    this.faded = -this.node.latency;
  }

  wake(): void {
    this.asleep = false;
  }

  save(to: Int32Array, at: number): void {
    // What it began has been ended already, where it is at fault.
    const sent = this.sent && this.faultBlock < 0;
    to[at] = (this.asleep ? 1 : 0) | (sent ? 2 : 0);
    to[at + 1] = Math.min(this.faded, this.fadeFrames);
  }
  resume(from: Int32Array, at: number): void {
    const flags = from[at] as number;
    this.asleep = (flags & 1) !== 0;
    this.sent = (flags & 2) !== 0;
    const faded = from[at + 1] as number;
    this.faded = faded < this.fadeFrames ? faded : FADED;
  }

  private attempt(frames: number): boolean {
    const { node, inputs, outputs, controls, events } = this;
    let awake = !this.asleep;
    if (events.deliver(frames)) awake = true;
    this.lostEvents += events.lost;
    for (let i = 0; i < controls.length; i++) {
      if ((controls[i] as ControlInput).deliver()) awake = true;
    }
    for (let i = 0; i < inputs.length; i++) {
      if ((inputs[i] as AudioInput).deliver()) awake = true;
    }
    const fading = this.faded < this.fadeFrames;
    if (fading || (this.dry.length > 0 && (this.dry[0] as DryPath).line !== null)) this.readyDry();
    if (!awake) {
      for (let i = 0; i < outputs.length; i++) (outputs[i] as AudioOutput).silence();
      node.eventsOut.count = 0;
      if (fading) this.fade(frames);
      return true;
    }
    if (this.transportTo !== null) this.transportTo.set(this.transportFrom);
    for (let i = 0; i < outputs.length; i++) (outputs[i] as AudioOutput).announce();
    const well = node.process(frames);
    const units = node.units;
    this.calls++;
    this.figures[UNITS] = (this.figures[UNITS] as number) + units;
    if (units > this.mostUnits) this.mostUnits = units;
    if (!well) return false;
    this.holdEvents(node.eventsOut);
    if (node.eventsOut.count > 0) this.sent = true;
    for (let i = 0; i < outputs.length; i++) (outputs[i] as AudioOutput).take(NODE_LIMIT);
    if (fading) this.fade(frames);
    this.count();
    const state = node.processState;
    this.asleep = state === ProcessState.Sleep || state === ProcessState.QuietOk;
    return true;
  }

  /** Bounded at the sender: what is taken by many wires costs all of them. The last ones are lost. */
  private holdEvents(sent: NodeEvents): void {
    const wires = this.readers.length;
    if (sent.count * wires <= this.fanOut) return;
    const most = Math.floor(this.fanOut / wires);
    this.lostEvents += sent.count - most;
    sent.count = most;
  }

  private count(): void {
    const { outputs, figures, level } = this;
    let peak = level[0] as number;
    for (let i = 0; i < outputs.length; i++) {
      const output = outputs[i] as AudioOutput;
      const here = output.level[0] as number;
      if (here > peak) peak = here;
      this.limited += output.limited;
    }
    level[0] = peak;
    if (peak > (figures[PEAK] as number)) figures[PEAK] = peak;
  }

  private readyDry(): void {
    if (this.dryReady) return;
    this.dryReady = true;
    for (let i = 0; i < this.dry.length; i++) (this.dry[i] as DryPath).run();
  }

  private passDry(): void {
    if (this.dry.length === 0) return;
    this.readyDry();
    for (let i = 0; i < this.dry.length; i++) {
      const { output, sound } = this.dry[i] as DryPath;
      output.pass(sound, NODE_LIMIT);
    }
    this.count();
  }

  private fade(frames: number): void {
    for (let i = 0; i < this.outputs.length; i++) {
      const output = this.outputs[i] as AudioOutput;
      output.fade(this.dryOf(output), this.faded, this.fadeFrames, NODE_LIMIT);
    }
    this.faded += frames;
  }

  private dryOf(output: AudioOutput): DryPath["sound"] | null {
    for (let i = 0; i < this.dry.length; i++) {
      const path = this.dry[i] as DryPath;
      if (path.output === output) return path.sound;
    }
    return null;
  }
}

function allNotesOff(node: GraphNode): EventBuffer {
  const outputs = node.ports.flatMap(({ type, role }, i) =>
    type === "event" && role === "output" ? [i] : [],
  );
  const list = new EventBuffer(outputs.length);
  for (const port of outputs) list.push(0, EventType.AllNotesOff, port, -1, -1, -1, 0, 0);
  list.count = 0;
  return list;
}

/** Where a node wants to be told the transport; null: nowhere. */
export function transportBytes(node: GraphNode): Uint8Array | null {
  const to = node.transport;
  return to === null ? null : new Uint8Array(to.buffer, to.byteOffset, to.byteLength);
}
