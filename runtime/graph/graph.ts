// A built graph and its block loop: nodes in running order, then what the master heard.
//
// Everything here runs on one thread. `process` makes nothing, looks nothing up by name and never throws.

import type { Clock } from "../../abi/clock.ts";
import { TRANSPORT_BYTES } from "../../abi/layout.ts";
import type { GraphNode } from "./node.ts";
import type { AudioInput } from "./audio-wires.ts";
import type { ControlInput, ControlWire } from "./control-wires.ts";
import type { EventBuffer } from "./event-buffer.ts";
import type { EventQueue } from "./event-wires.ts";
import type { DelayLine, FadeClock, HeldSlot } from "./held-sound.ts";
import type { Keep } from "./keep.ts";
import type { Slot } from "./mixer.ts";
import type { GraphPlan } from "./plan.ts";
import { Replacement } from "./replacement.ts";
import { GraphState, takeOver } from "./state.ts";
import type { NodeStep } from "./step.ts";
import type { TransportChanges } from "./transport-changes.ts";

/** What the builder hands over. */
export interface GraphParts {
  frames: number;
  /** In running order, without the master. */
  steps: NodeStep[];
  /** By node as declared; the master's is null. */
  byNode: (NodeStep | null)[];
  /** By node as declared, by slot of controlsIn; null where no value is taken. */
  knobs: (ControlInput | null)[][];
  masterInput: AudioInput;
  lines: DelayLine[];
  heldSound: HeldSlot[];
  heldEvents: EventQueue[];
  /** Event wires held back to meet slower paths. */
  lateEvents: EventQueue[];
  heldValues: ControlWire[];
  /** Ends of notes, heard in the first block. */
  farewells: EventBuffer[];
  /** By wire of the plan: what another graph can go on with. */
  carriers: (DelayLine | HeldSlot | EventQueue | ControlWire | null)[];
  fades: FadeClock;
  plan: GraphPlan;
  keep: Keep;
  latency: number;
  transport: DataView;
  changes: TransportChanges;
  clock: Clock | null;
  timing: Timing;
}

/**
 * Which nodes are timed in a block: all of them, or one in turn, since reading the clock costs time and, on some
 * versions of Node, memory.
 */
export type Timing = "all" | "turns";

/** The master's ceiling: 0 dBFS. */
export const CEILING = 1;

export class Graph {
  /** Frames of every block. */
  readonly frames: number;
  /** In running order; the master, which comes last, has none. */
  readonly steps: readonly NodeStep[];
  /** By node, in the order of declaration. */
  readonly byNode: readonly (NodeStep | null)[];
  /** Frames by which what is heard lags the sources. */
  readonly latency: number;
  /** Written by the engine before each block; copied to the nodes that want it. */
  readonly transport: DataView;
  /** Likewise: how the transport changes inside the block. */
  readonly changes: TransportChanges;
  /** The block that was last processed. */
  readonly left: Float32Array;
  readonly right: Float32Array;

  /** Blocks processed. */
  block = 0;
  /** Largest magnitude that reached the master, before the ceiling: ever, and in the last block. */
  get peak(): number {
    return this.most[0] as number;
  }
  /** In an array of one element, since a number that is no integer would be a new object each time. */
  readonly level = new Float64Array(1);
  /** Samples that the ceiling held. */
  get clamped(): number {
    return this.held[0] as number;
  }
  set clamped(count: number) {
    this.held[0] = count;
  }
  /** Nodes that are at fault now, by place in `steps`, in the order in which they stopped. */
  readonly faults: Int32Array;
  faultCount = 0;

  private readonly most = new Float64Array(1);
  /** In an array too: a field that was never changed counts as a constant in compiled code, which is thrown away when it changes. */
  private readonly held = new Float64Array(1);
  /** When the node that is being timed began. */
  private readonly started = new Float64Array(1);
  private readonly given = new Float64Array(1);
  private readonly parts: GraphParts;
  private readonly state: GraphState;
  private readonly sum: Slot;
  private turn = 0;

  constructor(parts: GraphParts) {
    this.parts = parts;
    this.state = new GraphState(parts);
    this.frames = parts.frames;
    this.steps = parts.steps;
    this.byNode = parts.byNode;
    this.latency = parts.latency;
    this.transport = parts.transport;
    this.changes = parts.changes;
    this.faults = new Int32Array(parts.steps.length);
    this.sum = parts.masterInput.sum;
    this.left = this.sum.channelViews[0] as Float32Array;
    this.right = this.sum.channelViews[1] as Float32Array;
  }

  /** One block, into `left` and `right`. */
  process(): void {
    const { steps, parts, frames, block } = this;
    const clock = parts.clock;
    const all = clock !== null && parts.timing === "all";
    const { started } = this;
    if (all) {
      clock.read();
      started[0] = clock.time[0] as number;
    }
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as NodeStep;
      if (step.faultBlock >= 0) {
        step.sitOut(frames);
        continue;
      }
      if (clock === null || !(all || i === this.turn)) {
        step.run(frames, block);
      } else {
        if (!all) {
          clock.read();
          started[0] = clock.time[0] as number;
        }
        step.run(frames, block);
        clock.read();
        step.addTime(started, clock.time);
        started[0] = clock.time[0] as number;
      }
      if (step.faultBlock >= 0) this.faults[this.faultCount++] = i;
    }
    const sum = parts.masterInput.collect();
    let peak = 0;
    if (!sum.silent) {
      sum.measure();
      peak = sum.level[0] as number;
      // Called in every block, for the same reason: the first loud one is not the time to compile.
      const { held } = this;
      held[0] = (held[0] as number) + sum.clamp(CEILING, peak > CEILING ? frames : 0);
    }
    const { level, most } = this;
    level[0] = peak;
    if (peak > (most[0] as number)) most[0] = peak;
    this.keep();
    const { fades, farewells } = parts;
    if (!fades.over) {
      fades.at += frames;
      this.dismiss();
    }
    for (let i = 0; i < farewells.length; i++) (farewells[i] as EventBuffer).count = 0;
    this.block = block + 1;
    if (steps.length > 0) this.rest();
  }

  /** What goes away and has faded is no longer called. */
  private dismiss(): void {
    const { fades, plan, byNode } = this.parts;
    if (!fades.over) return;
    for (let i = plan.leaving; i < byNode.length; i++) {
      const step = byNode[i] as NodeStep | null;
      if (step !== null && step.faultBlock < 0) step.stop(this.block, null);
    }
  }

  /** What feedback wires give in the next block. */
  private keep(): void {
    const { heldSound, heldEvents, heldValues } = this.parts;
    for (let i = 0; i < heldSound.length; i++) (heldSound[i] as HeldSlot).keep();
    for (let i = 0; i < heldEvents.length; i++) {
      const queue = heldEvents[i] as EventQueue;
      queue.take();
      queue.advance(this.frames);
    }
    for (let i = 0; i < heldValues.length; i++) (heldValues[i] as ControlWire).keep();
  }

  /** Between two blocks one node does its waiting work; the turn goes round. */
  private rest(): void {
    const step = this.steps[this.turn] as NodeStep;
    if (step.faultBlock < 0) {
      step.idle(this.block);
      if (step.faultBlock >= 0) this.faults[this.faultCount++] = this.turn;
    }
    this.turn = this.turn + 1 < this.steps.length ? this.turn + 1 : 0;
  }

  /**
   * Sets a knob from the next block on. A wired input keeps it for the case that its wires end.
   * @param node in the order of declaration @param slot of the node's controlsIn
   */
  setControl(node: number, slot: number, value: number): void {
    this.given[0] = value;
    this.turnKnob(node, slot, this.given);
  }

  /** [audio] The same, with the value as one element: a number that is handed over may be a new object. */
  turnKnob(node: number, slot: number, value: Float64Array): void {
    const input = this.parts.knobs[node]?.[slot];
    if (input === undefined || input === null) return;
    input.turn(value);
    const step = this.byNode[node] as NodeStep;
    // A node at fault has nothing to write to; the next instance gets the value with all others.
    if (step.faultBlock < 0 && input.deliver()) step.wake();
  }

  /**
   * [control] Makes another instance ready to take a node's place.
   * @param node in the order of declaration @param instance activated for the graph's rate and block size
   * @throws BelljarError plugin/changed: it has other ports or another latency than the one that it is to replace
   */
  prepareReplacement(node: number, instance: GraphNode): Replacement {
    return new Replacement(this.byNode[node] as NodeStep, instance, this.frames, this.changes);
  }

  /**
   * [audio] Between blocks, without an allocation: from the next block on it plays, with the values that the knobs have
   * now. It fades in, after its latency.
   */
  replace(replacement: Replacement): void {
    const { step } = replacement;
    let kept = 0;
    for (let i = 0; i < this.faultCount; i++) {
      const place = this.faults[i] as number;
      if (this.steps[place] !== step) this.faults[kept++] = place;
    }
    this.faultCount = kept;
    step.replace(replacement);
    const knobs = this.parts.knobs[this.byNode.indexOf(step)] as (ControlInput | null)[];
    for (let i = 0; i < knobs.length; i++) knobs[i]?.rebind(step.node.controlsIn);
  }

  /** Bytes of shared memory in which the same graph keeps what another thread would go on with. */
  get keepBytes(): number {
    return this.parts.keep.bytes;
  }

  get plan(): GraphPlan {
    return this.parts.plan;
  }

  /** [audio] After a block: writes down what another thread would go on with. @param parity 0 and 1 in turns */
  save(parity: number): void {
    const { state, parts } = this;
    const to = state.of(parity);
    to[0] = this.block;
    to[1] = this.turn;
    to[2] = this.clamped;
    to[3] = parts.fades.at;
    to[4] = parts.farewells.length > 0 ? (parts.farewells[0] as EventBuffer).count : 0;
    state.save(parity);
  }

  /** Before the first block: goes on with what `save` wrote. */
  resume(parity: number): void {
    const { state, parts } = this;
    const from = state.of(parity);
    this.block = from[0] as number;
    this.turn = from[1] as number;
    this.clamped = from[2] as number;
    parts.fades.at = from[3] as number;
    for (const farewell of parts.farewells) farewell.count = from[4] as number;
    state.resume(parity);
    this.dismiss();
  }

  /**
   * [audio] Between blocks, for a node that goes on with another instance than the one before, with which the graph was
   * built: it gets the values that the knobs have, and fades in, after its latency.
   */
  arrive(node: number): void {
    this.byNode[node]?.begin();
    for (const knob of this.parts.knobs[node] as (ControlInput | null)[]) knob?.deliver();
  }

  /** [audio] Before the first block: goes on where the graph before stands, as the plan says what was what. */
  takeOver(former: Graph): void {
    this.block = former.block;
    this.turn = Math.min(former.turn, Math.max(0, this.steps.length - 1));
    this.clamped = former.clamped;
    this.level.set(former.level);
    this.most.set(former.most);
    takeOver(this.parts, former.parts);
  }

  /** Events that were lost on feedback and compensated wires for want of room. */
  get lostInQueues(): number {
    let lost = 0;
    for (const queue of this.parts.heldEvents) lost += queue.lost;
    for (const queue of this.parts.lateEvents) lost += queue.lost;
    return lost;
  }

  /** Forgets all sound and notes under way (after a jump). Not for the midst of a block. */
  reset(): void {
    for (const [place, step] of this.steps.entries()) {
      const well = step.faultBlock < 0;
      step.reset(this.block);
      if (well && step.faultBlock >= 0) this.faults[this.faultCount++] = place;
    }
    for (const line of this.parts.lines) line.clear();
    for (const held of this.parts.heldSound) held.output.silence();
    for (const queue of this.parts.heldEvents) queue.count = 0;
    for (const queue of this.parts.lateEvents) queue.count = 0;
  }
}

export function newTransport(): DataView {
  return new DataView(new ArrayBuffer(TRANSPORT_BYTES));
}
