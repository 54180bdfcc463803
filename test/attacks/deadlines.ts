// Plugins that are slow within their units, or take long from one look at the clock to the next. The clock is handed in: it
// goes with what the plugin has done, at the pace of memory that misses every cache, 15 ns a unit.

import type { PluginInstance } from "../../runtime/index.ts";
import { type SmallPlugin, STEREO_OUT } from "../sandbox/small-plugin.ts";
import { instance, memoryOf, NOTE, playing, stopped, word } from "./playing.ts";
import type { Attack, Belljar } from "./twin.ts";

const meter = "runtime/sandbox/meter.ts";
const calls = "runtime/sandbox/calls.ts";
const segments = "runtime/sandbox/segments.ts";

const MS_PER_UNIT = 0.25 / 16_384;
const DEADLINE = 1;

/** Sixty loads, each from where the last one said, of 1,024 units in all with the count of them. */
const LOADS = 60;
const MISSES = `(drop ${"(i32.load ".repeat(LOADS)}(i32.const 20000)${")".repeat(LOADS)})
  (i32.store (i32.const ${NOTE}) (i32.add (i32.load (i32.const ${NOTE})) (i32.const 1)))`;
const STEP = 1_024 * MS_PER_UNIT;

/** Plays a block of it with a deadline of 1 ms; says what stopped it or, where that took more than half a millisecond too long, how long. */
async function late(
  belljar: Belljar,
  plugin: SmallPlugin | Uint8Array,
  time = (made: PluginInstance): number => word(made, NOTE) * STEP,
  most = 0.5,
): Promise<string> {
  let made: PluginInstance | null = null;
  const source = plugin instanceof Uint8Array ? plugin : { ports: [STEREO_OUT], ...plugin };
  made = await playing(belljar, source, { now: () => (made === null ? 0 : time(made)) });
  made.deadline = DEADLINE;
  made.unitBudget = 1e9;
  made.process(64);
  const over = time(made) - DEADLINE;
  return over > most ? `it took ${over.toFixed(1)} ms more than its millisecond` : stopped(made);
}
const MISSED = "plugin/deadline: The plugin missed its deadline in bj_process during process, block 0.";
const misses = (times: number): string => MISSES.repeat(times);

export const ATTACKS: Attack[] = [
  {
    attack: "A plugin works at a tenth of the speed that its units are meant for",
    defence: {
      file: calls,
      line: 'if (now > (times[ENDS_AT] as number)) throw new Stop("deadline", "");',
      off: "",
    },
    attempt: (belljar) =>
      late(belljar, {
        process: `(local $i i32) (loop $l ${MISSES}
          (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 2000)))) (i32.const 0)`,
      }),
    stopped: MISSED,
    reached: /^it took 3\d\.\d ms more than its millisecond$/,
  },
  {
    attack:
      "A plugin that was not fast is handed what only fast ones get, and turns slow just before its deadline",
    defence: {
      file: calls,
      line: "fast = (now - (times[READ_AT] as number)) * SLICE < this.handed * FAST;",
      off: "",
    },
    attempt: (belljar) => {
      // 270 rounds at a fifth of the slowest pace are 0.84 ms.
      const time = (made: PluginInstance): number => {
        const rounds = word(made, NOTE);
        return (Math.min(rounds, 270) / 5 + Math.max(rounds - 270, 0)) * STEP;
      };
      const process = `(local $i i32) (loop $l ${MISSES}
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 2000)))) (i32.const 0)`;
      return late(belljar, { process }, time);
    },
    stopped: MISSED,
    reached: /^it took 0\.\d ms more than its millisecond$/,
  },
  {
    attack: "A function of 60 KB without a loop, all of which is loads that wait for each other",
    defence: {
      file: segments,
      line: "if (current.weight > 0 && current.weight + weight > STRETCH) current = begin(i, 0);",
      off: "",
    },
    attempt: (belljar) =>
      late(belljar, {
        process: `${misses(300)} (call $none) (i32.const 0)`,
        functions: "(func $none (loop))",
      }),
    stopped: MISSED,
    reached: /^it took [34]\.\d ms more than its millisecond$/,
  },
  {
    attack:
      "A function of loads that calls nothing and has no loop, and so is left to the check of whoever called it",
    defence: {
      file: meter,
      line: "return !calls && !code.hasLoop && weight <= LIGHT ? weight : -1;",
      off: "return !calls && !code.hasLoop ? weight : -1;",
    },
    attempt: (belljar) =>
      late(belljar, { process: "(call $leaf) (i32.const 0)", functions: `(func $leaf ${misses(300)})` }),
    stopped:
      /^plugin\/deadline: The plugin missed its deadline in (leaf|function \d+) during process, block 0\.$/,
    reached: /^it took [34]\.\d ms more than its millisecond$/,
  },
  {
    attack: "A plugin jumps over every check, each of which stands where it never goes",
    defence: {
      file: meter,
      line: "if (!label.isLoop) label.unchecked = Math.max(label.unchecked, this.unchecked);",
      off: "",
    },
    attempt: (belljar) =>
      late(
        belljar,
        {
          process: `(local $i i32) ${jumps("(br_if $over (local.get $frames))", "").repeat(78)} (i32.const 0)`,
        },
        jumped,
      ),
    stopped: MISSED,
    reached: /^it took \d\.\d ms more than its millisecond$/,
  },
  {
    attack: "A plugin checks in ifs alone, and never goes into one",
    defence: { file: meter, line: "if (op === Op.if) label.decided = this.unchecked;", off: "" },
    attempt: (belljar) =>
      late(
        belljar,
        {
          process: `(local $i i32) ${jumps("(if (i32.eqz (local.get $frames)) (then", "))").repeat(78)} (i32.const 0)`,
        },
        jumped,
      ),
    stopped: MISSED,
    reached: /^it took \d\.\d ms more than its millisecond$/,
  },
  {
    attack: "A counted loop never looks at the clock from its first round to its last",
    defence: { file: "runtime/sandbox/counted-loop.ts", line: "write.check();", off: "" },
    attempt: (belljar) =>
      late(
        belljar,
        {
          process: `(local $i i32) (loop $l (if (i32.lt_s (local.get $i) (i32.const 2000)) (then ${MISSES}
          (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $l)))) (i32.const 0)`,
        },
        undefined,
        1,
      ),
    stopped: MISSED,
    reached: /^it took 3\d\.\d ms more than its millisecond$/,
  },
  {
    attack: "A plugin fills 16 MiB with one instruction, which nothing can interrupt",
    defence: {
      file: "runtime/sandbox/injected.ts",
      line: "const CHUNK = 16_384;",
      off: "const CHUNK = 1 << 30;",
    },
    attempt: (belljar) => {
      // The clock looks how far it has got: 4,096 units for each 16 KiB.
      const filled = (made: PluginInstance): number => {
        const bytes = new Uint8Array(memoryOf(made));
        let chunks = 0;
        while (chunks < 1_024 && bytes[(1 << 20) + chunks * 16_384] === 7) chunks++;
        return chunks * 4_096 * MS_PER_UNIT;
      };
      const process = "(memory.fill (i32.const 0x100000) (i32.const 7) (i32.const 0x1000000)) (i32.const 0)";
      return late(belljar, { pages: "300 300", process }, filled);
    },
    stopped: /^plugin\/deadline: The plugin missed its deadline in (bj_process during )?process, block 0\.$/,
    reached: /^it took 6\d\.\d ms more than its millisecond$/,
  },
  {
    attack: "A plugin works on its activation for a minute, within its units",
    defence: { file: calls, line: "limits.controlSeconds * 1_000", off: "Number.POSITIVE_INFINITY" },
    attempt: async (belljar) => {
      // At each look at the clock 0.6 s have gone.
      let time = 0;
      const plugin = await instance(
        belljar,
        {
          activate: `(local $i i32) (loop $l ${MISSES}
            (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 250000)))) (i32.const 1024)`,
        },
        { now: () => (time += 600), limits: { controlSeconds: 1 } },
      );
      plugin.activate(48_000, 64);
      return "it was activated, however long it took";
    },
    stopped: "plugin/deadline: The plugin missed its deadline in bj_activate during activate.",
    reached: "it was activated, however long it took",
  },
  {
    attack: "A plugin finds out how fast the clock goes from where its units end",
    defence: {
      file: calls,
      line: "slices = Math.max(Math.min(slices, (this.budget - this.granted) / SLICE), owed);",
      off: "slices = Math.max(slices, owed);",
    },
    attempt: async (belljar) => {
      const rounds: number[] = [];
      for (const pace of [0.0001, 0.1]) {
        let time = 0;
        const plugin = await playing(
          belljar,
          {
            ports: [STEREO_OUT],
            process: `(loop $l (i32.store (i32.const ${NOTE}) (i32.add (i32.load (i32.const ${NOTE})) (i32.const 1))) (br $l)) (i32.const 0)`,
          },
          { now: () => (time += pace) },
        );
        plugin.unitBudget = 1_000_000;
        plugin.deadline = 3;
        plugin.process(64);
        rounds.push(word(plugin, NOTE));
      }
      return rounds[0] === rounds[1]
        ? "its units ended in the same round"
        : "its units ended in another round";
    },
    stopped: "its units ended in the same round",
    reached: "its units ended in another round",
  },
];

/** How long so many of these take. */
const jumped = (made: PluginInstance): number => word(made, NOTE) * 1_850 * MS_PER_UNIT;

/** 1,850 units, then a way past a loop that looks at the clock. */
function jumps(over: string, end: string): string {
  const check = `(loop $c (if (i32.lt_s (local.get $i) (i32.const 9)) (then
    (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $c))))`;
  return `(block $over ${MISSES} (drop ${"(i32.load ".repeat(50)}(i32.const 20000)${")".repeat(50)}) ${over} ${check} ${end})`;
}
