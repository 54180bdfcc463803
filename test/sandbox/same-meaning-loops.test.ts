// Loops, traps in them, and memory that grows: the rewritten form does what the original does, whatever the numbers.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeBody } from "../../runtime/sandbox/body.ts";
import { matchCountedLoop } from "../../runtime/sandbox/counted-loop.ts";
import { DEFAULT_LIMITS } from "../../runtime/sandbox/limits.ts";
import { Op } from "../../runtime/sandbox/opcodes.ts";
import { vetModule } from "../../runtime/sandbox/vet.ts";
import { wat } from "../wat.ts";
import { inStep } from "./in-step.ts";

const MOST_ROUNDS = 400;

function countedLoops(bytes: Uint8Array): number {
  const { module } = vetModule(bytes, DEFAULT_LIMITS);
  return module.bodies.reduce((sum, _, index) => {
    const code = decodeBody(module, index, DEFAULT_LIMITS);
    return sum + code.op.filter((op, i) => op === Op.loop && matchCountedLoop(code, i) !== null).length;
  }, 0);
}

/** i32 numbers, many of them near the ends of the signed and the unsigned range. */
const ends = fc
  .tuple(fc.constantFrom(0, 0x7fffffff, -0x80000000, -1, 1_000), fc.integer({ min: -30, max: 30 }))
  .map(([end, by]) => (end + by) | 0);
const number = fc.oneof({ weight: 3, arbitrary: ends }, { weight: 1, arbitrary: fc.integer() });

/** Counts a round in memory, and ends what would go on for too long. */
const COUNT_ROUND = `
  (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
  (if (i32.gt_u (i32.load (i32.const 0)) (i32.const ${MOST_ROUNDS})) (then (unreachable)))`;

/** What traps when it is round k, and, where it calls nothing, in a loop that is charged ahead. */
const TRAPS: [string, string][] = [
  ["unreachable", "(if (i32.eq (local.get $round) (local.get $k)) (then (unreachable)))"],
  ["a division by zero", "(drop (i32.div_s (i32.const 1) (i32.sub (local.get $k) (local.get $round))))"],
  [
    "a quotient too large",
    "(drop (i32.div_s (i32.const -2147483648) (i32.sub (i32.sub (local.get $k) (local.get $round)) (i32.const 1))))",
  ],
  ["a load", "(drop (i32.load (i32.sub (local.get $k) (local.get $round))))"],
  [
    "a store across the end",
    "(i64.store (i32.add (i32.sub (i32.const 65510) (local.get $k)) (local.get $round)) (i64.const -1))",
  ],
  [
    "a conversion",
    "(drop (i32.trunc_f32_s (f32.div (f32.const 3) (f32.convert_i32_s (i32.sub (local.get $k) (local.get $round))))))",
  ],
  ["a function called", "(call $deep (i32.sub (local.get $k) (local.get $round)))"],
  ["a call through the table", "(call_indirect (type $void) (i32.ge_s (local.get $round) (local.get $k)))"],
  [
    "bulk memory",
    "(memory.fill (i32.const 8) (local.get $round) (i32.sub (local.get $round) (local.get $k)))",
  ],
];

for (const [what, body] of TRAPS) {
  test(`a trap by ${what} inside a counted loop leaves what the original leaves`, () => {
    const bytes = wat(`(module (memory (export "memory") 1) (type $void (func)) (table 40 40 funcref)
      (elem (i32.const 0) $nothing) (func $nothing)
      (func $deep (param i32) (drop (i32.rem_u (i32.const 5) (local.get 0))))
      (func (export "run") (param $i i32) (param $n i32) (param $k i32) (result i32) (local $round i32)
        (i32.store (i32.const 0) (i32.const 0))
        (loop $loop (if (i32.lt_s (local.get $i) (local.get $n)) (then
          ${COUNT_ROUND}
          (i32.store (i32.add (i32.const 64) (i32.mul (local.get $round) (i32.const 4))) (local.get $i))
          ${body}
          (local.set $round (i32.add (local.get $round) (i32.const 1)))
          (local.set $i (i32.add (local.get $i) (i32.const 2)))
          (br $loop))))
        (local.get $round)))`);
    assert.is(countedLoops(bytes), /call|memory\.fill/.test(body) ? 0 : 1);
    const { call } = inStep(bytes);
    const came = new Set<string>();
    fc.assert(
      fc.property(
        number,
        fc.integer({ min: -5, max: 60 }),
        fc.integer({ min: -2, max: 40 }),
        (start, rounds, k) => {
          came.add(call("run", start, (start + rounds * 2) | 0, k));
        },
      ),
      { numRuns: 150 },
    );
    const trapped = [...came].filter((one) => !/^-?\d+$/.test(one));
    assert.ok(trapped.length > 0, "it trapped");
    assert.ok(came.size > trapped.length + 5, "and it did not always");
  });
}

const comparison = fc.constantFrom(
  "lt_s",
  "lt_u",
  "gt_s",
  "gt_u",
  "le_s",
  "le_u",
  "ge_s",
  "ge_u",
  "ne",
  "eq",
);
/** Comparisons with a step that leads out of them. */
const LEADING: [string, number][] = [
  ["lt_s", 1],
  ["lt_u", 2],
  ["le_s", 7],
  ["le_u", 65_536],
  ["gt_s", -1],
  ["gt_u", -65_536],
  ["ge_s", -3],
  ["ge_u", -1],
  ["ne", 1],
  ["ne", -1],
];
const step = fc.constantFrom(1, -1, 2, -3, 7, 4_096, 65_536, -65_536, 65_537, 0);

test("a loop that is gone into again from several places runs as often as before", () => {
  let continued = 0;
  fc.assert(
    fc.property(
      comparison,
      step,
      step,
      fc.array(fc.tuple(number, number), { minLength: 20, maxLength: 20 }),
      (compare, one, other, calls) => {
        const bytes = wat(`(module (memory (export "memory") 1)
        (func (export "run") (param $i i32) (param $n i32) (result i32)
          (i32.store (i32.const 0) (i32.const 0))
          (block $done
            (loop $loop
              (br_if $done (i32.eqz (i32.${compare} (local.get $i) (local.get $n))))
              ${COUNT_ROUND}
              (i32.store (i32.add (i32.const 64) (i32.and (i32.mul (local.get $i) (i32.const 4)) (i32.const 0xfff))) (local.get $n))
              (local.set $i (i32.add (local.get $i) (i32.const ${one})))
              (br_if $loop (i32.eqz (i32.and (local.get $i) (i32.const 3))))
              (block $out (block $skip
                (br_table $skip $loop $out $done $loop (i32.rem_u (local.get $i) (i32.const 5))))
                (if (i32.and (local.get $i) (i32.const 8)) (then (br $loop)) (else
                  (local.set $n (i32.xor (local.get $n) (i32.const 1))))))
              (local.set $i (i32.add (local.get $i) (i32.const ${other})))
              (br $loop)))
          (i32.add (local.get $i) (i32.load (i32.const 0)))))`);
        const { call } = inStep(bytes);
        for (const [start, bound] of calls) if (/^-?\d+$/.test(call("run", start, bound))) continued++;
      },
    ),
    { numRuns: 40 },
  );
  assert.ok(continued > 100, `${continued} of 800 calls came to an end`);
});

test("nests of loops on any comparisons, with bounds that depend on outer counters, run as often as before", () => {
  let counted = 0;
  const leading = fc.constantFrom(...LEADING);
  const any = fc.tuple(comparison, step);
  const head = fc.record({
    how: fc.oneof(leading, any),
    bound: fc.constantFrom("$n", "$m", "$outer", "const"),
  });
  fc.assert(
    fc.property(
      head,
      head,
      fc.integer(),
      fc.array(fc.tuple(number, number), { minLength: 20, maxLength: 20 }),
      (a, b, fixed, calls) => {
        const bound = (which: string): string => {
          if (which === "const") return `(i32.const ${fixed})`;
          return `(local.get ${which === "$outer" ? "$i" : which})`;
        };
        const bytes = wat(`(module (memory (export "memory") 1)
        (func (export "run") (param $n i32) (param $m i32) (result i32) (local $i i32) (local $j i32)
          (i32.store (i32.const 0) (i32.const 0))
          (local.set $i (i32.sub (local.get $n) (i32.const ${Math.imul(a.how[1], 9)})))
          (loop $first (if (i32.${a.how[0]} (local.get $i) ${bound(a.bound === "$outer" ? "$m" : a.bound)}) (then
            ${COUNT_ROUND}
            (local.set $j (i32.sub (local.get $m) (i32.const ${Math.imul(b.how[1], 5)})))
            (loop $second (if (i32.${b.how[0]} (local.get $j) ${bound(b.bound)}) (then
              ${COUNT_ROUND}
              (i32.store (i32.const 8) (i32.add (i32.mul (i32.load (i32.const 8)) (i32.const 31)) (local.get $j)))
              (local.set $j (i32.add (local.get $j) (i32.const ${b.how[1]})))
              (br $second))))
            (local.set $i (i32.add (local.get $i) (i32.const ${a.how[1]})))
            (br $first))))
          (i32.add (local.get $i) (i32.mul (local.get $j) (i32.const 3)))))`);
        counted += countedLoops(bytes);
        const { call } = inStep(bytes);
        for (const [n, m] of calls) call("run", n, m);
      },
    ),
    { numRuns: 60 },
  );
  assert.ok(counted > 20, `${counted} loops were charged ahead`);
});

test("memory.size and memory.grow give what they give in the original, and new pages are zero", () => {
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom(-1, 65_535, 65_536, 65_537, 0x7fffffff, -0x80000000) },
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 0, max: 6 }),
      fc.array(action, { maxLength: 12 }),
      (first, more, actions) => {
        const { call } = inStep(
          wat(`(module (memory (export "memory") ${first} ${first + more})
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "size") (result i32) (memory.size))
          (func (export "grow_in_a_loop") (param $n i32) (result i32) (local $i i32) (local $sum i32)
            (loop $loop (if (i32.lt_u (local.get $i) (local.get $n)) (then
              (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 7)) (memory.grow (i32.rem_u (local.get $i) (i32.const 2)))))
              (i32.store8 (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1)) (local.get $i))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br $loop))))
            (i32.add (local.get $sum) (memory.size))))`),
        );
        for (const pages of actions) {
          call("grow", pages);
          call("size");
        }
        call("grow_in_a_loop", 5);
        call("grow_in_a_loop", 40);
        call("size");
      },
    ),
    { numRuns: 40 },
  );
});

test.run();
