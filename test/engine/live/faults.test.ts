// time limit: 240 s
// Plugins that stop while they are heard, and sessions that take each other's place.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bufferAt, type SmallPlugin, smallPlugin, STEREO_OUT } from "../../sandbox/small-plugin.ts";
import { midiFile, notes } from "../fixtures/midi.ts";
import { assertSame, BLOCK, Ear, Player, rendered, sessionOf } from "./rig.ts";

const test = suite("live faults");
let folder = "";
test.before(() => {
  folder = mkdtempSync(path.join(tmpdir(), "belljar-faults-"));
  for (const [name, plugin] of Object.entries(PLUGINS)) {
    writeFileSync(path.join(folder, `${name}.wasm`), smallPlugin(plugin));
  }
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** Plays a half on both sides; from its tenth block on it does what it is asked to. */
const lasting = (bad: string): SmallPlugin => ({
  ports: [STEREO_OUT],
  functions: "(global $block (mut i32) (i32.const 0))",
  process: `(local $i i32)
    (if (i32.ge_s (global.get $block) (i32.const 10)) (then ${bad}))
    (global.set $block (i32.add (global.get $block) (i32.const 1)))
    ${[0, 1]
      .map(
        (side) => `(local.set $i (i32.const 0))
      (loop $on${side} (f32.store (i32.add (i32.const ${bufferAt(0, side)}) (i32.shl (local.get $i) (i32.const 2))) (f32.const 0.5))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $on${side} (i32.lt_u (local.get $i) (local.get $frames))))`,
      )
      .join("\n")}
    (i32.const 0)`,
});

const PLUGINS: Record<string, SmallPlugin> = {
  trap: lasting("(unreachable)"),
  endless: lasting("(loop $on (br $on))"),
  // Some hundred million steps before it is ready.
  slow: {
    ports: [STEREO_OUT],
    config: [{ id: "work", display_name: "Work", type: "string", default: "" }],
    functions: `(func (export "bj_configure") (param i32 i32 i32) (result i32)
      (local $i i32)
      (loop $on
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $on (i32.ne (local.get $i) (i32.const 100000000))))
      (i32.const 0))`,
  },
};

const SONG = new Map([
  ["song", { name: "song.mid", bytes: midiFile(480, notes(200_000, [0, 190_000, 69])) }],
]);
const TONE = [
  { id: "part", type: "track_source", config: { input: "song" } },
  { id: "tone", type: "sine" },
];
const TONE_WIRES = ["part.events_out -> tone.events_in", "tone -> master"];
const withBad = (type: string, policy: string) =>
  sessionOf(
    [...TONE, { id: "bad", type: `./${type}.wasm`, on_fault: policy }],
    [...TONE_WIRES, "bad -> master"],
  );

/** What is heard without the innocent tone, in halves: 0 or 1, by block; -1: something between. */
function halves(heard: Ear, tone: Ear): number[] {
  const blocks: number[] = [];
  for (let at = 0; at + BLOCK <= tone.left.length; at += BLOCK) {
    let on = 0;
    let off = 0;
    for (let i = at; i < at + BLOCK; i++) {
      const own = tone.left[i] as number;
      if (heard.left[i] === Math.fround(own + 0.5)) on++;
      if (heard.left[i] === own) off++;
    }
    blocks.push(on === BLOCK ? 1 : off === BLOCK ? 0 : -1);
  }
  return blocks;
}

async function heardWith(
  type: string,
  policy: string,
  blocks: number,
  more = {},
): Promise<{ player: Player; halves: number[] }> {
  const player = await Player.open(withBad(type, policy), { folder, midi: SONG, ...more });
  try {
    await player.start();
    await player.hear(blocks * BLOCK);
    if (policy === "off") await player.hearUntil(() => player.said("fault").length > 0);
    else await player.hearUntil(() => player.said("replaced").length > 0);
    await player.hear(100 * BLOCK);
  } finally {
    await player.close();
  }
  const frames = Math.floor(player.ear.left.length / BLOCK) * BLOCK;
  const tone = await rendered(sessionOf(TONE, TONE_WIRES), frames, { midi: SONG });
  return { player, halves: halves(player.ear, tone) };
}

test("a plugin that traps is silent from that block on, and nobody else loses a sample", async () => {
  const { player, halves: on } = await heardWith("trap", "off", 100);
  assert.equal(on.slice(0, 10), Array(10).fill(1));
  assert.ok(
    on.slice(10).every((half) => half === 0),
    "silent from its eleventh block on",
  );
  assert.equal(
    player.events.map((event) => [
      event.what,
      (event as { node: string }).node,
      (event as { frame: number }).frame,
    ]),
    [["fault", "bad", 10 * BLOCK]],
  );
  const [fault] = player.events as { message: string }[];
  assert.match(fault?.message as string, /unreachable.*process, block 10/);
  assert.ok(player.live.meters.find(({ id }) => id === "bad")?.faulty);
});

test("restart brings it back, at full level after its fade, for ten blocks each time", async () => {
  const { player, halves: on } = await heardWith("trap", "restart", 100);
  assert.equal(on.slice(0, 11), [...Array(10).fill(1), 0]);
  const back = on.findIndex((half, i) => i > 10 && half !== 0);
  assert.ok(back > 10, "it came back");
  assert.ok(on.slice(back, back + 10).includes(1), "after the fade it is as before");
  assert.is(on[back + 10], 0);
  assert.is(player.events[0]?.what, "fault");
  assert.is(player.events[1]?.what, "replaced");
});

test("a plugin that goes on for ever is ended in its block, by the real clock", async () => {
  // A tenth of a second a block.
  const { player, halves: on } = await heardWith("endless", "off", 30, { deadline: 40 });
  assert.equal(on.slice(0, 10), Array(10).fill(1));
  assert.ok(on.slice(10).every((half) => half === 0));
  assert.is(player.said("rescued").length, 0);
  const [fault] = player.said("fault") as { message: string }[];
  assert.match(fault?.message as string, /process, block 10/);
});

test("another session takes over at a block's edge, from its beginning, however long it takes to be ready", async () => {
  const first = sessionOf(TONE, TONE_WIRES);
  const second = sessionOf(
    [...TONE, { id: "echo", type: "delay" }, { id: "slow", type: "./slow.wasm", config: { work: "much" } }],
    ["part.events_out -> tone.events_in", "tone -> echo", "echo -> master", "slow -> master"],
  );
  const player = await Player.open(first, { folder, midi: SONG });
  try {
    await player.start();
    await player.hear(50 * BLOCK);
    let done = false;
    const changed = player.live.change(second).then(() => {
      done = true;
    });
    // A parameter of the one that is still heard is not one of the next.
    player.live.set("tone", "gain", 0.15);
    // Two seconds of sound at least go by without it.
    await player.hear(100 * BLOCK);
    await player.hearUntil(() => done);
    await changed;
    await player.hear(200 * BLOCK);
    // A session that can't be made ready changes nothing.
    const bad = await player.live
      .change(sessionOf([...TONE, { id: "a", type: "nothing" }], []))
      .catch((error) => error.code);
    assert.is(bad, "session/unknown-type");
    await player.hear(50 * BLOCK);
    const frames = Math.floor(player.ear.left.length / BLOCK) * BLOCK;
    const before = await rendered(first, frames, { midi: SONG });
    const parted = player.ear.left.findIndex((x, i) => x !== before.left[i]);
    const edge = Math.floor(parted / BLOCK) * BLOCK;
    assert.ok(edge >= 150 * BLOCK, `they part in block ${edge / BLOCK}`);
    const after = await rendered(second, frames - edge, { folder, midi: SONG });
    const rest = new Ear();
    rest.left.push(...player.ear.left.slice(edge));
    rest.right.push(...player.ear.right.slice(edge));
    assertSame(rest, after, "after the change:");
    assert.equal(player.events, []);
    assert.equal(
      player.live.meters.map(({ id }) => id),
      ["part", "tone", "echo", "slow", "master"],
    );
  } finally {
    await player.close();
  }
});

test.run();
