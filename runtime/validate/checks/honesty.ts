// Checks of what a plugin promises its host: latency, tail, and when it need not be called.

import { ProcessState } from "../../../abi/layout.ts";
import type { Bench, Check } from "../check.ts";
import { cutSignal, impulseSignal, noiseSignal, type ScoreEvent, silence } from "../score.ts";
import { decibels, difference, peak, short, type Take } from "../take.ts";
import { fail, skip, warn } from "../verdict.ts";
import { QUIET } from "./common.ts";

/** Long stretches of time pass sooner at this rate. */
const SLOW_RATE = 8_000;
const LOUD_FRAMES = 4_000;
const LONGEST_TAIL = 60;
/** -80 dB. */
const FAINT = 1e-4;

export const honestyChecks: Check[] = [
  {
    id: "processing/tail",
    level: 6,
    title: "When input and notes have ended, the sound ends within its tail",
    run(bench) {
      bench.needs("audio", "out");
      const rig = bench.rig({ rate: SLOW_RATE });
      const { tail, latency } = rig.instance;
      if (tail === Number.POSITIVE_INFINITY) skip("Its tail is infinite.");
      if (tail > LONGEST_TAIL * SLOW_RATE)
        skip(`Its tail of ${short(tail / SLOW_RATE)} s is too long to be played.`);
      const ends = LOUD_FRAMES + latency + tail;
      const take = rig.play(loudThenSilent(bench, ends + 4_000));
      // a sound that went into the last block may sit in its last frame
      const late = peak(take, Math.min(ends + 2, take.frames));
      if (late > FAINT)
        fail(`${tailText(tail)} after the end of the input it is still ${decibels(late)} loud.`);
      return tailText(tail);
    },
  },
  {
    id: "processing/latency",
    level: 6,
    title: "An impulse comes out as late as its latency says",
    run(bench) {
      bench.needs("audio", "in");
      bench.needs("audio", "out");
      const at = 100;
      const rig = bench.rig();
      const { latency } = rig.instance;
      const frames = at + latency + 20_000;
      const quiet = bench.rig().play(bench.score(frames, { signal: silence, events: [] }));
      const take = rig.play(bench.score(frames, { signal: impulseSignal(at, 0.5), events: [] }));
      const heard = loudest(take, quiet);
      if (heard.size <= QUIET) skip("An impulse makes no sound.");
      const late = heard.frame - at;
      if (late < latency)
        fail(`It says ${latency} frames of latency, but an impulse comes out after ${late}.`);
      if (late > latency) {
        warn(
          `An impulse comes out after ${late} frames, its latency says ${latency}: if that is no echo, say it.`,
        );
      }
      return `${latency} frames`;
    },
  },
  {
    id: "processing/sleep",
    level: 6,
    title: "When it says that it need not be called, it is silent",
    run(bench) {
      bench.needs("audio", "out");
      const take = bench.take(SLOW_RATE * 6, loudThenSilent(bench, SLOW_RATE * 6), {}, { rate: SLOW_RATE });
      const asleep = firstRest(take);
      if (asleep === null) skip("It wants to be called for every block.");
      const loud = peak(take, asleep.frame + asleep.frames);
      if (loud > QUIET) {
        fail(
          `It returned ${ProcessState[asleep.state]} at frame ${asleep.frame}, and then was ${decibels(loud)} loud.`,
        );
      }
      return `${ProcessState[asleep.state]} after ${short(asleep.frame / SLOW_RATE)} s`;
    },
  },
  {
    id: "processing/rest",
    level: 7,
    title: "Blocks that are left out while it rests change nothing that is heard later",
    run(bench) {
      bench.needs("audio", "out");
      const frames = SLOW_RATE * 6;
      const again = { ...loudThenSilent(bench, frames) };
      const play = (mayRest: boolean): { take: Take; rested: boolean } => {
        const rig = bench.rig({ rate: SLOW_RATE });
        const first = rig.play(again, { mayRest });
        const second = rig.play(bench.score(3_000), { mayRest });
        return { take: second, rested: first.blocks.some((block) => !block.called) };
      };
      const resting = play(true);
      if (!resting.rested) skip("It wants to be called for every block.");
      const found = difference(play(false).take, resting.take, QUIET);
      if (found !== null) fail(`After blocks were left out, as it said they may be, ${found}.`);
    },
  },
];

function tailText(tail: number): string {
  return tail === 0 ? "0 frames" : `${short(tail / SLOW_RATE)} s`;
}

function loudThenSilent(bench: Bench, frames: number) {
  return bench.score(frames, {
    signal: cutSignal(LOUD_FRAMES, noiseSignal()),
    events: endingBefore(bench.score(LOUD_FRAMES).events, LOUD_FRAMES),
  });
}

function endingBefore(events: readonly ScoreEvent[], frame: number): ScoreEvent[] {
  return events.filter((event) => event.frame < frame);
}

/** The first block from which on it rests to the end. */
function firstRest(take: Take) {
  const rests = (state: ProcessState) => state === ProcessState.Sleep || state === ProcessState.QuietOk;
  const index = take.blocks.findIndex((block) => rests(block.state) && block.frame >= LOUD_FRAMES);
  return index < 0 ? null : (take.blocks[index] ?? null);
}

/** Where a take differs most from another. */
function loudest(take: Take, from: Take): { frame: number; size: number } {
  let found = { frame: 0, size: 0 };
  take.channels.forEach(({ samples }, c) => {
    samples.forEach((sample, frame) => {
      const size = Math.abs(sample - (from.channels[c]?.samples[frame] ?? 0));
      if (size > found.size) found = { frame, size };
    });
  });
  return found;
}
