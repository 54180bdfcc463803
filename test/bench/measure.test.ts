// What is measured: units against counts by hand, and figures that fit together. Nothing here depends on how fast a machine is.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compare } from "../../runtime/bench/compare.ts";
import emptyBytes from "../../runtime/bench/empty.wasm";
import { measure, type Measured } from "../../runtime/bench/measure.ts";
import { Stopped } from "../../runtime/bench/player.ts";
import { PluginSubject } from "../../runtime/bench/plugin-subject.ts";
import { PluginType } from "../../runtime/sandbox/index.ts";
import { root } from "../root.ts";
import { bufferAt, EVENTS_IN, smallPlugin, type SmallPlugin, STEREO_OUT } from "../sandbox/small-plugin.ts";

const compile = async (bytes: Uint8Array<ArrayBuffer>) => new WebAssembly.Module(bytes);
const RATE = 48000;
const SECONDS = 0.1;
const BLOCK = 64;
const BLOCKS = (RATE * SECONDS) / BLOCK;

async function subjectOf(bytes: Uint8Array): Promise<PluginSubject> {
  const type = await PluginType.load(bytes, { compile });
  return new PluginSubject(type, { setup: {}, sound: null, midi: null, seconds: SECONDS });
}
const floor = await subjectOf(emptyBytes);
const small = (plugin: SmallPlugin): Promise<PluginSubject> => subjectOf(smallPlugin(plugin));
const builtin = (name: string) => subjectOf(readFileSync(join(root, "dist", "plugins", `${name}.wasm`)));

const measured = (subject: PluginSubject, voices: number | null = null): Promise<Measured> =>
  measure(
    subject,
    floor,
    { rate: RATE, block: BLOCK, voices },
    { seconds: SECONDS, rounds: 3, fewer: false },
    () => {},
  );

/** A process of `count` loads on its way, each into a local: a constant (1), a load (16), a write (1). */
const loads = (count: number): string =>
  `(local $x i32) ${"(local.set $x (i32.load (i32.const 64))) ".repeat(count)} (i32.const 0)`;

test("a load more costs eighteen units more in each block: the weights of the table in docs/metering.md", async () => {
  const few = (await measured(await small({ process: loads(1) }))).units;
  const many = (await measured(await small({ process: loads(11) }))).units;
  assert.is(many.block - few.block, 10 * 18);
  assert.is(many.mostInBlock - few.mostInBlock, 10 * 18);
  assert.is(many.total, many.block * BLOCKS);
  assert.is(many.sample, many.block / BLOCK);
});

test("the most expensive block is found, and the mean has it in it", async () => {
  // Every 25th block: 40 loads more. The rest of the region is the same in both.
  const process = `(local $x i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (if (i32.eqz (i32.rem_u (global.get $n) (i32.const 25))) (then (call $work)))
    (i32.const 0)`;
  const work = (count: number): string =>
    `(global $n (mut i32) (i32.const 0))
     (func $work (local $x i32) ${"(local.set $x (i32.load (i32.const 64))) ".repeat(count)})`;
  const one = (await measured(await small({ process, functions: work(10) }))).units;
  const two = (await measured(await small({ process, functions: work(50) }))).units;
  assert.is(two.mostInBlock - one.mostInBlock, 40 * 18);
  assert.is(two.total - one.total, 40 * 18 * Math.floor(BLOCKS / 25));
});

test("blocks, rounds, shares and the order of the figures fit together", async () => {
  const m = await measured(await builtin("gain"));
  assert.equal([m.blocks, m.seconds, m.rounds], [BLOCKS, SECONDS, 3]);
  const { minimum, p50, p99, p999, maximum } = m.times;
  assert.ok(0 < minimum && minimum <= p50 && p50 <= p99 && p99 <= p999 && p999 <= maximum);
  assert.is(m.times.blocks, (BLOCKS - 1) * 3, "without the first of each round");
  assert.ok(Math.abs(m.deadline - (BLOCK / RATE) * 1e6) < 1e-9);
  assert.ok(Math.abs(m.share.p99 - p99 / m.deadline) < 1e-12);
  assert.ok(m.peak <= maximum && m.peak >= minimum, "a block at its best is none that was not measured");
  assert.is(m.histogram.counts.reduce((sum, count) => sum + count, 0) + m.histogram.beyond, m.times.blocks);
  assert.is(m.histogram.largest, maximum);
  assert.ok(m.floor.p50 > 0);
  assert.ok(m.timesRealTime > 0);
});

test("a synth gets as many notes as there are voices, and more of them are more work", async () => {
  const sine = await builtin("sine");
  const [one, eight] = [await measured(sine, 1), await measured(sine, 8)];
  assert.ok(one.units.repeats && eight.units.repeats);
  assert.ok(eight.units.block > 3 * one.units.block);
  assert.is(eight.lostEvents, 0);
});

test("notes for which a plugin has no room are counted", async () => {
  const deaf = { ports: [EVENTS_IN, STEREO_OUT], layout: { 32: 1 } };
  const { lostEvents } = await measured(await small(deaf), 100);
  // A hundred notes begin in a tenth of a second, a millisecond apart: 48 frames, so 4 in 3 blocks of 64.
  assert.is(lostEvents, 25);
});

test("a plugin whose units differ from round to round is told from one whose units repeat", async () => {
  const honest = await small({ process: loads(1) });
  assert.is((await measured(honest)).units.repeats, true);
  const changing = await small({ process: loads(2) });
  let turn = 0;
  const fickle = {
    player: (configuration: Parameters<PluginSubject["player"]>[0]) =>
      (turn++ % 2 === 0 ? honest : changing).player(configuration),
  };
  const plan = { seconds: SECONDS, rounds: 3, fewer: false };
  const found = await measure(fickle, floor, { rate: RATE, block: BLOCK, voices: null }, plan, () => {});
  assert.is(found.units.repeats, false);
});

test("a plugin that is stopped while it is measured is no figure, but a sentence", async () => {
  const late = `(global.set $n (i32.add (global.get $n) (i32.const 1)))
    (if (i32.gt_u (global.get $n) (i32.const 40)) (then (unreachable)))
    (i32.const 0)`;
  const subject = await small({ process: late, functions: "(global $n (mut i32) (i32.const 0))" });
  try {
    await measured(subject);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, Stopped);
    assert.match((error as Error).message, /block 40/);
  }
});

test("a comparison has the exact ratio of units, and says from when on two plugins sound differently", async () => {
  const sample = (value: number): string => `(local $x i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (f32.store (i32.const ${bufferAt(0)}) (f32.const ${value}))
    (if (i32.eq (global.get $n) (i32.const 10)) (then (f32.store (i32.const ${bufferAt(0) + 20}) (f32.const ${value * 2}))))
    (i32.const 0)`;
  const plugin = (value: number) =>
    small({ ports: [STEREO_OUT], process: sample(value), functions: "(global $n (mut i32) (i32.const 0))" });
  const [a, b] = [await plugin(0.25), await plugin(0.25)];
  const plan = { seconds: SECONDS, rounds: 4, fewer: false };
  const configuration = { rate: RATE, block: BLOCK, voices: null };
  const equal = await compare(a, b, configuration, plan, () => {});
  assert.is(equal.units.ratio, 1);
  assert.is(equal.sound.kind, "same");
  assert.ok(equal.time.low <= equal.time.ratio && equal.time.ratio <= equal.time.high);

  const louder = await small({
    ports: [STEREO_OUT],
    process: sample(0.25).replace("(f32.const 0.5)", "(f32.const 0.75)"),
    functions: "(global $n (mut i32) (i32.const 0))",
  });
  const different = await compare(a, louder, configuration, plan, () => {});
  // The sixth frame of the tenth block.
  assert.equal(different.sound, { kind: "different", largest: 0.25, seconds: (9 * BLOCK + 5) / RATE });

  const [few, many] = [await small({ process: loads(1) }), await small({ process: loads(11) })];
  const { units } = await compare(few, many, configuration, plan, () => {});
  assert.is(units.other - units.total, 180 * BLOCKS);
  assert.is(units.ratio, units.total / units.other);
});

test.run();
