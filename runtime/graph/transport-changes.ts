// Changes of the transport inside a block (a tempo, a time signature, a jump), and how they reach a plugin: as events
// whose 64 bytes lie in the plugin's arena.

import { EventType, TRANSPORT_BYTES } from "../../abi/layout.ts";
import { EVENT_WORDS } from "./event-buffer.ts";
import type { NodeEvents } from "./node.ts";

/** Most changes of one block; what comes after them is told at the start of the next. */
const MOST = 64;

/** The changes of one block, in the order of their frames. Nothing here allocates after the constructor. */
export class TransportChanges {
  count = 0;
  /** Frame in the block, of each. */
  readonly frames: Int32Array = new Int32Array(MOST);
  private readonly bytes = new Uint8Array(MOST * TRANSPORT_BYTES);
  private readonly records: Uint8Array[] = [];
  private readonly views: DataView[] = [];

  constructor() {
    for (let at = 0; at < this.bytes.length; at += TRANSPORT_BYTES) {
      this.records.push(this.bytes.subarray(at, at + TRANSPORT_BYTES));
      this.views.push(new DataView(this.bytes.buffer, at, TRANSPORT_BYTES));
    }
  }

  clear(): void {
    this.count = 0;
  }

  /** Room for the transport (TRANSPORT_*) from that frame on; null: there is none. Frames must not fall. */
  add(frame: number): DataView | null {
    if (this.count >= MOST) return null;
    this.frames[this.count] = frame;
    return this.views[this.count++] as DataView;
  }

  /**
   * Adds change `index` to a plugin's list of incoming events.
   * @param arena the plugin's: the change's bytes go to its `index`-th record of 64
   * @returns false where the list or the arena has no room
   */
  put(index: number, list: NodeEvents, arena: Uint8Array): boolean {
    const at = index * TRANSPORT_BYTES;
    if (list.count >= list.capacity || at + TRANSPORT_BYTES > arena.length) return false;
    arena.set(this.records[index] as Uint8Array, at);
    const to = list.count++ * EVENT_WORDS;
    const { words } = list;
    words[to] = this.frames[index] as number;
    words[to + 1] = EventType.Transport;
    words[to + 2] = -1;
    words[to + 3] = -1;
    words[to + 4] = 0;
    words[to + 5] = at;
    words[to + 6] = 0;
    words[to + 7] = 0;
    return true;
  }
}

/** Whether a plugin gets changes inside a block. */
export function hearsChanges(node: {
  readonly transport: DataView | null;
  readonly arena: Uint8Array;
  readonly eventsIn: NodeEvents;
}): boolean {
  return node.transport !== null && node.arena.length >= TRANSPORT_BYTES && node.eventsIn.capacity > 0;
}
