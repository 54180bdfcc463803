// Data segments after the start: what memory.init and data.drop do is what the specification says, though the
// rewrite makes every segment passive.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { wat } from "../wat.ts";
import { inStep } from "./in-step.ts";
import { type Exports, metered } from "./run.ts";

const bytes = wat(`(module (memory (export "memory") 1)
  (data $placed (i32.const 8) "placed")
  (data $passive "0123456789")
  (data $big "${"x".repeat(40_000)}")
  (func (export "init_placed") (param i32 i32 i32) (memory.init $placed (local.get 0) (local.get 1) (local.get 2)))
  (func (export "drop_placed") (data.drop $placed))
  (func (export "init") (param i32 i32 i32) (memory.init $passive (local.get 0) (local.get 1) (local.get 2)))
  (func (export "drop") (data.drop $passive))
  (func (export "init_big") (param i32 i32 i32) (memory.init $big (local.get 0) (local.get 1) (local.get 2))))`);

function outcome(exports: Exports, name: string, args: number[]): string {
  try {
    return `${exports[name]?.(...args)}`;
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    return error.message;
  }
}

const END = 65_536;
/** To, from, length: at the segments' and memory's edges, and where 32-bit sums wrap. */
const places = [0, 1, 6, 9, 10, 11, 39_999, 40_000, 40_001, END - 1, END, END + 1, -1, -END];
const calls: [string, number[]][] = [];
for (const to of [0, 100, END - 10, END - 9, END, END + 1, -1])
  for (const from of places)
    for (const length of [0, 1, 10, 11, 39_000, 40_000, 40_001, -1]) calls.push(["init", [to, from, length]]);

test("memory.init of placed, living and dropped segments gives the same bytes and traps as the original", () => {
  const { call } = inStep(bytes);
  let trapped = 0;
  const same = (name: string, args: number[] = []): void => {
    if (call(name, ...args) !== "undefined") trapped++;
  };
  for (const name of ["init", "init_big", "init_placed"]) for (const [, args] of calls) same(name, args);
  same("drop_placed");
  for (const [, args] of calls.slice(0, 60)) same("init_placed", args);
  same("drop");
  same("drop");
  for (const [, args] of calls) same("init", args);
  for (const [, args] of calls.slice(0, 60)) same("init_big", args);
  assert.ok(trapped > 100, `${trapped} calls trapped`);
});

test("an attached instance knows which segments were dropped", () => {
  const first = metered(bytes);
  first.exports.drop?.();
  const second = metered(bytes);
  assert.is(outcome(second.exports, "init", [0, 0, 1]), "undefined");
  assert.is(first.lanes, 1);
  for (let i = 0; i < first.lanes; i++) second.exports.$lane_set?.(i, first.exports.$lane_get?.(i) as number);
  assert.match(outcome(second.exports, "init", [0, 0, 1]), /out of bounds/);
  assert.is(outcome(second.exports, "init", [0, 0, 0]), "undefined");
});

test("memory.init is charged by the bytes that it moves, and out of bounds by nothing", () => {
  const module = metered(bytes);
  module.begin(1e9);
  module.exports.init_big?.(0, 0, 40_000);
  const moved = module.used();
  assert.ok(moved >= 10_000 && moved < 10_500, `${moved} units`);
  module.begin(1e9);
  assert.match(outcome(module.exports, "init_big", [0, 0, -1]), /out of bounds/);
  const none = module.used();
  assert.ok(none < 200, `${none} units`);
});

test.run();
