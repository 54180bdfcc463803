import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { BelljarError } from "../../abi/error.ts";
import { runningOrder } from "../../runtime/graph/order.ts";

const forward = (from: number, to: number, feedback = false) => ({ from, to, feedback });

function refusal(work: () => unknown): BelljarError {
  try {
    work();
  } catch (error) {
    return error as BelljarError;
  }
  throw new Error("nothing was refused");
}

test("nodes that nothing orders run as declared", () => {
  assert.equal(runningOrder(["a", "b", "c"], []), [0, 1, 2]);
  assert.equal(runningOrder(["a", "b", "c", "d"], [forward(3, 0)]), [1, 2, 3, 0]);
});

test("a node runs after all that feed it, and the earliest declared of the ready ones runs first", () => {
  assert.equal(runningOrder(["a", "b", "c", "d"], [forward(2, 0), forward(1, 0)]), [1, 2, 0, 3]);
});

test("in any graph without a cycle every node comes once, after its feeders, and no earlier declared one was ready", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.tuple(fc.nat(11), fc.nat(11))),
      (count, pairs) => {
        // Edges along a fixed shuffle (multiplication by 5 modulo 13 permutes 1..12) have no cycle.
        const rank = (node: number): number => ((node + 1) * 5) % 13;
        const edges = pairs
          .filter(([a, b]) => a < count && b < count && rank(a) < rank(b))
          .map(([a, b]) => forward(a, b));
        const order = runningOrder(
          Array.from({ length: count }, (_, i) => `n${i}`),
          edges,
        );
        assert.equal(
          [...order].sort((a, b) => a - b),
          [...Array(count).keys()],
        );
        const done = new Set<number>();
        for (const node of order) {
          const ready = (candidate: number): boolean =>
            !done.has(candidate) && edges.every((edge) => edge.to !== candidate || done.has(edge.from));
          assert.is(node, [...Array(count).keys()].find(ready));
          done.add(node);
        }
      },
    ),
  );
});

test("a cycle is refused with its path, from the node that was declared first, in the direction of the wires", () => {
  const error = refusal(() => runningOrder(["a", "b", "c"], [forward(2, 1), forward(1, 2)]));
  assert.is(error.code, "session/cycle");
  assert.match(error.message, "b -> c -> b");
  const long = refusal(() =>
    runningOrder(
      ["x", "a", "b", "c", "y"],
      [forward(3, 1), forward(1, 2), forward(2, 3), forward(0, 1), forward(2, 4)],
    ),
  );
  assert.match(long.message, "a -> b -> c -> a");
});

test("a node that feeds itself is a cycle", () => {
  assert.match(refusal(() => runningOrder(["a"], [forward(0, 0)])).message, "a -> a");
});

test("feedback wires order nothing", () => {
  assert.equal(runningOrder(["a", "b"], [forward(1, 0, true), forward(0, 1)]), [0, 1]);
});

test.run();
