// Checks that only a sandbox can make: work, memory, and that the same calls give the same samples everywhere.

import { BelljarError } from "../../../abi/error.ts";
import { anyValues } from "../anything.ts";
import { type Bench, type Check, type Elsewhere, FRAMES, RATE } from "../check.ts";
import { playDigest } from "../digest.ts";
import { eventInput, type ScoreEvent } from "../score.ts";
import { EventType } from "../../../abi/layout.ts";
import { difference } from "../take.ts";
import { fail, skip, warn } from "../verdict.ts";

const LENGTH = 8_000;
/** Share of a block's units above which there is a warning. */
const MUCH = 0.25;
const CYCLES = 40;

export const sandboxChecks: Check[] = [
  {
    id: "sandbox/units",
    level: 4,
    title: "A block costs no more than a quarter of its budget, at worst",
    run(bench) {
      const rig = bench.rig({ values: anyValues(bench.random("units"), bench.rig().parameters, true) });
      let most = 0;
      for (const events of [undefined, chord(bench)]) {
        const take = rig.play(bench.score(LENGTH, events === undefined ? {} : { events }));
        for (const { units, frames } of take.blocks) if (frames === FRAMES) most = Math.max(most, units);
      }
      const share = most / rig.instance.unitBudget;
      const words = `${most} units for ${FRAMES} frames, ${(share * 100).toFixed(share < 0.01 ? 3 : 1)} % of the budget`;
      if (share > MUCH) warn(`It costs ${words}.`);
      return words;
    },
  },
  {
    id: "sandbox/steady-cost",
    level: 7,
    title: "A block costs the same after a minute as at first",
    run(bench) {
      const rig = bench.rig({ rate: 8_000, maxFrames: 512 });
      const cost = (): number => {
        const take = rig.play(bench.score(16_384), { keep: false });
        return take.blocks.reduce((sum, { units }) => sum + units, 0) / take.blocks.length;
      };
      const first = cost();
      for (let i = 0; i < 26; i++) cost();
      const last = cost();
      if (last > first * 1.5 + 200) {
        fail(`A block costs ${Math.round(first)} units at first, and ${Math.round(last)} after a minute.`);
      }
    },
  },
  {
    id: "sandbox/memory",
    level: 6,
    title: "Activating again and again needs no more and more memory",
    run(bench) {
      const rig = bench.rig();
      const { instance } = rig;
      steady("activations", instance, () => {
        instance.deactivate();
        instance.activate(RATE, FRAMES);
        rig.watch();
        rig.play(bench.score(FRAMES * 2));
      });
    },
  },
  {
    id: "sandbox/state-memory",
    level: 7,
    title: "Saving and loading its state again and again needs no more and more memory",
    run(bench) {
      const { exports } = bench.type.facts;
      if (!exports.includes("bj_state_save") || !exports.includes("bj_state_load"))
        skip("It keeps no state.");
      const { instance } = bench.rig();
      if (instance.saveState() === null) skip("It has no state to save.");
      steady("states", instance, () => {
        for (let i = 0; i < 5; i++) instance.loadState(instance.saveState() ?? new Uint8Array(0));
      });
    },
  },
  {
    id: "sandbox/repeatable",
    level: 3,
    title: "Two instances play the same input in the same samples",
    run(bench) {
      const found = difference(bench.take(LENGTH), bench.take(LENGTH));
      if (found !== null) fail(`Played by two instances, ${found}.`);
    },
  },
  {
    id: "sandbox/alone",
    level: 5,
    title: "Instances that play in turn share nothing",
    run(bench) {
      const alone = bench.take(LENGTH);
      const [one, other] = [bench.rig(), bench.rig()];
      const turns = one.play(bench.score(LENGTH), {
        between: () =>
          other.play(bench.score(FRAMES, { events: chord(bench).filter(({ frame }) => frame < FRAMES) })),
      });
      const found = difference(alone, turns);
      if (found !== null) fail(`With another instance that plays in turn, ${found}.`);
    },
  },
  {
    id: "sandbox/attach",
    level: 6,
    title: "Moved to another thread in mid-sound it goes on as if nothing had been",
    run(bench) {
      const stay = bench.rig();
      const move = bench.rig();
      // notes sound on when it is moved
      const beginning = () =>
        bench.score(3_000, { events: bench.score(LENGTH).events.filter(({ frame }) => frame < 3_000) });
      const first = difference(stay.play(beginning()), move.play(beginning()));
      move.watch(bench.attach(move));
      const found = first ?? difference(stay.play(bench.score(LENGTH)), move.play(bench.score(LENGTH)));
      if (found !== null) fail(`Attached to its memory anew, ${found}.`);
    },
  },
  elsewhere(
    "again",
    "sandbox/processes",
    8,
    "It plays the same samples in another process",
    "In another process",
  ),
  elsewhere(
    "simple",
    "sandbox/compilers",
    9,
    "It plays the same samples with V8's simple compiler alone",
    "With V8's simple compiler",
  ),
  elsewhere(
    "optimised",
    "sandbox/optimiser",
    9,
    "It plays the same samples with V8's optimising compiler alone",
    "With V8's optimising compiler",
  ),
];

function elsewhere(how: Elsewhere, id: Check["id"], level: number, title: string, where: string): Check {
  return {
    id,
    level,
    title,
    async run(bench) {
      bench.rig();
      const [here, there] = [playDigest(bench), await bench.elsewhere(how)];
      if (here !== there) fail(`${where} its samples are others.`);
    },
  };
}

/** Sixteen notes at once. */
function chord(bench: Bench): ScoreEvent[] {
  const port = eventInput(bench.descriptor);
  if (port < 0) return [];
  return Array.from({ length: 16 }, (_, i) => ({
    frame: i,
    type: EventType.NoteOn,
    port,
    noteId: 100 + i,
    channel: 0,
    key: 40 + 3 * i,
    value: 0.7,
  }));
}

/** Memory may grow at first, and no more in the second half of many cycles. */
function steady(
  what: string,
  instance: { share(): { memory: WebAssembly.Memory } },
  cycle: () => void,
): void {
  const bytes = () => instance.share().memory.buffer.byteLength;
  const sizes: number[] = [];
  for (let i = 0; i < CYCLES; i++) {
    try {
      cycle();
    } catch (error) {
      if (error instanceof BelljarError) fail(`After ${i} ${what}: ${error.message}`);
      throw error;
    }
    sizes.push(bytes());
  }
  const [half, end] = [sizes[CYCLES / 2] as number, sizes[CYCLES - 1] as number];
  if (end > half) {
    const pages = Math.round((end - half) / 65_536);
    fail(`Its memory grows: by ${pages} pages in ${CYCLES / 2} ${what}.`);
  }
}
