// What a plugin may ask of the host. Nothing here allocates.

import { host_control, host_emit_event, host_log, host_poll_event } from "./belljar";
import { encodeText } from "./text";
import { Status } from "../abi/layout";

/** Bytes of text that are converted at once; a longer line is cut. */
const TEXT_BYTES: i32 = 4096;

/** Writes one line to the host's log, which limits how many it takes. @param level one of LogLevel [any] */
export function log(text: string, level: i32 = 2): void {
  const buffer = memory.data(4096);
  host_log(level, buffer, encodeText(text, buffer, TEXT_BYTES));
}

/**
 * Takes the next message of the host's, as UTF-8 JSON. onHostEvent is called with each of them already; this is for
 * plugins that want them elsewhere. [any]
 * @returns bytes written; 0: none; negative: that many bytes are needed, and the message waits
 */
export function hostPollEvent(to: usize, capacity: i32): i32 {
  return host_poll_event(to, capacity);
}

/** Sends UTF-8 JSON to the host's listeners. @returns Status.Ok, or Busy: the queue is full, and nothing was sent [any] */
export function hostEmitEvent(json: usize, length: i32): i32 {
  return host_emit_event(json, length);
}

/** Sends a short JSON text (up to 4,096 bytes). Longer ones: build them with JsonWriter. @returns a Status [any] */
export function hostEmitText(json: string): i32 {
  const buffer = memory.data(4096);
  const n = encodeText(json, buffer, TEXT_BYTES);
  return n < encodedLength(json) ? Status.TooLarge : host_emit_event(buffer, n);
}

/**
 * Sends a control request, as UTF-8 JSON; PlayerControl and LibraryControl build them. The result arrives by onHostEvent. [any]
 * @returns bytes of the acknowledgement's JSON written to `ack`; negative: a Status
 */
export function hostControl(json: usize, length: i32, ack: usize, capacity: i32): i32 {
  return host_control(json, length, ack, capacity);
}

function encodedLength(text: string): i32 {
  return String.UTF8.byteLength(text);
}
