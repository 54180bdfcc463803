// time limit: 240 s
// What a rescue keeps beside the instances: loops, delays, what was set; and what follows when the thread that makes
// replacements is no more, or a replacement comes to no end.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Worker } from "node:worker_threads";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { ThreadsOptions } from "../../../runtime/engine/live/live-threads.ts";
import {
  AT,
  bufferAt,
  knob,
  type SmallPlugin,
  smallPlugin,
  STEREO_IN,
  STEREO_OUT,
} from "../../sandbox/small-plugin.ts";
import { midiFile, notes } from "../fixtures/midi.ts";
import { assertSame, BLOCK, type Change, Player, rendered, sessionOf } from "./rig.ts";

const test = suite("live rescue");
let folder = "";
test.before(() => {
  folder = mkdtempSync(path.join(tmpdir(), "belljar-rescue-"));
  for (const [name, plugin] of Object.entries(PLUGINS)) {
    writeFileSync(path.join(folder, `${name}.wasm`), smallPlugin(plugin));
  }
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

const LEVEL = knob("level", { default: 0.5 });
const COUNT = "(global $block (mut i32) (i32.const 0))";
/** Plays its level; what it does first may be something else. */
const plays = (first: string, more: SmallPlugin = {}): SmallPlugin => ({
  ports: [LEVEL, STEREO_OUT],
  ...more,
  functions: `${COUNT} ${more.functions ?? ""}`,
  process: `(local $i i32) ${first}
    (global.set $block (i32.add (global.get $block) (i32.const 1)))
    ${[0, 1]
      .map(
        (side) => `(local.set $i (i32.const 0))
      (loop $on${side}
        (f32.store (i32.add (i32.const ${bufferAt(0, side)}) (i32.shl (local.get $i) (i32.const 2)))
          (f32.load (i32.const ${AT.controlsIn})))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $on${side} (i32.lt_u (local.get $i) (local.get $frames))))`,
      )
      .join("\n")}
    (i32.const 0)`,
});

/** So many steps of a loop. */
const work = (steps: number): string => `(local $n i32)
  (loop $on (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $on (i32.ne (local.get $n) (i32.const ${steps}))))`;

/** Twenty blocks; a state of four bytes, in which the blocks are counted. */
const PLUGINS: Record<string, SmallPlugin> = {
  trap: plays("(if (i32.ge_s (global.get $block) (i32.const 20)) (then (unreachable)))"),
  // Its state begins at a count of 17.
  keeps: plays("(if (i32.ge_s (global.get $block) (i32.const 20)) (then (unreachable)))", {
    functions: `(func (export "bj_state_save") (result i32)
      (i32.store (i32.const 28672) (i32.const 28680)) (i32.store (i32.const 28676) (i32.const 4))
      (i32.store (i32.const 28680) (i32.const 17)) (i32.const 28672))
    (func (export "bj_state_load") (param $at i32) (param $length i32) (result i32)
      (global.set $block (i32.load (local.get $at))) (i32.const 0))`,
  }),
  // The first time it is ready at once; then it counts for long.
  late: {
    ...plays("(if (i32.ge_s (global.get $block) (i32.const 20)) (then (unreachable)))"),
    activate: `${work(400_000_000)} (i32.const ${AT.layout})`,
  },
  effect: {
    ports: [STEREO_IN, STEREO_OUT],
    functions: COUNT,
    process: `(if (i32.ge_s (global.get $block) (i32.const 20)) (then (unreachable)))
      (global.set $block (i32.add (global.get $block) (i32.const 1))) (i32.const 0)`,
  },
  // Says that it is 100 frames late, and is silent.
  slow: { ports: [STEREO_IN, STEREO_OUT], layout: { 56: 100 } },
  stuck: {
    ports: [knob("stick", { default: 0 }), STEREO_OUT],
    process: `(loop $on (br_if $on (f32.gt (f32.load (i32.const ${AT.controlsIn})) (f32.const 0.5)))) (i32.const 0)`,
  },
};

const SONG = new Map([
  ["song", { name: "song.mid", bytes: midiFile(480, notes(200_000, [0, 190_000, 69], [40, 95, 57])) }],
]);
const TONE = [
  { id: "part", type: "track_source", config: { input: "song" } },
  { id: "tone", type: "sine" },
];
const TONE_WIRES = ["part.events_out -> tone.events_in"];

async function played(
  session: Parameters<typeof Player.open>[0],
  options: Parameters<typeof Player.open>[1],
  act: (player: Player) => Promise<void>,
): Promise<void> {
  const midi = session.nodes.some(({ type }) => type === "track_source") ? SONG : undefined;
  const player = await Player.open(session, { folder, midi, ...options });
  try {
    await player.start();
    await act(player);
  } finally {
    await player.close();
  }
}

/** Hears on at some ten times the pace of the music, while something takes its time. */
async function hearSlowly(player: Player, done: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!done()) {
    if (performance.now() > end)
      assert.unreachable(`${done} never came to be: ${JSON.stringify(player.events)}`);
    await player.hear(4 * BLOCK);
    await new Promise((resume) => setTimeout(resume, 1));
  }
}

async function killed(player: Player, times: number): Promise<void> {
  await player.kill();
  await player.hearUntil(() => player.said("rescued").length === times);
}

test("loops and compensated wires lose no sample when the thread dies", async () => {
  const base = sessionOf(
    [
      ...TONE,
      { id: "loop", type: "gain", params: { gain: -3 } },
      { id: "back", type: "gain", params: { gain: -2 } },
      { id: "late", type: "./slow.wasm" },
    ],
    [
      ...TONE_WIRES,
      "tone -> loop",
      "loop -> back",
      "loop -> master",
      "tone -> late",
      "late -> master",
      "tone -> master",
    ],
  );
  const feedback = { from: "back", fromPort: "audio_out", to: "loop", toPort: "audio_in", feedback: true };
  const session = { ...base, wires: [...base.wires, feedback] };
  await played(session, {}, async (player) => {
    for (let times = 1; times <= 4; times++) {
      await player.hear((40 + times * 5) * BLOCK);
      await killed(player, times);
    }
    await player.hear(50 * BLOCK);
    const frames = Math.floor(player.ear.left.length / BLOCK) * BLOCK;
    // A render brings the sound forward by the latency of the graph.
    const expected = await rendered(session, frames, { folder, midi: SONG });
    const { latency } = player.live.facts;
    assert.is(latency, 100);
    assertSame(
      {
        ...player.ear,
        left: player.ear.left.slice(latency),
        right: player.ear.right.slice(latency),
      } as never,
      expected,
      "later by the latency:",
      frames - latency,
    );
  });
});

test("what was set while a plugin stood still holds in the one that takes its place, also after a rescue", async () => {
  const session = sessionOf([{ id: "bad", type: "./trap.wasm", on_fault: "restart" }], ["bad -> master"]);
  const recovery = { backOff: 0.3 };
  await played(session, { recovery }, async (player) => {
    await hearSlowly(player, () => player.said("replaced").length === 1);
    await hearSlowly(player, () => player.said("fault").length === 2);
    player.live.set("bad", "level", 0.25);
    await killed(player, 1);
    await hearSlowly(player, () => player.said("replaced").length === 2);
    await hearSlowly(player, () => player.said("fault").length === 3);
    await player.hear(8 * BLOCK);
    const last = player.ear.left.findLastIndex((x) => x !== 0);
    assert.is(player.ear.left[last], 0.25);
  });
});

test("restore goes back to the state at the hand-over, restart to none", async () => {
  for (const [policy, blocks] of [
    ["restore", 3],
    ["restart", 20],
  ] as const) {
    const session = sessionOf([{ id: "bad", type: "./keeps.wasm", on_fault: policy }], ["bad -> master"]);
    await played(session, {}, async (player) => {
      await hearSlowly(player, () => player.said("fault").length >= 2);
      await player.hear(16 * BLOCK);
      const sounding = player.ear.left.map((x) => x !== 0);
      const back = sounding.indexOf(true, 20 * BLOCK);
      const over = sounding.indexOf(false, back);
      // It fades in from silence: the first sample is none.
      assert.is(Math.round((over - back) / BLOCK), blocks, policy);
    });
  }
});

test("an effect that is bypassed while it is faulty passes its input, every bit of it", async () => {
  const effect = { id: "effect", type: "./effect.wasm", while_faulty: "bypass" };
  const session = sessionOf([...TONE, effect], [...TONE_WIRES, "tone -> effect", "effect -> master"]);
  await played(session, {}, async (player) => {
    await player.hear(60 * BLOCK);
    await killed(player, 1);
    await player.hear(60 * BLOCK);
    const frames = Math.floor(player.ear.left.length / BLOCK) * BLOCK;
    const tone = await rendered(sessionOf(TONE, [...TONE_WIRES, "tone -> master"]), frames, { midi: SONG });
    assert.ok(
      player.ear.left.slice(0, 20 * BLOCK).every((x) => x === 0),
      "it is silent while it is well",
    );
    tone.left.fill(0, 0, 20 * BLOCK);
    tone.right.fill(0, 0, 20 * BLOCK);
    assertSame(player.ear, tone, "", frames);
  });
});

/** The thread that makes replacements. */
const controlOf = (player: Player): Worker =>
  (player.live as unknown as { threads: { control: Worker } }).threads.control;

test("another thread makes the replacements where the one that did is no more, and the sound goes on", async () => {
  const session = sessionOf(
    [...TONE, { id: "bad", type: "./stuck.wasm", on_fault: "restart" }],
    [...TONE_WIRES, "tone -> master", "bad -> master"],
  );
  await played(session, {}, async (player) => {
    await player.hear(20 * BLOCK);
    const before = controlOf(player);
    await before.terminate();
    const lives = () => controlOf(player) !== null && controlOf(player) !== before;
    await player.hearUntil(lives);
    assert.equal(
      player.said("control").map((event) => ("message" in event ? event.message : "")),
      ["The thread that replaces plugins ended; another one takes its place."],
    );
    // The meter ends it.
    player.live.set("bad", "stick", 1);
    await player.hearUntil(() => player.said("fault").length >= 1);
    player.live.set("bad", "stick", 0);
    await player.hearUntil(() => player.said("replaced").length >= 1);
    await killed(player, 1);
    await player.hear(20 * BLOCK);
    const frames = Math.floor(player.ear.left.length / BLOCK) * BLOCK;
    const tone = await rendered(sessionOf(TONE, [...TONE_WIRES, "tone -> master"]), frames, { midi: SONG });
    assertSame(player.ear, tone, "", frames);
  });
});

test("a plugin that comes to no end while it is set up again stays off, and others are replaced as before", async () => {
  const session = sessionOf(
    [
      { id: "late", type: "./late.wasm", on_fault: "restart" },
      { id: "bad", type: "./keeps.wasm", on_fault: "restore" },
    ],
    ["late -> master", "bad -> master"],
  );
  const recovery = { backOff: 0.01, perNode: 1000, healthy: 0 };
  await played(session, { recovery, patience: { replace: 1 } }, async (player) => {
    await hearSlowly(player, () => player.said("control").length >= 1 && player.said("off").length >= 1);
    const [off] = player.said("off") as { node: string; message: string }[];
    assert.is(off?.node, "late");
    assert.is(off?.message, "It stays off: it was not set up again within 0.001 s.");
    const times = player.said("replaced").length;
    await hearSlowly(player, () => player.said("replaced").length > times);
  });
});

test("a session that is not ready in time is refused, and the one that plays goes on", async () => {
  const session = sessionOf(TONE, [...TONE_WIRES, "tone -> master"]);
  const never = sessionOf([...TONE, { id: "late", type: "./late.wasm" }], [...TONE_WIRES, "tone -> master"]);
  await played(session, {}, async (player) => {
    const { options } = (player.live as unknown as { threads: { options: ThreadsOptions } }).threads;
    options.patience.prepare = 1;
    const refused = player.live.change(never).then(
      () => "no error",
      ({ code, message }) => `${code}: ${message}`,
    );
    let answer = "";
    void refused.then((text) => {
      answer = text;
    });
    await hearSlowly(player, () => answer !== "");
    assert.is(answer, "live/thread: The session is not ready to be played after 0.001 s.");
    const frames = Math.floor(player.ear.left.length / BLOCK) * BLOCK;
    assertSame(player.ear, await rendered(session, frames, { midi: SONG }), "", frames);
  });
});

const NO_METER: Change = {
  file: "runtime/sandbox/calls.ts",
  line: 'if (fuel === STACK_OVERFLOW) throw new Stop("stack", "");',
  instead: "return 1 << 30;",
};

test("a host that is busy holds up no rescue", async () => {
  const session = sessionOf([{ id: "bad", type: "./stuck.wasm" }], ["bad -> master"]);
  const options = { change: NO_METER, free: false, deadline: 0.8 };
  const player = await Player.open(session, { folder, ...options });
  try {
    // To nobody, in time.
    await player.live.start(null);
    const { live } = player;
    const until = (done: () => boolean): void => {
      const end = performance.now() + 30_000;
      const nap = new Int32Array(new SharedArrayBuffer(4));
      while (!done()) {
        if (performance.now() > end) assert.unreachable(`${done} never came to be`);
        Atomics.wait(nap, 0, 0, 20);
      }
    };
    // From here on this thread hears no message: what goes on goes on without it.
    until(() => live.figures.blocks > 20);
    live.set("bad", "stick", 1);
    // Nothing but another audio thread can tell: the one that is inside comes to no end.
    until(() => live.meters.find(({ id }) => id === "bad")?.faulty === true);
    const { blocks } = live.figures;
    until(() => live.figures.blocks > blocks + 20);
  } finally {
    await player.close();
  }
});

test.run();
