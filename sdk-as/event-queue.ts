// The list of events that the plugin sends, kept in order of frames.

import { EVENT_BYTES } from "../abi/layout";
import { Block } from "./block";
import { Event } from "./event";

/** The outgoing events of the host's block. One queue a plugin: a plugin is a module of its own. [audio] */
export class EventQueue {
  /** Address of the list in the host's layout. */
  static base: usize = 0;
  static capacity: i32 = 0;
  static count: i32 = 0;

  /**
   * Makes room for an event at `frame` of the host's block, behind those of the same frame.
   * @returns the address of its 32 bytes with the frame written, or 0: full, or no block is running
   */
  static insert(frame: i32): usize {
    const count = EventQueue.count;
    if (count >= EventQueue.capacity || Block.frames == 0) return 0;
    const at: i32 = frame < 0 ? 0 : frame >= Block.frames ? Block.frames - 1 : frame;
    let slot = EventQueue.base + <usize>count * EVENT_BYTES;
    while (slot > EventQueue.base && load<i32>(slot - EVENT_BYTES) > at) {
      memory.copy(slot, slot - EVENT_BYTES, EVENT_BYTES);
      slot -= EVENT_BYTES;
    }
    EventQueue.count = count + 1;
    changetype<Event>(slot).frame = at;
    return slot;
  }
}
