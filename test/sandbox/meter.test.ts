// The meter: nothing that a module can write runs on without being counted, and counting changes no result.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { SLICE } from "../../runtime/sandbox/meter.ts";
import { STRETCH } from "../../runtime/sandbox/segments.ts";
import { wat } from "../wat.ts";
import { type Metered, metered, original, OutOfStack, OutOfUnits } from "./run.ts";

const BUDGET = 128 * SLICE;

function stopped(plugin: Metered, name: string, ...args: number[]): unknown {
  plugin.begin(BUDGET);
  try {
    plugin.exports[name]?.(...args);
  } catch (error) {
    return error;
  }
  return null;
}

const endless: [string, string][] = [
  ["an empty loop", '(func (export "run") (loop $l (br $l)))'],
  ["a loop of blocks", '(func (export "run") (loop $l (block $b (br $b)) (br $l)))'],
  [
    "a loop that steps by zero",
    '(func (export "run") (local $i i32) (loop $l (if (i32.lt_s (local.get $i) (i32.const 9)) (then (local.set $i (i32.add (local.get $i) (i32.const 0))) (br $l)))))',
  ],
  [
    "a loop that wraps for ever",
    '(func (export "run") (local $i i32) (loop $l (if (i32.le_u (local.get $i) (i32.const -1)) (then (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $l)))))',
  ],
  [
    "a web of br_table",
    '(func (export "run") (local $i i32) (loop $a (loop $b (local.set $i (i32.xor (local.get $i) (i32.const 1))) (br_table $a $b $a (local.get $i)))))',
  ],
  ["a loop with a result", '(func (export "run") (result i32) (loop $l (result i32) (br $l)))'],
  [
    "a loop with a parameter",
    '(func (export "run") (i32.const 1) (loop $l (param i32) (drop) (i32.const 2) (br $l)))',
  ],
  [
    "an inner loop that never runs",
    '(func (export "run") (local $i i32) (loop $o (loop $l (if (i32.lt_s (local.get $i) (i32.const 0)) (then (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $l)))) (br $o)))',
  ],
  ["calls of a light leaf", '(func $leaf) (func (export "run") (loop $l (call $leaf) (call $leaf) (br $l)))'],
  [
    "a loop inside a light-looking caller",
    '(func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))) (func (export "run") (local $i i32) (loop $l (local.set $i (call $leaf (local.get $i))) (br_if $l (i32.const 1))))',
  ],
  [
    "filling memory again and again",
    '(func (export "run") (loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $l)))',
  ],
  [
    "copying memory again and again",
    '(func (export "run") (loop $l (memory.copy (i32.const 0) (i32.const 8) (i32.const 65528)) (br $l)))',
  ],
  [
    "bulk memory of no bytes",
    '(func (export "run") (loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 0)) (br $l)))',
  ],
  ["asking for more memory", '(func (export "run") (loop $l (drop (memory.grow (i32.const 1))) (br $l)))'],
];
for (const [what, functions] of endless) {
  test(`${what} ends at its budget`, () => {
    const plugin = metered(wat(`(module (memory (export "memory") 1) ${functions})`));
    const before = plugin.ticks;
    assert.instance(stopped(plugin, "run"), OutOfUnits);
    // every slice was asked for: the host could have read its clock each time
    assert.ok(plugin.ticks - before >= BUDGET / SLICE - 1);
  });
}

test("exponentially many calls end at their budget", () => {
  const chain = Array.from(
    { length: 60 },
    (_, i) => `(func $f${i} (call $f${i + 1}) (call $f${i + 1}))`,
  ).join("");
  const plugin = metered(
    wat(`(module (memory (export "memory") 1) ${chain} (func $f60) (func (export "run") (call $f0)))`),
  );
  assert.instance(stopped(plugin, "run"), OutOfUnits);
});

const recursions: [string, string][] = [
  ["a function that calls itself", '(func $f (export "run") (call $f))'],
  ["two functions that call each other", '(func $f (export "run") (call $g)) (func $g (call $f))'],
  [
    "a function that calls itself through a table",
    '(type $t (func)) (table 1 1 funcref) (elem (i32.const 0) $f) (func $f (export "run") (call_indirect (type $t) (i32.const 0)))',
  ],
  [
    "two functions that call each other through a table under equal types",
    '(type $t (func)) (type $u (func)) (table 2 2 funcref) (elem (i32.const 0) $f $g) (func $f (export "run") (type $t) (call_indirect (type $u) (i32.const 1))) (func $g (type $u) (call_indirect (type $t) (i32.const 0)))',
  ],
];
for (const [what, functions] of recursions) {
  test(`${what} is out of stack before the engine is`, () => {
    const plugin = metered(wat(`(module (memory (export "memory") 1) ${functions})`));
    assert.instance(stopped(plugin, "run"), OutOfStack);
    // and can be called again: what a stopped call had taken is given back
    assert.instance(stopped(plugin, "run"), OutOfStack);
  });
}

test("recursion that ends gives its stack back", () => {
  const plugin = metered(
    wat(`(module (memory (export "memory") 1)
      (func $down (export "down") (param $n i32) (result i32)
        (if (result i32) (local.get $n)
          (then (i32.add (i32.const 1) (call $down (i32.sub (local.get $n) (i32.const 1)))))
          (else (i32.const 0)))))`),
  );
  for (let i = 0; i < 5_000; i++) {
    plugin.begin(BUDGET);
    assert.equal(plugin.exports.down?.(100), 100);
  }
});

test("a deep chain of calls that needs more stack than there is gets refused", () => {
  const locals = "(local i64)".repeat(500);
  const chain = Array.from({ length: 80 }, (_, i) => `(func $f${i} ${locals} (call $f${i + 1}))`).join("");
  const text = `(module (memory (export "memory") 1) ${chain} (func $f80) (func (export "run") (call $f0)))`;
  assert.throws(
    () => metered(wat(text)),
    (error: { code?: string }) => error.code === "module/limit",
  );
});

test("a long stretch of straight code asks the host on its way", () => {
  const loads = "(drop (i32.load (i32.load (i32.load (i32.const 0)))))".repeat(3_000);
  const plugin = metered(wat(`(module (memory (export "memory") 1) (func (export "run") ${loads}))`));
  plugin.begin(1e9);
  const before = plugin.ticks;
  plugin.exports.run?.();
  assert.ok(plugin.used() >= 9_000 * 4);
  assert.ok(plugin.ticks > before);
});

const HEAVY = "(drop (i32.load (i32.load (i32.load (i32.const 0)))))".repeat(1_500);

test("what a round jumps over is charged up to a stretch at most", () => {
  const plugin = metered(
    wat(`(module (memory (export "memory") 1) (func (export "run") (param $n i32) (local $i i32)
      (loop $l
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (block $skip (br_if $skip (i32.lt_u (local.get $i) (local.get $n))) ${HEAVY})
        (br_if $l (i32.lt_u (local.get $i) (local.get $n))))))`),
  );
  const cost = (n: number): number => {
    plugin.begin(1e13);
    plugin.exports.run?.(n);
    return plugin.used();
  };
  const perRound = (cost(1_001) - cost(1)) / 1_000;
  assert.ok(perRound >= 13 && perRound <= STRETCH + 100, `${perRound} units a round`);
});

test("units are the same each time and do not depend on how they are handed out", () => {
  const plugin = metered(
    wat(`(module (memory (export "memory") 1)
      (func $g (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
      (func (export "run") (param $n i32) (result i32) (local $i i32) (local $s i32)
        (loop $l
          (local.set $s (i32.add (local.get $s) (call $g (local.get $i))))
          (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
        (local.get $s)))`),
  );
  const cost = (n: number): number => {
    plugin.begin(1e9);
    plugin.exports.run?.(n);
    return plugin.used();
  };
  const [one, two] = [cost(1), cost(2)];
  assert.equal(cost(100_000), one + 99_999 * (two - one));
  assert.equal(cost(100_000), cost(100_000));
});

test("memory.grow gives what it gave before in control calls, and -1 or the size elsewhere", () => {
  const plugin = metered(
    wat(
      '(module (memory (export "memory") 1 5) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))) (func (export "size") (result i32) (memory.size)))',
    ),
  );
  const grow = (control: boolean, pages: number): number => {
    plugin.begin(1e9, control);
    return plugin.exports.grow?.(pages) as number;
  };
  assert.equal(grow(false, 1), -1);
  assert.equal(grow(false, 0), 1);
  assert.equal(grow(true, 2), 1);
  assert.equal(grow(true, 3), -1);
  assert.equal(grow(true, 2), 3);
  assert.equal(grow(true, -1), -1);
  assert.equal(plugin.exports.size?.(), 5);
});

test("bulk memory gives the bytes that it gave before, whichever way ranges overlap", () => {
  const bytes = wat(`(module (memory (export "memory") 4)
    (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2))))`);
  const before = original(bytes);
  const after = metered(bytes);
  const fill = (memory: WebAssembly.Memory): void => {
    const view = new Uint8Array(memory.buffer);
    for (let i = 0; i < view.length; i++) view[i] = (i * 2654435761) >>> 24;
  };
  const calls: [string, number, number, number][] = [
    ["copy", 100, 200, 70_000],
    ["copy", 200, 100, 70_000],
    ["copy", 5, 5, 16_384],
    ["copy", 0, 16_384, 32_768],
    ["copy", 16_385, 1, 49_153],
    ["copy", 262_144, 0, 0],
    ["copy", 262_145, 0, 0],
    ["copy", 262_000, 0, 145],
    ["copy", 0, 262_000, 145],
    ["copy", -1, 0, 2],
    ["fill", 3, 77, 100_001],
    ["fill", 262_000, 7, 144],
    ["fill", 262_000, 7, 145],
    ["fill", 8, -1, 16_384],
    ["fill", -4, 1, 8],
  ];
  for (const [name, ...args] of calls) {
    fill(before.memory);
    fill(after.memory);
    const run = (exports: typeof before.exports): string => {
      try {
        exports[name]?.(...args);
        return "well";
      } catch (error) {
        return (error as Error).message;
      }
    };
    after.begin(1e9);
    assert.equal(run(after.exports), run(before.exports), `${name} ${args}`);
    assert.equal(
      Buffer.compare(Buffer.from(after.memory.buffer), Buffer.from(before.memory.buffer)),
      0,
      `${name} ${args}`,
    );
  }
});

test("reinterpreting and copying a sign see the same NaN whatever arithmetic made", () => {
  const plugin = metered(
    wat(`(module (memory (export "memory") 1)
      (func (export "bits") (param f32 f32) (result i32) (i32.reinterpret_f32 (f32.sub (local.get 0) (local.get 1))))
      (func (export "sign") (param f32 f32) (result f32) (f32.copysign (f32.const 1) (f32.div (local.get 0) (local.get 1)))))`),
  );
  plugin.begin(1e9);
  const { exports } = plugin;
  assert.equal(exports.bits?.(Infinity, Infinity), 0x7fc00000);
  assert.equal(exports.bits?.(-Infinity, -Infinity), 0x7fc00000);
  assert.equal(exports.sign?.(0, 0), 1);
  assert.equal(exports.bits?.(3, 1), new Int32Array(new Float32Array([2]).buffer)[0]);
});

test("globals travel as lanes, bit for bit, of every type", () => {
  const bytes = wat(`(module (memory (export "memory") 1)
    (global $a (mut i32) (i32.const -5)) (global $fixed i32 (i32.const 9)) (global $b (mut i64) (i64.const 0x0123456789abcdef))
    (global $c (mut f32) (f32.const nan:0x200001)) (global $d (mut f64) (f64.const -nan:0x4000000000001))
    (global $e (mut v128) (v128.const i32x4 1 -2 0x7fa00001 4))
    (func (export "hash") (result i64)
      (i64.xor (i64.xor (i64.extend_i32_s (global.get $a)) (global.get $b))
        (i64.xor (i64.extend_i32_u (i32.reinterpret_f32 (global.get $c)))
          (i64.add (i64.reinterpret_f64 (global.get $d)) (i64x2.extract_lane 1 (global.get $e)))))))`);
  const first = metered(bytes);
  assert.equal(first.lanes, 1 + 2 + 1 + 2 + 4);
  const lanes = Array.from({ length: first.lanes }, (_, i) => (first.exports.$lane_get?.(i) as number) >>> 0);
  assert.equal(
    lanes,
    [0xfffffffb, 0x89abcdef, 0x01234567, 0x7fa00001, 0x00000001, 0xfff40000, 1, 0xfffffffe, 0x7fa00001, 4],
  );
  const second = metered(bytes);
  const other = [1, 0x80000000, 3, 0xffa00002, 5, 0x7ff00006, 0xffffffff, 8, 9, 0x80000001];
  other.forEach((value, i) => second.exports.$lane_set?.(i, value | 0));
  assert.equal(
    Array.from({ length: 10 }, (_, i) => (second.exports.$lane_get?.(i) as number) >>> 0),
    other,
  );
});

test("the seal cleans a block and measures it, for every length and value", () => {
  const plugin = metered(wat('(module (memory (export "memory") 1))'));
  const floats = new Float32Array(plugin.memory.buffer, 256, 64);
  const bits = new Int32Array(plugin.memory.buffer, 256, 64);
  const values = [0, -0, 1, -1, 0.25, -3.5, 1e-38, -1e-38, 1.17549435e-38, -1e-45, 1e-45, 3.4e38, -3.4e38];
  for (let frames = 0; frames <= 33; frames++) {
    for (let i = 0; i < 64; i++) floats[i] = values[(i * 7 + frames) % values.length] as number;
    const before = floats.slice();
    const peak = new Float32Array(new Int32Array([plugin.exports.$seal?.(256, frames) as number]).buffer)[0];
    let largest = 0;
    for (let i = 0; i < 64; i++) {
      const value = before[i] as number;
      if (i < frames) largest = Math.max(largest, Math.abs(value));
      const kept = i >= frames || Math.abs(value) >= 1.17549435e-38 ? value : 0;
      assert.ok(Object.is(floats[i], kept), `frame ${i} of ${frames}: ${value} became ${floats[i]}`);
    }
    assert.equal(peak, largest);
  }
  for (const bad of [0x7fc00000, -0x400000, 0x7f800001, 0x7f800000, -0x800000]) {
    for (let at = 0; at < 7; at++) {
      floats.fill(0.5);
      bits[at] = bad;
      assert.ok((plugin.exports.$seal?.(256, 7) as number) >= 0x7f800000);
      assert.equal(floats[at], 0);
      assert.equal(floats[(at + 1) % 7], 0.5);
    }
  }
});

test("a heavy round of a loop asks the host on its way, not all at once before it runs", () => {
  const step = "(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))";
  const plugin = metered(
    wat(`(module (memory (export "memory") 1) (func (export "run") (local $i i32)
      (loop $l ${step.repeat(4_000)} (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3))))))`),
  );
  const seen = new Set<number>();
  const done = new Int32Array(plugin.memory.buffer, 0, 1);
  plugin.onTick = () => seen.add(done[0] as number);
  plugin.begin(1e9);
  plugin.exports.run?.();
  assert.ok(seen.size >= 12, `${seen.size} places`);
});

test("growing by no pages gives the size, and makes no new buffer", () => {
  const plugin = metered(
    wat(
      '(module (memory (export "memory") 3 5) (func (export "run") (result i32) (memory.grow (i32.const 0))))',
    ),
  );
  const { buffer } = plugin.memory;
  for (const control of [false, true]) {
    plugin.begin(1e9, control);
    assert.equal(plugin.exports.run?.(), 3);
    assert.ok(plugin.memory.buffer === buffer);
  }
});

test.run();
