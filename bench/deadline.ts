// How long a plugin keeps the host waiting that uses up its deadline: programs made of one kind of slow work each, and
// beside them a busy loop of the host's own, which says what the machine itself adds.

import { type PluginInstance, PluginType, type SharedInstance } from "../runtime/sandbox/index.ts";
import type { Program } from "./deadline-programs.ts";
import { type Machine, machine, machineLine } from "../runtime/bench/machine.ts";
import { table } from "./output.ts";
import { maximum, median, minimum, quantile } from "../runtime/bench/statistics.ts";

const DEADLINE = 1;
const RUNS = 60;
/** Milliseconds: what is aimed at. */
const USUAL = 1.5;
const WORST = 3;
/** More than any of them can use up in the time. */
const UNITS = 1e12;

export interface DeadlineRow {
  program: string;
  runs: number;
  /** Milliseconds until the host had control again. */
  minimum: number;
  median: number;
  p90: number;
  worst: number;
  /** Units a nanosecond, median. */
  speed: number | null;
}

export interface DeadlineResult {
  benchmark: "deadline";
  machine: Machine;
  deadline: number;
  rows: DeadlineRow[];
  floor: DeadlineRow;
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
    worst: maximum(times),
    speed: speeds.length > 0 ? median(speeds) : null,
  };
}

function activated(type: PluginType): PluginInstance {
  const instance = type.instantiate();
  instance.activate(48_000, 128);
  return instance;
}

export async function benchDeadline(sources: readonly Program[]): Promise<DeadlineResult> {
  const programs: { type: PluginType; shared: SharedInstance | null; times: number[]; speeds: number[] }[] =
    [];
  for (const { bytes, fresh } of sources) {
    const type = await PluginType.load(bytes, { limits: { memoryPages: 2_048 } });
    programs.push({ type, shared: fresh ? null : activated(type).share(), times: [], speeds: [] });
  }
  const floor: number[] = [];
  for (let run = -3; run < RUNS; run++) {
    const frames = 1 + (((run + 3) * 37) % 128);
    for (const { type, shared, times, speeds } of programs) {
      // A stopped instance stays stopped: each run attaches anew to the same memory.
      const instance = shared === null ? activated(type) : type.attach(shared);
      instance.unitBudget = UNITS;
      instance.deadline = DEADLINE;
      const began = performance.now();
      instance.process(frames);
      const time = performance.now() - began;
      if (instance.fault?.kind !== "deadline")
        throw new Error(`It ended otherwise: ${instance.fault?.message}`);
      instance.drainMessages(() => {});
      if (run >= 0) {
        times.push(time);
        speeds.push(instance.fault.units / (time * 1e6));
      }

      const start = performance.now();
      while (performance.now() - start < DEADLINE);
      if (run >= 0) floor.push(performance.now() - start);
    }
  }
  const rows = programs.map(({ times, speeds }, i) => row((sources[i] as Program).name, times, speeds));
  const noise = row("JavaScript's own busy loop", floor, []);
  const usual = maximum(rows.map((each) => each.median)) <= USUAL;
  const worst = maximum(rows.map((each) => each.worst)) <= WORST;
  // What the host's own loop suffers too says nothing about plugins.
  const quiet = usual ? noise.worst <= WORST / 2 : noise.p90 <= DEADLINE * 1.1;
  return {
    benchmark: "deadline",
    machine: machine(),
    deadline: DEADLINE,
    rows,
    floor: noise,
    aim: { usual: USUAL, worst: WORST },
    verdict: usual && worst ? "kept" : quiet ? "broken" : "too noisy to tell",
  };
}

export function deadlineText(result: DeadlineResult): string {
  const cells = (each: DeadlineRow): string[] => [
    each.program,
    each.minimum.toFixed(2),
    each.median.toFixed(2),
    each.p90.toFixed(2),
    each.worst.toFixed(2),
    each.speed === null ? "" : each.speed.toFixed(3),
    String(each.runs),
  ];
  const { usual, worst } = result.aim;
  return [
    machineLine(result.machine),
    `Milliseconds until the host has control again, deadline ${result.deadline} ms.`,
    "",
    table([
      ["program", "min", "median", "p90", "worst", "units/ns", "runs"],
      ...result.rows.map(cells),
      cells(result.floor),
    ]),
    "",
    `aim: medians ${usual} ms, worst ${worst} ms: ${result.verdict}`,
  ].join("\n");
}
