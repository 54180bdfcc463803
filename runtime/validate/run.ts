// Runs checks on one plugin, one after another, in this process.

import { BelljarError, printable } from "../../abi/error.ts";
import type { Bench, Check } from "./check.ts";
import { Ended, type Verdict } from "./verdict.ts";

export interface CheckResult extends Verdict {
  check: string;
  milliseconds: number;
}

/** What was seen of one check while another ran. */
export interface Notice {
  check: string;
  during: string;
  sentence: string;
}

/** Runs one check. What it saw of other checks is in the bench's notices. */
export async function runCheck(bench: Bench, check: Check): Promise<CheckResult> {
  const began = performance.now();
  const verdict = await verdictOf(bench, check);
  const sentence = printable(verdict.sentence, 400);
  return { check: check.id, ...verdict, sentence, milliseconds: Math.round(performance.now() - began) };
}

async function verdictOf(bench: Bench, check: Check): Promise<Verdict> {
  try {
    const remark = await check.run(bench);
    return { word: "passed", sentence: typeof remark === "string" ? remark : "" };
  } catch (error) {
    if (error instanceof Ended) return error.verdict;
    if (error instanceof BelljarError) return { word: "failed", sentence: error.message };
    const message = error instanceof Error ? error.message : String(error);
    return { word: "crashed", sentence: `The check itself broke: ${message}.` };
  } finally {
    bench.sweep();
  }
}

/** Takes the bench's notices, as seen during a check. */
export function takeNotices(bench: Bench, during: string): Notice[] {
  const notices = [...bench.notices].map(([check, sentence]) => ({
    check,
    during,
    sentence: printable(sentence, 400),
  }));
  bench.notices.clear();
  return notices;
}

/** A check that passed by itself fails by what was seen of it elsewhere. */
export function applyNotices(results: readonly CheckResult[], notices: readonly Notice[]): CheckResult[] {
  return results.map((result) => {
    if (result.word !== "passed" && result.word !== "skipped") return result;
    const notice = notices.find(({ check }) => check === result.check);
    if (notice === undefined) return result;
    const where = notice.during === result.check ? "" : ` (Seen in ${notice.during}.)`;
    return { ...result, word: "failed", sentence: notice.sentence + where };
  });
}

/** Runs checks in order. */
export async function runChecks(bench: Bench, checks: readonly Check[]): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  const notices: Notice[] = [];
  for (const check of checks) {
    results.push(await runCheck(bench, check));
    notices.push(...takeNotices(bench, check.id));
  }
  return applyNotices(results, notices);
}
