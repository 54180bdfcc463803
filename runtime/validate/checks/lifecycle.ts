// Checks of the order of calls: activation, reset, configuration, idling.

import { BelljarError } from "../../../abi/error.ts";
import { type Bench, type Check, FRAMES, RATE } from "../check.ts";
import { configValues } from "../config-values.ts";
import { eventInput, silence } from "../score.ts";
import { decibels, difference, peak } from "../take.ts";
import { fail, skip, warn } from "../verdict.ts";
import { EventType } from "../../../abi/layout.ts";
import { QUIET, refusal, refused } from "./common.ts";

const LENGTH = 6_000;

export const lifecycleChecks: Check[] = [
  {
    id: "lifecycle/activate",
    level: 1,
    title: "It can be activated at 48 kHz with blocks of 128 and 256 frames",
    run(bench) {
      const lengths = [128, 256];
      const reasons = lengths.flatMap((maxFrames) => refusal(bench, { maxFrames }) ?? []);
      if (reasons.length === lengths.length && bench.descriptor.config_params.length > 0) {
        warn(`${reasons[0]} If it is to be configured first, most checks need --config or --file.`);
      }
      if (reasons[0] !== undefined) fail(reasons[0]);
      for (const maxFrames of lengths) bench.make({ maxFrames }).play(bench.score(maxFrames));
    },
  },
  {
    id: "lifecycle/says-why",
    level: 5,
    title: "What it refuses it refuses with a sentence",
    run(bench) {
      const blocks = [1, 1024, 16384].some((maxFrames) => refusal(bench, { maxFrames }) !== null);
      const rates = [1, 8000, RATE, 192_000, 768_000].some((rate) => refusal(bench, { rate }) !== null);
      if (!blocks && !rates) return;
      if (!bench.type.facts.exports.includes("bj_error")) {
        warn("It refuses some rates or block lengths, and has no bj_error to say why.");
      }
    },
  },
  {
    id: "lifecycle/reactivate",
    level: 4,
    title: "It can be deactivated and activated at other rates and block lengths, again and again",
    run(bench) {
      const rig = bench.rig();
      const { instance } = rig;
      for (let i = 0; i < 12; i++) {
        instance.deactivate();
        const rate = [44_100, 96_000, 48_000, 22_050][i % 4] as number;
        instance.activate(rate, [64, 512, 1, 1024, 100][i % 5] as number);
        rig.watch();
        rig.play(bench.score(instance.maxFrames === 1 ? 100 : 1_500));
      }
    },
  },
  {
    id: "lifecycle/reactivate-fresh",
    level: 5,
    title: "Activated again it sounds as it did at first",
    run(bench) {
      const rig = bench.rig();
      const first = rig.play(bench.score(LENGTH));
      rig.instance.deactivate();
      rig.instance.activate(RATE, FRAMES);
      rig.watch();
      const found = difference(first, rig.play(bench.score(LENGTH)));
      if (found !== null) fail(`Activated again it plays the same input differently: ${found}.`);
    },
  },
  {
    id: "lifecycle/reset-fresh",
    level: 5,
    title: "After a reset it sounds as if fresh",
    run(bench) {
      const first = bench.take(LENGTH);
      const rig = bench.rig();
      rig.play(bench.score(3_333, { events: held(bench) }));
      rig.reset();
      const found = difference(first, rig.play(bench.score(LENGTH)));
      if (found !== null) fail(`After a reset it plays the same input differently: ${found}.`);
    },
  },
  {
    id: "lifecycle/reset-silence",
    level: 5,
    title: "A reset ends echoes and notes",
    run(bench) {
      bench.needs("audio", "out");
      const quiet = { signal: silence, events: [] };
      if (peak(bench.take(2_000, quiet)) > QUIET) skip("It sounds by itself.");
      const rig = bench.rig();
      rig.play(bench.score(9_000, { events: held(bench) }));
      rig.reset();
      const left = peak(rig.play(bench.score(9_000, quiet)));
      if (left > QUIET) fail(`After a reset, and with silence as input, it is ${decibels(left)} loud.`);
    },
  },
  {
    id: "lifecycle/reset-anytime",
    level: 6,
    title: "It can be reset before its first block and between all others",
    run(bench) {
      const rig = bench.rig();
      rig.reset();
      rig.reset();
      rig.play(bench.score(LENGTH), { blocks: [64], between: () => rig.reset() });
    },
  },
  {
    id: "lifecycle/layout-stable",
    level: 5,
    title: "Activated in the same way it has the same latency, tail and room for events",
    run(bench) {
      const { instance } = bench.rig();
      const facts = () =>
        [instance.latency, instance.tail, instance.eventsIn.capacity, instance.eventsOut.capacity].join(", ");
      const before = facts();
      for (let i = 0; i < 3; i++) {
        instance.deactivate();
        instance.activate(RATE, FRAMES);
        if (facts() !== before) {
          fail(`Latency, tail and room for events were ${before}, and ${facts()} when activated again.`);
        }
      }
    },
  },
  {
    id: "lifecycle/configure",
    level: 3,
    title: "It takes every value that its config parameters allow, and plays",
    run(bench) {
      const values = configValues(bench.descriptor);
      if (values.length === 0) skip("It has no config parameters that can be tried.");
      bench.rig();
      for (const [id, value] of values) {
        const rig = bench.make({ config: [[id, value]] });
        rig.play(bench.score(1_000));
      }
      return `${values.length} values`;
    },
  },
  {
    id: "lifecycle/configure-extremes",
    level: 7,
    title: "It survives config values that are huge, long or empty",
    run(bench) {
      const { config_params } = bench.descriptor;
      const text = ["", " ", "x".repeat(5_000), "\u{1f3b6}\u0301é", '"', "-0", "999999999999"];
      const values: Record<string, string[]> = {
        string: text,
        integer: ["0", "-1", "2147483647", "-2147483648", "9007199254740991"],
        float: ["0", "-1", "1e308", "-1e-308", "3.5"],
      };
      const tried = config_params.flatMap((param) =>
        (values[param.type] ?? []).map((value) => [param.id, value] as [string, string]),
      );
      if (tried.length === 0) skip("It has no config parameters with room for extremes.");
      for (const pair of tried) {
        refused(() => bench.make({ config: [pair] }).play(bench.score(500)));
      }
    },
  },
  {
    id: "lifecycle/files",
    level: 7,
    title: "It survives files that hold nothing, or noise",
    run(bench) {
      const params = bench.descriptor.config_params.filter(({ type }) => type === "filepath");
      if (params.length === 0) skip("It takes no files.");
      const random = bench.random("files");
      const files = [null, new Uint8Array(0), random.bytes(1), random.bytes(1_000), random.bytes(300_000)];
      for (const { id } of params) {
        for (const bytes of files) {
          refused(() => bench.make({ file: { id, bytes } }).play(bench.score(FRAMES)));
        }
      }
    },
  },
  {
    id: "lifecycle/idle",
    level: 5,
    title: "Idling between blocks changes nothing that is heard",
    run(bench) {
      const plain = bench.take(LENGTH);
      const rig = bench.rig();
      const idled = rig.play(bench.score(LENGTH), {
        between: () => {
          rig.instance.idle();
          rig.well();
        },
      });
      const found = difference(plain, idled);
      if (found !== null) fail(`With bj_idle between the blocks ${found}.`);
    },
  },
  {
    id: "lifecycle/scratch",
    level: 4,
    title: "bj_scratch has room for an empty text",
    run(bench) {
      const { exports } = bench.type.facts;
      if (!exports.includes("bj_state_load")) skip("Nothing is handed in that can be empty.");
      try {
        bench.rig().instance.loadState(new Uint8Array(0));
      } catch (error) {
        if (error instanceof BelljarError && error.code === "plugin/no-memory") {
          fail("bj_scratch(0) returned 0, which means that there is no room.");
        }
        if (!(error instanceof BelljarError) || error.code !== "plugin/refused") throw error;
      }
    },
  },
];

/** Notes that are never let go. */
function held(bench: Bench) {
  const port = eventInput(bench.descriptor);
  if (port < 0) return [];
  return [60, 64, 67].map((key, i) => ({
    frame: 10 + i,
    type: EventType.NoteOn,
    port,
    noteId: i,
    channel: 0,
    key,
    value: 0.8,
  }));
}
