// Bytes of a MIDI cable as events: against the tables of the MIDI 1.0 specification, and against what a file of the same
// bytes gives.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EventType } from "../../../abi/layout.ts";
import { readMidiFile, scheduleMidi } from "../../../runtime/engine/midi-file.ts";
import {
  DEVICE_NOTE_IDS,
  MidiInput,
  type MidiInputEvent,
  type MidiInputOptions,
} from "../../../runtime/engine/live/midi-input.ts";

type Row = [type: number, noteId: number, channel: number, key: number, id: number, value: number];

function listen(options: MidiInputOptions = { firstNoteId: 0 }): { input: MidiInput; rows: Row[] } {
  const rows: Row[] = [];
  const put = ({ type, noteId, channel, key, id, value }: MidiInputEvent): void => {
    rows.push([type, noteId, channel, key, id, value]);
  };
  return { input: new MidiInput(put, options), rows };
}

function heard(...bytes: number[]): Row[] {
  const { input, rows } = listen();
  input.receive(bytes);
  return rows;
}

const { NoteOn, NoteOff, Pressure, ControlChange, Program, Bend, AllNotesOff } = EventType;

test("each channel message of the specification's table is an event", () => {
  assert.equal(heard(0x92, 60, 127), [[NoteOn, 0, 2, 60, 0, 1]]);
  assert.equal(heard(0x9f, 0, 1, 0x8f, 0, 127), [
    [NoteOn, 0, 15, 0, 0, 1 / 127],
    [NoteOff, 0, 15, 0, 0, 1],
  ]);
  assert.equal(heard(0xa0, 60, 127), [[Pressure, -1, 0, 60, 0, 1]]);
  assert.equal(heard(0xb0, 1, 127, 0xb0, 33, 0), [
    [ControlChange, -1, 0, -1, 1, 1],
    [ControlChange, -1, 0, -1, 33, 0],
  ]);
  assert.equal(heard(0xc5, 127), [[Program, -1, 5, -1, 0, 127]]);
  assert.equal(heard(0xd5, 127), [[Pressure, -1, 5, -1, 0, 1]]);
  assert.equal(heard(0xe0, 0, 64, 0xe0, 127, 127, 0xe0, 0, 0, 0xe0, 1, 64), [
    [Bend, -1, 0, -1, 0, 0],
    [Bend, -1, 0, -1, 0, 1],
    [Bend, -1, 0, -1, 0, -1],
    [Bend, -1, 0, -1, 0, 1 / 8191],
  ]);
});

test("a note-on of velocity 0 ends the note, with the velocity that the specification gives it", () => {
  assert.equal(heard(0x90, 60, 100, 0x90, 60, 0).at(-1), [NoteOff, 0, 0, 60, 0, 64 / 127]);
});

test("notes of one key end in the order in which they began, and a note-off without a note is none", () => {
  const rows = heard(0x90, 60, 1, 60, 2, 0x91, 60, 3, 0x80, 60, 0, 0x80, 60, 0, 0x80, 60, 0, 0x80, 61, 0);
  assert.equal(
    rows.map(([type, noteId]) => [type, noteId]),
    [
      [NoteOn, 0],
      [NoteOn, 1],
      [NoteOn, 2],
      [NoteOff, 0],
      [NoteOff, 1],
    ],
  );
});

test("a bank is kept for the next program, on its own channel", () => {
  assert.equal(heard(0xb3, 0, 2, 0xb3, 32, 5, 0xc3, 9, 0xc4, 9, 0xb3, 32, 0, 0xc3, 1), [
    [Program, -1, 3, -1, 2 * 128 + 5, 9],
    [Program, -1, 4, -1, 0, 9],
    [Program, -1, 3, -1, 256, 1],
  ]);
});

test("all 128 controllers are taken: channel mode messages that end notes end them, the others are values", () => {
  for (let controller = 0; controller < 128; controller++) {
    const rows = heard(0xb7, controller, 64);
    if (controller === 0 || controller === 32) assert.equal(rows, []);
    else if (controller === 120 || controller >= 123) assert.equal(rows, [[AllNotesOff, -1, 7, -1, 0, 0]]);
    else assert.equal(rows, [[ControlChange, -1, 7, -1, controller, 64 / 127]]);
  }
});

test("running status goes on over real-time messages, which may stand anywhere, and ends with system messages", () => {
  const plain = heard(0x90, 60, 1, 62, 2, 64, 3);
  assert.is(plain.length, 3);
  assert.equal(heard(0xf8, 0x90, 0xfe, 60, 0xf8, 1, 0xfa, 62, 0xfb, 2, 0xfc, 64, 0xf9, 3, 0xfd), plain);
  for (const system of [[0xf0, 1, 2, 3, 0xf7], [0xf1, 5], [0xf2, 1, 2], [0xf3, 1], [0xf4], [0xf5], [0xf6]]) {
    assert.equal(heard(0x90, 60, 1, ...system, 62, 2, 64, 3), plain.slice(0, 1), String(system));
    assert.equal(heard(0x90, 60, 1, ...system, 0x90, 62, 2), plain.slice(0, 2), String(system));
  }
});

test("a system exclusive message without an end is ended by the next status", () => {
  assert.equal(heard(0xf0, 0x7e, 1, 2, 0x90, 60, 127), [[NoteOn, 0, 0, 60, 0, 1]]);
});

test("half a message is dropped where another begins, and data without a status is passed over", () => {
  assert.equal(heard(60, 1, 0x90, 60, 0xb0, 7, 127), [[ControlChange, -1, 0, -1, 7, 1]]);
  assert.equal(heard(0xe0, 1, 0xe0, 127, 127), [[Bend, -1, 0, -1, 0, 1]]);
});

test("a system reset ends all notes and lifts pedals, as does the end of the connection", () => {
  const held = [0x90, 60, 1, 0x92, 64, 1, 0xb2, 64, 127, 0xb2, 66, 0];
  const ended: Row[] = [
    [ControlChange, -1, 2, -1, 64, 0],
    [NoteOff, 0, 0, 60, 0, 64 / 127],
    [NoteOff, 1, 2, 64, 0, 64 / 127],
  ];
  assert.equal(heard(...held, 0xff).slice(4), [...ended, [AllNotesOff, -1, -1, -1, 0, 0]]);
  const { input, rows } = listen();
  input.receive(held);
  input.release();
  input.release();
  assert.equal(rows.slice(4), ended);
  // What comes then begins anew.
  input.receive([60, 1, 0x90, 60, 1]);
  assert.equal(rows.slice(4 + ended.length), [[NoteOn, 2, 0, 60, 0, 1 / 127]]);
});

test("one channel of a device can be heard alone", () => {
  const { input, rows } = listen({ channel: 1 });
  input.receive([0x90, 60, 1, 0x91, 61, 1, 0x92, 62, 1, 0xb0, 120, 0]);
  assert.equal(rows, [[NoteOn, DEVICE_NOTE_IDS, 1, 61, 0, 1 / 127]]);
});

test("ids of notes come round, and stay the contract's", () => {
  const { input, rows } = listen({ firstNoteId: 10, noteIds: 3 });
  for (let i = 0; i < 5; i++) input.receive([0x90, 60, 1, 60, 0]);
  assert.equal(
    rows.map(([, noteId]) => noteId),
    [10, 10, 11, 11, 12, 12, 10, 10, 11, 11],
  );
});

/** A channel message, as bytes. */
const message = fc
  .tuple(fc.integer({ min: 0x80, max: 0xef }), fc.nat({ max: 127 }), fc.nat({ max: 127 }))
  .map(([status, a, b]) => (status >= 0xc0 && status < 0xe0 ? [status, a] : [status, a, b]));

test("a device's messages are the events that a file of the same messages has", () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 200 }), (messages) => {
      const track = messages.flatMap((bytes) => [0, ...bytes]).concat(0, 0xff, 0x2f, 0);
      const bytes = [..."MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk"].map((letter) => letter.charCodeAt(0));
      bytes.push(0, 0, track.length >> 8, track.length & 255, ...track);
      const plan = scheduleMidi(readMidiFile(Uint8Array.from(bytes), "x.mid"), { rate: 48_000 });
      const expected = Array.from(plan.type, (type, i) => {
        return [type, plan.noteId[i], plan.channel[i], plan.key[i], plan.id[i], plan.value[i]];
      });
      const { input, rows } = listen();
      input.receive(messages.flat());
      // The file's reader ends what nobody ended, at the file's end.
      assert.equal(rows, expected.slice(0, expected.length - plan.endlessNotes));
    }),
  );
});

test("no bytes throw, in no pieces; every event is one that a plugin may receive", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (pieces) => {
      const one = listen();
      const other = listen();
      for (const piece of pieces) one.input.receive(piece);
      for (const byte of pieces.flatMap((piece) => [...piece])) other.input.receive([byte]);
      assert.equal(one.rows, other.rows);
      for (const [type, noteId, channel, key, id, value] of one.rows) {
        assert.ok(type >= NoteOn && type <= AllNotesOff);
        assert.ok(noteId >= -1 && channel >= -1 && channel < 16 && key >= -1 && key < 128);
        assert.ok(id >= 0 && id < 2 ** 14 && value >= -1 && value <= 127);
      }
    }),
  );
  assert.equal(heard(Number.NaN, -1, 1e300, 0.5, Number.POSITIVE_INFINITY), [
    [AllNotesOff, -1, -1, -1, 0, 0],
  ]);
});

test("what a connection can't be made from is refused", () => {
  const refused = (code: string, ...args: unknown[]): void => {
    assert.throws(
      () => new MidiInput(...(args as ConstructorParameters<typeof MidiInput>)),
      (error: { code: string }) => error.code === code,
      JSON.stringify(args),
    );
  };
  const play = (): void => {};
  refused("usage/value", "shout");
  refused("usage/value", play, null);
  refused("usage/option", play, { chanel: 1 });
  refused("usage/value", play, { channel: 16 });
  refused("usage/value", play, { firstNoteId: -1 });
  refused("usage/value", play, { noteIds: 2 ** 31 });
});

test.run();
