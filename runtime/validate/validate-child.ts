// The process in which a plugin is validated. It may hang or die of it; who started it says so then.

import { compileInChild } from "../registry/compile.ts";
import { CHECKS } from "./catalogue.ts";
import type { ChildAnswer, ChildRequest } from "./child-message.ts";
import { digestElsewhere } from "./child-process.ts";
import { playDigest } from "./digest.ts";
import { fuzzRound } from "./fuzz.ts";
import { openBench } from "./open-bench.ts";
import { runCheck, takeNotices } from "./run.ts";
import { Ended } from "./verdict.ts";

const STEPS = 80;

process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.on("message", (request: ChildRequest) => void serve(request));
answer({ kind: "ready" });

function answer(message: ChildAnswer): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve());
  });
}

async function serve(request: ChildRequest): Promise<void> {
  const { bytes, seed, setup } = request;
  const elsewhere = request.kind === "digest" ? null : request.script;
  const opened = await openBench(
    bytes,
    {
      seed,
      setup,
      elsewhere: (how) => digestElsewhere(elsewhere ?? "", how, { bytes, seed, setup }),
    },
    // it has compiled in a child already where a digest is asked for
    request.kind === "digest" ? undefined : compileInChild,
  );
  if ("refused" in opened) {
    await answer({ kind: "refused", sentence: opened.refused });
    return;
  }
  const { bench } = opened;
  if (request.kind === "digest") {
    await answer({ kind: "digest", digest: playDigest(bench) });
    return;
  }
  await answer({ kind: "loaded", plugin: bench.descriptor.id });
  if (request.kind === "fuzz") {
    await answer(await fuzz(request.seed, request.milliseconds));
    return;
  }
  for (const check of CHECKS.filter(({ id }) => request.checks.includes(id))) {
    await answer({ kind: "began", check: check.id });
    const result = await runCheck(bench, check);
    await answer({ kind: "ended", result, notices: takeNotices(bench, check.id) });
  }
  await answer({ kind: "done" });

  /** The first round has the seed that was given, so that it can be had again alone. */
  async function fuzz(first: number, milliseconds: number): Promise<ChildAnswer> {
    const ends = performance.now() + milliseconds;
    let rounds = 0;
    do {
      const round = (first + rounds) >>> 0;
      await answer({ kind: "round", seed: round });
      rounds++;
      try {
        fuzzRound(bench, round, STEPS);
      } catch (error) {
        if (!(error instanceof Ended)) throw error;
        return { kind: "fuzzed", rounds, failure: { seed: round, sentence: error.verdict.sentence } };
      } finally {
        bench.sweep();
      }
      const [notice] = takeNotices(bench, "fuzz");
      if (notice !== undefined) {
        const sentence = `${notice.check}: ${notice.sentence}`;
        return { kind: "fuzzed", rounds, failure: { seed: round, sentence } };
      }
    } while (performance.now() < ends);
    return { kind: "fuzzed", rounds, failure: null };
  }
}
