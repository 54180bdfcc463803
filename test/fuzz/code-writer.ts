// Writes one function body of random, valid instructions. It keeps the types on the operand stack in mind, so that
// odd shapes come about that a tree of expressions never has: operands left under a branch, blocks with parameters,
// dead code. Loops have a counter and mostly end.

import { F32, F64, type FunctionType, I32, I64, V128 } from "../../runtime/sandbox/module.ts";
import { Op } from "../../runtime/sandbox/opcodes.ts";
import { encodeOpcode, leb, signedLeb } from "./binary.ts";
import type { Random } from "./random.ts";
import { GIVING, type Signature, SIGNATURES } from "./signatures.ts";

export const VALUE_TYPES = [I32, I64, F32, F64, V128];
const RESULTLESS = SIGNATURES.filter(({ pushes }) => pushes.length === 0);
const COMPARISONS = [0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f];
const UPWARD = [Op.i32LtS, Op.i32LtU, Op.i32LeS, Op.i32LeU];
const DOWNWARD = [Op.i32GtS, Op.i32GtU, Op.i32GeS, Op.i32GeU];
const VOID = 0x40;

/** What a body may refer to. */
export interface Surroundings {
  types: FunctionType[];
  /** Type index of every function; the imported ones first. */
  functions: number[];
  globals: { type: number; mutable: boolean }[];
  tables: number[];
  segments: number;
  /** Nothing that is charged by more than its instruction: no bulk memory, no growth. */
  plain: boolean;
}

interface Frame {
  /** What a branch to it takes. */
  label: number[];
  results: number[];
  /** Types on the stack when it began. */
  height: number;
  /** A branch to it goes round. */
  loop?: boolean;
}

export class CodeWriter {
  private readonly random: Random;
  private readonly around: Surroundings;
  private readonly self: number;
  private readonly type: FunctionType;
  private readonly locals: number[];
  private readonly bytes: number[] = [];
  private readonly stack: number[] = [];
  private readonly frames: Frame[] = [];
  /** Locals that count rounds: nothing but their loop writes them. */
  private readonly frozen = new Set<number>();
  /** What is on the stack below here belongs to an instruction whose operands are being made. */
  private floor = 0;
  /** Branches reach no further out than this frame. */
  private barrier = 0;
  private steps: number;

  constructor(random: Random, around: Surroundings, self: number) {
    this.random = random;
    this.around = around;
    this.self = self;
    this.type = around.types[around.functions[self]];
    this.locals = [...this.type.params];
    const declared = random.chance(0.03) ? 200 : random.below(8);
    for (let n = declared; n > 0; n--) this.locals.push(random.pick(VALUE_TYPES));
    this.steps = random.chance(0.04) ? 400 : random.pick([0, 3, 10, 30, 60]);
  }

  /** The body: locals and instructions. */
  write(): Uint8Array<ArrayBuffer> {
    this.frames.push({ label: this.type.results, results: this.type.results, height: 0 });
    // Now and then so deep that labels take two bytes.
    const blocks = this.random.chance(0.02) ? 150 : 0;
    for (let n = 0; n < blocks; n++) this.open(Op.block, { bytes: [VOID], params: [], results: [] });
    this.run(0);
    for (let n = 0; n < blocks; n++) this.close();
    this.run(0);
    this.close();
    const declared = this.locals.slice(this.type.params.length);
    return Uint8Array.from([
      ...leb(declared.length),
      ...declared.flatMap((type) => [1, type]),
      ...this.bytes,
    ]);
  }

  private op(code: number, ...immediates: number[]): void {
    for (const byte of encodeOpcode(code)) this.bytes.push(byte);
    for (const byte of immediates) this.bytes.push(byte);
  }

  private local(type: number): number {
    return this.locals.push(type) - 1;
  }

  private run(depth: number): void {
    const most = this.random.below(12) + 1;
    for (let n = 0; n < most && this.steps > 0; n++) {
      this.steps--;
      this.statement(depth);
    }
  }

  /** Ends the innermost frame with its results on the stack. */
  private close(): void {
    const frame = this.frames[this.frames.length - 1];
    const above = this.stack.slice(frame.height);
    if (above.join() !== frame.results.join()) {
      while (this.stack.length > frame.height) this.drop();
      for (const type of frame.results) this.value(type, 1);
    }
    this.op(Op.end);
    this.frames.pop();
    this.stack.length = frame.height;
    this.stack.push(...frame.results);
  }

  private drop(): void {
    this.op(Op.drop);
    this.stack.pop();
  }

  /** Operands for `types`: as many as are there already, the rest made. */
  private operands(types: number[], depth: number): void {
    const floor = Math.max(this.floor, this.frames[this.frames.length - 1].height);
    let there = Math.min(types.length, this.stack.length - floor);
    while (there > 0 && types.slice(0, there).join() !== this.stack.slice(-there).join()) there--;
    if (this.random.chance(0.5)) there = 0;
    for (const type of types.slice(there)) this.value(type, depth);
  }

  private apply(pops: number, pushes: number[]): void {
    this.stack.length -= pops;
    this.stack.push(...pushes);
  }

  private memoryArgument({ alignment }: Signature): number[] {
    const offset = this.random.chance(0.9) ? this.random.below(300) : this.random.bits();
    return [...leb(this.random.below(alignment + 1)), ...leb(offset)];
  }

  private instruction(signature: Signature, depth: number): void {
    const { code, pops, pushes, alignment, lanes, name } = signature;
    const memory = /\.(load|store)/.test(name);
    if (memory) {
      this.value(I32, depth);
      if (this.random.chance(0.9)) {
        this.op(Op.i32Const, ...signedLeb(0xffff));
        this.op(Op.i32And);
      }
      for (const type of pops.slice(1)) this.value(type, depth);
    } else this.operands(pops, depth);
    if (memory) this.op(code, ...this.memoryArgument({ ...signature, alignment }));
    else if (name === "i8x16.shuffle") {
      this.op(code, ...Array.from({ length: 16 }, () => this.random.below(32)));
    } else this.op(code);
    if (lanes > 0) this.bytes.push(this.random.below(lanes));
    this.apply(pops.length, pushes);
  }

  private constant(type: number): void {
    const { random } = this;
    const float = (): number =>
      random.pick([0, -0, 1, -1.5, 0.5, 1e30, -1e-40, 300, 2 ** 31, Number.NaN, 1 / 0]);
    if (type === I32) this.op(Op.i32Const, ...signedLeb(random.i32()));
    else if (type === I64) {
      const wide = (BigInt(random.bits()) << 32n) | BigInt(random.bits());
      this.op(Op.i64Const, ...signedLeb(BigInt.asIntN(64, random.chance(0.7) ? BigInt(random.i32()) : wide)));
    } else if (type === F32) this.op(Op.f32Const, ...new Uint8Array(Float32Array.of(float()).buffer));
    else if (type === F64) this.op(Op.f64Const, ...new Uint8Array(Float64Array.of(float()).buffer));
    else {
      const lanes = random.chance(0.5)
        ? Float32Array.from([1, 2, 3, 4], float)
        : Int32Array.from([0, 0, 0, 0], () => random.i32());
      this.op(0xfd00c, ...new Uint8Array(lanes.buffer));
    }
    this.stack.push(type);
  }

  /** Puts one value of `type` on the stack, and takes none from it. */
  private value(type: number, depth: number): void {
    const { floor } = this;
    this.floor = this.stack.length;
    this.make(type, depth);
    this.floor = floor;
  }

  private make(type: number, depth: number): void {
    const { random } = this;
    const source = depth <= 0 ? random.below(5) : random.below(10);
    const locals = [...this.locals.keys()].filter((index) => this.locals[index] === type);
    const globals = [...this.around.globals.keys()].filter(
      (index) => this.around.globals[index].type === type,
    );
    if (source < 3 && locals.length > 0) this.op(Op.localGet, ...leb(random.pick(locals)));
    else if (source === 3 && globals.length > 0) this.op(Op.globalGet, ...leb(random.pick(globals)));
    else if (source >= 5 && this.steps > 0) {
      this.steps -= 0.3;
      if (source === 9 && type === I32 && random.chance(0.3)) this.size(depth - 1);
      else if (source === 8 && random.chance(0.3)) this.select(type, depth - 1);
      else if (source === 7 && random.chance(0.3)) this.blockValue(type, depth - 1);
      else this.instruction(random.pick(GIVING.get(type) as Signature[]), depth - 1);
      return;
    } else {
      this.constant(type);
      return;
    }
    this.stack.push(type);
  }

  /** memory.size or memory.grow. */
  private size(depth: number): void {
    if (this.around.plain || this.random.chance(0.5)) {
      this.op(Op.memorySize, 0);
      this.stack.push(I32);
      return;
    }
    if (this.random.chance(0.8)) this.op(Op.i32Const, this.random.below(3));
    else {
      this.value(I32, depth);
      this.stack.pop();
    }
    this.op(Op.memoryGrow, 0);
    this.stack.push(I32);
  }

  private select(type: number, depth: number): void {
    this.value(type, depth);
    this.value(type, depth);
    this.value(I32, depth);
    if (this.random.chance(0.3)) this.op(0x1c, 1, type);
    else this.op(Op.select);
    this.apply(3, [type]);
  }

  private blockValue(type: number, depth: number): void {
    this.op(Op.block, type);
    this.frames.push({ label: [type], results: [type], height: this.stack.length });
    this.run(depth);
    this.close();
  }

  private statement(depth: number): void {
    const { random } = this;
    const kind = random.below(100);
    if (kind < 16) this.instruction(random.pick(RESULTLESS), 2);
    else if (kind < 30) this.writeLocal();
    else if (kind < 35) this.writeGlobal();
    else if (kind < 43) this.value(random.pick(VALUE_TYPES), 3);
    else if (kind < 46 && this.stack.length > this.frames[this.frames.length - 1].height) this.drop();
    else if (kind < 54 && depth < 8) this.block(depth);
    else if (kind < 60 && depth < 8) this.ifElse(depth);
    else if (kind < 66 && depth < 6) this.loop(depth);
    else if (kind < 75 && depth < 5) this.countedLoop(depth);
    else if (kind < 81) this.branchIf();
    else if (kind < 83) this.leave();
    else if (kind < 89) this.call();
    else if (kind < 92) this.callIndirect();
    else if (kind < 96 && !this.around.plain) this.bulk();
    else if (kind < 99 && depth < 6) this.choose(depth);
    else this.op(Op.nop);
  }

  private writeLocal(): void {
    const free = [...this.locals.keys()].filter((index) => !this.frozen.has(index));
    if (free.length === 0) return;
    const index = this.random.pick(free);
    this.operands([this.locals[index]], 3);
    if (this.random.chance(0.3)) this.op(Op.localTee, ...leb(index));
    else {
      this.op(Op.localSet, ...leb(index));
      this.stack.pop();
    }
  }

  private writeGlobal(): void {
    const mutable = [...this.around.globals.keys()].filter((index) => this.around.globals[index].mutable);
    if (mutable.length === 0) return;
    const index = this.random.pick(mutable);
    this.operands([this.around.globals[index].type], 3);
    this.op(Op.globalSet, ...leb(index));
    this.stack.pop();
  }

  /** A block type: nothing, one result, or a type of the module whose operands are made first. */
  private blockType(): { bytes: number[]; params: number[]; results: number[] } {
    const { random } = this;
    const kind = random.below(4);
    if (kind === 0 && this.around.types.length > 0) {
      const index = random.below(this.around.types.length);
      const { params, results } = this.around.types[index];
      if (params.length <= 4) {
        this.operands(params, 2);
        return { bytes: signedLeb(index), params, results };
      }
    }
    if (kind === 1) {
      const type = random.pick(VALUE_TYPES);
      return { bytes: [type], params: [], results: [type] };
    }
    return { bytes: [VOID], params: [], results: [] };
  }

  private open(code: number, type: { bytes: number[]; params: number[]; results: number[] }): void {
    this.op(code, ...type.bytes);
    const label = code === Op.loop ? type.params : type.results;
    const height = this.stack.length - type.params.length;
    this.frames.push({ label, results: type.results, height, loop: code === Op.loop });
  }

  private block(depth: number): void {
    this.open(Op.block, this.blockType());
    this.run(depth + 1);
    this.close();
  }

  private ifElse(depth: number): void {
    const type = this.blockType();
    this.value(I32, 2);
    if (this.random.chance(0.5)) {
      this.op(Op.i32Const, 1 << this.random.below(3));
      this.op(Op.i32And);
    }
    this.stack.pop();
    const above = this.stack.slice();
    this.open(Op.if, type);
    this.run(depth + 1);
    const frame = this.frames[this.frames.length - 1];
    if (type.params.join() !== type.results.join() || this.random.chance(0.6)) {
      this.close();
      this.bytes.pop();
      this.op(Op.else);
      this.stack.splice(0, this.stack.length, ...above);
      this.frames.push(frame);
      this.run(depth + 1);
    }
    this.close();
  }

  /** Blocks in blocks and a br_table inside that chooses between their ends; behind each end, code. */
  private choose(depth: number): void {
    const { random } = this;
    const arms = 2 + random.below(3);
    for (let n = 0; n < arms; n++) {
      this.op(Op.block, VOID);
      this.frames.push({ label: [], results: [], height: this.stack.length });
    }
    this.value(I32, 2);
    if (random.chance(0.7)) {
      this.op(Op.i32Const, 3);
      this.op(Op.i32And);
    }
    const targets = Array.from({ length: random.below(6) }, () => random.below(arms));
    this.op(Op.brTable, ...leb(targets.length), ...targets, random.below(arms));
    this.stack.pop();
    for (let n = 0; n < arms; n++) {
      this.close();
      if (random.chance(0.7)) this.run(depth + 1);
      if (n + 2 < arms && random.chance(0.4)) {
        this.op(Op.br, random.below(arms - n - 1));
        this.stack.length = this.frames[this.frames.length - 1].height;
      }
    }
  }

  /** Goes on where a counter says so: `br_if` to the loop from wherever this is called. */
  private again(counter: number, loop: number): void {
    this.op(Op.localGet, ...leb(counter));
    this.op(Op.i32Const, 1);
    this.op(Op.i32Sub);
    this.op(Op.localTee, ...leb(counter));
    this.op(Op.i32Const, 0);
    this.op(Op.i32GtS);
    this.op(Op.brIf, ...leb(this.frames.length - 1 - loop));
  }

  /** A loop that is gone into again from several places, blocks inside it too. */
  private loop(depth: number): void {
    const { random } = this;
    const type = this.blockType();
    const counter = this.local(I32);
    this.frozen.add(counter);
    this.op(Op.i32Const, ...signedLeb(random.pick([0, 1, 2, 7, depth > 0 ? 3 : 40])));
    this.op(Op.localSet, ...leb(counter));
    this.open(Op.loop, type);
    const at = this.frames.length - 1;
    const parts = random.below(3) + 1;
    for (let n = 0; n < parts; n++) {
      this.run(depth + 1);
      if (random.chance(0.3)) {
        this.op(Op.block, VOID);
        this.frames.push({ label: [], results: [], height: this.stack.length });
        this.run(depth + 2);
        this.continueAt(counter, at);
        this.close();
      } else this.continueAt(counter, at);
    }
    this.close();
    if (random.chance(0.7)) this.frozen.delete(counter);
  }

  private continueAt(counter: number, loop: number): void {
    const { label } = this.frames[loop];
    for (const type of label) this.value(type, 1);
    this.again(counter, loop);
    for (const _ of label) if (this.random.chance(0.7)) this.drop();
  }

  /** The pattern that the meter charges ahead, and, one time in three, something that only looks like it. */
  private countedLoop(depth: number): void {
    const { random } = this;
    const odd = random.chance(0.33) ? random.below(7) : -1;
    const counter = this.local(I32);
    const bound = this.local(I32);
    const guard = this.local(I32);
    for (const local of [counter, bound, guard]) this.frozen.add(local);
    const step = random.pick([1, 1, 1, -1, 2, 4, -4, 3, 16, 65_536, -65_536, 65_537, 0, random.i32()]);
    const start = random.pick([
      0,
      0,
      random.i32(),
      0x7fffffff - random.below(30),
      -0x80000000 + random.below(30),
    ]);
    const rounds = random.pick(depth > 0 ? [0, 1, 3, 10] : [0, 1, 3, 10, 100, 700]);
    const end = random.chance(0.8)
      ? (start + Math.imul(step, rounds) + random.below(3) - 1) | 0
      : random.i32();
    const leading = random.chance(0.75) ? (step > 0 ? UPWARD : DOWNWARD) : COMPARISONS;
    const comparison = random.pick(Math.abs(step) === 1 ? [...leading, Op.i32Ne] : leading);
    const sides: (() => void)[] = [
      () => this.op(Op.localGet, ...leb(counter)),
      random.chance(0.3)
        ? () => this.op(Op.i32Const, ...signedLeb(end))
        : () => this.op(Op.localGet, ...leb(bound)),
    ];
    if (random.chance(0.3)) sides.reverse();
    for (const [local, value] of [
      [counter, start],
      [bound, end],
      [guard, depth > 0 ? 40 : 3_000],
    ]) {
      this.op(Op.i32Const, ...signedLeb(value));
      this.op(Op.localSet, ...leb(local));
    }
    // A block around it: the guard's way out, for loops that wrap and would go on and on.
    this.op(Op.block, VOID);
    const outside = this.frames.push({ label: [], results: [], height: this.stack.length }) - 1;
    this.op(Op.loop, VOID);
    this.frames.push({ label: [], results: [], height: this.stack.length, loop: true });
    for (const side of sides) side();
    this.op(comparison);
    this.op(Op.if, VOID);
    this.frames.push({ label: [], results: [], height: this.stack.length });
    const barrier = this.barrier;
    if (odd !== 0) this.barrier = this.frames.length;
    this.guard(guard, outside, rounds > 200 || random.chance(0.5));
    const advance = (): void => {
      this.op(Op.localGet, ...leb(counter));
      this.op(Op.i32Const, ...signedLeb(step));
      this.op(Op.i32Add);
      if (random.chance(0.7)) this.op(Op.localSet, ...leb(counter));
      else {
        this.op(Op.localTee, ...leb(counter));
        this.stack.push(I32);
        if (random.chance(0.8)) this.drop();
      }
    };
    const before = random.chance(0.8);
    if (before) this.run(depth + 1);
    if (odd === 1) {
      this.op(Op.block, VOID);
      this.frames.push({ label: [], results: [], height: this.stack.length });
      // in every second or fourth round the step is passed over
      this.op(Op.localGet, ...leb(guard));
      this.op(Op.i32Const, random.pick([1, 3]));
      this.op(Op.i32And);
      this.op(Op.brIf, 0);
      advance();
      this.close();
    } else advance();
    if (!before || random.chance(0.2)) this.run(depth + 1);
    if (odd === 2) advance();
    if (odd === 3) {
      if (random.chance(0.5)) this.value(I32, 1);
      else {
        this.op(Op.localGet, ...leb(bound));
        this.op(Op.i32Const, ...signedLeb(-Math.sign(step)));
        this.op(Op.i32Add);
        this.stack.push(I32);
      }
      this.op(Op.localSet, ...leb(bound));
      this.stack.pop();
    }
    if (odd === 4) {
      this.value(I32, 1);
      this.op(Op.brIf, ...leb(random.below(3)));
      this.stack.pop();
    }
    if (odd === 5) {
      this.value(I32, 1);
      this.op(Op.localSet, ...leb(counter));
      this.stack.pop();
    }
    this.barrier = barrier;
    this.op(Op.br, odd === 6 ? random.below(3) : 1);
    const frame = this.frames[this.frames.length - 1];
    this.stack.length = frame.height;
    this.close();
    this.close();
    this.close();
    // how often it ran and where it ended can be seen
    for (const [at, local] of [
      [0, counter],
      [4, guard],
    ]) {
      this.op(Op.i32Const, ...signedLeb(at));
      this.op(Op.localGet, ...leb(local));
      this.op(0x36, 2, ...leb(this.bytes.length & 0x7ff));
    }
  }

  /** Leaves to frame `outside` when the guard's count is spent; without a bound, a trap says so. */
  private guard(guard: number, outside: number, trap: boolean): void {
    this.op(Op.localGet, ...leb(guard));
    this.op(Op.i32Const, 1);
    this.op(Op.i32Sub);
    this.op(Op.localTee, ...leb(guard));
    if (trap) {
      this.op(Op.i32Eqz);
      this.op(Op.if, VOID);
      this.op(Op.unreachable);
      this.op(Op.end);
      return;
    }
    this.op(Op.i32Eqz);
    this.op(Op.brIf, ...leb(this.frames.length - 1 - outside));
  }

  private target(): number {
    const innermost = this.frames.length - 1;
    const reach = [...this.frames.keys()].filter((index) => index >= Math.min(this.barrier, innermost));
    const forward = reach.filter((index) => !this.frames[index].loop || this.random.chance(0.02));
    return innermost - this.random.pick(forward.length > 0 ? forward : [innermost]);
  }

  private branchIf(): void {
    const depth = this.target();
    const { label } = this.frames[this.frames.length - 1 - depth];
    this.operands(label, 2);
    this.value(I32, 2);
    this.op(Op.brIf, ...leb(depth));
    this.stack.pop();
  }

  /** br, br_table, return or unreachable, and sometimes dead code behind it. */
  private leave(): void {
    const { random } = this;
    const frame = this.frames[this.frames.length - 1];
    const kind = random.below(5);
    if (kind === 0) this.op(Op.unreachable);
    else if (kind === 1 && this.barrier === 0) {
      this.operands(this.type.results, 2);
      this.op(Op.return);
    } else if (kind === 2) {
      const first = this.target();
      const { label } = this.frames[this.frames.length - 1 - first];
      const same = [...this.frames.keys()]
        .filter((index) => index >= this.barrier && !this.frames[index].loop)
        .filter((index) => this.frames[index].label.join() === label.join())
        .map((index) => this.frames.length - 1 - index);
      this.operands(label, 2);
      this.value(I32, 2);
      const targets = Array.from({ length: random.below(5) }, () => random.pick(same.concat(first)));
      this.op(Op.brTable, ...leb(targets.length), ...[...targets, first].flatMap((target) => leb(target)));
    } else {
      const depth = this.target();
      this.operands(this.frames[this.frames.length - 1 - depth].label, 2);
      this.op(Op.br, ...leb(depth));
    }
    this.stack.length = frame.height;
  }

  private call(): void {
    const { random } = this;
    const { functions, types } = this.around;
    const index = random.chance(0.97) ? this.self + 1 + random.below(4) : random.below(functions.length);
    const callee = random.chance(0.05) ? random.below(this.self + 1) : index;
    if (callee >= functions.length) return;
    const { params, results } = types[functions[callee]];
    this.operands(params, 2);
    this.op(Op.call, ...leb(callee));
    this.apply(params.length, results);
  }

  private callIndirect(): void {
    const { random } = this;
    if (this.around.tables.length === 0 || this.around.types.length === 0) return;
    const table = random.below(this.around.tables.length);
    const type = random.below(this.around.types.length);
    const { params, results } = this.around.types[type];
    this.operands(params, 2);
    if (random.chance(0.8)) this.op(Op.i32Const, ...signedLeb(random.below(this.around.tables[table] + 1)));
    else {
      this.value(I32, 1);
      this.stack.pop();
    }
    this.op(Op.callIndirect, ...leb(type), ...leb(table));
    this.apply(params.length, results);
  }

  private bulk(): void {
    const { random } = this;
    const segments = this.around.segments;
    const kind = random.below(segments > 0 ? 4 : 2);
    if (kind === 3) {
      this.op(Op.dataDrop, ...leb(random.below(segments)));
      return;
    }
    for (let n = 0; n < 3; n++) {
      if (random.chance(0.85)) {
        this.op(
          Op.i32Const,
          ...signedLeb(random.pick([0, 1, random.below(20), random.below(60_000), 65_536])),
        );
        this.stack.push(I32);
      } else this.value(I32, 2);
    }
    if (kind === 0) this.op(Op.memoryFill, 0);
    else if (kind === 1) this.op(Op.memoryCopy, 0, 0);
    else this.op(Op.memoryInit, ...leb(random.below(segments)), 0);
    this.apply(3, []);
  }
}
