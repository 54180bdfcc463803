// The one pattern of loop that is charged ahead: docs/metering.md argues why it can't be dodged.
//
//   loop                          ;; no parameters, no results
//     local.get i  local.get n    ;; or n a constant, or the two the other way round
//     i32.lt_s                    ;; or another comparison that `c` leads out of
//     if                          ;; no else, no results
//       BODY                      ;; holds the step once, outside of inner blocks
//       br 1
//     end
//   end
//
// where the step is `local.get i  i32.const c  i32.add  local.set i` (or local.tee), nothing else in the loop
// writes i, nothing writes n, BODY holds no loop and no call, and no branch leaves it but the last one.

import { type Code, VOID_BLOCK } from "./body.ts";
import type { Writer } from "./bytes.ts";
import { Op } from "./opcodes.ts";

export interface CountedLoop {
  /** The counter's local. */
  counter: number;
  /** The bound: a local, or a constant. */
  bound: { local: number } | { constant: number };
  /** Comparison with the counter on the left that goes on: an opcode. */
  comparison: number;
  /** What the step adds, as a signed number. */
  step: number;
  /** Instructions of BODY: from, and to without the last br. */
  from: number;
  to: number;
}

/** The same comparison with its sides changed over. */
const MIRRORED = new Map<number, number>([
  [Op.i32LtS, Op.i32GtS],
  [Op.i32LtU, Op.i32GtU],
  [Op.i32LeS, Op.i32GeS],
  [Op.i32LeU, Op.i32GeU],
  [Op.i32GtS, Op.i32LtS],
  [Op.i32GtU, Op.i32LtU],
  [Op.i32GeS, Op.i32LeS],
  [Op.i32GeU, Op.i32LeU],
  [Op.i32Ne, Op.i32Ne],
]);

const UPWARD: ReadonlySet<number> = new Set([Op.i32LtS, Op.i32LtU, Op.i32LeS, Op.i32LeU]);
const INCLUSIVE: ReadonlySet<number> = new Set([Op.i32LeS, Op.i32LeU, Op.i32GeS, Op.i32GeU]);
const LARGEST_STEP = 65_536;

/** Reads the loop at instruction `loop` as a counted one; null where it is not. */
export function matchCountedLoop(code: Code, loop: number): CountedLoop | null {
  const { op, a, partner } = code;
  const end = partner[loop] as number;
  const test = loop + 4;
  if (a[loop] !== VOID_BLOCK || op[test] !== Op.if || a[test] !== VOID_BLOCK) return null;
  const last = partner[test] as number;
  if (op[last] !== Op.end || last + 1 !== end) return null;
  if (op[last - 1] !== Op.br || a[last - 1] !== 1 || code.dead[last - 1]) return null;

  const from = test + 1;
  const to = last - 1;
  const written = writes(code, from, to);
  if (written === null) return null;
  const sides = [loop + 1, loop + 2] as const;
  const isCounter = (side: number): boolean =>
    op[side] === Op.localGet && written.get(a[side] as number) === 1;
  const isBound = (side: number): boolean =>
    op[side] === Op.i32Const || (op[side] === Op.localGet && !written.has(a[side] as number));
  const straight = isCounter(sides[0]) && isBound(sides[1]);
  if (!straight && !(isBound(sides[0]) && isCounter(sides[1]))) return null;
  const [counterSide, boundSide] = straight ? sides : [sides[1], sides[0]];
  const mirrored = MIRRORED.get(op[loop + 3] as number);
  if (mirrored === undefined) return null;
  const comparison = straight ? (op[loop + 3] as number) : mirrored;
  const counter = a[counterSide] as number;

  const step = findStep(code, from, to, counter);
  if (step === null || step === 0 || Math.abs(step) > LARGEST_STEP) return null;
  if (comparison === Op.i32Ne ? Math.abs(step) !== 1 : UPWARD.has(comparison) !== step > 0) return null;
  const bound =
    op[boundSide] === Op.i32Const ? { constant: a[boundSide] as number } : { local: a[boundSide] as number };
  return { counter, bound, comparison, step, from, to };
}

/**
 * How often each local is written from `from` to `to`; null where control may leave other than at the end, or where
 * what is charged ahead would be paid for and still to come while other code runs.
 */
function writes(code: Code, from: number, to: number): Map<number, number> | null {
  const written = new Map<number, number>();
  let depth = 0;
  for (let i = from; i < to; i++) {
    const a = code.a[i] as number;
    switch (code.op[i]) {
      case Op.block:
      case Op.if:
        depth++;
        break;
      case Op.end:
        depth--;
        break;
      case Op.br:
      case Op.brIf:
        if (a >= depth) return null;
        break;
      case Op.loop:
      case Op.call:
      case Op.callIndirect:
      case Op.memoryCopy:
      case Op.memoryFill:
      case Op.memoryInit:
      case Op.memoryGrow:
        return null;
      case Op.brTable: // its targets are not looked at one by one: such loops are charged each time round
      case Op.return:
        return null;
      case Op.localSet:
      case Op.localTee:
        written.set(a, (written.get(a) ?? 0) + 1);
        break;
    }
  }
  return written;
}

/** The constant that the only write of `counter`, outside of inner blocks, adds to it; null where there is none. */
function findStep(code: Code, from: number, to: number, counter: number): number | null {
  const { op, a } = code;
  let depth = 0;
  for (let i = from; i < to; i++) {
    const opcode = op[i];
    if (opcode === Op.block || opcode === Op.if) depth++;
    else if (opcode === Op.end) depth--;
    else if ((opcode === Op.localSet || opcode === Op.localTee) && a[i] === counter) {
      const isStep =
        depth === 0 &&
        !code.dead[i] &&
        i - from >= 3 &&
        op[i - 1] === Op.i32Add &&
        op[i - 2] === Op.i32Const &&
        op[i - 3] === Op.localGet &&
        a[i - 3] === counter;
      return isStep ? (a[i - 2] as number) : null;
    }
  }
  return null;
}

/** A strip of a counted loop is charged at once, up to so many units. */
const STRIP = 8_192;

/**
 * Writes a counted loop that is charged a strip at a time:
 *
 *   block $done
 *     loop $strip
 *       check                       ;; if fuel < 0: fuel = $tick(fuel)
 *       br_if $done unless i < n
 *       count = min(times that i < n holds from here without wrapping, most)
 *       until = i + count * step
 *       fuel -= count * weight
 *       loop  BODY  br_if (i != until)  br $strip  end
 *     end
 *   end
 *
 * i comes to `until` after exactly `count` rounds, whatever wraps, since count * |step| < 2^32. The inner loop is left
 * by a branch, which drops what BODY may have left on the operand stack, as its own last br did.
 * @param weight units of one round, at most STRIP / 4
 * @param write writes the check, and BODY inside so many blocks
 */
export function writeCountedLoop(
  out: Writer,
  loop: CountedLoop,
  weight: number,
  locals: { fuel: number; count: number; until: number },
  write: { check: () => void; body: (blocks: number) => void },
): void {
  const get = (local: number): Writer => out.u8(Op.localGet).u32(local);
  const constant = (value: number): Writer => out.u8(Op.i32Const).s32(value);
  const bound = (): Writer => ("local" in loop.bound ? get(loop.bound.local) : constant(loop.bound.constant));
  const open = (op: number): Writer => out.u8(op).s32(VOID_BLOCK);
  const most = Math.floor(STRIP / weight);

  open(Op.block);
  open(Op.loop);
  write.check();
  get(loop.counter);
  bound().put(loop.comparison, Op.i32Eqz, Op.brIf).u32(1);

  // how often the step can be made before the comparison fails: (distance - 1) / step, or distance / step where
  // the bound itself is still inside
  if (loop.step > 0) {
    bound();
    get(loop.counter);
  } else {
    get(loop.counter);
    bound();
  }
  out.u8(Op.i32Sub);
  if (!INCLUSIVE.has(loop.comparison)) constant(1).u8(Op.i32Sub);
  const step = Math.abs(loop.step);
  if (step > 1 && (step & (step - 1)) === 0) constant(31 - Math.clz32(step)).u8(Op.i32ShrU);
  else if (step > 1) constant(step).u8(Op.i32DivU);
  out.u8(Op.localTee).u32(locals.count);
  constant(most - 1);
  get(locals.count);
  constant(most - 1).put(Op.i32LtU, Op.select);
  constant(1).put(Op.i32Add, Op.localTee).u32(locals.count);
  constant(loop.step).u8(Op.i32Mul);
  get(loop.counter).put(Op.i32Add, Op.localSet).u32(locals.until);
  get(locals.fuel);
  get(locals.count);
  constant(weight).put(Op.i32Mul, Op.i32Sub, Op.localSet).u32(locals.fuel);

  open(Op.loop);
  write.body(3);
  get(loop.counter);
  get(locals.until).put(Op.i32Ne, Op.brIf).u32(0);
  out.u8(Op.br).u32(1).put(Op.end, Op.end, Op.end);
}
