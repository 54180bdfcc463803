// time limit: 240 s
// A session that is edited while it plays: what stays loses no sample, what comes and goes is faded.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { EventType } from "../../../abi/layout.ts";
import type { Session } from "../../../runtime/engine/session.ts";
import { AT, bufferAt, knob, type SmallPlugin, smallPlugin, STEREO_OUT } from "../../sandbox/small-plugin.ts";
import { midiFile, notes } from "../fixtures/midi.ts";
import { assertSame, BLOCK, type Ear, Player, type PlayerOptions, rendered, sessionOf } from "./rig.ts";

const test = suite("live edit");
let folder = "";
test.before(() => {
  folder = mkdtempSync(path.join(tmpdir(), "belljar-edit-"));
  writeFileSync(path.join(folder, "level.wasm"), smallPlugin(LEVEL));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** Plays the tenths that its configuration says, times its knob; thinks it over for some ten million steps. */
const LEVEL: SmallPlugin = {
  ports: [knob("trim", { default: 1 }), STEREO_OUT],
  config: [{ id: "tenths", display_name: "Tenths", type: "string", default: "" }],
  functions: `(global $level (mut f32) (f32.const 0))
    (func (export "bj_configure") (param $index i32) (param $at i32) (param $length i32) (result i32)
      (local $i i32)
      (loop $on
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $on (i32.ne (local.get $i) (i32.const 60000000))))
      (global.set $level (f32.div
        (f32.convert_i32_s (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))) (f32.const 10)))
      (i32.const 0))`,
  process: `(local $i i32)
    ${[0, 1]
      .map(
        (side) => `(local.set $i (i32.const 0))
      (loop $on${side}
        (f32.store (i32.add (i32.const ${bufferAt(0, side)}) (i32.shl (local.get $i) (i32.const 2)))
          (f32.mul (global.get $level) (f32.load (i32.const ${AT.controlsIn}))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $on${side} (i32.lt_u (local.get $i) (local.get $frames))))`,
      )
      .join("\n")}
    (i32.const 0)`,
};
/** 5 ms. */
const FADE = 240;

const SONG = new Map([
  [
    "song",
    {
      name: "song.mid",
      bytes: midiFile(
        480,
        notes(
          400_000,
          ...Array.from({ length: 60 }, (_, i): [number, number, number] => [
            i * 300,
            i * 300 + 200,
            60 + (i % 12),
          ]),
        ),
      ),
    },
  ],
]);
const TONE = [
  { id: "part", type: "track_source", config: { input: "song" } },
  { id: "tone", type: "sine" },
  { id: "echo", type: "delay", params: { time: 30 } },
];
const TONE_WIRES = ["part.events_out -> tone.events_in", "tone -> echo"];

/** Plays, does something, and hears on until it is done, and some blocks more. */
async function played(
  session: Session,
  act: (player: Player) => Promise<void>,
  { before = 60, after = 100, ...options }: PlayerOptions & { before?: number; after?: number } = {},
): Promise<Player> {
  const midi = session.nodes.some(({ type }) => type === "track_source") ? SONG : undefined;
  const player = await Player.open(session, { folder, midi, ...options });
  try {
    await player.start();
    await player.hear(before * BLOCK);
    let done = false;
    const acting = act(player).finally(() => {
      done = true;
    });
    while (!done) {
      await player.hear(4 * BLOCK);
      await new Promise((resume) => setTimeout(resume, 1));
    }
    await acting;
    await player.hear(after * BLOCK);
  } finally {
    await player.close();
  }
  const { left, right } = player.ear;
  const frames = Math.floor(left.length / BLOCK) * BLOCK;
  left.length = right.length = frames;
  return player;
}

/** Where the two part, and where they are the same again to the end. */
function apart(heard: Ear, one: Ear, other: Ear): [number, number] {
  const from = heard.left.findIndex((x, i) => x !== one.left[i]);
  const to = heard.left.findLastIndex((x, i) => x !== other.left[i]) + 1;
  return [from, to];
}

test("a node that is added comes in within 5 ms, and no other loses a sample", async () => {
  const first = sessionOf(TONE, [...TONE_WIRES, "echo -> master"]);
  // Louder by a wire more.
  const second = sessionOf(
    [...TONE, { id: "more", type: "gain" }],
    [...TONE_WIRES, "echo -> master", "echo -> more", "more -> master"],
  );
  const { ear } = await played(first, ({ live }) => live.edit(second));
  const frames = ear.left.length;
  const before = await rendered(first, frames, { midi: SONG });
  const after = await rendered(second, frames, { midi: SONG });
  const [from, to] = apart(ear, before, after);
  const edge = Math.floor(from / BLOCK) * BLOCK;
  assert.ok(edge >= 60 * BLOCK && to > from, `${from} to ${to}`);
  assert.ok(to <= edge + FADE, `it is all there after ${to - edge} frames`);
  for (let i = edge; i < edge + FADE; i++) {
    const [x, y] = [before.left[i] as number, after.left[i] as number];
    assert.ok(Math.abs((ear.left[i] as number) - (x + ((y - x) * (i - edge)) / FADE)) < 1e-6, `frame ${i}`);
  }
});

test("a node that is taken away fades within 5 ms, with its wires; the piece goes on where it is", async () => {
  const first = sessionOf(
    [...TONE, { id: "more", type: "gain" }],
    [...TONE_WIRES, "echo -> master", "echo -> more", "more -> master"],
  );
  const second = sessionOf(TONE, [...TONE_WIRES, "echo -> master"]);
  const player = await played(first, ({ live }) => live.edit(second));
  const { ear } = player;
  const frames = ear.left.length;
  const before = await rendered(first, frames, { midi: SONG });
  const after = await rendered(second, frames, { midi: SONG });
  const [from, to] = apart(ear, before, after);
  const edge = Math.floor(from / BLOCK) * BLOCK;
  assert.ok(edge >= 60 * BLOCK && to > from && to <= edge + FADE, `${from} to ${to}`);
  assert.equal(
    player.live.meters.map(({ id }) => id),
    ["part", "tone", "echo", "master"],
  );
  assert.equal(player.events, []);
});

test("wires between nodes that stay are faded as well", async () => {
  const nodes = [...TONE, { id: "soft", type: "gain", params: { gain: -12 } }];
  const first = sessionOf(nodes, [...TONE_WIRES, "echo -> soft", "soft -> master"]);
  const second = sessionOf(nodes, [...TONE_WIRES, "echo -> soft", "echo -> master"]);
  const { ear } = await played(first, ({ live }) => live.edit(second));
  const frames = ear.left.length;
  const before = await rendered(first, frames, { midi: SONG });
  const after = await rendered(second, frames, { midi: SONG });
  const [from, to] = apart(ear, before, after);
  const edge = Math.floor(from / BLOCK) * BLOCK;
  assert.ok(to > from && to <= edge + FADE, `${from} to ${to}`);
  for (let i = edge; i < edge + FADE; i++) {
    const [x, y] = [before.left[i] as number, after.left[i] as number];
    assert.ok(Math.abs((ear.left[i] as number) - (x + ((y - x) * (i - edge)) / FADE)) < 1e-6, `frame ${i}`);
  }
});

test("a plugin that works long on its configuration plays on meanwhile, and is crossfaded; its knobs stay", async () => {
  const session = sessionOf(
    [...TONE, { id: "level", type: "./level.wasm", config: { tenths: "4" } }],
    [...TONE_WIRES, "echo -> master", "level -> master"],
  );
  const { ear, live } = await played(session, async ({ live: playing }) => {
    playing.set("level", "trim", 0.5);
    await playing.configure("level", { tenths: "8" });
  });
  const tone = await rendered(sessionOf(TONE, [...TONE_WIRES, "echo -> master"]), ear.left.length, {
    midi: SONG,
  });
  const levels = ear.left.map((x, i) => x - (tone.left[i] as number));
  const near = (value: number, wanted: number): boolean => Math.abs(value - wanted) < 1e-6;
  const changed = levels.findIndex((x) => !near(x, 0.4));
  assert.ok(near(levels[changed] as number, 0.2), "its knob takes effect at once");
  const faded = levels.findIndex((x, i) => i > changed && !near(x, 0.2));
  // A fade begins with what was before.
  const edge = faded - 1;
  assert.is(edge % BLOCK, 0);
  for (let i = 0; i < levels.length - edge; i++) {
    const part = Math.min(1, i / FADE);
    assert.ok(
      near(levels[edge + i] as number, 0.2 + 0.2 * part),
      `frame ${i} of the fade: ${levels[edge + i]}`,
    );
  }
  assert.is(live.figures.unheard, 0);
});

test("parameters that two sessions say differently change; the others stay as they were set", async () => {
  const levelled = (trim: number, more: object[] = []): Session =>
    sessionOf(
      [
        { id: "a", type: "./level.wasm", config: { tenths: "4" }, params: { trim } },
        { id: "b", type: "./level.wasm", config: { tenths: "4" }, params: { trim: 1 } },
        ...more,
      ],
      ["a -> master", "b -> master"],
    );
  const { ear } = await played(levelled(1), async ({ live }) => {
    live.set("a", "trim", 0.75);
    live.set("b", "trim", 0.25);
    await live.edit(levelled(0.5, [{ id: "c", type: "gain" }]));
  });
  assert.ok(Math.abs((ear.left[0] as number) - 0.8) < 1e-6);
  assert.ok(Math.abs((ear.left.at(-1) as number) - 0.4 * 0.5 - 0.4 * 0.25) < 1e-6, String(ear.left.at(-1)));
});

test("notes that come from what is taken away end", async () => {
  const keys = [
    { id: "keys", type: "event_input" },
    { id: "tone", type: "sine" },
  ];
  const first = sessionOf(keys, ["keys.events_out -> tone.events_in", "tone -> master"]);
  const second = sessionOf([keys[1] as object], ["tone -> master"]);
  const { ear, live } = await played(
    first,
    async ({ live: playing }) => {
      playing.play("keys", { type: EventType.NoteOn, key: 69, channel: 0, value: 1 });
      await new Promise((resume) => setTimeout(resume, 20));
      await playing.edit(second);
    },
    { after: 400 },
  );
  assert.ok(ear.left.some((x) => Math.abs(x) > 0.05));
  assert.ok(ear.left.slice(-50 * BLOCK).every((x) => x === 0));
  assert.is(live.figures.peak, 0);
});

test("an edit that can't be is refused, and all goes on as it was", async () => {
  const first = sessionOf(TONE, [...TONE_WIRES, "echo -> master"]);
  const refusals: string[] = [];
  const { ear } = await played(first, async ({ live }) => {
    for (const bad of [
      sessionOf([...TONE, { id: "a", type: "nothing" }], [...TONE_WIRES, "echo -> master"]),
      sessionOf(TONE, [...TONE_WIRES, "echo -> nowhere"]),
      sessionOf(TONE, [...TONE_WIRES, "echo -> master"], { block_size: 64 }),
      sessionOf(
        [{ ...TONE[0] }, { ...TONE[1] }, { ...TONE[2], params: { time: -1 } }],
        [...TONE_WIRES, "echo -> master"],
      ),
    ]) {
      await live.edit(bad).catch(({ code }) => refusals.push(code));
    }
    await live.configure("echo", { colour: "red" }).catch(({ code }) => refusals.push(code));
    // After all that it can still be edited, and killed.
    await live.edit(sessionOf(TONE, [...TONE_WIRES, "echo -> master"]));
  });
  assert.equal(refusals, [
    "session/unknown-type",
    "session/unknown-node",
    "live/edit",
    "session/param",
    "session/config",
  ]);
  assertSame(ear, await rendered(first, ear.left.length, { midi: SONG }));
});

test("a thread that dies before, while and after it is edited: no sample is lost", async () => {
  const nodes = [...TONE, { id: "soft", type: "gain", params: { gain: -12 } }];
  const first = sessionOf(nodes, [...TONE_WIRES, "echo -> master"]);
  const second = sessionOf([...nodes, { id: "idle", type: "gain" }], [...TONE_WIRES, "echo -> master"]);
  const player = await played(first, async (playing) => {
    const crash = () => (playing.live as unknown as { threads: { crash(): Promise<void> } }).threads.crash();
    await crash();
    for (const session of [second, first, second]) {
      const edited = playing.live.edit(session);
      await new Promise((resume) => setTimeout(resume, 150));
      await crash();
      await edited;
    }
  });
  const { ear } = player;
  // A thread that is ended inside a plugin loses that one; all that is innocent keeps its samples.
  if (player.said("fault").length > 0) return;
  assertSame(ear, await rendered(first, ear.left.length, { midi: SONG }));
});

test.run();
