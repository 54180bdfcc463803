// A node at fault, what passes by it, and the instance that takes its place at a block's edge.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { EventType, ProcessState } from "../../abi/layout.ts";
import {
  buildGraph,
  type Graph,
  type GraphNode,
  Master,
  NODE_LIMIT,
  type WireSpec,
} from "../../runtime/graph/index.ts";
import { Fake, hear, late, monoSource, sameBits, source, w, wire } from "./fakes.ts";

const B = 8;
const f = Math.fround;
/** Sound without a pattern, between -0.5 and 0.5. */
const noise = (i: number): number => f(((i * 0.6180339887) % 1) - 0.5);
const floats = (length: number, value: (i: number) => number): Float32Array =>
  Float32Array.from({ length }, (_, i) => value(i));

function build(
  nodes: Record<string, GraphNode>,
  wires: readonly WireSpec[],
  more: { dry?: string[]; fadeFrames?: number } = {},
): Graph {
  const specs = Object.entries(nodes).map(([id, node]) => ({ id, node, passDry: more.dry?.includes(id) }));
  return buildGraph({
    nodes: [...specs, { id: "master", node: new Master(B) }],
    wires,
    frames: B,
    fadeFrames: more.fadeFrames ?? 1,
  });
}

/** The node, failing in that block and not before. */
function failsIn<T extends Fake>(block: number, node: T): T {
  const work = node.process.bind(node);
  node.process = (frames) => work(frames) && node.calls <= block;
  return node;
}

const swap = (graph: Graph, place: number, node: GraphNode): void =>
  graph.replace(graph.prepareReplacement(place, node));

test("a replacement plays from the next block on, and comes in over the fade in a straight line", () => {
  for (const fadeFrames of [4, 8, 13, 24]) {
    const bad = failsIn(
      1,
      source(B, () => 0.5),
    );
    const graph = build({ bad }, [w("bad.out -> master.audio_in")], { fadeFrames });
    const before = hear(graph, 4);
    assert.equal([graph.faultCount, graph.byNode[0]?.faultBlock], [1, 1]);
    swap(
      graph,
      0,
      source(
        B,
        () => 0.25,
        () => -0.25,
      ),
    );
    assert.equal([graph.faultCount, graph.byNode[0]?.faultBlock], [0, -1]);
    const after = hear(graph, 5);
    assert.ok(
      sameBits(
        before.left,
        floats(32, (i) => (i < 8 ? 0.5 : 0)),
      ),
    );
    const level = (i: number): number => (i < fadeFrames ? i / fadeFrames : 1);
    assert.ok(
      sameBits(
        after.left,
        floats(40, (i) => f(0.25 * level(i))),
      ),
    );
    assert.ok(after.right.every((x, i) => x === 0 - f(0.25 * level(i))));
  }
});

test("it fades in only after its latency, when its delays have filled", () => {
  const nodes = { sound: source(B, noise), slow: failsIn(3, late(B, 11)) };
  const graph = build(nodes, [w("sound.out -> slow.in"), w("slow.out -> master.audio_in")], {
    fadeFrames: 4,
  });
  hear(graph, 5);
  swap(graph, 1, late(B, 11));
  const heard = hear(graph, 4).left;
  const expected = floats(32, (i) => (i < 11 ? 0 : f(noise(40 + i - 11) * (i < 15 ? (i - 11) / 4 : 1))));
  assert.ok(heard.every((x, i) => x === expected[i]));
});

test("all that leads to a node and from it leads to its replacement and from it", () => {
  const make = (): Fake =>
    new Fake(
      [
        "in:in stereo",
        "notes:in event",
        "level:in control",
        "depth:in control",
        "out:out stereo",
        "sent:out event",
        "value:out control",
      ],
      B,
      (node) => {
        const [left, right] = [node.channel("in", 0), node.channel("in", 1)];
        const level = node.controlsIn[0] as number;
        node.channel("out", 0).set(left.map((x) => x * level));
        node.channel("out", 1).set(right.map((x) => x + (node.controlsIn[1] as number)));
        node.controlsOut[0] = 0.5 + level / 4;
        for (let i = 0; i < node.eventsIn.count; i++) {
          node.eventsOut.push(node.eventsIn.words[i * 8] as number, 1, 5, 1, 0, 61, 0, 1);
        }
      },
    );
  const run = (bad: boolean): { seen: unknown[]; heard: Float32Array[] } => {
    let beat = 0;
    const first = bad ? failsIn(2, make()) : make();
    first.transport = new DataView(new ArrayBuffer(64));
    const seen: unknown[] = [];
    const hearing = (): Fake =>
      new Fake(
        ["notes:in event", "again:in event", "late:in event", "value:in control", "back:in control"],
        B,
        (node) => {
          const events = Array.from({ length: node.eventsIn.count }, (_, i) => [
            node.eventsIn.words[i * 8],
            (node.eventsIn.words[i * 8 + 1] as number) >>> 16,
          ]);
          seen.push([events, ...node.controlsIn]);
        },
      );
    const nodes: Record<string, GraphNode> = {
      sound: source(B, noise),
      notes: new Fake(["out:out event"], B, (node) => {
        node.eventsOut.push(beat++ % B, 1, 0, 1, 0, 60, 0, 1);
      }),
      slow: Object.assign(new Fake(["in:in event", "out:out event"], B, () => {}), { latency: 11 }),
      first,
      ear: hearing(),
    };
    const graph = build(nodes, [
      w("sound.out -> first.in"),
      w("notes.out -> first.notes"),
      w("notes.out -> slow.in"),
      w("slow.out -> ear.late"),
      w("first.out -> master.audio_in"),
      w("first.sent -> ear.notes"),
      w("first.sent -> ear.again", { feedback: true }),
      w("first.value -> ear.value"),
      w("first.value -> ear.back", { feedback: true }),
      w("first.value -> first.depth", { feedback: true }),
    ]);
    const heard: Float32Array[] = [];
    for (let block = 0; block < 9; block++) {
      if (block === 1) graph.setControl(3, 0, 0.75);
      if (block === 4) {
        const next = make();
        next.transport = new DataView(new ArrayBuffer(64));
        graph.setControl(3, 0, 0.25);
        if (bad) {
          const stale = first.controlsIn[0];
          swap(graph, 3, next);
          assert.is(first.controlsIn[0], stale, "nothing is written to the instance that is gone");
          assert.is(next.controlsIn[0], 0.25);
        }
        graph.transport.setFloat64(8, 99, true);
        heard.push(hear(graph, 1).left.slice());
        if (bad) assert.is(next.transport.getFloat64(8, true), 99);
        continue;
      }
      heard.push(hear(graph, 1).left.slice());
    }
    return { seen, heard };
  };
  const [healthy, replaced] = [run(false), run(true)];
  // Two blocks of silence; what took two blocks through a loop or a delay is there two blocks later.
  for (const block of [0, 1, 5, 6, 7, 8])
    assert.ok(sameBits(healthy.heard[block] as Float32Array, replaced.heard[block] as Float32Array));
  for (const block of [0, 1, 7, 8]) assert.equal(replaced.seen[block], healthy.seen[block], `block ${block}`);
  assert.ok(replaced.heard[2]?.every((x) => x === 0) && replaced.heard[3]?.every((x) => x === 0));
});

test("knobs that are turned while a node is at fault are set in its replacement, and nothing reaches the dead one", () => {
  const bad = failsIn(0, new Fake(["level:in control", "free:in control", "out:out stereo"], B));
  const graph = build({ bad }, []);
  graph.setControl(0, 0, 0.125);
  hear(graph, 1);
  graph.setControl(0, 0, 0.875);
  graph.setControl(0, 1, 0.5);
  assert.equal([...bad.controlsIn], [0.125, 0]);
  const next = new Fake(["level:in control", "free:in control", "out:out stereo"], B);
  swap(graph, 0, next);
  assert.equal([...next.controlsIn], [0.875, 0.5]);
  graph.setControl(0, 0, 0.25);
  assert.equal([next.controlsIn[0], bad.controlsIn[0]], [0.25, 0.125]);
});

test("a wired knob's replacement gets the wire's value; a value from the node itself counts again", () => {
  const knob = new Fake(["value:out control"], B, (node) => {
    node.controlsOut[0] = 0.75;
  });
  const bad = failsIn(
    1,
    new Fake(["level:in control", "value:out control"], B, (node) => {
      node.controlsOut[0] = node.controlsIn[0] as number;
    }),
  );
  const ear = new Fake(["level:in control"], B);
  const graph = build({ knob, bad, ear }, [w("knob.value -> bad.level"), w("bad.value -> ear.level")]);
  graph.setControl(2, 0, 0.0625);
  hear(graph, 2);
  assert.is(ear.controlsIn[0], 0.0625);
  const next = new Fake(["level:in control", "value:out control"], B, (node) => {
    node.controlsOut[0] = node.controlsIn[0] as number;
  });
  swap(graph, 1, next);
  assert.is(next.controlsIn[0], 0.75);
  hear(graph, 1);
  assert.is(ear.controlsIn[0], 0.75);
});

test("a node set to pass dry passes every bit of its input, from the block of its fault on", () => {
  const bad = failsIn(
    2,
    new Fake(["in:in stereo", "side:side stereo", "out:out stereo", "more:out mono"], B, (node) => {
      node.channel("out", 0).fill(0.75);
      node.channel("out", 1).fill(0.75);
      node.channel("more").fill(0.75);
    }),
  );
  const nodes = { sound: source(B, noise, (i) => noise(i + 99)), side: source(B, () => 0.25), bad };
  const graph = build(
    nodes,
    [
      w("side.out -> bad.side"),
      w("sound.out -> bad.in"),
      w("bad.out -> master.audio_in"),
      w("bad.more -> master.audio_in"),
    ],
    { dry: ["bad"] },
  );
  const heard = hear(graph, 6);
  assert.ok(
    sameBits(
      heard.left.slice(16),
      floats(32, (i) => noise(16 + i)),
    ),
  );
  assert.ok(
    sameBits(
      heard.right.slice(16),
      floats(32, (i) => noise(115 + i)),
    ),
  );
  assert.ok(heard.left.slice(0, 16).every((x) => x === 1.5 || x === 1));
});

test("dry sound is converted and added as on wires, and held at the limit of a node", () => {
  const shape = (ports: string[]): Fake => failsIn(0, new Fake(ports, B));
  const spread = build(
    { a: monoSource(B, noise), b: monoSource(B, () => 0.25), bad: shape(["in:in mono", "out:out stereo"]) },
    [w("a.out -> bad.in"), w("b.out -> bad.in"), w("bad.out -> master.audio_in")],
    { dry: ["bad"] },
  );
  const both = hear(spread, 2);
  assert.ok(
    sameBits(
      both.left,
      floats(16, (i) => f(noise(i) + 0.25)),
    ),
  );
  assert.ok(sameBits(both.right, both.left));
  const fold = build(
    { a: source(B, noise, () => 0.25), bad: shape(["in:in stereo", "out:out mono"]) },
    [w("a.out -> bad.in"), w("bad.out -> master.audio_in")],
    { dry: ["bad"] },
  );
  assert.ok(
    sameBits(
      hear(fold, 2).right,
      floats(16, (i) => f(noise(i) + 0.25)),
    ),
  );
  const loud = build(
    { a: source(B, () => 3.5), b: source(B, () => 3.5), bad: shape(["in:in stereo", "out:out stereo"]) },
    [w("a.out -> bad.in"), w("b.out -> bad.in"), w("bad.out -> master.audio_in")],
    { dry: ["bad"] },
  );
  loud.process();
  assert.is(loud.peak, NODE_LIMIT);
  assert.is(loud.byNode[2]?.limited, 2 * B);
});

test("dry sound is as late as the node was, and paths beside it stay in step", () => {
  const run = (how: "well" | "dry" | "back"): Float32Array => {
    const slow = how === "well" ? late(B, 11) : failsIn(3, late(B, 11));
    const graph = build(
      { sound: source(B, noise), slow, beside: wire(B) },
      [
        w("sound.out -> slow.in"),
        w("sound.out -> beside.in"),
        w("slow.out -> master.audio_in"),
        w("beside.out -> master.audio_in"),
      ],
      { dry: ["slow"], fadeFrames: 5 },
    );
    const start = hear(graph, 6).left;
    if (how === "back") swap(graph, 1, late(B, 11));
    const rest = hear(graph, 6).left;
    return Float32Array.from([...start, ...rest]);
  };
  // A node that only delays sounds as what passes by it does, while it plays and while it does not.
  assert.ok(sameBits(run("dry"), run("well")));
  const [back, well] = [run("back"), run("well")];
  assert.ok(back.every((x, i) => Math.abs(x - (well[i] as number)) < 1e-7));
});

test("from dry to its own sound there is a straight crossfade", () => {
  const sound = source(B, noise);
  const bad = failsIn(0, wire(B));
  const graph = build({ sound, bad }, [w("sound.out -> bad.in"), w("bad.out -> master.audio_in")], {
    dry: ["bad"],
    fadeFrames: 12,
  });
  hear(graph, 2);
  swap(
    graph,
    1,
    new Fake(["in:in stereo", "out:out stereo"], B, (node) => {
      for (const c of [0, 1]) node.channel("out", c).fill(0.5);
    }),
  );
  const { left } = hear(graph, 3);
  assert.ok(
    sameBits(
      left,
      floats(24, (i) => (i < 12 ? f(0.5 * (i / 12) + noise(16 + i) * (1 - i / 12)) : 0.5)),
    ),
  );
});

test("what was on its way to a node at fault passes it by: its replacement hears the present", () => {
  const sound = (i: number): number => (i < 16 ? 0.25 : 0.5);
  const heardBy: number[] = [];
  const ear = (): Fake =>
    new Fake(["in:in stereo", "side:side stereo", "notes:in event"], B, (node) => {
      heardBy.push(...node.channel("in"));
      for (let i = 0; i < node.eventsIn.count; i++)
        heardBy.push(1000 + (node.eventsIn.words[i * 8 + 4] as number));
    });
  const notes = new Fake(["out:out event"], B, (node) => {
    if (node.calls % 2 === 1) node.eventsOut.push(0, 1, 0, 1, 0, 60, node.calls, 1);
  });
  const bad = failsIn(0, ear());
  const graph = build({ sound: source(B, sound), notes, slow: late(B, 20), bad }, [
    w("sound.out -> slow.in"),
    w("slow.out -> bad.side"),
    w("sound.out -> bad.in"),
    w("notes.out -> bad.notes"),
  ]);
  hear(graph, 6);
  heardBy.length = 0;
  swap(graph, 3, ear());
  hear(graph, 1);
  // 20 frames late, so that of block 6 the frames 28 to 35 are heard; the note of frame 32 comes at their frame 4.
  assert.equal(heardBy, [...Array<number>(8).fill(0.5), 1005]);
});

test("a loop through a node at fault falls silent, or goes on dry, and sounds again with its replacement", () => {
  const echo = (): Fake => {
    const node = new Fake(["in:in stereo", "out:out stereo"], B, () => {
      for (const c of [0, 1]) node.channel("out", c).set(node.channel("in", c).map((x) => x / 2));
    });
    return node;
  };
  const run = (dry: boolean): number[] => {
    const nodes = { hit: source(B, (i) => (i < B ? 0.5 : 0)), add: wire(B), echo: failsIn(2, echo()) };
    const graph = build(
      nodes,
      [
        w("hit.out -> add.in"),
        w("echo.out -> add.in", { feedback: true }),
        w("add.out -> echo.in"),
        w("add.out -> master.audio_in"),
      ],
      { dry: dry ? ["echo"] : [], fadeFrames: 1 },
    );
    const levels: number[] = [];
    for (let block = 0; block < 8; block++) {
      if (block === 5) swap(graph, 2, echo());
      graph.process();
      levels.push(graph.left[B - 1] as number);
    }
    return levels;
  };
  assert.equal(run(false), [0.5, 0.25, 0.125, 0, 0, 0, 0, 0]);
  assert.equal(run(true), [0.5, 0.25, 0.125, 0.125, 0.125, 0.125, 0.0625, 0.03125]);
});

test("a node that stops between blocks is found out, also where it sleeps; its replacement is called whether or not it sleeps", () => {
  for (const how of ["idle", "reset"] as const) {
    const make = (): Fake & { stopped?: boolean } => {
      const node = wire(B);
      node.processState = ProcessState.Sleep;
      return node;
    };
    const bad = make();
    bad[how] = () => {
      bad.stopped = true;
    };
    const graph = build({ bad }, [w("bad.out -> master.audio_in")]);
    graph.process();
    if (how === "reset") graph.reset();
    assert.equal([graph.faultCount, graph.byNode[0]?.faultBlock, bad.calls], [1, 1, 1], how);
    const next = make();
    swap(graph, 0, next);
    hear(graph, 3);
    assert.is(next.calls, 1);
  }
});

test("no note hangs: a node at fault ends those that it began, once, on every wire, however late", () => {
  for (const how of ["process", "idle"] as const) {
    for (const plays of [true, false]) {
      const make = (): Fake & { stopped?: boolean } =>
        new Fake(["one:out event", "two:out event"], B, (node) => {
          if (plays) node.eventsOut.push(3, EventType.NoteOn, 1, 1, 0, 60, 0, 1);
        });
      const bad = how === "process" ? failsIn(1, make()) : make();
      if (how === "idle") {
        bad.idle = () => {
          if (bad.calls === 2) bad.stopped = true;
        };
      }
      const ends: unknown[] = [];
      const ear = new Fake(
        ["near:in event", "late:in event", "back:in event", "other:in event"],
        B,
        (node) => {
          const { words, count } = node.eventsIn;
          for (let i = 0; i < count; i++) {
            const head = words[i * 8 + 1] as number;
            if ((head & 0xffff) === EventType.AllNotesOff)
              ends.push([(node.calls - 1) * B + (words[i * 8] as number), head >>> 16]);
          }
        },
      );
      const graph = build(
        { slow: Object.assign(new Fake(["out:out event"], B), { latency: 11 }), bad, ear },
        [
          w("bad.two -> ear.near"),
          w("slow.out -> ear.late"),
          w("bad.two -> ear.back", { feedback: true }),
          w("bad.one -> ear.other"),
        ],
      );
      // Idle comes to it in its turn, after the second block.
      hear(graph, 6);
      swap(graph, 1, make());
      hear(graph, 3);
      // What is not fed back waits for the slow path: 11 frames.
      const fault = (how === "process" ? 1 : 2) * B;
      assert.equal(
        ends.sort(),
        plays
          ? [
              [fault + 8, 2],
              [fault + 11, 0],
              [fault + 11, 3],
            ].sort()
          : [],
      );
    }
  }
});

test("the list of nodes at fault is kept in order while some come back and stop again", () => {
  const stopping = (): Fake => failsIn(0, wire(B));
  const graph = build({ a: stopping(), b: stopping(), c: stopping() }, []);
  const names = (): (string | undefined)[] =>
    [...graph.faults.subarray(0, graph.faultCount)].map((i) => graph.steps[i]?.id);
  graph.process();
  assert.equal(names(), ["a", "b", "c"]);
  swap(graph, 1, stopping());
  assert.equal(names(), ["a", "c"]);
  graph.process();
  assert.equal(names(), ["a", "c", "b"]);
  for (let i = 0; i < 20; i++) {
    swap(graph, i % 3, stopping());
    graph.process();
  }
  assert.is(graph.faultCount, 3);
  assert.equal(
    [...graph.steps].map((step) => [step.calls, step.blocks]),
    [
      [8, 8],
      [9, 9],
      [7, 7],
    ],
  );
});

test("a replacement with other ports or another latency is refused by name", () => {
  const graph = build({ bad: failsIn(0, wire(B)) }, []);
  for (const [node, what] of [
    [new Fake(["in:in stereo", "out:out mono"], B), /"bad" describes other ports than before/],
    [new Fake(["in:in stereo"], B), /other ports/],
    [late(B, 3), /has 3 frames of latency, others \(0\)/],
  ] as const) {
    assert.throws(
      () => graph.prepareReplacement(0, node),
      (error: { code: string; message: string }) => {
        return error.code === "plugin/changed" && what.test(error.message);
      },
    );
  }
});

test.run();
