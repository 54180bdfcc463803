// Random programs whose work is known: each comes as a module, and as a function that does the same in
// JavaScript and counts the units of every instruction that it executes, by the table of docs/metering.md.

import { Writer } from "../../runtime/sandbox/bytes.ts";

/** Thrown by a run that takes longer than it may: it may be endless. */
export class TooLong extends Error {}
/** Thrown where calls are so deep in each other that a stack may end. */
export class TooDeep extends Error {}
/** What WebAssembly would trap on. */
export class Trapped extends Error {}

const UNITS = { plain: 1, table: 2, load: 16, store: 4, division: 8, call: 8, indirectCall: 16, end: 0 };
/** Units of entering a loop beside its rounds, and of entering a function for each four of its locals. */
const LOOP_ENTRY = 8;
const LOCALS = 16;
const PARAMETERS = 2;
const MOST_CALLS = 90;

export interface Counts {
  /** Units of what was executed. */
  executed: number;
  /** Units, were every region charged whole wherever it is entered: the most that a program may be charged. */
  whole: number;
  /** `executed` when the word at address 0 became i. */
  marks: number[];
}

export interface Program {
  bytes: Uint8Array<ArrayBuffer>;
  /** Names of its exported functions, (i32, i32) -> i32 each. */
  names: string[];
  /** Runs one on its own memory, for at most so many units. Throws TooLong or Trapped. */
  run(name: string, a: number, b: number, most: number): number;
  /** What the last run did, however it ended. */
  readonly counts: Counts;
  memory: Uint8Array;
}

/** A repeatable source of small numbers. */
export function dice(seed: number): (sides: number) => number {
  let state = seed >>> 0;
  return (sides) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}

type Frame = Int32Array;
/** Labels around an instruction, innermost last. */
type Scope = readonly number[];

interface Code {
  /** Units of it in its region: loops inside count with their entry alone. */
  weight: number;
  write(out: Writer, scope: Scope): void;
}
interface Expression extends Code {
  run(frame: Frame): number;
}
/** Gives 0, or the label that it branches to. */
interface Statement extends Code {
  run(frame: Frame): number;
}
const RETURN = -1;
const PAGE = 65_536;

class Machine {
  readonly view = new DataView(new ArrayBuffer(PAGE));
  counts: Counts = { executed: 0, whole: 0, marks: [] };
  most = 0;
  depth = 0;
  private labels = 0;

  label(): number {
    return ++this.labels;
  }
  use(units: number): void {
    this.counts.executed += units;
    if (this.counts.executed > this.most) throw new TooLong();
  }
  address(value: number): number {
    const at = value >>> 0;
    if (at > PAGE - 32) throw new Trapped();
    return at;
  }
}

export const COMPARISONS: [opcode: number, holds: (a: number, b: number) => boolean][] = [
  [0x48, (a, b) => a < b],
  [0x49, (a, b) => a >>> 0 < b >>> 0],
  [0x4a, (a, b) => a > b],
  [0x4b, (a, b) => a >>> 0 > b >>> 0],
  [0x4c, (a, b) => a <= b],
  [0x4d, (a, b) => a >>> 0 <= b >>> 0],
  [0x4e, (a, b) => a >= b],
  [0x4f, (a, b) => a >>> 0 >= b >>> 0],
  [0x47, (a, b) => a !== b],
];
const ARITHMETIC: [opcode: number, compute: (a: number, b: number) => number][] = [
  [0x6a, (a, b) => (a + b) | 0],
  [0x6b, (a, b) => (a - b) | 0],
  [0x6c, (a, b) => Math.imul(a, b)],
  [0x71, (a, b) => a & b],
  [0x73, (a, b) => a ^ b],
  [0x76, (a, b) => (a >>> (b & 31)) | 0],
];
const STEPS = [1, 1, 1, -1, -1, 2, -2, 3, -7, 16, 65_536, -65_536, 12_345, 65_537, 0];
const ENDS = [0, 0, 0x7fffffff, -0x80000000, -1, 65_535];

/** A module of random functions: light leaves first; each may call those before it, and some call themselves. */
export function randomProgram(seed: number, functions: number): Program {
  const roll = dice(seed);
  const machine = new Machine();
  const { view } = machine;
  const bodies: Statement[] = [];

  // Expressions.
  const constant = (value: number): Expression => ({
    weight: UNITS.plain,
    write: (out) => out.u8(0x41).s32(value),
    run: () => {
      machine.use(UNITS.plain);
      return value;
    },
  });
  const get = (local: number): Expression => ({
    weight: UNITS.plain,
    write: (out) => out.u8(0x20).u32(local),
    run: (frame) => {
      machine.use(UNITS.plain);
      return frame[local] as number;
    },
  });
  const binary = (
    opcode: number,
    a: Expression,
    b: Expression,
    compute: (a: number, b: number) => number,
    units = UNITS.plain,
  ): Expression => ({
    weight: a.weight + b.weight + units,
    write: (out, scope) => {
      a.write(out, scope);
      b.write(out, scope);
      out.u8(opcode);
    },
    run: (frame) => {
      const x = a.run(frame);
      const y = b.run(frame);
      machine.use(units);
      return compute(x, y);
    },
  });
  const compare = (kind: number, a: Expression, b: Expression): Expression => {
    const [opcode, holds] = COMPARISONS[kind] as (typeof COMPARISONS)[0];
    return binary(opcode, a, b, (x, y) => (holds(x, y) ? 1 : 0));
  };
  /** Everything but the counter at address 0 lies behind it. */
  const OFFSET = 16;
  const load = (at: Expression, offset = OFFSET): Expression => ({
    weight: at.weight + UNITS.load,
    write: (out, scope) => {
      at.write(out, scope);
      out.put(0x28, 2, offset);
    },
    run: (frame) => {
      const address = at.run(frame);
      machine.use(UNITS.load);
      return view.getInt32(machine.address(address) + offset, true);
    },
  });
  const masked = (value: Expression): Expression => binary(0x71, value, constant(0x7ffc), (a, b) => a & b);
  const call = (index: number, a: Expression, b: Expression, indirect: boolean): Expression => ({
    weight: a.weight + b.weight + (indirect ? UNITS.plain + UNITS.indirectCall : UNITS.call),
    write: (out, scope) => {
      a.write(out, scope);
      b.write(out, scope);
      if (indirect) out.u8(0x41).s32(index).put(0x11, 0, 0);
      else out.u8(0x10).u32(index);
    },
    run: (frame) => {
      const x = a.run(frame);
      const y = b.run(frame);
      machine.use(indirect ? UNITS.plain + UNITS.indirectCall : UNITS.call);
      return invoke(index, x, y);
    },
  });
  const someLocal = (): number => roll(8);
  const expression = (depth: number): Expression => {
    const kind = depth === 0 ? roll(2) : roll(7);
    if (kind === 0) return constant(roll(6) === 0 ? (ENDS[roll(ENDS.length)] as number) : roll(200) - 50);
    if (kind === 1) return get(someLocal());
    if (kind === 2) return load(masked(expression(depth - 1)));
    if (kind === 3) return compare(roll(9), expression(depth - 1), expression(depth - 1));
    const [opcode, compute] = ARITHMETIC[roll(ARITHMETIC.length)] as (typeof ARITHMETIC)[0];
    return binary(opcode, expression(depth - 1), expression(depth - 1), compute);
  };

  // Statements.
  const set = (local: number, value: Expression): Statement => ({
    weight: value.weight + UNITS.plain,
    write: (out, scope) => {
      value.write(out, scope);
      out.u8(0x21).u32(local);
    },
    run: (frame) => {
      const result = value.run(frame);
      machine.use(UNITS.plain);
      frame[local] = result;
      return 0;
    },
  });
  const store = (at: Expression, value: Expression, offset = OFFSET): Statement => ({
    weight: at.weight + value.weight + UNITS.store,
    write: (out, scope) => {
      at.write(out, scope);
      value.write(out, scope);
      out.put(0x36, 2, offset);
    },
    run: (frame) => {
      const address = at.run(frame);
      const word = value.run(frame);
      machine.use(UNITS.store);
      view.setInt32(machine.address(address) + offset, word, true);
      return 0;
    },
  });
  const one = binary(0x6a, load(constant(0), 0), constant(1), (a, b) => (a + b) | 0);
  const counter = store(constant(0), one, 0);
  const mark: Statement = {
    ...counter,
    run: (frame) => {
      counter.run(frame);
      machine.counts.marks[view.getInt32(0, true)] = machine.counts.executed;
      return 0;
    },
  };
  const sequence = (parts: Statement[]): Statement => ({
    weight: parts.reduce((sum, { weight }) => sum + weight, 0),
    write: (out, scope) => {
      for (const part of parts) part.write(out, scope);
    },
    run: (frame) => {
      for (const part of parts) {
        const to = part.run(frame);
        if (to !== 0) return to;
      }
      return 0;
    },
  });
  const choose = (condition: Expression, then: Statement, otherwise: Statement | null): Statement => ({
    weight: condition.weight + UNITS.plain + then.weight + (otherwise?.weight ?? 0),
    write: (out, scope) => {
      condition.write(out, scope);
      out.put(0x04, 0x40);
      then.write(out, [...scope, 0]);
      if (otherwise !== null) {
        out.u8(0x05);
        otherwise.write(out, [...scope, 0]);
      }
      out.u8(0x0b);
    },
    run: (frame) => {
      const is = condition.run(frame);
      machine.use(UNITS.plain);
      return is !== 0 ? then.run(frame) : (otherwise?.run(frame) ?? 0);
    },
  });
  const block = (label: number, body: Statement): Statement => ({
    weight: UNITS.plain + body.weight,
    write: (out, scope) => {
      out.put(0x02, 0x40);
      body.write(out, [...scope, label]);
      out.u8(0x0b);
    },
    run: (frame) => {
      machine.use(UNITS.plain);
      const to = body.run(frame);
      return to === label ? 0 : to;
    },
  });
  const loop = (label: number, body: Statement): Statement => ({
    weight: LOOP_ENTRY,
    write: (out, scope) => {
      out.put(0x03, 0x40);
      body.write(out, [...scope, label]);
      out.u8(0x0b);
    },
    run: (frame) => {
      for (;;) {
        machine.counts.whole += UNITS.plain + body.weight;
        machine.use(UNITS.plain);
        const to = body.run(frame);
        if (to !== label) return to;
      }
    },
  });
  const depthOf = (scope: Scope, label: number): number => scope.length - 1 - scope.lastIndexOf(label);
  const branch = (label: number, condition: Expression | null): Statement => ({
    weight: UNITS.plain + (condition?.weight ?? 0),
    write: (out, scope) => {
      condition?.write(out, scope);
      out.u8(condition === null ? 0x0c : 0x0d).u32(depthOf(scope, label));
    },
    run: (frame) => {
      const is = condition === null ? 1 : condition.run(frame);
      machine.use(UNITS.plain);
      return is !== 0 ? label : 0;
    },
  });
  const table = (labels: number[], index: Expression): Statement => ({
    weight: UNITS.table + index.weight,
    write: (out, scope) => {
      index.write(out, scope);
      out.u8(0x0e).u32(labels.length - 1);
      for (const label of labels) out.u32(depthOf(scope, label));
    },
    run: (frame) => {
      const i = index.run(frame) >>> 0;
      machine.use(UNITS.table);
      return labels[Math.min(i, labels.length - 1)] as number;
    },
  });
  const leave = (value: Expression): Statement => ({
    weight: UNITS.plain + value.weight,
    write: (out, scope) => {
      value.write(out, scope);
      out.u8(0x0f);
    },
    run: (frame) => {
      frame[LOCALS] = value.run(frame);
      machine.use(UNITS.plain);
      return RETURN;
    },
  });
  const trap: Statement = {
    weight: UNITS.plain,
    write: (out) => out.u8(0x00),
    run: () => {
      machine.use(UNITS.plain);
      throw new Trapped();
    },
  };
  const divide = (local: number, by: Expression): Statement =>
    set(
      local,
      binary(
        0x6e,
        get(local),
        by,
        (a, b) => {
          if (b === 0) throw new Trapped();
          return ((a >>> 0) / (b >>> 0)) | 0;
        },
        UNITS.division,
      ),
    );

  /** Statements of a body; `around` are the labels that they may branch to. */
  const some = (most: number, depth: number, around: readonly number[], self: number): Statement[] =>
    Array.from({ length: 1 + roll(most) }, () => {
      const one = statement(depth, around, self);
      return roll(2) === 0 ? sequence([one, mark]) : one;
    });
  const heavy = (): Statement => {
    let value = masked(get(someLocal()));
    for (let i = 10 + roll(60); i > 0; i--) value = masked(load(value));
    return set(someLocal(), value);
  };

  /** The pattern of a counted loop, and what looks like it. */
  const counted = (depth: number, around: readonly number[], self: number): Statement => {
    const label = machine.label();
    const i = 8 + roll(4);
    const n = 12 + roll(4);
    const kind = roll(9);
    const step = STEPS[roll(STEPS.length)] as number;
    const end = (roll(3) === 0 ? (ENDS[roll(ENDS.length)] as number) : 0) + roll(60) - 20;
    const rounds = roll(4) === 0 ? roll(3_000) : roll(40);
    const start = (end - Math.imul(step, rounds) + (roll(4) === 0 ? roll(9) - 4 : 0)) | 0;
    const bound = roll(3) === 0 ? constant(end | 0) : get(n);
    const [left, right] = roll(4) === 0 ? [bound, get(i)] : [get(i), bound];
    // Inner loops and calls make it another kind of loop.
    const inside = roll(3) === 0 ? depth - 1 : Math.min(depth - 1, 0);
    const body = some(2, inside, roll(6) === 0 ? [...around, label] : roll(6) === 0 ? around : [], self);
    if (roll(12) === 0) body.push(set(roll(2) === 0 ? i : n, expression(1)));
    const advance = set(
      i,
      binary(0x6a, get(i), constant(step), (a, b) => (a + b) | 0),
    );
    body.splice(roll(5) === 0 ? roll(body.length + 1) : body.length, 0, advance);
    return sequence([
      set(i, constant(start)),
      set(n, constant(end | 0)),
      loop(label, choose(compare(kind, left, right), sequence([...body, branch(label, null)]), null)),
    ]);
  };

  const statement = (depth: number, around: readonly number[], self: number): Statement => {
    const kind = roll(depth > 0 ? 24 : 11);
    if (kind < 4) return set(someLocal(), expression(3));
    if (kind < 6) return store(masked(expression(2)), expression(2));
    if (kind === 6)
      return choose(
        expression(2),
        sequence(some(2, 0, around, self)),
        roll(2) === 0 ? sequence(some(2, 0, around, self)) : null,
      );
    if (kind === 7) {
      const label = machine.label();
      const inside = [...around, label];
      return block(
        label,
        sequence([...some(2, 0, inside, self), branch(label, expression(1)), ...some(2, 0, inside, self)]),
      );
    }
    if (kind === 8 && around.length > 0)
      return branch(around[roll(around.length)] as number, compare(0, expression(1), constant(-30)));
    if (kind === 9)
      return roll(40) === 0
        ? choose(compare(8, get(0), get(someLocal())), trap, null)
        : divide(
            someLocal(),
            binary(0x72, expression(1), constant(roll(60) === 0 ? 0 : 1), (a, b) => a | b),
          );
    if (kind === 10) return heavy();
    if (kind < 16) return counted(depth, around, self);
    if (kind === 16)
      return choose(
        expression(2),
        sequence(some(3, depth - 1, around, self)),
        roll(2) === 0 ? sequence(some(3, depth - 1, around, self)) : null,
      );
    if (kind === 17) {
      const [a, b, c] = [machine.label(), machine.label(), machine.label()];
      const inside = [...around, a, b];
      return block(
        a,
        sequence([
          block(
            b,
            sequence([
              block(
                c,
                sequence([
                  table(
                    [a, b, c, b, c],
                    binary(0x71, expression(2), constant(7), (x, y) => x & y),
                  ),
                ]),
              ),
              ...some(2, depth - 1, inside, self),
            ]),
          ),
          ...some(2, depth - 1, [...around, a], self),
        ]),
      );
    }
    if (kind === 18) {
      // A loop of another form: its test is at the end.
      const label = machine.label();
      const i = 8 + roll(4);
      return sequence([
        set(i, constant(0)),
        loop(
          label,
          sequence([
            ...some(2, depth - 1, around, self),
            set(
              i,
              binary(0x6a, get(i), constant(1), (a, b) => (a + b) | 0),
            ),
            branch(label, compare(1, get(i), constant(roll(60)))),
          ]),
        ),
      ]);
    }
    if (kind === 19 && self >= 0 && roll(2) === 0) {
      const less = binary(0x6b, get(1), constant(1), (a, b) => (a - b) | 0);
      const again = set(someLocal(), call(self, expression(1), less, roll(3) === 0));
      return choose(
        compare(2, get(1), constant(0)),
        roll(2) === 0 ? sequence([again, heavy(), heavy()]) : again,
        null,
      );
    }
    if (kind === 20 && roll(12) === 0) return choose(expression(2), leave(expression(1)), null);
    if (bodies.length > 0) {
      const depthLeft = binary(0x71, expression(1), constant(roll(4) === 0 ? 31 : 3), (a, b) => a & b);
      return set(someLocal(), call(roll(bodies.length), expression(1), depthLeft, roll(4) === 0));
    }
    return heavy();
  };

  const invoke = (index: number, a: number, b: number): number => {
    const frame = new Int32Array(LOCALS + 1);
    frame[0] = a;
    frame[1] = b;
    const body = bodies[index] as Statement;
    machine.counts.whole += body.weight + (LOCALS >> 2);
    if (++machine.depth > MOST_CALLS) throw new TooDeep();
    const to = body.run(frame);
    machine.depth--;
    if (to === RETURN) return frame[LOCALS] as number;
    machine.use(UNITS.plain);
    return frame[2] as number;
  };

  for (let index = 0; index < functions; index++) {
    const parts = index < 3 ? some(1, 0, [], -1) : some(4, 3, [], index);
    const body = sequence(parts);
    bodies.push({ ...body, weight: body.weight + UNITS.plain });
  }

  return {
    bytes: moduleOf(bodies),
    names: bodies.map((_, i) => `f${i}`),
    memory: new Uint8Array(view.buffer),
    run(name, a, b, most) {
      new Uint8Array(view.buffer).fill(0);
      machine.counts = { executed: 0, whole: 0, marks: [0] };
      machine.most = most;
      machine.depth = 0;
      return invoke(Number(name.slice(1)), a, b);
    },
    get counts() {
      return machine.counts;
    },
  };
}

/** All of them of one type, exported and in a table; one page of memory. */
function moduleOf(bodies: Statement[]): Uint8Array<ArrayBuffer> {
  const out = new Writer();
  const I32 = 0x7f;
  const section = (id: number, write: (w: Writer) => void): void => {
    const w = new Writer();
    write(w);
    out.section(id, w);
  };
  out.put(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  section(1, (w) => w.put(1, 0x60, 2, I32, I32, 1, I32));
  section(3, (w) => {
    w.u32(bodies.length);
    for (const _ of bodies) w.u8(0);
  });
  section(4, (w) => w.put(1, 0x70, 1).u32(bodies.length).u32(bodies.length));
  section(5, (w) => w.put(1, 1, 1, 1));
  section(7, (w) => {
    w.u32(bodies.length + 1)
      .name("memory")
      .put(2, 0);
    bodies.forEach((_, i) => w.name(`f${i}`).u8(0).u32(i));
  });
  section(9, (w) => {
    w.put(1, 0, 0x41, 0, 0x0b).u32(bodies.length);
    bodies.forEach((_, i) => w.u32(i));
  });
  section(10, (w) => {
    w.u32(bodies.length);
    for (const body of bodies) {
      const code = new Writer();
      code.put(1, LOCALS - PARAMETERS, I32);
      body.write(code, []);
      code.put(0x20, 2, 0x0b);
      w.sized(code);
    }
  });
  return out.finish();
}
