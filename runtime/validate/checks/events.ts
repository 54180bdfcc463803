// Checks of notes and other events, in and out.

import { isInput } from "../../../abi/descriptor.ts";
import { EventType } from "../../../abi/layout.ts";
import { anyEvent } from "../anything.ts";
import { type Bench, type Check, FRAMES } from "../check.ts";
import { eventInput, melody, type ScoreEvent, silence, sorted } from "../score.ts";
import { decibels, difference, firstSound, peak, type Take } from "../take.ts";
import { fail, skip, warn } from "../verdict.ts";
import { QUIET } from "./common.ts";
import { ROUNDING } from "./processing.ts";

const LENGTH = 8_000;
const SLOW_RATE = 8_000;
/** -80 dB. */
const FAINT = 1e-4;

type Note = Partial<Pick<ScoreEvent, "channel" | "key" | "noteId" | "value">>;

function port(bench: Bench): number {
  bench.needs("event", "in");
  return eventInput(bench.descriptor);
}

function on(bench: Bench, frame: number, key: number, more: Note = {}): ScoreEvent {
  return { frame, type: EventType.NoteOn, port: port(bench), channel: 0, key, value: 0.8, ...more };
}

function off(bench: Bench, frame: number, key: number, more: Note = {}): ScoreEvent {
  return { frame, type: EventType.NoteOff, port: port(bench), channel: 0, key, value: 0.5, ...more };
}

export const eventChecks: Check[] = [
  {
    id: "events/notes",
    level: 3,
    title: "Something happens when notes are played",
    run(bench) {
      const events = melody(port(bench), 20_000);
      const take = bench.take(20_000, { events });
      const plain = bench.take(20_000, { events: [] });
      if (take.channels.length === 0 && !bench.has("event", "out")) return;
      if (difference(take, plain) === null) warn("Notes change nothing that comes out of it.");
    },
  },
  {
    id: "events/timing",
    level: 6,
    title: "A note begins at its frame",
    run(bench) {
      bench.needs("audio", "out");
      const begins = (frame: number): number =>
        firstSound(bench.take(6_000, { signal: silence, events: [on(bench, frame, 60)] }), QUIET / 10);
      const first = begins(0);
      if (first < 0) skip("A note makes no sound.");
      if (firstSound(bench.take(6_000, { signal: silence, events: [] }), QUIET / 10) >= 0)
        skip("It sounds by itself.");
      for (const frame of [37, FRAMES - 1, FRAMES + 5]) {
        const heard = begins(frame);
        if (heard !== first + frame) {
          warn(`A note ${frame} frames later begins ${heard - first} frames later.`);
        }
      }
    },
  },
  {
    id: "events/mismatched",
    level: 4,
    title: "It survives notes that end without having begun, begin twice and end twice",
    run(bench) {
      const random = bench.random("mismatched");
      const events: ScoreEvent[] = [];
      for (let i = 0; i < 400; i++) {
        const make = random.pick([on, off, off]);
        events.push(
          make(bench, random.whole(0, LENGTH - 1), random.whole(58, 62), {
            channel: random.whole(0, 1),
            noteId: random.whole(-1, 3),
          }),
        );
      }
      events.push(off(bench, 0, 60), off(bench, LENGTH - 3, -1, { channel: -1 }), off(bench, LENGTH - 2, 60));
      for (const key of [0, 127])
        events.push(on(bench, 100, key), off(bench, 200, key), off(bench, 300, key));
      bench.take(LENGTH, { events: sorted(events) });
    },
  },
  {
    id: "events/hanging",
    level: 5,
    title: "A key that was played twice is silent once it has been let go",
    run(bench) {
      const notes = [on(bench, 10, 60), on(bench, 700, 60), off(bench, 2_000, 60)];
      mustEnd(bench, [...notes, off(bench, 2_001, 60)], "two notes of one key were let go");
    },
  },
  {
    id: "events/wildcards",
    level: 5,
    title: "A note that ends with -1 for its id, channel or key ends what it names",
    run(bench) {
      const chord = [60, 64].map((key, i) => on(bench, 10 + i, key, { noteId: i, channel: 0 }));
      const ends: [string, Note & { key: number }][] = [
        ["note id -1", { noteId: -1, channel: 0, key: 60 }],
        ["channel -1", { noteId: -1, channel: -1, key: 60 }],
        ["key -1", { noteId: -1, channel: 0, key: -1 }],
        ["all -1", { noteId: -1, channel: -1, key: -1 }],
      ];
      for (const [name, end] of ends) {
        const events = [off(bench, 2_000, end.key, end)];
        if (end.key >= 0) events.push(off(bench, 2_001, 64, { ...end, key: 64 }));
        mustEnd(bench, [...chord, ...events], `a NoteOff with ${name}`);
      }
      const wild = [on(bench, 10, 60, { noteId: -1 }), on(bench, 11, 64, { noteId: -1 })];
      mustEnd(bench, [...wild, off(bench, 900, -1, { channel: -1 })], "notes without ids were let go");
    },
  },
  {
    id: "events/other-notes",
    level: 7,
    title: "The end of one note leaves the others sounding",
    run(bench) {
      bench.needs("audio", "out");
      const frames = 6_000;
      const sounds = (events: ScoreEvent[]) =>
        peak(bench.take(frames, { signal: silence, events }, {}, { rate: SLOW_RATE }), frames - 400);
      const first = on(bench, 10, 60, { noteId: 7 });
      if (sounds([first]) <= FAINT) skip("Its notes end by themselves, or make no sound.");
      if (sounds([]) > FAINT) skip("It sounds by itself.");
      const others: [string, ScoreEvent][] = [
        ["another key", off(bench, 500, 61)],
        ["another channel", off(bench, 500, 60, { channel: 1 })],
        ["another note id", off(bench, 500, 60, { noteId: 8 })],
      ];
      for (const [what, event] of others) {
        if (sounds([first, event]) <= FAINT) warn(`A note ends when a note of ${what} does.`);
      }
    },
  },
  {
    id: "events/choke",
    level: 5,
    title: "A note that is choked ends",
    run(bench) {
      const choke = { ...off(bench, 2_000, 60), type: EventType.Choke, value: 0 };
      mustEnd(bench, [on(bench, 10, 60), choke], "a Choke");
    },
  },
  {
    id: "events/all-notes-off",
    level: 5,
    title: "AllNotesOff ends all notes",
    run(bench) {
      const end = { frame: 2_000, type: EventType.AllNotesOff, port: port(bench), channel: 0 };
      const chord = [60, 64, 67].map((key, i) => on(bench, 10 + i, key, { noteId: i }));
      mustEnd(bench, [...chord, end], "AllNotesOff");
      mustEnd(bench, [...chord, { ...end, channel: -1 }], "AllNotesOff of all channels");
    },
  },
  {
    id: "events/soft-notes",
    level: 7,
    title: "A note with velocity 0 is a soft note, not the end of one",
    run(bench) {
      bench.needs("audio", "out");
      const frames = 6_000;
      const sounds = (events: ScoreEvent[]) =>
        peak(bench.take(frames, { signal: silence, events }, {}, { rate: SLOW_RATE }), frames - 400);
      if (sounds([on(bench, 10, 60)]) <= FAINT) skip("Its notes end by themselves, or make no sound.");
      const soft = on(bench, 500, 60, { value: 0 });
      if (sounds([on(bench, 10, 60), soft]) <= FAINT) fail("A note with velocity 0 ends the note before it.");
    },
  },
  {
    id: "events/storm",
    level: 5,
    title: "It survives a note every other frame",
    run(bench) {
      const random = bench.random("storm");
      const events: ScoreEvent[] = [];
      for (let frame = 0; frame < LENGTH; frame += 2) {
        const make = random.pick([on, on, off]);
        const note = { channel: random.whole(0, 15), noteId: frame, value: random.unit() };
        events.push(make(bench, frame, random.whole(0, 127), note));
      }
      bench.take(LENGTH, { events });
    },
  },
  {
    id: "events/full-list",
    level: 7,
    title: "It survives blocks with as many events as its list can hold",
    run(bench) {
      const random = bench.random("full");
      const rig = bench.rig();
      const room = rig.instance.eventsIn.capacity;
      const events: ScoreEvent[] = [];
      for (let block = 0; block < 6; block++) {
        for (let i = 0; i < room; i++) {
          const type = random.pick([EventType.ControlChange, EventType.Bend, EventType.Pressure]);
          const frame = block * FRAMES + Math.floor((i * FRAMES) / room);
          events.push({ frame, type, port: port(bench), channel: random.whole(0, 15), value: random.unit() });
        }
      }
      const take = rig.play(bench.score(6 * FRAMES, { events }));
      if (take.dropped > 0) fail(`${take.dropped} events found no room.`);
      return `${room} events`;
    },
  },
  {
    id: "events/unknown",
    level: 5,
    title: "Events of unknown types change nothing",
    run(bench) {
      const extra = [0, 16, 200, 999, 65_535].map((type, i) => ({
        ...on(bench, 400 * (i + 1), 60 + i, { value: 0.5 }),
        type,
        id: i,
      }));
      unchanged(bench, extra, "With events of unknown types");
    },
  },
  {
    id: "events/strangers",
    level: 6,
    title: "Parameter events for ports that are none change nothing",
    run(bench) {
      const { ports } = bench.descriptor;
      const wrong = ports.flatMap((one, index) => (one.type === "control" && isInput(one) ? [] : [index]));
      const extra = [...wrong, ports.length, 9_999, 65_535].map((index, i) => ({
        frame: 300 * (i + 1),
        type: EventType.Param,
        port: index,
        value: i % 2,
      }));
      if (bench.rig().instance.eventsIn.capacity === 0) skip("It takes no events.");
      unchanged(
        bench,
        extra.filter(({ frame }) => frame < LENGTH),
        "With parameter events for other ports",
      );
    },
  },
  {
    id: "events/all-kinds",
    level: 5,
    title: "It survives every kind of event with every kind of value",
    run(bench) {
      const random = bench.random("kinds");
      const events: ScoreEvent[] = [];
      for (let i = 0; i < 600; i++) events.push(anyEvent(random, port(bench), random.whole(0, LENGTH - 1)));
      bench.take(LENGTH, { events: sorted(events) });
    },
  },
  {
    id: "events/sysex",
    level: 7,
    title: "It survives system exclusive messages: short, long, empty, unfinished",
    run(bench) {
      const index = port(bench);
      const room = bench.rig().instance.arena.length;
      if (room < 64) skip("It has no arena, or hardly any.");
      const random = bench.random("sysex");
      const messages = [[0xf0, 0xf7], [0xf0], [], [0xf7, 0xf0], [0xf0, 0x7e, 0x7f, 6, 1, 0xf7]].map((bytes) =>
        Uint8Array.from(bytes),
      );
      messages.push(random.bytes(room), random.bytes(40), random.bytes(8));
      const events = messages.map((data, i) => ({
        frame: i * 300,
        type: EventType.Sysex,
        port: index,
        id: data.length,
        data,
      }));
      bench.take(LENGTH, { events: sorted([...events, ...melody(index, LENGTH)]) });
    },
  },
  sends("events/order-out", 3, "The events that it sends are in order and inside the block"),
  sends("events/legal-out", 3, "The events that it sends are of kinds and values that may travel"),
  sends("events/note-ids-out", 6, "The note ids that it sends are those that came in, or -1"),
  {
    id: "events/pairs-out",
    level: 6,
    title: "Every note that it begins it ends, once the notes that came in have ended",
    run(bench) {
      bench.needs("event", "in");
      bench.needs("event", "out");
      const take = bench.take(LENGTH + 4_000, { events: melody(port(bench), LENGTH) });
      const hanging = heldNotes(take);
      if (hanging.length === 0) return `${take.events.length} events`;
      fail(`${hanging.length} of its notes have no end, the first with key ${hanging[0]?.split(" ")[1]}.`);
    },
  },
  {
    id: "events/note-end",
    level: 7,
    title: "A synth with an event output says when each note's sound is over",
    run(bench) {
      bench.needs("event", "in");
      bench.needs("event", "out");
      bench.needs("audio", "out");
      if (bench.has("audio", "in")) skip("It is no synth.");
      const rig = bench.rig({ rate: SLOW_RATE });
      const tail = Math.min(rig.instance.tail, SLOW_RATE * 20);
      const events = melody(port(bench), LENGTH);
      const take = rig.play(bench.score(LENGTH + tail + 2_000, { signal: silence, events }));
      const ended = new Set(
        take.events.filter(({ type }) => type === EventType.NoteEnd).map(({ noteId }) => noteId),
      );
      const missing = events.find(({ type, noteId = -1 }) => type === EventType.NoteOn && !ended.has(noteId));
      if (missing) warn(`No NoteEnd came for the note with id ${missing.noteId}.`);
    },
  },
];

/** The plugin must be silent within its tail after these events, the last of which ends what sounds. */
function mustEnd(bench: Bench, events: ScoreEvent[], what: string): void {
  bench.needs("audio", "out");
  const rig = bench.rig({ rate: SLOW_RATE });
  const { tail, latency } = rig.instance;
  if (tail > SLOW_RATE * 60) skip("Its tail is infinite, or very long.");
  const quiet = bench.take(2_000, { signal: silence, events: [] }, {}, { rate: SLOW_RATE });
  if (peak(quiet) > FAINT) skip("It sounds by itself.");
  const end = (events[events.length - 1]?.frame ?? 0) + latency + tail;
  const take = rig.play(bench.score(end + 2_000, { signal: silence, events: sorted(events) }));
  if (peak(take) <= FAINT) skip("A note makes no sound.");
  const left = peak(take, end + 2);
  if (left > FAINT) fail(`After ${what} and its tail it is still ${decibels(left)} loud.`);
}

/** What comes out must be the same with `extra` events. */
function unchanged(bench: Bench, extra: ScoreEvent[], what: string): void {
  const events = eventInput(bench.descriptor) < 0 ? [] : melody(eventInput(bench.descriptor), LENGTH);
  const plain = bench.take(LENGTH, { events });
  const disturbed = bench.take(LENGTH, { events: sorted([...events, ...extra]) });
  const found = difference(plain, disturbed, ROUNDING);
  if (found !== null) fail(`${what} ${found}.`);
}

/** A check whose work is done by what is looked at in every block of every check. */
function sends(id: Check["id"], level: number, title: string): Check {
  return {
    id,
    level,
    title,
    run(bench) {
      bench.needs("event", "out");
      bench.take(LENGTH);
      if (!bench.has("event", "in")) return;
      const random = bench.random("sent");
      const events: ScoreEvent[] = [];
      for (let i = 0; i < 200; i++) events.push(anyEvent(random, port(bench), random.whole(0, LENGTH - 1)));
      bench.take(LENGTH, { events: sorted(events) });
    },
  };
}

/** Notes that begin and don't end, as "channel key". */
function heldNotes(take: Take): string[] {
  const held: { channel: number; key: number; noteId: number }[] = [];
  for (const event of take.events) {
    if (event.type === EventType.NoteOn) held.push(event);
    if (
      event.type !== EventType.NoteOff &&
      event.type !== EventType.Choke &&
      event.type !== EventType.AllNotesOff
    )
      continue;
    const agrees = (a: number, b: number) => a === b || a < 0 || b < 0;
    for (let i = held.length - 1; i >= 0; i--) {
      const note = held[i] as (typeof held)[number];
      const all = event.type === EventType.AllNotesOff;
      if (
        agrees(note.channel, event.channel) &&
        (all || (agrees(note.key, event.key) && agrees(note.noteId, event.noteId)))
      ) {
        held.splice(i, 1);
      }
    }
  }
  return held.map(({ channel, key }) => `${channel} ${key}`);
}
