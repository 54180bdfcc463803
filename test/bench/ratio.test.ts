// Ratios of times with their intervals, against figures that are known beforehand.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { calmTurns, cost, doubt, judge, ratiosTo, type Turns } from "../../runtime/bench/ratio.ts";

const turnsOf = (rows: number[][]): Turns => ({
  rounds: rows.length,
  turns: rows[0]?.length ?? 0,
  times: Float64Array.from(rows.flat()),
});
const all = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Uniform in 0 to 1, the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}

/** `rounds` rounds of `turns` turns that take `time`, give or take `spread`; one in ten is interrupted. */
function noisy(time: number, spread: number, seed: number, rounds = 20, turns = 16): Turns {
  const next = random(seed);
  const times = Float64Array.from({ length: rounds * turns }, () => {
    const usual = time * (1 + spread * (next() - 0.5));
    return next() < 0.1 ? usual * 40 : usual;
  });
  return { rounds, turns, times };
}

test("what a form costs is the sum over its turns of the medians of their rounds", () => {
  const form = turnsOf([
    [1, 10],
    [3, 1000],
    [2, 20],
  ]);
  assert.is(cost(form, all(3)), 2 + 20);
  assert.is(cost(form, [0, 2]), 1.5 + 15);
});

test("times that are twice as long in every round have the ratio 2, and no doubt about it", () => {
  const base = noisy(5, 0.1, 1);
  const twice = { ...base, times: base.times.map((time) => time * 2) };
  const [ratio] = ratiosTo(base, [twice]);
  assert.equal(ratio, { ratio: 2, low: 2, high: 2 });
});

test("the interval holds the true ratio, in 90 of 100 series and more, though one turn in ten is interrupted", () => {
  let held = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const [ratio] = ratiosTo(noisy(10, 0.2, seed), [noisy(12, 0.2, seed + 5000)]);
    if (ratio !== undefined && ratio.low <= 1.2 && 1.2 <= ratio.high) held++;
  }
  assert.ok(held >= 90, `${held} of 100`);
});

test("the same times give the same interval", () => {
  const [a, b] = [noisy(10, 0.2, 7), noisy(11, 0.2, 8)];
  assert.equal(ratiosTo(a, [b]), ratiosTo(a, [b]));
});

test("a block that was interrupted counts as the median of its rounds, one that is dear in every round does not", () => {
  // Three rounds of four grains: the second grain is dear throughout, the third was interrupted once.
  const times = Float64Array.from([1, 50, 1, 2, 1, 51, 900, 2, 1, 52, 3, 2]);
  const calm = calmTurns(times, 4, 2);
  assert.equal([calm.rounds, calm.turns, ...calm.times], [3, 2, 1 + 50, 1 + 2, 1 + 51, 3 + 2, 1 + 52, 3 + 2]);
});

const around = (ratio: number, width: number) => ({ ratio, low: ratio / width, high: ratio * width });

test("a difference is told when it is beyond what two equal things seemed to differ by", () => {
  const steady = around(1, 1.01);
  assert.is(judge(around(1.05, 1.01), steady), "slower");
  assert.is(judge(around(0.95, 1.01), steady), "faster");
  assert.is(judge(around(1.005, 1.01), steady), "no difference");
  assert.is(judge(around(1.015, 1.002), around(1, 1.02)), "no difference");
});

test("a noisy machine says so, unless the difference is larger than the noise", () => {
  const noise = around(1.05, 1.1);
  assert.is(judge(around(1, 1.01), noise), "too noisy to tell");
  assert.is(judge(around(1, 1.2), around(1, 1.001)), "too noisy to tell");
  assert.is(judge(around(2, 1.05), noise), "slower");
  assert.is(judge(around(0.3, 1.05), noise), "faster");
  assert.is(doubt({ ratio: 0.9, low: 0.8, high: 1 }), 1 / 0.8);
});

test.run();
