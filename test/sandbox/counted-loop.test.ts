// Counted loops: charged ahead, they run exactly as often as before, whatever wraps, and never for less.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeBody } from "../../runtime/sandbox/body.ts";
import { matchCountedLoop } from "../../runtime/sandbox/counted-loop.ts";
import { DEFAULT_LIMITS } from "../../runtime/sandbox/limits.ts";
import { Op } from "../../runtime/sandbox/opcodes.ts";
import { vetModule } from "../../runtime/sandbox/vet.ts";
import { wat } from "../wat.ts";
import { metered, original } from "./run.ts";

const STOP_AFTER = 3_000;

/** run(start, bound) counts rounds in a global and gives up after STOP_AFTER; last() is the counter after it. */
function loopText(comparison: string, step: number, bound: string, mirrored: boolean, extra = ""): string {
  const [left, right] = mirrored ? [bound, "(local.get $i)"] : ["(local.get $i)", bound];
  return `(module (memory (export "memory") 1)
    (global $rounds (mut i32) (i32.const 0)) (global $last (mut i32) (i32.const 0))
    (func (export "rounds") (result i32) (global.get $rounds))
    (func (export "last") (result i32) (global.get $last))
    (func (export "run") (param $i i32) (param $n i32)
      (global.set $rounds (i32.const 0))
      (loop $loop
        (if (${comparison} ${left} ${right})
          (then
            ${extra}
            (global.set $rounds (i32.add (global.get $rounds) (i32.const 1)))
            (global.set $last (local.get $i))
            (if (i32.gt_u (global.get $rounds) (i32.const ${STOP_AFTER})) (then (unreachable)))
            (local.set $i (i32.add (local.get $i) (i32.const ${step})))
            (br $loop))))
      (global.set $last (local.get $i))))`;
}

const comparisons = ["lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u", "ne"].map(
  (name) => `i32.${name}`,
);
const nearEnds = fc.oneof(
  fc.integer({ min: -40, max: 40 }),
  fc
    .constantFrom(0x7fffffff, -0x80000000, -1, 0, 65_535, 65_536)
    .chain((end) => fc.integer({ min: -40, max: 40 }).map((d) => (end + d) | 0)),
  fc.integer({ min: -4_000, max: 4_000 }),
  fc.integer(),
);

interface Outcome {
  trapped: boolean;
  rounds: number;
  last: number;
}

function outcome(
  exports: Record<string, (...args: number[]) => number>,
  start: number,
  bound: number,
): Outcome {
  let trapped = false;
  try {
    exports.run?.(start, bound);
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    trapped = true;
  }
  return { trapped, rounds: exports.rounds?.() as number, last: exports.last?.() as number };
}

function isCounted(bytes: Uint8Array<ArrayBuffer>): boolean {
  const { module } = vetModule(bytes, DEFAULT_LIMITS);
  return module.bodies.some((_, index) => {
    const code = decodeBody(module, index, DEFAULT_LIMITS);
    return code.op.some((op, i) => op === Op.loop && matchCountedLoop(code, i) !== null);
  });
}

for (const comparison of comparisons) {
  test(`a loop on ${comparison} runs as often as before and is charged for at least that`, () => {
    for (const step of [1, -1, 2, -2, 3, -7, 16, 65_536, -65_536, 12_345]) {
      for (const mirrored of [false, true]) {
        const bytes = wat(loopText(comparison, step, "(local.get $n)", mirrored));
        const before = original(bytes).exports as never;
        const after = metered(bytes);
        fc.assert(
          fc.property(nearEnds, nearEnds, (start, bound) => {
            const expected = outcome(before, start, bound);
            after.begin(1e9);
            assert.equal(outcome(after.exports as never, start, bound), expected);
            if (!expected.trapped) assert.ok(after.used() >= expected.rounds * 10);
          }),
          { numRuns: 60 },
        );
      }
    }
  });
}

test("a constant bound counts as well", () => {
  const bytes = wat(loopText("i32.lt_s", 3, "(i32.const 2147483647)", false));
  assert.ok(isCounted(bytes));
  const expected = outcome(original(bytes).exports as never, 2147483600, 0);
  const after = metered(bytes);
  after.begin(1e9);
  assert.equal(outcome(after.exports as never, 2147483600, 0), expected);
});

test("the units of a counted loop grow by the same amount each round", () => {
  const text = `(module (memory (export "memory") 1) (func (export "run") (param $n i32) (local $i i32)
    (loop $loop (if (i32.lt_s (local.get $i) (local.get $n)) (then
      (f32.store (i32.const 0) (f32.load (i32.const 4)))
      (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $loop))))))`;
  const bytes = wat(text);
  assert.ok(isCounted(bytes));
  const { exports, begin, used } = metered(bytes);
  const cost = (n: number): number => {
    begin(1e9);
    exports.run?.(n);
    return used();
  };
  const perRound = (cost(1_000) - cost(0)) / 1_000;
  assert.equal(cost(100_000) - cost(0), 100_000 * perRound);
  // loop 1, compare 3, if 1, constants 2, load 16, store 4, step 4, br 1
  assert.equal(perRound, 32);
});

const body = (extra: string, step = 1): string => loopText("i32.lt_s", step, "(local.get $n)", false, extra);
const refused: [string, string][] = [
  ["writes its counter a second time", body("(local.set $i (i32.sub (local.get $i) (i32.const 1)))")],
  ["writes its bound", body("(local.set $n (i32.add (local.get $n) (i32.const 1)))")],
  ["may leave in the middle", body("(br_if 0 (i32.eq (local.get $i) (i32.const 7)))")],
  ["may begin again in the middle", body("(if (i32.const 0) (then (br $loop)))")],
  ["may return", body("(if (i32.eq (local.get $i) (i32.const 3)) (then (return)))")],
  ["steps by zero", body("", 0)],
  ["steps away from its bound", body("", -1)],
  ["steps too far", body("", 65_537)],
  [
    "steps in an inner block only",
    loopText("i32.lt_s", 1, "(local.get $n)", false).replace(
      /\(local\.set \$i \(i32\.add \(local\.get \$i\) \(i32\.const 1\)\)\)/,
      "(if (i32.const 1) (then (local.set $i (i32.add (local.get $i) (i32.const 1)))))",
    ),
  ],
  [
    "adds its step to another local",
    loopText("i32.lt_s", 1, "(local.get $n)", false).replace(
      "(local.set $i (i32.add (local.get $i) (i32.const 1)))",
      "(local.set $i (i32.add (local.get $n) (i32.const 1)))",
    ),
  ],
];
for (const [what, text] of refused) {
  test(`a loop that ${what} is charged each time round, and stays the same`, () => {
    const bytes = wat(text);
    assert.not(isCounted(bytes));
    const before = original(bytes).exports as never;
    const after = metered(bytes);
    for (const [start, bound] of [
      [0, 20],
      [5, 5],
      [-3, 4],
      [2147483640, 2147483647],
    ] as const) {
      after.begin(1e9);
      assert.equal(outcome(after.exports as never, start, bound), outcome(before, start, bound));
    }
  });
}

test("nested counted loops keep their own strips", () => {
  const bytes = wat(`(module (memory (export "memory") 1) (global $sum (mut i32) (i32.const 0))
    (func (export "run") (param $n i32) (param $m i32) (result i32) (local $i i32) (local $j i32)
      (global.set $sum (i32.const 0))
      (loop $outer (if (i32.lt_u (local.get $i) (local.get $n)) (then
        (local.set $j (local.get $i))
        (loop $inner (if (i32.lt_u (local.get $j) (local.get $m)) (then
          (global.set $sum (i32.add (i32.mul (global.get $sum) (i32.const 31)) (local.get $j)))
          (local.set $j (i32.add (local.get $j) (i32.const 3)))
          (br $inner))))
        (local.set $i (i32.add (local.get $i) (i32.const 2)))
        (br $outer))))
      (global.get $sum)))`);
  const before = original(bytes);
  const after = metered(bytes);
  for (const [n, m] of [
    [0, 9],
    [9, 0],
    [10, 20],
    [500, 700],
    [1, 100_000],
  ] as const) {
    after.begin(1e9);
    assert.equal(after.exports.run?.(n, m), before.exports.run?.(n, m));
  }
});

test("a counted loop whose rounds leave operands behind runs as before", () => {
  // run(n): i goes from 0 to n, with a constant left on the stack each round, which the br drops
  const body = [1, 1, 0x7f, 0x03, 0x40, 0x20, 1, 0x20, 0, 0x48, 0x04, 0x40]; // local i; loop (if (i < n)
  body.push(0x41, 7, 0x20, 1, 0x41, 1, 0x6a, 0x21, 1, 0x0c, 1, 0x0b, 0x0b); // 7; i = i + 1; br 1))
  body.push(0x20, 1, 0x0b); // i
  const bytes = Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0, 5, 3, 1, 0, 1],
    ...[7, 16, 2, 3, 0x72, 0x75, 0x6e, 0, 0, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 0],
    ...[10, body.length + 2, 1, body.length, ...body],
  ]);
  const before = original(bytes);
  const after = metered(bytes);
  for (const n of [-1, 0, 1, 2, 5_000]) {
    after.begin(1e9);
    assert.equal(after.exports.run?.(n), before.exports.run?.(n));
  }
});

test.run();
