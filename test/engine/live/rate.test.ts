// A live session that goes on at another rate, and one that ends at a frame.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { midiFile, notes } from "../fixtures/midi.ts";
import { assertSame, BLOCK, Player, RATE, rendered, sessionOf } from "./rig.ts";

const test = suite("live rate");

// A tick is 5 ms: a note at the beginning, and one after a second.
const song = (...all: [number, number, number][]) =>
  new Map([["song", { name: "song.mid", bytes: midiFile(100, notes(100, ...all)) }]]);
const midi = song([0, 20, 69], [200, 220, 57]);
const piece = sessionOf(
  [
    { id: "track", type: "track_source", config: { input: "song" } },
    { id: "tone", type: "sine" },
  ],
  ["track.events_out -> tone.events_in", "tone -> master"],
);
const NEXT_RATE = 96_000;
/** The second note's length and some of its release. */
const LENGTH = 8000;

/** Where sound begins after the first half second of silence. */
function secondNote(sound: readonly number[]): number {
  let silence = 0;
  for (const [i, sample] of sound.entries()) {
    if (sample !== 0 && silence > RATE / 4) return i;
    silence = sample === 0 ? silence + 1 : 0;
  }
  return -1;
}

test("the next note comes at its time, sample for sample as the new rate has it", async () => {
  const player = await Player.open(piece, { midi });
  try {
    await player.start();
    await player.hear(0.3 * RATE);
    // Nobody listens meanwhile: it stands still with its ring full.
    await player.live.changeRate(NEXT_RATE);
    assert.is(player.live.facts.rate, NEXT_RATE);
    const { ear } = player;
    await player.hearUntil(() => secondNote(ear.left) >= 0);
    const at = secondNote(ear.left);
    await player.hear(LENGTH + 8 * BLOCK);
    // The instance that plays it is a new one, which has played no other.
    const alone = song([200, 220, 57]);
    const expected = await rendered(piece, 1.2 * NEXT_RATE, { midi: alone, rate: NEXT_RATE });
    const from = secondNote(expected.left);
    // Sine begins with a zero crossing: the first sample of a note may be silence.
    assert.ok(Math.abs(from - NEXT_RATE) <= 2);
    const cut = ({ left, right }: typeof ear, begin: number) =>
      Object.assign(Object.create(ear), {
        left: left.slice(begin, begin + LENGTH),
        right: right.slice(begin, begin + LENGTH),
      });
    assertSame(cut(ear, at), cut(expected, from), "second note");
    // The seconds before and after the change make one together: from that follows where it was, a block's edge.
    const edge = NEXT_RATE - (at - (from - NEXT_RATE));
    assert.is(edge % BLOCK, 0, String(edge));
    assert.ok(edge >= 0.3 * RATE && edge < RATE);
    assert.ok(player.live.figures.seconds > 1 && player.live.figures.seconds < 1.5);
  } finally {
    await player.close();
  }
});

test("a rate that is refused changes nothing", async () => {
  const sound = sessionOf([{ id: "sound", type: "file_source" }], ["sound -> master"]);
  const samples = 2 * RATE;
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write("RIFF", 0, "latin1");
  wav.writeUInt32LE(36 + samples * 2, 4);
  wav.write("WAVEfmt ", 8, "latin1");
  for (const [value, bytes, at] of [
    [16, 4, 16],
    [1, 2, 20],
    [1, 2, 22],
    [RATE, 4, 24],
    [RATE * 2, 4, 28],
    [2, 2, 32],
    [16, 2, 34],
  ] as const) {
    wav.writeUIntLE(value, at, bytes);
  }
  wav.write("data", 36, "latin1");
  wav.writeUInt32LE(samples * 2, 40);
  for (let i = 0; i < samples; i++) wav.writeInt16LE((i * 7) % 20_000, 44 + i * 2);
  const audio = new Map([["sound", { name: "sound.wav", bytes: wav }]]);
  const player = await Player.open(sound, { audio });
  try {
    await player.start();
    let code = "";
    const refused = player.live.changeRate(NEXT_RATE).catch((error) => {
      code = error.code;
    });
    await player.hearUntil(() => code !== "");
    await refused;
    assert.is(code, "session/rate");
    await player.hear(BLOCK);
    assert.is(player.live.facts.rate, RATE);
    const expected = await rendered(sound, player.ear.left.length, { audio });
    assertSame(player.ear, expected);
  } finally {
    await player.close();
  }
});

test("the sound ends at the frame that is named, in the middle of a block, and nothing is rendered after it", async () => {
  const player = await Player.open(piece, { midi });
  try {
    const end = 10 * BLOCK + 77;
    player.live.endAt(end / RATE);
    await player.start();
    await player.hear(end);
    assertSame(player.ear, await rendered(piece, end, { midi }));
    await player.hearUntil(() => player.live.figures.frame === end);
    assert.is(player.ear.left.length, end);
    // Further on, where that is wished.
    player.live.endAt(null);
    await player.hear(BLOCK);
    assert.ok(player.live.figures.frame > end);
  } finally {
    await player.close();
  }
});

test.run();
