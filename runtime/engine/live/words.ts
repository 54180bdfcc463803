// What the audio thread and those who steer and watch it share: words in memory, read and written without a message.

import { LATENESS_WORDS } from "./lateness.ts";

/** Most nodes that the words have room for: a graph's, and those of the one that takes its place. */
export const MOST_LIVE_NODES = 2048;
/** How a record names a node: as one of the session that was meant. */
export const placeWord = (session: number, node: number): number => session * MOST_LIVE_NODES + node;
export const sessionOf = (place: number): number => (place / MOST_LIVE_NODES) | 0;
export const nodeOf = (place: number): number => place % MOST_LIVE_NODES;

/** Which replacement is being made, counted, and for which node. */
export const makingWord = (count: number, node: number): number => count * MOST_LIVE_NODES + node + 1;
export const makingNode = (word: number): number => (word - 1) % MOST_LIVE_NODES;

/** 32-bit words. */
export const Word = {
  /** A Command; written by the control side. */
  Command: 0,
  /** Counts up with every message that lies in the audio thread's box: it looks there when this has changed. */
  Mail: 1,
  /** Counts up with every block. */
  Blocks: 2,
  /** Counts up with every turn of the loop, waiting too: an audio thread that stands still is stuck. */
  Beat: 3,
  /** The serial of the instance that the audio thread is inside of; 0: it is at a block's or a node's edge. */
  Inside: 4,
  /** Blocks that took longer than they last. */
  Late: 5,
  /** Blocks that nobody heard: the sink took none. */
  Unheard: 6,
  /** Samples that the master's ceiling held. */
  Clamped: 7,
  /** Events and parameters that found no room in their queue. */
  Lost: 8,
  /** Counts instances: each has a number of its own in all threads. */
  Serials: 9,
  /** Which of the sessions plays, counted in the order of their opening. */
  Session: 10,
  /** The block that was last handed to the sink, and where the ring's writing stood before it. */
  Delivery: 11,
  DeliveredAt: 12,
  /** Which of all graphs plays: an edit of a session is another one. */
  Edition: 13,
  /** The replacement that is being made, as makingWord says it; 0: none is. */
  Making: 14,
} as const;
const WORDS = 16;

/** 64-bit floats, behind the words. */
export const Figure = {
  /** The frame at which the next block begins, where the count of blocks is even, and where it is odd. */
  EvenFrame: 0,
  OddFrame: 1,
  /** Share of the last block's time that rendering took, the mean of some hundred, and the most ever. */
  Load: 2,
  MeanLoad: 3,
  WorstLoad: 4,
  /** Largest magnitude at the master in the last block, before the ceiling. */
  Peak: 5,
  /** The frame at which the session that plays began. */
  Origin: 6,
  /** What happens at Anchor (milliseconds of the steady clock) sounds at frame 0; and frames of a millisecond, 0: there is no such clock. */
  Anchor: 7,
  FramesPerMs: 8,
  /** Frames a second, at which all frames here are counted. */
  Rate: 9,
  /** The frame at which the sound ends, whatever then plays; 0: it does not. */
  End: 10,
} as const;
const FIGURES = 12;

/** What each node has: 32-bit words behind the figures. */
export const NodeWord = {
  /** The block that it rendered last, counted as Blocks is: one more than Blocks where it is ahead in the block under way. */
  Blocks: 0,
  /** Bits of a float32: the largest magnitude of its outputs in the last block. */
  Peak: 1,
  /** Units of the last block. */
  Units: 2,
  /** What the last block said of the next: a ProcessState. */
  State: 3,
  /** 1: it has stopped. */
  Faulty: 4,
  /** Events that it sent in the last block. */
  Events: 5,
  // Serials of instances: whose the words above are, which one plays and that was told, which one has stopped, whether
  // that was told, and whether it had held up the audio thread.
  Owner: 6,
  Playing: 7,
  Stopped: 8,
  Told: 9,
  HeldUp: 10,
  /** Bits of a float32: milliseconds of the last of its blocks that was timed. */
  Time: 11,
  /** The same: its peaks as a meter shows them, falling slowly, and the largest of all. */
  Level: 12,
  MostPeak: 13,
} as const;
const NODE_WORDS = 14;

export const Command = { Run: 0, Stop: 1 } as const;

export class LiveWords {
  readonly buffer: SharedArrayBuffer;
  readonly nodes: number;
  readonly words: Int32Array;
  readonly figures: Float64Array;
  /** How late blocks began. */
  readonly lateness: Int32Array;
  private readonly nodeWords: Int32Array;
  private readonly nodeFloats: Float32Array;

  /** @param nodes the most that the graph has */
  constructor(
    nodes: number,
    buffer = new SharedArrayBuffer(WORDS * 4 + FIGURES * 8 + (LATENESS_WORDS + nodes * NODE_WORDS) * 4),
  ) {
    this.buffer = buffer;
    this.nodes = nodes;
    this.words = new Int32Array(buffer, 0, WORDS);
    this.figures = new Float64Array(buffer, WORDS * 4, FIGURES);
    this.lateness = new Int32Array(buffer, WORDS * 4 + FIGURES * 8, LATENESS_WORDS);
    const at = WORDS * 4 + FIGURES * 8 + LATENESS_WORDS * 4;
    this.nodeWords = new Int32Array(buffer, at, nodes * NODE_WORDS);
    this.nodeFloats = new Float32Array(buffer, at, nodes * NODE_WORDS);
  }

  /** The frame at which the next block begins. */
  get frame(): number {
    return this.figures[Figure.EvenFrame + (this.load(Word.Blocks) & 1)] as number;
  }

  /** [audio] A block is over: the frame and the count of blocks change as one. */
  endBlock(frames: number): void {
    const blocks = this.load(Word.Blocks);
    const { figures } = this;
    figures[Figure.EvenFrame + ((blocks + 1) & 1)] =
      (figures[Figure.EvenFrame + (blocks & 1)] as number) + frames;
    this.store(Word.Blocks, (blocks + 1) | 0);
  }

  load(word: number): number {
    return Atomics.load(this.words, word);
  }
  store(word: number, value: number): void {
    Atomics.store(this.words, word, value);
  }
  add(word: number, count: number): void {
    Atomics.add(this.words, word, count);
  }
  node(node: number, word: number): number {
    return Atomics.load(this.nodeWords, node * NODE_WORDS + word);
  }
  setNode(node: number, word: number, value: number): void {
    Atomics.store(this.nodeWords, node * NODE_WORDS + word, value);
  }
  peak(node: number): number {
    return this.nodeFloats[node * NODE_WORDS + NodeWord.Peak] as number;
  }
  time(node: number): number {
    return this.nodeFloats[node * NODE_WORDS + NodeWord.Time] as number;
  }
  /** @param milliseconds one element, as all that follows: a number that is handed over may be a new object */
  setTime(node: number, milliseconds: Float64Array): void {
    this.nodeFloats[node * NODE_WORDS + NodeWord.Time] = milliseconds[0] as number;
  }
  level(node: number): number {
    return this.nodeFloats[node * NODE_WORDS + NodeWord.Level] as number;
  }
  mostPeak(node: number): number {
    return this.nodeFloats[node * NODE_WORDS + NodeWord.MostPeak] as number;
  }
  /** @param fall what is left of a level after a block */
  setPeak(node: number, peaks: Float64Array, falls: Float64Array): void {
    const peak = peaks[0] as number;
    const { nodeFloats } = this;
    const at = node * NODE_WORDS;
    const level = (nodeFloats[at + NodeWord.Level] as number) * (falls[0] as number);
    nodeFloats[at + NodeWord.Peak] = peak;
    // biome-ignore lint/complexity/useMathMinMax: what Math.min and Math.max give is a new object on some versions of V8.
    nodeFloats[at + NodeWord.Level] = peak > level ? peak : level;
    const most = nodeFloats[at + NodeWord.MostPeak] as number;
    // biome-ignore lint/complexity/useMathMinMax: what Math.min and Math.max give is a new object on some versions of V8.
    nodeFloats[at + NodeWord.MostPeak] = peak > most ? peak : most;
  }
  /** For a node of another session in that place. */
  clearPeaks(node: number): void {
    this.nodeFloats.fill(0, node * NODE_WORDS + NodeWord.Level, node * NODE_WORDS + NodeWord.MostPeak + 1);
  }
}
