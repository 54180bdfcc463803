// What is charged against what is executed, over random programs: never less, never more than every region whole,
// and never much of either between two looks at the clock.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { matchCountedLoop } from "../../runtime/sandbox/counted-loop.ts";
import { SLICE } from "../../runtime/sandbox/meter.ts";
import { Op } from "../../runtime/sandbox/opcodes.ts";
import { STRETCH } from "../../runtime/sandbox/segments.ts";
import { dice, type Program, randomProgram, TooDeep, TooLong, Trapped } from "./random-program.ts";
import { type Metered, metered, OutOfStack, OutOfUnits } from "./run.ts";

const MODULES = 300;
const FUNCTIONS = 10;
/** Units after which a program counts as endless. */
const MOST = 150_000;
/** And what it gets, less by more than one check hands out. */
const BUDGET = MOST - 3 * SLICE;
/** docs/metering.md: units beside the slices handed out that lie between two looks at the clock. */
const BESIDE = 8_192 + STRETCH;
const SLICES = [64, 300, 4_096, SLICE];

const seen = {
  runs: 0,
  endless: 0,
  trapped: 0,
  deep: 0,
  ticks: 0,
  counted: 0,
  longest: 0,
  executed: 0,
  charged: 0,
};

/** Index of the last mark that was reached when `executed` was. */
function compare(program: Program, plugin: Metered, name: string, a: number, b: number): void {
  let expected: number | "trap" | "endless";
  try {
    expected = program.run(name, a, b, MOST);
  } catch (error) {
    if (error instanceof TooLong) expected = "endless";
    else if (error instanceof TooDeep) return;
    else if (error instanceof Trapped) expected = "trap";
    else throw error;
  }
  const { executed, whole, marks } = program.counts;
  const memory = new Uint8Array(plugin.memory.buffer);
  const mark = new Int32Array(memory.buffer, 0, 1);
  memory.fill(0);

  // Units that were executed for certain, and at most, when the host was last asked.
  let before = 0;
  plugin.onTick = (charged) => {
    seen.ticks++;
    const now = mark[0] as number;
    const least = marks[now];
    if (least === undefined) return; // beyond where the reference gave up
    assert.ok(charged >= least, `${charged} units charged, ${least} executed`);
    const most = marks[now + 1] ?? executed;
    seen.longest = Math.max(seen.longest, least - before - plugin.slice);
    assert.ok(
      least - before <= plugin.slice + BESIDE,
      `${least - before} units between two ticks that hand out ${plugin.slice}`,
    );
    before = most;
  };
  plugin.begin(expected === "endless" ? BUDGET : 1e9);
  let result: number | "trap" | "endless" | "deep";
  try {
    result = plugin.exports[name]?.(a, b) as number;
  } catch (error) {
    if (error instanceof OutOfUnits) result = "endless";
    else if (error instanceof OutOfStack) result = "deep";
    else if (error instanceof WebAssembly.RuntimeError) result = "trap";
    else throw error;
  }
  seen.runs++;
  if (result === "deep") {
    seen.deep++;
    return;
  }
  if (expected === "endless") {
    seen.endless++;
    assert.is(result, "endless");
    return;
  }
  assert.is(result, expected);
  assert.ok(Buffer.compare(memory, program.memory) === 0, "memory differs");
  if (expected === "trap") {
    seen.trapped++;
    return;
  }
  const charged = plugin.used();
  seen.executed += executed;
  seen.charged += charged;
  assert.ok(charged >= executed, `${charged} units charged, ${executed} executed`);
  assert.ok(charged <= whole, `${charged} units charged, ${whole} if every region were charged whole`);
}

test("random programs give the same results, and are charged for what they execute, at every moment", () => {
  const roll = dice(7);
  for (let n = 0; n < MODULES; n++) {
    const program = randomProgram(n, FUNCTIONS);
    const plugin = metered(program.bytes);
    for (const code of plugin.codes) {
      code.op.forEach((op, i) => {
        if (op === Op.loop && matchCountedLoop(code, i) !== null) seen.counted++;
      });
    }
    for (const name of program.names) {
      for (let i = 0; i < 2; i++) {
        plugin.slice = SLICES[roll(SLICES.length)] as number;
        const [a, b] = [roll(3) === 0 ? -1 - roll(100) : roll(100), roll(20)];
        try {
          compare(program, plugin, name, a, b);
        } catch (error) {
          (error as Error).message += ` (module ${n}, ${name}(${a}, ${b}), slices of ${plugin.slice})`;
          throw error;
        }
      }
    }
  }
  // It says something only where there was something to see.
  assert.ok(seen.counted > 500 && seen.endless > 100 && seen.trapped > 10, JSON.stringify(seen));
  // Both sides of an if are charged, and a loop's entry: not more than about twice the work, in sum.
  assert.ok(seen.charged < seen.executed * 2.5, JSON.stringify(seen));
  assert.ok(seen.deep < seen.runs / 100, JSON.stringify(seen));
});

test.run();
