// The demo's piece: Bach's Prelude in C major, entered by hand.

import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EventType } from "../../abi/layout.ts";
import { readMidiFile, scheduleMidi } from "../../runtime/engine/midi-file.ts";
import { root } from "../root.ts";

const folder = path.join(root, "examples/demo");
const bytes = readFileSync(path.join(folder, "prelude.mid"));
const song = readMidiFile(bytes, "prelude.mid");
const BAR = 4 * 480;
const NAMES = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const nameOf = (key: number): string => `${NAMES[key % 12]}${Math.floor(key / 12) - 1}`;

/** The keys that a track strikes in a bar (from 1), in order. */
function struck(track: number, bar: number): string[] {
  return song.tracks[track]!.events.filter(
    (e) => e.type === "note-on" && e.b > 0 && Math.floor(e.tick / BAR) === bar - 1,
  ).map((e) => nameOf(e.a));
}

/** A bar as a pianist reads it: bass, tenor, and the upper voice's first notes. */
const chord = (bar: number, upper = 3): string =>
  [struck(1, bar)[0], struck(2, bar)[0], ...struck(3, bar).slice(0, upper)].join(" ");

test("the committed file is what the score makes, byte by byte", async () => {
  const score = (await import(pathToFileURL(path.join(folder, "score.mjs")).href)) as {
    midiFile(): Uint8Array;
  };
  assert.equal([...score.midiFile()], [...bytes]);
});

test("it is a file of format 1 with a tempo track and four voices over 35 bars in 4/4", () => {
  assert.is(song.format, 1);
  assert.equal(song.division, { kind: "metrical", ticksPerQuarter: 480 });
  assert.equal(
    song.tracks.map((t) => t.name),
    ["Prelude in C major, BWV 846", "Bass", "Tenor", "Sixteenths", "Pad"],
  );
  assert.equal(song.timeSignatures, [{ tick: 0, numerator: 4, denominator: 4 }]);
  assert.is(song.endTick, 35 * BAR);
  assert.equal(song.warnings, []);
});

test("the tempo changes gently, and slows down at the end", () => {
  const bpm = song.tempoMap.map((t) => 60000000 / t.microsecondsPerQuarter);
  assert.ok(bpm.length > 20);
  for (let i = 1; i < bpm.length; i++) assert.ok(Math.abs(bpm[i]! / bpm[i - 1]! - 1) < 0.14);
  assert.ok(Math.min(...bpm) < 45 && Math.max(...bpm) < 70);
  assert.ok(song.seconds > 120 && song.seconds < 145, String(song.seconds));
});

test("well-known bars have their harmony", () => {
  const known: Record<number, string> = {
    1: "C4 E4 G4 C5 E5",
    2: "C4 D4 A4 D5 F5",
    3: "B3 D4 G4 D5 F5",
    4: "C4 E4 G4 C5 E5",
    5: "C4 E4 A4 E5 A5",
    6: "C4 D4 F#4 A4 D5",
    11: "G3 B3 D4 G4 B4",
    12: "G3 Bb3 E4 G4 C#5",
    14: "F3 Ab3 D4 F4 B4",
    19: "C3 E3 G3 C4 E4",
    22: "F#2 C3 A3 C4 Eb4",
    23: "Ab2 F3 B3 C4 D4",
    24: "G2 F3 G3 B3 D4",
    28: "G2 Eb3 A3 C4 F#4",
    32: "C2 C3 G3 Bb3 E4",
    35: "C2 C3 E4 G4 C5",
  };
  for (const [bar, notes] of Object.entries(known)) assert.is(chord(Number(bar)), notes, `bar ${bar}`);
  assert.is(chord(33, 14), "C2 C3 F3 A3 C4 F4 C4 A3 C4 A3 F3 A3 F3 D3 F3 D3");
  assert.is(chord(34, 14), "C2 B2 G4 B4 D5 F5 D5 B4 D5 B4 G4 B4 D4 F4 E4 D4");
});

test("bars 1 to 32 break their chord twice, bass below tenor below the rest", () => {
  for (let bar = 1; bar <= 32; bar++) {
    const keys = [1, 2, 3].map((t) => struck(t, bar));
    assert.equal(
      keys.map((k) => k.length),
      [2, 2, 12],
      `bar ${bar}`,
    );
    assert.is(keys[0]![0], keys[0]![1]);
    assert.is(keys[1]![0], keys[1]![1]);
    assert.equal(
      keys[2],
      [0, 1, 2, 3].flatMap(() => keys[2]!.slice(0, 3)),
    );
    const numbers = song.tracks
      .slice(1, 4)
      .flatMap((t) =>
        t.events.filter(
          (e) => e.type === "note-on" && e.b > 0 && Math.floor(e.tick / (BAR / 2)) === 2 * (bar - 1),
        ),
      )
      .sort((a, b) => a.tick - b.tick)
      .slice(0, 5)
      .map((e) => e.a);
    assert.equal(
      numbers,
      [...numbers].sort((a, b) => a - b),
      `bar ${bar} rises`,
    );
  }
});

test("every note has its end, and all lie between C2 and A5", () => {
  const plan = scheduleMidi(song, { rate: 48000 });
  assert.is(plan.strayNoteOffs + plan.endlessNotes, 0);
  const on = [...plan.type].filter((type) => type === EventType.NoteOn).length;
  assert.is(on, 32 * 16 + 2 * 16 + 5 + 35 * 3);
  assert.is([...plan.type].filter((type) => type === EventType.NoteOff).length, on);
  const keys = [...plan.key].filter((key) => key >= 0);
  assert.is(nameOf(Math.min(...keys)), "C2");
  assert.is(nameOf(Math.max(...keys)), "A5");
});

test("running status is used", () => {
  const statuses = [...bytes].filter((byte) => byte === 0x92).length;
  assert.ok(statuses < 10, String(statuses));
});

test.run();
