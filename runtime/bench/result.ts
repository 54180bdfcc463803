// What a measurement gives: what `belljar bench --json` prints, and its page shows.

import type { Comparison } from "./compare.ts";
import type { Loading, Size } from "./loading.ts";
import type { Machine } from "./machine.ts";
import type { Measured } from "./measure.ts";
import type { NodeShares } from "./nodes.ts";
import type { Configuration } from "./player.ts";

/** What was measured. Texts may come from strangers; they are safe for a terminal. */
export interface Measurand {
  kind: "plugin" | "session";
  /** "Sine (builtin.sine, version 1)", or the session's file, without its folder. */
  name: string;
  /** What budgets know it by: the plugin's id, or the session's file. */
  id: string;
  /** What tables call it: the id, or where two have the same, the file. */
  short: string;
  /** SHA-256 of the plugin's module. */
  hash?: string;
  loading?: Loading;
  size?: Size;
  /** Of a session: milliseconds until it was ready to play, with nothing loaded before. */
  open?: number;
}

export interface Row extends Configuration {
  measured: Measured;
  /** Of a session. */
  shares: NodeShares | null;
  /** With another one: its own figures, and both in turns. */
  other: Measured | null;
  comparison: Comparison | null;
}

export interface BenchReport {
  /** Of this format. */
  version: 1;
  machine: Machine;
  /** Of what counts the units: figures of different ones can't be compared. */
  meter: number;
  subject: Measurand;
  other: Measurand | null;
  /** The piece: what it is made of, in words. */
  piece: string;
  seconds: number;
  rows: Row[];
  warnings: string[];
}
