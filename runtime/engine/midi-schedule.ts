// The events of a MIDI file as a plugin receives them: abi event types at absolute frames, in typed arrays.

import { BelljarError } from "../../abi/error.ts";
import { EventType } from "../../abi/layout.ts";
import type { MidiEvent, MidiFile } from "./midi-file.ts";

export interface MidiScheduleOptions {
  /** Frames a second, a whole number, 1 to 768000. */
  rate: number;
  /** Numbers of the tracks that play, from 0; all by default. */
  tracks?: readonly number[];
  /** Only this channel, 0 to 15; all by default. */
  channel?: number;
  /** The id of the first note; 0 by default. Two schedules that feed one plugin need different ids. */
  firstNoteId?: number;
}

/** Events in the order in which they happen. Every array has `length` elements; the fields are those of the abi's event. */
export interface MidiSchedule {
  readonly length: number;
  /** Absolute: frames since the start. */
  readonly frame: Float64Array;
  /** EventType. */
  readonly type: Uint16Array;
  /** -1: of no note. */
  readonly noteId: Int32Array;
  readonly channel: Int16Array;
  /** -1: of no key. */
  readonly key: Int16Array;
  readonly id: Uint32Array;
  readonly value: Float64Array;
  /** The frame at which the last of the playing tracks ends. */
  readonly endFrame: number;
  /** One more than the last note id given. */
  readonly nextNoteId: number;
  /** Note-offs that ended no note; they are left out. */
  readonly strayNoteOffs: number;
  /** Notes that the file never ends; each ends where its track does. */
  readonly endlessNotes: number;
}

interface Item {
  readonly event: MidiEvent;
  readonly track: number;
}

/** Release velocity of a note-off that has none (MIDI 1.0). */
const NO_VELOCITY = 64;

/**
 * Puts the events of some tracks in order of time and in terms of the abi:
 *
 * - frame: the one nearest to the event's time, a half goes up (see MidiClock.frameAt). Events of one tick stay in the order of
 *   tracks, then of the file.
 * - note-on: NoteOn, value velocity / 127, with a new note id. note-off and note-on of velocity 0: NoteOff with the id of the oldest
 *   sounding note of the same track, channel and key; value is the release velocity / 127, 64 / 127 where there is none.
 * - controllers 0 and 32 are kept for the next program: Program has id = bank (128 × controller 0 + controller 32), value = program.
 * - controllers 120 (all sound off) and 123 to 127 (all notes off, and the modes that imply it): AllNotesOff.
 * - the other controllers: ControlChange, id = number, value / 127. Pressure: value / 127, with its key or -1.
 * - bend: -1 to 1, exactly 0 at the centre (8192) and ±1 at the ends.
 * - sysex, escape and meta events are not for plugins.
 *
 * @throws BelljarError midi/no-track, usage/rate, usage/channel
 */
export function scheduleMidi(file: MidiFile, options: MidiScheduleOptions): MidiSchedule {
  const { rate, channel = -1 } = options;
  if (!Number.isInteger(rate) || rate < 1 || rate > 768000) {
    throw new BelljarError(
      "usage/rate",
      `MIDI events can't be placed at ${rate} frames a second; 1 to 768000 are possible.`,
    );
  }
  if (!Number.isInteger(channel) || channel < -1 || channel > 15) {
    throw new BelljarError("usage/channel", `There is no MIDI channel ${channel}; they go from 0 to 15.`);
  }
  const tracks = [...new Set(options.tracks ?? file.tracks.keys())].sort((a, b) => a - b);
  const items: Item[] = [];
  let endTick = 0;
  let endlessNotes = 0;
  for (const number of tracks) {
    const track = file.tracks[number];
    if (track === undefined) {
      const last = file.tracks.length - 1;
      throw new BelljarError(
        "midi/no-track",
        `${file.name} has no track ${number}; it has tracks 0 to ${last}.`,
      );
    }
    const start = items.length;
    for (const event of track.events) {
      if (event.channel >= 0 && (channel < 0 || event.channel === channel))
        items.push({ event, track: number });
    }
    endlessNotes += endNotes(items, start, number, track.endTick);
    endTick = Math.max(endTick, track.endTick);
  }
  items.sort((a, b) => a.event.tick - b.event.tick);
  const writer = new ScheduleWriter(items.length, options.firstNoteId ?? 0);
  let tick = -1;
  let frame = 0;
  for (const { event, track } of items) {
    if (event.tick !== tick) {
      tick = event.tick;
      frame = file.clock.frameAt(tick, rate);
    }
    writer.add(frame, event, track);
  }
  return writer.result(file.clock.frameAt(endTick, rate), endlessNotes);
}

/** Adds a note-off at the track's end for each note that it never ends; its items begin at `start`. Returns how many. */
function endNotes(items: Item[], start: number, track: number, tick: number): number {
  const sounding = new Map<number, number>();
  for (let i = start; i < items.length; i++) {
    const { event } = items[i] as Item;
    const slot = event.channel * 128 + event.a;
    const count = sounding.get(slot) ?? 0;
    if (isNoteOff(event)) sounding.set(slot, Math.max(count - 1, 0));
    else if (event.type === "note-on") sounding.set(slot, count + 1);
  }
  const before = items.length;
  for (const [slot, count] of sounding) {
    const event: MidiEvent = {
      tick,
      type: "note-off",
      channel: slot >> 7,
      a: slot & 127,
      b: NO_VELOCITY,
      data: null,
    };
    for (let i = 0; i < count; i++) items.push({ event, track });
  }
  return items.length - before;
}

function isNoteOff(event: MidiEvent): boolean {
  return event.type === "note-off" || (event.type === "note-on" && event.b === 0);
}

/** The ids of the notes that sound on one key, oldest first. */
interface Sounding {
  readonly ids: number[];
  first: number;
}

class ScheduleWriter {
  readonly #frame: Float64Array;
  readonly #type: Uint16Array;
  readonly #noteId: Int32Array;
  readonly #channel: Int16Array;
  readonly #key: Int16Array;
  readonly #id: Uint32Array;
  readonly #value: Float64Array;
  readonly #sounding = new Map<number, Sounding>();
  readonly #banks = new Uint16Array(16);
  #length = 0;
  #nextNoteId: number;
  #strayNoteOffs = 0;

  constructor(capacity: number, firstNoteId: number) {
    this.#frame = new Float64Array(capacity);
    this.#type = new Uint16Array(capacity);
    this.#noteId = new Int32Array(capacity);
    this.#channel = new Int16Array(capacity);
    this.#key = new Int16Array(capacity);
    this.#id = new Uint32Array(capacity);
    this.#value = new Float64Array(capacity);
    this.#nextNoteId = firstNoteId;
  }

  add(frame: number, event: MidiEvent, track: number): void {
    const { channel, a, b } = event;
    const key = (track * 16 + channel) * 128 + a;
    if (isNoteOff(event)) {
      const noteId = this.#end(key);
      const velocity = event.type === "note-off" ? b : NO_VELOCITY;
      if (noteId < 0) this.#strayNoteOffs++;
      else this.#put(frame, EventType.NoteOff, noteId, channel, a, 0, velocity / 127);
      return;
    }
    switch (event.type) {
      case "note-on":
        this.#put(frame, EventType.NoteOn, this.#begin(key), channel, a, 0, b / 127);
        break;
      case "key-pressure":
        this.#put(frame, EventType.Pressure, -1, channel, a, 0, b / 127);
        break;
      case "pressure":
        this.#put(frame, EventType.Pressure, -1, channel, -1, 0, a / 127);
        break;
      case "program":
        this.#put(frame, EventType.Program, -1, channel, -1, this.#banks[channel] as number, a);
        break;
      case "bend":
        this.#put(frame, EventType.Bend, -1, channel, -1, 0, (a - 8192) / (a < 8192 ? 8192 : 8191));
        break;
      case "control-change":
        this.#control(frame, channel, a, b);
        break;
    }
  }

  result(endFrame: number, endlessNotes: number): MidiSchedule {
    const length = this.#length;
    return {
      length,
      frame: this.#frame.subarray(0, length),
      type: this.#type.subarray(0, length),
      noteId: this.#noteId.subarray(0, length),
      channel: this.#channel.subarray(0, length),
      key: this.#key.subarray(0, length),
      id: this.#id.subarray(0, length),
      value: this.#value.subarray(0, length),
      endFrame,
      nextNoteId: this.#nextNoteId,
      strayNoteOffs: this.#strayNoteOffs,
      endlessNotes,
    };
  }

  #control(frame: number, channel: number, controller: number, value: number): void {
    const bank = this.#banks[channel] as number;
    if (controller === 0) this.#banks[channel] = value * 128 + (bank & 127);
    else if (controller === 32) this.#banks[channel] = (bank & ~127) + value;
    else if (controller === 120 || controller >= 123) {
      this.#put(frame, EventType.AllNotesOff, -1, channel, -1, 0, 0);
    } else this.#put(frame, EventType.ControlChange, -1, channel, -1, controller, value / 127);
  }

  #begin(key: number): number {
    const id = this.#nextNoteId++;
    const notes = this.#sounding.get(key);
    if (notes) notes.ids.push(id);
    else this.#sounding.set(key, { ids: [id], first: 0 });
    return id;
  }

  #end(key: number): number {
    const notes = this.#sounding.get(key);
    if (notes === undefined) return -1;
    const id = notes.ids[notes.first++] as number;
    if (notes.first === notes.ids.length) this.#sounding.delete(key);
    return id;
  }

  #put(
    frame: number,
    type: number,
    noteId: number,
    channel: number,
    key: number,
    id: number,
    value: number,
  ): void {
    const i = this.#length++;
    this.#frame[i] = frame;
    this.#type[i] = type;
    this.#noteId[i] = noteId;
    this.#channel[i] = channel;
    this.#key[i] = key;
    this.#id[i] = id;
    this.#value[i] = value;
  }
}
