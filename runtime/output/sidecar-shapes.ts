// What a sidecar's answers and events must hold before anything here believes them: it may be another program than
// Belljar's own, and sound libraries run in it.

import { BelljarError } from "../../abi/error.ts";
import { SAMPLE_FORMATS, type SidecarEvent, type SidecarOp, STREAM_BOUNDS } from "../../abi/sidecar.ts";

type Check = (value: unknown) => boolean;
type Shape = Record<string, Check>;

/** Most devices, interfaces, rates and notes in a list. */
const MOST_LISTED = 2000;
const MOST_SECONDS = 60;

const text: Check = (value) => typeof value === "string";
const truth: Check = (value) => typeof value === "boolean";
const whole =
  (least: number, most: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
const number =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === "number" && value >= least && value <= most;
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length <= MOST_LISTED && value.every(check);
const shaped =
  (shape: Shape): Check =>
  (value) =>
    wrongField(value, shape) === null;

const count = whole(0, 0xffffffff);
const seconds = number(0, MOST_SECONDS);
const format = oneOf(...SAMPLE_FORMATS);
const rate = number(1, STREAM_BOUNDS.rate[1]);

const API: Shape = { id: text, name: text, devices: count };
const DEVICE: Shape = {
  id: text,
  name: text,
  api: text,
  channels: count,
  defaultRate: number(0, STREAM_BOUNDS.rate[1]),
  isDefault: truth,
};
const FORMAT: Shape = {
  rate: whole(...STREAM_BOUNDS.rate),
  channels: whole(...STREAM_BOUNDS.channels),
  format,
  bufferFrames: orNull(whole(...STREAM_BOUNDS.bufferFrames)),
  chunkFrames: whole(...STREAM_BOUNDS.chunkFrames),
  latency: seconds,
  changes: listOf(text),
};

const ANSWERS: Record<SidecarOp, Shape> = {
  hello: { version: count, pid: count, node: text },
  list: {
    apis: listOf(shaped(API)),
    devices: listOf(shaped(DEVICE)),
    library: orNull(shaped({ path: text, version: text, asio: truth })),
    notes: listOf(text),
  },
  // Without the device's id: a message's own is the request's.
  caps: {
    rates: listOf(rate),
    channels: count,
    formats: listOf(format),
    lowLatency: seconds,
    highLatency: seconds,
  },
  open: FORMAT,
  start: {},
  pause: {},
  reset: {},
  drain: { drained: truth },
  stop: {},
  close: {},
  status: {
    state: oneOf("closed", "open", "running", "paused", "draining", "lost"),
    playedFrames: count,
    underruns: count,
    worstShortfall: count,
    missingFrames: count,
    deviceUnderruns: count,
  },
};

const EVENTS: Record<SidecarEvent["event"], Shape> = {
  underrun: { underruns: count, worstShortfall: count, missingFrames: count },
  lost: { code: text, message: text },
  devices: {},
  format: { format: shaped(FORMAT) },
  library: { name: text, path: text },
};

/** The first field that is not as it must be, or null. */
function wrongField(value: unknown, shape: Shape): string | null {
  if (value === null || typeof value !== "object") return "";
  const fields = value as Record<string, unknown>;
  return Object.keys(shape).find((name) => !(shape[name] as Check)(fields[name])) ?? null;
}

/** What is wrong with an answer, or null. */
export function wrongAnswer(op: SidecarOp, answer: unknown): BelljarError | null {
  const field = wrongField(answer, ANSWERS[op]);
  if (field === null) return null;
  return new BelljarError("sidecar/protocol", `The sidecar answered "${op}" with a wrong "${field}".`);
}

/** An event that can be believed, or null: it is none that is known, or not as it must be. */
export function eventOf(message: Record<string, unknown>): SidecarEvent | null {
  const name = String(message["event"]);
  const shape = Object.hasOwn(EVENTS, name) ? EVENTS[name as SidecarEvent["event"]] : undefined;
  if (shape === undefined || wrongField(message, shape) !== null) return null;
  return message as unknown as SidecarEvent;
}
