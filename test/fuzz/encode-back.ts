// Whether what the parser made of a module says what the module says: its parts are encoded again, in order, and the
// module's bytes must hold just that. Numbers may have been padded; custom sections are passed over.

import type { Code } from "../../runtime/sandbox/body.ts";
import { EXTERNREF, FUNCREF, Kind, type Module } from "../../runtime/sandbox/module.ts";
import { Immediate, OPCODES } from "../../runtime/sandbox/opcodes.ts";
import { bodiesOf, encodeOpcode, readLeb, sectionsOf } from "./binary.ts";

/** A place in the original bytes, where something certain must stand. */
class Original {
  readonly bytes: Uint8Array;
  readonly what: string;
  at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.bytes = bytes;
    this.what = what;
  }

  private differs(expected: string): never {
    throw new Error(`${this.what}, byte ${this.at}: the parser says ${expected}, which does not stand there`);
  }

  byte(value: number): void {
    if (this.bytes[this.at] !== value) this.differs(`0x${value.toString(16)}`);
    this.at++;
  }

  u32(value: number): void {
    const { unsigned, end } = readLeb(this.bytes, this.at);
    if (unsigned !== BigInt(value)) this.differs(`the number ${value}`);
    this.at = end;
  }

  s32(value: number): void {
    const { signed, end } = readLeb(this.bytes, this.at);
    if (signed !== BigInt(value)) this.differs(`the number ${value}`);
    this.at = end;
  }

  raw(bytes: Uint8Array): void {
    for (const byte of bytes) this.byte(byte);
  }

  name(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u32(bytes.length);
    this.raw(bytes);
  }

  /** Passes over a number that the parser does not keep. */
  number(): void {
    this.at = readLeb(this.bytes, this.at).end;
  }

  done(): void {
    if (this.at !== this.bytes.length) this.differs("that it ends");
  }

  get next(): number {
    return this.bytes[this.at];
  }
}

/** Throws where `module` and `codes` are not what `module.bytes` holds. */
export function checkEncodedBack(module: Module, codes: readonly Code[]): void {
  let seen = 0;
  for (const { id, bytes } of sectionsOf(module.bytes)) {
    if (id === 0) continue;
    const o = new Original(bytes, `section ${id}`);
    seen |= 1 << id;
    section(id, o, module, codes);
    o.done();
  }
  // What the parser found must have stood in a section.
  const found: [number, boolean][] = [
    [1, module.types.length > 0],
    [2, module.imports.length > 0],
    [4, module.tables.length > 0],
    [5, module.memory !== null],
    [6, module.globals.length > 0],
    [7, module.exports.length > 0],
    [8, module.start !== null],
    [9, module.elements.length > 0],
    [10, module.bodies.length > 0],
    [11, module.data.length > 0],
  ];
  for (const [id, some] of found) {
    if (some && !(seen & (1 << id))) throw new Error(`the parser found section ${id}, which is not there`);
  }
}

function section(id: number, o: Original, m: Module, codes: readonly Code[]): void {
  const limits = ({ minimum, maximum }: { minimum: number; maximum: number | null }): void => {
    o.byte(maximum === null ? 0 : 1);
    o.u32(minimum);
    if (maximum !== null) o.u32(maximum);
  };
  switch (id) {
    case 1:
      o.u32(m.types.length);
      for (const { params, results } of m.types) {
        o.byte(0x60);
        for (const list of [params, results]) {
          o.u32(list.length);
          for (const type of list) o.byte(type);
        }
      }
      break;
    case 2:
      o.u32(m.imports.length);
      for (const { module: from, name, kind, type } of m.imports) {
        o.name(from);
        o.name(name);
        o.byte(kind);
        if (kind !== Kind.Function) throw new Error("an import that is no function was accepted");
        o.u32(type);
      }
      break;
    case 3: {
      const own = m.functions.slice(m.importedFunctions);
      o.u32(own.length);
      for (const type of own) o.u32(type);
      break;
    }
    case 4:
      o.u32(m.tables.length);
      for (const table of m.tables) {
        o.byte(FUNCREF);
        limits(table);
      }
      break;
    case 5:
      o.u32(m.memory === null ? 0 : 1);
      if (m.memory !== null) limits({ minimum: m.memory.initial, maximum: m.memory.maximum });
      break;
    case 6:
      o.u32(m.globals.length);
      for (const { type, mutable, init } of m.globals) {
        o.byte(type);
        o.byte(mutable ? 1 : 0);
        o.raw(init);
      }
      break;
    case 7:
      o.u32(m.exports.length);
      for (const { name, kind, index } of m.exports) {
        o.name(name);
        o.byte(kind);
        o.u32(index);
      }
      break;
    case 8:
      o.u32(m.start as number);
      break;
    case 9:
      elements(o, m);
      break;
    case 10: {
      const bodies = bodiesOf(o.bytes);
      if (bodies.length !== m.bodies.length) throw new Error("another number of bodies");
      bodies.forEach((bytes, i) => body(new Original(bytes, `body ${i}`), m, i, codes[i]));
      o.at = o.bytes.length;
      break;
    }
    case 11:
      o.u32(m.data.length);
      for (const { offset, bytes } of m.data) {
        const named = o.next === 2;
        if (offset === null || named) o.number();
        else o.u32(0);
        if (named) o.u32(0);
        if (offset !== null) constant(o, offset);
        o.u32(bytes.length);
        o.raw(bytes);
      }
      break;
    case 12:
      o.u32(m.data.length);
      break;
    default:
      throw new Error(`section ${id} was accepted`);
  }
}

function constant(o: Original, value: number): void {
  o.byte(0x41);
  o.s32(value | 0);
  o.byte(0x0b);
}

function elements(o: Original, m: Module): void {
  o.u32(m.elements.length);
  for (const { table, offset, functions } of m.elements) {
    const flags = Number(readLeb(o.bytes, o.at).unsigned);
    o.number();
    if (flags & 1 || flags > 6) throw new Error(`an element segment of kind ${flags} was accepted`);
    if (flags & 2) o.u32(table);
    else if (table !== 0) throw new Error("an element segment without a table is not of table 0");
    constant(o, offset);
    if (flags & 2) o.byte(flags & 4 ? FUNCREF : 0);
    o.u32(functions.length);
    for (const index of functions) {
      if (!(flags & 4)) {
        o.u32(index);
        continue;
      }
      o.byte(index < 0 ? 0xd0 : 0xd2);
      if (index < 0) o.number();
      else o.u32(index);
      o.byte(0x0b);
    }
  }
}

function body(o: Original, m: Module, index: number, code: Code): void {
  const type = m.types[m.functions[m.importedFunctions + index]];
  // Groups of locals, as the original has them, must add up to the parser's list.
  const { locals, start, end } = m.bodies[index];
  const groups = Number(readLeb(o.bytes, 0).unsigned);
  o.number();
  let next = 0;
  for (let n = 0; n < groups; n++) {
    const count = Number(readLeb(o.bytes, o.at).unsigned);
    o.number();
    const kind = o.next;
    if (kind === FUNCREF || kind === EXTERNREF)
      throw new Error("a local that holds a reference was accepted");
    o.at++;
    if (locals.subarray(next, next + count).some((local) => local !== kind))
      throw new Error("a local of another type");
    next += count;
  }
  if (next !== locals.length) throw new Error(`body ${index} has ${next} locals, not ${locals.length}`);
  if (code.locals.join() !== [...type.params, ...locals].join()) throw new Error("the code has other locals");

  const shift = start - o.at;
  if (end - shift !== o.bytes.length) throw new Error(`body ${index} is elsewhere`);
  code.op.forEach((op, i) => {
    if (code.at[i] - shift !== o.at) throw new Error(`${o.what}: instruction ${i} is not at byte ${o.at}`);
    instruction(o, op, code.a[i]);
    if (code.end[i] - shift !== o.at)
      throw new Error(`${o.what}: instruction ${i} does not end at byte ${o.at}`);
  });
  o.done();
}

function instruction(o: Original, op: number, a: number): void {
  const known = OPCODES.get(op);
  if (known === undefined) throw new Error(`instruction 0x${op.toString(16)} was accepted`);
  if (op <= 0xff) o.byte(op);
  else {
    o.byte(encodeOpcode(op)[0]);
    o.u32(op & 0xfff);
  }
  const skip = (count: number): void => {
    o.at += count;
  };
  switch (known.immediate) {
    case Immediate.None:
      return;
    case Immediate.Block:
    case Immediate.I32:
      return o.s32(a);
    case Immediate.Label:
    case Immediate.Function:
    case Immediate.Local:
    case Immediate.Global:
    case Immediate.Data:
      return o.u32(a);
    case Immediate.IndirectCall:
      o.u32(a);
      return o.number();
    case Immediate.DataAndMemory:
      o.u32(a);
      return o.byte(0);
    case Immediate.LabelTable: {
      const count = Number(readLeb(o.bytes, o.at).unsigned);
      for (let n = 0; n < count + 2; n++) o.number();
      return;
    }
    case Immediate.SelectTypes:
      o.u32(1);
      return skip(1);
    case Immediate.Memory:
      o.number();
      return o.number();
    case Immediate.MemoryLane:
      o.number();
      o.number();
      return skip(1);
    case Immediate.MemoryIndex:
      return o.byte(0);
    case Immediate.MemoryPair:
      o.byte(0);
      return o.byte(0);
    case Immediate.I64:
      return o.number();
    case Immediate.F32:
      return skip(4);
    case Immediate.F64:
      return skip(8);
    case Immediate.V128:
    case Immediate.Lanes16:
      return skip(16);
    case Immediate.Lane:
      return skip(1);
  }
}
