// Unit budgets: what a percent is, what is said, and what a file must look like.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import {
  type Budget,
  budgetText,
  type Budgets,
  judgeBudgets,
  readBudgets,
  updated,
} from "../../runtime/bench/budget.ts";
import type { BenchReport } from "../../runtime/bench/result.ts";

const budget = (units: number, most: number, more: Partial<Budget> = {}): Budget => ({
  rate: 48000,
  block: 128,
  voices: null,
  seconds: 10,
  with: [],
  units_a_block: units,
  most_units: most,
  ...more,
});
const report = { subject: { id: "test.plugin" } } as unknown as BenchReport;
const kept = (...budgets: Budget[]): Budgets => updated("test.plugin", budgets, null);
const judge = (now: Budget, before: Budget) => judgeBudgets(report, [now], kept(before));

test("one percent more is within the budget, and one unit more than that is not", () => {
  for (const allowed of [100, 700, 1100, 12_300, 4_000_000]) {
    const edge = allowed + allowed / 100;
    assert.equal(judge(budget(edge, edge), budget(allowed, allowed)).failures, []);
    assert.is(judge(budget(edge + 1, edge), budget(allowed, allowed)).failures.length, 1, String(allowed));
    assert.is(judge(budget(edge, edge + 1), budget(allowed, allowed)).failures.length, 1, String(allowed));
  }
});

test("one percent less is no news, less than that is", () => {
  assert.equal(judge(budget(990, 990), budget(1000, 1000)).below, []);
  const { failures, below } = judge(budget(989, 1000), budget(1000, 1000));
  assert.equal(failures, []);
  assert.equal(below, [
    "test.plugin at 48000 Hz, 128 frames costs 989 units a block: 1.1 % below the budget of 1000.",
  ]);
});

test("each figure that is above has a sentence that names it", () => {
  assert.equal(judge(budget(1020.5, 3000, { voices: 4 }), budget(1000, 2000, { voices: 4 })).failures, [
    "test.plugin at 48000 Hz, 128 frames, 4 voices costs 1020.5 units a block: 2.0 % above the budget of 1000.",
    "test.plugin at 48000 Hz, 128 frames, 4 voices costs 3000 units in one block: 50.0 % above the budget of 2000.",
  ]);
});

test("where anything is different that decides the work, there is no budget, and that fails", () => {
  const differences: Partial<Budget>[] = [
    { rate: 44100 },
    { block: 64 },
    { voices: 1 },
    { seconds: 5 },
    { with: ["param gain=-6 dB"] },
  ];
  for (const different of differences) {
    const { failures, compared } = judge(budget(1000, 1000, different), budget(1000, 1000));
    assert.is(compared, 0);
    assert.is(failures.length, 1);
    assert.match(failures[0] as string, "has no budget");
  }
});

test("the order of conditions means nothing", () => {
  const { failures } = judge(budget(1, 1, { with: ["a", "b"] }), budget(1, 1, { with: ["b", "a"] }));
  assert.equal(failures, []);
});

test("budgets of another meter are said to be so, where they fail", () => {
  const old = { ...kept(budget(1000, 1000)), meter: 1 };
  assert.match(judgeBudgets(report, [budget(2000, 1000)], old).failures.at(-1) as string, "with meter 1");
  assert.equal(judgeBudgets(report, [budget(1000, 1000)], old).failures, []);
});

test("an update replaces what was measured, and keeps the rest, also of a plugin named __proto__", () => {
  const before = updated("__proto__", [budget(5, 5)], kept(budget(1, 1), budget(2, 2, { block: 64 })));
  const after = updated("test.plugin", [budget(3, 3)], before);
  const read = readBudgets(Buffer.from(budgetText(after)), "budgets.json");
  assert.equal(Object.keys(read.budgets).sort(), ["__proto__", "test.plugin"]);
  assert.equal(
    read.budgets["test.plugin"]?.map((one) => [one.block, one.units_a_block]),
    [
      [64, 2],
      [128, 3],
    ],
  );
});

test("what is no budget file is refused in a sentence", () => {
  const good = JSON.parse(budgetText(kept(budget(1, 1))));
  const one = good.budgets["test.plugin"][0];
  const wrong = [
    "",
    "units: 5",
    "[]",
    "null",
    "{}",
    '{"belljar":"unit budgets 2"}',
    JSON.stringify({ ...good, meter: "4" }),
    JSON.stringify({ ...good, budgets: [] }),
    JSON.stringify({ ...good, budgets: { a: {} } }),
    JSON.stringify({ ...good, budgets: { a: [null] } }),
    JSON.stringify({ ...good, budgets: { a: [{ ...one, units_a_block: "5" }] } }),
    JSON.stringify({ ...good, budgets: { a: [{ ...one, most_units: -5 }] } }),
    JSON.stringify({ ...good, budgets: { a: [{ ...one, with: [5] }] } }),
  ];
  for (const text of wrong) {
    assert.throws(
      () => readBudgets(Buffer.from(text), "b.json"),
      (error: unknown) =>
        error instanceof BelljarError &&
        error.code === "budget/format" &&
        /^b\.json is no file/.test(error.message),
      text,
    );
  }
  assert.throws(() => readBudgets(Uint8Array.of(0xff, 0xfe), "b.json"), /not JSON/);
});

test.run();
