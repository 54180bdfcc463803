// The parent's side: one process for each plugin, begun again without the check that killed it or never ended.

import type { ChildProcess } from "node:child_process";
import { BelljarError, printable } from "../../abi/error.ts";
import { shipped } from "../registry/place.ts";
import { startChild } from "../registry/start-child.ts";
import { LOADS } from "./catalogue.ts";
import { type Check, NO_SETUP, type PluginSetup } from "./check.ts";
import type { ChildAnswer, ChildRequest, Subject } from "./child-message.ts";
import { notLoaded } from "./open-bench.ts";
import { applyNotices, type CheckResult, type Notice } from "./run.ts";

export interface Supervision {
  bytes: Uint8Array;
  seed: number;
  setup?: PluginSetup;
  /** Milliseconds that one check may take. */
  limit: number;
  /** The bundled validate-child; for tests. */
  script?: string;
}

export interface FuzzResult {
  rounds: number;
  failure: { seed: number; sentence: string; crashed: boolean } | null;
}

/** What ended a process: an answer that is the last one, or its death. */
type End = { kind: "answer"; answer: ChildAnswer } | { kind: "died"; how: string };

/**
 * Runs checks in a child process.
 * @param tell called for each check when it ends, and again for one that is judged otherwise by what was seen later
 */
export async function superviseChecks(
  plugin: Supervision,
  checks: readonly Check[],
  tell: (result: CheckResult, done: number) => void = () => {},
): Promise<CheckResult[]> {
  const results = new Map<string, CheckResult>();
  const notices: Notice[] = [];
  for (;;) {
    const left = checks.filter(({ id }) => !results.has(id));
    if (left.length === 0) break;
    let running: string | null = null;
    let loaded = false;
    const end = await converse(
      plugin,
      {
        kind: "checks",
        ...subjectOf(plugin),
        checks: left.map(({ id }) => id),
        script: scriptOf(plugin),
      },
      (message) => {
        if (message.kind === "loaded") loaded = true;
        if (message.kind === "began") running = message.check;
        if (message.kind === "ended") {
          running = null;
          results.set(message.result.check, message.result);
          notices.push(...message.notices);
          tell(message.result, results.size);
        }
        return message.kind === "done" || message.kind === "refused";
      },
    );
    if (end.kind === "answer") {
      if (end.answer.kind === "refused") return withoutPlugin(checks, "failed", end.answer.sentence);
      break;
    }
    const culprit: string | undefined = running ?? (loaded ? left[0]?.id : undefined);
    if (culprit === undefined)
      return withoutPlugin(checks, "crashed", `While it was loaded, the process ${end.how}.`);
    const crashed: CheckResult = {
      check: culprit,
      word: "crashed",
      sentence: `The process ${end.how}.`,
      milliseconds: plugin.limit,
    };
    results.set(culprit, crashed);
    tell(crashed, results.size);
  }
  const ordered = checks.flatMap(({ id }) => results.get(id) ?? []);
  return applyNotices(ordered, notices);
}

/** Also where the check that it loads was not asked for: it is what has to be said. */
function withoutPlugin(
  checks: readonly Check[],
  word: "failed" | "crashed",
  sentence: string,
): CheckResult[] {
  const results = notLoaded(checks, word, sentence);
  if (checks.some(({ id }) => id === LOADS)) return results;
  return [{ check: LOADS, word, sentence, milliseconds: 0 }, ...results];
}

/** Random calls for so many milliseconds. */
export async function superviseFuzz(plugin: Supervision, milliseconds: number): Promise<FuzzResult> {
  let rounds = 0;
  let seed = plugin.seed;
  const end = await converse(
    plugin,
    { kind: "fuzz", ...subjectOf(plugin), milliseconds, script: scriptOf(plugin) },
    (message) => {
      if (message.kind === "round") {
        seed = message.seed;
        rounds++;
      }
      return message.kind === "fuzzed" || message.kind === "refused";
    },
  );
  if (end.kind === "died")
    return { rounds, failure: { seed, sentence: `The process ${end.how}.`, crashed: true } };
  if (end.answer.kind === "refused") {
    return { rounds, failure: { seed, sentence: end.answer.sentence, crashed: false } };
  }
  if (end.answer.kind !== "fuzzed") return { rounds, failure: null };
  const { failure } = end.answer;
  return { rounds: end.answer.rounds, failure: failure === null ? null : { ...failure, crashed: false } };
}

function subjectOf({ bytes, seed, setup }: Supervision): Subject {
  return { bytes, seed, setup: setup ?? NO_SETUP };
}

function scriptOf(plugin: Supervision): string {
  const script = plugin.script ?? shipped("validate-child.js");
  if (script !== null) return script;
  throw new BelljarError("build/validator", "validate-child.js is missing; build again.");
}

/**
 * Starts a process, asks it, and listens until `hear` says that an answer was the last. Silence for longer than the limit is
 * the end of it.
 */
function converse(
  plugin: Supervision,
  request: ChildRequest,
  hear: (answer: ChildAnswer) => boolean,
): Promise<End> {
  const child = startChild(scriptOf(plugin));
  const stop = () => child.kill("SIGKILL");
  process.once("exit", stop);
  return new Promise<End>((resolve) => {
    const late = () =>
      resolve({ kind: "died", how: `did not come to an end within ${plugin.limit / 1000} s` });
    let timer = setTimeout(late, plugin.limit);
    const said = listen(child);
    child.on("message", (answer: ChildAnswer) => {
      clearTimeout(timer);
      timer = setTimeout(late, plugin.limit);
      if (answer.kind === "ready") child.send(request);
      else if (hear(answer)) resolve({ kind: "answer", answer });
    });
    child.on("error", (error) =>
      resolve({ kind: "died", how: `did not start: ${printable(error.message, 200)}` }),
    );
    child.on("close", (code, signal) => {
      const words = said();
      const why = /out of memory/i.test(words)
        ? "ran out of memory"
        : signal
          ? `was ended by ${signal}`
          : `ended with code ${code}`;
      resolve({ kind: "died", how: why });
    });
    child.once("close", () => clearTimeout(timer));
  }).finally(() => {
    process.off("exit", stop);
    stop();
  });
}

function listen(child: ChildProcess): () => string {
  let said = "";
  child.stderr?.on("data", (text: Buffer) => {
    if (said.length < 10_000) said += text.toString();
  });
  return () => said;
}
