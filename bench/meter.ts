// What the meter costs: each kernel rewritten against the same kernel as it is, in turns, and the original a second
// time beside them, which says how far two equal things differ on this machine at this time.

import type { Kernel } from "./kernels.ts";
import { playMetered, playOriginal, type Playing, rewriteKernel } from "./metered-kernel.ts";
import { type Machine, machine, machineLine } from "../runtime/bench/machine.ts";
import { percent, table } from "./output.ts";
import { geometricMean, maximum, median, minimum, quantile } from "../runtime/bench/statistics.ts";

/** Instances of each form. */
const SETS = 5;
/** Least and most rounds; between them it ends when the two originals agree. */
const ROUNDS = 40;
const MOST_ROUNDS = 120;
/** Milliseconds of one turn: long beside the clock, short beside the scheduler's slices. */
const TURN = 2;
/** The two originals agree when their minima differ by no more. */
const SETTLED = 0.005;
/** Where they differ by more, nothing can be said. */
const NOISY = 0.02;

const MEAN_BOUND = 1.05;
const WORST_BOUND = 1.15;

export interface KernelResult {
  kernel: string;
  frames: number;
  rounds: number;
  /** Microseconds a block, minima. */
  original: number;
  metered: number;
  /** Minimum over minimum. */
  ratio: number;
  /** Of the rounds' own ratios: median, and the quartiles. */
  medianRatio: number;
  quartiles: [number, number];
  /** The same of the second original against the first. */
  floor: number;
  medianFloor: number;
  floorQuartiles: [number, number];
  noisy: boolean;
  /** Of the first block. */
  units: number;
  bytes: number;
  rewrittenBytes: number;
}

export interface MeterResult {
  benchmark: "meter";
  machine: Machine;
  kernels: KernelResult[];
  geometricMean: number;
  worst: { kernel: string; ratio: number };
  medianGeometricMean: number;
  floorGeometricMean: number;
  /** Nanoseconds that begin and end of a metered call take, with one reading of the clock. */
  call: number;
  bounds: { geometricMean: number; worst: number; noise: number };
  verdict: "kept" | "broken" | "too noisy to tell";
}

function timed(playing: Playing, blocks: number): number {
  const began = performance.now();
  playing.run(blocks);
  return ((performance.now() - began) * 1_000) / blocks;
}

function measure(kernel: Kernel): KernelResult {
  const module = new WebAssembly.Module(kernel.bytes);
  const rewritten = rewriteKernel(kernel.bytes);
  const rewrittenModule = new WebAssembly.Module(rewritten.bytes);
  const original = (): Playing => playOriginal(module, kernel.frames);
  const metered = () => playMetered(rewrittenModule, rewritten, kernel.frames);
  // Where memory happens to lie makes some kernels faster or slower by a few percent: so several of each.
  const sets = Array.from({ length: SETS }, () => [original(), metered(), original()] as const);

  for (let i = 0; i < 3; i++) for (const set of sets) for (const player of set) timed(player, 200);
  const probe = sets[0]?.[0] as Playing;
  const blocks = Math.max(1, Math.round((TURN * 1_000) / minimum([1, 2, 3].map(() => timed(probe, 50)))));
  for (const set of sets) for (const player of set) timed(player, blocks);

  const times: [number[], number[], number[]] = [[], [], []];
  const [first, middle, last] = times;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const whole = round % SETS === 0;
    if (whole && round >= ROUNDS && Math.abs(minimum(last) / minimum(first) - 1) <= SETTLED) break;
    const set = sets[round % SETS] as readonly Playing[];
    // Each goes first, second and last equally often, with either neighbour.
    const turn = Math.floor(round / SETS);
    const order = [0, 1, 2].map((i) => (i + turn) % 3);
    if (turn % 2 === 1) order.reverse();
    for (const i of order) times[i]?.push(timed(set[i] as Playing, blocks));
  }

  const ratios = middle.map((time, i) => time / (first[i] as number));
  const floors = last.map((time, i) => time / (first[i] as number));
  const floor = minimum(last) / minimum(first);
  return {
    kernel: kernel.name,
    frames: kernel.frames,
    rounds: first.length,
    original: minimum(first),
    metered: minimum(middle),
    ratio: minimum(middle) / minimum(first),
    medianRatio: median(ratios),
    quartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    floor,
    medianFloor: median(floors),
    floorQuartiles: [quantile(floors, 0.25), quantile(floors, 0.75)],
    noisy: Math.abs(floor - 1) > NOISY,
    units: metered().units(),
    bytes: kernel.bytes.length,
    rewrittenBytes: rewritten.bytes.length,
  };
}

/** A module whose process does nothing: what is left is the call. */
function measureCall(): number {
  // (module (memory (export "memory") 1) (func $f (param i32)) (func $g) (export "process" (func 0)) (export "setup" (func 1)))
  const empty = new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 2, 96, 1, 127, 0, 96, 0, 0, 3, 3, 2, 0, 1, 5, 3, 1, 0, 1, 7, 28, 3, 6,
    109, 101, 109, 111, 114, 121, 2, 0, 7, 112, 114, 111, 99, 101, 115, 115, 0, 0, 5, 115, 101, 116, 117, 112,
    0, 1, 10, 7, 2, 2, 0, 11, 2, 0, 11,
  ]);
  const original = playOriginal(new WebAssembly.Module(empty), 1);
  const rewritten = rewriteKernel(empty);
  const metered = playMetered(new WebAssembly.Module(rewritten.bytes), rewritten, 1);
  const of = (playing: Playing): number =>
    minimum(Array.from({ length: 31 }, () => timed(playing, 10_000))) * 1_000;
  return of(metered) - of(original);
}

/** Measures all of them. Both forms must be optimised from the start: see bench/main.ts for V8's flags. */
export function benchMeter(kernels: Kernel[]): MeterResult {
  const results = kernels.map(measure);
  const ratios = results.map(({ ratio }) => ratio);
  const mean = geometricMean(ratios);
  const worst = maximum(ratios);
  const kept = mean <= MEAN_BOUND && worst <= WORST_BOUND;
  return {
    benchmark: "meter",
    machine: machine(),
    kernels: results,
    geometricMean: mean,
    worst: { kernel: results.find(({ ratio }) => ratio === worst)?.kernel ?? "", ratio: worst },
    medianGeometricMean: geometricMean(results.map(({ medianRatio }) => medianRatio)),
    floorGeometricMean: geometricMean(results.map(({ floor }) => floor)),
    call: measureCall(),
    bounds: { geometricMean: MEAN_BOUND, worst: WORST_BOUND, noise: 1 + NOISY },
    verdict: results.some(({ noisy }) => noisy) ? "too noisy to tell" : kept ? "kept" : "broken",
  };
}

export function meterText(result: MeterResult): string {
  const spread = ([low, high]: [number, number]): string => `${percent(low)} to ${percent(high)}`;
  const rows = result.kernels.map((k) => [
    k.kernel,
    k.original.toFixed(2),
    k.metered.toFixed(2),
    percent(k.ratio),
    `${percent(k.medianRatio)} (${spread(k.quartiles)})`,
    `${percent(k.floor)}${k.noisy ? " noisy" : ""}`,
    `${percent(k.medianFloor)} (${spread(k.floorQuartiles)})`,
    String(k.units),
    String(k.rounds),
  ]);
  const head = [
    "kernel",
    "µs",
    "metered µs",
    "min",
    "median (quartiles)",
    "floor min",
    "floor median (quartiles)",
  ];
  const { bounds } = result;
  const noise = percent(bounds.noise).slice(1);
  const verdict = {
    kept: "kept",
    broken: "broken",
    "too noisy to tell": `too noisy to tell: two equal originals differ by more than ${noise} where it says "noisy"`,
  }[result.verdict];
  return [
    machineLine(result.machine),
    "A block: 128 stereo frames, the convolver 1,024. min: smallest time metered over smallest time as it is.",
    "floor: the original against itself. The call's own cost is in it.",
    "",
    table([[...head, "units", "rounds"], ...rows]),
    "",
    `geometric mean ${percent(result.geometricMean)} (of medians ${percent(result.medianGeometricMean)}; floor ${percent(result.floorGeometricMean)}), worst ${percent(result.worst.ratio)} (${result.worst.kernel}); begin and end of a call ${result.call.toFixed(0)} ns`,
    `bounds: geometric mean ${percent(bounds.geometricMean, 0)}, worst ${percent(bounds.worst, 0)}: ${verdict}`,
  ].join("\n");
}
