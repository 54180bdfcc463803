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
  Expression,
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
   * Makes what a plugin wrote harmless: frames inside the block and in order, values within what their type allows. An
   * event that no other node may get loses its type: one of a port that is no event output, of an unknown type, with a
   * note, channel or key that there is not, or with a value that is not finite.
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

  /** Whether event `i` goes from plugin to plugin, whose receiver may index its tables by what it says. Bounds its value. */
  private travels(i: number): boolean {
    const type = this.type(i);
    if (type === EventType.Midi1 || type === EventType.Ump) return true;
    if (type < EventType.NoteOn || type > EventType.AllNotesOff || type === EventType.Param) return false;
    const key = this.key(i);
    if (key > 127 || key < (type === EventType.NoteOn ? 0 : -1)) return false;
    const channel = this.channel(i);
    if (channel > 15 || channel < -1) return false;
    if (this.noteId(i) < -1) return false;
    if (type === EventType.ControlChange && this.id(i) > 127) return false;
    const { view } = this;
    const at = i * EVENT_BYTES + EVENT_VALUE;
    // Read here: a number that a call returns may be a new object.
    const value = view.getFloat64(at, true);
    if (value - value !== 0) return false;
    const most = largestValue(type, this.id(i));
    const least = smallestValue(type, this.id(i));
    if (value > most) view.setFloat64(at, most, true);
    else if (value < least) view.setFloat64(at, least, true);
    return true;
  }
}

/** Bounds of an event's value: abi/README.md. */
function largestValue(type: number, id: number): number {
  if (type === EventType.Program) return 127;
  if (type !== EventType.Expression) return 1;
  if (id === Expression.Volume) return 4;
  return id === Expression.Tuning ? 120 : 1;
}

function smallestValue(type: number, id: number): number {
  if (type === EventType.Bend) return -1;
  return type === EventType.Expression && id === Expression.Tuning ? -120 : 0;
}
