// What happens to the sound's way out while it plays, as sentences.

import { printable } from "../../abi/error.ts";
import type { DeviceInfo, StreamFormat } from "../../abi/sidecar.ts";
import type { OutputEvent } from "../engine/live/live-output.ts";

/** The sentence; null: there is nothing to say. */
export function deviceNews(event: Exclude<OutputEvent, { what: "underrun" }>): string | null {
  switch (event.what) {
    case "lost":
      // Where it is final, it ends the play and is told as its reason.
      return event.final ? null : `${event.message} The music goes on unheard.`;
    case "back":
      return `Heard again on ${shown(event.device)}, after ${(event.milliseconds / 1000).toFixed(1)} s.`;
    case "moved":
      return `${shown(event.device)} is there, and plays instead of ${shown(event.from)}.`;
    case "devices":
      return [counted(event.appeared, "New"), counted(event.gone, "Gone")]
        .filter((words) => words !== "")
        .join(" ");
    case "format": {
      const { before, format, failure } = event;
      const turned = `The device plays ${formatText(format)} now, instead of ${formatText(before)}`;
      return failure === "" ? `${turned}; so does the session.` : `${turned}; the session can't: ${failure}`;
    }
  }
}

const MOST_NAMES = 5;
const shown = (device: string): string => printable(device, 120);
const formatText = ({ rate, channels }: StreamFormat): string =>
  `${rate} Hz on ${channels} channel${channels === 1 ? "" : "s"}`;

/** "New: a, b." */
function counted(devices: DeviceInfo[], title: string): string {
  if (devices.length === 0) return "";
  const names = devices.slice(0, MOST_NAMES).map(({ id }) => shown(id));
  const more = devices.length - names.length;
  return `${title}: ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}.`;
}
