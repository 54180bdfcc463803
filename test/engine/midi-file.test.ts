// Standard MIDI files, from bytes put together by hand after the standard's text, and from bytes that lie.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import { type MidiFile, readMidiFile, scheduleMidi } from "../../runtime/engine/midi-file.ts";

const text = (s: string): number[] => [...s].map((c) => c.charCodeAt(0));
const u32 = (n: number): number[] => [(n >>> 24) & 255, (n >> 16) & 255, (n >> 8) & 255, n & 255];
const header = (format: number, tracks: number, ...division: number[]): number[] => [
  ...text("MThd"),
  ...u32(6),
  0,
  format,
  tracks >> 8,
  tracks & 255,
  ...division,
];
const track = (...events: number[][]): number[] => {
  const body = events.flat();
  return [...text("MTrk"), ...u32(body.length), ...body];
};
const PPQ480 = [0x01, 0xe0];
const END = [0, 0xff, 0x2f, 0];
const file = (...parts: number[][]): Uint8Array => Uint8Array.from(parts.flat());
const read = (bytes: Uint8Array): MidiFile => readMidiFile(bytes, "song.mid");

function codeOf(bytes: Uint8Array): string {
  try {
    read(bytes);
  } catch (error) {
    assert.instance(error, BelljarError, String((error as Error).stack));
    const { code, message } = error as BelljarError;
    assert.match(message, /^song\.mid .*byte \d+.*\.$/);
    return code;
  }
  return "none";
}

/** The example of format 1 in the standard's appendix: 120 bpm, four tracks, running status, lengths of two bytes. */
const standardExample = file(
  header(1, 4, 0, 96),
  track([0, 0xff, 0x58, 4, 4, 2, 24, 8], [0, 0xff, 0x51, 3, 0x07, 0xa1, 0x20], [0x83, 0, 0xff, 0x2f, 0]),
  track([0, 0xc0, 5], [0x81, 0x40, 0x90, 0x4c, 0x20], [0x81, 0x40, 0x4c, 0], END),
  track([0, 0xc1, 0x2e], [0x60, 0x91, 0x43, 0x40], [0x82, 0x20, 0x43, 0], END),
  track([0, 0xc2, 0x46], [0, 0x92, 0x30, 0x60], [0, 0x3c, 0x60], [0x83, 0, 0x30, 0], [0, 0x3c, 0], END),
);

test("the standard's own example is read as the standard explains it", () => {
  const song = read(standardExample);
  assert.is(song.format, 1);
  assert.equal(song.division, { kind: "metrical", ticksPerQuarter: 96 });
  assert.equal(song.tempoMap, [{ tick: 0, microsecondsPerQuarter: 500000 }]);
  assert.equal(song.timeSignatures, [{ tick: 0, numerator: 4, denominator: 4 }]);
  assert.equal(
    song.tracks.map((t) => t.endTick),
    [384, 384, 384, 384],
  );
  assert.equal(song.warnings, []);
  assert.is(song.seconds, 2);
  const plan = scheduleMidi(song, { rate: 48000 });
  const rows = Array.from({ length: plan.length }, (_, i) => [
    plan.frame[i],
    plan.type[i],
    plan.noteId[i],
    plan.channel[i],
    plan.key[i],
  ]);
  assert.equal(rows, [
    [0, 9, -1, 0, -1],
    [0, 9, -1, 1, -1],
    [0, 9, -1, 2, -1],
    [0, 1, 0, 2, 0x30],
    [0, 1, 1, 2, 0x3c],
    [24000, 1, 2, 1, 0x43],
    [48000, 1, 3, 0, 0x4c],
    [96000, 2, 3, 0, 0x4c],
    [96000, 2, 2, 1, 0x43],
    [96000, 2, 0, 2, 0x30],
    [96000, 2, 1, 2, 0x3c],
  ]);
  assert.equal([...plan.value.slice(0, 6)], [5, 46, 70, 96 / 127, 96 / 127, 64 / 127]);
  assert.is(plan.endFrame, 96000);
  assert.is(plan.nextNoteId, 4);
});

test("variable-length numbers are those of the standard's table", () => {
  const table: [number[], number][] = [
    [[0x00], 0],
    [[0x40], 0x40],
    [[0x7f], 0x7f],
    [[0x81, 0x00], 0x80],
    [[0xc0, 0x00], 0x2000],
    [[0xff, 0x7f], 0x3fff],
    [[0x81, 0x80, 0x00], 0x4000],
    [[0xc0, 0x80, 0x00], 0x100000],
    [[0xff, 0xff, 0x7f], 0x1fffff],
    [[0x81, 0x80, 0x80, 0x00], 0x200000],
    [[0xc0, 0x80, 0x80, 0x00], 0x8000000],
    [[0xff, 0xff, 0xff, 0x7f], 0xfffffff],
  ];
  for (const [bytes, value] of table) {
    assert.is(read(file(header(0, 1, 0x7f, 0xff), track([...bytes, 0xff, 0x2f, 0]))).endTick, value);
  }
  assert.is(
    codeOf(file(header(0, 1, ...PPQ480), track([0x81, 0x80, 0x80, 0x80, 0x00, 0xff, 0x2f, 0]))),
    "midi/length",
  );
});

test("time follows the tempo map without drift", () => {
  // 480 ticks a quarter: one quarter at 120 bpm, one at 60, then 90 (666,667 µs).
  const tempo = (delta: number[], us: number): number[] => [
    ...delta,
    0xff,
    0x51,
    3,
    us >> 16,
    (us >> 8) & 255,
    us & 255,
  ];
  const song = read(
    file(
      header(1, 2, ...PPQ480),
      track(tempo([0x83, 0x60], 1000000), tempo([0x83, 0x60], 666667), END),
      track([0x8f, 0, 0x90, 60, 1], END),
    ),
  );
  assert.is(song.secondsAt(0), 0);
  assert.is(song.secondsAt(240), 0.25);
  assert.is(song.secondsAt(480), 0.5);
  assert.is(song.secondsAt(960), 1.5);
  assert.is(song.secondsAt(1440), 1.5 + 0.666667);
  assert.is(song.clock.tickAt(0.25), 240);
  assert.is(song.clock.tickAt(1), 720);
  assert.is(song.clock.tickAt(1.5), 960);
  assert.equal(
    song.tempoMap.map((t) => t.tick),
    [480, 960],
  );
  // 1920 = 960 + 2 quarters of 666,667 µs: 2.833334 s.
  assert.is(scheduleMidi(song, { rate: 48000 }).frame[0], 136000);
});

test("a thousand small steps of an awkward tempo land on the frame of exact arithmetic", () => {
  const events: number[][] = [];
  for (let i = 0; i < 1000; i++) {
    const us = 333333 + (i % 7) * 1111;
    events.push([1, 0xff, 0x51, 3, us >> 16, (us >> 8) & 255, us & 255]);
    events.push([1, 0x90, 60, 100], [1, 0x80, 60, 0]);
  }
  const song = read(file(header(0, 1, 0, 7), track(...events, END)));
  const plan = scheduleMidi(song, { rate: 44100 });
  let units = 500000n;
  for (let i = 0; i < 1000; i++) {
    const us = BigInt(333333 + (i % 7) * 1111);
    const frame = (at: bigint): number => Number((2n * at * 44100n + 7000000n) / 14000000n);
    assert.is(plan.frame[2 * i], frame(units + us));
    assert.is(plan.frame[2 * i + 1], frame(units + 2n * us));
    units += 3n * us;
  }
});

test("SMPTE divisions count film frames, whatever the tempo", () => {
  const slow = [0, 0xff, 0x51, 3, 0xff, 0xff, 0xff];
  const at = (code: number, perFrame: number, ticks: number[]): number =>
    read(file(header(0, 1, code, perFrame), track(slow, [...ticks, 0xff, 0x2f, 0]))).seconds;
  assert.is(at(0xe8, 100, [0x92, 0x60]), 1); // -24: 24 × 100 = 2400 ticks
  assert.is(at(0xe7, 40, [0x87, 0x68]), 1); // -25: milliseconds
  assert.is(at(0xe2, 10, [0x82, 0x2c]), 1); // -30: 300 ticks
  assert.is(at(0xe3, 10, [0x82, 0x2c]), 1.001); // -29: 300 ticks of 1001/30000/10 s
  assert.is(codeOf(file(header(0, 1, 0xe9, 10), track(END))), "midi/division");
  assert.is(codeOf(file(header(0, 1, 0xe8, 0), track(END))), "midi/division");
  assert.is(codeOf(file(header(0, 1, 0, 0), track(END))), "midi/division");
  assert.is(codeOf(file(header(0, 1, 0x80, 0x80), track(END))), "midi/division");
});

test("each channel message becomes its event, exact at the ends of its range", () => {
  const song = read(
    file(
      header(0, 1, ...PPQ480),
      track(
        [0, 0xb3, 0, 2],
        [0, 32, 3],
        [0, 0xc3, 9],
        [0, 0xb3, 7, 127],
        [0, 1, 0],
        [0, 0xe3, 0, 0],
        [0, 0, 64],
        [0, 127, 127],
        [0, 1, 64],
        [0, 0xd3, 127],
        [0, 0xa3, 60, 127],
        [0, 0xb3, 120, 0],
        [0, 123, 0],
        [0, 121, 0],
        [0, 126, 1],
        END,
      ),
    ),
  );
  const plan = scheduleMidi(song, { rate: 48000 });
  const rows = Array.from({ length: plan.length }, (_, i) => [
    plan.type[i],
    plan.key[i],
    plan.id[i],
    plan.value[i],
  ]);
  assert.equal(rows, [
    [9, -1, 2 * 128 + 3, 9],
    [8, -1, 7, 1],
    [8, -1, 1, 0],
    [7, -1, 0, -1],
    [7, -1, 0, 0],
    [7, -1, 0, 1],
    [7, -1, 0, 1 / 8191],
    [10, -1, 0, 1],
    [10, 60, 0, 1],
    [11, -1, 0, 0],
    [11, -1, 0, 0],
    [8, -1, 121, 0],
    [11, -1, 0, 0],
  ]);
  assert.ok([...plan.channel].every((channel) => channel === 3));
});

test("a note-off carries the id of the oldest note of its key; what is never ended ends with its track", () => {
  const song = read(
    file(
      header(1, 2, ...PPQ480),
      track(
        [0, 0x90, 60, 1],
        [10, 60, 2],
        [10, 60, 0],
        [10, 0x80, 60, 9],
        [10, 60, 9],
        [0, 0x90, 62, 5],
        [100, 0xff, 0x2f, 0],
      ),
      track([15, 0x90, 60, 7], [1, 60, 0], END),
    ),
  );
  const plan = scheduleMidi(song, { rate: 48000 });
  // One tick is 50 frames.
  const notes = Array.from({ length: plan.length }, (_, i) => [
    plan.frame[i]! / 50,
    plan.type[i],
    plan.noteId[i],
    plan.key[i],
  ]);
  assert.equal(notes, [
    [0, 1, 0, 60],
    [10, 1, 1, 60],
    [15, 1, 2, 60],
    [16, 2, 2, 60],
    [20, 2, 0, 60],
    [30, 2, 1, 60],
    [40, 1, 3, 62],
    [140, 2, 3, 62],
  ]);
  assert.is(plan.strayNoteOffs, 1);
  assert.is(plan.endlessNotes, 1);
  assert.is(plan.value[4], 64 / 127);
  assert.is(plan.value[5], 9 / 127);
});

test("after all notes off a note-off ends none of the notes before it", () => {
  const events = track(
    [0, 0x90, 60, 1],
    [10, 0xb0, 123, 0],
    [10, 0x90, 60, 2],
    [10, 60, 0],
    [10, 0x91, 62, 3],
    [10, 0xb1, 120, 0],
    END,
  );
  const plan = scheduleMidi(read(file(header(0, 1, ...PPQ480), events)), { rate: 48000 });
  assert.equal([...plan.type], [1, 11, 1, 2, 1, 11]);
  assert.equal([...plan.noteId], [0, -1, 1, 1, 2, -1]);
  assert.is(plan.strayNoteOffs + plan.endlessNotes, 0);
});

test("tracks and a channel are chosen by number", () => {
  const song = read(standardExample);
  const channels = (options: object): number[] => [
    ...new Set(scheduleMidi(song, { rate: 48000, ...options }).channel),
  ];
  assert.equal(channels({ tracks: [2] }), [1]);
  assert.equal(channels({ tracks: [3, 1, 1] }), [0, 2]);
  assert.equal(channels({ channel: 2 }), [2]);
  assert.equal(channels({ tracks: [0] }), []);
  assert.is(scheduleMidi(song, { rate: 48000, firstNoteId: 100, tracks: [1] }).noteId[1], 100);
  assert.throws(
    () => scheduleMidi(song, { rate: 48000, tracks: [4] }),
    (e: BelljarError) => e.code === "midi/no-track",
  );
  assert.throws(
    () => scheduleMidi(song, { rate: 48000, tracks: [0.5] }),
    (e: BelljarError) => e.code === "midi/no-track",
  );
  assert.throws(
    () => scheduleMidi(song, { rate: 0 }),
    (e: BelljarError) => e.code === "usage/rate",
  );
  assert.throws(
    () => scheduleMidi(song, { rate: 48000, channel: 16 }),
    (e: BelljarError) => e.code === "usage/channel",
  );
});

test("sysex, escape and meta events are kept with their bytes, names are made safe", () => {
  const name = [0x1b, ...text("[2J"), 0xc3, 0xa4];
  const song = read(
    file(
      header(0, 1, ...PPQ480),
      track(
        [0, 0xff, 3, name.length, ...name],
        [0, 0xff, 3, 1, 65],
        [0, 0xf0, 2, 0x43, 0xf7],
        [5, 0xf7, 1, 0xf3],
        [0, 0xff, 0x7f, 0],
        END,
      ),
    ),
  );
  const [one] = song.tracks;
  assert.is(one!.name, "\ufffd[2Jä");
  assert.equal(
    one!.events.map((e) => [e.tick, e.type, e.channel, [...e.data!].length]),
    [
      [0, "meta", -1, 6],
      [0, "meta", -1, 1],
      [0, "sysex", -1, 2],
      [5, "escape", -1, 1],
      [5, "meta", -1, 0],
    ],
  );
  const latin = read(file(header(0, 1, ...PPQ480), track([0, 0xff, 3, 2, 0xe4, 0x41], END)));
  assert.is(latin.tracks[0]!.name, "äA");
});

test("what is odd but clear is read with a warning", () => {
  const song = read(
    file(
      header(0, 1, ...PPQ480),
      text("XTRA"),
      u32(3),
      [1, 2, 3],
      track([0, 0x90, 60, 1], [1, 0xff, 1, 0], [1, 60, 0], [0, 0xff, 0x51, 1, 9]),
      track([0, 0x90, 61, 1], END, [1, 2, 3]),
      [0, 0],
    ),
  );
  assert.is(song.tracks.length, 2);
  assert.is(scheduleMidi(song, { rate: 48000 }).length, 4);
  assert.is(song.warnings.length, 6);
  assert.ok(
    song.warnings.every((w) => /^song\.mid .*byte \d+.*\.$/.test(w)),
    song.warnings.join("\n"),
  );
});

test("what is in doubt is refused by name", () => {
  const one = (...events: number[][]): Uint8Array => file(header(0, 1, ...PPQ480), track(...events));
  const cases: [string, Uint8Array][] = [
    ["midi/not-midi", file(text("RIFF"), u32(6), [0, 0, 0, 1, 1, 1])],
    ["midi/not-midi", file(text("MThd"), u32(5), [0, 0, 0, 1, 1, 1])],
    ["midi/truncated", new Uint8Array(0)],
    ["midi/truncated", file(text("MThd"), u32(0xffffffff), [0, 0, 0, 1, 1, 1])],
    ["midi/format-2", file(header(2, 1, ...PPQ480), track(END))],
    ["midi/format", file(header(3, 1, ...PPQ480), track(END))],
    ["midi/tracks", file(header(1, 0, ...PPQ480), track(END))],
    ["midi/tracks", file(header(1, 1025, ...PPQ480), track(END))],
    ["midi/truncated", file(header(1, 2, ...PPQ480), track(END))],
    ["midi/truncated", file(header(0, 1, ...PPQ480), text("MTrk"), u32(0xffffffff), END)],
    ["midi/status", one([0, 60, 1], END)],
    ["midi/status", one([0, 0xff, 1, 0], [0, 60, 1], END)],
    ["midi/status", one([0, 0xf8], END)],
    ["midi/status", one([0, 0xf1, 0], END)],
    ["midi/data-byte", one([0, 0x90, 60, 0x80], END)],
    ["midi/data-byte", one([0, 0x90, 0xff], END)],
    ["midi/data-byte", one([0, 0xff, 0x80, 0], END)],
    ["midi/overrun", one([0, 0x90, 60])],
    ["midi/overrun", one([0])],
    ["midi/overrun", one([0, 0xf0, 0xff, 0xff, 0xff, 0x7f, 1])],
    ["midi/length", one([0, 0xff, 1, 0xff, 0xff, 0xff, 0xff, 0x7f], END)],
    ["midi/tempo", one([0, 0xff, 0x51, 3, 0, 0, 0], END)],
  ];
  for (const [code, bytes] of cases) assert.is(codeOf(bytes), code, code);
});

test("ticks without end, events without number and files without measure are refused", () => {
  const far = [0xff, 0xff, 0xff, 0x7f, 0xb0, 7, 7];
  assert.is(codeOf(file(header(0, 1, 0, 1), track(...new Array(50).fill(far), END))), "midi/too-long");
  assert.is(codeOf(file(header(0, 1, 0xe8, 1), track(...new Array(5000).fill(far), END))), "midi/too-long");
  const many = new Uint8Array(22 + 1 + 3 * ((1 << 20) + 1));
  many.set(file(header(0, 1, ...PPQ480), text("MTrk"), u32(many.length - 22), [0, 0xb0, 7, 7]));
  assert.is(codeOf(many), "midi/too-many-events");
  const large = new Uint8Array(64 * 1024 * 1024 + 1);
  large.set(standardExample);
  assert.is(codeOf(large), "midi/too-large");
});

test("half a million notes on one key, ended one by one, are paired without delay", () => {
  const half = 500000;
  const bytes = new Uint8Array(22 + 1 + 6 * half + 4);
  bytes.set(file(header(0, 1, ...PPQ480), text("MTrk"), u32(bytes.length - 22), [0, 0x90]));
  bytes.set([60, 1], 24);
  for (let i = 1; i < 2 * half; i++) bytes.set([0, 60, i < half ? 1 : 0], 23 + 3 * i);
  bytes.set(END, bytes.length - 4);
  const plan = scheduleMidi(read(bytes), { rate: 48000 });
  assert.is(plan.length, 2 * half);
  assert.is(plan.noteId[2 * half - 1], half - 1);
});

const samples: [string, Uint8Array][] = [
  ["the standard's example", standardExample],
  [
    "a file of every event",
    file(
      header(0, 1, 0xe7, 40),
      track(
        [0, 0xff, 3, 2, 65, 66],
        [0, 0xff, 0x58, 4, 3, 3, 24, 8],
        [0x81, 0, 0xf0, 3, 1, 2, 0xf7],
        [0, 0xf7, 2, 0xf0, 1],
        [0, 0xb0, 0, 1],
        [0, 0x90, 60, 100],
        [5, 60, 0],
        [0, 0xa0, 60, 3],
        [0, 0xc0, 4],
        [0, 0xd0, 4],
        [0, 0xe0, 4, 4],
        [0, 0xff, 0x51, 3, 7, 0xa1, 0x20],
        END,
      ),
    ),
  ],
];

for (const [name, whole] of samples) {
  test(`${name}, cut at any byte, gives one clear sentence`, () => {
    assert.is(codeOf(whole), "none");
    for (let length = 0; length < whole.length; length++) {
      assert.is(codeOf(whole.subarray(0, length)), "midi/truncated", `cut at ${length}`);
    }
  });

  test(`${name}, with changed bytes, gives a bounded result or one clear sentence`, () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let round = 0; round < 20000; round++) {
      const bytes = Uint8Array.from(whole);
      for (let n = random(4); n >= 0; n--)
        bytes[random(bytes.length)] = [0, 1, 0x7f, 0x80, 0xff, random(256)][random(6)]!;
      if (codeOf(bytes) !== "none") continue;
      const plan = scheduleMidi(read(bytes), { rate: 48000 });
      assert.ok(plan.length <= bytes.length);
      for (let i = 1; i < plan.length; i++) assert.ok(plan.frame[i]! >= plan.frame[i - 1]!);
    }
  });
}

test.run();
