// A plugin's event buffer, seen from the host: 32-byte records in the plugin's memory, ordered by frame.

import { writeEvent } from "../../abi/event.ts";
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
  EventType,
} from "../../abi/layout.ts";

/** [audio] Nothing here allocates after the constructor. */
export class EventList {
  /** Most events of one block. */
  readonly capacity: number;
  /** Events that it holds now. */
  count = 0;
  readonly view: DataView;
  /** The same bytes, 8 words an event. */
  readonly words: Int32Array;

  constructor(buffer: ArrayBufferLike, at: number, capacity: number) {
    this.capacity = capacity;
    this.view = new DataView(buffer, at, capacity * EVENT_BYTES);
    this.words = new Int32Array(buffer, at, capacity * (EVENT_BYTES / 4));
  }

  clear(): void {
    this.count = 0;
  }

  /** Adds an event; frames must not go back. False where the list is full. */
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

  frame(i: number): number {
    return this.view.getUint32(i * EVENT_BYTES + EVENT_FRAME, true);
  }
  type(i: number): number {
    return this.view.getUint16(i * EVENT_BYTES + EVENT_TYPE, true);
  }
  port(i: number): number {
    return this.view.getUint16(i * EVENT_BYTES + EVENT_PORT, true);
  }
  noteId(i: number): number {
    return this.view.getInt32(i * EVENT_BYTES + EVENT_NOTE_ID, true);
  }
  channel(i: number): number {
    return this.view.getInt16(i * EVENT_BYTES + EVENT_CHANNEL, true);
  }
  key(i: number): number {
    return this.view.getInt16(i * EVENT_BYTES + EVENT_KEY, true);
  }
  id(i: number): number {
    return this.view.getUint32(i * EVENT_BYTES + EVENT_ID, true);
  }
  value(i: number): number {
    return this.view.getFloat64(i * EVENT_BYTES + EVENT_VALUE, true);
  }

  /**
   * Makes what a plugin wrote harmless: frames inside the block and in order. An event that no other node may
   * get loses its type: one of a port that is no event output, of an unknown type, with a value that is not finite.
   */
  sanitize(frames: number, outputs: Uint8Array): void {
    let least = 0;
    for (let i = 0; i < this.count; i++) {
      const at = i * EVENT_BYTES;
      let frame = this.view.getUint32(at + EVENT_FRAME, true);
      if (frame < least) frame = least;
      if (frame >= frames) frame = frames - 1;
      this.view.setUint32(at + EVENT_FRAME, frame, true);
      least = frame;
      if (outputs[this.port(i)] !== 1 || !this.travels(i)) this.view.setUint16(at + EVENT_TYPE, 0, true);
    }
  }

  /** Whether event `i` is of a kind that goes from plugin to plugin. */
  private travels(i: number): boolean {
    const type = this.type(i);
    if (type === EventType.Midi1 || type === EventType.Ump) return true;
    if (type < EventType.NoteOn || type > EventType.AllNotesOff || type === EventType.Param) return false;
    const value = this.value(i);
    return value - value === 0;
  }
}
