// What comes over a MIDI 1.0 cable, byte by byte, as events for an event input. Nothing that comes throws.
// Source: "MIDI 1.0 Detailed Specification" (MIDI Manufacturers Association, document 4.2).

import { EventType } from "../../../abi/layout.ts";
import { checkKeys, checkWhole, refuse } from "../arguments.ts";
import { MidiMapping } from "../midi-mapping.ts";
import { channelMessage, dataBytesOf } from "../midi-message.ts";

/** An event as LiveSession.play takes it. */
export interface MidiInputEvent {
  /** An EventType. */
  type: number;
  /** -1: of no note. */
  noteId: number;
  /** 0 to 15; -1: every. */
  channel: number;
  /** 0 to 127; -1: of no key. */
  key: number;
  id: number;
  value: number;
}

export interface MidiInputOptions {
  /** Only this channel, 0 to 15; all by default. */
  channel?: number;
  /** The id of the first note, far above those of MIDI files by default. Inputs that play one node need different ones. */
  firstNoteId?: number;
  /** How many ids there are before the first comes again. */
  noteIds?: number;
}

/** Ids of notes from devices: above those that a MIDI file's notes have. */
export const DEVICE_NOTE_IDS = 2 ** 30;
const NOTE_IDS = 2 ** 24;
const MOST_NOTE_ID = 2 ** 31 - 1;

const SYSEX = 0xf0;
const SYSTEM_RESET = 0xff;

/**
 * One MIDI connection. Channel messages become events as those of a MIDI file do: notes with ids, controllers one by one, banks
 * kept for the next program. System messages are passed over, whatever their length, but for a reset, which ends all notes.
 * Running status is kept, and real-time messages may stand between the bytes of others. What is no MIDI is passed over.
 */
export class MidiInput {
  private readonly mapping: MidiMapping;
  private readonly play: (event: MidiInputEvent) => void;
  private readonly channel: number;
  /** The last channel status; 0: there was none, or a system message ended it. */
  private status = 0;
  /** The first data byte of a message of two; -1: it has not come yet. */
  private first = -1;

  /**
   * @param play what follows an event: with a live session, `(event) => session.play("keys", event)`
   * @throws BelljarError usage/option, usage/value
   */
  constructor(play: (event: MidiInputEvent) => void, options: MidiInputOptions = {}) {
    if (typeof play !== "function") refuse("play of a MidiInput", "a function", play);
    checkKeys("option of MidiInput", options, ["channel", "firstNoteId", "noteIds"]);
    const { channel = -1, firstNoteId = DEVICE_NOTE_IDS, noteIds = NOTE_IDS } = options;
    checkWhole("channel", options.channel ?? 0, 0, 15);
    checkWhole("first note id", firstNoteId, 0, MOST_NOTE_ID);
    checkWhole("number of note ids", noteIds, 1, MOST_NOTE_ID - firstNoteId + 1);
    this.play = play;
    this.channel = channel;
    this.mapping = new MidiMapping(
      (type, noteId, of, key, id, value) => play({ type, noteId, channel: of, key, id, value }),
      firstNoteId,
      noteIds,
    );
  }

  /** What has come, in any pieces. */
  receive(bytes: Iterable<number>): void {
    for (const value of bytes) {
      const byte = value & 0xff;
      // Real-time messages have one byte, and change nothing around them.
      if (byte >= 0xf8) {
        if (byte === SYSTEM_RESET) this.reset();
      } else if (byte >= SYSEX) this.begin(0);
      else if (byte >= 0x80) this.begin(byte);
      else if (this.status !== 0) this.data(byte);
    }
  }

  /** Ends all notes that sound, and lifts the pedals that would hold them: the cable was pulled out. */
  release(): void {
    this.begin(0);
    this.mapping.release();
  }

  private begin(status: number): void {
    this.status = status;
    this.first = -1;
  }

  private data(byte: number): void {
    const { status, first } = this;
    if (dataBytesOf(status) === 2 && first < 0) {
      this.first = byte;
      return;
    }
    this.first = -1;
    const message = first < 0 ? channelMessage(status, byte, 0) : channelMessage(status, first, byte);
    if (this.channel < 0 || this.channel === message.channel) this.mapping.take(message);
  }

  private reset(): void {
    this.release();
    this.play({ type: EventType.AllNotesOff, noteId: -1, channel: -1, key: -1, id: 0, value: 0 });
  }
}
