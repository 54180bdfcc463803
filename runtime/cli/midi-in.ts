// `--midi-in NAME[=NODE]`: MIDI devices that play along.

import { BelljarError, printable } from "../../abi/error.ts";
import type { PlayedInput } from "../engine/live/play-live.ts";
import type { Session } from "../engine/session.ts";

/** What was asked for. */
export interface MidiInOption {
  device: string;
  /** Null: the session's only event input. */
  node: string | null;
}

/** @throws BelljarError usage/value */
export function readMidiIn(values: readonly string[]): MidiInOption[] {
  return values.map((value) => {
    // Names of devices may hold a "=", ids of nodes none.
    const at = value.lastIndexOf("=");
    const device = at < 0 ? value : value.slice(0, at);
    const node = at < 0 ? null : value.slice(at + 1);
    if (device.trim() !== "" && node !== "") return { device, node };
    throw new BelljarError(
      "usage/value",
      `--midi-in must look like NAME or NAME=NODE, not "${printable(value, 60)}".`,
    );
  });
}

/**
 * The nodes that are played.
 * @throws BelljarError usage/midi-in
 */
export function inputsFor(wishes: readonly MidiInOption[], { nodes }: Session): PlayedInput[] {
  const ids = nodes.filter(({ type }) => type === "event_input").map(({ id }) => id);
  const named = ids.map((id) => printable(id, 60)).join(", ");
  return wishes.map(({ device, node }) => {
    const id = node ?? (ids.length === 1 ? (ids[0] as string) : null);
    if (id !== null && ids.includes(id)) return { device, node: id };
    const shown = printable(device, 60);
    if (ids.length === 0) {
      throw new BelljarError(
        "usage/midi-in",
        `The session has no node of type event_input that "${shown}" could play.`,
        'Give it one: { "id": "keys", "type": "event_input" }, and a connection from its events_out.',
      );
    }
    throw new BelljarError(
      "usage/midi-in",
      id === null
        ? `The session has several nodes that "${shown}" could play: ${named}.`
        : `The session has no node "${printable(id, 60)}" of type event_input; it has ${named}.`,
      id === null ? `Say which: --midi-in "${shown}=${printable(ids[0] as string, 60)}".` : "",
    );
  });
}
