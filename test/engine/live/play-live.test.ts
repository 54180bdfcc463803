// A session played with one call, as a host does it.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError, EventType, playLive, type PlayEvent } from "../../../runtime/index.ts";
import { midiFile, notes } from "../fixtures/midi.ts";
import { sessionOf } from "./rig.ts";

const KEYS = sessionOf(
  [
    { id: "keys", type: "event_input" },
    { id: "tone", type: "sine" },
  ],
  ["keys.events_out -> tone.events_in", "tone -> master"],
);
const SONG = sessionOf(
  [
    { id: "track", type: "track_source", config: { input: "song" } },
    { id: "tone", type: "sine" },
  ],
  ["track.events_out -> tone.events_in", "tone -> master"],
);
// Half a second at 120 quarter notes a minute.
const midi = new Map([["song", { name: "song.mid", bytes: midiFile(480, notes(480, [0, 480, 69])) }]]);

async function refused(code: string | RegExp, work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    assert.instance(error, BelljarError, String(error));
    assert.match((error as BelljarError).code, code);
    return;
  }
  assert.unreachable(`${code} was not thrown`);
}

test("what can't be played is refused, and says why", async () => {
  await refused("usage/option", () => playLive(KEYS, { latencies: 3 } as object));
  await refused("usage/value", () => playLive(KEYS, { latency: 0 }));
  await refused("usage/value", () => playLive(KEYS, { buffer: 1.5 }));
  await refused("usage/value", () => playLive(7 as unknown as string));
  const wrong: [option: string, value: unknown][] = [
    ["device", 5],
    ["folder", 5],
    ["block", 31],
    ["block", 4097],
    ["rate", "48000"],
    ["deadline", -1],
    ["midi", { song: "song.mid" }],
    ["audio", []],
    ["inputs", "Piano"],
    ["inputs", [null]],
    ["inputs", [{ node: "keys" }]],
    ["inputs", [{ node: 5, device: "Piano" }]],
    ["inputs", [{ node: "keys", device: "Piano", channel: 16 }]],
    ["onEvent", "shout"],
  ];
  for (const [option, value] of wrong) {
    await refused("usage/value", () => playLive(KEYS, { device: "null", [option]: value } as object));
  }
  await refused("usage/option", () => playLive(KEYS, { inputs: [{ name: "Piano" }] as never }));
  await refused("session/block-size", () => playLive({ ...KEYS, blockSize: 8192 }, { device: "null" }));
  await refused("config/key", () => playLive(KEYS, { settings: { devise: "null" } as object }));
  await refused("file/not-found", () => playLive("nowhere.json"));
  await refused("device/unknown", () => playLive(KEYS, { device: "the one in the cellar" }));
  await refused("session/no-input", () => playLive(SONG, { device: "null" }));
});

test("notes are heard, parameters take effect, meters show it, and it ends when it has rung out", async () => {
  const events: PlayEvent[] = [];
  const live = await playLive(KEYS, { device: "null", latency: 20, onEvent: (event) => events.push(event) });
  try {
    assert.is(live.device, "null");
    assert.ok(live.latency.ready >= 0.02 && live.latency.total >= live.latency.ready);
    await refused("live/parameter", () => live.set("tone", "volume", 1));
    await refused("live/node", () => live.play("piano", { type: EventType.NoteOn, key: 60 }));
    const nothing = null as unknown as string & { type: number };
    await refused("usage/value", () => live.play(nothing, { type: EventType.NoteOn, key: 60 }));
    await refused("usage/value", () => live.play("keys", nothing));
    await refused("usage/value", () => live.set("tone", nothing, 1));
    await refused("usage/value", () => live.monitors(nothing));
    await refused("usage/value", () => live.configure("tone", nothing as never));
    await refused("usage/value", () => live.session.connectMidi("keys", nothing));
    live.set("tone", "gain", 0.5);
    live.play("keys", { type: EventType.NoteOn, key: 69, value: 1 });
    while ((live.meters[1]?.level ?? 0) < 0.1) await new Promise((resume) => setTimeout(resume, 5));
    live.finish();
    await live.ended();
    assert.is(live.meters[1]?.peak, 0);
    assert.equal(
      live.meters.map(({ id, faulty }) => [id, faulty]),
      [
        ["keys", false],
        ["tone", false],
        ["master", false],
      ],
    );
  } finally {
    await live.close();
  }
  assert.is(await live.close(), await live.close(), "closed once, whoever asks");
  // Nothing is begun that nobody would end.
  await refused("live/closed", () => live.change(KEYS));
  await refused("live/closed", () => live.edit(KEYS));
  await refused("live/closed", () => live.configure("tone", {}));
  await refused("live/closed", () => live.session.connectMidi("keys", "Piano"));
  assert.equal(
    events.filter(({ what }) => what !== "underrun"),
    [],
  );
});

test("another session that is played in its turn is heard to its end, too", async () => {
  const live = await playLive(SONG, { device: "null", midi });
  try {
    const first = live.figures.frame;
    await live.change(SONG);
    const began = live.figures.frame;
    assert.ok(began > first);
    await live.ended();
    // Half a second, and a second of quiet.
    assert.ok(live.figures.frame - began >= 1.4 * 48_000, `${live.figures.frame - began} frames`);
  } finally {
    await live.close();
  }
});

test("a length that is asked for is kept, and no more", async () => {
  const live = await playLive(SONG, { device: "null", midi });
  for (const length of [-1, Number.NaN, "2"])
    await refused("usage/value", () => live.ended(length as number));
  await live.ended(0.2);
  const { frame } = live.figures;
  await live.close();
  assert.ok(frame >= 0.2 * 48_000 && frame < 10 * 48_000);
});

test.run();
