// The meter: one function's body rewritten so that it counts its work. docs/metering.md describes the rules
// and argues why they can't be dodged.
//
// Units are counted down in the local `fuel`, which lives in the global $fuel between functions. Each segment of
// code charges its weight before it runs (segments.ts); where the count is below zero, control goes to the
// host's $tick, which hands out another slice or throws.

import { blockType, type Code, VOID_BLOCK } from "./body.ts";
import { Writer } from "./bytes.ts";
import { frameBytes } from "./call-stack.ts";
import { type CountedLoop, writeCountedLoop } from "./counted-loop.ts";
import { F32, F64, type FunctionType, I32, type Module } from "./module.ts";
import { Op } from "./opcodes.ts";
import { entryWeight, findSegments, type Segments, skipDead, STRETCH, tableLabels } from "./segments.ts";

/** Where the things are that metered bodies refer to. */
export interface MeterContext {
  module: Module;
  /** Index, in the rewritten module, of function `index` of the original. */
  functionIndex(index: number): number;
  /** Units of a call of function `index` of the original where it is light; else -1. */
  lightWeight(index: number): number;
  /** Index of a type with these results and no parameters. */
  resultType(results: number[]): number;
  tick: number;
  copy: number;
  fill: number;
  grow: number;
  init(segment: number): number;
  /** The global that is 1 once this data segment was dropped; undefined where that changes nothing. */
  dropped(segment: number): number | undefined;
  fuelGlobal: number;
  stackGlobal: number;
}

/** A leaf function lighter than this is charged without a check: its caller's next check comes soon. */
const LIGHT = 64;
/** A function returns with no more units charged since its last check. */
const LEFT_OPEN = 512;
/** What $tick gets where a function's frame no longer fits the stack that the sandbox allows. */
export const STACK_OVERFLOW = -0x80000000;

/** Units are handed out in slices of this. */
export const SLICE = 16_384;
/** Far from where an i32 would wrap. */
const DEBT = 1 << 24;

/**
 * How many slices the debt of a count of `fuel` takes. Only what moves many bytes at once gets deep into debt: all of that is
 * paid at once, before the count could wrap.
 */
export function slicesOwed(fuel: number): number {
  return fuel < -DEBT ? Math.ceil(-fuel / SLICE) : 1;
}

const CALLS: ReadonlySet<number> = new Set([
  Op.call,
  Op.callIndirect,
  Op.memoryCopy,
  Op.memoryFill,
  Op.memoryInit,
  Op.memoryGrow,
]);
/**
 * Instructions that let a program see the bits of the float on top of the stack. Stores are not among them, though
 * a load could look at what they wrote: that alone would make scalar code a tenth slower.
 */
const OBSERVERS = new Map<number, number>([
  [Op.i32ReinterpretF32, F32],
  [Op.i64ReinterpretF64, F64],
  [Op.f32Copysign, F32],
  [Op.f64Copysign, F64],
]);

interface Label {
  /** Number of emitted blocks that were open when this one was opened: what branches count from. */
  depth: number;
  close: (() => void) | null;
  /** What branches to a loop goes to its start, which checks. */
  isLoop: boolean;
  /** Most units charged since the last check on a way that branches to its end; -1: none does. */
  unchecked: number;
  /** The same where its if was decided, while the other way is still open. */
  decided: number;
}

/** The units of a function that is charged whole and never checked; -1 where it is none. */
export function lightWeight(code: Code): number {
  const weight = (code.regionWeight.get(-1) as number) + entryWeight(code);
  const calls = code.op.some((op, i) => CALLS.has(op) && !code.dead[i]);
  return !calls && !code.hasLoop && weight <= LIGHT ? weight : -1;
}

/** Body `index` (without imports), metered: its locals and instructions. */
export function meterBody(context: MeterContext, index: number, code: Code, recursive: boolean): Writer {
  return new BodyMeter(context, index, code, recursive).write();
}

class BodyMeter {
  private readonly context: MeterContext;
  private readonly code: Code;
  private readonly recursive: boolean;
  private readonly type: FunctionType;
  private readonly out = new Writer(1_024);
  private readonly labels: Label[] = [];
  private readonly added: number[] = [];
  private fuel = -1;
  private count = -1;
  private until = -1;
  private depth = 0;
  private segments: Segments | null = null;
  /** Most units charged since the last check, on any way to here. */
  private unchecked = 0;
  private live = true;

  constructor(context: MeterContext, index: number, code: Code, recursive: boolean) {
    this.context = context;
    this.code = code;
    this.recursive = recursive;
    const { module } = context;
    this.type = module.types[module.functions[module.importedFunctions + index] as number] as FunctionType;
  }

  write(): Writer {
    const { code, out } = this;
    const light = lightWeight(code);
    if (light >= 0) this.writeLight(light);
    else this.writeFull();

    const body = new Writer(out.length + 64);
    const locals = [...code.locals.slice(this.type.params.length), ...this.added];
    const groups: [number, number][] = [];
    for (const type of locals) {
      const group = groups[groups.length - 1];
      if (group && group[1] === type) group[0]++;
      else groups.push([1, type]);
    }
    body.u32(groups.length);
    for (const [count, type] of groups) body.u32(count).u8(type);
    return body.raw(out.view());
  }

  private local(type: number): number {
    this.added.push(type);
    return this.code.locals.length + this.added.length - 1;
  }

  private writeLight(weight: number): void {
    const { fuelGlobal } = this.context;
    this.get(fuelGlobal).constant(weight);
    this.out.put(Op.i32Sub, Op.globalSet).u32(fuelGlobal);
    this.open(0);
    this.depth = 1;
    this.range(0, this.code.op.length - 1);
    this.out.u8(Op.end);
  }

  private writeFull(): void {
    const { out, context } = this;
    const { fuelGlobal, stackGlobal } = context;
    this.fuel = this.local(I32);
    this.segments = findSegments(context.module.bytes, this.code, (op, i) => this.mayTick(op, i));
    const frame = frameBytes(this.code);
    if (this.recursive) {
      this.get(stackGlobal).constant(frame);
      out.put(Op.i32Sub, Op.localTee).u32(this.fuel).u8(Op.globalSet).u32(stackGlobal);
      this.whenNegative(() => {
        this.constant(STACK_OVERFLOW);
        out.u8(Op.call).u32(context.tick).u8(Op.drop);
      });
    }
    this.get(fuelGlobal).constant(this.segments.entry);
    out.put(Op.i32Sub, Op.localSet).u32(this.fuel);
    this.check();
    out.u8(Op.block);
    this.blockType(context.resultType(this.type.results));
    this.depth = 1;
    this.open(0);
    this.range(0, this.code.op.length - 1);
    out.u8(Op.end);
    this.meet(this.labels.pop() as Label);
    if (this.unchecked > LEFT_OPEN) this.check();
    if (this.recursive) {
      this.get(stackGlobal).constant(frame);
      out.put(Op.i32Add, Op.globalSet).u32(stackGlobal);
    }
    this.spill();
    out.u8(Op.end);
  }

  // Pieces of code. Each leaves the operand stack as its name says.

  private get(global: number): this {
    this.out.u8(Op.globalGet).u32(global);
    return this;
  }

  private constant(value: number): this {
    this.out.u8(Op.i32Const).s32(value);
    return this;
  }

  private blockType(type: number): void {
    this.out.s32(type);
  }

  private whenNegative(then: () => void): void {
    const { out } = this;
    out.u8(Op.localGet).u32(this.fuel);
    this.constant(0);
    out.put(Op.i32LtS, Op.if);
    this.blockType(VOID_BLOCK);
    then();
    out.u8(Op.end);
  }

  private callTick(): void {
    this.out.u8(Op.localGet).u32(this.fuel).u8(Op.call).u32(this.context.tick).u8(Op.localSet).u32(this.fuel);
  }

  private check(): void {
    this.whenNegative(() => this.callTick());
    this.unchecked = 0;
  }

  private spill(): void {
    this.out.u8(Op.localGet).u32(this.fuel).u8(Op.globalSet).u32(this.context.fuelGlobal);
  }

  private reload(): void {
    this.out.u8(Op.globalGet).u32(this.context.fuelGlobal).u8(Op.localSet).u32(this.fuel);
  }

  /** Takes units for code that comes next. */
  private charge(weight: number): void {
    const { out } = this;
    out.u8(Op.localGet).u32(this.fuel);
    this.constant(weight);
    out.put(Op.i32Sub, Op.localSet).u32(this.fuel);
    this.unchecked += weight;
    if (this.unchecked > STRETCH) this.check();
  }

  /** Whether instruction `i` may get to $tick in a function that it calls. */
  private mayTick(op: number, i: number): boolean {
    return CALLS.has(op) && !(op === Op.call && this.context.lightWeight(this.code.a[i] as number) >= 0);
  }

  private open(depth: number, isLoop = false, close: (() => void) | null = null): Label {
    const label: Label = { depth, close, isLoop, unchecked: -1, decided: -1 };
    this.labels.push(label);
    return label;
  }

  /** The end of a block: the longest of the ways that come together there. */
  private meet(label: Label): void {
    this.unchecked = Math.max(this.live ? this.unchecked : 0, label.unchecked, label.decided);
    this.live = true;
  }

  /** The depth that a branch to label `original` names. */
  private target(original: number): number {
    const label = this.labels[this.labels.length - 1 - original] as Label;
    if (!label.isLoop) label.unchecked = Math.max(label.unchecked, this.unchecked);
    return this.depth - 1 - label.depth;
  }

  private branch(op: number, original: number): void {
    this.out.u8(op).u32(this.target(original));
  }

  /** Emits instructions `from` to `to` (exclusive). */
  private range(from: number, to: number): void {
    const { code, out, context } = this;
    const { bytes } = context.module;
    let i = from;
    while (i < to) {
      const op = code.op[i] as number;
      const a = code.a[i] as number;
      if (code.dead[i] && op !== Op.end && op !== Op.else) {
        i = skipDead(code, i);
        continue;
      }
      const weight = this.segments?.before.get(i);
      if (weight !== undefined) this.charge(weight);
      switch (op) {
        case Op.block:
        case Op.if: {
          out.raw(bytes.subarray(code.at[i], code.end[i]));
          const label = this.open(this.depth++);
          if (op === Op.if) label.decided = this.unchecked;
          break;
        }
        case Op.loop: {
          const counted = this.segments?.counted.get(i);
          if (counted !== undefined) {
            this.countedLoop(i, counted);
            i = (code.partner[i] as number) + 1;
            continue;
          }
          this.openLoop(i);
          break;
        }
        case Op.else: {
          out.u8(Op.else);
          const label = this.labels[this.labels.length - 1] as Label;
          if (this.live) label.unchecked = Math.max(label.unchecked, this.unchecked);
          this.unchecked = label.decided;
          this.live = true;
          label.decided = -1;
          break;
        }
        case Op.end: {
          const label = this.labels.pop() as Label;
          out.u8(Op.end);
          this.depth--;
          this.meet(label);
          label.close?.();
          break;
        }
        case Op.br:
        case Op.brIf:
          this.branch(op, a);
          if (op === Op.br) this.live = false;
          break;
        case Op.brTable: {
          const labels = tableLabels(bytes, code, i);
          out.u8(Op.brTable).u32(labels.length - 1);
          for (const label of labels) out.u32(this.target(label));
          this.live = false;
          break;
        }
        case Op.return:
          this.branch(Op.br, this.labels.length - 1);
          this.live = false;
          break;
        case Op.unreachable:
          out.u8(op);
          this.live = false;
          break;
        case Op.call:
          this.call(context.functionIndex(a), context.lightWeight(a));
          break;
        case Op.callIndirect:
          this.spill();
          out.raw(bytes.subarray(code.at[i], code.end[i]));
          this.reload();
          this.unchecked = LEFT_OPEN;
          break;
        case Op.memoryCopy:
          this.call(context.copy);
          break;
        case Op.memoryFill:
          this.call(context.fill);
          break;
        case Op.memoryInit:
          this.call(context.init(a));
          break;
        case Op.dataDrop: {
          const dropped = context.dropped(a);
          if (dropped !== undefined) out.put(Op.i32Const, 1, Op.globalSet).u32(dropped);
          break;
        }
        case Op.memoryGrow:
          this.call(context.grow);
          break;
        default: {
          const observed = OBSERVERS.get(op);
          if (observed !== undefined) this.canonicalNan(observed);
          out.raw(bytes.subarray(code.at[i], code.end[i]));
        }
      }
      i++;
    }
  }

  /** @param light units of a light function, which come on top of what is unchecked; else -1 */
  private call(index: number, light = -1): void {
    this.spill();
    this.out.u8(Op.call).u32(index);
    this.reload();
    if (light < 0) {
      this.unchecked = LEFT_OPEN;
      return;
    }
    this.unchecked += light;
    if (this.unchecked > STRETCH) this.check();
  }

  /** Replaces a NaN on top of the stack by the one whose bits every compiler agrees on. */
  private canonicalNan(type: number): void {
    const { out } = this;
    const temporary = type === F32 ? this.f32Temporary() : this.f64Temporary();
    out.u8(Op.localTee).u32(temporary);
    if (type === F32) out.put(Op.f32Const, 0, 0, 0xc0, 0x7f);
    else out.put(Op.f64Const, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f);
    out.u8(Op.localGet).u32(temporary).u8(Op.localGet).u32(temporary);
    out.put(type === F32 ? Op.f32Eq : Op.f64Eq, Op.select);
  }

  private f32Local = -1;
  private f32Temporary(): number {
    if (this.f32Local < 0) this.f32Local = this.local(F32);
    return this.f32Local;
  }

  private f64Local = -1;
  private f64Temporary(): number {
    if (this.f64Local < 0) this.f64Local = this.local(F64);
    return this.f64Local;
  }

  /**
   * A loop charged each time round. When the slice is spent, control leaves the loop for a wrapper that calls
   * $tick and enters again: a call inside the loop itself would cost its registers.
   *
   *   block $done (loop's type)
   *     loop $again
   *       block $spent
   *         loop (its type)  fuel -= weight; if fuel < 0 br $spent;  …  end
   *         br $done
   *       end
   *       fuel = $tick(fuel) + weight; br $again   ;; it is charged again as it enters
   *     end
   *     unreachable
   *   end
   */
  private openLoop(i: number): void {
    const { code, out, context } = this;
    const weight = this.segments?.round.get(i) as number;
    const type = code.a[i] as number;
    const charge = (): void => {
      out.u8(Op.localGet).u32(this.fuel);
      this.constant(weight);
      out.put(Op.i32Sub, Op.localTee).u32(this.fuel);
    };
    this.unchecked = 0;
    // What a loop takes from the operand stack would have to be kept somewhere: it is checked inside.
    if (blockType(context.module, type).params.length > 0) {
      out.u8(Op.loop);
      this.blockType(type);
      this.open(this.depth++, true);
      charge();
      out.u8(Op.drop);
      this.check();
      return;
    }
    out.u8(Op.block);
    this.blockType(type);
    out.u8(Op.loop);
    this.blockType(VOID_BLOCK);
    out.u8(Op.block);
    this.blockType(VOID_BLOCK);
    out.u8(Op.loop);
    this.blockType(type);
    this.depth += 3;
    const close = (): void => {
      out.u8(Op.br).u32(2).u8(Op.end);
      out.u8(Op.localGet).u32(this.fuel).u8(Op.call).u32(context.tick);
      this.constant(weight);
      out.u8(Op.i32Add).u8(Op.localSet).u32(this.fuel);
      out.u8(Op.br).u32(0).put(Op.end, Op.unreachable, Op.end);
      this.depth -= 3;
    };
    this.open(this.depth++, true, close);
    charge();
    this.constant(0);
    out.put(Op.i32LtS, Op.brIf).u32(1);
  }

  /** A counted loop, charged a strip at a time. */
  private countedLoop(i: number, counted: CountedLoop): void {
    if (this.count < 0) {
      this.count = this.local(I32);
      this.until = this.local(I32);
    }
    const { fuel, count, until } = this;
    writeCountedLoop(
      this.out,
      counted,
      this.code.regionWeight.get(i) as number,
      { fuel, count, until },
      {
        check: () => this.check(),
        body: (blocks) => {
          this.depth += blocks;
          // BODY's own blocks count from here; nothing in it names the loop or its if.
          this.open(-1);
          this.open(-1);
          this.range(counted.from, counted.to);
          this.labels.length -= 2;
          this.depth -= blocks;
        },
      },
    );
    // It is left after a check.
    this.unchecked = 0;
    this.live = true;
  }
}
