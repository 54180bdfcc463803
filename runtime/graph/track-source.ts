// Scheduled events as a node: each leaves in its block at its frame.

import type { PortDescriptor } from "../../abi/descriptor.ts";
import { ProcessState } from "../../abi/layout.ts";
import { EventBuffer } from "./event-buffer.ts";
import { describePort, type GraphNode, NO_CONTROLS, NO_EVENTS } from "./node.ts";

export const TRACK_SOURCE_PORTS: readonly PortDescriptor[] = [
  describePort(
    "events_out",
    "Events Out",
    "event",
    "output",
    "The notes and controllers of the chosen tracks.",
  ),
];

/** Events in the order of their frames, field by field; all arrays are at least `count` long. */
export interface Schedule {
  readonly count: number;
  /** Frames since the start. */
  readonly frames: Float64Array;
  /** EventType of abi/layout.ts. */
  readonly types: ArrayLike<number>;
  readonly noteIds: ArrayLike<number>;
  readonly channels: ArrayLike<number>;
  readonly keys: ArrayLike<number>;
  readonly ids: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

export class TrackSource implements GraphNode {
  readonly ports: readonly PortDescriptor[] = TRACK_SOURCE_PORTS;
  readonly audio = [];
  readonly controlsIn = NO_CONTROLS;
  readonly controlsOut = NO_CONTROLS;
  readonly eventsIn = NO_EVENTS;
  readonly eventsOut: EventBuffer;
  readonly transport = null;
  readonly latency = 0;
  readonly processState = ProcessState.Continue;
  readonly units = 0;
  private readonly schedule: Schedule;
  private next = 0;
  private position = 0;

  /** @param frames of a block. */
  constructor(schedule: Schedule, frames: number) {
    this.schedule = schedule;
    this.eventsOut = new EventBuffer(densest(schedule, frames));
  }

  /** The frame after the last event. */
  get length(): number {
    const { count, frames } = this.schedule;
    return count > 0 ? (frames[count - 1] as number) + 1 : 0;
  }

  process(frames: number): boolean {
    const { schedule, eventsOut } = this;
    const start = this.position;
    const end = start + frames;
    eventsOut.count = 0;
    while (this.next < schedule.count && (schedule.frames[this.next] as number) < end) {
      const i = this.next++;
      eventsOut.push(
        (schedule.frames[i] as number) - start,
        schedule.types[i] as number,
        0,
        schedule.noteIds[i] as number,
        schedule.channels[i] as number,
        schedule.keys[i] as number,
        schedule.ids[i] as number,
        schedule.values[i] as number,
      );
    }
    this.position = end;
    return true;
  }

  /** Goes on from that frame, with the events at or after it. */
  seek(frame: number): void {
    this.position = frame;
    this.next = 0;
    while (this.next < this.schedule.count && (this.schedule.frames[this.next] as number) < frame)
      this.next++;
  }
  idle(): void {}
  reset(): void {}
}

/** The most events that any stretch of `frames` frames holds. */
function densest(schedule: Schedule, frames: number): number {
  let most = 0;
  let first = 0;
  for (let i = 0; i < schedule.count; i++) {
    while ((schedule.frames[i] as number) - (schedule.frames[first] as number) >= frames) first++;
    if (i - first + 1 > most) most = i - first + 1;
  }
  return most;
}
