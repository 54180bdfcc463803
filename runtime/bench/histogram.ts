// Many block times as few figures to draw: a histogram over a logarithmic axis, and a line along the piece.

import { quantileOfSorted } from "./statistics.ts";

/** Microseconds. Bin i counts what lies from edges[i] up to, not including, edges[i + 1]. */
export interface Histogram {
  edges: number[];
  counts: number[];
  /** What lies beyond the last edge, and the most of it. */
  beyond: number;
  largest: number;
}

const MOST_BINS = 64;
/** Part of the series that the bins must hold. */
const BODY = 0.999;
const ROOM = 1.15;
/** Microseconds by which one and the same count of a clock's ticks may come out differently. */
const ROUNDING = 0.005;

/**
 * Bins of equal ratio over all but the slowest thousandth. No bin is narrower than two ticks of the clock: else some would
 * be empty for no reason but that.
 * @param sorted ascending, positive
 */
export function histogramOf(sorted: Float64Array): Histogram {
  const first = sorted[0] ?? 0;
  const largest = sorted[sorted.length - 1] ?? 0;
  if (!(first > 0)) return { edges: [], counts: [], beyond: 0, largest };
  const last = Math.max((sorted[Math.floor(BODY * (sorted.length - 1))] as number) * ROOM, first * 2);
  const span = Math.log(last / first);
  const widest = Math.log1p((2 * tick(sorted)) / first);
  const bins = Math.max(1, Math.min(MOST_BINS, widest > 0 ? Math.floor(span / widest) : MOST_BINS));
  const edges = Array.from({ length: bins + 1 }, (_, i) => first * Math.exp((span * i) / bins));
  edges[0] = first;
  const counts = new Array<number>(bins).fill(0);
  let bin = 0;
  let beyond = 0;
  for (const time of sorted) {
    while (bin < bins && time >= (edges[bin + 1] as number)) bin++;
    if (bin === bins) beyond++;
    else counts[bin] = (counts[bin] as number) + 1;
  }
  return { edges, counts, beyond, largest };
}

/** The smallest distance of two different times: what the clock counts in. */
function tick(sorted: Float64Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < sorted.length; i++) {
    const apart = (sorted[i] as number) - (sorted[i - 1] as number);
    if (apart > ROUNDING && apart < least) least = apart;
  }
  // No clock that ticks slower could have measured the first.
  return least <= (sorted[0] as number) ? least : 0;
}

/** Along the piece: a figure for each stretch of `blocks` blocks. Microseconds. */
export interface TimeLine {
  blocks: number;
  /** The most expensive block of a stretch: each block at its best of all rounds, and the worst that any round saw. */
  best: number[];
  worst: number[];
}

const MOST_POINTS = 480;

/** @param best each block's least time of all rounds @param worst and its most */
export function timeLineOf(best: Float64Array, worst: Float64Array): TimeLine {
  const blocks = Math.max(1, Math.ceil(best.length / MOST_POINTS));
  const line: TimeLine = { blocks, best: [], worst: [] };
  for (let at = 0; at < best.length; at += blocks) {
    line.best.push(most(best.subarray(at, at + blocks)));
    line.worst.push(most(worst.subarray(at, at + blocks)));
  }
  return line;
}

function most(values: Float64Array): number {
  let found = 0;
  for (const value of values) if (value > found) found = value;
  return found;
}

/** Microseconds a block. */
export interface BlockTimes {
  blocks: number;
  minimum: number;
  p50: number;
  p99: number;
  p999: number;
  maximum: number;
  mean: number;
}

/** @param sorted ascending */
export function blockTimes(sorted: Float64Array): BlockTimes {
  const at = (part: number): number => quantileOfSorted(sorted, part);
  return {
    blocks: sorted.length,
    minimum: at(0),
    p50: at(0.5),
    p99: at(0.99),
    p999: at(0.999),
    maximum: at(1),
    mean: sorted.reduce((sum, time) => sum + time, 0) / sorted.length,
  };
}
