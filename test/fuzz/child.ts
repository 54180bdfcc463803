// The process in which inputs are tried. It may hang or die of what it is given: which input it is at stands in a
// file, for its parent.

import { openSync, writeSync } from "node:fs";
import { HOST_FUNCTIONS } from "../../runtime/sandbox/vet.ts";
import { GENERATOR_IMPORTS } from "./binaryen.ts";
import { check, Finding, type Verdict } from "./check.ts";
import { type Input, makeInput, realModules } from "./inputs.ts";
import { reduce } from "./reduce.ts";

export interface Task {
  seed: number;
  from: number;
  /** Try every `stride`-th input. */
  stride: number;
  /** One past the last input. */
  end: number;
  seconds: number;
  /** File for the number of the input at hand. */
  place: string;
}

export interface Tally {
  tried: number;
  accepted: number;
  refused: Record<string, number>;
  kinds: Record<string, { tried: number; accepted: number }>;
  /** Modules whose two forms were run side by side, their calls, and those that trapped. */
  compared: number;
  calls: number;
  traps: number;
}

export type Message =
  | { tally: Tally; finished: boolean }
  | { finding: { input: number; kind: string; sentence: string; module: string; reduced: string } };

/** What modules may import here. */
const IMPORTS = new Map([...HOST_FUNCTIONS, ...GENERATOR_IMPORTS]);

/** An input that takes longer is a finding: nothing that is tried here is large. */
const SLOWEST = 5_000;
const REDUCE_FOR = 30_000;

export function emptyTally(): Tally {
  return { tried: 0, accepted: 0, refused: {}, kinds: {}, compared: 0, calls: 0, traps: 0 };
}

export function count(tally: Tally, kind: string, { refused, compared }: Verdict): void {
  tally.tried++;
  tally.kinds[kind] ??= { tried: 0, accepted: 0 };
  tally.kinds[kind].tried++;
  if (refused !== "") tally.refused[refused] = (tally.refused[refused] ?? 0) + 1;
  else {
    tally.accepted++;
    tally.kinds[kind].accepted++;
  }
  if (compared === null) return;
  tally.compared++;
  tally.calls += compared.calls;
  tally.traps += compared.traps;
}

/** The sentence of what is wrong with an input, or "". */
export function findIn({ bytes }: Pick<Input, "bytes">, n: number, then: (verdict: Verdict) => void): string {
  const begin = performance.now();
  try {
    const verdict = check(bytes, n, { imports: IMPORTS });
    const took = performance.now() - begin;
    if (took > SLOWEST) return `It took ${Math.round(took)} ms.`;
    then(verdict);
    return "";
  } catch (error) {
    if (error instanceof Finding) return error.message;
    return `The check itself failed: ${(error as Error).stack ?? error}`;
  }
}

/** A smaller module with a finding that reads the same but for its numbers. */
export function smaller(
  bytes: Uint8Array<ArrayBuffer>,
  n: number,
  sentence: string,
): Uint8Array<ArrayBuffer> {
  const shape = (text: string): string =>
    text
      .split("\n")[0]
      .replace(/-?\d[\d.e+]*|0x[0-9a-f]+|NaN/g, "0")
      .slice(0, 40);
  const still = (candidate: Uint8Array<ArrayBuffer>): boolean =>
    shape(findIn({ bytes: candidate }, n, () => {})) === shape(sentence);
  return reduce(bytes, still, performance.now() + REDUCE_FOR);
}

export async function runChild(task: Task, send: (message: Message) => void): Promise<void> {
  const real = realModules();
  const place = openSync(task.place, "w");
  const at = Buffer.alloc(8);
  const end = performance.now() + task.seconds * 1_000;
  let tally = emptyTally();
  let told = performance.now();
  for (let n = task.from; n < task.end && performance.now() < end; n += task.stride) {
    at.writeDoubleLE(n);
    writeSync(place, at, 0, 8, 0);
    const input = await makeInput(task.seed, n, real);
    const sentence = findIn(input, n, (verdict) => count(tally, input.kind, verdict));
    if (sentence !== "") {
      const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
      const reduced = smaller(input.bytes, n, sentence);
      send({
        finding: {
          input: n,
          kind: input.kind,
          sentence,
          module: base64(input.bytes),
          reduced: base64(reduced),
        },
      });
      return;
    }
    if (performance.now() - told > 200) {
      send({ tally, finished: false });
      tally = emptyTally();
      told = performance.now();
      // lets the message go, and its parent be heard
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  send({ tally, finished: true });
}
