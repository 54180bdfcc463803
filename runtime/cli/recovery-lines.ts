// Plugins that stop and come back during a render: a line each for standard error, and records for a report.

import { printable } from "../../abi/error.ts";
import type { RecoveryEvent } from "../engine/render.ts";

/** Records that a report holds. */
const KEPT = 1000;

export class RecoveryLines {
  /** The first thousand events, for a report. */
  readonly records: RecoveryEvent[] = [];
  private readonly write: (line: string) => void;
  private readonly shown: (node: string) => boolean;

  /** @param write gets each line, without its end @param shown which nodes' lines are wanted */
  constructor(write: (line: string) => void, shown: (node: string) => boolean) {
    this.write = write;
    this.shown = shown;
  }

  take(event: RecoveryEvent): void {
    if (this.records.length < KEPT) this.records.push(event);
    if (!this.shown(event.node)) return;
    const { node, what, seconds, message } = event;
    this.write(`${printable(node, 80)}: [${what}] at ${exactClock(seconds)}: ${message}`);
  }
}

/** "1:05.250" or "1:02:03.000": a place in the sound. */
export function exactClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds * 1000));
  const two = (n: number): string => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor(whole / 60_000) % 60;
  const rest = `${two(Math.floor(whole / 1000) % 60)}.${String(whole % 1000).padStart(3, "0")}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}
