// The figures that sum up a benchmark.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { geometricMean, maximum, median, minimum, quantile } from "../../runtime/bench/statistics.ts";

test("quantiles are values of the series, whatever its order", () => {
  const series = [5, 1, 4, 2, 3, 6, 10, 8, 9, 7];
  assert.is(quantile(series, 0), 1);
  assert.is(quantile(series, 0.9), 10);
  assert.is(quantile(series, 1), 10);
  assert.is(median([3, 1, 2]), 2);
  assert.equal(series[0], 5);
});

test("minimum, maximum and geometric mean", () => {
  assert.is(minimum([3, 1, 2]), 1);
  assert.is(maximum([3, 1, 2]), 3);
  assert.ok(Math.abs(geometricMean([0.5, 2]) - 1) < 1e-15);
  assert.ok(Math.abs(geometricMean([1, 10, 100]) - 10) < 1e-12);
});

test.run();
