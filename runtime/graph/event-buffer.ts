// A list of timed events in JavaScript's memory: what the track source sends, and what wires hold back.

import { writeEvent } from "../../abi/event.ts";
import { EVENT_BYTES, EVENT_VALUE } from "../../abi/layout.ts";
import type { NodeEvents } from "./node.ts";

export const EVENT_WORDS = EVENT_BYTES / 4;

export class EventBuffer implements NodeEvents {
  readonly capacity: number;
  readonly words: Int32Array;
  readonly view: DataView;
  count = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.words = new Int32Array(capacity * EVENT_WORDS);
    this.view = new DataView(this.words.buffer);
  }

  /** Adds an event; frames must not fall. False: full. */
  push(
    frame: number,
    type: number,
    port: number,
    noteId: number,
    channel: number,
    key: number,
    id: number,
    value: number,
  ): boolean {
    if (this.count >= this.capacity) return false;
    writeEvent(this.view, this.count++ * EVENT_BYTES, frame, type, port, noteId, channel, key, id, value);
    return true;
  }

  /** [audio] The same of port 0, with values[at] as its value: a number that is handed over may be a new object. */
  pushFrom(
    frame: number,
    type: number,
    noteId: number,
    channel: number,
    key: number,
    id: number,
    values: ArrayLike<number>,
    at: number,
  ): boolean {
    const to = this.count * EVENT_BYTES + EVENT_VALUE;
    if (!this.push(frame, type, 0, noteId, channel, key, id, 0)) return false;
    this.view.setFloat64(to, values[at] as number, true);
    return true;
  }
}
