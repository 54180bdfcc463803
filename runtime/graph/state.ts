// What of a graph lasts from block to block, beside its nodes' own memory: written down after each block where another
// thread may have to go on, and taken over by the graph that an edit makes of it.

import { type ControlInput, ControlWire } from "./control-wires.ts";
import { EventQueue } from "./event-wires.ts";
import type { GraphParts } from "./graph.ts";
import { type DelayLine, HeldSlot } from "./held-sound.ts";
import type { Kept } from "./keep.ts";
import type { NodeStep } from "./step.ts";

/** Integers of the graph's own, in front of all others. */
export const GRAPH_WORDS = 8;

export class GraphState {
  private readonly parts: GraphParts;
  private readonly kept: readonly Kept[];
  private readonly words: readonly [Int32Array, Int32Array];
  private readonly values: readonly [Float64Array, Float64Array];

  constructor(parts: GraphParts) {
    const { keep, steps, lines, heldSound, heldValues } = parts;
    this.parts = parts;
    this.kept = [...steps, ...lines, ...heldSound];
    const words = this.kept.reduce((sum, one) => sum + one.words, GRAPH_WORDS);
    this.words = keep.copies(Int32Array, 4, words);
    this.values = keep.copies(Float64Array, 8, heldValues.length);
  }

  /** The graph's own integers. */
  of(parity: number): Int32Array {
    return this.words[parity] as Int32Array;
  }

  /** [audio] Between blocks. */
  save(parity: number): void {
    const { kept, parts } = this;
    const { heldSound, heldEvents, lateEvents, heldValues } = parts;
    const to = this.words[parity] as Int32Array;
    let at = GRAPH_WORDS;
    for (let i = 0; i < kept.length; i++) {
      const one = kept[i] as Kept;
      one.save(to, at);
      at += one.words;
    }
    for (let i = 0; i < heldSound.length; i++) (heldSound[i] as HeldSlot).saveSound(parity);
    for (let i = 0; i < heldEvents.length; i++) (heldEvents[i] as EventQueue).save(parity);
    for (let i = 0; i < lateEvents.length; i++) (lateEvents[i] as EventQueue).save(parity);
    const values = this.values[parity] as Float64Array;
    for (let i = 0; i < heldValues.length; i++) (heldValues[i] as ControlWire).save(values, i);
  }

  resume(parity: number): void {
    const { heldSound, heldEvents, lateEvents, heldValues } = this.parts;
    const from = this.words[parity] as Int32Array;
    let at = GRAPH_WORDS;
    for (const one of this.kept) {
      one.resume(from, at);
      at += one.words;
    }
    for (const held of heldSound) held.resumeSound(parity);
    for (const queue of [...heldEvents, ...lateEvents]) queue.resume(parity);
    const values = this.values[parity] as Float64Array;
    for (const [i, wire] of heldValues.entries()) wire.resume(values, i);
  }
}

/** [audio] Between blocks: the plan's nodes and wires go on with what those hold that they were. */
export function takeOver(to: GraphParts, from: GraphParts): void {
  const { plan } = to;
  const words = new Int32Array(8);
  for (const [node, was] of plan.was.entries()) {
    const step = to.byNode[node];
    const former = from.byNode[was];
    if (step == null || former == null) continue;
    former.save(words, 0);
    step.resume(words, 0);
    takeOverDry(step, former);
    for (const [slot, knob] of (to.knobs[node] as (ControlInput | null)[]).entries()) {
      const before = from.knobs[was]?.[slot];
      if (knob !== null && before != null) knob.knob = before.knob;
    }
  }
  for (const [node, heirOf] of plan.heirOf.entries()) if (heirOf >= 0) inherit(to, node, from, heirOf);
  for (const [index, { was }] of plan.wires.entries()) {
    const carrier = to.carriers[index];
    const former = from.carriers[was];
    if (carrier == null || former == null || carrier.constructor !== former.constructor) continue;
    if (carrier instanceof HeldSlot) carrier.takeOver(former as HeldSlot);
    else if (carrier instanceof EventQueue) carrier.takeOver(former as EventQueue);
    else if (carrier instanceof ControlWire) carrier.takeOver(former as ControlWire);
    else carrier.takeOver(former as DelayLine);
  }
}

function takeOverDry(step: NodeStep, former: NodeStep): void {
  for (const [i, { line }] of step.dry.entries()) {
    const before = former.dry[i]?.line ?? null;
    if (line !== null && before !== null) line.takeOver(before);
  }
}

/** A fresh instance gets the values of the one whose place it takes, where it has such a port. */
function inherit(to: GraphParts, node: number, from: GraphParts, former: number): void {
  const slotOf = (knobs: (ControlInput | null)[], id: string): ControlInput | null =>
    knobs.find((knob) => knob?.id === id) ?? null;
  for (const knob of to.knobs[node] as (ControlInput | null)[]) {
    const before = knob === null ? null : slotOf(from.knobs[former] as (ControlInput | null)[], knob.id);
    if (knob === null || before === null) continue;
    knob.knob = before.knob;
    knob.deliver();
  }
}
