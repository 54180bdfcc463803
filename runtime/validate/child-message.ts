// What the validating process is asked, and what it answers.

import type { Elsewhere } from "./check.ts";
import type { CheckResult, Notice } from "./run.ts";

export type ChildRequest =
  | { kind: "checks"; bytes: Uint8Array; seed: number; checks: string[]; script: string }
  | { kind: "fuzz"; bytes: Uint8Array; seed: number; milliseconds: number; script: string }
  | { kind: "digest"; bytes: Uint8Array; seed: number };

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
