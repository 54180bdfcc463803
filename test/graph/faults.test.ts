import { test } from "uvu";
import * as assert from "uvu/assert";
import { AUDIO_CONNECTED, AUDIO_INPUT_SILENT, EventType, ProcessState } from "../../abi/layout.ts";
import { Fake, graphOf, hear, sameBits, source, w, wire } from "./fakes.ts";

/** Sounds 0.5; in block `bad` it fills half a block and then fails as told. */
function failing(bad: number, how: "false" | "throw"): Fake {
  return new Fake(["out:out stereo", "events:out event", "value:out control"], 8, (node) => {
    node.channel("out", 0).fill(0.5, 0, node.calls > bad ? 4 : 8);
    node.channel("out", 1).fill(0.5);
    node.controlsOut[0] = 0.75;
    node.eventsOut.push(0, 1, 1, 1, 0, 60, 0, 1);
    if (node.calls > bad && how === "throw") throw new Error("broken");
    return node.calls <= bad;
  });
}

test("from the block of its fault on a node is silence, and it is not called again", () => {
  for (const how of ["false", "throw"] as const) {
    const bad = failing(3, how);
    const graph = graphOf(8, { bad }, [w("bad.out -> master.audio_in")]);
    const heard = hear(graph, 6);
    assert.ok(
      sameBits(
        heard.left,
        Float32Array.from({ length: 48 }, (_, i) => (i < 24 ? 0.5 : 0)),
      ),
    );
    assert.is(bad.calls, 4);
    assert.is(graph.byNode[0]?.faultBlock, 3);
    assert.is(graph.faultCount, 1);
    assert.is(graph.faults[0], 0);
  }
});

test("what a node threw is kept", () => {
  const graph = graphOf(8, { bad: failing(0, "throw") }, []);
  graph.process();
  assert.match(String(graph.byNode[0]?.thrown), "broken");
});

test("the others play on with every bit", () => {
  const sound = (i: number): number => Math.fround(((i * 0.618) % 1) * 0.5);
  const build = (withBad: boolean): Float32Array => {
    const nodes = { a: source(8, sound), ...(withBad ? { bad: failing(2, "throw") } : {}), x: wire(8) };
    const wires = [w("a.out -> x.in"), w("x.out -> master.audio_in")];
    if (withBad) wires.splice(1, 0, w("bad.out -> x.in"));
    return hear(graphOf(8, nodes, wires), 6).left;
  };
  assert.ok(sameBits(build(true).slice(16), build(false).slice(16)));
});

test("nodes that stop are listed in the order in which they stopped", () => {
  const graph = graphOf(8, { a: failing(4, "false"), b: failing(1, "false"), c: failing(4, "throw") }, []);
  hear(graph, 8);
  assert.is(graph.faultCount, 3);
  assert.equal(
    [...graph.faults].map((index) => graph.steps[index]?.id),
    ["b", "a", "c"],
  );
});

test("a stopped node sends the end of all notes and no event after that, and its control wires count as unplugged", () => {
  const ear = new Fake(["notes:in event", "level:in control"], 8);
  const graph = graphOf(8, { bad: failing(1, "throw"), ear }, [
    w("bad.events -> ear.notes"),
    w("bad.value -> ear.level"),
  ]);
  graph.setControl(1, 0, 0.25);
  graph.process();
  assert.is(ear.eventsIn.count, 1);
  assert.is(ear.controlsIn[0], 0.75);
  graph.process();
  const [frame, head, note, channel] = ear.eventsIn.words;
  assert.equal([ear.eventsIn.count, frame, head, note, channel], [1, 0, EventType.AllNotesOff, -1, -1]);
  assert.is(ear.controlsIn[0], 0.25);
  graph.process();
  assert.is(ear.eventsIn.count, 0);
});

test("a node that fails between blocks is silent from the next block on", () => {
  const node = source(8, () => 0.5);
  node.idle = () => {
    throw new Error("idle");
  };
  const graph = graphOf(8, { node }, [w("node.out -> master.audio_in")]);
  assert.ok(
    sameBits(
      hear(graph, 2).left,
      Float32Array.from({ length: 16 }, (_, i) => (i < 8 ? 0.5 : 0)),
    ),
  );
  assert.is(graph.byNode[0]?.faultBlock, 1);
});

test("inputs are told whether they are wired, and whether they are silent", () => {
  const sound = source(8, (i) => (i < 8 ? 0.5 : 0));
  const ear = new Fake(["in:in stereo", "free:in stereo", "out:out stereo", "loose:out mono"], 8);
  const graph = graphOf(8, { sound, ear }, [w("sound.out -> ear.in"), w("ear.out -> master.audio_in")]);
  graph.process();
  assert.is(ear.flags("in"), AUDIO_CONNECTED);
  assert.is(ear.flags("free"), AUDIO_INPUT_SILENT);
  assert.is(ear.flags("out"), AUDIO_CONNECTED);
  assert.is(ear.flags("loose"), 0);
  graph.process();
  assert.is(ear.flags("in"), AUDIO_CONNECTED | AUDIO_INPUT_SILENT);
});

test("a silent input is zeros even where the node has written into it", () => {
  const seen: number[] = [];
  const scribbler = new Fake(["in:in mono", "free:in mono"], 8, (node) => {
    seen.push(...node.channel("in"), ...node.channel("free"));
    node.channel("in").fill(9);
    node.channel("free").fill(9);
  });
  hear(graphOf(8, { quiet: source(8, () => 0), scribbler }, [w("quiet.out -> scribbler.in")]), 2);
  assert.ok(seen.every((x) => x === 0));
});

test("a node that sleeps is called again when sound, an event or another value arrives", () => {
  for (const state of [ProcessState.Sleep, ProcessState.QuietOk]) {
    const sound = source(8, (i) => (i >= 16 && i < 24 ? 0.5 : 0));
    const notes = new Fake(["out:out event"], 8, (node) => {
      if (node.calls === 5) node.eventsOut.push(3, 1, 0, 1, 0, 60, 0, 1);
    });
    const sleeper = new Fake(
      ["in:in stereo", "notes:in event", "level:in control", "out:out stereo"],
      8,
      (node) => {
        node.channel("out").fill(0.125);
      },
    );
    sleeper.processState = state;
    const graph = graphOf(8, { sound, notes, sleeper }, [
      w("sound.out -> sleeper.in"),
      w("notes.out -> sleeper.notes"),
      w("sleeper.out -> master.audio_in"),
    ]);
    const called: number[] = [];
    for (let block = 0; block < 8; block++) {
      if (block === 6) graph.setControl(2, 0, 0.5);
      const before = sleeper.calls;
      graph.process();
      if (sleeper.calls > before) called.push(block);
      assert.is(graph.left[0], sleeper.calls > before ? 0.125 : 0);
    }
    assert.equal(called, [0, 2, 4, 6]);
  }
});

test("a node that says Tail or Continue is called every block", () => {
  for (const state of [ProcessState.Tail, ProcessState.Continue]) {
    const node = new Fake(["in:in stereo"], 8);
    node.processState = state;
    hear(graphOf(8, { node }, []), 4);
    assert.is(node.calls, 4);
  }
});

test("between blocks one node at a time does its waiting work", () => {
  const nodes = { a: wire(8), b: wire(8), c: wire(8) };
  hear(graphOf(8, nodes, []), 7);
  assert.equal([nodes.a.idles, nodes.b.idles, nodes.c.idles], [3, 2, 2]);
});

test("all nodes are timed in each block where that is asked for, also in the block of a fault", () => {
  let now = 0;
  const slow = (ms: number, until: number): Fake =>
    new Fake(["out:out stereo"], 8, (node) => {
      now += node.calls > until ? 100 : ms;
      return node.calls <= until;
    });
  const graph = graphOf(8, { a: slow(1, 99), b: slow(5, 3) }, [], () => now, "all");
  hear(graph, 6);
  assert.equal(
    graph.steps.map((step) => [step.timed, step.time]),
    [
      [6, 6],
      [4, 115],
    ],
  );
});

test("one node a block is timed, in turn", () => {
  let now = 0;
  const slow = (ms: number): Fake =>
    new Fake(["out:out stereo"], 8, () => {
      now += ms;
    });
  const graph = graphOf(8, { a: slow(1), b: slow(5) }, [], () => now);
  hear(graph, 6);
  assert.equal(
    graph.steps.map((step) => [step.timed, step.time]),
    [
      [3, 3],
      [3, 15],
    ],
  );
});

test("units are counted in all and at most", () => {
  const node = new Fake([], 8, (self) => {
    self.units = self.calls === 2 ? 70 : 10;
  });
  const graph = graphOf(8, { node }, []);
  hear(graph, 4);
  assert.equal([graph.steps[0]?.units, graph.steps[0]?.mostUnits, graph.steps[0]?.calls], [100, 70, 4]);
});

test("the transport is copied to the nodes that want it, as it was before the block", () => {
  const node = wire(8);
  node.transport = new DataView(new ArrayBuffer(64));
  const graph = graphOf(8, { node, other: wire(8) }, []);
  graph.transport.setFloat64(8, 133, true);
  graph.process();
  assert.is(node.transport.getFloat64(8, true), 133);
});

test("after a reset nothing of the past is heard", () => {
  const sound = source(8, (i) => (i < 8 ? 0.5 : 0));
  const echo = wire(8);
  const graph = graphOf(8, { sound, echo }, [
    w("sound.out -> echo.in", { feedback: true }),
    w("echo.out -> master.audio_in"),
  ]);
  graph.process();
  graph.reset();
  assert.ok(hear(graph, 3).left.every((x) => x === 0));
  assert.is(echo.resets, 1);
});

test.run();
