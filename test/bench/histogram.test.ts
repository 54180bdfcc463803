// Block times summed up: nothing is lost, nothing is counted twice, and the few figures are those of the series.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { blockTimes, histogramOf, timeLineOf } from "../../runtime/bench/histogram.ts";

const sorted = (times: number[]): Float64Array => Float64Array.from(times).sort();
const times = fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true }), { minLength: 2, maxLength: 300 });

test("every time is in one bin, or beyond the last", () => {
  fc.assert(
    fc.property(times, (series) => {
      const { edges, counts, beyond, largest } = histogramOf(sorted(series));
      assert.is(edges.length, counts.length + 1);
      assert.ok(counts.length <= 64);
      counts.forEach((count, i) => {
        const [from, to] = [edges[i] as number, edges[i + 1] as number];
        assert.is(count, series.filter((time) => time >= from && time < to).length, `bin ${i}`);
      });
      const last = edges[edges.length - 1] as number;
      assert.is(beyond, series.filter((time) => time >= last).length);
      assert.is(largest, Math.max(...series));
    }),
  );
});

test("bins are as wide as two ticks of a coarse clock, so that none is empty for that alone", () => {
  const series = Array.from({ length: 5000 }, (_, i) => 1 + 0.1 * ((i * 7) % 30));
  const { counts } = histogramOf(sorted(series));
  assert.ok(
    counts.slice(0, -6).every((count) => count > 0),
    counts.join(" "),
  );
});

test("the slowest thousandth does not squeeze the others into one bin", () => {
  const series = [...Array.from({ length: 9999 }, (_, i) => 1 + i / 10_000), 50_000];
  const { counts, beyond, largest } = histogramOf(sorted(series));
  assert.ok(counts.filter((count) => count > 0).length > 20);
  assert.equal([beyond, largest], [1, 50_000]);
});

test("quantiles of 1 to 1000 are where they must be", () => {
  const found = blockTimes(Float64Array.from({ length: 1000 }, (_, i) => i + 1));
  assert.equal(found, {
    blocks: 1000,
    minimum: 1,
    p50: 501,
    p99: 991,
    p999: 1000,
    maximum: 1000,
    mean: 500.5,
  });
});

test("a line of at most 480 points keeps the dearest block of every stretch", () => {
  const best = Float64Array.from({ length: 1000 }, (_, i) => (i === 700 ? 99 : 1));
  const worst = best.map((time) => time * 2);
  const line = timeLineOf(best, worst);
  assert.is(line.blocks, 3);
  assert.is(line.best.length, 334);
  assert.is(line.best[Math.floor(700 / 3)], 99);
  assert.is(line.worst[Math.floor(700 / 3)], 198);
  assert.is(line.best.filter((time) => time > 1).length, 1);
});

test.run();
