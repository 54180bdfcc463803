// Scheduled events as a node: each leaves in its block at its frame.

import type { PortDescriptor } from "../../abi/descriptor.ts";
import { EventType, ProcessState } from "../../abi/layout.ts";
import { EventBuffer } from "./event-buffer.ts";
import { describePort, type GraphNode, NO_ARENA, NO_CONTROLS, NO_EVENTS } from "./node.ts";

export const TRACK_SOURCE_PORTS: readonly PortDescriptor[] = [
  describePort(
    "events_out",
    "Events Out",
    "event",
    "output",
    "The notes and controllers of the chosen tracks.",
  ),
];

/** Events in the order of their frames, field by field; every array has `length` elements. */
export interface Schedule {
  readonly length: number;
  /** Frames since the start. */
  readonly frame: Float64Array;
  /** EventType of abi/layout.ts. */
  readonly type: ArrayLike<number>;
  readonly noteId: ArrayLike<number>;
  readonly channel: ArrayLike<number>;
  readonly key: ArrayLike<number>;
  readonly id: ArrayLike<number>;
  readonly value: ArrayLike<number>;
}

export class TrackSource implements GraphNode {
  readonly ports: readonly PortDescriptor[] = TRACK_SOURCE_PORTS;
  readonly audio = [];
  readonly controlsIn = NO_CONTROLS;
  readonly controlsOut = NO_CONTROLS;
  readonly eventsIn = NO_EVENTS;
  readonly eventsOut: EventBuffer;
  readonly transport = null;
  readonly arena = NO_ARENA;
  readonly latency = 0;
  readonly processState = ProcessState.Continue;
  readonly units = 0;
  readonly schedule: Schedule;
  private next = 0;
  private position = 0;
  private farewell = false;

  /** @param frames of a block. */
  constructor(schedule: Schedule, frames: number) {
    this.schedule = schedule;
    this.eventsOut = new EventBuffer(Math.max(1, densest(schedule, frames)));
  }

  /** The frame after the last event. */
  get length(): number {
    const { length, frame } = this.schedule;
    return length > 0 ? (frame[length - 1] as number) + 1 : 0;
  }

  process(frames: number): boolean {
    const { schedule, eventsOut } = this;
    const start = this.position;
    const end = start + frames;
    eventsOut.count = 0;
    if (this.farewell) {
      this.farewell = false;
      eventsOut.push(0, EventType.AllNotesOff, 0, -1, -1, -1, 0, 0);
    }
    while (this.next < schedule.length && (schedule.frame[this.next] as number) < end) {
      const i = this.next++;
      eventsOut.pushFrom(
        (schedule.frame[i] as number) - start,
        schedule.type[i] as number,
        schedule.noteId[i] as number,
        schedule.channel[i] as number,
        schedule.key[i] as number,
        schedule.id[i] as number,
        schedule.value,
        i,
      );
    }
    this.position = end;
    return true;
  }

  /** Sends nothing more but the end of all its notes. */
  finish(): void {
    this.next = this.schedule.length;
    this.farewell = true;
  }

  /** Goes on from that frame, with the events at or after it. */
  seek(frame: number): void {
    const { schedule } = this;
    let low = 0;
    let high = schedule.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((schedule.frame[middle] as number) < frame) low = middle + 1;
      else high = middle;
    }
    this.position = frame;
    this.next = low;
  }
  idle(): void {}
  reset(): void {}
}

/** The most events that any stretch of `frames` frames holds. */
function densest(schedule: Schedule, frames: number): number {
  let most = 0;
  let first = 0;
  for (let i = 0; i < schedule.length; i++) {
    while ((schedule.frame[i] as number) - (schedule.frame[first] as number) >= frames) first++;
    if (i - first + 1 > most) most = i - first + 1;
  }
  return most;
}
