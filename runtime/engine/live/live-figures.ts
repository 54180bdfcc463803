// What a live session is doing, read from shared words.

import type { Parcel } from "./parcel.ts";
import { Figure, type LiveWords, NodeWord, Word } from "./words.ts";

/** What a live session is doing, read from shared words. */
export interface LiveFigures {
  /** Frames of sound so far, as if all had been at the rate that plays now; and the same in seconds. */
  frame: number;
  seconds: number;
  blocks: number;
  /** Shares of a block's time: the last, the mean, the worst. */
  load: number;
  meanLoad: number;
  worstLoad: number;
  /** Blocks that took longer than they last, and blocks that nobody took. */
  late: number;
  unheard: number;
  /** Largest magnitude of the last block at the master, before its ceiling. */
  peak: number;
  clamped: number;
  lost: number;
}

/** What a node is doing. */
export interface LiveMeter {
  id: string;
  /** Largest magnitude of its outputs in the last block; of the master: of what arrives there, before its ceiling. */
  peak: number;
  /** The same for a meter, however seldom it is looked at: peaks that fall by 24 dB a second. And the largest so far. */
  level: number;
  mostPeak: number;
  /** Share of a block's time that the last of its blocks took that was timed: one node a block is, in turn. */
  load: number;
  /** Units of its last block; 0 where it is no plugin. */
  units: number;
  /** It has stopped. */
  faulty: boolean;
}

export function readFigures(words: LiveWords): LiveFigures {
  const figure = (at: number): number => words.figures[at] as number;
  let blocks = words.load(Word.Blocks);
  let { frame } = words;
  // Both of the same block.
  while (blocks !== words.load(Word.Blocks)) {
    blocks = words.load(Word.Blocks);
    frame = words.frame;
  }
  return {
    frame,
    seconds: frame / (figure(Figure.Rate) || 1),
    blocks: blocks >>> 0,
    load: figure(Figure.Load),
    meanLoad: figure(Figure.MeanLoad),
    worstLoad: figure(Figure.WorstLoad),
    late: words.load(Word.Late),
    unheard: words.load(Word.Unheard),
    peak: figure(Figure.Peak),
    clamped: words.load(Word.Clamped),
    lost: words.load(Word.Lost),
  };
}

/** Of each node, in the order of the session; those that go away are not shown. */
export function readMeters(words: LiveWords, { nodes, plan, rate, block }: Parcel): LiveMeter[] {
  const milliseconds = (block / rate) * 1000;
  return nodes.slice(0, plan.leaving).map(({ id, slot }) => ({
    id,
    peak: words.peak(slot),
    level: words.level(slot),
    mostPeak: words.mostPeak(slot),
    load: words.time(slot) / milliseconds,
    units: words.node(slot, NodeWord.Units),
    faulty: words.node(slot, NodeWord.Faulty) === 1,
  }));
}
