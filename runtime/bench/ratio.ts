// How much more one thing takes than another that was played in turns with it; and whether that can be told at all.

import { quantileOfSorted } from "./statistics.ts";

/** A ratio of times, and the interval that holds it with 95 % confidence. */
export interface Ratio {
  ratio: number;
  low: number;
  high: number;
}

/** Times of one form: round after round, each with the same turns. */
export interface Turns {
  rounds: number;
  turns: number;
  /** Time of turn t in round r at r * turns + t. */
  times: Float64Array;
}

const RESAMPLES = 400;
/** A time of more than so many times the median of its rounds was interrupted. */
const INTERRUPTED = 3;

/**
 * Sums times of neighbours, `size` of them a turn. What was interrupted counts as the median of its rounds: a piece of work that
 * takes microseconds is rarely hit, the millisecond that it lies in often.
 * @param grains times a round: of grain g in round r at r * grains + g
 */
export function calmTurns(times: Float64Array, grains: number, size: number): Turns {
  const rounds = times.length / grains;
  const turns = Math.ceil(grains / size);
  const result: Turns = { rounds, turns, times: new Float64Array(rounds * turns) };
  const column = new Float64Array(rounds);
  for (let g = 0; g < grains; g++) {
    for (let r = 0; r < rounds; r++) column[r] = times[r * grains + g] as number;
    column.sort();
    const usual = quantileOfSorted(column, 0.5);
    for (let r = 0; r < rounds; r++) {
      const time = times[r * grains + g] as number;
      const at = r * turns + Math.floor(g / size);
      result.times[at] = (result.times[at] as number) + (time > usual * INTERRUPTED ? usual : time);
    }
  }
  return result;
}

/**
 * What a form takes for the piece: of each turn the median of the chosen rounds, and the sum of those. One round in which the machine
 * did something else changes none of it.
 */
export function cost({ turns, times }: Turns, rounds: readonly number[]): number {
  const column = new Float64Array(rounds.length);
  const middle = column.length >> 1;
  let sum = 0;
  for (let t = 0; t < turns; t++) {
    for (let i = 0; i < rounds.length; i++) column[i] = times[(rounds[i] as number) * turns + t] as number;
    column.sort();
    const upper = column[middle] as number;
    sum += column.length % 2 === 1 ? upper : (upper + (column[middle - 1] as number)) / 2;
  }
  return sum;
}

/**
 * Cost of each form over the cost of `base`, with intervals by the bootstrap: the rounds, each with instances of its own, are
 * drawn anew with replacement, for all forms the same ones, and the ratio worked out again. The same times give the
 * same intervals.
 */
export function ratiosTo(base: Turns, forms: readonly Turns[]): Ratio[] {
  const all = Array.from({ length: base.rounds }, (_, round) => round);
  const whole = cost(base, all);
  const drawn = forms.map(() => new Float64Array(RESAMPLES));
  let state = 0x2545f491;
  for (let i = 0; i < RESAMPLES; i++) {
    const rounds = all.map(() => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) % base.rounds;
    });
    const divisor = cost(base, rounds);
    forms.forEach((form, f) => {
      (drawn[f] as Float64Array)[i] = cost(form, rounds) / divisor;
    });
  }
  return forms.map((form, f) => {
    const sorted = (drawn[f] as Float64Array).sort();
    const ratio = cost(form, all) / whole;
    // Medians of drawn rounds lean to one side where the noise does: the interval holds at least what was found.
    return {
      ratio,
      low: Math.min(ratio, quantileOfSorted(sorted, 0.025)),
      high: Math.max(ratio, quantileOfSorted(sorted, 0.975)),
    };
  });
}

export type Verdict = "faster" | "slower" | "no difference" | "too noisy to tell";

/** Beyond these, nothing is said of a difference that was not found. */
export const MOST_DOUBT = 1.03;
export const WIDEST = 1.06;

/** How far two equal things seemed to differ: 1.01 is one percent, either way. */
export function doubt(control: Ratio): number {
  return Math.max(1, control.high, 1 / control.low);
}

/**
 * What a ratio says of what stands above the line.
 * @param control the ratio of a thing to itself
 */
export function judge(ratio: Ratio, control: Ratio): Verdict {
  const most = doubt(control);
  if (ratio.low > most) return "slower";
  if (ratio.high < 1 / most) return "faster";
  return most > MOST_DOUBT || ratio.high / ratio.low > WIDEST ? "too noisy to tell" : "no difference";
}
