// Johann Sebastian Bach, Prelude in C major, BWV 846 (The Well-Tempered Clavier, Book I, 1722), in the public domain,
// as a Standard MIDI File: `node examples/demo/score.mjs` writes prelude.mid beside this file.

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Ticks of a quarter note. */
export const PPQ = 480;
const SIXTEENTH = PPQ / 4;
const BAR = PPQ * 4;

/**
 * Bars 1 to 32. Each is a chord of five notes, broken the same way twice: the bass holds a half note, the tenor enters a sixteenth
 * later and holds seven, the three upper notes run twice in sixteenths. C4 is the middle C. The last column is how loud it is.
 */
export const BROKEN_CHORDS = `
   1  C4  E4  G4  C5  E5   mp
   2  C4  D4  A4  D5  F5   mp
   3  B3  D4  G4  D5  F5   mp
   4  C4  E4  G4  C5  E5   mp
   5  C4  E4  A4  E5  A5   mf
   6  C4  D4  F#4 A4  D5   mp
   7  B3  D4  G4  D5  G5   mf
   8  B3  C4  E4  G4  C5   mp
   9  A3  C4  E4  G4  C5   mp
  10  D3  A3  D4  F#4 C5   mp
  11  G3  B3  D4  G4  B4   p
  12  G3  Bb3 E4  G4  C#5  mf
  13  F3  A3  D4  A4  D5   mp
  14  F3  Ab3 D4  F4  B4   mp
  15  E3  G3  C4  G4  C5   p
  16  E3  F3  A3  C4  F4   p
  17  D3  F3  A3  C4  F4   p
  18  G2  D3  G3  B3  F4   mp
  19  C3  E3  G3  C4  E4   p
  20  C3  G3  Bb3 C4  E4   mp
  21  F2  F3  A3  C4  E4   mp
  22  F#2 C3  A3  C4  Eb4  mf
  23  Ab2 F3  B3  C4  D4   mf
  24  G2  F3  G3  B3  D4   mf
  25  G2  E3  G3  C4  E4   mp
  26  G2  D3  G3  C4  F4   mp
  27  G2  D3  G3  B3  F4   mf
  28  G2  Eb3 A3  C4  F#4  f
  29  G2  E3  G3  C4  G4   f
  30  G2  D3  G3  C4  F4   mf
  31  G2  D3  G3  B3  F4   mf
  32  C2  C3  G3  Bb3 E4   mp
`;

/** Bars 33 and 34 have one bass and one tenor note, and fourteen sixteenths; bar 35 is a chord held to the end. */
export const CLOSE = [
  { bass: "C2", tenor: "C3", run: "F3 A3 C4 F4 C4 A3 C4 A3 F3 A3 F3 D3 F3 D3", pad: "F3 A3 C4", level: "mp" },
  { bass: "C2", tenor: "B2", run: "G4 B4 D5 F5 D5 B4 D5 B4 G4 B4 D4 F4 E4 D4", pad: "B3 D4 F4", level: "p" },
  { bass: "C2", tenor: "C3", chord: "E4 G4 C5", pad: "E4 G4 C5", level: "p" },
];

/** Quarter notes a minute, from a bar and a quarter of it on, both counted from 1: phrases breathe, and the end slows down. */
export const TEMPOS = [
  [1, 1, 66], [4, 3, 65], [5, 1, 68], [11, 1, 66], [11, 3, 63], [12, 1, 67], [15, 3, 65], [16, 1, 66], [19, 1, 64],
  [19, 3, 62], [20, 1, 66], [22, 1, 68], [24, 1, 67], [28, 1, 69], [29, 1, 66], [31, 3, 63], [32, 1, 62], [33, 1, 60],
  [33, 3, 57], [34, 1, 54], [34, 2, 51], [34, 3, 46], [34, 4, 40], [35, 1, 44],
];

const LOUDNESS = { p: 52, mp: 62, mf: 72, f: 82 };
const SEMITONES = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };

/** "F#4" is 66. */
export function keyOf(name) {
  const [, letter, accidental, octave] = /^([A-G])([#b]?)(\d)$/.exec(name);
  return 12 * (Number(octave) + 1) + SEMITONES[letter] + (accidental === "#" ? 1 : accidental === "b" ? -1 : 0);
}

const keysOf = (names) => names.split(" ").map(keyOf);

/** The notes of each track: { at, length, key, velocity }, in ticks. */
export function notes() {
  const bass = [];
  const tenor = [];
  const upper = [];
  const pad = [];
  const add = (voice, at, length, key, velocity) => voice.push({ at, length, key, velocity });
  for (const line of BROKEN_CHORDS.trim().split("\n")) {
    const [number, low, second, ...rest] = line.trim().split(/\s+/);
    const level = LOUDNESS[rest.pop()];
    const start = (Number(number) - 1) * BAR;
    for (const half of [start, start + BAR / 2]) {
      const soft = half === start ? 0 : 4;
      add(bass, half, 8 * SIXTEENTH, keyOf(low), level + 6 - soft);
      add(tenor, half + SIXTEENTH, 7 * SIXTEENTH, keyOf(second), level - 4 - soft);
      for (let i = 0; i < 6; i++) {
        add(upper, half + (2 + i) * SIXTEENTH, SIXTEENTH, keyOf(rest[i % 3]), level + [0, -4, 3, -2, -5, 1][i] - soft);
      }
    }
    for (const name of rest) add(pad, start, BAR, keyOf(name), level - 16);
  }
  CLOSE.forEach(({ bass: low, tenor: second, run, chord, pad: held, level }, i) => {
    const start = (32 + i) * BAR;
    const loud = LOUDNESS[level];
    add(bass, start, BAR, keyOf(low), loud + 6);
    if (run) {
      add(tenor, start + SIXTEENTH, 15 * SIXTEENTH, keyOf(second), loud - 4);
      keysOf(run).forEach((key, n) => {
        add(upper, start + (2 + n) * SIXTEENTH, SIXTEENTH, key, loud + [0, -3, 1, 3][n % 4] - Math.floor(n / 3));
      });
    } else {
      add(tenor, start, BAR, keyOf(second), loud - 4);
      for (const key of keysOf(chord)) add(upper, start, BAR, key, loud);
    }
    for (const key of keysOf(held)) add(pad, start, BAR, key, loud - 16);
  });
  return { bass, tenor, upper, pad };
}

// ---- bytes -------------------------------------------------------------------------------------------------

const text = (s) => [...s].map((c) => c.charCodeAt(0));
const big = (n, bytes) => Array.from({ length: bytes }, (_, i) => (n >>> (8 * (bytes - 1 - i))) & 255);
const meta = (type, data) => [0xff, type, data.length, ...data];

/** A variable-length quantity. */
function quantity(n) {
  const bytes = [n & 127];
  for (let rest = n >>> 7; rest > 0; rest >>>= 7) bytes.unshift(128 | (rest & 127));
  return bytes;
}

/** A track chunk of events { at, bytes }, with running status. `end` is where it ends. */
function track(events, end) {
  const body = [];
  let now = 0;
  let status = 0;
  for (const { at, bytes } of events) {
    body.push(...quantity(at - now));
    now = at;
    const [first] = bytes;
    body.push(...(first < 0xf0 && first === status ? bytes.slice(1) : bytes));
    status = first < 0xf0 ? first : 0;
  }
  body.push(...quantity(end - now), ...meta(0x2f, []));
  return [...text("MTrk"), ...big(body.length, 4), ...body];
}

/** A voice as a track: name, program, volume and place, then its notes; a note ends by a note-on of velocity 0. */
function voice(name, channel, program, volume, pan, list, more = []) {
  const events = list.flatMap(({ at, length, key, velocity }) => [
    { at, order: 2, bytes: [0x90 | channel, key, velocity] },
    { at: at + length, order: 0, bytes: [0x90 | channel, key, 0] },
  ]);
  events.push(...more.map((event) => ({ ...event, order: 1 })));
  events.sort((a, b) => a.at - b.at || a.order - b.order);
  const start = [
    meta(0x03, text(name)),
    [0xc0 | channel, program],
    [0xb0 | channel, 7, volume],
    [0xb0 | channel, 10, pan],
  ].map((bytes) => ({ at: 0, bytes }));
  return track([...start, ...events], 35 * BAR);
}

/** The whole file: format 1, a tempo track and four voices. */
export function midiFile() {
  const { bass, tenor, upper, pad } = notes();
  const conductor = [
    meta(0x03, text("Prelude in C major, BWV 846")),
    meta(0x02, text("J. S. Bach, public domain")),
    meta(0x58, [4, 2, 24, 8]),
    meta(0x59, [0, 0]),
  ].map((bytes) => ({ at: 0, bytes }));
  for (const [bar, quarter, bpm] of TEMPOS) {
    const bytes = meta(0x51, big(Math.round(60000000 / bpm), 3));
    conductor.push({ at: (bar - 1) * BAR + (quarter - 1) * PPQ, bytes });
  }
  // The pad swells and falls within each bar, in eighths.
  const swell = Array.from({ length: 35 * 8 }, (_, i) => ({
    at: (i * PPQ) / 2,
    bytes: [0xb3, 11, [72, 80, 88, 94, 98, 94, 88, 80][i % 8]],
  }));
  return Uint8Array.from([
    ...text("MThd"),
    ...big(6, 4),
    ...big(1, 2),
    ...big(5, 2),
    ...big(PPQ, 2),
    ...track(conductor, 35 * BAR),
    ...voice("Bass", 0, 32, 100, 56, bass),
    ...voice("Tenor", 1, 4, 96, 72, tenor),
    ...voice("Sixteenths", 2, 0, 100, 64, upper),
    ...voice("Pad", 3, 89, 80, 64, pad, swell),
  ]);
}

const own = fileURLToPath(import.meta.url);
if (process.argv[1] === own) writeFileSync(own.replace(/score\.mjs$/, "prelude.mid"), midiFile());
