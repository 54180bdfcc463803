// time limit: 240 s
// An audio thread that dies or stands still: another one goes on, and what it has not been inside of loses no sample.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { EventType } from "../../../abi/layout.ts";
import { AT, knob, smallPlugin, STEREO_OUT } from "../../sandbox/small-plugin.ts";
import { midiFile, notes } from "../fixtures/midi.ts";
import { assertSame, BLOCK, type Change, Player, rendered, sessionOf } from "./rig.ts";

const test = suite("live watchdog");
let folder = "";
test.before(() => {
  folder = mkdtempSync(path.join(tmpdir(), "belljar-watchdog-"));
  writeFileSync(path.join(folder, "stuck.wasm"), smallPlugin(STUCK));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** Never comes back once its knob is up. */
const STUCK = {
  ports: [knob("stick", { default: 0 }), STEREO_OUT],
  process: `(loop $on (br_if $on (f32.gt (f32.load (i32.const ${AT.controlsIn})) (f32.const 0.5)))) (i32.const 0)`,
};
/** Without this the meter ends it. */
const NO_METER: Change = {
  file: "runtime/sandbox/calls.ts",
  line: 'if (fuel === STACK_OVERFLOW) throw new Stop("stack", "");',
  instead: "return 1 << 30;",
};

/** 440 Hz before, and 660 Hz after what gets stuck, with an echo. */
const NODES = [
  { id: "low part", type: "track_source", config: { input: "low" } },
  { id: "high part", type: "track_source", config: { input: "high" } },
  { id: "low", type: "sine" },
  { id: "middle", type: "./stuck.wasm", on_fault: "restart" },
  { id: "high", type: "sine" },
  { id: "echo", type: "delay", params: { time: 30 } },
];
const WIRES = [
  "low part.events_out -> low.events_in",
  "high part.events_out -> high.events_in",
  "low -> master",
  "middle -> master",
  "high -> echo",
  "echo -> master",
];
const SESSION = sessionOf(NODES, WIRES);
const SONG = (...list: Parameters<typeof notes>[1][]) => midiFile(480, notes(200_000, ...list));
/** A long note, and many that begin and end. */
const MIDI = new Map([
  ["low", { name: "low.mid", bytes: SONG([0, 190_000, 69]) }],
  [
    "high",
    {
      name: "high.mid",
      bytes: SONG(
        ...Array.from({ length: 400 }, (_, i): [number, number, number] => [i * 97, i * 97 + 60, 76]),
      ),
    },
  ],
]);

const opened = (options: Parameters<typeof Player.open>[1] = {}): Promise<Player> =>
  Player.open(SESSION, { folder, midi: MIDI, ...options });

async function unbroken(player: Player): Promise<void> {
  const frames = Math.floor(player.ear.left.length / BLOCK) * BLOCK;
  assertSame(player.ear, await rendered(SESSION, frames, { folder, midi: MIDI }), "", frames);
}

test("a thread that dies: the sound goes on with the next sample, again and again", async () => {
  const player = await opened();
  try {
    await player.start();
    for (let times = 1; times <= 4; times++) {
      await player.hear((50 + times * 7) * BLOCK + times * 13);
      await player.kill();
      await player.hearUntil(() => player.said("rescued").length === times);
    }
    await player.hear(100 * BLOCK);
    assert.ok(player.live.meters.every(({ faulty }) => !faulty));
    await unbroken(player);
  } finally {
    await player.close();
  }
});

const AUDIO_THREAD = "runtime/engine/live/audio-thread.ts";
/** Each thread dies in its hundredth block. */
const DIES = `(globalThis as any).lived = ((globalThis as any).lived ?? 0) + 1;
  if ((globalThis as any).lived === 100) throw new Error("It dies here.");`;

for (const [when, change] of [
  ["before a block", before("this.takeParameters();")],
  ["with events taken", before("transport.writeChanges(graph.changes, position, parcel.block);")],
  ["before a block is handed over", before("(this.pace as Pace).deliver(graph.left, graph.right, frames);")],
  ["with a block handed over and not counted", before("words.endBlock(frames);")],
  ["with a block counted and events not", before("this.parameters.commit();")],
  [
    "between two plugins",
    {
      file: "runtime/graph/graph.ts",
      line: "const clock = parts.clock;",
      instead: `const clock = parts.clock;
        const live = steps.length - 1;
        const { shared } = (steps[live] as any).node;
        if (shared.nodes === 2048) (globalThis as any).lived = ((globalThis as any).lived ?? 0) + 1;
        if ((globalThis as any).lived === 100) {
          for (let i = 0; i < live; i++) (steps[i] as NodeStep).run(frames, block);
          throw new Error("It dies here.");
        }`,
    },
  ],
] as [string, Change][]) {
  test(`a thread that dies ${when}: no sample is lost or doubled`, async () => {
    const player = await opened({ change });
    try {
      await player.start();
      await player.hear(350 * BLOCK);
      // A thread that dies while it takes over is replaced without a word.
      await player.hearUntil(() => player.said("rescued").length >= 1);
      assert.equal(player.said("fault"), []);
      await unbroken(player);
    } finally {
      await player.close();
    }
  });
}

function before(line: string): Change {
  return { file: AUDIO_THREAD, line, instead: `${DIES} ${line}` };
}

test("a plugin that holds up the thread is restarted, alone, and says why", async () => {
  const player = await opened({ change: NO_METER });
  try {
    await player.start();
    await player.hear(200 * BLOCK);
    player.live.set("middle", "stick", 1);
    await player.hearUntil(() => player.said("rescued").length === 1);
    player.live.set("middle", "stick", 0);
    const [rescued] = player.said("rescued");
    assert.is(
      (rescued as { message: string }).message,
      'The audio thread came to a halt inside of "middle"; another one goes on.',
    );
    // Its parameter is still up where it comes back, so it may hold up another thread before it is heard to be down.
    const settled = (): boolean => {
      const times = player.said("rescued").length;
      return player.said("fault").length === times && player.said("replaced").length === times;
    };
    await player.hearUntil(settled);
    await player.hear(200 * BLOCK);
    await player.hearUntil(settled);
    const told = player.events.filter(({ what }) => what === "fault");
    assert.is(told.length, player.said("rescued").length);
    for (const event of told) {
      assert.is((event as { node: string }).node, "middle");
      assert.is(
        (event as { message: string }).message,
        "The plugin held up the audio thread, which was ended and started again.",
      );
    }
    assert.ok(player.live.meters.every(({ faulty }) => !faulty));
    await unbroken(player);
  } finally {
    await player.close();
  }
});

test("what has stopped before stays stopped, and is told once", async () => {
  const trapping = path.join(folder, "trap.wasm");
  writeFileSync(trapping, smallPlugin({ ports: [STEREO_OUT], process: "(unreachable)" }));
  const session = sessionOf([...NODES, { id: "trap", type: "./trap.wasm" }], [...WIRES, "trap -> master"]);
  const player = await Player.open(session, { folder, midi: MIDI });
  try {
    await player.start();
    await player.hearUntil(() => player.said("off").length + player.said("fault").length >= 1);
    await player.kill();
    await player.hearUntil(() => player.said("rescued").length === 1);
    await player.hear(100 * BLOCK);
    assert.is(player.said("fault").length, 1);
    assert.ok(player.live.meters.find(({ id }) => id === "trap")?.faulty);
    await unbroken(player);
  } finally {
    await player.close();
  }
});

test("notes that were sent and not yet played are played by the next thread", async () => {
  const session = sessionOf(
    [
      { id: "keys", type: "event_input" },
      { id: "tone", type: "sine" },
    ],
    ["keys.events_out -> tone.events_in", "tone -> master"],
  );
  const player = await Player.open(session);
  const other = await Player.open(session);
  try {
    for (const { live } of [player, other]) {
      live.play("keys", { type: EventType.NoteOn, time: 1000, key: 69, channel: 0, value: 1 });
      live.play("keys", { type: EventType.NoteOff, time: 30_000, key: 69, channel: 0 });
      live.play("keys", { type: EventType.NoteOn, time: 40_000, key: 57, channel: 0, value: 1 });
    }
    await player.start();
    await player.hear(10_000);
    await player.kill();
    await player.hear(50_000);
    await other.start();
    await other.hear(60_000);
    assertSame(player.ear, other.ear);
    // An end of the sources that was asked for is one for the next thread, too.
    assert.is(player.said("rescued").length, 1);
  } finally {
    await player.close();
    await other.close();
  }
});

test("a thread that comes to a halt again and again is given up, and said to be", async () => {
  const player = await opened({ free: false });
  try {
    await player.start();
    for (let times = 1; times <= 5; times++) {
      await player.kill();
      await player.hearUntil(() => player.said("rescued").length === times);
    }
    await player.kill();
    await player.hearUntil(() => player.said("ended").length === 1);
    const [ended] = player.said("ended");
    assert.is((ended as { message: string }).message, "The audio thread came to a halt again and again.");
  } finally {
    await player.close();
  }
});

test.run();
