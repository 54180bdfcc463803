// Tempo and time signature change inside a block: a plugin that keeps to the contract hears them at their frame.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readMidiFile, scheduleMidi } from "../../runtime/engine/midi-file.ts";
import { prepareSession } from "../../runtime/engine/prepare.ts";
import { processPlugin } from "../../runtime/engine/process-plugin.ts";
import { Plugin } from "../../runtime/engine/processor.ts";
import { renderSession } from "../../runtime/engine/render.ts";
import { parseSession } from "../../runtime/engine/session.ts";
import { PluginType } from "../../runtime/sandbox/index.ts";
import { Fake, graphOf, w } from "../graph/fakes.ts";
import {
  AT,
  EVENTS_IN,
  STEREO_OUT,
  type SmallPlugin,
  bufferAt,
  smallPlugin,
} from "../sandbox/small-plugin.ts";
import { midiFile } from "./fixtures/midi.ts";

const test = suite("transport events");

/**
 * Left is the tempo at each frame, in beats a minute / 1000, and right a thousandth of the numerator of the time signature;
 * while a key has been pressed, right is the tempo as it was at that moment.
 */
const METRONOME: SmallPlugin = {
  ports: [EVENTS_IN, STEREO_OUT],
  functions: `
    (global $pressed (mut f32) (f32.const 0))
    (func $tempo (param $at i32) (result f32)
      (f32.div (f32.demote_f64 (f64.load offset=8 (local.get $at))) (f32.const 1000)))
    (func $meter (param $at i32) (result f32)
      (f32.div (f32.convert_i32_u (i32.load16_u offset=4 (local.get $at))) (f32.const 1000)))`,
  process: `(local $i i32) (local $event i32) (local $left i32) (local $clock i32)
    (local.set $event (i32.const ${AT.eventsIn}))
    (local.set $clock (i32.const ${AT.transport}))
    (local.set $events (i32.add (local.get $event) (i32.shl (local.get $events) (i32.const 5))))
    (loop $frame
      (block $done (loop $next
        (br_if $done (i32.ge_u (local.get $event) (local.get $events)))
        (br_if $done (i32.ne (i32.load (local.get $event)) (local.get $i)))
        (if (i32.eq (i32.load16_u offset=4 (local.get $event)) (i32.const 15)) (then
          (local.set $clock (i32.add (i32.const ${AT.arena}) (i32.load offset=20 (local.get $event))))))
        (if (i32.eq (i32.load16_u offset=4 (local.get $event)) (i32.const 1)) (then
          (global.set $pressed (call $tempo (local.get $clock)))))
        (local.set $event (i32.add (local.get $event) (i32.const 32)))
        (br $next)))
      (local.set $left (i32.add (i32.const ${bufferAt(0)}) (i32.shl (local.get $i) (i32.const 2))))
      (f32.store (local.get $left) (call $tempo (local.get $clock)))
      (f32.store offset=${bufferAt(0, 1) - bufferAt(0)} (local.get $left)
        (select (global.get $pressed) (call $meter (local.get $clock)) (f32.gt (global.get $pressed) (f32.const 0))))
      (br_if $frame (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $frames))))
    (i32.const 0)`,
};
const RATE = 8000;
const tempo = (microseconds: number) => [
  0x51,
  microseconds >> 16,
  (microseconds >> 8) & 255,
  microseconds & 255,
];
/**
 * 480 ticks a quarter. 120 a minute (a tick is 8 1/3 frames) until tick 100 (frame 833 1/3), then 240 until tick 301 (4 1/6
 * frames each: frame 1670 5/6), then 100. A note begins with the last tempo. 3/4 begins at tick 200 (frame 1250).
 */
const song = midiFile(480, [
  { tick: 0, meta: tempo(500000) },
  { tick: 100, meta: tempo(250000) },
  { tick: 200, meta: [0x58, 3, 2, 24, 8] },
  { tick: 301, meta: tempo(600000) },
  { tick: 301, bytes: [0x90, 60, 100] },
  { tick: 500, bytes: [0x80, 60, 64] },
  { tick: 501, meta: [0x2f] },
]);
const FRAMES = 3000;
const f = Math.fround;
const left = (i: number): number => f(f(i < 833 ? 120 : i < 1671 ? 240 : 100) / 1000);
const right = (i: number): number => (i < 1250 ? f(4 / 1000) : i < 1671 ? f(3 / 1000) : f(100 / 1000));

test("in a render each change comes at its frame, before a note of the same frame, whatever the block", async () => {
  const type = await PluginType.load(smallPlugin(METRONOME));
  for (const block of [1, 7, 64, 833, 1000]) {
    const session = {
      sample_rate: RATE,
      nodes: [
        { id: "song", type: "track_source" },
        { id: "lead", type: "metronome" },
      ],
      connections: [
        { from_node: "song", from_port: "events_out", to_node: "lead", to_port: "events_in" },
        { from_node: "lead", from_port: "audio_out", to_node: "master", to_port: "audio_in" },
      ],
    };
    const midi = new Map([["song", { name: "song.mid", bytes: song }]]);
    const options = { load: async () => type, folder: null, midi, block };
    const prepared = await prepareSession(parseSession(JSON.stringify(session), "s.json"), options);
    const heard: [number[], number[]] = [[], []];
    await renderSession(prepared, {
      seconds: FRAMES / RATE,
      sinks: [
        {
          write: (samples, frames, offset = 0) => {
            for (const c of [0, 1] as const) {
              heard[c].push(...(samples[c] as Float32Array).subarray(offset, offset + frames));
            }
          },
        },
      ],
    });
    assert.is(
      heard[0].findIndex((x, i) => x !== left(i)),
      -1,
      `left, blocks of ${block}`,
    );
    assert.is(
      heard[1].findIndex((x, i) => x !== right(i)),
      -1,
      `right, blocks of ${block}`,
    );
  }
});

async function processed(plugin: SmallPlugin, block: number): Promise<[number[], number[], number]> {
  const type = new Plugin(await PluginType.load(smallPlugin(plugin)));
  const midi = readMidiFile(song, "song.mid");
  const heard: [number[], number[]] = [[], []];
  const { lostEvents } = await processPlugin({
    processor: type.instantiate({ rate: RATE, maxFrames: block }),
    sound: new Map(),
    schedule: scheduleMidi(midi, { rate: RATE }),
    midi,
    bpm: 33,
    frames: FRAMES,
    tail: 0,
    write: (channels, frames, offset) => {
      for (const c of [0, 1] as const) {
        heard[c].push(...(channels[c] as Float32Array).subarray(offset, offset + frames));
      }
    },
  });
  return [...heard, lostEvents];
}

test("so it is for one plugin over a MIDI file", async () => {
  for (const block of [1, 7, 64, 833, 1000]) {
    const [l, r, lost] = await processed(METRONOME, block);
    assert.is(l.length, FRAMES);
    assert.is(
      l.findIndex((x, i) => x !== left(i)),
      -1,
      `left, blocks of ${block}`,
    );
    assert.is(
      r.findIndex((x, i) => x !== right(i)),
      -1,
      `right, blocks of ${block}`,
    );
    assert.is(lost, 0);
  }
});

test("a plugin without an arena, or without a transport, gets no such events, and loses none", async () => {
  for (const layout of [{ 48: 0 }, { 48: 48 }]) {
    const [l, , lost] = await processed({ ...METRONOME, layout }, 1000);
    // It learns of the tempo with the next block.
    assert.is(
      l.findIndex((x) => x === f(f(240) / 1000)),
      1000,
    );
    assert.is(lost, 0);
  }
  const [l, , lost] = await processed({ ...METRONOME, layout: { 52: 0 } }, 1000);
  assert.ok(l.every((x) => x === 0));
  assert.is(lost, 0);
});

test("changes that find no room in the arena are counted", async () => {
  const [, , lost] = await processed({ ...METRONOME, layout: { 48: 64 } }, 1000);
  assert.is(lost, 1, "of two changes in the second block");
});

test("a change of the transport alone wakes no node that sleeps", () => {
  const sleeper = new Fake(["notes:in event", "out:out stereo"], 16);
  sleeper.transport = new DataView(new ArrayBuffer(64));
  sleeper.arena = new Uint8Array(256);
  sleeper.processState = 3;
  const graph = graphOf(16, { sleeper }, [w("sleeper.out -> master.audio_in")]);
  graph.process();
  assert.is(sleeper.calls, 1);
  graph.changes.add(3)?.setFloat64(8, 90, true);
  graph.process();
  assert.is(sleeper.calls, 1);
});

test.run();
