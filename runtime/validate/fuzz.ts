// Random sequences of everything that a host may do, in any order that the contract allows. One seed, one sequence.

import { BelljarError } from "../../abi/error.ts";
import { anyEvent, anyTransport, anyValue, anyValues } from "./anything.ts";
import type { Bench } from "./check.ts";
import { refused } from "./checks/common.ts";
import { configValues } from "./config-values.ts";
import { Random } from "./random.ts";
import type { Rig } from "./rig.ts";
import { type Change, eventInput, noiseSignal, type ScoreEvent, silence, sorted } from "./score.ts";
import { Ended, fail } from "./verdict.ts";

const RATES = [8_000, 22_050, 44_100, 48_000, 88_200, 96_000, 47_999.5];

/** One round: an instance, and `steps` calls. Throws Ended where the plugin was stopped. */
export function fuzzRound(bench: Bench, seed: number, steps: number): void {
  const random = new Random(seed);
  const setting = () => ({
    rate: random.pick(RATES),
    maxFrames: random.pick([1, 16, 64, 128, 256, 512, 1_024, random.whole(1, 1_024)]),
  });
  const values = configValues(bench.descriptor);
  const config = values.length > 0 && random.chance(0.5) ? [random.pick(values)] : [];
  let rig: Rig | null = null;
  const refusal = refused(() => {
    rig = bench.make({ ...setting(), config });
  });
  if (refusal !== null || rig === null) return;
  const round: Round = { bench, random, rig, states: [], setting };
  const done: string[] = [];
  for (let i = 0; i < steps; i++) {
    const [name, step] = random.pick(STEPS);
    done.push(name);
    try {
      step(round);
      round.rig.well();
    } catch (error) {
      const sentence = stopped(error);
      if (sentence === null) throw error;
      fail(`${sentence} (Seed ${seed}, call ${i + 1}: ${done.slice(-4).join(", ")}.)`);
    }
  }
}

/** Why the plugin was stopped or did what it may not; null for what is no plugin's doing. */
function stopped(error: unknown): string | null {
  if (error instanceof BelljarError) return error.message;
  return error instanceof Ended && error.verdict.word === "failed" ? error.verdict.sentence : null;
}

interface Round {
  bench: Bench;
  random: Random;
  rig: Rig;
  states: Uint8Array[];
  setting: () => { rate: number; maxFrames: number };
}

/** What is done, and how often beside the others. */
const STEPS: [string, (round: Round) => void][] = [
  ...Array.from({ length: 8 }, (): [string, (round: Round) => void] => ["process", play]),
  ["reset", ({ rig }) => rig.reset()],
  ["idle", ({ rig }) => rig.instance.idle()],
  [
    "set parameters",
    ({ rig, random }) => {
      for (const [slot, value] of anyValues(random, rig.parameters, random.chance(0.3)))
        rig.instance.controlsIn[slot] = value;
    },
  ],
  [
    "save",
    ({ rig, states }) => {
      const state = rig.instance.saveState();
      if (state !== null) states.push(state);
    },
  ],
  [
    "load",
    ({ rig, states, random, bench }) => {
      if (!bench.type.facts.exports.includes("bj_state_load")) return;
      const own = states.length > 0 && random.chance(0.6) ? random.pick(states).slice() : null;
      const bytes = own ?? random.bytes(random.whole(0, 300));
      if (own !== null && own.length > 0 && random.chance(0.5))
        own[random.whole(0, own.length - 1)] = random.whole(0, 255);
      refused(() => rig.instance.loadState(bytes));
    },
  ],
  [
    "reactivate",
    ({ rig, setting }) => {
      rig.instance.deactivate();
      const { rate, maxFrames } = setting();
      if (refused(() => rig.instance.activate(rate, maxFrames)) !== null) rig.instance.activate(48_000, 64);
      rig.watch();
    },
  ],
  [
    "move",
    ({ rig, bench }) => {
      rig.watch(bench.attach(rig));
    },
  ],
  [
    "publish",
    ({ rig, random }) => {
      rig.instance.publish(random.pick(['{"topic":"x"}', "{", "null", "y".repeat(random.whole(1, 9_000))]));
    },
  ],
  [
    "graph data",
    ({ rig, random }) => {
      for (const { id, hint } of rig.instance.descriptor.ports) {
        if (hint !== "graph_editor") continue;
        const text = random.chance(0.5)
          ? rig.instance.getGraphData(id)
          : random.pick(["{}", "[", '{"points":[]}', ""]);
        refused(() => rig.instance.setGraphData(id, text));
      }
    },
  ],
];

function play({ bench, random, rig }: Round): void {
  const longest = rig.instance.maxFrames;
  const frames = random.whole(1, Math.max(64, longest * 6));
  const port = eventInput(rig.instance.descriptor);
  const events: ScoreEvent[] = [];
  if (port >= 0) {
    for (let i = random.pick([0, 0, 3, 20, 200]); i > 0; i--) {
      events.push(anyEvent(random, port, random.whole(0, frames - 1)));
    }
  }
  const changes: Change[] = [];
  if (rig.parameters.length > 0) {
    for (let i = random.pick([0, 0, 2, 30]); i > 0; i--) {
      const { port: one, slot } = random.pick(rig.parameters);
      changes.push({
        frame: random.whole(0, frames - 1),
        slot,
        value: anyValue(random, one, random.chance(0.3)),
      });
    }
  }
  const signal = random.chance(0.3) ? silence : noiseSignal(random.pick([1, 2, 1e-38, 0.1]));
  rig.play(
    {
      ...bench.score(frames),
      signal,
      events: sorted(events),
      changes: sorted(changes),
      transport: (view) => anyTransport(random, view),
    },
    {
      blocks: [longest, ...Array.from({ length: 5 }, () => random.whole(1, longest))],
      keep: false,
      mayRest: random.chance(0.3),
    },
  );
}
