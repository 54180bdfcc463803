// Standard MIDI files, read from bytes that nobody vouches for. Source: "Standard MIDI Files 1.0" (MIDI Manufacturers
// Association, RP-001). midi-time.ts turns ticks into time, midi-schedule.ts events into what plugins receive.

import { BelljarError, printable } from "../../abi/error.ts";
import { channelMessage, dataBytesOf, type MidiMessageType } from "./midi-message.ts";
import { MidiClock, type MidiDivision, type MidiTempo } from "./midi-time.ts";

export { type MidiSchedule, type MidiScheduleOptions, scheduleMidi } from "./midi-schedule.ts";
export { MidiClock, type MidiDivision, type MidiTempo } from "./midi-time.ts";

/** Most bytes of a file. */
export const MIDI_MAX_BYTES = 64 * 1024 * 1024;
/** Most tracks. */
export const MIDI_MAX_TRACKS = 1024;
/** Most events, all tracks together. */
export const MIDI_MAX_EVENTS = 1 << 20;
/** Longest file, in seconds: a week. */
export const MIDI_MAX_SECONDS = 604800;

export type MidiEventType = MidiMessageType | "sysex" | "escape" | "meta";

/** One event, as the file has it. */
export interface MidiEvent {
  /** Since the start of the track. */
  readonly tick: number;
  readonly type: MidiEventType;
  /** 0 to 15; -1: of no channel. */
  readonly channel: number;
  /** Key, controller, program or pressure, 0 to 127; bend: 0 to 16383, centre 8192; meta: its type. */
  readonly a: number;
  /** Velocity (a note-on of 0 is a note-off), value or pressure of the key, 0 to 127; else 0. */
  readonly b: number;
  /** sysex (without the leading F0), escape and meta: their bytes; else null. A view of the file. */
  readonly data: Uint8Array | null;
}

export interface MidiTrack {
  /** The first name in the track, safe to print; or empty. */
  readonly name: string;
  /** Ordered by tick. */
  readonly events: readonly MidiEvent[];
  /** Where the track ends. */
  readonly endTick: number;
}

export interface MidiTimeSignature {
  readonly tick: number;
  readonly numerator: number;
  /** 1, 2, 4, 8, … */
  readonly denominator: number;
}

/** A Standard MIDI File. */
export interface MidiFile {
  /** What errors call it; safe to print. */
  readonly name: string;
  readonly format: 0 | 1;
  readonly division: MidiDivision;
  readonly tracks: readonly MidiTrack[];
  /** All tempo changes, ordered by tick, at most one a tick. Empty: 120 quarters a minute throughout. Without meaning in an SMPTE file. */
  readonly tempoMap: readonly MidiTempo[];
  readonly timeSignatures: readonly MidiTimeSignature[];
  /** The latest end of a track. */
  readonly endTick: number;
  /** Seconds to endTick. */
  readonly seconds: number;
  readonly clock: MidiClock;
  /** Seconds since the start at a tick. */
  secondsAt(tick: number): number;
  /** What is odd about the file but leaves no doubt: one sentence for each kind, with its first place. */
  readonly warnings: readonly string[];
}

const META_TRACK_NAME = 0x03;
const META_END_OF_TRACK = 0x2f;
const META_TEMPO = 0x51;
const META_TIME_SIGNATURE = 0x58;

/**
 * Reads a Standard MIDI File of format 0 or 1.
 *
 * Refused: whatever leaves in doubt what is meant. Accepted with a warning: a data byte after a meta or sysex event without a
 * new status byte (the standard ends running status there; the last channel status is taken, as most players do), a
 * track without an end, bytes after a track's end, more tracks than announced, bytes after the last track. Meta events that are
 * too short for their kind are left out of the tempo map and the time signatures, those too long are read by their first bytes.
 *
 * @param bytes the whole file
 * @param name what errors call the file
 * @throws BelljarError with a code `midi/…`: not-midi, truncated, format-2, format, division, tracks, too-large, too-many-events,
 * length, overrun, status, data-byte, tempo, too-long
 */
export function readMidiFile(bytes: Uint8Array, name: string): MidiFile {
  return new MidiParser(bytes, printable(name)).parse();
}

class MidiParser {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #name: string;
  readonly #warnings = new Map<string, string>();
  readonly #tempos: MidiTempo[] = [];
  readonly #signatures: MidiTimeSignature[] = [];
  #at = 0;
  /** The end of the chunk that is read. */
  #end = 0;
  #events = 0;

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#name = name;
  }

  parse(): MidiFile {
    const { format, division, count } = this.#header();
    const tracks = this.#tracks(count);
    const byTick = (a: { tick: number }, b: { tick: number }): number => a.tick - b.tick;
    const tempoMap = lastOfEachTick(this.#tempos.sort(byTick));
    const timeSignatures = lastOfEachTick(this.#signatures.sort(byTick));
    const endTick = tracks.reduce((end, track) => Math.max(end, track.endTick), 0);
    const clock = new MidiClock(division, tempoMap);
    const seconds = clock.secondsAt(endTick);
    if (!(seconds <= MIDI_MAX_SECONDS && clock.unitsAt(endTick) <= Number.MAX_SAFE_INTEGER)) {
      throw this.#error(
        "too-long",
        `lasts longer than a week, by the ticks it counts up to byte ${this.#bytes.length}`,
      );
    }
    return {
      name: this.#name,
      format,
      division,
      tracks,
      tempoMap,
      timeSignatures,
      endTick,
      seconds,
      clock,
      secondsAt: (tick) => clock.secondsAt(tick),
      warnings: [...this.#warnings.values()],
    };
  }

  #header(): { format: 0 | 1; division: MidiDivision; count: number } {
    const total = this.#bytes.length;
    const magic = this.#tag(0);
    if (total >= 4 && magic !== "MThd") {
      const hint = magic === "RIFF" ? "It is a RIFF file, such as WAV or RMID." : "";
      throw this.#error(
        "not-midi",
        `is not a MIDI file: at byte 0 there is "${printable(magic)}" in place of "MThd"`,
        hint,
      );
    }
    if (total > MIDI_MAX_BYTES) {
      throw this.#error(
        "too-large",
        `has ${total} bytes; ${MIDI_MAX_BYTES} are read at most, and it goes on past byte ${MIDI_MAX_BYTES}`,
      );
    }
    if (total < 14)
      throw this.#error("truncated", `is cut off: its header takes 14 bytes, but it ends at byte ${total}`);
    const length = this.#view.getUint32(4);
    if (length < 6) throw this.#error("not-midi", `has a header of ${length} bytes at byte 8; it takes 6`);
    if (8 + length > total) this.#truncated(0, `a header of ${length} bytes`);
    const format = this.#view.getUint16(8);
    const count = this.#view.getUint16(10);
    if (format === 2) {
      throw this.#error(
        "format-2",
        "is a MIDI file of format 2 (byte 8), which holds several pieces",
        "Formats 0 and 1 are read.",
      );
    }
    if (format > 2)
      throw this.#error("format", `is a MIDI file of format ${format} (byte 8); 0 and 1 are read`);
    if (count === 0) throw this.#error("tracks", "says at byte 10 that it has no tracks");
    if (count > MIDI_MAX_TRACKS)
      throw this.#error(
        "tracks",
        `says at byte 10 that it has ${count} tracks; ${MIDI_MAX_TRACKS} are read at most`,
      );
    this.#at = 8 + length;
    return { format: format as 0 | 1, division: this.#division(), count };
  }

  #division(): MidiDivision {
    const ticksPerQuarter = this.#view.getInt16(12);
    if (ticksPerQuarter > 0) return { kind: "metrical", ticksPerQuarter };
    const frames = -this.#view.getInt8(12);
    const ticksPerFrame = this.#view.getUint8(13);
    const framesPerSecond = frames === 29 ? 29.97 : frames;
    const known =
      framesPerSecond === 24 || framesPerSecond === 25 || framesPerSecond === 29.97 || framesPerSecond === 30;
    if (ticksPerQuarter === 0 || ticksPerFrame === 0) {
      throw this.#error("division", "says at byte 12 that its ticks take no time");
    }
    if (!known)
      throw this.#error(
        "division",
        `counts ${frames} film frames a second (byte 12); 24, 25, 29 (29.97) and 30 are known`,
      );
    return { kind: "smpte", framesPerSecond, ticksPerFrame };
  }

  #tracks(count: number): MidiTrack[] {
    const total = this.#bytes.length;
    const tracks: MidiTrack[] = [];
    while (this.#at < total) {
      const at = this.#at;
      const complete = tracks.length >= count;
      const fits = at + 8 <= total && at + 8 + this.#view.getUint32(at + 4) <= total;
      if (complete && (!fits || this.#tag(at) !== "MTrk")) {
        this.#warn("after", `has bytes after its last track, from byte ${at}`);
        if (!fits) break;
      }
      if (at + 8 > total) this.#truncated(at, "the header of a chunk");
      const length = this.#view.getUint32(at + 4);
      if (!fits) this.#truncated(at, `a chunk "${printable(this.#tag(at))}" of ${length} bytes`);
      if (this.#tag(at) === "MTrk") {
        if (complete)
          this.#warn("tracks", `says that it has ${tracksText(count)}, but has another at byte ${at}`);
        if (tracks.length === MIDI_MAX_TRACKS) {
          throw this.#error("tracks", `has more than ${MIDI_MAX_TRACKS} tracks, with the one at byte ${at}`);
        }
        this.#at = at + 8;
        this.#end = this.#at + length;
        tracks.push(this.#track());
      }
      this.#at = at + 8 + length;
    }
    if (tracks.length < count) {
      throw this.#error(
        "truncated",
        `says that it has ${tracksText(count)}, but ends at byte ${total} after ${tracks.length}`,
      );
    }
    return tracks;
  }

  #track(): MidiTrack {
    const events: MidiEvent[] = [];
    let name = "";
    let tick = 0;
    /** The last channel status; 0: there was none. */
    let status = 0;
    let runs = false;
    while (this.#at < this.#end) {
      tick += this.#length("the time of an event");
      const at = this.#at;
      let first = this.#byte("an event");
      if (++this.#events > MIDI_MAX_EVENTS) {
        throw this.#error(
          "too-many-events",
          `has more than ${MIDI_MAX_EVENTS} events, with the one at byte ${at}`,
        );
      }
      if (first >= 0xf0) {
        const event = this.#systemEvent(tick, first, at);
        if (event.type === "meta") {
          if (event.a === META_END_OF_TRACK) {
            if (this.#at < this.#end)
              this.#warn("trailing", `has bytes after the end of a track, from byte ${this.#at}`);
            return { name, events, endTick: tick };
          }
          if (event.a === META_TRACK_NAME && name === "") name = textOf(event.data as Uint8Array);
          else this.#timing(event, at);
        }
        events.push(event);
        runs = false;
        continue;
      }
      if (first >= 0x80) {
        status = first;
        first = this.#dataByte();
      } else if (status === 0) {
        throw this.#error("status", `has the byte ${hex(first)} at byte ${at}, where an event must begin`);
      } else if (!runs) {
        this.#warn("running", `goes on with the last status after a meta or sysex event, at byte ${at}`);
      }
      runs = true;
      const second = dataBytesOf(status) === 1 ? 0 : this.#dataByte();
      events.push({ tick, ...channelMessage(status, first, second), data: null });
    }
    this.#warn("endless", `has a track without an end; it is taken to end at byte ${this.#end}`);
    return { name, events, endTick: tick };
  }

  #systemEvent(tick: number, status: number, at: number): MidiEvent {
    if (status !== 0xff && status !== 0xf0 && status !== 0xf7) {
      throw this.#error(
        "status",
        `has the status ${hex(status)} at byte ${at}, which has no place in a file`,
      );
    }
    const meta = status === 0xff ? this.#byte("a meta event") : 0;
    if (meta >= 0x80)
      throw this.#error(
        "data-byte",
        `has a meta event of type ${hex(meta)} at byte ${at}; types end at 0x7f`,
      );
    const length = this.#length("the length of an event");
    if (length > this.#end - this.#at) {
      throw this.#error(
        "overrun",
        `has an event of ${length} bytes at byte ${at}, but its track ends at byte ${this.#end}`,
      );
    }
    const data = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    const type = status === 0xff ? "meta" : status === 0xf0 ? "sysex" : "escape";
    return { tick, type, channel: -1, a: meta, b: 0, data };
  }

  #timing(event: MidiEvent, at: number): void {
    const data = event.data as Uint8Array;
    const [first = 0, second = 0, third = 0] = data;
    if (event.a === META_TEMPO && data.length >= 3) {
      const microsecondsPerQuarter = first * 65536 + second * 256 + third;
      if (microsecondsPerQuarter === 0)
        throw this.#error("tempo", `has a tempo at byte ${at} at which a quarter note takes no time`);
      this.#tempos.push({ tick: event.tick, microsecondsPerQuarter });
    } else if (event.a === META_TIME_SIGNATURE && data.length >= 2 && first > 0 && second <= 15) {
      this.#signatures.push({ tick: event.tick, numerator: first, denominator: 2 ** second });
    } else if (event.a === META_TEMPO || event.a === META_TIME_SIGNATURE) {
      this.#warn(
        `meta${event.a}`,
        `has a ${event.a === META_TEMPO ? "tempo" : "time signature"} at byte ${at} that says nothing`,
      );
    }
  }

  /** A variable-length quantity: seven bits a byte, four bytes at most. */
  #length(what: string): number {
    const at = this.#at;
    let value = 0;
    for (let bytes = 0; bytes < 4; bytes++) {
      const byte = this.#byte(what);
      value = value * 128 + (byte & 127);
      if (byte < 128) return value;
    }
    throw this.#error("length", `has a number of more than four bytes at byte ${at} (${what})`);
  }

  #byte(what: string): number {
    if (this.#at >= this.#end) {
      throw this.#error("overrun", `has a track that ends at byte ${this.#end}, in the middle of ${what}`);
    }
    return this.#bytes[this.#at++] as number;
  }

  #dataByte(): number {
    const byte = this.#byte("an event");
    if (byte >= 128) {
      throw this.#error(
        "data-byte",
        `has the byte ${hex(byte)} at byte ${this.#at - 1}, inside an event, where bytes end at 0x7f`,
      );
    }
    return byte;
  }

  #tag(at: number): string {
    return String.fromCharCode(...this.#bytes.subarray(at, at + 4));
  }

  #warn(kind: string, rest: string): void {
    if (!this.#warnings.has(kind)) this.#warnings.set(kind, `${this.#name} ${rest}.`);
  }

  #truncated(at: number, what: string): never {
    throw this.#error(
      "truncated",
      `is cut off: ${what} begins at byte ${at}, but the file ends at byte ${this.#bytes.length}`,
    );
  }

  #error(code: string, rest: string, hint = ""): BelljarError {
    return new BelljarError(`midi/${code}`, `${this.#name} ${rest}.`, hint);
  }
}

function tracksText(count: number): string {
  return count === 1 ? "one track" : `${count} tracks`;
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}

/** The standard says ASCII; files hold UTF-8 or Latin-1. */
function textOf(data: Uint8Array): string {
  const bytes = data.subarray(0, 400);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    text = String.fromCharCode(...bytes);
  }
  return printable(text.trim(), 100);
}

function lastOfEachTick<T extends { tick: number }>(sorted: readonly T[]): T[] {
  return sorted.filter((item, i) => sorted[i + 1]?.tick !== item.tick);
}
