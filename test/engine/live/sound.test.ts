// What is played live is what is rendered offline, sample for sample.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { BelljarError } from "../../../abi/error.ts";
import { EventType } from "../../../abi/layout.ts";
import { midiFile, notes } from "../fixtures/midi.ts";
import { assertSame, BLOCK, type Ear, Player, rendered, sessionOf } from "./rig.ts";

const test = suite("live sound");
let folder = "";
test.before(() => {
  folder = mkdtempSync(path.join(tmpdir(), "belljar-live-"));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

const SONG = new Map([
  ["song", { name: "song.mid", bytes: midiFile(100, notes(100, [0, 20, 69], [7, 40, 64], [20, 70, 45])) }],
]);
const CHAIN = ["tone", "echo", "volume"];
const PIECE = sessionOf(
  [
    { id: "track", type: "track_source", config: { input: "song" } },
    { id: "tone", type: "sine" },
    { id: "echo", type: "delay", params: { time: 20 } },
    { id: "volume", type: "gain", params: { gain: -3 } },
  ],
  ["track.events_out -> tone.events_in", "tone -> echo", "echo -> volume", "volume -> master"],
);
const FRAMES = 300 * BLOCK;

async function refusal(work: () => unknown): Promise<BelljarError> {
  try {
    await work();
  } catch (error) {
    // Of the bundle's own class.
    assert.is((error as Error).name, "BelljarError", String(error));
    return error as BelljarError;
  }
  throw new Error("nothing was thrown");
}

async function played(
  session: Parameters<typeof Player.open>[0],
  options: Parameters<typeof Player.open>[1],
  act: (player: Player) => Promise<void>,
): Promise<Ear> {
  const player = await Player.open(session, options);
  try {
    await act(player);
    return player.ear;
  } finally {
    await player.close();
  }
}

test("notes, echo and volume, heard through the ring", async () => {
  const expected = await rendered(PIECE, FRAMES, { midi: SONG });
  assert.ok(
    expected.left.some((x) => Math.abs(x) > 0.05),
    "there is something to hear",
  );
  const heard = await played(PIECE, { midi: SONG }, async (player) => {
    assert.is(player.live.facts.contentFrames, (await contentOf()) as number);
    await player.start();
    await player.hear(FRAMES);
    const { figures, meters } = player.live;
    assert.ok(figures.blocks >= 300);
    assert.is(figures.frame, figures.blocks * BLOCK);
    assert.is(figures.unheard, 0);
    assert.equal(
      meters.map(({ id }) => id).filter((id) => CHAIN.includes(id)),
      CHAIN,
    );
    assert.ok(meters.every(({ faulty }) => !faulty));
    assert.equal(player.events, []);
  });
  assertSame(heard, expected);
});

async function contentOf(): Promise<number | null> {
  const { openSession } = await import("../../../runtime/engine/open-session.ts");
  return (await openSession(PIECE, { midi: SONG })).contentFrames;
}

test("in blocks of other sizes, too, whatever lies ready in the ring", async () => {
  for (const block of [32, 1024]) {
    const expected = await rendered(PIECE, 20 * 1024, { midi: SONG, block });
    const heard = await played(PIECE, { midi: SONG, block, depth: block }, async (player) => {
      await player.start();
      await player.hear(20 * 1024);
    });
    assertSame(heard, expected, `blocks of ${block}:`);
  }
});

const LIVE = sessionOf(
  [
    { id: "keys", type: "event_input" },
    { id: "tone", type: "sine" },
    { id: "volume", type: "gain" },
  ],
  ["keys.events_out -> tone.events_in", "tone -> volume", "volume -> master"],
);

test("a note that is played at a frame begins at that frame, as one from a file does", async () => {
  // 120 a minute and 480 ticks a quarter: 50 frames a tick.
  const file = new Map([
    ["song", { name: "song.mid", bytes: midiFile(480, notes(100, [3, 33, 69], [20, 50, 57])) }],
  ]);
  const same = sessionOf(
    [
      { id: "keys", type: "track_source", config: { input: "song" } },
      { id: "tone", type: "sine" },
      { id: "volume", type: "gain" },
    ],
    ["keys.events_out -> tone.events_in", "tone -> volume", "volume -> master"],
  );
  const expected = await rendered(same, FRAMES, { midi: file });
  const heard = await played(LIVE, {}, async (player) => {
    const { live } = player;
    const note = (type: number, tick: number, key: number, velocity: number): void =>
      live.play("keys", { type, time: tick * 50, key, channel: 0, value: velocity / 127 });
    note(EventType.NoteOn, 3, 69, 100);
    note(EventType.NoteOn, 20, 57, 100);
    note(EventType.NoteOff, 33, 69, 0);
    note(EventType.NoteOff, 50, 57, 0);
    await player.start();
    await player.hear(FRAMES);
    assert.is(live.figures.lost, 0);
  });
  assertSame(heard, expected);
});

test("parameters that are set take effect from the next block on, with meters to see it", async () => {
  const louder = sessionOf(
    [
      { id: "track", type: "track_source", config: { input: "song" } },
      { id: "tone", type: "sine", params: { gain: 0.5 } },
      { id: "volume", type: "gain", params: { gain: -12 } },
    ],
    ["track.events_out -> tone.events_in", "tone -> volume", "volume -> master"],
  );
  const quiet = sessionOf(
    [
      { id: "track", type: "track_source", config: { input: "song" } },
      { id: "tone", type: "sine" },
      { id: "volume", type: "gain" },
    ],
    ["track.events_out -> tone.events_in", "tone -> volume", "volume -> master"],
  );
  const expected = await rendered(louder, FRAMES, { midi: SONG });
  const heard = await played(quiet, { midi: SONG }, async (player) => {
    player.live.set("volume", "gain", -12);
    player.live.set("tone", "gain", 0.5);
    await player.start();
    await player.hear(FRAMES);
  });
  assertSame(heard, expected);
  // And while it sounds: to silence, and back.
  const long = new Map([
    ["song", { name: "song.mid", bytes: midiFile(480, notes(1_000_000, [0, 900_000, 69])) }],
  ]);
  await played(quiet, { midi: long }, async (player) => {
    const { live } = player;
    const peakOf = (node: string) => live.meters.find(({ id }) => id === node)?.peak as number;
    await player.start();
    await player.hearUntil(() => peakOf("tone") > 0.05 && peakOf("volume") === peakOf("tone"));
    live.set("tone", "gain", 0);
    await player.hearUntil(() => peakOf("tone") === 0 && peakOf("volume") === 0 && live.figures.peak === 0);
    // A meter that is looked at seldom has missed nothing, and forgets slowly.
    for (const { id, level, mostPeak } of live.meters.slice(1)) {
      assert.ok(level > 0 && level <= mostPeak && mostPeak > 0.05, `${id}: ${level}, ${mostPeak}`);
    }
    await player.hearUntil(() => live.meters.every(({ level, mostPeak }) => level <= mostPeak / 10));
    live.set("tone", "gain", 0.15);
    live.set("volume", "gain", 6);
    await player.hearUntil(() => peakOf("volume") > 1.9 * peakOf("tone") && peakOf("tone") > 0.05);
  });
});

test("finish ends the sources: what sounds rings out, and nothing new begins", async () => {
  const long = new Map([
    ["song", { name: "song.mid", bytes: midiFile(480, notes(100_000, [0, 90_000, 69])) }],
  ]);
  const session = sessionOf(
    [
      { id: "track", type: "track_source", config: { input: "song" } },
      { id: "tone", type: "sine" },
    ],
    ["track.events_out -> tone.events_in", "tone -> master"],
  );
  await played(session, { midi: long }, async (player) => {
    await player.start();
    await player.hear(100 * BLOCK);
    assert.ok(player.live.figures.peak > 0.05);
    player.live.finish();
    await player.hearUntil(() => player.live.figures.peak === 0);
  });
});

test("what finds no room is refused, and counted", async () => {
  await played(LIVE, {}, async (player) => {
    const { live } = player;
    let sent = 0;
    const error = await refusal(() => {
      for (; sent < 1_000_000; sent++) live.set("volume", "gain", 0);
    });
    assert.is(
      `${error.code}: ${error.message}`,
      "live/full: The audio thread has not taken what was sent before.",
    );
    assert.is(sent, 4096);
    assert.is(live.figures.lost, 1);
    const note = { type: EventType.NoteOff, key: 60, channel: 0 };
    for (let i = 0; i < 4096; i++) live.play("keys", note);
    assert.is((await refusal(() => live.play("keys", note))).code, "live/full");
    assert.is(live.figures.lost, 2);
    await player.start();
    await player.hear(10 * BLOCK);
    live.set("volume", "gain", 0);
    // A block takes 512 events.
    assert.is(live.figures.lost, 2 + 4096 - 512);
  });
});

test("what is not there, and what can't be played, is named in a sentence", async () => {
  await played(LIVE, {}, async ({ live }) => {
    const note = { type: EventType.NoteOn, key: 60 };
    for (const [expected, work] of [
      ['live/node: The session has no node "volum".', () => live.set("volum", "gain", 1)],
      ['live/node: The session has no node "key\uFFFDs".', () => live.play("key\u001bs", note)],
      ['live/parameter: "volume" has no parameter "loudness".', () => live.set("volume", "loudness", 1)],
      ['live/parameter: "keys" has no parameter "gain".', () => live.set("keys", "gain", 1)],
      [
        "live/value: A parameter must be a finite number, not NaN.",
        () => live.set("volume", "gain", Number.NaN),
      ],
      [
        'live/event: "tone" is no event_input, so nothing can be played on it.',
        () => live.play("tone", note),
      ],
      ["live/event: An event of type 15 can't be played.", () => live.play("keys", { type: 15 })],
      [
        "live/event: The key of an event must be a whole number from 0 to 127, not 128.",
        () => live.play("keys", { ...note, key: 128 }),
      ],
      [
        "live/event: The channel of an event must be a whole number from -1 to 15, not 16.",
        () => live.play("keys", { ...note, channel: 16 }),
      ],
      [
        "live/value: An event's time or value must be a finite number, not Infinity.",
        () => live.play("keys", { ...note, time: Number.POSITIVE_INFINITY }),
      ],
    ] as const) {
      const { code, message } = await refusal(work);
      assert.is(`${code}: ${message}`, expected);
    }
  });
  const missing = sessionOf([{ id: "a", type: "no-such-plugin" }], []);
  assert.is((await refusal(() => Player.open(missing))).code, "session/unknown-type");
});

test("a ring that is not there is said, and the session plays on in time", async () => {
  await played(LIVE, { free: false }, async (player) => {
    const region = { name: `/proc/${process.pid}/fd/9999`, bytes: 4096 };
    await player.live.start({ region, depth: 128, chunk: 128 });
    const before = player.live.figures.blocks;
    await player.hearUntil(() => player.live.figures.blocks > before + 10);
    assert.is(player.said("sink").length, 1);
    player.live.setSink(player.sink);
    await player.hear(20 * BLOCK);
    player.live.setSink(null);
    const then = player.live.figures.blocks;
    await player.hearUntil(() => player.live.figures.blocks > then + 10);
  });
});

test.run();
