// One node's share of a block: inputs in, process, outputs out; and what is counted about it.

import { ProcessState } from "../../abi/layout.ts";
import type { AudioInput, AudioOutput } from "./audio-wires.ts";
import type { ControlInput, ControlWire } from "./control-wires.ts";
import type { EventInputs } from "./event-wires.ts";
import type { GraphNode } from "./node.ts";

/** Nodes are held to +12 dBFS: 10^(12/20), as a float32. */
export const NODE_LIMIT: number = Math.fround(3.9810717);

export class NodeStep {
  readonly id: string;
  readonly node: GraphNode;
  readonly inputs: AudioInput[] = [];
  readonly outputs: AudioOutput[] = [];
  /** Control inputs that wires lead to; the others are written when they are set. */
  readonly controls: ControlInput[] = [];
  readonly events: EventInputs;
  /** Control wires that begin here. */
  readonly leaving: ControlWire[] = [];

  /** The block at which it stopped, or -1. */
  faultBlock = -1;
  /** What was thrown, where something was. */
  thrown: unknown = null;
  /** Blocks in which process was called. */
  calls = 0;
  /** Units in all, and the most in one block. */
  units = 0;
  mostUnits = 0;
  /** Largest magnitude of all outputs, before the limit. */
  peak = 0;
  /** Samples that the limit held. */
  limited = 0;
  /** Events that found no room in the node's list. */
  lostEvents = 0;
  /** Milliseconds of the blocks in which it was timed, and their number. */
  time = 0;
  timed = 0;

  private readonly transportTo: Uint8Array | null;
  private readonly transportFrom: Uint8Array;
  private asleep = false;

  constructor(id: string, node: GraphNode, events: EventInputs, transport: DataView) {
    this.id = id;
    this.node = node;
    this.events = events;
    this.transportFrom = new Uint8Array(transport.buffer, transport.byteOffset, transport.byteLength);
    const to = node.transport;
    this.transportTo = to === null ? null : new Uint8Array(to.buffer, to.byteOffset, transport.byteLength);
  }

  /** One block. Never throws. */
  run(frames: number, block: number): void {
    try {
      if (!this.attempt(frames)) this.stop(block, null);
    } catch (error) {
      this.stop(block, error);
    }
  }

  /** Between blocks. */
  idle(block: number): void {
    try {
      this.node.idle();
    } catch (error) {
      this.stop(block, error);
    }
  }

  /** From this block on the node is silence. */
  stop(block: number, thrown: unknown): void {
    this.faultBlock = block;
    this.thrown = thrown;
    for (let i = 0; i < this.outputs.length; i++) (this.outputs[i] as AudioOutput).silence();
    for (let i = 0; i < this.leaving.length; i++) (this.leaving[i] as ControlWire).dead = true;
    this.node.eventsOut.count = 0;
  }

  wake(): void {
    this.asleep = false;
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
    if (!awake) {
      for (let i = 0; i < outputs.length; i++) (outputs[i] as AudioOutput).silence();
      node.eventsOut.count = 0;
      return true;
    }
    if (this.transportTo !== null) this.transportTo.set(this.transportFrom);
    for (let i = 0; i < outputs.length; i++) (outputs[i] as AudioOutput).announce();
    const well = node.process(frames);
    const units = node.units;
    this.calls++;
    this.units += units;
    if (units > this.mostUnits) this.mostUnits = units;
    if (!well) return false;
    for (let i = 0; i < outputs.length; i++) {
      const output = outputs[i] as AudioOutput;
      output.take(NODE_LIMIT);
      if (output.peak > this.peak) this.peak = output.peak;
      this.limited += output.limited;
    }
    const state = node.processState;
    this.asleep = state === ProcessState.Sleep || state === ProcessState.QuietOk;
    return true;
  }
}
