// What a plugin played: its samples and events, and where two takes differ.

import type { ProcessState } from "../../abi/layout.ts";

/** An event that went out, by its frame from the start. */
export interface SentEvent {
  frame: number;
  type: number;
  port: number;
  noteId: number;
  channel: number;
  key: number;
  id: number;
  value: number;
}

export interface TakeBlock {
  frame: number;
  frames: number;
  state: ProcessState;
  units: number;
  /** Whether process was called. */
  called: boolean;
}

export interface Take {
  rate: number;
  frames: number;
  /** One per channel of each audio output. */
  channels: { name: string; samples: Float32Array }[];
  events: SentEvent[];
  blocks: TakeBlock[];
  /** Values of the control outputs after the last block. */
  controls: number[];
  /** Log lines, emitted messages and requests. */
  messages: number;
  /** Events that found no room in the plugin's list. */
  dropped: number;
}

/** Loudest sample from one frame to another, over all channels. */
export function peak(take: Take, from = 0, to = take.frames): number {
  let most = 0;
  for (const { samples } of take.channels) {
    for (let i = from; i < to; i++) most = Math.max(most, Math.abs(samples[i] as number));
  }
  return most;
}

/** First frame that is louder than `threshold`, or -1. */
export function firstSound(take: Take, threshold = 0, from = 0): number {
  for (let i = from; i < take.frames; i++) {
    for (const { samples } of take.channels) if (Math.abs(samples[i] as number) > threshold) return i;
  }
  return -1;
}

/** Last frame that is louder than `threshold`, or -1. */
export function lastSound(take: Take, threshold: number): number {
  for (let i = take.frames - 1; i >= 0; i--) {
    for (const { samples } of take.channels) if (Math.abs(samples[i] as number) > threshold) return i;
  }
  return -1;
}

/** The largest difference of two takes' samples, and where. */
export function largestDifference(a: Take, b: Take): { size: number; frame: number; name: string } {
  const found = { size: 0, frame: 0, name: "" };
  a.channels.forEach(({ name, samples }, c) => {
    const other = b.channels[c]?.samples ?? new Float32Array(0);
    const frames = Math.min(samples.length, other.length);
    for (let i = 0; i < frames; i++) {
      const size = Math.abs((samples[i] as number) - (other[i] as number));
      if (size > found.size) Object.assign(found, { size, frame: i, name });
    }
  });
  return found;
}

/** Where two takes begin to differ by more than `tolerance`, as words; or null. Events must be equal, but for values within it. */
export function difference(a: Take, b: Take, tolerance = 0): string | null {
  let first: { frame: number; words: string } | null = null;
  a.channels.forEach(({ name, samples }, c) => {
    const other = b.channels[c]?.samples ?? new Float32Array(0);
    const frames = Math.min(samples.length, other.length, first?.frame ?? Number.POSITIVE_INFINITY);
    for (let i = 0; i < frames; i++) {
      const [x, y] = [samples[i] as number, other[i] as number];
      if (Math.abs(x - y) > tolerance) {
        first = { frame: i, words: `${name} differs from frame ${i} on (${short(x)}, ${short(y)})` };
        break;
      }
    }
  });
  if (first !== null) return (first as { words: string }).words;
  const count = Math.max(a.events.length, b.events.length);
  for (let i = 0; i < count; i++) {
    const [x, y] = [a.events[i], b.events[i]];
    if (x === undefined || y === undefined) {
      return `${a.events.length} events went out the one time and ${b.events.length} the other`;
    }
    for (const key of ["frame", "type", "port", "noteId", "channel", "key", "id"] as const) {
      if (x[key] !== y[key]) return `event ${i} differs in its ${key} (${x[key]}, ${y[key]})`;
    }
    if (Math.abs(x.value - y.value) > tolerance) {
      return `event ${i} differs in its value (${short(x.value)}, ${short(y.value)})`;
    }
  }
  return null;
}

/** A number with few digits. */
export function short(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

/** A loudness for people: "-12 dB". */
export function decibels(level: number): string {
  return level > 0 ? `${Math.round(20 * Math.log10(level))} dB` : "silence";
}
