// `belljar bench`: what a plugin or a session costs, and whether that changed.

import { basename, resolve } from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import {
  BUDGET_MAX_BYTES,
  type Budget,
  budgetsOf,
  budgetText,
  type Budgets,
  judgeBudgets,
  readBudgets,
  updated,
} from "../bench/budget.ts";
import { renderPage } from "../bench/page.ts";
import { MOST_VOICES } from "../bench/piece.ts";
import { Stopped } from "../bench/player.ts";
import type { BenchRequest, NamedBytes, Target } from "../bench/request.ts";
import type { BenchReport } from "../bench/result.ts";
import { DEFAULT_ROUNDS, DEFAULT_SECONDS, DEFAULT_TURN_ROUNDS } from "../bench/run.ts";
import { superviseBench } from "../bench/supervise.ts";
import { MIDI_MAX_BYTES } from "../engine/midi-file.ts";
import { HIGHEST_RATE, LONGEST_BLOCK, LOWEST_RATE } from "../engine/session.ts";
import { AtomicFile, checkWritable, writeFileAtomic } from "../output/atomic-file.ts";
import { isFileName } from "../registry/builtins.ts";
import { readPlugin } from "../registry/load.ts";
import { readRegularFile } from "../registry/read-file.ts";
import type { Limits } from "../sandbox/index.ts";
import { benchText } from "./bench-report.ts";
import { readConfigFile, refuseOverlap, WAV_MAX_BYTES } from "./files.ts";
import { limits } from "./limits.ts";
import { flag, list, number, numbers, parseOptions, readPairs, takePositionals, text } from "./options.ts";
import { StatusLine } from "./status-line.ts";
import { painter } from "./table.ts";

export const name = "bench";
export const summary = "Measure what a plugin or a session costs, and whether that changed";
export const help = `Measures what a plugin or a session costs: the time of each block, and its work in units. Times are this
machine's, at this moment; units are the same on every machine and in every run. A piece of sound is played
several times, each time on a fresh instance, in a process of its own whose V8 optimises before the first block.

Usage: belljar bench PLUGIN [OPTIONS]
       belljar bench SESSION.json [OPTIONS]

  PLUGIN               a built-in plugin's id, or a .wasm file. Its audio inputs get noise, its event
                       input gets notes that are held
  --rate LIST          sample rates (48000, or the session's): "44100,96000"
  --block LIST         frames of a block (128, or the session's): "64,128,512"
  --voices LIST        notes at once, for a plugin with an event input (1,4,16)
  --seconds N          length of the piece (${DEFAULT_SECONDS}, or that of the files if they are shorter)
  --rounds N           how often it is played (${DEFAULT_ROUNDS}; with --vs ${DEFAULT_TURN_ROUNDS}; fewer where that takes long)
  --vs OTHER           play OTHER in turns with it: the ratio of their times, with an interval that holds
                       it with 95 % confidence; the exact ratio of their units; whether they sound the same
  --budget FILE        hold the units to those in FILE: exit code 1 where a figure is more than 1 % above.
                       Where there is no FILE yet, it is written; one FILE may serve many plugins
  --update             write what was measured into the FILE of --budget, higher or lower
  --html FILE          a page with histograms and time lines, which needs nothing else
  --json               print the figures as JSON

What a plugin gets:
  --param NAME=VALUE   set a control, as "belljar process" does; repeatable
  --preset NAME        one of the plugin's presets
  --config NAME=VALUE  set a config parameter before the plugin is activated; repeatable
  --file NAME=FILE     give the plugin a file for a config parameter; repeatable
  --input FILE.wav     sound for its audio inputs, instead of noise
  --midi FILE          a MIDI file for its event input, instead of held notes
  --limit NAME=VALUE   change one of the sandbox's limits (belljar inspect --limits); repeatable
For a session, as "belljar render" has it: --input NAME=FILE.wav and --midi NAME=FILE, repeatable.

Exit code: 0 measured, 1 over budget or a plugin was stopped, 2 bad input. A machine that is too noisy to tell
is no failure.

Examples:
  belljar bench sine
  belljar bench ./my-plugin.wasm --block 64,256,1024 --html cost.html
  belljar bench ./new.wasm --vs ./old.wasm
  belljar bench ./my-plugin.wasm --budget budgets.json
  belljar bench session.json --midi song=song.mid --seconds 30
`;

const OPTIONS = {
  rate: numbers(LOWEST_RATE, HIGHEST_RATE),
  block: numbers(1, LONGEST_BLOCK),
  voices: numbers(1, MOST_VOICES),
  seconds: number(0.01, 600),
  rounds: number(2, 1000, "whole"),
  vs: text(),
  budget: text(),
  update: flag(),
  html: text(),
  json: flag(),
  param: list(),
  preset: text(),
  config: list(),
  file: list(),
  input: list(),
  midi: list(),
  limit: limits(),
};

type Options = ReturnType<typeof parseOptions<typeof OPTIONS>>["options"];

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS);
  const [subject = ""] = takePositionals(positionals, ["PLUGIN"]);
  if (options.update && options.budget === undefined) {
    throw new BelljarError("usage/missing", "--update needs --budget FILE.");
  }
  const request = await read(subject, options);
  const inputs = [subject, ...(options.vs === undefined ? [] : [options.vs]), ...filesOf(options)];
  const outputs = [options.html, options.budget].filter((path) => path !== undefined);
  refuseOverlap(inputs.filter(isFileLike), outputs);
  const budgets = options.budget === undefined ? null : await openBudgets(options.budget);
  const page = options.html === undefined ? null : AtomicFile.open(options.html);
  const status = new StatusLine();
  try {
    const report = await superviseBench(request, (part, what) =>
      status.show(`Measuring  ${String(Math.floor(part * 100)).padStart(2)} %  ${what}`),
    );
    status.clear();
    for (const warning of report.warnings) process.stderr.write(`belljar: ${warning}\n`);
    const found = budgetsOf(report, conditionsOf(options));
    if (page !== null) {
      page.write(renderPage(report));
      page.commit();
    }
    const verdict =
      options.budget === undefined ? null : keep(options.budget, budgets, report, found, options.update);
    if (options.json) {
      const more = verdict === null ? {} : { budget: verdict };
      process.stdout.write(`${JSON.stringify({ ...report, ...more }, null, 2)}\n`);
    } else {
      process.stdout.write(benchText(report));
      if (verdict !== null) process.stdout.write(`\n${verdict.sentences.join("\n")}\n`);
    }
    return verdict?.kept === false ? 1 : 0;
  } catch (error) {
    status.clear();
    if (!(error instanceof Stopped)) throw error;
    const paint = painter(process.stderr);
    process.stderr.write(`${paint("red", "belljar:")} ${error.message}\n`);
    process.stderr.write("What a stopped plugin costs means nothing, so there are no figures.\n");
    return 1;
  } finally {
    status.clear();
    page?.abort();
  }
}

const isSession = (subject: string): boolean => /\.json$/i.test(subject);
const isFileLike = (subject: string): boolean => isFileName(subject) || isSession(subject);

/** Everything that is measured, read. */
async function read(subject: string, options: Options): Promise<BenchRequest> {
  const session = isSession(subject);
  if (session) {
    for (const only of ["param", "config", "file"] as const)
      if (options[only].length > 0) throw ofPlugins(only);
    if (options.preset !== undefined) throw ofPlugins("preset");
    if (options.voices.length > 0) throw ofPlugins("voices");
  }
  const [input, ...moreInputs] = options.input;
  const [midi, ...moreMidi] = options.midi;
  if (!session && (moreInputs.length > 0 || moreMidi.length > 0)) {
    throw new BelljarError("usage/repeated", "A plugin takes one --input and one --midi.");
  }
  const files: [string, NamedBytes][] = [];
  for (const [id, path] of readPairs("file", options.file))
    files.push([id, await readNamed(path, options.limit.fileBytes)]);
  return {
    target: await readTarget(subject, options.limit),
    other: options.vs === undefined ? null : await readTarget(options.vs, options.limit),
    rates: options.rate,
    blocks: options.block,
    voices: options.voices,
    seconds: options.seconds ?? null,
    rounds: options.rounds ?? null,
    limits: options.limit,
    params: [...readPairs("param", options.param)],
    config: [...readPairs("config", options.config)],
    files,
    preset: options.preset ?? null,
    sound: session || input === undefined ? null : await readInput(input, WAV_MAX_BYTES, "a WAV file"),
    midi: session || midi === undefined ? null : await readInput(midi, MIDI_MAX_BYTES, "a MIDI file"),
    midiInputs: session ? await readInputs("midi", options.midi, MIDI_MAX_BYTES, "a MIDI file") : [],
    soundInputs: session ? await readInputs("input", options.input, WAV_MAX_BYTES, "a WAV file") : [],
  };
}

function ofPlugins(option: string): BelljarError {
  return new BelljarError(
    "usage/option",
    `--${option} is for plugins; a session says itself what its plugins get.`,
  );
}

async function readTarget(subject: string, limit: Partial<Limits>): Promise<Target> {
  if (isSession(subject)) return { kind: "session", path: resolve(subject) };
  return { kind: "plugin", name: printable(subject), bytes: await readPlugin(subject, limit.moduleBytes) };
}

async function readNamed(path: string, most: number | undefined): Promise<NamedBytes> {
  const { name: file, bytes } = await readConfigFile(path, most);
  return { name: file, bytes: bytes as Uint8Array<ArrayBuffer> };
}

async function readInput(path: string, most: number, what: string): Promise<NamedBytes> {
  return { name: basename(path), bytes: await readRegularFile(path, most, what) };
}

async function readInputs(
  option: string,
  pairs: string[],
  most: number,
  what: string,
): Promise<[string, NamedBytes][]> {
  const files: [string, NamedBytes][] = [];
  for (const [input, path] of readPairs(option, pairs))
    files.push([input, await readInput(path, most, what)]);
  return files;
}

/** Every file that an option names, for the check that none of them is written. */
function filesOf(options: Options): string[] {
  return [...options.file, ...options.input, ...options.midi].map((pair) =>
    pair.slice(pair.indexOf("=") + 1),
  );
}

/** What decides what a plugin does, beside the plugin. */
function conditionsOf(options: Options): string[] {
  const short = (pair: string): string => {
    const at = pair.indexOf("=") + 1;
    return pair.slice(0, at) + basename(pair.slice(at));
  };
  return [
    ...options.param.map((pair) => `param ${pair}`),
    ...(options.preset === undefined ? [] : [`preset ${options.preset}`]),
    ...options.config.map((pair) => `config ${pair}`),
    ...Object.entries(options.limit).map(([limit, value]) => `limit ${limit}=${value}`),
    ...options.file.map((pair) => `file ${short(pair)}`),
    ...options.input.map((pair) => `input ${short(pair)}`),
    ...options.midi.map((pair) => `midi ${short(pair)}`),
  ];
}

/** What is in the budget file; null where there is none yet. */
async function openBudgets(path: string): Promise<Budgets | null> {
  let bytes: Uint8Array;
  try {
    bytes = await readRegularFile(path, BUDGET_MAX_BYTES, "a file of unit budgets");
  } catch (error) {
    if (!(error instanceof BelljarError) || error.code !== "file/not-found") throw error;
    checkWritable(path);
    return null;
  }
  const budgets = readBudgets(bytes, path);
  return budgets;
}

interface BudgetVerdict {
  file: string;
  kept: boolean;
  written: boolean;
  sentences: string[];
}

/** Compares with the budget, or writes it. */
function keep(
  path: string,
  budgets: Budgets | null,
  report: BenchReport,
  found: readonly Budget[],
  update: boolean,
): BudgetVerdict {
  const file = printable(path);
  const { id } = report.subject;
  if (report.rows.some((row) => !row.measured.units.repeats)) {
    const sentence = `${id} did not have the same units in each round, so no budget can be kept.`;
    return { file, kept: false, written: false, sentences: [sentence] };
  }
  if (budgets === null || update) {
    writeFileAtomic(path, budgetText(updated(id, found, budgets)));
    const many = found.length === 1 ? "a budget" : `${found.length} budgets`;
    return { file, kept: true, written: true, sentences: [`${file}: ${many} for ${id} written.`] };
  }
  const { failures, below, compared } = judgeBudgets(report, found, budgets);
  const sentences = [...failures];
  if (failures.length > 0) sentences.push("If that is meant: --update writes what was measured.");
  else sentences.push(`${file}: ${compared} figures are within their budgets.`);
  if (below.length > 0) {
    sentences.push(...below, `The budget can be lowered: --budget ${file} --update.`);
  }
  return { file, kept: failures.length === 0, written: false, sentences };
}
