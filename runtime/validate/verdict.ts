// What a check can come to, and how it says so from the middle of its work.

export const WORDS = ["passed", "warning", "skipped", "failed", "crashed"] as const;
export type Word = (typeof WORDS)[number];

export interface Verdict {
  word: Word;
  /** One sentence, safe to print; of what passed it may be empty. */
  sentence: string;
}

/** Ends a check: thrown by fail, warn and skip. */
export class Ended extends Error {
  readonly verdict: Verdict;

  constructor(word: Word, sentence: string) {
    super(sentence);
    this.verdict = { word, sentence };
  }
}

export function fail(sentence: string): never {
  throw new Ended("failed", sentence);
}

export function warn(sentence: string): never {
  throw new Ended("warning", sentence);
}

/** There is nothing to check here. */
export function skip(sentence: string): never {
  throw new Ended("skipped", sentence);
}

/** Whether a verdict makes the command fail. */
export function isBad(word: Word): boolean {
  return word === "failed" || word === "crashed";
}
