// Writing the 32-byte event record, for whoever keeps a list of them on the host's side.

import {
  EVENT_ARENA,
  EVENT_CHANNEL,
  EVENT_FRAME,
  EVENT_ID,
  EVENT_KEY,
  EVENT_NOTE_ID,
  EVENT_PORT,
  EVENT_TYPE,
  EVENT_VALUE,
} from "./layout.ts";

/** [audio] Writes one event at byte `at`; it carries nothing in the arena. */
export function writeEvent(
  view: DataView,
  at: number,
  frame: number,
  type: number,
  port: number,
  noteId: number,
  channel: number,
  key: number,
  id: number,
  value: number,
): void {
  view.setUint32(at + EVENT_FRAME, frame, true);
  view.setUint16(at + EVENT_TYPE, type, true);
  view.setUint16(at + EVENT_PORT, port, true);
  view.setInt32(at + EVENT_NOTE_ID, noteId, true);
  view.setInt16(at + EVENT_CHANNEL, channel, true);
  view.setInt16(at + EVENT_KEY, key, true);
  view.setUint32(at + EVENT_ID, id, true);
  view.setUint32(at + EVENT_ARENA, 0, true);
  view.setFloat64(at + EVENT_VALUE, value, true);
}
