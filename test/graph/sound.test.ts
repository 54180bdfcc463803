import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { GraphNode, WireSpec } from "../../runtime/graph/index.ts";
import { Fake, graphOf, hear, late, monoSource, sameBits, source, w, wire } from "./fakes.ts";

const f = Math.fround;
/** A sound without a pattern, below 1: the fractional parts of multiples of the golden ratio. */
const noise =
  (seed: number) =>
  (frame: number): number =>
    f(((((frame + 1) * 0.6180339887498949 + seed * 0.7548776662466927) % 1) * 2 - 1) * 0.25);

function series(count: number, sound: (frame: number) => number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => sound(i));
}

test("what reaches the master is heard", () => {
  const left = noise(1);
  const right = noise(2);
  const heard = hear(graphOf(64, { a: source(64, left, right) }, [w("a.out -> master.audio_in")]), 3);
  assert.ok(sameBits(heard.left, series(192, left)));
  assert.ok(sameBits(heard.right, series(192, right)));
});

test("what lies between a port's channels goes nowhere", () => {
  const sloppy = new Fake(["out:out stereo"], 8, (node) => {
    node.audio[0]?.samples.fill(0.5);
  });
  const ear = new Fake(["in:in stereo"], 8);
  const { samples, stride } = ear.audio[0] as { samples: Float32Array; stride: number };
  for (const length of [0, 5]) {
    const graph = graphOf(8, { sloppy, slow: late(8, 5), ear }, [
      w("sloppy.out -> ear.in"),
      ...(length > 0 ? [w("slow.out -> ear.in")] : []),
    ]);
    hear(graph, 3);
    assert.ok(samples.slice(0, 8).every((x) => x === 0.5));
    assert.ok(samples.slice(8, stride).every((x) => x === 0));
  }
});

test("a graph without wires is silence", () => {
  const heard = hear(graphOf(32, { a: source(32, noise(1)) }, []), 2);
  assert.ok(heard.left.every((x) => Object.is(x, 0)));
});

test("blocks of any length work, also those that are no multiple of four", () => {
  for (const frames of [1, 3, 5, 31, 441]) {
    const a = source(frames, noise(1), noise(2));
    const b = source(frames, noise(3), noise(4));
    const wires = [w("a.out -> master.audio_in"), w("b.out -> x.in"), w("x.out -> master.audio_in")];
    const heard = hear(graphOf(frames, { a, b, x: wire(frames) }, wires), 4);
    assert.ok(
      sameBits(
        heard.left,
        series(4 * frames, (i) => f(noise(1)(i) + noise(3)(i))),
      ),
    );
    assert.ok(
      sameBits(
        heard.right,
        series(4 * frames, (i) => f(noise(2)(i) + noise(4)(i))),
      ),
    );
  }
});

test("several wires add in wire order, in single precision", () => {
  // 1e-9 is lost beside 0.5, and is not lost where 0.5 and -0.5 have met before.
  const nodes = (): Record<string, GraphNode> => ({
    one: source(8, () => 0.5),
    minus: source(8, () => -0.5),
    small: source(8, () => 1e-9),
  });
  const order = (...ids: string[]): number => {
    const wires = ids.map((id) => w(`${id}.out -> master.audio_in`));
    return hear(graphOf(8, nodes(), wires), 1).left[0] as number;
  };
  assert.is(order("one", "minus", "small"), f(1e-9));
  assert.is(order("one", "small", "minus"), 0);
  assert.is(order("small", "one", "minus"), 0);
});

test("adding begins with the first wire that is not silent", () => {
  const quiet = source(4, () => 0);
  const negative = source(4, () => -0.25);
  const graph = graphOf(4, { quiet, negative, x: wire(4) }, [
    w("quiet.out -> x.in"),
    w("negative.out -> x.in"),
    w("x.out -> master.audio_in"),
  ]);
  assert.is(hear(graph, 1).left[0], -0.25);
});

test("mono comes out of both sides of a stereo input", () => {
  const heard = hear(graphOf(16, { m: monoSource(16, noise(1)) }, [w("m.out -> master.audio_in")]), 2);
  assert.ok(sameBits(heard.left, series(32, noise(1))));
  assert.ok(sameBits(heard.right, heard.left));
});

test("stereo into mono is summed, or the left or the right is taken, as the wire says", () => {
  const mono = (): Fake =>
    new Fake(["in:in mono", "out:out mono"], 16, (node) => {
      node.channel("out").set(node.channel("in"));
    });
  const take = (channel?: "sum" | "left" | "right"): Float32Array =>
    hear(
      graphOf(16, { a: source(16, noise(1), noise(2)), m: mono() }, [
        w("a.out -> m.in", { channel }),
        w("m.out -> master.audio_in"),
      ]),
      2,
    ).left;
  assert.ok(
    sameBits(
      take(),
      series(32, (i) => f(noise(1)(i) + noise(2)(i))),
    ),
  );
  assert.ok(sameBits(take("sum"), take()));
  assert.ok(sameBits(take("left"), series(32, noise(1))));
  assert.ok(sameBits(take("right"), series(32, noise(2))));
});

test("wires of all conversions into one input add", () => {
  const mono = new Fake(["in:in mono", "out:out mono"], 16, (node) => {
    node.channel("out").set(node.channel("in"));
  });
  const graph = graphOf(
    16,
    {
      a: source(16, noise(1), noise(2)),
      b: monoSource(16, noise(3)),
      c: source(16, noise(4), noise(5)),
      d: source(16, noise(6), noise(7)),
      m: mono,
    },
    [
      w("a.out -> m.in"),
      w("b.out -> m.in"),
      w("c.out -> m.in", { channel: "right" }),
      w("d.out -> m.in"),
      w("m.out -> master.audio_in"),
      w("c.out -> master.audio_in"),
      w("b.out -> master.audio_in"),
    ],
  );
  const heard = hear(graph, 1);
  const sum = (i: number): number =>
    f(f(f(f(noise(1)(i) + noise(2)(i)) + noise(3)(i)) + noise(5)(i)) + f(noise(6)(i) + noise(7)(i)));
  assert.ok(
    sameBits(
      heard.left,
      series(16, (i) => f(f(sum(i) + noise(4)(i)) + noise(3)(i))),
    ),
  );
  assert.ok(
    sameBits(
      heard.right,
      series(16, (i) => f(f(sum(i) + noise(5)(i)) + noise(3)(i))),
    ),
  );
});

test("one output feeds many inputs", () => {
  const graph = graphOf(16, { a: source(16, noise(1)), x: wire(16), y: wire(16) }, [
    w("a.out -> x.in"),
    w("a.out -> y.in"),
    w("x.out -> master.audio_in"),
    w("y.out -> master.audio_in"),
  ]);
  assert.ok(
    sameBits(
      hear(graph, 1).left,
      series(16, (i) => f(noise(1)(i) * 2)),
    ),
  );
});

test("a feedback wire delays by exactly one block, whichever way it points", () => {
  const forth = graphOf(16, { a: source(16, noise(1)), x: wire(16) }, [
    w("a.out -> x.in", { feedback: true }),
    w("x.out -> master.audio_in"),
  ]);
  const expected = series(64, (i) => (i < 16 ? 0 : noise(1)(i - 16)));
  assert.ok(sameBits(hear(forth, 4).left, expected));
  const back = graphOf(16, { x: wire(16), a: source(16, noise(1)) }, [
    w("a.out -> x.in", { feedback: true }),
    w("x.out -> master.audio_in"),
  ]);
  assert.ok(sameBits(hear(back, 4).left, expected));
});

test("a feedback wire closes a cycle: an echo of one block", () => {
  const half = new Fake(["in:in stereo", "out:out stereo"], 8, (node) => {
    for (const c of [0, 1]) {
      for (let i = 0; i < 8; i++) node.channel("out", c)[i] = (node.channel("in", c)[i] as number) * 0.5;
    }
  });
  const graph = graphOf(8, { impulse: source(8, (i) => (i === 3 ? 1 : 0)), half }, [
    w("impulse.out -> half.in"),
    w("half.out -> half.in", { feedback: true }),
    w("half.out -> master.audio_in"),
  ]);
  assert.ok(
    sameBits(
      hear(graph, 5).left,
      series(40, (i) => (i % 8 === 3 ? 2 ** -(1 + (i - 3) / 8) : 0)),
    ),
  );
});

test("paths of different latency meet in step: an impulse through both arrives as one", () => {
  for (const length of [1, 5, 8, 13, 100]) {
    const graph = graphOf(8, { impulse: source(8, (i) => (i === 3 ? 0.25 : 0)), slow: late(8, length) }, [
      w("impulse.out -> slow.in"),
      w("slow.out -> master.audio_in"),
      w("impulse.out -> master.audio_in"),
    ]);
    assert.is(graph.latency, length);
    assert.ok(
      sameBits(
        hear(graph, 20).left,
        series(160, (i) => (i === 3 + length ? 0.5 : 0)),
      ),
    );
  }
});

test("latencies add along a path, and every joint on the way waits for the slowest", () => {
  const nodes = {
    impulse: source(8, (i) => (i === 0 ? 0.125 : 0)),
    a: late(8, 7),
    b: late(8, 20),
    c: late(8, 3),
    join: wire(8),
  };
  const graph = graphOf(8, nodes, [
    w("impulse.out -> a.in"),
    w("a.out -> b.in"),
    w("b.out -> join.in"),
    w("impulse.out -> join.in"),
    w("join.out -> c.in"),
    w("c.out -> master.audio_in"),
    w("a.out -> master.audio_in"),
    w("impulse.out -> master.audio_in"),
  ]);
  assert.is(graph.latency, 30);
  assert.ok(
    sameBits(
      hear(graph, 8).left,
      series(64, (i) => (i === 30 ? 0.5 : 0)),
    ),
  );
});

test("a delayed wire whose source falls silent still gives all that is under way", () => {
  const sound = (i: number): number => (i < 8 ? noise(1)(i) : 0);
  const graph = graphOf(8, { a: source(8, sound), quiet: source(8, () => 0), slow: late(8, 21) }, [
    w("quiet.out -> slow.in"),
    w("slow.out -> master.audio_in"),
    w("a.out -> master.audio_in"),
  ]);
  assert.ok(
    sameBits(
      hear(graph, 6).left,
      series(48, (i) => (i >= 21 && i < 29 ? noise(1)(i - 21) : 0)),
    ),
  );
});

test("the master has a ceiling at 1: what is beyond is counted, what is below keeps every bit", () => {
  const sound = (i: number): number => f(i * 0.3 - 2.4);
  const graph = graphOf(17, { a: source(17, sound) }, [w("a.out -> master.audio_in")]);
  const heard = hear(graph, 1);
  const beyond = [...Array(17).keys()].filter((i) => Math.abs(sound(i)) > 1).length;
  assert.ok(
    sameBits(
      heard.left,
      series(17, (i) => Math.max(-1, Math.min(1, sound(i)))),
    ),
  );
  assert.is(graph.clamped, beyond * 2);
  assert.is(graph.peak, f(2.4));
});

test("exactly 1 is not beyond the ceiling", () => {
  const graph = graphOf(4, { a: source(4, (i) => (i % 2 === 0 ? 1 : -1)) }, [w("a.out -> master.audio_in")]);
  assert.ok(sameBits(hear(graph, 1).left, Float32Array.of(1, -1, 1, -1)));
  assert.is(graph.clamped, 0);
});

test("a node is held at +12 dBFS, and only its own wires feel it", () => {
  const limit = f(10 ** (12 / 20));
  const heard: Float32Array[] = [];
  const ear = new Fake(["in:in stereo", "out:out stereo"], 4, (node) => {
    heard.push(node.channel("in").slice());
  });
  const graph = graphOf(4, { loud: source(4, (i) => [100, -100, 3.9, 0.5][i] as number), ear }, [
    w("loud.out -> ear.in"),
    w("ear.out -> master.audio_in"),
  ]);
  graph.process();
  assert.ok(sameBits(heard[0] as Float32Array, Float32Array.of(limit, -limit, 3.9, 0.5)));
  assert.is(graph.byNode[0]?.limited, 4);
  assert.is(graph.byNode[0]?.peak, 100);
});

/** A random graph without cycles, as the test below builds it and as a naive evaluator understands it. */
interface Recipe {
  /** 0: noise source, 1: gain, 2: delay of `by` frames (which it does not report). */
  nodes: { kind: number; gain: number; by: number }[];
  wires: { from: number; to: number; feedback: boolean }[];
}

const recipes = fc
  .record({
    frames: fc.constantFrom(4, 7, 16, 64),
    nodes: fc.array(
      fc.record({
        kind: fc.nat(2),
        gain: fc.float({ min: -1, max: 1, noNaN: true }).map((x) => (Math.abs(x) < 1e-3 ? 0.5 : x)),
        by: fc.integer({ min: 1, max: 20 }),
      }),
      { minLength: 1, maxLength: 8 },
    ),
    pairs: fc.array(fc.tuple(fc.nat(7), fc.nat(8), fc.nat(9)), { maxLength: 20 }),
  })
  .map(({ frames, nodes, pairs }): Recipe & { frames: number } => {
    const seen = new Set<string>();
    const wires: Recipe["wires"] = [];
    for (const [a, b, c] of pairs) {
      const from = a % nodes.length;
      const to = b % (nodes.length + 1);
      const feedback = c < 2;
      // Without feedback wires run from later to earlier nodes, so that running order is not the order declared.
      if (to < nodes.length && (nodes[to]?.kind === 0 || (!feedback && from <= to))) continue;
      if (seen.has(`${from} ${to}`)) continue;
      seen.add(`${from} ${to}`);
      wires.push({ from, to, feedback });
    }
    return { frames, nodes, wires };
  });

/** Frame by frame, each node's whole sound at once; feedback needs the block before, so blocks are the outer loop. */
function naive({ frames, nodes, wires }: Recipe & { frames: number }, blocks: number): Float32Array {
  const sounds = [...nodes, null].map(() => new Float32Array(frames * blocks));
  for (let block = 0; block < blocks; block++) {
    for (let index = nodes.length - 1; index >= -1; index--) {
      const at = index < 0 ? nodes.length : index;
      const node = nodes[at];
      const out = sounds[at] as Float32Array;
      const input = (frame: number): number => {
        let sum = 0;
        for (const edge of wires) {
          if (edge.to !== at) continue;
          const x = (sounds[edge.from] as Float32Array)[edge.feedback ? frame - frames : frame] ?? 0;
          sum = f(sum + f(Math.max(-3.981071710586548, Math.min(3.981071710586548, x))));
        }
        return sum;
      };
      for (let frame = block * frames; frame < (block + 1) * frames; frame++) {
        if (!node) out[frame] = Math.max(-1, Math.min(1, input(frame)));
        else if (node.kind === 0) out[frame] = noise(at)(frame);
        else if (node.kind === 1) out[frame] = f(input(frame) * node.gain) + 0;
        else out[frame] = frame >= node.by ? input(frame - node.by) : 0;
      }
    }
  }
  return sounds[nodes.length] as Float32Array;
}

test("random graphs of sources, gains, delays and feedback wires sound bit for bit as a naive evaluation", () => {
  fc.assert(
    fc.property(recipes, (recipe) => {
      const { frames } = recipe;
      const nodes: Record<string, GraphNode> = {};
      recipe.nodes.forEach(({ kind, gain, by }, index) => {
        if (kind === 0) {
          nodes[`n${index}`] = source(frames, noise(index));
          return;
        }
        const past: number[] = Array(by).fill(0);
        nodes[`n${index}`] = new Fake(["in:in stereo", "out:out stereo"], frames, (node) => {
          for (let i = 0; i < frames; i++) {
            const x = node.channel("in")[i] as number;
            let y = f(x * gain) + 0;
            if (kind === 2) {
              past.push(x);
              y = past.shift() as number;
            }
            node.channel("out", 0)[i] = y;
            node.channel("out", 1)[i] = y;
          }
        });
      });
      const wires: WireSpec[] = recipe.wires.map(({ from, to, feedback }) => ({
        from: `n${from}`,
        fromPort: "out",
        to: to === recipe.nodes.length ? "master" : `n${to}`,
        toPort: to === recipe.nodes.length ? "audio_in" : "in",
        feedback,
      }));
      const heard = hear(graphOf(frames, nodes, wires), 6);
      const expected = naive(recipe, 6);
      assert.ok(sameBits(heard.left, expected));
      assert.ok(sameBits(heard.right, expected));
    }),
    { numRuns: 300 },
  );
});

test.run();
