// A list of timed events in JavaScript's memory: what the track source sends, and what wires hold back.

import {
  EVENT_BYTES,
  EVENT_CHANNEL,
  EVENT_FRAME,
  EVENT_ID,
  EVENT_KEY,
  EVENT_NOTE_ID,
  EVENT_PORT,
  EVENT_TYPE,
  EVENT_VALUE,
} from "../../abi/layout.ts";
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
    const at = this.count * EVENT_BYTES;
    const view = this.view;
    view.setUint32(at + EVENT_FRAME, frame, true);
    view.setUint16(at + EVENT_TYPE, type, true);
    view.setUint16(at + EVENT_PORT, port, true);
    view.setInt32(at + EVENT_NOTE_ID, noteId, true);
    view.setInt16(at + EVENT_CHANNEL, channel, true);
    view.setInt16(at + EVENT_KEY, key, true);
    view.setUint32(at + EVENT_ID, id, true);
    view.setUint32(at + EVENT_ID + 4, 0, true);
    view.setFloat64(at + EVENT_VALUE, value, true);
    this.count++;
    return true;
  }
}
