// `belljar validate`: whether a plugin does what hosts rely on.

import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { BelljarError, printable } from "../../abi/error.ts";
import { AtomicFile } from "../output/atomic-file.ts";
import { isFileName } from "../registry/builtins.ts";
import { readPlugin } from "../registry/load.ts";
import { CHECKS, chooseChecks, DEFAULT_LEVEL, LEVELS } from "../validate/catalogue.ts";
import type { PluginSetup } from "../validate/check.ts";
import { junit } from "../validate/junit.ts";
import type { CheckResult } from "../validate/run.ts";
import { type FuzzResult, superviseChecks, superviseFuzz } from "../validate/supervise.ts";
import { isBad, type Word, WORDS } from "../validate/verdict.ts";
import { readConfigFile, refuseOverlap } from "./files.ts";
import { limits } from "./limits.ts";
import { flag, list, number, parseOptions, readPairs, text } from "./options.ts";
import { StatusLine } from "./status-line.ts";
import { type Colour, painter, table } from "./table.ts";
import type { Limits } from "../sandbox/index.ts";

export const name = "validate";
export const summary = "Check whether plugins do what hosts rely on";
export const help = `Runs checks on plugins, each plugin in a process of its own: whether they keep to the contract, tell the
truth about latency, tail and silence, take notes and automation at their frame, save their state, and survive
what hosts do. Validation is about quality: nobody is protected by it, since a plugin can tell that it is being
tested. What protects is the sandbox.

Usage: belljar validate PLUGIN ... [OPTIONS]

  PLUGIN               a built-in plugin's id, or a .wasm file
  --level 1..10        how much is checked (${DEFAULT_LEVEL}, the least that hosts need); each level adds:
${LEVELS.map((what, i) => `                       ${String(i + 1).padStart(2)}  ${what}`).join("\n")}
  --only REGEX         only the checks whose name matches: "events/", "state|preset"
  --config NAME=VALUE  set a config parameter before every activation; repeatable
  --file NAME=FILE     give a file for a config parameter, for plugins that need one; repeatable
  --limit NAME=VALUE   change one of the sandbox's limits (belljar inspect --limits); repeatable
  --list               print the checks, and run none
  --all                print what passed and was skipped, too
  --seed N             for what is random; a run prints its own, and gives the same with it again
  --timeout SECONDS    how long one check may take (60)
  -j, --jobs N         plugins at a time (one for each processor)
  --json               print the results as JSON
  --junit FILE         write the results as JUnit XML, too
  --fuzz TIME          instead of checks: random calls for so long ("30s", "10m"); what fails prints
                       its seed, and --seed with it begins there

Results: passed, warning (hosts can live with it), skipped (there is nothing to check), failed, crashed (the
process died or did not come to an end).

Exit code: 0, 1 if a check failed or crashed, 2 for bad input.

Examples:
  belljar validate ./my-plugin.wasm
  belljar validate ./my-plugin.wasm --level 10 --junit results.xml
  belljar validate gain sine delay --only "processing/"
  belljar validate ./my-plugin.wasm --fuzz 30s
  belljar validate --list --level 10
`;

const OPTIONS = {
  config: list(),
  file: list(),
  limit: limits(),
  level: number(1, 10, "whole"),
  only: text(),
  list: flag(),
  all: flag(),
  seed: number(0, 0xffffffff, "whole"),
  timeout: number(0.1, 3600),
  jobs: { ...number(1, 64, "whole"), short: "j" },
  json: flag(),
  junit: text(),
  fuzz: text(),
};

interface Subject {
  /** As it was named, safe to print. */
  plugin: string;
  bytes: Uint8Array;
}

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS);
  const only = options.only === undefined ? null : readPattern(options.only);
  const level = options.level ?? (options.list ? 10 : DEFAULT_LEVEL);
  const checks = chooseChecks(level, only);
  if (checks.length === 0) {
    const among = only === null || CHECKS.every(({ id }) => !only.test(id));
    throw new BelljarError(
      "usage/only",
      `No check matches --only ${printable(options.only ?? "", 60)}${among ? "" : ` at level ${level}`}.`,
      among ? "See belljar validate --list." : "Give a higher --level.",
    );
  }
  if (options.list) {
    process.stdout.write(listing(checks, options.json));
    return 0;
  }
  if (positionals.length === 0) {
    throw new BelljarError("usage/missing", "PLUGIN is missing.", "See belljar validate --help.");
  }
  const fuzz = options.fuzz === undefined ? null : readTime(options.fuzz);
  if (fuzz !== null && options.junit !== undefined) {
    throw new BelljarError("usage/together", "--junit is for checks; --fuzz runs none.");
  }
  const subjects: Subject[] = [];
  for (const plugin of positionals)
    subjects.push({ plugin: printable(plugin), bytes: await readPlugin(plugin, options.limit.moduleBytes) });
  const setup = await readSetup(options.config, options.file, options.limit);
  const seed = options.seed ?? randomBytes(4).readUInt32LE(0);
  const jobs = Math.min(options.jobs ?? availableParallelism(), subjects.length);
  const limit = (options.timeout ?? 60) * 1000;
  if (fuzz !== null)
    return runFuzz(subjects, { seed, setup, jobs, limit, milliseconds: fuzz, json: options.json });

  const file = options.junit === undefined ? null : openReport(options.junit, positionals);
  try {
    const status = new StatusLine();
    const all = subjects.map((): CheckResult[] => []);
    const done = subjects.map(() => 0);
    const report = new Report(options.all);
    let said = 0;
    const finished = subjects.map(() => false);
    if (!options.json) process.stdout.write(`Seed ${seed}, level ${level}, ${checks.length} checks\n`);
    await inParallel(jobs, subjects, async ({ plugin, bytes }, i) => {
      all[i] = await superviseChecks({ bytes, seed, setup, limit }, checks, (result, count) => {
        done[i] = count;
        const sum = done.reduce((total, one) => total + one, 0);
        status.show(`${sum} of ${checks.length * subjects.length}  ${plugin}  ${result.check}`);
      });
      finished[i] = true;
      status.clear();
      // in the order of the command line
      for (; !options.json && finished[said]; said++) {
        process.stdout.write(report.plugin(subjects[said]?.plugin ?? "", all[said] ?? []));
      }
    });
    const plugins = subjects.map(({ plugin }, i) => ({ plugin, results: all[i] ?? [] }));
    if (options.json) {
      const counted = plugins.map((one) => ({
        plugin: one.plugin,
        counts: counts(one.results),
        results: one.results,
      }));
      process.stdout.write(`${JSON.stringify({ seed, level, plugins: counted }, null, 2)}\n`);
    } else if (plugins.length > 1) {
      process.stdout.write(
        `\n${plugins.length} plugins: ${tally(plugins.flatMap(({ results }) => results))}\n`,
      );
    }
    if (file !== null) {
      file.write(Buffer.from(junit(plugins)));
      file.commit();
    }
    return plugins.some(({ results }) => results.some(({ word }) => isBad(word))) ? 1 : 0;
  } finally {
    file?.abort();
  }
}

async function readSetup(config: string[], files: string[], limit: Partial<Limits>): Promise<PluginSetup> {
  const setup: PluginSetup = { config: [...readPairs("config", config)], files: [], limits: limit };
  for (const [id, path] of readPairs("file", files))
    setup.files.push({ id, ...(await readConfigFile(path, limit.fileBytes)) });
  return setup;
}

function readPattern(source: string): RegExp {
  try {
    return new RegExp(source, "i");
  } catch {
    throw new BelljarError(
      "usage/value",
      `--only must be a regular expression, not "${printable(source, 60)}".`,
    );
  }
}

/** "30s", "10m", "500ms", "1h" or seconds, in milliseconds. */
function readTime(source: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(source);
  const scale = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match?.[2] ?? "s"] ?? 1_000;
  const time = Number(match?.[1] ?? Number.NaN) * scale;
  if (time >= 1 && time <= 86_400_000) return time;
  throw new BelljarError(
    "usage/value",
    `--fuzz must be a time such as 30s or 10m, not "${printable(source, 40)}".`,
  );
}

function openReport(path: string, plugins: readonly string[]): AtomicFile {
  refuseOverlap(plugins.filter(isFileName), [path]);
  return AtomicFile.open(path);
}

/** Runs `work` on every item, so many at a time. */
async function inParallel<T>(
  jobs: number,
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      await work(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}

function listing(checks: readonly (typeof CHECKS)[number][], json: boolean): string {
  if (json) {
    return `${JSON.stringify(
      checks.map(({ id, level, title }) => ({ id, level, title })),
      null,
      2,
    )}\n`;
  }
  const rows = checks.map(({ id, level, title }) => [id, String(level), title]);
  return `${table([{ title: "CHECK" }, { title: "LEVEL", right: true }, { title: "WHAT IS TRUE OF A PLUGIN THAT PASSES" }], rows)}\n${checks.length} checks\n`;
}

type Counts = Record<Word, number>;

function counts(results: readonly CheckResult[]): Counts {
  const found = Object.fromEntries(WORDS.map((word) => [word, 0])) as Counts;
  for (const { word } of results) found[word]++;
  return found;
}

function tally(results: readonly CheckResult[]): string {
  const found = counts(results);
  return `${found.passed} passed, ${found.warning} ${found.warning === 1 ? "warning" : "warnings"}, ${found.skipped} skipped, ${found.failed} failed, ${found.crashed} crashed`;
}

const COLOURS: Record<Word, Colour> = {
  passed: "green",
  warning: "yellow",
  skipped: "dim",
  failed: "red",
  crashed: "red",
};

class Report {
  private readonly everything: boolean;

  constructor(everything: boolean) {
    this.everything = everything;
  }

  plugin(plugin: string, results: readonly CheckResult[]): string {
    const paint = painter(process.stdout);
    const shown = results.filter(({ word }) => this.everything || word === "warning" || isBad(word));
    const widest = Math.max(0, ...shown.map(({ check }) => check.length));
    const lines = shown.map(({ check, word, sentence }) => {
      const mark = paint(COLOURS[word], word.padEnd(7));
      return `  ${mark}  ${sentence === "" ? check : `${check.padEnd(widest)}  ${sentence}`}\n`;
    });
    const bad = results.some(({ word }) => isBad(word));
    const verdict = paint(bad ? "red" : "green", tally(results));
    return `\n${paint("bold", plugin)}\n${lines.join("")}  ${verdict}\n`;
  }
}

async function runFuzz(
  subjects: readonly Subject[],
  options: {
    seed: number;
    setup: PluginSetup;
    jobs: number;
    limit: number;
    milliseconds: number;
    json: boolean;
  },
): Promise<number> {
  const { seed, setup, jobs, limit, milliseconds, json } = options;
  const results = subjects.map((): FuzzResult => ({ rounds: 0, failure: null }));
  const status = new StatusLine();
  if (!json) process.stdout.write(`Seed ${seed}, random calls for ${milliseconds / 1000} s a plugin\n`);
  await inParallel(jobs, subjects, async ({ plugin, bytes }, i) => {
    status.show(`${plugin}: random calls`);
    const result = await superviseFuzz({ bytes, seed, setup, limit }, milliseconds);
    results[i] = result;
    status.clear();
    if (json) return;
    const { rounds, failure } = result;
    process.stdout.write(
      failure === null
        ? `${plugin}: ${rounds} rounds, nothing found\n`
        : `${plugin}: ${failure.crashed ? "crashed" : "failed"} in round ${rounds}: ${failure.sentence}\n` +
            `  again: belljar validate ${plugin} --fuzz 1ms --seed ${failure.seed}\n`,
    );
  });
  if (json) {
    const plugins = subjects.map(({ plugin }, i) => ({ plugin, ...results[i] }));
    process.stdout.write(`${JSON.stringify({ seed, plugins }, null, 2)}\n`);
  }
  return results.some(({ failure }) => failure !== null) ? 1 : 0;
}
