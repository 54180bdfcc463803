// Events from outside as a node: what a keyboard, a MIDI device or a program sends while the sound runs.

import type { PortDescriptor } from "../../abi/descriptor.ts";
import { EventType, ProcessState } from "../../abi/layout.ts";
import { EventBuffer } from "./event-buffer.ts";
import { describePort, type GraphNode, NO_ARENA, NO_CONTROLS, NO_EVENTS } from "./node.ts";

export const EVENT_INPUT_PORTS: readonly PortDescriptor[] = [
  describePort("events_out", "Events Out", "event", "output", "What is played, as it is played."),
];

/** Most events of one block. */
const CAPACITY = 512;

export class EventInput implements GraphNode {
  readonly ports: readonly PortDescriptor[] = EVENT_INPUT_PORTS;
  readonly audio = [];
  readonly controlsIn = NO_CONTROLS;
  readonly controlsOut = NO_CONTROLS;
  readonly eventsIn = NO_EVENTS;
  readonly eventsOut = new EventBuffer(CAPACITY);
  readonly transport = null;
  readonly arena = NO_ARENA;
  readonly latency = 0;
  readonly processState = ProcessState.Continue;
  readonly units = 0;
  /** Whether eventsOut holds what the next block is to send, and no longer what the last one sent. */
  private collecting = false;

  /**
   * [audio] Between blocks: an event of the next one. Frames must not fall. False: there is no room for more.
   * @param value one element: a number that is handed over may be a new object
   */
  push(
    frame: number,
    type: number,
    noteId: number,
    channel: number,
    key: number,
    id: number,
    value: Float64Array,
  ): boolean {
    this.collect();
    return this.eventsOut.pushFrom(frame, type, noteId, channel, key, id, value, 0);
  }

  /** [audio] Between blocks: ends all notes that were begun here. */
  finish(): void {
    this.collect();
    this.eventsOut.push(0, EventType.AllNotesOff, 0, -1, -1, -1, 0, 0);
  }

  private collect(): void {
    if (!this.collecting) this.eventsOut.count = 0;
    this.collecting = true;
  }

  process(): boolean {
    this.collect();
    this.collecting = false;
    return true;
  }
  idle(): void {}
  reset(): void {}
}
