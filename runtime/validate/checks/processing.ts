// Checks of sound: what goes in, what comes out, at every rate and in blocks of every length.

import { AUDIO_CONNECTED } from "../../../abi/layout.ts";
import { type Bench, type Check, RATE } from "../check.ts";
import { noiseSignal, silence } from "../score.ts";
import { decibels, difference, largestDifference, peak, short } from "../take.ts";
import { fail, skip, warn } from "../verdict.ts";
import { QUIET, refusal } from "./common.ts";

const USUAL_RATES = [8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000];
const ODD_RATES = [1_000, 5_512.5, 12_345.678, 44_099.9, 47_952.047, 384_000, 768_000];
const EXTREME_RATES = [1, 2.5, 10, 100.1];
const BLOCKS = [1, 2, 3, 7, 16, 31, 64, 100, 128, 441, 512, 1_000, 1_024, 2_048, 4_096, 8_192, 16_384];
const MUST_BLOCK = 1_024;

/** -100 dB: rounding may differ by so much where blocks are cut differently. */
export const ROUNDING = 1e-5;

export const processingChecks: Check[] = [
  {
    id: "processing/plays",
    level: 1,
    title: "It plays a second of noise and notes in blocks of 256 frames",
    run(bench) {
      const take = bench.take(RATE);
      return take.channels.length > 0 ? `peak ${decibels(peak(take))}` : "";
    },
  },
  watched("processing/input-untouched", 2, "It writes to no input", (bench) => bench.needs("audio", "in")),
  watched("processing/output-written", 2, "It writes every sample of every output", (bench) =>
    bench.needs("audio", "out"),
  ),
  watched("processing/within-block", 3, "It writes nothing beyond the block that was asked for", (bench) =>
    bench.needs("audio", "out"),
  ),
  watched("processing/finite", 1, "No output is NaN or infinite", (bench) => bench.needs("audio", "out")),
  {
    id: "processing/subnormal-output",
    level: 6,
    title: "What dies away ends, and does not linger as subnormal numbers",
    run(bench) {
      bench.needs("audio", "out");
      const rig = bench.rig({ rate: 8_000 });
      rig.play(bench.score(4_000, { signal: noiseSignal(1e-30) }));
      rig.play(bench.score(12_000, { signal: silence, events: [] }), { keep: false });
      rig.play(bench.score(2_000));
      rig.play(bench.score(12_000, { signal: silence, events: [] }), { keep: false });
    },
  },
  {
    id: "processing/subnormal-input",
    level: 6,
    title: "Subnormal input is as good as silence",
    run(bench) {
      bench.needs("audio", "in");
      bench.needs("audio", "out");
      const quiet = bench.take(5_000, { signal: silence });
      const faint = bench.take(5_000, { signal: noiseSignal(1e-39) });
      const { size, name } = largestDifference(quiet, faint);
      if (size > QUIET) fail(`Subnormal input makes ${name} ${decibels(size)} loud.`);
    },
  },
  watched("processing/silence-flag", 4, "Outputs that it flags as silent are silent", (bench) => {
    bench.needs("audio", "out");
    bench.take(4_000, { signal: silence, events: [] });
  }),
  watched(
    "processing/control-outputs",
    3,
    "Every control output is written in each block, and in range",
    (bench) => bench.needs("control", "out"),
  ),
  {
    id: "processing/rates",
    level: 3,
    title: "It plays at every usual rate, 8 to 192 kHz",
    run(bench) {
      bench.rig();
      for (const rate of USUAL_RATES) {
        const reason = refusal(bench, { rate });
        if (reason !== null) fail(`It does not run at ${rate} Hz: ${reason}`);
        bench.take(2_000, {}, {}, { rate });
      }
    },
  },
  {
    id: "processing/odd-rates",
    level: 5,
    title: "It plays at odd and fractional rates from 1 to 768 kHz, or refuses them",
    run: (bench) => playAt(bench, ODD_RATES),
  },
  {
    id: "processing/extreme-rates",
    level: 8,
    title: "It plays at rates below 1 kHz, or refuses them",
    run: (bench) => playAt(bench, EXTREME_RATES),
  },
  {
    id: "processing/block-sizes",
    level: 3,
    title: "It plays in blocks of 1 to 16384 frames; above 1024 it may refuse",
    run(bench) {
      bench.rig();
      let longest = 0;
      for (const maxFrames of BLOCKS) {
        const reason = refusal(bench, { maxFrames });
        if (reason !== null && maxFrames <= MUST_BLOCK)
          fail(`It does not take blocks of ${maxFrames}: ${reason}`);
        if (reason !== null) continue;
        longest = maxFrames;
        bench.take(Math.max(500, maxFrames * 2), {}, {}, { maxFrames });
      }
      return longest < 16_384 ? `up to ${longest}` : "";
    },
  },
  {
    id: "processing/random-blocks",
    level: 4,
    title: "It plays in blocks that change their length each time",
    run(bench) {
      bench.take(20_000, {}, { blocks: randomBlocks(bench, 512) }, { maxFrames: 512 });
    },
  },
  {
    id: "processing/split",
    level: 6,
    title: "Where blocks are cut changes nothing that is heard",
    run(bench) {
      const long = bench.take(12_000);
      const brief = bench.take(2_500);
      let largest = 0;
      for (const blocks of [[1], [64], randomBlocks(bench, 256)]) {
        const whole = blocks[0] === 1 ? brief : long;
        const other = bench.take(whole.frames, {}, { blocks });
        const found = difference(whole, other, ROUNDING);
        const lengths = blocks.length === 1 ? `${blocks[0]}` : "random length";
        if (found !== null) fail(`Played in blocks of ${lengths} instead of 256 frames, ${found}.`);
        largest = Math.max(largest, largestDifference(whole, other).size);
      }
      return largest === 0 ? "the same samples" : `rounding ${decibels(largest)}`;
    },
  },
  {
    id: "processing/input-flags",
    level: 5,
    title: "The flag for silent inputs changes nothing that is heard",
    run(bench) {
      bench.needs("audio", "in");
      const signal = silentEveryOther();
      const flagged = bench.take(8_000, { signal });
      const plain = bench.take(8_000, { signal }, { silenceFlags: false });
      const found = difference(flagged, plain, ROUNDING);
      if (found !== null) fail(`Without AUDIO_INPUT_SILENT on silent blocks ${found}.`);
    },
  },
  {
    id: "processing/unconnected",
    level: 4,
    title: "It plays with nothing connected",
    run(bench) {
      bench.take(5_000, { signal: silence, events: [] }, { flags: 0 });
      const rig = bench.rig();
      rig.play(bench.score(2_000), { flags: AUDIO_CONNECTED });
      rig.play(bench.score(2_000, { signal: silence }), { flags: 0 });
    },
  },
  {
    id: "processing/silence",
    level: 4,
    title: "From silence and no events comes silence",
    run(bench) {
      bench.needs("audio", "out");
      if (!bench.has("audio", "in") && !bench.has("event", "in")) skip("It makes sound by itself.");
      const loud = peak(bench.take(10_000, { signal: silence, events: [] }));
      if (loud > QUIET) warn(`With silence as input it is ${decibels(loud)} loud.`);
    },
  },
  {
    id: "processing/loudness",
    level: 5,
    title: "Noise at half of full scale comes out no louder than +24 dB",
    run(bench) {
      bench.needs("audio", "out");
      const loud = peak(bench.take(20_000));
      if (loud > 1_000) fail(`Its peak is ${decibels(loud)}.`);
      if (loud > 16) warn(`Its peak is ${decibels(loud)}.`);
      return decibels(loud);
    },
  },
];

/** A check whose work is done by what is looked at in every block of every check. */
function watched(id: Check["id"], level: number, title: string, more: (bench: Bench) => void): Check {
  return {
    id,
    level,
    title,
    run(bench) {
      more(bench);
      bench.take(6_000, {}, { blocks: [256, 13, 1, 200] });
    },
  };
}

function playAt(bench: Bench, rates: readonly number[]): string {
  bench.rig();
  const taken = rates.filter((rate) => {
    if (refusal(bench, { rate }) !== null) return false;
    bench.take(2_000, {}, {}, { rate });
    return true;
  });
  return taken.length === rates.length ? "" : `takes ${taken.map(short).join(", ") || "none"}`;
}

export function randomBlocks(bench: Bench, most: number): number[] {
  const random = bench.random("blocks");
  return Array.from({ length: 97 }, () => random.whole(1, most));
}

/** Noise and silence, 1024 frames of each. */
function silentEveryOther() {
  const noise = noiseSignal();
  return (to: Float32Array, frame: number, lane: number): void => {
    noise(to, frame, lane);
    for (let i = 0; i < to.length; i++) if (((frame + i) >> 10) & 1) to[i] = 0;
  };
}
