// When an audio thread counts as stuck, on a clock of the test's own.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type AskThread, Stillness } from "../../../runtime/engine/live/stillness.ts";
import { LiveWords, Word } from "../../../runtime/engine/live/words.ts";

const test = suite("stillness");
const PATIENCE = 100;

/** Looks every so many milliseconds; returns after how long it is stuck, or Infinity. */
function stuckAfter(
  every: number,
  {
    ask = () => null,
    each = () => {},
    most = 5000,
  }: { ask?: AskThread; each?: (words: LiveWords, now: number) => void; most?: number } = {},
): number {
  const words = new LiveWords(1);
  const stillness = new Stillness(words, PATIENCE, 0);
  stillness.reset(ask);
  words.add(Word.Beat, 1);
  stillness.look(0);
  for (let now = every; now <= most; now += every) {
    each(words, now);
    if (stillness.look(now)) return now;
  }
  return Number.POSITIVE_INFINITY;
}

test("a thread whose beat stands still is stuck after that time", () => {
  assert.is(stuckAfter(10), 100);
});

test("one that goes on is not, nor one that goes from plugin to plugin in a long block", () => {
  assert.is(stuckAfter(10, { each: (words, now) => now % 90 === 0 && words.add(Word.Beat, 1) }), Infinity);
  assert.is(stuckAfter(10, { each: (words, now) => now % 90 === 0 && words.add(Word.Inside, 1) }), Infinity);
});

test("looks that were held up themselves count for little", () => {
  // Three looks in two seconds.
  assert.is(stuckAfter(1000, { most: 2500 }), Infinity);
  assert.is(stuckAfter(1000), 3000);
});

test("a thread that waits for a processor is waited for, up to eight times as long", () => {
  const ran = (share: number) => {
    let now = 0;
    return {
      each: (_: LiveWords, at: number) => {
        now = at;
      },
      ask: () => ({ ran: now * share, sleeps: false }),
    };
  };
  assert.is(stuckAfter(10, ran(1)), 100);
  // Half of the time: what counts from when it was looked at.
  assert.is(stuckAfter(10, ran(0.5)), 150);
  assert.is(stuckAfter(10, ran(0)), 800);
});

test("a thread that sleeps and does not beat may wait for a lock, up to four times as long", () => {
  assert.is(stuckAfter(10, { ask: () => ({ ran: 0, sleeps: true }) }), 400);
});

test.run();
