// Random values, events and transports: whatever a host may send.

import { SENT_EVENTS } from "../engine/processor.ts";
import type { PortDescriptor } from "../../abi/descriptor.ts";
import {
  EventType,
  Expression,
  TRANSPORT_BAR_START,
  TRANSPORT_BEAT,
  TRANSPORT_BPM,
  TRANSPORT_BYTES,
  TRANSPORT_DENOMINATOR,
  TRANSPORT_FLAGS,
  TRANSPORT_LOOP_END,
  TRANSPORT_LOOP_START,
  TRANSPORT_NUMERATOR,
  TRANSPORT_SECONDS,
} from "../../abi/layout.ts";
import type { Random } from "./random.ts";
import type { Rig } from "./rig.ts";
import type { ScoreEvent } from "./score.ts";

/** A value that the port allows; at its bounds more often than not if `bounds`. */
export function anyValue(random: Random, port: PortDescriptor, bounds: boolean): number {
  if (bounds) return random.pick([port.min, port.max]);
  if (port.step > 0) {
    const steps = Math.round((port.max - port.min) / port.step);
    return Math.min(port.max, port.min + random.whole(0, steps) * port.step);
  }
  return Math.fround(port.min + (port.max - port.min) * random.unit() ** port.skew);
}

/** Random values for all parameters. */
export function anyValues(random: Random, all: Rig["parameters"], bounds = false): Map<number, number> {
  return new Map(all.map(({ port, slot }) => [slot, anyValue(random, port, bounds)]));
}

/** Any event that a host may send, with values at the bounds more often than not. */
export function anyEvent(random: Random, eventPort: number, frame: number): ScoreEvent {
  const type = random.pick(SENT_EVENTS);
  const unit = () => random.pick([0, 1, random.unit()]);
  const event: ScoreEvent = { frame, type, port: eventPort, channel: random.whole(0, 15) };
  const note = () => ({ key: random.pick([0, 127, random.whole(0, 127)]), noteId: random.whole(-1, 40) });
  switch (type) {
    case EventType.NoteOn:
      return { ...event, ...note(), value: unit() };
    case EventType.NoteOff:
    case EventType.Choke:
      return {
        ...event,
        ...note(),
        ...(random.chance(0.2) ? { key: -1 } : {}),
        ...(random.chance(0.2) ? { channel: -1 } : {}),
        value: type === EventType.NoteOff ? unit() : 0,
      };
    case EventType.Expression: {
      const id = random.whole(0, 6);
      const value = id === Expression.Tuning ? random.pick([-120, 0, 120]) : unit() * (id === 0 ? 4 : 1);
      return { ...event, ...note(), id, value };
    }
    case EventType.Bend:
      return { ...event, value: random.pick([-1, 0, 1, random.unit() * 2 - 1]) };
    case EventType.ControlChange:
      return { ...event, id: random.whole(0, 127), value: unit() };
    case EventType.Program:
      return { ...event, id: random.whole(0, 16_383), value: random.whole(0, 127) };
    case EventType.Pressure:
      return { ...event, ...note(), ...(random.chance(0.3) ? { key: -1 } : {}), value: unit() };
    case EventType.AllNotesOff:
      return { ...event, channel: random.pick([-1, 0, 15]) };
    case EventType.Midi1: {
      const status = random.whole(0x80, 0xef);
      return { ...event, value: bytesAsValue([status, random.whole(0, 127), random.whole(0, 127)]) };
    }
    default:
      return { ...event, id: 0x20900000 + random.whole(0, 0xffff), value: 0 };
  }
}

/** A transport that says nothing. */
export function emptyTransport(view: DataView): void {
  for (let at = 0; at < TRANSPORT_BYTES; at += 4) view.setUint32(at, 0, true);
}

/** A transport of random but finite values. */
export function anyTransport(random: Random, view: DataView): void {
  emptyTransport(view);
  view.setUint32(TRANSPORT_FLAGS, random.whole(0, 15), true);
  view.setUint16(TRANSPORT_NUMERATOR, random.pick([0, 1, 3, 4, 7, 65_535]), true);
  view.setUint16(TRANSPORT_DENOMINATOR, random.pick([0, 1, 4, 8, 65_535]), true);
  view.setFloat64(TRANSPORT_BPM, random.pick([0, 1e-3, 20, 120, 999, 1e6, random.unit() * 300]), true);
  for (const at of [
    TRANSPORT_BEAT,
    TRANSPORT_BAR_START,
    TRANSPORT_SECONDS,
    TRANSPORT_LOOP_START,
    TRANSPORT_LOOP_END,
  ]) {
    view.setFloat64(at, random.pick([0, -16, 1e9, random.unit() * 1e4]), true);
  }
}

/** Bytes that stand where an event's value does. */
function bytesAsValue(bytes: readonly number[]): number {
  const view = new DataView(new ArrayBuffer(8));
  bytes.forEach((byte, i) => {
    view.setUint8(i, byte);
  });
  return view.getFloat64(0, true);
}
