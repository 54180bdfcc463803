// Mutations: of bytes that know nothing of what they are, of sections whose sizes go on to fit, and of instructions
// inside bodies that mostly stay valid.

import { type Code, decodeBody } from "../../runtime/sandbox/body.ts";
import { DEFAULT_LIMITS } from "../../runtime/sandbox/limits.ts";
import { type Module, parseModule } from "../../runtime/sandbox/module.ts";
import { Immediate, Op, OPCODES } from "../../runtime/sandbox/opcodes.ts";
import {
  assemble,
  bodiesOf,
  concat,
  encodeOpcode,
  leb,
  readLeb,
  type Section,
  sectionsOf,
  signedLeb,
  sized,
  vector,
} from "./binary.ts";
import type { Random } from "./random.ts";
import { alternatives } from "./signatures.ts";

type Bytes = Uint8Array<ArrayBuffer>;
const BYTES = [
  0x00, 0x01, 0x02, 0x0b, 0x0f, 0x10, 0x1f, 0x40, 0x41, 0x60, 0x6f, 0x70, 0x7b, 0x7f, 0x80, 0xfc, 0xfd, 0xff,
];

/** `bytes` with one thing changed that no encoding minds. `other` is what is spliced in. */
function mutateBytes(random: Random, bytes: Uint8Array, other: Uint8Array): Bytes {
  const at = random.below(bytes.length + 1);
  const upTo = (most: number): number => Math.min(bytes.length, at + 1 + random.below(most));
  const between = (end: number, middle: Uint8Array | number[]): Bytes =>
    concat([bytes.subarray(0, at), middle, bytes.subarray(end)]);
  const byte = bytes[Math.min(at, bytes.length - 1)] ?? 0;
  switch (random.below(9)) {
    case 0:
      return between(at + 1, [byte ^ (1 << random.below(8))]);
    case 1:
      return between(at + 1, [random.pick(BYTES)]);
    case 2:
      return between(at + 1, [random.below(256)]);
    case 3:
      return between(at, random.bytes(1 + random.below(4)));
    case 4:
      return between(upTo(8), []);
    case 5:
      return between(at, bytes.subarray(at, upTo(40)));
    case 6: {
      const from = random.below(other.length);
      return between(upTo(20), other.subarray(from, from + random.below(60)));
    }
    case 7: // a number made longer, of the same value where it was one
      return between(at + 1, [
        byte | 0x80,
        ...Array(random.below(4)).fill(0x80),
        random.pick([0, 0, 0x7f, 0x0f, 1]),
      ]);
    default:
      return between(
        at + 1,
        leb(random.pick([2 ** 32 - 1, 2 ** 31, 2 ** 28, 2 ** 20, 65_536, 20_001]), random.below(2)),
      );
  }
}

/** Sections in another order, twice, left out, taken from elsewhere, or changed inside. */
function mutateSections(random: Random, sections: Section[], other: Section[]): Section[] {
  const changed = [...sections];
  const index = random.below(changed.length);
  const section = changed[index];
  switch (random.below(8)) {
    case 0:
      changed.splice(random.below(changed.length), 0, ...changed.splice(index, 1));
      return changed;
    case 1:
      changed.splice(random.below(changed.length + 1), 0, section);
      return changed;
    case 2:
      changed.splice(index, 1);
      return changed;
    case 3: {
      const from = random.pick(other);
      const same = changed.findIndex(({ id }) => id === from.id);
      changed.splice(same < 0 ? random.below(changed.length + 1) : same, same < 0 ? 0 : 1, from);
      return changed;
    }
    case 4: {
      const { unsigned, end } = readLeb(section.bytes, 0);
      const count = Math.max(0, Number(BigInt.asUintN(32, unsigned)) + random.pick([-1, 1, 1000, 2 ** 30]));
      changed[index] = {
        id: section.id,
        bytes: concat([leb(count, random.below(3)), section.bytes.subarray(end)]),
      };
      return changed;
    }
    case 5:
      changed.splice(random.below(changed.length + 1), 0, {
        id: random.pick([0, 0, 12, 13, 14, 255]),
        bytes: random.chance(0.5) ? random.bytes(random.below(10)) : section.bytes,
      });
      return changed;
    default:
      if (section.bytes.length > 0) {
        const foreign = random.pick(other).bytes;
        changed[index] = {
          id: section.id,
          bytes: mutateBytes(random, section.bytes, foreign.length > 0 ? foreign : section.bytes),
        };
      }
      return changed;
  }
}

interface Instruction {
  op: number;
  a: number;
  bytes: Uint8Array | number[];
}

function instructionsOf(module: Module, code: Code): Instruction[] {
  return code.op.map((op, i) => ({
    op,
    a: code.a[i],
    bytes: module.bytes.subarray(code.at[i], code.end[i]),
  }));
}

/** One instruction changed for another that fits its place, as far as can be told. */
function changeInstruction(
  random: Random,
  module: Module,
  code: Code,
  instruction: Instruction,
): Instruction {
  const { op, a, bytes } = instruction;
  const immediate = OPCODES.get(op)?.immediate;
  const prefix = encodeOpcode(op);
  const tail = Array.from(bytes.slice(prefix.length));
  const write = (code_: number, immediates: number[]): Instruction => ({
    op: code_,
    a,
    bytes: [...encodeOpcode(code_), ...immediates],
  });
  const others = alternatives(op);
  switch (immediate) {
    case Immediate.Local: {
      const same = [...code.locals.keys()].filter((local) => code.locals[local] === code.locals[a]);
      const accesses = [Op.localGet, Op.localSet, Op.localTee];
      if (random.chance(0.1)) return write(random.pick(accesses), leb(a));
      return write(op, leb(random.pick(same)));
    }
    case Immediate.Global: {
      const type = module.globals[a]?.type;
      const same = [...module.globals.keys()].filter((global) => module.globals[global].type === type);
      return write(op, leb(random.pick(same)));
    }
    case Immediate.I32:
      return write(op, signedLeb(random.i32()));
    case Immediate.I64:
      return write(op, signedLeb(random.chance(0.5) ? random.i32() : -(2n ** 63n)));
    case Immediate.Label:
      if (random.chance(0.2)) return write(op === Op.br ? Op.brIf : Op.br, leb(a));
      return write(op, leb(random.below(a + (random.chance(0.2) ? 3 : 1))));
    case Immediate.Function: {
      const type = module.functions[a];
      const same = [...module.functions.keys()].filter((index) => module.functions[index] === type);
      return write(op, leb(random.pick(same)));
    }
    case Immediate.Memory:
      if (others.length > 0 && random.chance(0.6)) return write(random.pick(others), tail);
      return write(op, [
        ...tail.slice(0, 1),
        ...leb(random.pick([0, 1, 65_535, 2 ** 31, 2 ** 32 - 1, random.below(5_000)])),
      ]);
    case Immediate.F32:
      return write(op, [...random.bytes(4)]);
    case Immediate.F64:
      return write(op, [...random.bytes(8)]);
    case Immediate.V128:
      return write(op, [...random.bytes(16)]);
    case Immediate.Block:
      return write(random.pick(op === Op.if ? [op, Op.block] : [Op.block, Op.loop]), tail);
    default:
      return others.length > 0 ? write(random.pick(others), tail) : instruction;
  }
}

function balanced(row: readonly Instruction[]): boolean {
  let depth = 0;
  for (const { op } of row) {
    if (op === Op.block || op === Op.loop || op === Op.if) depth++;
    if (op === Op.end && --depth < 0) return false;
    if (op === Op.else && depth === 0) return false;
  }
  return depth === 0;
}

function mutateInstructions(
  random: Random,
  module: Module,
  code: Code,
  list: readonly Instruction[],
  foreign: readonly Instruction[],
): Instruction[] {
  const changed = [...list];
  const at = random.below(changed.length);
  // A row with as many ends as blocks, mostly: else nothing after it would be looked at.
  const some = (from: readonly Instruction[], most: number): Instruction[] => {
    for (let n = 0; n < 20; n++) {
      const start = random.below(from.length);
      const row = from.slice(start, start + 1 + random.below(most));
      if (balanced(row) || random.chance(0.01)) return row;
    }
    return [];
  };
  switch (random.below(12)) {
    case 0: {
      const gone = 1 + random.below(4);
      if (balanced(changed.slice(at, at + gone))) changed.splice(at, gone);
      break;
    }
    case 1:
      changed.splice(at, 0, ...some(changed, 12));
      break;
    case 2:
      changed.splice(at, 0, ...some(foreign, 12));
      break;
    case 3:
      if (balanced(changed.slice(at, at + 2))) changed.splice(at, 0, ...changed.splice(at + 1, 1));
      break;
    case 4: {
      const made = random.pick([
        [0x00],
        [0x01],
        [Op.i32Const, 0, Op.brIf, 0],
        [Op.i32Const, 1, Op.brIf, random.below(4)],
        [Op.block, 0x40, Op.end],
        [Op.loop, 0x40, Op.end],
        [Op.memorySize, 0, Op.drop],
        [Op.i32Const, 1, Op.memoryGrow, 0, Op.drop],
        [Op.return],
        [Op.i32Const, 7, Op.drop],
      ]);
      changed.splice(at, 0, { op: Op.nop, a: 0, bytes: made });
      break;
    }
    case 5: {
      const end = at + random.below(Math.min(changed.length - at, 10));
      if (!balanced(changed.slice(at, end))) break;
      changed.splice(end, 0, { op: Op.end, a: 0, bytes: [Op.end] });
      changed.splice(at, 0, { op: Op.block, a: 0, bytes: [random.pick([Op.block, Op.loop]), 0x40] });
      break;
    }
    default:
      changed[at] = changeInstruction(random, module, code, changed[at]);
  }
  return changed;
}

/** Changes inside the bodies of a module that the parser takes; null where it does not. */
function mutateBody(random: Random, bytes: Uint8Array, other: Uint8Array): Bytes | null {
  try {
    const module = parseModule(bytes, DEFAULT_LIMITS);
    if (module.bodies.length === 0) return null;
    const index = random.below(module.bodies.length);
    const code = decodeBody(module, index, DEFAULT_LIMITS);
    let list = instructionsOf(module, code);
    const from = random.chance(0.5) ? module : parseModule(other, DEFAULT_LIMITS);
    if (from.bodies.length === 0) return null;
    const source = decodeBody(from, random.below(from.bodies.length), DEFAULT_LIMITS);
    const foreign = instructionsOf(from, source);
    for (let n = random.pick([1, 1, 1, 2, 3]); n > 0 && list.length > 0; n--) {
      list = mutateInstructions(random, module, code, list, foreign);
    }
    const { locals } = module.bodies[index];
    const declared = concat([leb(locals.length), ...Array.from(locals, (type) => [1, type])]);
    const sections = sectionsOf(bytes);
    const bodies = bodiesOf(sections.find(({ id }) => id === 10)?.bytes ?? new Uint8Array([0]));
    bodies[index] = concat([declared, ...list.map((one) => one.bytes)]);
    const written = vector(bodies.map((body) => sized(body)));
    return assemble(sections.map((section) => (section.id === 10 ? { id: 10, bytes: written } : section)));
  } catch {
    return null;
  }
}

/** A mutant of `bytes`; `other` is a second module whose parts may come in. */
export function mutate(random: Random, bytes: Uint8Array, other: Uint8Array): Bytes {
  const kind = random.below(20);
  if (kind === 0) return new Uint8Array(bytes.slice(0, random.below(bytes.length)));
  if (kind < 5) {
    let mutant = new Uint8Array(bytes);
    for (let n = 1 + random.below(3); n > 0; n--) mutant = mutateBytes(random, mutant, other);
    return mutant;
  }
  if (kind < 10) {
    try {
      let sections = sectionsOf(bytes);
      for (let n = 1 + random.below(2); n > 0 && sections.length > 0; n--) {
        sections = mutateSections(random, sections, sectionsOf(other));
      }
      return assemble(sections);
    } catch {
      return mutateBytes(random, bytes, other);
    }
  }
  let mutant = mutateBody(random, bytes, other) ?? mutateBytes(random, bytes, other);
  if (random.chance(0.3)) mutant = mutateBody(random, mutant, other) ?? mutant;
  return mutant;
}
