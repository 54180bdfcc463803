// builtin.transpose: notes move, nothing else does, and no note is left hanging.
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EventType } from "../../abi/layout.ts";
import type { Processor } from "../../runtime/engine/processor.ts";
import { instance, load } from "./load.ts";

interface Out {
  frame: number;
  type: number;
  channel: number;
  key: number;
  noteId: number;
  id: number;
  value: number;
}

function block(processor: Processor): Out[] {
  assert.ok(processor.process(128), processor.fault?.message);
  const list = processor.instance.eventsOut;
  return Array.from({ length: list.count }, (_, i) => ({
    frame: list.frame(i),
    type: list.type(i),
    channel: list.channel(i),
    key: list.key(i),
    noteId: list.noteId(i),
    id: list.id(i),
    value: list.value(i),
  }));
}

test("notes are moved at their own frames; velocity, channel and id stay", async () => {
  const transpose = await instance("transpose", { params: { semitones: 7 } });
  transpose.event(3, EventType.NoteOn, { channel: 2, key: 60, value: 0.25, noteId: 5 });
  transpose.event(90, EventType.NoteOff, { channel: 2, key: 60, value: 0.5, noteId: 5 });
  assert.equal(block(transpose), [
    { frame: 3, type: EventType.NoteOn, channel: 2, key: 67, noteId: 5, id: 0, value: 0.25 },
    { frame: 90, type: EventType.NoteOff, channel: 2, key: 67, noteId: 5, id: 0, value: 0.5 },
  ]);
});

test("what is no note passes as it is", async () => {
  const transpose = await instance("transpose", { params: { semitones: -12 } });
  transpose.event(0, EventType.Bend, { channel: 1, value: -0.5 });
  transpose.event(1, EventType.ControlChange, { channel: 1, id: 7, value: 0.75 });
  transpose.event(2, EventType.Program, { channel: 1, id: 2, value: 99 });
  transpose.event(3, EventType.Pressure, { channel: 1, value: 0.5 });
  assert.equal(
    block(transpose).map(({ frame, type, channel, key, id, value }) => [
      frame,
      type,
      channel,
      key,
      id,
      value,
    ]),
    [
      [0, EventType.Bend, 1, -1, 0, -0.5],
      [1, EventType.ControlChange, 1, -1, 7, 0.75],
      [2, EventType.Program, 1, -1, 2, 99],
      [3, EventType.Pressure, 1, -1, 0, 0.5],
    ],
  );
});

test("a note's pressure and expression go where the note went", async () => {
  const transpose = await instance("transpose", { params: { semitones: 3 } });
  transpose.noteOn(0, 60);
  transpose.event(1, EventType.Pressure, { channel: 0, key: 60, value: 0.5 });
  transpose.event(2, EventType.Expression, { channel: 0, key: 60, id: 2, value: 0.1 });
  assert.equal(
    block(transpose).map(({ key }) => key),
    [63, 63, 63],
  );
});

test("a note that would leave the keyboard is not played", async () => {
  const transpose = await instance("transpose", { params: { semitones: 48 } });
  transpose.noteOn(0, 100);
  transpose.noteOff(10, 100);
  transpose.noteOn(20, 79);
  assert.equal(
    block(transpose).map(({ type, key }) => [type, key]),
    [[EventType.NoteOn, 127]],
  );
});

test("a note ends as it began, though the parameter moves at any frame in between", async () => {
  const transpose = await instance("transpose", { params: { semitones: 5 } });
  transpose.noteOn(0, 60);
  transpose.setAt(1, "semitones", -5);
  transpose.noteOff(2, 60);
  transpose.noteOn(2, 60);
  transpose.noteOff(3, 60);
  assert.equal(
    block(transpose).map(({ type, key }) => [type, key]),
    [
      [EventType.NoteOn, 65],
      [EventType.NoteOff, 65],
      [EventType.NoteOn, 55],
      [EventType.NoteOff, 55],
    ],
  );
});

test("whatever is played while the parameter moves, no note is left sounding", async () => {
  await load("transpose");
  const step = fc.record({
    what: fc.constantFrom("on", "off", "move", "block"),
    key: fc.integer({ min: 55, max: 60 }),
    channel: fc.integer({ min: 0, max: 1 }),
    by: fc.integer({ min: -48, max: 48 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const transpose = await instance("transpose");
      const sounding = new Set<string>();
      const held = new Set<string>();
      const follow = () => {
        for (const { type, channel, key } of block(transpose)) {
          if (type === EventType.NoteOn) sounding.add(`${channel} ${key}`);
          if (type === EventType.NoteOff) sounding.delete(`${channel} ${key}`);
        }
      };
      for (const { what, key, channel, by } of steps) {
        if (what === "on") {
          transpose.noteOn(0, key, 0.8, channel);
          held.add(`${channel} ${key}`);
        }
        if (what === "off") {
          transpose.noteOff(0, key, channel);
          held.delete(`${channel} ${key}`);
        }
        if (what === "move") transpose.setAt(0, "semitones", by);
        if (what === "block") follow();
      }
      // every key may have been pressed more than once
      for (let i = 0; i < steps.length; i++) {
        for (const note of held) transpose.noteOff(0, Number(note.split(" ")[1]), Number(note.split(" ")[0]));
        follow();
      }
      assert.equal([...sounding], []);
    }),
    { numRuns: 150 },
  );
});

test.run();
