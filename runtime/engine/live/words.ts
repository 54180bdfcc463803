// What the audio thread and those who steer and watch it share: words in memory, read and written without a message.

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
  /** The place of the node that the audio thread is inside of, and 1; 0: at a block's or a node's edge. */
  Inside: 4,
  /** Blocks that took longer than they last. */
  Late: 5,
  /** Blocks that nobody heard: the sink took none. */
  Unheard: 6,
  /** Samples that the master's ceiling held. */
  Clamped: 7,
  /** Events and parameters that found no room in their queue. */
  Lost: 8,
} as const;
const WORDS = 16;

/** 64-bit floats, behind the words. */
export const Figure = {
  /** The frame at which the next block begins. */
  Frame: 0,
  /** Share of the last block's time that rendering took, the mean of some hundred, and the most ever. */
  Load: 1,
  MeanLoad: 2,
  WorstLoad: 3,
  /** Largest magnitude at the master in the last block, before the ceiling. */
  Peak: 4,
} as const;
const FIGURES = 8;

/** What each node has: 32-bit words behind the figures. */
export const NodeWord = {
  /** Blocks that it has rendered, counted as Blocks is: one more than Blocks where it is ahead in the block under way. */
  Blocks: 0,
  /** Bits of a float32: the largest magnitude of its outputs in the last block. */
  Peak: 1,
  /** Units of the last block. */
  Units: 2,
  /** What the last block said of the next: a ProcessState. */
  State: 3,
  /** 1: it has stopped. */
  Faulty: 4,
} as const;
const NODE_WORDS = 8;

export const Command = { Run: 0, Stop: 1 } as const;

export class LiveWords {
  readonly buffer: SharedArrayBuffer;
  readonly nodes: number;
  readonly words: Int32Array;
  readonly figures: Float64Array;
  private readonly nodeWords: Int32Array;
  private readonly nodeFloats: Float32Array;

  /** @param nodes the most that the graph has */
  constructor(
    nodes: number,
    buffer = new SharedArrayBuffer(WORDS * 4 + FIGURES * 8 + nodes * NODE_WORDS * 4),
  ) {
    this.buffer = buffer;
    this.nodes = nodes;
    this.words = new Int32Array(buffer, 0, WORDS);
    this.figures = new Float64Array(buffer, WORDS * 4, FIGURES);
    const at = WORDS * 4 + FIGURES * 8;
    this.nodeWords = new Int32Array(buffer, at, nodes * NODE_WORDS);
    this.nodeFloats = new Float32Array(buffer, at, nodes * NODE_WORDS);
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
  setPeak(node: number, peak: number): void {
    this.nodeFloats[node * NODE_WORDS + NodeWord.Peak] = peak;
  }
}
