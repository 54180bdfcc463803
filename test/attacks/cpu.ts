// Plugins that work on and on, by all the ways in which work could go uncounted. None is endless: each would come to its
// end, far past its budget.

import {
  assemble,
  bodiesOf,
  leb,
  sectionsOf,
  signedLeb,
  sized,
  vector,
  withSection,
} from "../fuzz/binary.ts";
import { type SmallPlugin, STEREO_OUT, smallPlugin } from "../sandbox/small-plugin.ts";
import { instance, NOTE, playing, stopped, word } from "./playing.ts";
import type { Attack, Belljar } from "./twin.ts";

const meter = "runtime/sandbox/meter.ts";
const calls = "runtime/sandbox/calls.ts";
const injected = "runtime/sandbox/injected.ts";

const BUDGET = 1_000_000;
const FAR = 4_000_000;

/** Plays a block on a budget of a million units: what stopped it or, where it came to its end, how far it counted. */
async function onBudget(
  belljar: Belljar,
  plugin: SmallPlugin | Uint8Array,
  words: (count: number) => string = (count) => `it went ${count} rounds`,
): Promise<string> {
  const made = await playing(
    belljar,
    plugin instanceof Uint8Array ? plugin : { ports: [STEREO_OUT], ...plugin },
  );
  made.unitBudget = BUDGET;
  const ended = made.process(64);
  return ended ? `${words(word(made, NOTE))} on ${BUDGET} units` : stopped(made);
}
const OUT_OF_UNITS = "plugin/units: The plugin used up its units in bj_process during process, block 0.";

const next = "(local.set $i (i32.add (local.get $i) (i32.const 1)))";
const note = (value = "(local.get $i)"): string => `(i32.store (i32.const ${NOTE}) ${value})`;
/** A loop that does so as often. */
const repeat = (times: number, what: string): string =>
  `(local $i i32) (loop $l ${what} ${next} (br_if $l (i32.lt_u (local.get $i) (i32.const ${times})))) ${note()} (i32.const 0)`;
const MEGABYTE = 1 << 20;

/** A plugin whose function of 256 parameters takes them round a loop on the operand stack, each by a place, so many times. */
function rotation(belljar: Belljar, rounds: number): Uint8Array<ArrayBuffer> {
  const bytes = smallPlugin({
    ports: [STEREO_OUT],
    functions: `(func $turn (param${" i32".repeat(256)}))`,
    process: `(call $turn${" (local.get $frames)".repeat(256)}) (i32.const 0)`,
  });
  const { module } = belljar.vetModule(bytes, belljar.DEFAULT_LIMITS);
  const type = module.types.findIndex(({ params }) => params.length === 256);
  const turn = [
    ...[1, 1, 0x7f], // one local
    ...Array.from({ length: 256 }, (_, i) => [0x20, ...leb(i)]).flat(),
    ...[0x03, ...leb(type)], // loop (param i32 …)
    ...[0x41, 0], // i32.const 0: above the 255 that stay
    ...[0x20, 0x80, 2, 0x41, 1, 0x6a, 0x22, 0x80, 2], // i += 1
    ...[0x41, ...signedLeb(rounds), 0x49, 0x0d, 0], // br_if 0 (i32.lt_u i rounds)
    ...[0x41, ...signedLeb(NOTE), 0x20, 0x80, 2, 0x36, 2, 0], // i32.store NOTE i
    ...[0x0f, 0x0b, 0x0b], // return
  ];
  return assemble(
    withSection(sectionsOf(bytes), 10, (code) =>
      vector(
        bodiesOf(code as Uint8Array).map((body, i) => sized(module.functions[i] === type ? turn : body)),
      ),
    ),
  );
}

export const ATTACKS: Attack[] = [
  {
    attack: "A plugin loops on when its units are used up",
    defence: { file: calls, line: 'if (this.counted > this.budget) throw new Stop("units", "");', off: "" },
    attempt: (belljar) => onBudget(belljar, { process: repeat(FAR, "") }),
    stopped: OUT_OF_UNITS,
    reached: `it went ${FAR} rounds on ${BUDGET} units`,
  },
  {
    attack: "A web of two loops and a br_table leads round without ever coming to an end of either",
    defence: {
      file: meter,
      line: "out.put(Op.i32LtS, Op.brIf).u32(1);",
      off: "out.put(Op.i32LtS, Op.drop);",
    },
    attempt: (belljar) =>
      onBudget(belljar, {
        process: `(local $i i32) (block $done (loop $a (loop $b ${next}
          (br_table $a $b $done (i32.add (i32.and (local.get $i) (i32.const 1))
            (i32.mul (i32.ge_u (local.get $i) (i32.const ${FAR})) (i32.const 2))))))) ${note()} (i32.const 0)`,
      }),
    stopped: OUT_OF_UNITS,
    reached: `it went ${FAR} rounds on ${BUDGET} units`,
  },
  {
    attack: "A loop inside a loop, each round of which is too short to be worth counting",
    defence: {
      file: meter,
      line: "const weight = this.segments?.round.get(i) as number;",
      off: "const weight = 0;",
    },
    attempt: (belljar) =>
      onBudget(belljar, {
        process: `(local $i i32) (loop $o (loop $l (br_if $l (i32.and ${next.replace("local.set", "local.tee")} (i32.const 1023))))
          (br_if $o (i32.lt_u (local.get $i) (i32.const ${FAR})))) ${note()} (i32.const 0)`,
      }),
    stopped: OUT_OF_UNITS,
    reached: /^it went 4000\d\d\d rounds on 1000000 units$/,
  },
  {
    attack: "A loop takes a value from the operand stack, which the wrapper around it would have to keep",
    defence: {
      file: meter,
      line: "if (blockType(context.module, type).params.length > 0) {",
      off: "if (false) {",
    },
    attempt: (belljar) => {
      const bytes = smallPlugin({
        ports: [STEREO_OUT],
        process: `(local $i i32) ${"(drop (v128.const i32x4 0x11111111 0x11111111 0x11111111 0x11111111))".repeat(3)} ${note()} (i32.const 0)`,
      });
      const type = belljar
        .vetModule(bytes, belljar.DEFAULT_LIMITS)
        .module.types.findIndex(({ params, results }) => `${params}>${results}` === "127>127");
      // i32.const 0, loop (i32 -> i32): add 1, keep it in $i, again while it is below FAR (which takes four bytes), end, drop
      const code = [
        0x41,
        0,
        0x03,
        type,
        0x41,
        1,
        0x6a,
        0x22,
        2,
        0x20,
        2,
        0x41,
        0x80,
        0x92,
        0xf4,
        1,
        0x49,
        0x0d,
        0,
        0x0b,
        0x1a,
      ];
      const at = bytes.findIndex((_, i) => bytes.subarray(i, i + 16).every((byte) => byte === 0x11)) - 2;
      bytes.fill(0x01, at, at + 3 * 19).set(code, at); // nop
      return onBudget(belljar, bytes);
    },
    stopped: OUT_OF_UNITS,
    reached: /^host: CompileError: /,
  },
  {
    attack: "A plugin without a loop calls a function that calls two that call two, twenty-two times over",
    defence: {
      file: meter,
      line: "this.whenNegative(() => this.callTick());",
      off: "this.whenNegative(() => {});",
    },
    attempt: (belljar) => {
      const tree = Array.from({ length: 22 }, (_, i) => `(func $f${i} (call $f${i + 1}) (call $f${i + 1}))`);
      const leaf = `(func $f22 (i32.store (i32.const ${NOTE}) (i32.add (i32.load (i32.const ${NOTE})) (i32.const 1))))`;
      const process = "(call $f0) (i32.const 0)";
      return onBudget(belljar, { functions: tree.join("") + leaf, process }, (n) => `it called ${n} leaves`);
    },
    stopped: /^plugin\/units: The plugin used up its units in function \d+ during process, block 0\.$/,
    reached: `it called ${1 << 22} leaves on ${BUDGET} units`,
  },
  {
    attack:
      "A plugin hides work behind an if, where only the way that it never goes pays for what comes after",
    defence: {
      file: "runtime/sandbox/segments.ts",
      line: "if (isLoop || from.size !== 1 || !from.has(current)) current = begin(i + 1, 0);",
      off: "if (isLoop) current = begin(i + 1, 0);",
    },
    attempt: (belljar) => {
      const work = "(drop (i32.load (i32.load (i32.load (i32.load (i32.const 20000))))))".repeat(30);
      const free = `(if (local.get $frames) (then (nop)) (else (call $never))) ${work}`;
      return onBudget(
        belljar,
        { functions: "(func $never (loop (nop)))", process: repeat(20_000, free) },
        (n) => `it loaded ${120 * n} words, at 16 units each,`,
      );
    },
    stopped: OUT_OF_UNITS,
    reached: `it loaded 2400000 words, at 16 units each, on ${BUDGET} units`,
  },
  {
    attack: "A loop takes 256 values round with it, which are moved by one place each time, all for one unit",
    defence: {
      file: "runtime/sandbox/body.ts",
      line: 'within(limits, "results", params.length, `values into one block',
      off: 'within(limits, "results", 0, `values into one block',
    },
    attempt: (belljar) =>
      onBudget(belljar, rotation(belljar, 50_000), (rounds) => `it moved ${256 * rounds} values`),
    stopped:
      /^module\/limit: The module has 256 values into one block in function \d+; the limit is 16 \(results\)\.$/,
    reached: `it moved 12800000 values on ${BUDGET} units`,
  },
  {
    attack: "A plugin fills a megabyte with one instruction, again and again",
    defence: {
      file: meter,
      line: "this.call(context.fill);",
      off: "out.raw(bytes.subarray(code.at[i], code.end[i]));",
    },
    attempt: (belljar) => {
      const fill = `(memory.fill (i32.const 65536) (i32.const 7) (i32.const ${MEGABYTE}))`;
      return onBudget(belljar, { pages: "32 32", process: repeat(100, fill) }, (n) => `it filled ${n} MiB`);
    },
    stopped: OUT_OF_UNITS,
    reached: `it filled 100 MiB on ${BUDGET} units`,
  },
  {
    attack: "A plugin moves a megabyte by a byte, to and fro",
    defence: {
      file: meter,
      line: "this.call(context.copy);",
      off: "out.raw(bytes.subarray(code.at[i], code.end[i]));",
    },
    attempt: (belljar) => {
      const copy = `(memory.copy (i32.const 65537) (i32.const 65536) (i32.const ${MEGABYTE}))`;
      return onBudget(belljar, { pages: "32 32", process: repeat(100, copy) }, (n) => `it moved ${n} MiB`);
    },
    stopped: OUT_OF_UNITS,
    reached: `it moved 100 MiB on ${BUDGET} units`,
  },
  {
    attack: "A plugin unpacks a data segment of 60 KB over and over",
    defence: {
      file: meter,
      line: "this.call(context.init(a));",
      off: "out.raw(bytes.subarray(code.at[i], code.end[i]));",
    },
    attempt: (belljar) => {
      const init = "(memory.init $words (i32.const 65536) (i32.const 0) (i32.const 60000))";
      const functions = `(data $words "${"a".repeat(60_000)}")`;
      return onBudget(
        belljar,
        { functions, process: repeat(1_000, init) },
        (n) => `it unpacked ${60 * n} KB`,
      );
    },
    stopped: OUT_OF_UNITS,
    reached: `it unpacked 60000 KB on ${BUDGET} units`,
  },
  {
    attack: "A plugin asks the host for news all the time",
    defence: { file: injected, line: "constant(w, 500).u8(Op.call).u32(chargeFunction);", off: "" },
    attempt: (belljar) =>
      onBudget(
        belljar,
        {
          imports: '(import "belljar" "host_poll_event" (func $poll (param i32 i32) (result i32)))',
          process: repeat(20_000, "(drop (call $poll (i32.const 20000) (i32.const 100)))"),
        },
        (n) => `it called the host ${n} times`,
      ),
    stopped: OUT_OF_UNITS,
    reached: `it called the host 20000 times on ${BUDGET} units`,
  },
  {
    attack: "A plugin logs lines of 64 KB, of which each is one call",
    defence: { file: injected, line: "bounded(moved.said);", off: "constant(w, 0);" },
    attempt: (belljar) =>
      onBudget(
        belljar,
        {
          imports: '(import "belljar" "host_log" (func $log (param i32 i32 i32)))',
          process: repeat(200, "(call $log (i32.const 1) (i32.const 0) (i32.const 65535))"),
        },
        (n) => `it logged ${n} lines of 64 KB`,
      ),
    stopped: OUT_OF_UNITS,
    reached: `it logged 200 lines of 64 KB on ${BUDGET} units`,
  },
  {
    attack: "A plugin that was given a file reads it over and over",
    defence: {
      file: injected,
      line: "if (moved.atOnce) charge(w, chargeFunction, moved.said);",
      off: "if (moved.atOnce) {}",
    },
    attempt: async (belljar) => {
      const reads = repeat(
        100,
        `(drop (call $read (local.get $blob) (i32.const 0) (i32.const 65536) (i32.const ${MEGABYTE})))`,
      );
      const plugin = await instance(
        belljar,
        {
          ports: [STEREO_OUT],
          pages: "32 32",
          imports: '(import "belljar" "host_read" (func $read (param i32 i32 i32 i32) (result i32)))',
          config: [{ id: "sample", display_name: "Sample", type: "filepath", default: "" }],
          functions: `(func (export "bj_configure_file") (param i32) (param $blob i32) (param i32 i32 i32) (result i32) ${reads})`,
        },
        { limits: { controlUnits: BUDGET } },
      );
      plugin.configureFile("sample", "sample.wav", new Uint8Array(MEGABYTE));
      plugin.activate(48_000, 64);
      return `it read ${word(plugin, NOTE)} MiB on ${BUDGET} units`;
    },
    stopped: /^plugin\/units: The plugin used up its units in \w+ during configure\.$/,
    reached: `it read 100 MiB on ${BUDGET} units`,
  },
];
