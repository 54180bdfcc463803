// What is played on an event input: notes and other events, checked.

import { EventType } from "../../../abi/layout.ts";
import { BelljarError } from "../../../abi/error.ts";
import { PLAYED_EVENTS } from "../processor.ts";

/** A note or another event for an event input. */
export interface LiveInput {
  /** An EventType. */
  type: number;
  /** Frame of the sound at which it happens; not said or past: at once. Times must not fall. */
  time?: number;
  noteId?: number;
  /** 0 to 15; -1: every. */
  channel?: number;
  /** 0 to 127; -1: every. */
  key?: number;
  id?: number;
  value?: number;
}

/** @throws BelljarError live/event, live/value */
export function checkInput({ type, time, noteId, channel, key, id, value }: LiveInput): void {
  if (!PLAYED_EVENTS.some((one) => one === type)) {
    throw new BelljarError("live/event", `An event of type ${type} can't be played.`);
  }
  checkFinite("An event's time or value", time ?? 0);
  checkFinite("An event's time or value", value ?? 0);
  checkWholeOf("note id", noteId ?? -1, -1, 0x7fffffff);
  checkWholeOf("channel", channel ?? -1, -1, 15);
  checkWholeOf("key", key ?? -1, type === EventType.NoteOn ? 0 : -1, 127);
  checkWholeOf("id", id ?? 0, 0, 0x7fffffff);
}

/** @throws BelljarError live/value */
export function checkFinite(what: string, value: number): void {
  if (Number.isFinite(value)) return;
  throw new BelljarError("live/value", `${what} must be a finite number, not ${value}.`);
}

/** @throws BelljarError live/event */
export function checkWholeOf(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new BelljarError(
    "live/event",
    `The ${what} of an event must be a whole number from ${least} to ${most}, not ${value}.`,
  );
}
