// Channel messages of MIDI 1.0: what their bytes are called, in a file as on a wire.

export type MidiMessageType =
  | "note-off"
  | "note-on"
  | "key-pressure"
  | "control-change"
  | "program"
  | "pressure"
  | "bend";

export interface MidiMessage {
  readonly type: MidiMessageType;
  /** 0 to 15. */
  readonly channel: number;
  /** Key, controller, program or pressure, 0 to 127; bend: 0 to 16383, centre 8192. */
  readonly a: number;
  /** Velocity (a note-on of 0 is a note-off), value or pressure of the key, 0 to 127; else 0. */
  readonly b: number;
}

const TYPES: readonly MidiMessageType[] = [
  "note-off",
  "note-on",
  "key-pressure",
  "control-change",
  "program",
  "pressure",
  "bend",
];

/** How many data bytes follow a status from 0x80 to 0xef. */
export function dataBytesOf(status: number): 1 | 2 {
  const kind = status >> 4;
  return kind === 0xc || kind === 0xd ? 1 : 2;
}

/**
 * @param status 0x80 to 0xef
 * @param first 0 to 127
 * @param second 0 to 127; 0 where the status has one data byte
 */
export function channelMessage(status: number, first: number, second: number): MidiMessage {
  const type = TYPES[(status >> 4) - 8] as MidiMessageType;
  const bend = type === "bend";
  return {
    type,
    channel: status & 15,
    // The low seven bits come first.
    a: bend ? second * 128 + first : first,
    b: bend ? 0 : second,
  };
}

export function isNoteOff({ type, b }: Pick<MidiMessage, "type" | "b">): boolean {
  return type === "note-off" || (type === "note-on" && b === 0);
}

/** Controllers that end all notes of their channel: all sound off, all notes off, and the modes that imply it. */
export function endsAllNotes(controller: number): boolean {
  return controller === 120 || controller >= 123;
}
