// What the validating process is asked, and what it answers.

import type { Elsewhere, PluginSetup } from "./check.ts";
import type { CheckResult, Notice } from "./run.ts";

/** A plugin, and how it is to be tried. */
export interface Subject {
  bytes: Uint8Array;
  seed: number;
  setup: PluginSetup;
}

export type ChildRequest =
  | (Subject & { kind: "checks"; checks: string[]; script: string })
  | (Subject & { kind: "fuzz"; milliseconds: number; script: string })
  | (Subject & { kind: "digest" });

export type ChildAnswer =
  | { kind: "ready" }
  /** The plugin does not load. */
  | { kind: "refused"; sentence: string }
  | { kind: "loaded"; plugin: string }
  | { kind: "began"; check: string }
  | { kind: "ended"; result: CheckResult; notices: Notice[] }
  /** A round of fuzzing begins with this seed. */
  | { kind: "round"; seed: number }
  | { kind: "fuzzed"; rounds: number; failure: { seed: number; sentence: string } | null }
  | { kind: "digest"; digest: string }
  | { kind: "done" };

/** V8's flags for a performance elsewhere. */
export const FLAGS: Record<Elsewhere, string[]> = {
  again: [],
  simple: ["--liftoff-only"],
  optimised: ["--no-liftoff", "--no-wasm-tier-up"],
};
