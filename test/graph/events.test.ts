import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EventType } from "../../abi/layout.ts";
import { type Graph, type Schedule, TrackSource } from "../../runtime/graph/index.ts";
import { Fake, graphOf, late, monoSource, w } from "./fakes.ts";

/** Notes at these frames; the key tells them apart. */
function schedule(notes: readonly (readonly [frame: number, key: number])[]): Schedule {
  const count = notes.length;
  return {
    length: count,
    frame: Float64Array.from(notes, ([frame]) => frame),
    type: new Uint8Array(count).fill(EventType.NoteOn),
    noteId: Int32Array.from({ length: count }, (_, i) => i),
    channel: new Int16Array(count).fill(3),
    key: Int16Array.from(notes, ([, key]) => key),
    id: new Uint32Array(count),
    value: new Float64Array(count).fill(0.7),
  };
}

interface Heard {
  frame: number;
  port: number;
  key: number;
}

/** Takes down what arrives, with frames counted from the start. */
function ear(frames: number, heard: Heard[], ports = ["notes:in event"]): Fake {
  return new Fake(ports, frames, (node) => {
    for (let i = 0; i < node.eventsIn.count; i++) {
      const view = node.eventsIn.view;
      heard.push({
        frame: view.getUint32(i * 32, true) + (node.calls - 1) * frames,
        port: view.getUint16(i * 32 + 6, true),
        key: view.getInt16(i * 32 + 14, true),
      });
    }
  });
}

function run(graph: Graph, blocks: number): void {
  for (let i = 0; i < blocks; i++) graph.process();
}

test("scheduled events arrive at their frames, whatever the block size", () => {
  const notes = [
    [0, 1],
    [0, 2],
    [7, 3],
    [8, 4],
    [63, 5],
    [64, 6],
    [200, 7],
  ] as const;
  for (const frames of [1, 8, 30, 64, 256]) {
    const heard: Heard[] = [];
    const graph = graphOf(
      frames,
      { track: new TrackSource(schedule(notes), frames), ear: ear(frames, heard) },
      [w("track.events_out -> ear.notes")],
    );
    run(graph, Math.ceil(256 / frames));
    assert.equal(
      heard.map(({ frame, key }) => [frame, key]),
      notes.map((note) => [...note]),
    );
  }
});

test("every field of an event arrives; its port is the input's", () => {
  const track = new TrackSource(schedule([[5, 64]]), 8);
  const node = new Fake(["in:in stereo", "notes:in event"], 8);
  graphOf(8, { track, node }, [w("track.events_out -> node.notes")]).process();
  const { view } = node.eventsIn;
  assert.is(node.eventsIn.count, 1);
  assert.is(view.getUint32(0, true), 5);
  assert.is(view.getUint16(4, true), EventType.NoteOn);
  assert.is(view.getUint16(6, true), 1);
  assert.is(view.getInt32(8, true), 0);
  assert.is(view.getInt16(12, true), 3);
  assert.is(view.getInt16(14, true), 64);
  assert.is(view.getFloat64(24, true), 0.7);
});

test("events of several wires merge in the order of their frames; at one frame in wire order", () => {
  const times = fc.array(fc.nat(40), { maxLength: 8 }).map((list) => list.sort((a, b) => a - b));
  fc.assert(
    fc.property(times, times, times, (...tracks) => {
      const heard: Heard[] = [];
      const nodes: Record<string, Fake | TrackSource> = {};
      tracks.forEach((list, t) => {
        const notes = list.map((frame, i) => [frame, t * 10 + i] as const);
        nodes[`t${t}`] = new TrackSource(schedule(notes), 16);
      });
      nodes["ear"] = ear(16, heard);
      // The wires are declared in another order than the nodes.
      const order = [2, 0, 1];
      const graph = graphOf(
        16,
        nodes,
        order.map((t) => w(`t${t}.events_out -> ear.notes`)),
      );
      run(graph, 3);
      const expected = order
        .flatMap((t) => (tracks[t] as number[]).map((frame, i) => ({ frame, port: 0, key: t * 10 + i })))
        .map((event, index) => ({ event, index }))
        .sort((a, b) => a.event.frame - b.event.frame || a.index - b.index)
        .map(({ event }) => event);
      // A list holds 16 events.
      if (expected.length <= 16) assert.equal(heard, expected);
    }),
  );
});

test("one track may feed two ports of a node", () => {
  const heard: Heard[] = [];
  const graph = graphOf(
    8,
    {
      track: new TrackSource(
        schedule([
          [2, 60],
          [4, 61],
        ]),
        8,
      ),
      ear: ear(8, heard, ["a:in event", "b:in event"]),
    },
    [w("track.events_out -> ear.b"), w("track.events_out -> ear.a")],
  );
  run(graph, 1);
  assert.equal(
    heard.map(({ frame, port }) => [frame, port]),
    [
      [2, 1],
      [2, 0],
      [4, 1],
      [4, 0],
    ],
  );
});

test("only the events of the output that a wire begins at pass through it", () => {
  const heard: Heard[] = [];
  const two = new Fake(["a:out event", "b:out event"], 8, (node) => {
    node.eventsOut.push(1, EventType.NoteOn, 0, 0, 0, 50, 0, 1);
    node.eventsOut.push(2, EventType.NoteOn, 1, 0, 0, 51, 0, 1);
  });
  const graph = graphOf(8, { two, ear: ear(8, heard) }, [w("two.b -> ear.notes")]);
  run(graph, 1);
  assert.equal(heard, [{ frame: 2, port: 0, key: 51 }]);
});

test("parameters, transport, sysex and note ends don't pass from node to node", () => {
  const heard: Heard[] = [];
  const types = [
    EventType.Param,
    EventType.Transport,
    EventType.Sysex,
    EventType.NoteEnd,
    99,
    EventType.Bend,
  ];
  const sender = new Fake(["out:out event"], 8, (node) => {
    for (const type of types) node.eventsOut.push(0, type, 0, 0, 0, type, 0, 0);
  });
  run(graphOf(8, { sender, ear: ear(8, heard) }, [w("sender.out -> ear.notes")]), 1);
  assert.equal(heard, [{ frame: 0, port: 0, key: EventType.Bend }]);
});

test("events that find no room are counted", () => {
  const notes = Array.from({ length: 20 }, (_, i) => [1, i] as const);
  const heard: Heard[] = [];
  const graph = graphOf(8, { track: new TrackSource(schedule(notes), 8), ear: ear(8, heard) }, [
    w("track.events_out -> ear.notes"),
  ]);
  run(graph, 1);
  assert.is(heard.length, 16);
  assert.is(graph.byNode[1]?.lostEvents, 4);
});

test("a feedback wire gives events one block later, at the same frame", () => {
  const heard: Heard[] = [];
  const graph = graphOf(
    8,
    {
      ear: ear(8, heard),
      track: new TrackSource(
        schedule([
          [3, 1],
          [8, 2],
          [15, 3],
        ]),
        8,
      ),
    },
    [w("track.events_out -> ear.notes", { feedback: true })],
  );
  run(graph, 4);
  assert.equal(
    heard.map(({ frame }) => frame),
    [11, 16, 23],
  );
});

test("events wait for a slower path beside them, to the frame", () => {
  for (const latency of [1, 5, 8, 27]) {
    const heard: Heard[] = [];
    const sounds: number[] = [];
    const notes = [
      [0, 1],
      [7, 2],
      [8, 3],
      [30, 4],
    ] as const;
    const impulses = monoSource(8, (i) => (notes.some(([frame]) => frame === i) ? 1 : 0));
    const both = new Fake(["in:in stereo", "notes:in event"], 8, (node) => {
      node.channel("in").forEach((x, i) => {
        if (x !== 0) sounds.push((node.calls - 1) * 8 + i);
      });
      for (let i = 0; i < node.eventsIn.count; i++) {
        heard.push({
          frame: (node.calls - 1) * 8 + node.eventsIn.view.getUint32(i * 32, true),
          port: 0,
          key: 0,
        });
      }
    });
    const graph = graphOf(
      8,
      { impulses, slow: late(8, latency), track: new TrackSource(schedule(notes), 8), both },
      [w("impulses.out -> slow.in"), w("slow.out -> both.in"), w("track.events_out -> both.notes")],
    );
    run(graph, 10);
    assert.equal(
      heard.map(({ frame }) => frame),
      notes.map(([frame]) => frame + latency),
    );
    assert.equal(
      sounds,
      heard.map(({ frame }) => frame),
    );
  }
});

test("a track source can go on from any frame", () => {
  const heard: Heard[] = [];
  const track = new TrackSource(
    schedule([
      [1, 1],
      [9, 2],
      [17, 3],
    ]),
    8,
  );
  track.seek(8);
  run(graphOf(8, { track, ear: ear(8, heard) }, [w("track.events_out -> ear.notes")]), 2);
  assert.equal(
    heard.map(({ frame, key }) => [frame, key]),
    [
      [1, 2],
      [9, 3],
    ],
  );
});

test("a synth driven by events sounds the same whatever the block size", () => {
  const notes = [
    [5, 60],
    [129, 62],
    [300, 64],
  ] as const;
  const render = (frames: number): number[] => {
    let level = 0;
    const synth = new Fake(["notes:in event", "out:out mono"], frames, (node) => {
      let next = 0;
      for (let i = 0; i < frames; i++) {
        while (next < node.eventsIn.count && node.eventsIn.view.getUint32(next * 32, true) === i) {
          level = node.eventsIn.view.getInt16(next * 32 + 14, true) / 128;
          next++;
        }
        node.channel("out")[i] = level;
      }
    });
    const graph = graphOf(frames, { track: new TrackSource(schedule(notes), frames), synth }, [
      w("track.events_out -> synth.notes"),
      w("synth.out -> master.audio_in"),
    ]);
    const heard: number[] = [];
    while (heard.length < 512) {
      graph.process();
      heard.push(...graph.left);
    }
    return heard.slice(0, 512);
  };
  const expected = Array.from({ length: 512 }, (_, i) =>
    i < 5 ? 0 : i < 129 ? 60 / 128 : i < 300 ? 62 / 128 : 64 / 128,
  );
  for (const frames of [1, 16, 100, 128, 512]) assert.equal(render(frames), expected);
});

/** A node that sends so many notes in each block, and ears that all listen to it. */
function crowd(count: number, ears: number, eventFanOut?: number): { graph: Graph; ears: Fake[] } {
  const sender = new Fake(["notes:out event"], 8, (node) => {
    for (let i = 0; i < count; i++) node.eventsOut.push(Math.min(i, 7), EventType.NoteOn, 0, i, 0, 60, 0, 1);
  });
  const listeners = Array.from({ length: ears }, () => new Fake(["notes:in event"], 8));
  const named = Object.fromEntries(listeners.map((ear, i) => [`ear${i}`, ear]));
  const wires = listeners.map((_, i) => w(`sender.notes -> ear${i}.notes`));
  return {
    graph: graphOf(8, { sender, ...named }, wires, undefined, undefined, eventFanOut),
    ears: listeners,
  };
}

test("events that many wires take are held at their sender, and the lost ones counted there", () => {
  const { graph, ears } = crowd(12, 3, 30);
  graph.process();
  assert.equal(
    ears.map((ear) => ear.eventsIn.count),
    [10, 10, 10],
  );
  assert.is(ears[0]?.eventsIn.view.getInt32(9 * 32 + 8, true), 9, "the first ones arrive");
  assert.equal(
    graph.steps.map((step) => step.lostEvents),
    [2, 0, 0, 0],
  );
  const all = crowd(12, 3, 36);
  all.graph.process();
  assert.equal(
    all.ears.map((ear) => ear.eventsIn.count),
    [12, 12, 12],
  );
});

test("where more wires listen than events may be taken, none is", () => {
  const { graph, ears } = crowd(4, 3, 2);
  graph.process();
  assert.equal(
    ears.map((ear) => ear.eventsIn.count),
    [0, 0, 0],
  );
  assert.is(graph.steps[0]?.lostEvents, 4);
});

test("what finds a full list is counted, from every wire", () => {
  const heard: Heard[] = [];
  const tracks = [0, 1, 2].map(
    (t) => new TrackSource(schedule(Array.from({ length: 10 }, (_, i) => [i, t * 10 + i] as const)), 16),
  );
  const [a, b, c] = tracks as [TrackSource, TrackSource, TrackSource];
  const graph = graphOf(16, { a, b, c, ear: ear(16, heard) }, [
    w("a.events_out -> ear.notes"),
    w("b.events_out -> ear.notes"),
    w("c.events_out -> ear.notes"),
  ]);
  graph.process();
  assert.is(heard.length, 16);
  assert.is(
    graph.steps.reduce((sum, step) => sum + step.lostEvents, 0),
    14,
  );
});

test.run();
