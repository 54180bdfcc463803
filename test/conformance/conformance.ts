// Runs a group's fixtures through all checks, and compares what they don't pass with what is listed.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { CHECKS } from "../../runtime/validate/catalogue.ts";
import type { Bench } from "../../runtime/validate/check.ts";
import { playDigest } from "../../runtime/validate/digest.ts";
import { openBench } from "../../runtime/validate/open-bench.ts";
import { type CheckResult, runChecks } from "../../runtime/validate/run.ts";
import { ALSO } from "./also.ts";
import { FIXTURES, type Fixture } from "./fixtures.ts";
import { buildModel } from "./model.ts";

export const SEED = 1;
/** Takes seconds, and sees nothing that the shorter one does not see, but for its own fixture. */
const LONG = "robustness/more-random-calls";

/** A bench for bytes; what it plays elsewhere it plays here. */
export async function benchOf(bytes: Uint8Array): Promise<Bench> {
  let bench: Bench | null = null;
  const opened = await openBench(bytes, { seed: SEED, elsewhere: async () => playDigest(bench as Bench) });
  if ("refused" in opened) throw new Error(opened.refused);
  bench = opened.bench;
  return bench;
}

/** What a fixture does not pass. */
export async function resultsOf(fixture: Fixture): Promise<CheckResult[]> {
  const bench = await benchOf(await buildModel(fixture));
  const checks = CHECKS.filter(
    ({ id }) => (id !== LONG || id === fixture.check) && (fixture.only?.test(id) ?? true),
  );
  const results = await runChecks(bench, checks);
  return results.filter(({ word }) => word !== "passed" && word !== "skipped");
}

/** "state/sound", or "parameters/agree: warning" for what does not fail. */
export const listed = ({ check, word }: CheckResult): string =>
  word === "failed" ? check : `${check}: ${word}`;

export function testFixtures(group: keyof typeof FIXTURES): void {
  for (const fixture of FIXTURES[group] as Fixture[]) {
    test(`${fixture.check} is for a plugin that ${fixture.what}`, async () => {
      const bad = await resultsOf(fixture);
      const told = bad.map(({ check, word, sentence }) => `${word} ${check}: ${sentence}`).join("\n");
      const own = bad.find(({ check }) => check === fixture.check);
      assert.is(own?.word, fixture.word ?? "failed", told);
      assert.match(own?.sentence ?? "", /^\S.*[.)?]$/, "one sentence");
      const others = bad.filter((result) => result !== own).map(listed);
      assert.equal(others.sort(), [...(ALSO[fixture.check] ?? [])].sort(), told);
    });
  }
}
