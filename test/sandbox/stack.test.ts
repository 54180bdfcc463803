// The stack: what a call takes is counted high enough that no compiler's own overflow ever comes first, and a
// recursion ends at the same depth under all of them.

import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { frameBytes } from "../../runtime/sandbox/call-stack.ts";
import { DEFAULT_LIMITS } from "../../runtime/sandbox/limits.ts";
import { STACK_OVERFLOW } from "../../runtime/sandbox/meter.ts";
import { rewriteModule } from "../../runtime/sandbox/rewrite.ts";
import { vetModule } from "../../runtime/sandbox/vet.ts";
import { wat } from "../wat.ts";

const VALUES = 1_000;
const list = (text: (i: number) => string, count = VALUES): string =>
  Array.from({ length: count }, (_, i) => text(i)).join("\n");
const tree = (leaves: string[], op: string): string => {
  if (leaves.length === 1) return leaves[0] as string;
  const half = leaves.length >> 1;
  return `(${op} ${tree(leaves.slice(0, half), op)} ${tree(leaves.slice(half), op)})`;
};

/** f($x) counts at address 0 how deep it is and calls itself for ever. */
const recursive = (locals: string, body: string, types = "(param $x i32) (result i32)"): string =>
  `(module (memory (export "memory") 1) (func $f ${types} ${locals}
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    ${body})
    (func (export "run") ${types.includes("v128") ? "(drop (call $f (v128.const i32x4 1 2 3 4)))" : "(drop (call $f (i32.const 3)))"}))`;
const again = "(call $f (i32.add (local.get $x) (i32.const 1)))";

const integer = (i: number): string =>
  `(i32.rotl (i32.mul (local.get $x) (i32.const ${i * 2 + 3})) (i32.const ${i & 31}))`;
const wide = (i: number): string =>
  `(i32x4.add (local.get $v) (i32x4.shl (local.get $v) (i32.const ${i & 31})))`.replace(
    "(local.get $v)",
    `(i32x4.mul (local.get $v) (i32x4.splat (i32.const ${i * 2 + 3})))`,
  );

const PROGRAMS: [string, string][] = [
  ["little", recursive("", `(i32.add ${again} (i32.const 1))`)],
  [
    "a thousand values that it computes before its call and again behind it",
    recursive(
      "(local $a i32) (local $r i32)",
      `(local.set $a ${tree(
        Array.from({ length: VALUES }, (_, i) => integer(i)),
        "i32.add",
      )})
       (local.set $r ${again})
       (i32.xor (i32.add (local.get $a) (local.get $r)) ${tree(
         Array.from({ length: VALUES }, (_, i) => integer(i)),
         "i32.xor",
       )})`,
    ),
  ],
  [
    "a thousand values that stay the same in the loop that its call is in",
    recursive(
      "(local $i i32) (local $r i32)",
      `(loop $l
         (local.set $r (i32.add (local.get $r) ${again}))
         (local.set $r (i32.xor (local.get $r) (i32.mul (local.get $r) ${tree(
           Array.from({ length: VALUES }, (_, i) => `(i32.and (local.get $i) ${integer(i)})`),
           "i32.xor",
         )})))
         (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100))))
       (local.get $r)`,
    ),
  ],
  [
    "a sum of a thousand loads that it needs behind its call only",
    recursive(
      "(local $a i32) (local $r i32)",
      `(local.set $a ${tree(
        Array.from(
          { length: VALUES },
          (_, i) => `(i32.mul (i32.load offset=${i * 4 + 64} (local.get $x)) (i32.const ${i * 2 + 3}))`,
        ),
        "i32.add",
      )})
       (local.set $r ${again})
       (i32.xor (local.get $a) (local.get $r))`,
    ),
  ],
  [
    "four hundred vectors that it computes twice",
    recursive(
      "(local $a v128) (local $r v128)",
      `(local.set $a ${tree(
        Array.from({ length: 400 }, (_, i) => wide(i)),
        "v128.xor",
      )})
       (local.set $r (call $f (i32x4.add (local.get $v) (v128.const i32x4 1 1 1 1))))
       (v128.or (v128.and (local.get $a) (local.get $r)) ${tree(
         Array.from({ length: 400 }, (_, i) => wide(i)),
         "i32x4.add",
       )})`,
      "(param $v v128) (result v128)",
    ),
  ],
  [
    "a thousand locals",
    recursive(
      list((i) => `(local $l${i} v128)`),
      `${list((i) => `(local.set $l${i} (i32x4.splat (i32.add (local.get $x) (i32.const ${i}))))`)}
       (local.set $x ${again})
       (i32.add (local.get $x) (i32x4.extract_lane 1 ${tree(
         Array.from({ length: VALUES }, (_, i) => `(local.get $l${i})`),
         "v128.xor",
       )}))`,
    ),
  ],
  [
    "two hundred parameters",
    `(module (memory (export "memory") 1)
      (func $f ${list((i) => `(param $p${i} i64)`, 200)} (result i64)
        (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
        (i64.add (i64.const 1) (call $f ${list((i) => `(local.get $p${(i * 7 + 1) % 200})`, 200)})))
      (func (export "run") (drop (call $f ${list((i) => `(i64.const ${i})`, 200)}))))`,
  ],
];

/** In a process whose V8 has these flags: how deep each gets, under the sandbox's count and to V8's own end. */
const CHILD = `
const { readFileSync } = require("node:fs");
const depth = (memory) => new Int32Array(memory.buffer)[0];
const ended = (run) => { try { run(); return "it returned"; } catch (error) { return error.message; } };
const programs = JSON.parse(readFileSync(0, "utf8"));
const results = programs.map(({ original, rewritten, memory }) => {
  const shared = new WebAssembly.Memory({ ...memory, shared: true });
  const tick = (fuel) => { if (fuel === ${STACK_OVERFLOW}) throw new Error("our count"); return fuel + 16384; };
  const metered = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(rewritten, "base64")), { $: { memory: shared, tick } });
  metered.exports.$fuel(16384, 0);
  const end = ended(() => metered.exports.run());
  const bare = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(original, "base64")), {});
  ended(() => bare.exports.run());
  return { end, depth: depth(shared), own: depth(bare.exports.memory) };
});
console.log(JSON.stringify(results));
`;

const COMPILERS: [string, string[]][] = [
  ["the baseline compiler", ["--liftoff", "--liftoff-only"]],
  ["the optimising compiler", ["--no-liftoff", "--no-wasm-lazy-compilation"]],
];
/** KiB of stack that V8 is given. */
const STACK = 984;

const modules = PROGRAMS.map(([, text]) => {
  const original = wat(text);
  const { module, codes } = vetModule(original, DEFAULT_LIMITS);
  const { bytes, memory } = rewriteModule(module, codes, DEFAULT_LIMITS);
  const base64 = (data: Uint8Array): string => Buffer.from(data).toString("base64");
  return {
    frame: frameBytes(codes[0] as (typeof codes)[0]),
    given: { original: base64(original), rewritten: base64(bytes), memory },
  };
});
const outcomes = COMPILERS.map(([, flags]) => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...flags, `--stack-size=${STACK}`, "-e", CHILD],
    { input: JSON.stringify(modules.map(({ given }) => given)), encoding: "utf8", maxBuffer: 1 << 26 },
  );
  assert.is(status, 0, stderr);
  return JSON.parse(stdout) as { end: string; depth: number; own: number }[];
});

PROGRAMS.forEach(([what], i) => {
  test(`a recursion whose every call keeps ${what} ends by our count, at one depth`, () => {
    const { frame } = modules[i] as (typeof modules)[0];
    const depths = outcomes.map((outcome) => (outcome[i] as { depth: number }).depth);
    outcomes.forEach((outcome, compiler) => {
      const { end, depth, own } = outcome[i] as (typeof outcome)[0];
      const name = COMPILERS[compiler]?.[0];
      assert.is(end, "our count", `${name}`);
      assert.is(depth, depths[0], `${name}`);
      assert.is(depth, Math.floor(DEFAULT_LIMITS.stackBytes / frame));
      // What the compiler really takes: its own overflow of a known stack, divided by the depth it came at.
      const taken = (STACK * 1_024) / own;
      assert.ok(taken <= frame, `${name} takes ${taken.toFixed(0)} bytes a call; we count ${frame}`);
    });
  });
});

test.run();
