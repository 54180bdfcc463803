// What reaches one plugin beside sound: the transport and its changes, values that are set at a time, and notes; merged
// in the order of their frames.

import { isInput } from "../../abi/descriptor.ts";
import { hearsChanges, TransportChanges } from "../graph/index.ts";
import type { MidiSchedule } from "./midi-schedule.ts";
import type { Processor } from "./processor.ts";
import type { TransportClock } from "./transport.ts";

/** A control input gets a value at a time. */
export interface ValueAt {
  /** Since the start. */
  frame: number;
  id: string;
  value: number;
}

export class PluginFeed {
  /** Events that found no room in the plugin's list. */
  lost = 0;
  private readonly processor: Processor;
  private readonly clock: TransportClock;
  private readonly schedule: MidiSchedule | null;
  private readonly values: readonly ValueAt[];
  private readonly eventPort: number;
  /** Whether the plugin's list can hold an event at all. */
  private readonly room: boolean;
  private readonly changes: TransportChanges | null;
  private nextNote = 0;
  private nextValue = 0;
  /** Values for which there was no room: they hold from the next block on. */
  private readonly late: ValueAt[] = [];

  constructor(
    processor: Processor,
    clock: TransportClock,
    schedule: MidiSchedule | null,
    values: readonly ValueAt[],
  ) {
    const { instance } = processor;
    this.processor = processor;
    this.clock = clock;
    this.schedule = schedule;
    this.values = [...values].sort((a, b) => a.frame - b.frame);
    this.eventPort = instance.descriptor.ports.findIndex((port) => port.type === "event" && isInput(port));
    this.room = instance.eventsIn.capacity > 0;
    this.changes = hearsChanges(instance) ? new TransportChanges() : null;
  }

  /** Values whose time has not come. */
  get waiting(): number {
    return this.values.length - this.nextValue;
  }

  /** Makes everything ready for the block that begins at frame `at`. Returns its frames: the most, or fewer. */
  fill(at: number): number {
    const { processor, changes } = this;
    const { instance } = processor;
    for (const { id, value } of this.late) processor.set(id, value);
    this.late.length = 0;
    const frames = this.room ? processor.maxFrames : this.cut(at);
    if (instance.transport !== null) this.clock.write(instance.transport, at);
    if (changes !== null) this.clock.writeChanges(changes, at, frames);
    instance.eventsIn.clear();
    let change = 0;
    for (;;) {
      const changeAt =
        changes !== null && change < changes.count ? (changes.frames[change] as number) : frames;
      const valueAt = (this.values[this.nextValue]?.frame ?? Number.POSITIVE_INFINITY) - at;
      const noteAt = (this.schedule?.frame[this.nextNote] ?? Number.POSITIVE_INFINITY) - at;
      const soonest = Math.min(changeAt, valueAt, noteAt);
      if (soonest >= frames) return frames;
      if (changeAt === soonest) {
        if (!(changes as TransportChanges).put(change++, instance.eventsIn, instance.arena)) this.lost++;
      } else if (valueAt === soonest) this.setAt(soonest);
      else this.note(soonest);
    }
  }

  /** For a plugin that takes no events: sets what is due, and ends the block where the next value comes. */
  private cut(at: number): number {
    let next = this.values[this.nextValue];
    for (; next !== undefined && next.frame <= at; next = this.values[++this.nextValue]) {
      this.processor.set(next.id, next.value);
    }
    return Math.min(this.processor.maxFrames, (next?.frame ?? Number.POSITIVE_INFINITY) - at);
  }

  private setAt(frame: number): void {
    const value = this.values[this.nextValue++] as ValueAt;
    if (this.processor.setAt(frame, value.id, value.value)) return;
    this.lost++;
    this.late.push(value);
  }

  private note(frame: number): void {
    const s = this.schedule as MidiSchedule;
    const i = this.nextNote++;
    const put = this.processor.instance.eventsIn.push(
      frame,
      s.type[i] as number,
      this.eventPort,
      s.noteId[i] as number,
      s.channel[i] as number,
      s.key[i] as number,
      s.id[i] as number,
      s.value[i] as number,
    );
    if (!put) this.lost++;
  }
}
