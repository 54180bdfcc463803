// How long a plugin keeps the host waiting that uses up its deadline: programs made of one kind of slow work each, and
// between their runs a busy loop of the host's own, which says what the machine itself adds.

import { type PluginInstance, PluginType } from "../runtime/sandbox/index.ts";
import type { Program } from "./deadline-programs.ts";
import { type Machine, machine, machineLine } from "../runtime/bench/machine.ts";
import { table } from "./output.ts";
import { maximum, median, minimum, quantile } from "../runtime/bench/statistics.ts";

const DEADLINE = 1;
const RUNS = 200;
/** Runs of what needs new memory for each. */
const FRESH_RUNS = 20;
const WARM_UP = 3;
/** Milliseconds: what is aimed at. */
const USUAL = 1.5;
const WORST = 3;
/** More than any of them can use up in the time. */
const UNITS = 1e12;
/** A program that behaves at first does so for this many calls at most. */
const MOST_CALLS = 100_000;

export interface DeadlineRow {
  program: string;
  runs: number;
  /** Milliseconds until the host had control again. */
  minimum: number;
  median: number;
  p90: number;
  p99: number;
  worst: number;
  /** Units a nanosecond, median. */
  speed: number | null;
  /** Whether it is over the aim by more than the machine itself is. */
  over: boolean;
}

export interface DeadlineResult {
  benchmark: "deadline";
  machine: Machine;
  deadline: number;
  rows: DeadlineRow[];
  floor: DeadlineRow;
  /** Milliseconds: medians, and the wait after the deadline that the machine does not add itself. */
  aim: { usual: number; worst: number };
  verdict: "kept" | "broken" | "too noisy to tell";
}

function row(program: string, times: number[], speeds: number[]): DeadlineRow {
  return {
    program,
    runs: times.length,
    minimum: minimum(times),
    median: median(times),
    p90: quantile(times, 0.9),
    p99: quantile(times, 0.99),
    worst: maximum(times),
    speed: speeds.length > 0 ? median(speeds) : null,
    over: false,
  };
}

/** Not WebAssembly.compile: what waits for that alone does not keep every version of Node from ending. */
const compile = async (bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> =>
  new WebAssembly.Module(bytes);

function activated(type: PluginType): PluginInstance {
  const instance = type.instantiate();
  instance.activate(48_000, 128);
  return instance;
}

/** Milliseconds of the call that did not come back by itself. */
function lastCall(instance: PluginInstance, frames: number): number {
  for (let call = 0; call < MOST_CALLS; call++) {
    const began = performance.now();
    const went = instance.process(frames);
    const time = performance.now() - began;
    if (!went) return time;
  }
  throw new Error("It always came back.");
}

function busy(): number {
  const start = performance.now();
  while (performance.now() - start < DEADLINE);
  return performance.now() - start;
}

async function measure({ name, bytes, fresh }: Program, floor: number[]): Promise<DeadlineRow> {
  const type = await PluginType.load(bytes, { limits: { memoryPages: 2_048 }, compile });
  const first = activated(type);
  const shared = fresh ? null : first.share();
  const times: number[] = [];
  const speeds: number[] = [];
  for (let run = -WARM_UP; run < (fresh ? FRESH_RUNS : RUNS); run++) {
    const frames = 1 + (((run + WARM_UP) * 37) % 128);
    // A stopped instance stays stopped: each run attaches anew to the same memory.
    const instance = shared === null ? activated(type) : type.attach(shared);
    instance.unitBudget = UNITS;
    instance.deadline = DEADLINE;
    const time = lastCall(instance, frames);
    if (instance.fault?.kind !== "deadline")
      throw new Error(`${name} ended otherwise: ${instance.fault?.message}`);
    instance.drainMessages(() => {});
    const { units } = instance.fault;
    instance.dispose();
    const machines = busy();
    if (run < 0) continue;
    times.push(time);
    speeds.push(units / (time * 1e6));
    floor.push(machines);
  }
  first.dispose();
  return row(name, times, speeds);
}

export async function benchDeadline(sources: readonly Program[]): Promise<DeadlineResult> {
  const floor: number[] = [];
  const rows: DeadlineRow[] = [];
  for (const source of sources) rows.push(await measure(source, floor));
  const noise = row("JavaScript's own busy loop", floor, []);
  for (const each of rows) {
    each.over = each.median > DEADLINE + WORST || each.p99 - noise.p99 > WORST;
  }
  const usual = maximum(rows.map((each) => each.median)) <= USUAL;
  const worst = rows.every((each) => !each.over);
  // What the host's own loop suffers too says nothing about plugins.
  const quiet = noise.p99 <= DEADLINE * 1.5;
  return {
    benchmark: "deadline",
    machine: machine(),
    deadline: DEADLINE,
    rows,
    floor: noise,
    aim: { usual: USUAL, worst: WORST },
    verdict: usual && worst ? "kept" : quiet || !usual ? "broken" : "too noisy to tell",
  };
}

export function deadlineText(result: DeadlineResult): string {
  const cells = (each: DeadlineRow): string[] => [
    each.program,
    each.minimum.toFixed(2),
    each.median.toFixed(2),
    each.p90.toFixed(2),
    each.p99.toFixed(2),
    each.worst.toFixed(2),
    each.speed === null ? "" : each.speed.toFixed(3),
    String(each.runs),
  ];
  const { usual, worst } = result.aim;
  const over = result.rows.filter((each) => each.over).map((each) => each.program);
  return [
    machineLine(result.machine),
    `Milliseconds until the host has control again, deadline ${result.deadline} ms.`,
    "",
    table([
      ["program", "min", "median", "p90", "p99", "worst", "units/ns", "runs"],
      ...result.rows.map(cells),
      cells(result.floor),
    ]),
    "",
    `more than ${worst} ms after the deadline, beyond what the machine adds: ${over.length === 0 ? "none" : over.join("; ")}`,
    `aim: medians ${usual} ms, none of those: ${result.verdict}`,
  ].join("\n");
}
