// Checks of state and presets: saved, loaded, and what happens to bytes that are none.

import { BelljarError } from "../../../abi/error.ts";
import { anyValues } from "../anything.ts";
import type { Bench, Check } from "../check.ts";
import type { Rig } from "../rig.ts";
import { difference } from "../take.ts";
import { fail, skip } from "../verdict.ts";
import { refused } from "./common.ts";

const LENGTH = 5_000;

/** A rig that has played with random values, and its state. */
function played(bench: Bench, purpose: string): { rig: Rig; state: Uint8Array; values: Map<number, number> } {
  const { exports } = bench.type.facts;
  if (!exports.includes("bj_state_save") || !exports.includes("bj_state_load")) skip("It keeps no state.");
  const values = anyValues(bench.random(purpose), bench.rig().parameters);
  const rig = bench.rig({ values });
  rig.play(bench.score(LENGTH));
  const state = rig.instance.saveState();
  if (state === null) skip("It has no state to save.");
  return { rig, state, values };
}

function loads(bench: Bench): void {
  if (!bench.type.facts.exports.includes("bj_state_load")) skip("It keeps no state.");
}

function same(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export const stateChecks: Check[] = [
  {
    id: "state/repeatable",
    level: 2,
    title: "The same state is saved in the same bytes",
    run(bench) {
      const { rig, state } = played(bench, "repeatable");
      for (let i = 0; i < 3; i++) {
        if (!same(state, rig.instance.saveState()))
          fail("Saved twice without a block between, the bytes differ.");
      }
      return `${state.length} bytes`;
    },
  },
  {
    id: "state/round-trip",
    level: 2,
    title: "Saved, loaded in another instance and saved again, it is the same byte for byte",
    run(bench) {
      const { state, values } = played(bench, "round-trip");
      const other = bench.rig({ values });
      other.instance.loadState(state);
      const again = other.instance.saveState();
      if (same(state, again)) return;
      const at = again?.findIndex((byte, i) => byte !== state[i]) ?? 0;
      fail(
        again === null || again.length !== state.length
          ? `${state.length} bytes were loaded, and ${again?.length ?? 0} are saved.`
          : `Byte ${at} of ${state.length} is another one.`,
      );
    },
  },
  {
    id: "state/sound",
    level: 4,
    title: "With the state loaded it sounds as the instance that saved it",
    run(bench) {
      const { rig, state, values } = played(bench, "sound");
      rig.reset();
      const other = bench.rig({ values });
      other.instance.loadState(state);
      other.reset();
      const found = difference(rig.play(bench.score(LENGTH)), other.play(bench.score(LENGTH)));
      if (found !== null) fail(`With the state loaded, ${found}.`);
    },
  },
  {
    id: "state/saving",
    level: 5,
    title: "Saving in the middle of the sound changes nothing",
    run(bench) {
      played(bench, "saving");
      const plain = bench.take(LENGTH);
      const rig = bench.rig();
      const saved = rig.play(bench.score(LENGTH), { between: () => void rig.instance.saveState() });
      const found = difference(plain, saved);
      if (found !== null) fail(`With its state saved between the blocks, ${found}.`);
    },
  },
  {
    id: "state/empty",
    level: 5,
    title: "An empty state is refused",
    run(bench) {
      loads(bench);
      const { instance } = bench.rig();
      const own = instance.saveState();
      if (own !== null && own.length === 0) skip("Its own state is empty.");
      if (refused(() => instance.loadState(new Uint8Array(0))) === null)
        fail("It takes no bytes for a state.");
      bench.rig();
    },
  },
  {
    id: "state/noise",
    level: 5,
    title: "Random bytes are refused, up to a megabyte",
    run(bench) {
      loads(bench);
      const random = bench.random("noise");
      const taken = [16, 64, 300, 1_000, 65_536, 1_000_000].map((length) => {
        const rig = bench.rig();
        const words = refused(() => rig.instance.loadState(random.bytes(length)));
        rig.play(bench.score(600));
        return words === null;
      });
      if (taken.slice(0, 4).every(Boolean)) fail("It takes every noise for a state.");
    },
  },
  {
    id: "state/refusal",
    level: 6,
    title: "A state that is refused changes nothing",
    run(bench) {
      const { rig, state } = played(bench, "refusal");
      const random = bench.random("refusal-noise");
      const wrong = [
        state.slice(0, state.length - 1),
        state.slice(0, state.length >> 1),
        random.bytes(state.length),
      ];
      for (const bytes of wrong) {
        if (refused(() => rig.instance.loadState(bytes)) === null) continue;
        if (!same(state, rig.instance.saveState()))
          fail("After it refused a state, it saves another one than before.");
      }
    },
  },
  {
    id: "state/cut",
    level: 7,
    title: "It survives its own state cut off anywhere",
    run(bench) {
      const { rig, state } = played(bench, "cut");
      const step = Math.max(1, Math.floor(state.length / 100));
      for (let length = 0; length < state.length; length += step) {
        refused(() => rig.instance.loadState(state.slice(0, length)));
      }
      rig.play(bench.score(1_000));
    },
  },
  {
    id: "state/mutated",
    level: 7,
    title: "It survives its own state with bytes changed",
    run(bench) {
      const { state } = played(bench, "mutated");
      if (state.length === 0) skip("Its state is empty.");
      const random = bench.random("mutations");
      for (let round = 0; round < 40; round++) {
        const rig = bench.rig();
        const bytes = state.slice();
        for (let i = random.whole(1, 4); i > 0; i--) {
          bytes[random.whole(0, bytes.length - 1)] = random.pick([0, 255, 127, 128, random.whole(0, 255)]);
        }
        refused(() => rig.instance.loadState(bytes));
        rig.play(bench.score(500));
      }
    },
  },
  {
    id: "state/presets",
    level: 3,
    title: "Every preset loads and plays",
    run(bench) {
      const { presets } = bench.descriptor;
      if (presets.length === 0) skip("It has no presets.");
      bench.rig();
      for (const preset of presets) {
        try {
          const rig = bench.make({ config: [...preset.config] });
          if (preset.state !== null) rig.instance.loadState(preset.state);
          for (const [id, json] of preset.graph) rig.instance.setGraphData(id, json);
          for (const { port, slot } of rig.parameters) {
            const value = preset.params.get(port.id);
            if (value !== undefined) rig.instance.controlsIn[slot] = value;
          }
          rig.play(bench.score(2_000));
        } catch (error) {
          if (error instanceof BelljarError)
            fail(`The preset "${preset.name}" does not load: ${error.message}`);
          throw error;
        }
      }
      return `${presets.length} presets`;
    },
  },
];
