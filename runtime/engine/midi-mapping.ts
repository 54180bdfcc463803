// MIDI's channel messages as plugins receive them: the events of the contract, with notes that have ids. One mapping for
// files and for devices.

import { EventType } from "../../abi/layout.ts";
import { endsAllNotes, isNoteOff, type MidiMessage } from "./midi-message.ts";

/** Where the events go; the fields are those of the abi's event. `noteId` and `key` are -1 where there is none. */
export type PutEvent = (
  type: number,
  noteId: number,
  channel: number,
  key: number,
  id: number,
  value: number,
) => void;

/** Release velocity of a note-off that has none (MIDI 1.0). */
export const NO_VELOCITY = 64;
/** Controllers of pedals that hold notes: sustain, sostenuto, hold 2. From 64 on they are down. */
const PEDALS: readonly number[] = [64, 66, 69];
const DOWN = 64;

/** The notes that sound on one key, oldest first: their ids. */
interface Sounding {
  readonly ids: number[];
  first: number;
}

const slotOf = (track: number, channel: number, key: number): number => (track * 16 + channel) * 128 + key;
const channelOf = (slot: number): number => (slot >> 7) & 15;

/**
 * - note-on: NoteOn, value velocity / 127, with a new note id. note-off and note-on of velocity 0: NoteOff with the id of the oldest
 *   sounding note of the same track, channel and key; value is the release velocity / 127, 64 / 127 where there is none.
 * - controllers 0 and 32 are kept for the next program: Program has id = bank (128 × controller 0 + controller 32), value = program.
 * - controllers 120 (all sound off) and 123 to 127 (all notes off, and the modes that imply it): AllNotesOff.
 * - the other controllers, one by one: ControlChange, id = number, value / 127. Pressure: value / 127, with its key or -1.
 * - bend: -1 to 1, exactly 0 at the centre (8192) and ±1 at the ends.
 */
export class MidiMapping {
  /** Note-offs that ended no note; they are left out. */
  strayNoteOffs = 0;
  private next: number;
  private readonly first: number;
  private readonly most: number;
  private readonly put: PutEvent;
  private readonly sounding = new Map<number, Sounding>();
  private readonly banks = new Uint16Array(16);
  /** Channel and controller of the pedals that are down. */
  private readonly pedals = new Set<number>();

  /**
   * @param firstNoteId the id of the first note
   * @param noteIds how many ids there are: after the last comes the first again
   */
  constructor(put: PutEvent, firstNoteId = 0, noteIds = Number.POSITIVE_INFINITY) {
    this.put = put;
    this.next = this.first = firstNoteId;
    this.most = firstNoteId + noteIds;
  }

  /** One more than the last note id given. */
  get nextNoteId(): number {
    return this.next;
  }

  /** @param track what tells apart notes of one channel and key: those of a file's tracks end each other not */
  take(message: MidiMessage, track = 0): void {
    const { type, channel, a, b } = message;
    if (isNoteOff(message)) {
      const noteId = this.end(slotOf(track, channel, a));
      const velocity = type === "note-off" ? b : NO_VELOCITY;
      if (noteId < 0) this.strayNoteOffs++;
      else this.put(EventType.NoteOff, noteId, channel, a, 0, velocity / 127);
      return;
    }
    switch (type) {
      case "note-on":
        this.put(EventType.NoteOn, this.begin(slotOf(track, channel, a)), channel, a, 0, b / 127);
        break;
      case "key-pressure":
        this.put(EventType.Pressure, -1, channel, a, 0, b / 127);
        break;
      case "pressure":
        this.put(EventType.Pressure, -1, channel, -1, 0, a / 127);
        break;
      case "program":
        this.put(EventType.Program, -1, channel, -1, this.banks[channel] as number, a);
        break;
      case "bend":
        this.put(EventType.Bend, -1, channel, -1, 0, (a - 8192) / (a < 8192 ? 8192 : 8191));
        break;
      case "control-change":
        this.control(channel, a, b);
        break;
    }
  }

  /** Ends all notes that sound, and lifts the pedals that would hold them. */
  release(): void {
    for (const pedal of this.pedals) {
      this.put(EventType.ControlChange, -1, pedal >> 7, -1, pedal & 127, 0);
    }
    this.pedals.clear();
    for (const [slot, { ids, first }] of this.sounding) {
      for (let i = first; i < ids.length; i++) {
        const id = ids[i] as number;
        this.put(EventType.NoteOff, id, channelOf(slot), slot & 127, 0, NO_VELOCITY / 127);
      }
    }
    this.sounding.clear();
  }

  private control(channel: number, controller: number, value: number): void {
    const bank = this.banks[channel] as number;
    if (controller === 0) this.banks[channel] = value * 128 + (bank & 127);
    else if (controller === 32) this.banks[channel] = (bank & ~127) + value;
    else if (endsAllNotes(controller)) {
      this.put(EventType.AllNotesOff, -1, channel, -1, 0, 0);
      for (const slot of this.sounding.keys()) if (channelOf(slot) === channel) this.sounding.delete(slot);
    } else {
      this.put(EventType.ControlChange, -1, channel, -1, controller, value / 127);
      if (!PEDALS.includes(controller)) return;
      if (value >= DOWN) this.pedals.add(channel * 128 + controller);
      else this.pedals.delete(channel * 128 + controller);
    }
  }

  private begin(slot: number): number {
    const id = this.next++;
    if (this.next === this.most) this.next = this.first;
    const notes = this.sounding.get(slot);
    if (notes) notes.ids.push(id);
    else this.sounding.set(slot, { ids: [id], first: 0 });
    return id;
  }

  private end(slot: number): number {
    const notes = this.sounding.get(slot);
    if (notes === undefined) return -1;
    const id = notes.ids[notes.first++] as number;
    if (notes.first === notes.ids.length) this.sounding.delete(slot);
    return id;
  }
}
