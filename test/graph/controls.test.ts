import { test } from "uvu";
import * as assert from "uvu/assert";
import { Fake, graphOf, port, w } from "./fakes.ts";

function values(...list: number[]): Fake {
  return new Fake(["value:out control"], 8, (node) => {
    node.controlsOut[0] = list[Math.min(node.calls, list.length) - 1] as number;
  });
}
const knob = { ...port("level:in control"), min: -1, max: 2, default: 0.5 };

test("control wires add, and replace the knob's own value", () => {
  const node = new Fake(["other:in control", knob], 8);
  const graph = graphOf(8, { a: values(0.25), b: values(0.5), node }, [
    w("a.value -> node.level"),
    w("b.value -> node.level"),
  ]);
  graph.setControl(2, 1, 1.5);
  graph.process();
  assert.is(node.controlsIn[1], 0.75);
  assert.is(node.controlsIn[0], 0);
});

test("a sum is kept within the knob's range, and what is no number becomes the least value", () => {
  const node = new Fake([knob], 8);
  const graph = graphOf(8, { a: values(5, -5, Number.NaN, Infinity, 0.125), node }, [
    w("a.value -> node.level"),
  ]);
  const heard = [0, 0, 0, 0, 0].map(() => {
    graph.process();
    return node.controlsIn[0];
  });
  assert.equal(heard, [2, -1, -1, 2, 0.125]);
});

test("a knob that no wire leads to is what was set, within its range", () => {
  const node = new Fake([knob], 8);
  const graph = graphOf(8, { node }, []);
  graph.process();
  assert.is(node.controlsIn[0], 0.5);
  graph.setControl(0, 0, 1.25);
  graph.process();
  assert.is(node.controlsIn[0], 1.25);
  graph.setControl(0, 0, 99);
  assert.is(node.controlsIn[0], 2);
});

test("a feedback wire gives the value of the block before; before the first, the output's default", () => {
  const source = new Fake([{ ...port("value:out control"), default: 0.375 }], 8, (node) => {
    node.controlsOut[0] = node.calls;
  });
  const node = new Fake([{ ...knob, max: 100 }], 8);
  const graph = graphOf(8, { source, node }, [w("source.value -> node.level", { feedback: true })]);
  const heard = [0, 0, 0].map(() => {
    graph.process();
    return node.controlsIn[0];
  });
  assert.equal(heard, [0.375, 1, 2]);
});

test.run();
