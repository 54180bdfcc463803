// How long a plugin keeps the host waiting that uses up its deadline: programs made of one kind of slow work each, and
// beside them a busy loop of the host's own, which says what the machine itself adds.

import { type PluginInstance, PluginType, type SharedInstance } from "../runtime/sandbox/index.ts";
import { smallPlugin } from "../test/sandbox/small-plugin.ts";
import { type Machine, machine, machineLine, table } from "./output.ts";
import { maximum, median, minimum, quantile } from "./statistics.ts";

const DEADLINE = 1;
const RUNS = 60;
/** Milliseconds: what is aimed at. */
const USUAL = 1.5;
const WORST = 3;
/** More than any of them can use up in the time. */
const UNITS = 1e12;

const MIB64 = 0x4000000;
/** Where the 64 MiB begin, behind what small plugins keep in their first pages. */
const HEAP = 0x100000;
const MASK = MIB64 - 64;

/** Somewhere for a result to go: what nobody uses, V8 does not compute. */
const KEPT = "(f64.store (i32.const 512) (local.get $x))";

const again = (times: number, text: string): string => Array.from({ length: times }, () => text).join("\n");
const forever = (locals: string, body: string): string =>
  `${locals} (loop $on ${body} (br $on)) (unreachable)`;

interface Program {
  name: string;
  /** Each run needs memory that nobody has touched. */
  fresh?: boolean;
  plugin: Parameters<typeof smallPlugin>[0];
}

/** One circle through all lines of 64 MiB: line i points at line 1664525 i + 1013904223 (Knuth 3.2.1.2: full period). */
const CIRCLE = `
  (local $i i32)
  (loop $next
    (i32.store (i32.add (i32.const ${HEAP}) (i32.shl (local.get $i) (i32.const 6)))
      (i32.add (i32.const ${HEAP}) (i32.shl
        (i32.and (i32.add (i32.mul (local.get $i) (i32.const 1664525)) (i32.const 1013904223)) (i32.const 0xfffff))
        (i32.const 6))))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $i) (i32.const 0x100000))))
  (i32.const 1024)`;

/** Offsets of 64 pages of 4 KiB. */
const PAGES = Array.from({ length: 64 }, (_, i) => i * 4_096);

const LARGE = "1100 1100";

const PROGRAMS: readonly Program[] = [
  {
    name: "pointer chase over 64 MiB",
    plugin: {
      pages: LARGE,
      activate: CIRCLE,
      process: forever(
        `(local $p i32) (local.set $p (i32.const ${HEAP}))`,
        `(local.set $p ${"(i32.load ".repeat(64)}(local.get $p)${")".repeat(64)})`,
      ),
    },
  },
  {
    name: "pointer chase in a counted loop",
    plugin: {
      pages: LARGE,
      activate: CIRCLE,
      process: forever(
        `(local $p i32) (local $i i32) (local.set $p (i32.const ${HEAP}))`,
        `(local.set $i (i32.const 0))
         (loop $count
           (if (i32.lt_s (local.get $i) (i32.const 1000000)) (then
             (local.set $p (i32.load (local.get $p)))
             (local.set $i (i32.add (local.get $i) (i32.const 1)))
             (br $count))))`,
      ),
    },
  },
  {
    name: "store misses over 64 MiB",
    plugin: {
      pages: LARGE,
      activate: CIRCLE,
      process: forever(
        "(local $x i32)",
        again(
          32,
          `(i32.store (i32.add (i32.const ${HEAP}) (i32.and (local.get $x) (i32.const ${MASK}))) (local.get $x))
           (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))`,
        ),
      ),
    },
  },
  {
    name: "first touch of pages, storing",
    fresh: true,
    plugin: {
      pages: LARGE,
      process: forever(
        `(local $p i32) (local.set $p (i32.const ${HEAP}))`,
        `${PAGES.map((offset) => `(i32.store offset=${offset} (local.get $p) (local.get $p))`).join("")}
         (local.set $p (i32.add (local.get $p) (i32.const 0x40000)))
         (if (i32.ge_u (local.get $p) (i32.const ${MIB64})) (then (local.set $p (i32.const ${HEAP}))))`,
      ),
    },
  },
  {
    name: "first touch of pages, loading",
    fresh: true,
    plugin: {
      pages: LARGE,
      process: forever(
        `(local $p i32) (local $x i32) (local.set $p (i32.const ${HEAP}))`,
        `${PAGES.map((offset) => `(local.set $x (i32.xor (local.get $x) (i32.load offset=${offset} (local.get $p))))`).join("")}
         (i32.store (i32.const 512) (local.get $x))
         (local.set $p (i32.add (local.get $p) (i32.const 0x40000)))
         (if (i32.ge_u (local.get $p) (i32.const ${MIB64})) (then (local.set $p (i32.const ${HEAP}))))`,
      ),
    },
  },
  {
    name: "i64 divisions",
    plugin: {
      process: forever(
        "(local $x i64) (local.set $x (i64.const 3))",
        again(
          32,
          "(local.set $x (i64.or (i64.div_u (i64.const 0x7fffffffffffffff) (local.get $x)) (i64.const 3)))",
        ),
      ),
    },
  },
  {
    name: "f64 divisions",
    plugin: {
      process: forever(
        "(local $x f64) (local.set $x (f64.const 3))",
        again(32, "(local.set $x (f64.div (f64.const 1.7) (local.get $x)))") + KEPT,
      ),
    },
  },
  {
    name: "square roots",
    plugin: {
      process: forever(
        "(local $x f64) (local.set $x (f64.const 3))",
        again(32, "(local.set $x (f64.sqrt (f64.add (local.get $x) (f64.const 2.7))))") + KEPT,
      ),
    },
  },
  {
    name: "subnormal products and sums",
    plugin: {
      process: forever(
        "(local $x f64) (local.set $x (f64.const 3e-310))",
        again(32, "(local.set $x (f64.add (f64.mul (local.get $x) (f64.const 0.4)) (f64.const 1e-310)))") +
          KEPT,
      ),
    },
  },
  {
    name: "memory.fill of 64 MiB",
    plugin: {
      pages: LARGE,
      activate: CIRCLE,
      process: forever("", `(memory.fill (i32.const ${HEAP}) (i32.const 7) (i32.const ${MIB64}))`),
    },
  },
  {
    name: "memory.copy of 32 MiB",
    plugin: {
      pages: LARGE,
      activate: CIRCLE,
      process: forever(
        "",
        `(memory.copy (i32.const ${HEAP}) (i32.const ${HEAP + MIB64 / 2}) (i32.const ${MIB64 / 2}))`,
      ),
    },
  },
  { name: "empty loop", plugin: { process: forever("", "") } },
  {
    name: "calls of light leaves",
    plugin: {
      functions: "(func $leaf (param $x i32) (result i32) (i32.mul (local.get $x) (i32.const 3)))",
      process: forever("(local $x i32)", again(32, "(local.set $x (call $leaf (local.get $x)))")),
    },
  },
  {
    name: "calls of the host",
    plugin: {
      imports: '(import "belljar" "host_log" (func $log (param i32 i32 i32)))',
      process: forever("", "(call $log (i32.const 1) (i32.const 1024) (i32.const 64))"),
    },
  },
];

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

export async function benchDeadline(runs = RUNS): Promise<DeadlineResult> {
  const programs: { type: PluginType; shared: SharedInstance | null; times: number[]; speeds: number[] }[] =
    [];
  for (const { plugin, fresh } of PROGRAMS) {
    const type = await PluginType.load(smallPlugin(plugin), { limits: { memoryPages: 2_048 } });
    programs.push({ type, shared: fresh === true ? null : activated(type).share(), times: [], speeds: [] });
  }
  const floor: number[] = [];
  for (let run = -3; run < runs; run++) {
    for (const { type, shared, times, speeds } of programs) {
      // A stopped instance stays stopped: each run attaches anew to the same memory.
      const instance = shared === null ? activated(type) : type.attach(shared);
      instance.unitBudget = UNITS;
      instance.deadline = DEADLINE;
      const began = performance.now();
      instance.process(128);
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
  const rows = programs.map(({ times, speeds }, i) => row((PROGRAMS[i] as Program).name, times, speeds));
  const noise = row("JavaScript's own busy loop", floor, []);
  const usual = maximum(rows.map((each) => each.median)) <= USUAL;
  const worst = maximum(rows.map((each) => each.worst)) <= WORST;
  const quiet = noise.worst <= WORST / 2;
  return {
    benchmark: "deadline",
    machine: machine(),
    deadline: DEADLINE,
    rows,
    floor: noise,
    aim: { usual: USUAL, worst: WORST },
    verdict: usual && worst ? "kept" : usual && !quiet ? "too noisy to tell" : "broken",
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
