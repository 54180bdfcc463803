// time limit: 240 s
// MIDI devices that play live sessions, through the threads: with a driver that the test speaks to over the air.

import { BroadcastChannel } from "node:worker_threads";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EVENT_BYTES, EVENT_FRAME, EVENT_KEY, EventType } from "../../../abi/layout.ts";
import {
  EVENT_RECORDS,
  LiveEvents,
  MOST_CONNECTIONS,
  Routes,
} from "../../../runtime/engine/live/live-events.ts";
import type { LiveGraph } from "../../../runtime/engine/live/parcel.ts";
import { RecordQueue } from "../../../runtime/engine/live/queue.ts";
import { LiveWords, placeWord, Word } from "../../../runtime/engine/live/words.ts";
import { EventInput } from "../../../runtime/graph/index.ts";
import { BLOCK, Player, RATE, sessionOf } from "./rig.ts";

/** Milliseconds. */
const PATIENCE = 60_000;
const AIR = `midi-${process.pid}`;
const KEYS = "Keys:MIDI 1 20:0";
/** In place of the system's MIDI. */
const driver = `driver: (() => {
  const ports = new Map();
  let names = [${JSON.stringify(KEYS)}];
  const air = new BroadcastChannel(${JSON.stringify(AIR)});
  air.unref();
  air.onmessage = ({ data }) => {
    if (data.fails) throw new Error("the driver has failed");
    if (data.names !== undefined) names = data.names;
    else ports.get(data.name)?.(Uint8Array.from(data.bytes), 0);
  };
  return {
    inputs: () => names,
    open: (name, receive) => {
      ports.set(name, receive);
      return { close: () => ports.delete(name) };
    },
  };
})(),`;
const change = {
  file: "runtime/engine/live/midi-thread.ts",
  line: "driver: openMidiDriver(),",
  instead: driver,
};

const air = new BroadcastChannel(AIR);
air.unref();
const send = (...bytes: number[]): void => air.postMessage({ name: KEYS, bytes });
const plug = (...names: string[]): void => air.postMessage({ names });

const LIVE = sessionOf(
  [
    { id: "keys", type: "event_input" },
    { id: "tone", type: "sine" },
  ],
  ["keys.events_out -> tone.events_in", "tone -> master"],
);
/** The same nodes in other places. */
const OTHER = sessionOf(
  [
    { id: "tone", type: "sine" },
    { id: "more", type: "event_input" },
    { id: "keys", type: "event_input" },
  ],
  ["keys.events_out -> tone.events_in", "more.events_out -> tone.events_in", "tone -> master"],
);
const WITHOUT = sessionOf([{ id: "tone", type: "sine" }], ["tone -> master"]);

async function played(act: (player: Player) => Promise<void>): Promise<void> {
  const player = await Player.open(LIVE, { change });
  try {
    await player.live.connectMidi("keys", "keys");
    await player.start();
    // Before the first block is over nobody plays.
    await player.hear(2 * BLOCK);
    await act(player);
  } finally {
    await player.close();
  }
}

/** Hears on until it is so, at no great speed: devices are looked for in real time. */
async function until(player: Player, done: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!done()) {
    if (performance.now() > end) assert.unreachable(`${done} never came to be`);
    await player.hear(2 * BLOCK);
    await new Promise((resume) => setTimeout(resume, 1));
  }
}

const sounds = (player: Player) => () => player.live.figures.peak > 0.05;
const isSilent = (player: Player) => () => player.live.figures.peak === 0;

test("a device's notes begin and end, and what it sends is heard at once where no clock says when", async () => {
  await played(async (player) => {
    send(0x90, 69, 100);
    await until(player, sounds(player));
    send(0x90, 69, 0);
    await until(player, isSilent(player));
    assert.is(player.live.figures.lost, 0);
  });
});

test("what a device plays is heard while the host's thread does nothing but stand still, in time with the clock", async () => {
  const player = await Player.open(LIVE, { change, free: false });
  const { live } = player;
  const nap = new Int32Array(new SharedArrayBuffer(4));
  const stand = (done: () => boolean): void => {
    const end = performance.now() + PATIENCE;
    while (!done()) {
      if (performance.now() > end) assert.unreachable(`${done} never came to be`);
      Atomics.wait(nap, 0, 0, 5);
    }
  };
  try {
    await live.connectMidi("keys", "keys");
    // To nobody, as time goes.
    await live.start(null);
    stand(() => live.figures.blocks > 100);
    const { frame } = live.figures;
    stand(() => live.now > frame && live.now < live.figures.frame + RATE);
    send(0x90, 69, 100);
    stand(sounds(player));
    send(0x90, 69, 0);
    stand(isSilent(player));
  } finally {
    await player.close();
  }
});

test("a device that is pulled out lets go of its notes, and plays again when it is back", async () => {
  await played(async (player) => {
    send(0x90, 69, 100);
    await until(player, sounds(player));
    plug();
    await until(player, isSilent(player));
    await until(player, () => player.said("midi-lost").length > 0);
    plug(KEYS);
    await until(player, () => player.said("midi-back").length > 0);
    send(0x90, 69, 100);
    await until(player, sounds(player));
    assert.equal(
      player.events.map((event) => "message" in event && event.message),
      [
        `The MIDI input "${KEYS}" is gone; its notes are let go, and it is looked for.`,
        `The MIDI input "${KEYS}" is back.`,
      ],
    );
  });
});

test("in another session a device plays the node of the same id; where there is none, that is told", async () => {
  await played(async (player) => {
    const { live } = player;
    // A session that can't be opened leaves all as it was.
    const broken = sessionOf([{ id: "tone", type: "missing" }], ["tone -> master"]);
    await live.change(broken).then(
      () => assert.unreachable(),
      () => {},
    );
    const changing = live.change(OTHER);
    let isDone = false;
    void changing.finally(() => {
      isDone = true;
    });
    await until(player, () => isDone);
    send(0x90, 69, 100);
    await until(player, sounds(player));
    isDone = false;
    void live.change(WITHOUT).finally(() => {
      isDone = true;
    });
    await until(player, () => isDone);
    send(0x90, 69, 100);
    await player.hear(20 * BLOCK);
    await until(player, isSilent(player));
    assert.equal(
      player.said("midi-lost").map((event) => "message" in event && event.message),
      [`What comes from the MIDI input "${KEYS}" is not heard: the session has no event_input "keys".`],
    );
    isDone = false;
    void live.change(LIVE).finally(() => {
      isDone = true;
    });
    await until(player, () => isDone);
    assert.is(player.said("midi-back").length, 1);
    send(0x90, 69, 100);
    await until(player, sounds(player));
  });
});

test("a device plays on where a plugin is configured before the sound begins", async () => {
  const player = await Player.open(LIVE, { change });
  try {
    await player.live.connectMidi("keys", "keys");
    await player.live.configure("tone", {});
    await player.start();
    await player.hear(2 * BLOCK);
    send(0x90, 69, 100);
    await until(player, sounds(player));
  } finally {
    await player.close();
  }
});

test("notes go on when the audio thread dies, and end when they are let go; finish lets go of all", async () => {
  await played(async (player) => {
    send(0x90, 69, 100);
    await until(player, sounds(player));
    await player.kill();
    await until(player, () => player.said("rescued").length === 1);
    await player.hear(20 * BLOCK);
    assert.ok(sounds(player)());
    send(0x80, 69, 0);
    await until(player, isSilent(player));
    // What is over is not played again by the next one.
    await player.kill();
    await until(player, () => player.said("rescued").length === 2);
    await player.hear(20 * BLOCK);
    assert.ok(isSilent(player)());
    send(0x90, 69, 100);
    await until(player, sounds(player));
    player.live.finish();
    await until(player, isSilent(player));
    send(0x90, 69, 100);
    await player.hear(20 * BLOCK);
    assert.ok(isSilent(player)());
  });
});

test("a connection that is ended is heard no more; what can't be connected is refused with a sentence", async () => {
  const player = await Player.open(LIVE, { change });
  const refused = async (node: string, device: string, channel?: number): Promise<string> => {
    const error = await player.live.connectMidi(node, device, { channel }).then(
      () => null,
      (reason: Error & { code: string }) => reason,
    );
    return error === null ? "nothing" : `${error.code}: ${error.message}`;
  };
  try {
    const connection = await player.live.connectMidi("keys", "KEYS", { channel: 2 });
    assert.is(connection.device, KEYS);
    assert.is(connection.node, "keys");
    await player.start();
    await player.hear(2 * BLOCK);
    send(0x91, 69, 100);
    await player.hear(40 * BLOCK);
    assert.ok(isSilent(player)());
    send(0x92, 69, 100);
    await until(player, sounds(player));
    connection.disconnect();
    await until(player, isSilent(player));
    send(0x92, 69, 100);
    await player.hear(40 * BLOCK);
    assert.ok(isSilent(player)());
    assert.is(
      await refused("keys", "pads"),
      `midi/input: There is no MIDI input "pads"; there are "${KEYS}".`,
    );
    assert.is(
      await refused("tone", "keys"),
      'live/event: "tone" is no event_input, so nothing can be played on it.',
    );
    assert.is(await refused("none", "keys"), 'live/node: The session has no node "none".');
    assert.is(
      await refused("keys", "keys", 16),
      "live/event: The channel of an event must be a whole number from 0 to 15, not 16.",
    );
  } finally {
    await player.close();
  }
});

test("connections that are over make room for others", async () => {
  const player = await Player.open(LIVE, { change });
  const { live } = player;
  try {
    for (let i = 0; i < MOST_CONNECTIONS; i++) {
      const connection = await live.connectMidi("keys", "keys");
      connection.disconnect();
      connection.disconnect();
    }
    const open: unknown[] = [];
    const end = performance.now() + PATIENCE;
    while (open.length < MOST_CONNECTIONS && performance.now() < end) {
      await live.connectMidi("keys", "keys").then(
        (connection) => open.push(connection),
        (error) => assert.is(error.code, "midi/connections"),
      );
      await new Promise((resume) => setTimeout(resume, 5));
    }
    assert.is(open.length, MOST_CONNECTIONS);
    const more = await live.connectMidi("keys", "keys").catch((error) => error.code);
    assert.is(more, "midi/connections", "each number is one connection's");
  } finally {
    await player.close();
  }
});

test("where the thread that hears devices fails, that is told, its notes end, and devices can be connected again", async () => {
  await played(async (player) => {
    const { live } = player;
    send(0x90, 69, 100);
    await until(player, sounds(player));
    air.postMessage({ fails: true });
    await until(player, () => player.said("midi-lost").length > 0);
    await until(player, isSilent(player));
    assert.equal(
      player.said("midi-lost").map((event) => "message" in event && event.message),
      [`The MIDI input "${KEYS}" is heard no more: the thread that hears MIDI devices ended.`],
    );
    assert.is((await live.connectMidi("keys", "keys")).device, KEYS);
    send(0x90, 57, 100);
    await until(player, sounds(player));
  });
});

test("what host and devices send reaches the event inputs in order of time, each in its block", () => {
  const words = new LiveWords(4);
  const host = new RecordQueue(EVENT_RECORDS);
  const devices = new RecordQueue(EVENT_RECORDS);
  const routes = new Routes();
  const events = new LiveEvents({ host: host.buffer, devices: devices.buffer, routes: routes.buffer }, words);
  const [first, second] = [new EventInput(), new EventInput()];
  const playing = { nodes: [first, second], parcel: { session: 1 } } as unknown as LiveGraph;
  routes.set(0, 1, 1);
  routes.set(0, 2, 0);
  const note = (key: number): number[] => [EventType.NoteOn, -1, 0, key, 0];
  host.put(10, 0, [placeWord(1, 0), ...note(1)]);
  host.put(130, 0, [placeWord(1, 1), ...note(2)]);
  host.put(140, 0, [placeWord(2, 1), ...note(3)]);
  devices.put(0, 0, [0, ...note(4)]);
  devices.put(20, 0, [0, ...note(5)]);
  devices.put(5, 0, [0, ...note(6)]);
  devices.put(128, 0, [0, ...note(7)]);
  devices.put(129, 0, [1, ...note(8)]);
  const heard = (frame: number, of = playing): [frame: number, key: number][][] => {
    events.take(frame, 128, of);
    events.commit();
    return [first, second].map((input) => {
      input.process();
      const { eventsOut } = input;
      return Array.from({ length: eventsOut.count }, (_, i) => {
        const at = i * EVENT_BYTES;
        const { view } = eventsOut;
        return [view.getUint32(at + EVENT_FRAME, true), view.getInt16(at + EVENT_KEY, true)];
      });
    });
  };
  assert.equal(heard(0), [
    [[10, 1]],
    [
      [0, 4],
      [20, 5],
      [20, 6],
    ],
  ]);
  assert.equal(heard(128), [
    [],
    [
      [0, 7],
      [2, 2],
    ],
  ]);
  // What is for a session to come has waited; connections lead to its own nodes.
  devices.put(0, 0, [0, ...note(9)]);
  const next = { nodes: [first, second], parcel: { session: 2 } } as unknown as LiveGraph;
  assert.equal(heard(256, next), [[[0, 9]], [[0, 3]]]);
  assert.is(words.load(Word.Lost), 0);
});

test.run();
