// The events of a MIDI file as a plugin receives them: abi event types at absolute frames, in typed arrays.

import { BelljarError } from "../../abi/error.ts";
import type { MidiEvent, MidiFile } from "./midi-file.ts";
import { MidiMapping, NO_VELOCITY } from "./midi-mapping.ts";
import { endsAllNotes, isNoteOff, type MidiMessage } from "./midi-message.ts";

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
  readonly event: MidiMessage & { readonly tick: number };
  readonly track: number;
}

/**
 * Puts the events of some tracks in order of time and in terms of the abi:
 *
 * - frame: the one nearest to the event's time, a half goes up (see MidiClock.frameAt). Events of one tick stay in the order of
 *   tracks, then of the file.
 * - channel messages as MidiMapping has them.
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
      if (isMessage(event) && (channel < 0 || event.channel === channel))
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
    else if (event.type === "control-change" && endsAllNotes(event.a)) {
      for (const key of sounding.keys()) if (key >> 7 === event.channel) sounding.delete(key);
    }
  }
  const before = items.length;
  for (const [slot, count] of sounding) {
    const event = { tick, type: "note-off" as const, channel: slot >> 7, a: slot & 127, b: NO_VELOCITY };
    for (let i = 0; i < count; i++) items.push({ event, track });
  }
  return items.length - before;
}

function isMessage(event: MidiEvent): event is MidiEvent & MidiMessage {
  return event.channel >= 0;
}

class ScheduleWriter {
  readonly #frame: Float64Array;
  readonly #type: Uint16Array;
  readonly #noteId: Int32Array;
  readonly #channel: Int16Array;
  readonly #key: Int16Array;
  readonly #id: Uint32Array;
  readonly #value: Float64Array;
  readonly #mapping: MidiMapping;
  #length = 0;
  #now = 0;

  constructor(capacity: number, firstNoteId: number) {
    this.#frame = new Float64Array(capacity);
    this.#type = new Uint16Array(capacity);
    this.#noteId = new Int32Array(capacity);
    this.#channel = new Int16Array(capacity);
    this.#key = new Int16Array(capacity);
    this.#id = new Uint32Array(capacity);
    this.#value = new Float64Array(capacity);
    this.#mapping = new MidiMapping((...fields) => this.#put(...fields), firstNoteId);
  }

  add(frame: number, message: MidiMessage, track: number): void {
    this.#now = frame;
    this.#mapping.take(message, track);
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
      nextNoteId: this.#mapping.nextNoteId,
      strayNoteOffs: this.#mapping.strayNoteOffs,
      endlessNotes,
    };
  }

  #put(type: number, noteId: number, channel: number, key: number, id: number, value: number): void {
    const i = this.#length++;
    this.#frame[i] = this.#now;
    this.#type[i] = type;
    this.#noteId[i] = noteId;
    this.#channel[i] = channel;
    this.#key[i] = key;
    this.#id[i] = id;
    this.#value[i] = value;
  }
}
