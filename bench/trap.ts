// What it costs the host that a plugin stops: the call of process in which it does, and the calls after that, beside a
// call that ends well. Each stop is one of a new attachment to the same memory: what has stopped stays so.

import { type Machine, machine, machineLine } from "../runtime/bench/machine.ts";
import { median, minimum, quantile } from "../runtime/bench/statistics.ts";
import { PluginType } from "../runtime/sandbox/index.ts";
import { table } from "./output.ts";
import type { Stop } from "./trap-plugins.ts";

const RUNS = 400;
const WARM_UP = 100;
/** Calls of process timed together where one alone is too short for the clock. */
const TOGETHER = 50;
const FRAMES = 128;

export interface TrapRow {
  stop: string;
  /** Microseconds of the call that it stopped in. */
  minimum: number;
  median: number;
  p99: number;
}

export interface TrapResult {
  benchmark: "trap";
  machine: Machine;
  rows: TrapRow[];
  /** Microseconds of a call that ends well, and of one after the stop: medians. */
  well: number;
  after: number;
}

/** Microseconds of one call, of so many timed together. */
function timed(call: () => unknown): number {
  const began = performance.now();
  for (let i = 0; i < TOGETHER; i++) call();
  return ((performance.now() - began) * 1_000) / TOGETHER;
}

export async function benchTrap(stops: readonly Stop[]): Promise<TrapResult> {
  const rows: TrapRow[] = [];
  const after: number[] = [];
  let well: number[] = [];
  for (const { stop, kind, bytes } of stops) {
    const type = await PluginType.load(bytes);
    const first = type.instantiate();
    first.activate(48_000, FRAMES);
    if (kind === null) {
      const calls = Array.from({ length: WARM_UP + RUNS }, () => timed(() => first.process(FRAMES)));
      well = calls.slice(WARM_UP);
      first.dispose();
      continue;
    }
    const shared = first.share();
    const times: number[] = [];
    for (let run = -WARM_UP; run < RUNS; run++) {
      const instance = type.attach(shared);
      const began = performance.now();
      const went = instance.process(FRAMES);
      const time = (performance.now() - began) * 1_000;
      if (went || instance.fault?.kind !== kind) throw new Error(`${stop}: ${instance.fault?.message}`);
      if (run >= 0) {
        times.push(time);
        after.push(timed(() => instance.process(FRAMES)));
      }
      instance.dispose();
    }
    first.dispose();
    rows.push({ stop, minimum: minimum(times), median: median(times), p99: quantile(times, 0.99) });
  }
  return { benchmark: "trap", machine: machine(), rows, well: median(well), after: median(after) };
}

export function trapText({ machine, rows, well, after }: TrapResult): string {
  return [
    machineLine(machine),
    "Microseconds of the call of process in which a plugin stops:",
    "",
    table([
      ["stopped by", "min", "median", "p99"],
      ...rows.map((row) => [row.stop, ...[row.minimum, row.median, row.p99].map((time) => time.toFixed(1))]),
    ]),
    "",
    `A call that ends well takes ${well.toFixed(2)}, one after the stop ${after.toFixed(3)}.`,
  ].join("\n");
}
