// One thing, measured: a piece of sound played over and over, each time on a fresh instance, each block timed on its own.

import { setImmediate, setTimeout } from "node:timers/promises";
import {
  type BlockTimes,
  blockTimes,
  type Histogram,
  histogramOf,
  type TimeLine,
  timeLineOf,
} from "./histogram.ts";
import { type Configuration, type Idles, type Player, Stopped, type Subject } from "./player.ts";
import type { PluginSubject } from "./plugin-subject.ts";
import { maximum, median, minimum, quantileOfSorted } from "./statistics.ts";

export interface Plan {
  seconds: number;
  /** How often the piece is played. */
  rounds: number;
  /** Whether fewer rounds will do where they take long. */
  fewer: boolean;
}

/** Times are in microseconds. */
export interface Measured {
  /** Blocks of the piece, and the seconds of sound that they are. */
  blocks: number;
  seconds: number;
  rounds: number;
  /** All blocks of all rounds but the first of each. */
  times: BlockTimes;
  /** The first block of a fresh instance, whose code is warm. */
  first: { median: number; maximum: number };
  /** The most expensive block of the piece, each taken at its best of all rounds: what is the plugin's and not the machine's. */
  peak: number;
  /** What a block may take: its length in time; and the parts of it. */
  deadline: number;
  share: { p50: number; p99: number; maximum: number };
  /** Of the piece with each block at the median of all rounds. */
  timesRealTime: number;
  /** The slowest round's time over the fastest one's. */
  spread: number;
  units: UnitFigures;
  /** A plugin that does nothing, in the same rounds. */
  floor: BlockTimes;
  /** Of the last round; null for a session, whose blocks have it in them. */
  idle: Idles | null;
  /** Events that found no room. */
  lostEvents: number;
  histogram: Histogram;
  line: TimeLine;
}

export interface UnitFigures {
  /** Of the whole piece. */
  total: number;
  block: number;
  mostInBlock: number;
  sample: number;
  /** Whether each round had the same in each block. */
  repeats: boolean;
}

/** Called now and then with the part that is done, 0 to 1. */
export type Pulse = (part: number) => void;

/**
 * Warming up: some times so many blocks, or for so long, with a pause in which V8's other threads may finish; until their
 * median falls no more.
 */
const LEAST_WARM_TIMES = 2;
const MOST_WARM_TIMES = 8;
const SETTLED = 0.97;
const WARM_BLOCKS = 1000;
const WARM_MS = 150;
const LEAST_WARM_BLOCKS = 20;
const WARM_PAUSE_MS = 15;
/** Milliseconds that one configuration may take where fewer rounds will do, and the rounds that there are at least. */
const LONG_MS = 12_000;
const LEAST_ROUNDS = 2;
const FLOOR_BLOCKS = 2000;
/** Milliseconds between two looks at what else the process has to do. */
const TURN_MS = 50;

export async function measure(
  subject: Subject,
  floor: PluginSubject,
  configuration: Configuration,
  plan: Plan,
  pulse: Pulse,
): Promise<Measured> {
  const { rate, block } = configuration;
  const blocks = blocksOf(configuration, plan.seconds);
  await warmUp(subject, configuration);
  await warmUp(floor, configuration);
  const series: Float64Array[] = [];
  const floors: Float64Array[] = [];
  const units = new Float64Array(blocks);
  let repeats = true;
  let idle: Idles | null = null;
  let lostEvents = 0;
  const began = performance.now();
  for (let round = 0; round < plan.rounds; round++) {
    const spent = performance.now() - began;
    const next = (spent / Math.max(1, round)) * (round + 1);
    if (plan.fewer && round >= LEAST_ROUNDS && next > LONG_MS) break;
    const player = await subject.player(configuration);
    const times = new Float64Array(blocks);
    let turn = performance.now();
    for (let b = 0; b < blocks; b++) {
      times[b] = timeBlock(player);
      if (round === 0) units[b] = player.units;
      else if (units[b] !== player.units) repeats = false;
      if (performance.now() - turn > TURN_MS) {
        pulse((round + b / blocks) / plan.rounds);
        await setImmediate();
        turn = performance.now();
      }
    }
    series.push(times);
    idle = player.idles;
    lostEvents = player.lostEvents;
    const nothing = await floor.player(configuration);
    const empty = new Float64Array(Math.min(blocks, FLOOR_BLOCKS));
    for (let b = 0; b < empty.length; b++) empty[b] = timeBlock(nothing);
    floors.push(empty);
    pulse((round + 1) / plan.rounds);
    await setImmediate();
  }
  const seconds = (blocks * block) / rate;
  const deadline = (block / rate) * 1e6;
  const sorted = sortedTail(series);
  const times = blockTimes(sorted);
  const best = new Float64Array(blocks).fill(Number.POSITIVE_INFINITY);
  const worst = new Float64Array(blocks);
  for (const one of series) {
    for (let b = 0; b < blocks; b++) {
      best[b] = Math.min(best[b] as number, one[b] as number);
      worst[b] = Math.max(worst[b] as number, one[b] as number);
    }
  }
  const usual = new Float64Array(blocks);
  const column = new Float64Array(series.length);
  for (let b = 0; b < blocks; b++) {
    for (let r = 0; r < column.length; r++) column[r] = (series[r] as Float64Array)[b] as number;
    usual[b] = quantileOfSorted(column.sort(), 0.5);
  }
  const totals = series.map((one) => one.reduce((sum, time) => sum + time, 0));
  const firsts = series.map((one) => one[0] as number);
  const total = units.reduce((sum, one) => sum + one, 0);
  return {
    blocks,
    seconds,
    rounds: series.length,
    times,
    first: { median: median(firsts), maximum: maximum(firsts) },
    peak: best.subarray(1).reduce((most, time) => Math.max(most, time), 0),
    deadline,
    share: {
      p50: times.p50 / deadline,
      p99: times.p99 / deadline,
      maximum: times.maximum / deadline,
    },
    timesRealTime: (seconds * 1e6) / usual.reduce((sum, time) => sum + time, 0),
    spread: maximum(totals) / minimum(totals),
    units: {
      total,
      block: total / blocks,
      mostInBlock: units.reduce((most, one) => Math.max(most, one), 0),
      sample: total / (blocks * block),
      repeats,
    },
    floor: blockTimes(sortedTail(floors)),
    idle,
    lostEvents,
    histogram: histogramOf(sorted),
    line: timeLineOf(best, worst),
  };
}

/** Blocks of a piece: a first one, and at least one more. */
export function blocksOf({ rate, block }: Configuration, seconds: number): number {
  return Math.max(2, Math.ceil((seconds * rate) / block));
}

/** Microseconds of a player's next block. */
export function timeBlock(player: Player): number {
  player.prepare();
  const began = performance.now();
  const well = player.process();
  const ended = performance.now();
  if (!well) throw new Stopped(player.stopped);
  player.rest();
  return (ended - began) * 1000;
}

/** Plays until V8 has optimised what it will: the host's own loop too. */
export async function warmUp(subject: Subject, configuration: Configuration): Promise<void> {
  const player = await subject.player(configuration);
  let before = Number.POSITIVE_INFINITY;
  for (let time = 0; time < MOST_WARM_TIMES; time++) {
    const began = performance.now();
    const times: number[] = [];
    while (times.length < WARM_BLOCKS) {
      if (times.length >= LEAST_WARM_BLOCKS && performance.now() - began > WARM_MS) break;
      times.push(timeBlock(player));
    }
    const now = median(times);
    if (time >= LEAST_WARM_TIMES && now > before * SETTLED) break;
    before = Math.min(before, now);
    await setTimeout(WARM_PAUSE_MS);
  }
}

/** Everything but the first block of each round, ascending. */
function sortedTail(series: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(series.reduce((sum, one) => sum + one.length - 1, 0));
  let at = 0;
  for (const one of series) {
    all.set(one.subarray(1), at);
    at += one.length - 1;
  }
  return all.sort();
}
