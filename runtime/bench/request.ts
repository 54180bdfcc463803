// What the measuring process is asked, and what it answers.

import type { Limits } from "../sandbox/index.ts";
import type { BenchReport } from "./result.ts";

export interface NamedBytes {
  /** Without its folder. */
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

export type Target =
  /** `name` is what the user called it. */
  { kind: "plugin"; name: string; bytes: Uint8Array<ArrayBuffer> } | { kind: "session"; path: string };

export interface BenchRequest {
  target: Target;
  other: Target | null;
  /** Empty lists: what is usual. */
  rates: number[];
  blocks: number[];
  voices: number[];
  seconds: number | null;
  rounds: number | null;
  /** Of the sandbox, where they are not the usual ones. */
  limits: Partial<Limits>;
  /** Of a plugin. */
  params: [string, string][];
  config: [string, string][];
  files: [string, NamedBytes][];
  preset: string | null;
  sound: NamedBytes | null;
  midi: NamedBytes | null;
  /** Of a session: files for its sources, by input name. */
  midiInputs: [string, NamedBytes][];
  soundInputs: [string, NamedBytes][];
}

export type BenchAnswer =
  | { kind: "ready" }
  | { kind: "progress"; part: number; what: string }
  | { kind: "report"; report: BenchReport }
  /** A BelljarError. */
  | { kind: "refused"; code: string; message: string; hint: string }
  /** A plugin was stopped while it was measured. */
  | { kind: "stopped"; sentence: string }
  /** A fault of our own. */
  | { kind: "broken"; message: string };

/**
 * The plugin's code is optimised by V8 before it first runs, as it is for an audio thread: else the first seconds would
 * measure V8's compilers. The same with the code between JavaScript and a module, which V8 otherwise compiles at
 * the thousandth call of each instance's functions: 0.1 ms in the middle of a block.
 */
export const FLAGS: readonly string[] = [
  "--no-liftoff",
  "--no-wasm-lazy-compilation",
  "--no-wasm-generic-wrapper",
];
