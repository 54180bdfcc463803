// What is played to a plugin: sound, events, parameter changes and a transport, all by their frame from the start, so that
// the same score can be played in blocks of any length.

import { isInput, type PluginDescriptor } from "../../abi/descriptor.ts";
import {
  EventType,
  TRANSPORT_BAR_START,
  TRANSPORT_BEAT,
  TRANSPORT_BPM,
  TRANSPORT_DENOMINATOR,
  TRANSPORT_FLAGS,
  TRANSPORT_HAS_TEMPO,
  TRANSPORT_NUMERATOR,
  TRANSPORT_PLAYING,
  TRANSPORT_SECONDS,
} from "../../abi/layout.ts";
import { Random } from "./random.ts";

/** Fills `to` with channel `lane` of the sound from `frame` on. Lanes count over all channels of all inputs. */
export type Signal = (to: Float32Array, frame: number, lane: number) => void;

export interface ScoreEvent {
  frame: number;
  type: number;
  /** Index in the descriptor. */
  port: number;
  noteId?: number;
  channel?: number;
  key?: number;
  id?: number;
  value?: number;
  /** Goes to the arena; the event then says where. */
  data?: Uint8Array;
}

/** A parameter's new value: in the slot at the start of the block, and as an event if that is inside. */
export interface Change {
  frame: number;
  slot: number;
  value: number;
}

export interface Score {
  frames: number;
  signal: Signal;
  /** In the order of their frames. */
  events: readonly ScoreEvent[];
  changes: readonly Change[];
  /** Writes the transport at a frame. */
  transport: (view: DataView, frame: number, rate: number) => void;
}

const NOISE = 1 << 16;
const noise = (() => {
  const random = new Random(20240229);
  return Float32Array.from({ length: NOISE }, () => random.unit() - 0.5);
})();

/** White noise, at most 0.5 loud, a different one in each lane. */
export function noiseSignal(gain = 1): Signal {
  return (to, frame, lane) => {
    const from = frame + lane * 9973;
    for (let i = 0; i < to.length; i++) to[i] = (noise[(from + i) & (NOISE - 1)] as number) * gain;
  };
}

export const silence: Signal = (to) => {
  to.fill(0);
};

/** `before` up to a frame, `after` from there on. */
export function cutSignal(at: number, before: Signal, after: Signal = silence): Signal {
  return (to, frame, lane) => {
    const split = Math.min(Math.max(at - frame, 0), to.length);
    if (split > 0) before(to.subarray(0, split), frame, lane);
    if (split < to.length) after(to.subarray(split), frame + split, lane);
  };
}

/** One sample that is not zero. */
export function impulseSignal(at: number, height: number): Signal {
  return (to, frame) => {
    to.fill(0);
    if (at >= frame && at < frame + to.length) to[at - frame] = height;
  };
}

/** A piece of music that plays in 4/4 from its start. */
export function steadyTransport(bpm: number): Score["transport"] {
  return (view, frame, rate) => {
    const seconds = frame / rate;
    const beat = (seconds * bpm) / 60;
    view.setUint32(TRANSPORT_FLAGS, TRANSPORT_PLAYING | TRANSPORT_HAS_TEMPO, true);
    view.setUint16(TRANSPORT_NUMERATOR, 4, true);
    view.setUint16(TRANSPORT_DENOMINATOR, 4, true);
    view.setFloat64(TRANSPORT_BPM, bpm, true);
    view.setFloat64(TRANSPORT_BEAT, beat, true);
    view.setFloat64(TRANSPORT_BAR_START, Math.floor(beat / 4) * 4, true);
    view.setFloat64(TRANSPORT_SECONDS, seconds, true);
  };
}

/** Index of the first event input, or -1. */
export function eventInput(descriptor: PluginDescriptor): number {
  return descriptor.ports.findIndex((port) => port.type === "event" && isInput(port));
}

const NOTE_EVERY = 1_201;
const NOTE_LENGTH = 2_003;
const CHORD = [60, 64, 67, 71, 48, 55, 74];

/** Notes one after another, each begun and ended, up to three at once; the last one ends before `frames`. */
export function melody(port: number, frames: number): ScoreEvent[] {
  const events: ScoreEvent[] = [];
  for (let n = 0; ; n++) {
    const on = 5 + n * NOTE_EVERY;
    const off = on + NOTE_LENGTH;
    if (off >= frames) break;
    const note = { port, noteId: n, channel: n % 3, key: (CHORD[n % CHORD.length] as number) + (n % 5) };
    events.push({ ...note, frame: on, type: EventType.NoteOn, value: 0.3 + (n % 7) * 0.1 });
    events.push({ ...note, frame: off, type: EventType.NoteOff, value: 0.5 });
  }
  return sorted(events);
}

export function sorted<T extends { frame: number }>(events: T[]): T[] {
  return events.sort((a, b) => a.frame - b.frame);
}

/** Noise into every audio input and a melody into the first event input. */
export function standardScore(
  descriptor: PluginDescriptor,
  frames: number,
  more: Partial<Score> = {},
): Score {
  const port = eventInput(descriptor);
  return {
    frames,
    signal: noiseSignal(),
    events: port < 0 ? [] : melody(port, frames),
    changes: [],
    transport: steadyTransport(120),
    ...more,
  };
}
