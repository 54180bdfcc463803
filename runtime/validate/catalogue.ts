// All checks, in the order in which they run, and what each level is for.

import { type Check, GROUPS } from "./check.ts";
import { descriptorChecks } from "./checks/descriptor.ts";
import { eventChecks } from "./checks/events.ts";
import { graphDataChecks } from "./checks/graph-data.ts";
import { honestyChecks } from "./checks/honesty.ts";
import { lifecycleChecks } from "./checks/lifecycle.ts";
import { moduleChecks } from "./checks/module.ts";
import { parameterChecks } from "./checks/parameters.ts";
import { processingChecks } from "./checks/processing.ts";
import { robustnessChecks } from "./checks/robustness.ts";
import { sandboxChecks } from "./checks/sandbox.ts";
import { stateChecks } from "./checks/state.ts";

/** In the order of their groups. The first, that the module loads, is what all others need. */
export const CHECKS: readonly Check[] = [
  ...moduleChecks,
  ...descriptorChecks,
  ...lifecycleChecks,
  ...processingChecks,
  ...honestyChecks,
  ...eventChecks,
  ...parameterChecks,
  ...stateChecks,
  ...graphDataChecks,
  ...robustnessChecks,
  ...sandboxChecks,
].sort((a, b) => group(a) - group(b));

export const LOADS = "module/loads";

function group(check: Check): number {
  return GROUPS.findIndex((name) => check.id.startsWith(`${name}/`));
}

export const DEFAULT_LEVEL = 5;

/** What each level adds to the one below it. */
export const LEVELS: readonly string[] = [
  "it loads, activates and plays one second",
  "its descriptor holds, all samples are written, values survive as text, state survives saving",
  "usual rates and block lengths, notes, choices, presets; the same samples twice",
  "mixed blocks, odd order of notes, parameters at their bounds, what a block costs",
  "what hosts rely on: resets, wildcards, automation, refusals, silence flags",
  "promises: latency, tail, sleep, timing; blocks cut anywhere; memory",
  "bytes that are wrong on purpose: states, files, graph data, messages",
  "calls in random order, absurd rates, a second process",
  "values that no host should send; V8's compilers one by one",
  "ten times as many random calls",
];

/** The checks of a level whose id matches. */
export function chooseChecks(level: number, only: RegExp | null): Check[] {
  return CHECKS.filter((check) => check.level <= level && (only === null || only.test(check.id)));
}
