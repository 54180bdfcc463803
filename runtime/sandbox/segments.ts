// Where a function's units are charged. A segment is a stretch of code that is charged at once, before any of it
// runs: short, and never reaching past a call that may ask the host, or a loop that is not counted, so that little is
// ever paid for and still to come.
// docs/metering.md argues why that bounds the time between two looks at the clock.

import type { Code } from "./body.ts";
import { Reader } from "./bytes.ts";
import { type CountedLoop, matchCountedLoop } from "./counted-loop.ts";
import { Op, OPCODES } from "./opcodes.ts";

/** Units of one segment, at most. */
export const STRETCH = 2_048;
/** Units that entering a loop takes beside its rounds: a counted loop's last test is among them. */
const LOOP_ENTRY = 8;

export interface Segments {
  /** Units charged when the function is entered. */
  entry: number;
  /** Units charged before an instruction runs, by its index. */
  before: Map<number, number>;
  /** Units charged at the start of each round of a loop, by the loop's index. */
  round: Map<number, number>;
  /** Loops that are charged a strip at a time, by index. */
  counted: Map<number, CountedLoop>;
}

interface Segment {
  /** The instruction that it is charged before. */
  at: number;
  /** The loop whose rounds it begins, or -1. */
  loop: number;
  weight: number;
}

interface Label {
  isLoop: boolean;
  /** Segments that branch to it. */
  from: Set<Segment>;
  /** Of an if that has had no else yet: the segment that decided it. */
  decided: Segment | null;
}

/** Units that a call of a function takes beside its instructions: its locals are set to zero. */
export const entryWeight = (code: Code): number => code.locals.length >> 2;

/** The instruction after the dead one at `i`: nested blocks are passed over whole. */
export function skipDead(code: Code, i: number): number {
  const op = code.op[i];
  if (op !== Op.block && op !== Op.loop && op !== Op.if) return i + 1;
  let end = code.partner[i] as number;
  while (code.op[end] === Op.else) end = code.partner[end] as number;
  return end + 1;
}

/** Labels of a br_table, the default last. */
export function tableLabels(bytes: Uint8Array, code: Code, i: number): number[] {
  const r = new Reader(bytes, (code.at[i] as number) + 1, code.end[i]);
  const count = r.u32();
  return Array.from({ length: count + 1 }, () => r.u32());
}

/**
 * Cuts a body into segments. A segment ends where the next instruction would make it heavier than STRETCH; behind a call
 * that may ask the host; at the start and the end of a loop, unless it is counted; and where control comes together that was in another one.
 * @param mayTick whether instruction `i` may get to the host's $tick in a function that it calls
 */
export function findSegments(
  bytes: Uint8Array,
  code: Code,
  mayTick: (op: number, i: number) => boolean,
): Segments {
  const last = code.op.length - 1;
  const all: Segment[] = [];
  const begin = (at: number, weight: number, loop = -1): Segment => {
    const segment = { at, loop, weight };
    all.push(segment);
    return segment;
  };
  const counted = new Map<number, CountedLoop>();
  const labels: Label[] = [{ isLoop: false, from: new Set(), decided: null }];
  let current = begin(-1, entryWeight(code));
  let live = true;
  const add = (i: number, weight: number): void => {
    if (current.weight > 0 && current.weight + weight > STRETCH) current = begin(i, 0);
    current.weight += weight;
  };
  const branch = (label: number): void => {
    labels[labels.length - 1 - label]?.from.add(current);
  };

  for (let i = 0; i < last; ) {
    const op = code.op[i] as number;
    if (code.dead[i] && op !== Op.end && op !== Op.else) {
      i = skipDead(code, i);
      continue;
    }
    const weight = (OPCODES.get(op) as { weight: number }).weight;
    if (op === Op.loop) {
      add(i, LOOP_ENTRY);
      const loop = (code.regionWeight.get(i) as number) <= STRETCH ? matchCountedLoop(code, i) : null;
      if (loop !== null) {
        counted.set(i, loop);
        i = (code.partner[i] as number) + 1;
        continue;
      }
      labels.push({ isLoop: true, from: new Set(), decided: null });
      current = begin(i + 1, weight, i);
      i++;
      continue;
    }
    add(i, weight);
    switch (op) {
      case Op.block:
        labels.push({ isLoop: false, from: new Set(), decided: null });
        break;
      case Op.if:
        labels.push({ isLoop: false, from: new Set(), decided: current });
        break;
      case Op.else: {
        const label = labels[labels.length - 1] as Label;
        if (live) label.from.add(current);
        if (label.decided !== current) current = begin(i + 1, 0);
        label.decided = null;
        live = true;
        break;
      }
      case Op.end: {
        const { isLoop, from, decided } = labels.pop() as Label;
        if (live) from.add(current);
        if (decided !== null) from.add(decided);
        if (isLoop || from.size !== 1 || !from.has(current)) current = begin(i + 1, 0);
        live = true;
        break;
      }
      case Op.br:
      case Op.brIf:
        branch(code.a[i] as number);
        if (op === Op.br) live = false;
        break;
      case Op.brTable:
        for (const label of tableLabels(bytes, code, i)) branch(label);
        live = false;
        break;
      case Op.return:
      case Op.unreachable:
        live = false;
        break;
      default:
        if (mayTick(op, i)) current = begin(i + 1, 0);
    }
    i++;
  }

  const segments: Segments = { entry: 0, before: new Map(), round: new Map(), counted };
  for (const { at, loop, weight } of all) {
    if (loop >= 0) segments.round.set(loop, weight);
    else if (at < 0) segments.entry = weight;
    else if (weight > 0) segments.before.set(at, (segments.before.get(at) ?? 0) + weight);
  }
  return segments;
}
