// Loops that look like those that are charged a strip at a time, and are not: each would run rounds that nobody paid for,
// or other rounds than WebAssembly says.

import type { PluginInstance } from "../../runtime/index.ts";
import { smallPlugin, STEREO_OUT } from "../sandbox/small-plugin.ts";
import { NOTE, playing, stopped, word } from "./playing.ts";
import type { Attack, Belljar } from "./twin.ts";

const counted = "runtime/sandbox/counted-loop.ts";

const BUDGET = 1_000_000;
const FAR = 4_000_000;

const locals = "(local $i i32) (local $j i32) (local $n i32) (local $k i32)";
/** A loop as AssemblyScript writes it, from what `before` set up. */
const loop = (test: string, body: string, before = ""): string =>
  `${before} (loop $l (if ${test} (then ${body} (br $l))))`;
const step = "(local.set $i (i32.add (local.get $i) (i32.const 1)))";
const count = "(local.set $k (i32.add (local.get $k) (i32.const 1)))";
const whenFar = (then: string): string => `(if (i32.ge_u (local.get $k) (i32.const ${FAR})) (then ${then}))`;
const below = "(i32.lt_s (local.get $i) (local.get $n))";
const set = (local: string, value: number): string => `(local.set ${local} (i32.const ${value}))`;

/** A plugin that does so when it plays, and whose $k counts the rounds. */
function source(body: string, functions = ""): Uint8Array<ArrayBuffer> {
  const process = `${locals} ${body} (i32.store (i32.const ${NOTE}) (local.get $k)) (i32.const 0)`;
  return smallPlugin({ ports: [STEREO_OUT], functions, process });
}

async function rounds(belljar: Belljar, bytes: Uint8Array): Promise<[PluginInstance, number]> {
  const plugin = await playing(belljar, bytes);
  plugin.unitBudget = BUDGET;
  plugin.process(64);
  return [plugin, word(plugin, NOTE)];
}

/** What stops it, or how many rounds it goes on a million units. */
async function onBudget(belljar: Belljar, body: string | Uint8Array): Promise<string> {
  const [plugin, count] = await rounds(belljar, typeof body === "string" ? source(body) : body);
  return count < BUDGET ? stopped(plugin) : `it went ${count} rounds on ${BUDGET} units`;
}

const OUT_OF_UNITS = "plugin/units: The plugin used up its units in bj_process during process, block 0.";
const WENT_FAR = `it went ${FAR} rounds on ${BUDGET} units`;

/** Where bodies have so many units that a bound can make the charge for all rounds wrap to nothing. */
async function wrapping(belljar: Belljar, body: (bound: number) => string): Promise<string> {
  const { codes } = belljar.vetModule(source(body(0)), belljar.DEFAULT_LIMITS);
  const [weight] = [...(codes[4]?.regionWeight ?? [])].flatMap(([at, units]) => (at < 0 ? [] : [units]));
  const bound = Math.ceil(2 ** 32 / (weight as number));
  const [plugin, count] = await rounds(belljar, source(body(bound)));
  return count === bound
    ? `it went ${count} rounds of ${weight} units each on ${plugin.units}`
    : stopped(plugin);
}

export const ATTACKS: Attack[] = [
  {
    attack: "A counted loop of millions of rounds",
    defence: {
      file: counted,
      line: "constant(weight).put(Op.i32Mul, Op.i32Sub, Op.localSet).u32(locals.fuel);",
      off: "constant(0).put(Op.i32Mul, Op.i32Sub, Op.localSet).u32(locals.fuel);",
    },
    attempt: (belljar) => onBudget(belljar, loop(below, count + step, set("$n", FAR))),
    stopped: OUT_OF_UNITS,
    reached: WENT_FAR,
  },
  {
    attack: "A counted loop whose rounds times their units are 2^32, and so nothing",
    defence: {
      file: counted,
      line: "const most = Math.floor(STRIP / weight);",
      off: "const most = 0x7fffffff;",
    },
    attempt: (belljar) => {
      const heavy = "(drop (i32.load (i32.load (i32.load (i32.load (i32.const 0))))))".repeat(30);
      return wrapping(belljar, (bound) =>
        loop(below, `(block $b (br_if $b (local.get $i)) ${heavy}) ${count}${step}`, set("$n", bound)),
      );
    },
    stopped: OUT_OF_UNITS,
    reached: /^it went 2\d{6} rounds of 1\d{3} units each on \d{1,5}$/,
  },
  {
    attack:
      "A counted loop too heavy for a strip, so that a strip has no rounds, and all are charged at once",
    defence: {
      file: "runtime/sandbox/segments.ts",
      line: "(code.regionWeight.get(i) as number) <= STRETCH ? matchCountedLoop(code, i) : null",
      off: "matchCountedLoop(code, i)",
    },
    attempt: (belljar) => {
      const heavy = "(drop (i32.load (i32.load (i32.load (i32.load (i32.const 0))))))".repeat(300);
      return wrapping(belljar, (bound) =>
        loop(below, `(block $b (br_if $b (local.get $i)) ${heavy}) ${count}${step}`, set("$n", bound)),
      );
    },
    stopped: OUT_OF_UNITS,
    reached: /^it went 2\d{5} rounds of 1\d{4} units each on \d{1,5}$/,
  },
  {
    attack: "A counted loop that takes its step in an if, and does not take it",
    defence: { file: counted, line: "depth === 0 &&", off: "" },
    attempt: (belljar) => onBudget(belljar, loop(below, count + whenFar(step), set("$n", 1))),
    stopped: OUT_OF_UNITS,
    reached: WENT_FAR,
  },
  {
    attack: "A counted loop that steps from another local, and so stays where it is",
    defence: { file: counted, line: "a[i - 3] === counter;", off: "true;" },
    attempt: (belljar) =>
      onBudget(
        belljar,
        loop(
          below,
          `${count} ${whenFar(set("$j", 1))} (local.set $i (i32.add (local.get $j) (i32.const 1)))`,
          set("$n", 2),
        ),
      ),
    stopped: OUT_OF_UNITS,
    reached: WENT_FAR,
  },
  {
    attack: "A counted loop that takes its step, and puts its counter back",
    defence: {
      file: counted,
      line: "op[side] === Op.localGet && written.get(a[side] as number) === 1;",
      off: "op[side] === Op.localGet && written.has(a[side] as number);",
    },
    attempt: (belljar) =>
      onBudget(
        belljar,
        loop(
          below,
          `${count}${step}(if (i32.lt_u (local.get $k) (i32.const ${FAR})) (then ${set("$i", 0)}))`,
          set("$n", 1),
        ),
      ),
    stopped: OUT_OF_UNITS,
    reached: WENT_FAR,
  },
  {
    attack: "A counted loop whose step is another one each time",
    defence: {
      file: counted,
      line: "if (step === null || step === 0 || Math.abs(step) > LARGEST_STEP) return null;",
      off: "",
    },
    attempt: (belljar) => {
      // Down by $j: up once, then nothing.
      const end = `(i32.store (i32.const ${NOTE}) (local.get $k)) (unreachable)`;
      const body = `${count} ${whenFar(end)} (local.set $i (i32.sub (local.get $i) (local.get $j))) ${set("$j", 0)}`;
      const test = "(i32.gt_s (local.get $i) (local.get $n))";
      return onBudget(belljar, loop(test, body, set("$i", 1) + set("$j", -1)));
    },
    stopped: OUT_OF_UNITS,
    reached: WENT_FAR,
  },
  {
    attack: "A counted loop whose bound is taken away in its first round",
    defence: {
      file: counted,
      line: "(op[side] === Op.localGet && !written.has(a[side] as number));",
      off: "op[side] === Op.localGet;",
    },
    attempt: async (belljar) => {
      const [, went] = await rounds(
        belljar,
        source(loop(below, count + step + set("$n", 0), set("$n", 9_000))),
      );
      return `it went ${went} rounds`;
    },
    stopped: "it went 1 rounds",
    reached: /^it went \d{3,4} rounds$/,
  },
  {
    attack: "A counted loop that steps away from its bound, until the integers end",
    defence: {
      file: counted,
      line: "if (comparison === Op.i32Ne ? Math.abs(step) !== 1 : UPWARD.has(comparison) !== step > 0) return null;",
      off: "",
    },
    attempt: async (belljar) => {
      const away = "(local.set $i (i32.add (local.get $i) (i32.const -1)))";
      const [, went] = await rounds(belljar, source(loop(below, count + away, set("$i", -0x80000000 + 3))));
      return `it went ${went} rounds`;
    },
    stopped: "it went 4 rounds",
    reached: /^it went \d{3,4} rounds$/,
  },
  {
    attack: "A counted loop that is left by a branch, before what it has used is written down",
    defence: { file: counted, line: "if (a >= depth) return null;", off: "" },
    attempt: (belljar) => leavesEarly(belljar, "(drop (i32.eqz ENOUGH))", [0x0d, 0]),
    stopped: /^plugin\/units: The plugin used up its units in \w+( \d+)?( during process)?, block 0\.$/,
    reached: `it went ${FAR} rounds on ${BUDGET} units`,
  },
  {
    attack: "A counted loop that is left by a br_table, before what it has used is written down",
    defence: {
      file: counted,
      line: "case Op.brTable:",
      off: "case -1:",
    },
    attempt: (belljar) =>
      leavesEarly(
        belljar,
        "(if (i32.const 1) (then (drop (i32.eqz (i32.eqz (i32.eqz ENOUGH))))))",
        [0x0e, 1, 0, 1],
      ),
    stopped: /^plugin\/units: The plugin used up its units in \w+( \d+)?( during process)?, block 0\.$/,
    reached: `it went ${FAR} rounds on ${BUDGET} units`,
  },
];

/**
 * 16,000 calls of a function without a result, whose loop goes 250 rounds and is then left: by `code`, which stands in the
 * place of what `leave` does with ENOUGH, since the text format's own ifs are no labels.
 */
async function leavesEarly(belljar: Belljar, leave: string, code: number[]): Promise<string> {
  const body = leave.replace("ENOUGH", "(i32.eq (local.get $i) (i32.const 250))") + step;
  const work = `(func $work (local $i i32) (local $n i32) ${loop(below, body, set("$n", 1_000))})`;
  const call = `(call $work) (local.set $k (i32.add (local.get $k) (i32.const 250))) ${step}`;
  const bytes = source(loop(below, call, set("$n", FAR / 250)), work);
  const at =
    bytes.findIndex((byte, i) => byte === 0x41 && bytes[i + 1] === 0xfa && bytes[i + 3] === 0x46) + 4;
  bytes.set(code, at);
  return onBudget(belljar, bytes);
}
