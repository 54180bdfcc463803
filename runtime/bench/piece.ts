// What a measured plugin gets to do: noise at its audio inputs, held notes at its event input. Made of whole numbers
// alone, so that it has the same bits, and a plugin the same work, on every machine.

import { EventType } from "../../abi/layout.ts";
import type { MidiSchedule } from "../engine/midi-schedule.ts";

/** Samples after which the noise begins again: 2.7 s at 48 kHz. */
const NOISE = 1 << 17;
/** Samples at one level; loud and quiet take turns, so that what follows the level has something to follow. */
const STRETCH = 1 << 14;
const LOUD = 0.25;
const QUIET = 0.03125;

/** White noise of one channel. @param seed a whole number; another one gives other noise */
export function noise(seed: number): Float32Array {
  const samples = new Float32Array(NOISE);
  let state = Math.imul(seed + 1, 0x9e3779b1) | 0;
  for (let i = 0; i < NOISE; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    const level = (i & STRETCH) === 0 ? LOUD : QUIET;
    // The upper 24 bits, as -1 to 1: exact, as is the product with a power of two.
    samples[i] = ((state >> 8) / (1 << 23)) * level;
  }
  return samples;
}

/** Copies `frames` samples of a sound from frame `at` on; what repeats is as long as a power of two. */
export function copyAround(from: Float32Array, at: number, to: Float32Array, frames: number): void {
  const mask = from.length - 1;
  for (let i = 0; i < frames; i++) to[i] = from[(at + i) & mask] as number;
}

/** The same of a sound that ends: silence follows. */
export function copyOnce(from: Float32Array, at: number, to: Float32Array, frames: number): void {
  for (let i = 0; i < frames; i++) to[i] = from[at + i] ?? 0;
}

/** Most notes at once: with 61 keys on each of 16 channels there is room for more, but no plugin has more voices. */
export const MOST_VOICES = 256;
/** Keys 36 to 96, five octaves, and the distance from one note to the next: a fifth, going round. */
const LOWEST_KEY = 36;
const KEYS = 61;
const FIRST_KEY = 24;
const APART = 7;
/** Seconds after which a note is struck again. */
const AGAIN = 2;

interface Note {
  frame: number;
  type: EventType;
  noteId: number;
  channel: number;
  key: number;
  value: number;
}

/**
 * So many notes, held throughout: begun a millisecond apart, and each struck again every two seconds, in turn, since
 * many an instrument's notes fade.
 * @param frames the piece's length
 */
export function heldNotes(voices: number, rate: number, frames: number): MidiSchedule {
  const notes: Note[] = [];
  let noteId = 0;
  for (let voice = 0; voice < voices; voice++) {
    const key = LOWEST_KEY + ((FIRST_KEY + voice * APART) % KEYS);
    const channel = Math.floor(voice / KEYS);
    const value = (8 + (voice % 5)) / 16;
    let sounding = -1;
    for (let time = 0; ; time++) {
      const frame =
        time === 0
          ? Math.floor((voice * rate) / 1000)
          : Math.floor(((time * voices + voice) * AGAIN * rate) / voices);
      if (frame >= frames) break;
      if (sounding >= 0) {
        notes.push({ frame, type: EventType.NoteOff, noteId: sounding, channel, key, value: 0.5 });
      }
      sounding = noteId++;
      notes.push({ frame, type: EventType.NoteOn, noteId: sounding, channel, key, value });
    }
  }
  // Stable: the end of a note stays before the next one of its key.
  notes.sort((a, b) => a.frame - b.frame);
  return {
    length: notes.length,
    frame: Float64Array.from(notes, (note) => note.frame),
    type: Uint16Array.from(notes, (note) => note.type),
    noteId: Int32Array.from(notes, (note) => note.noteId),
    channel: Int16Array.from(notes, (note) => note.channel),
    key: Int16Array.from(notes, (note) => note.key),
    id: new Uint32Array(notes.length),
    value: Float64Array.from(notes, (note) => note.value),
    endFrame: frames,
    nextNoteId: noteId,
    strayNoteOffs: 0,
    endlessNotes: voices,
  };
}
