// Vetting refuses by name, before anything runs.

import binaryen from "binaryen";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import { inspectModule, PluginType } from "../../runtime/sandbox/index.ts";
import { DEFAULT_LIMITS } from "../../runtime/sandbox/limits.ts";
import { rewriteModule } from "../../runtime/sandbox/rewrite.ts";
import { vetModule } from "../../runtime/sandbox/vet.ts";
import { wat } from "../wat.ts";
import { smallPlugin, smallPluginText } from "./small-plugin.ts";

function refusal(bytes: Uint8Array): BelljarError | null {
  try {
    inspectModule(bytes);
    return null;
  } catch (error) {
    assert.instance(error, BelljarError);
    return error as BelljarError;
  }
}

const memory = '(memory (export "memory") 1)';
const cases: [string, string, string, RegExp][] = [
  [
    "a foreign import",
    `(module (import "env" "abort" (func)) ${memory})`,
    "module/import",
    /imports "env\.abort"; a plugin may import/,
  ],
  [
    "an unknown function of belljar",
    `(module (import "belljar" "host_time" (func)) ${memory})`,
    "module/import",
    /belljar\.host_time/,
  ],
  [
    "a host function of another type",
    `(module (import "belljar" "host_log" (func (param i32))) ${memory})`,
    "module/import",
    /as \(i32\) -> nothing; it is \(i32, i32, i32\) -> nothing/,
  ],
  [
    "an imported memory",
    '(module (import "env" "memory" (memory 1)))',
    "module/import",
    /imports the memory "env\.memory"/,
  ],
  [
    "an imported global",
    `(module (import "env" "g" (global i32)) ${memory})`,
    "module/import",
    /imports the global/,
  ],
  [
    "an imported table",
    `(module (import "env" "t" (table 1 funcref)) ${memory})`,
    "module/import",
    /imports the table/,
  ],
  ["no memory", "(module)", "module/memories", /no memory of its own/],
  ["two memories", "(module (memory 1) (memory 1))", "module/memories", /several memories/],
  ["shared memory", "(module (memory 1 2 shared))", "module/threads", /memory is shared/],
  ["64-bit memory", "(module (memory i64 1))", "module/memories", /a kind that the sandbox does not know/],
  [
    "too much memory at the start",
    "(module (memory 1025))",
    "module/limit",
    /1025 pages of memory at its start; the limit is 1024/,
  ],
  [
    "atomic instructions",
    `(module ${memory} (func (drop (i32.atomic.load (i32.const 0)))))`,
    "module/instruction",
    /atomic instructions; build it without threads \(function 0, byte \d+\)/,
  ],
  [
    "relaxed SIMD",
    `(module ${memory} (func (param v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0))))`,
    "module/instruction",
    /relaxed SIMD/,
  ],
  ["exceptions", `(module ${memory} (tag $t) (func (throw $t)))`, "module/exceptions", /exceptions/],
  ["tail calls", `(module ${memory} (func $f (return_call $f)))`, "module/instruction", /tail calls/],
  [
    "a table written at run time",
    `(module ${memory} (table 1 funcref) (func (table.set (i32.const 0) (ref.null func))))`,
    "module/instruction",
    /references|table/,
  ],
  [
    "a table that grows",
    `(module ${memory} (table 1 funcref) (func (drop (table.grow (ref.null func) (i32.const 1)))))`,
    "module/instruction",
    /references|table/,
  ],
  [
    "a table of external references",
    `(module ${memory} (table 1 externref))`,
    "module/tables",
    /something other than functions/,
  ],
  [
    "a passive element segment",
    `(module ${memory} (table 1 funcref) (func $f) (elem func $f))`,
    "module/elements",
    /not placed at the start/,
  ],
  [
    "a global that holds a reference",
    `(module ${memory} (global (mut funcref) (ref.null func)))`,
    "module/references",
    /global that holds a reference/,
  ],
  [
    "a local that holds a reference",
    `(module ${memory} (func (local externref)))`,
    "module/references",
    /local that holds a reference/,
  ],
  [
    "a segment past the end of its table",
    `(module ${memory} (table 1 1 funcref) (elem (i32.const 1) $f) (func $f))`,
    "module/elements",
    /places 1 functions at 1 of a table with 1 entries/,
  ],
  [
    "a segment past the end of memory",
    `(module ${memory} (data (i32.const 65535) "xy"))`,
    "module/data",
    /places 2 bytes at 65535 of a memory with 65536 bytes/,
  ],
  [
    "an export named then",
    `(module ${memory} (func (export "then")))`,
    "module/export",
    /exports "then", a reserved name/,
  ],
  ["an export that begins with $", `(module ${memory} (func (export "$boot")))`, "module/export", /"\$boot"/],
];
for (const [what, text, code, sentence] of cases) {
  test(`${what} is refused`, () => {
    const error = refusal(wat(text));
    assert.is(error?.code, code, error?.message);
    assert.match(error?.message ?? "", sentence);
  });
}

test("a module at a limit is taken, one past it is not", () => {
  const nested = (depth: number): Uint8Array =>
    wat(
      `(module ${memory} (func ${"(if (i32.const 1) (then ".repeat(depth)}${"(drop (i32.const 1))"}${"))".repeat(depth)}))`,
    );
  assert.is(refusal(nested(256)), null);
  assert.match(refusal(nested(257))?.message ?? "", /257 nested blocks in function 0; the limit is 256/);
  const locals = (count: number): Uint8Array =>
    wat(`(module ${memory} (func ${"(local i32)".repeat(count)}))`);
  assert.is(refusal(locals(1_024)), null);
  assert.match(refusal(locals(1_025))?.message ?? "", /1025 locals in function 0; the limit is 1024/);
  const loops = (depth: number): Uint8Array =>
    wat(`(module ${memory} (func ${"(loop ".repeat(depth)}${")".repeat(depth)}))`);
  assert.is(refusal(loops(32)), null);
  assert.match(refusal(loops(33))?.message ?? "", /33 nested loops/);
});

test("what is no module says so", () => {
  const text = new TextEncoder();
  assert.is(refusal(new Uint8Array())?.code, "module/not-wasm");
  assert.is(refusal(text.encode("#!/bin/sh\necho hello"))?.code, "module/not-wasm");
  assert.is(refusal(new Uint8Array([0, 0x61, 0x73, 0x6d, 13, 0, 1, 0]))?.code, "module/component");
  assert.is(refusal(new Uint8Array([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0]))?.code, "module/version");
  assert.is(refusal(new Uint8Array([0, 0x61, 0x73]))?.code, "module/malformed");
});

test("a type error is refused with the engine's reason", () => {
  const bytes = wat(`(module ${memory} (func (result i32) (i32.const 7)))`);
  const at = bytes.findIndex((byte, i) => byte === 0x41 && bytes[i + 1] === 7);
  bytes[at] = 0x42; // i64.const where an i32 is due
  const error = refusal(bytes);
  assert.is(error?.code, "module/invalid");
  assert.match(error?.message ?? "", /i64/);
});

test("every cut of a plugin is refused with a sentence", async () => {
  const bytes = smallPlugin({
    functions: "(table 1 1 funcref) (elem (i32.const 0) $process) (global $g (mut i64) (i64.const 5))",
  });
  await PluginType.load(bytes);
  for (let length = 0; length < bytes.length; length++) {
    let error: unknown = null;
    await PluginType.load(bytes.slice(0, length)).catch((thrown) => {
      error = thrown;
    });
    assert.instance(error, BelljarError, `cut at ${length}: ${error}`);
    assert.match((error as BelljarError).code, /^(module|descriptor|plugin)\//);
  }
});

test("mutated plugins are refused with a sentence or are valid before and after the rewrite", async () => {
  const bytes = smallPlugin({
    functions: `(global $g (mut f32) (f32.const 1)) (type $t (func (param i32) (result i32))) (table 2 2 funcref) (elem (i32.const 0) $a $b)
      (func $a (param i32) (result i32) (local $i i32) (loop $l (if (i32.lt_s (local.get $i) (local.get 0)) (then (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $l)))) (local.get $i))
      (func $b (param i32) (result i32) (call_indirect (type $t) (local.get 0) (i32.const 0)))`,
    process: "(drop (call $b (local.get $frames))) (i32.const 0)",
  });
  let seed = 12345;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  let accepted = 0;
  for (let n = 0; n < 3_000; n++) {
    const mutated = bytes.slice();
    for (let k = 0; k <= random(3); k++) mutated[8 + random(mutated.length - 8)] = random(256);
    try {
      const type = await PluginType.load(mutated);
      accepted++;
      const instance = type.instantiate();
      instance.unitBudget = 1_000_000;
      instance.activate(48_000, 64);
      instance.process(64);
    } catch (error) {
      assert.instance(error, BelljarError, `${error} ${(error as Error).stack}`);
    }
  }
  assert.ok(accepted > 100 && accepted < 2_900, `${accepted} of 3000 mutants were taken`);
});

test("facts are those of the module", () => {
  const facts = inspectModule(
    wat(`(module (import "belljar" "host_log" (func (param i32 i32 i32))) (memory (export "memory") 3 9) (data (i32.const 8) "12345")
      (func (export "f") (param v128) (result v128) (f32x4.add (local.get 0) (local.get 0)))
      (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 4))))`),
  );
  assert.equal(facts.imports, ["belljar.host_log"]);
  assert.equal(facts.exports, ["memory", "f"]);
  assert.equal(facts.memory, { initial: 3, maximum: 9 });
  assert.equal(facts.features, ["bulk-memory", "simd"]);
  assert.is(facts.functions, 2);
  assert.is(facts.dataBytes, 5);
});

test("a module that lacks an export of the contract, or has it with another type, is no plugin", async () => {
  const load = async (text: string): Promise<string> => {
    try {
      await PluginType.load(wat(text));
      return "";
    } catch (error) {
      return `${(error as BelljarError).code}: ${(error as BelljarError).message}`;
    }
  };
  const text = smallPluginText();
  assert.is(await load(text), "");
  assert.match(
    await load(text.replace('(export "bj_scratch")', "")),
    /module\/contract: .*does not export bj_scratch/,
  );
  assert.match(
    await load(`${text.slice(0, -1)} (func (export "bj_reset") (param i32)))`),
    /module\/contract: .*bj_reset as \(i32\) -> nothing; it must be \(\) -> nothing/,
  );
  assert.match(
    await load(smallPluginText({ abi: 0x20000 })),
    /module\/abi: .*version 2\.0 of the contract; this host speaks 1\.0/,
  );
  assert.is(await load(smallPluginText({ abi: 0x10007 })), "");
});

test("every instruction of the SIMD and scalar sets that binaryen prints is known under its name", async () => {
  const { OPCODES } = await import("../../runtime/sandbox/opcodes.ts");
  const names = [...OPCODES.values()].map(({ name }) => name);
  const vector = names.filter(
    (name) => /^(i8x16|i16x8|i32x4|i64x2|f32x4|f64x2)\./.test(name) && !/lane|shuffle|splat/.test(name),
  );
  // Assemble each with as many v128 operands as the table says, and see that it decodes to the same name.
  for (const name of vector) {
    const opcode = [...OPCODES.entries()].find(([, known]) => known.name === name) as [
      number,
      { pops: number },
    ];
    const shift = /\.sh[lr]/.test(name);
    const operands = shift ? "(local.get 0) (i32.const 1)" : "(local.get 0) ".repeat(opcode[1].pops);
    const scalar = /all_true|bitmask|any_true/.test(name);
    const bytes = wat(
      `(module (memory 1) (func (param v128) (result ${scalar ? "i32" : "v128"}) (${name} ${operands})))`,
    );
    const number = opcode[0] & 0xfff;
    const encoded = number < 0x80 ? [0xfd, number] : [0xfd, (number & 0x7f) | 0x80, number >> 7];
    assert.ok(Buffer.from(bytes).includes(Buffer.from(encoded)), `${name} is not 0x${number.toString(16)}`);
    assert.is(refusal(bytes), null, name);
  }
  assert.ok(binaryen.Features.SIMD128 > 0);
});

/** A module of sections, each an id and its bytes, with a memory between. */
function sections(before: [number, number[]][], after: [number, number[]][] = []): Uint8Array<ArrayBuffer> {
  const all: [number, number[]][] = [...before, [5, [1, 0, 1]], ...after];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...all.flatMap(([id, bytes]) => [id, ...leb(bytes.length), ...bytes]),
  ]);
}
const leb = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...leb(Math.floor(value / 128))];
const times = (count: number, bytes: number[]): number[] => Array.from({ length: count }, () => bytes).flat();

test("types, results, values into blocks, and tables beyond counting are refused before an engine spends time on them", () => {
  const types = (count: number): Uint8Array =>
    sections([[1, [...leb(count), ...times(count, [0x60, 0, 0])]]]);
  assert.is(refusal(types(4_096)), null);
  assert.match(refusal(types(4_097))?.message ?? "", /4097 types; the limit is 4096/);
  const results = (count: number): Uint8Array =>
    sections([[1, [1, 0x60, 0, count, ...times(count, [0x7f])]]]);
  assert.is(refusal(results(16)), null);
  assert.match(refusal(results(17))?.message ?? "", /17 results of one function; the limit is 16/);
  // (loop (param i32 …) (i32.const 0) (br 0)) moves all of them on by one, each time round
  const rotation = (count: number): Uint8Array => {
    const gets = Array.from({ length: count }, (_, i) => [0x20, i]).flat();
    const body = [0, ...gets, 0x03, 0, 0x41, 0, 0x0c, 0, 0x0b, 0x0b];
    return sections(
      [
        [1, [1, 0x60, count, ...times(count, [0x7f]), 0]],
        [3, [1, 0]],
      ],
      [[10, [1, body.length, ...body]]],
    );
  };
  assert.is(refusal(rotation(16)), null);
  assert.match(
    refusal(rotation(17))?.message ?? "",
    /17 values into one block in function 0; the limit is 16/,
  );
  const tables = (count: number): Uint8Array => sections([[4, [count, ...times(count, [0x70, 0, 0])]]]);
  assert.is(refusal(tables(64)), null);
  assert.match(refusal(tables(65))?.message ?? "", /65 tables; the limit is 64/);
});

test("20,000 functions, each of which may call 16,384 through a table, are rewritten in little memory", () => {
  const bodies = times(20_000, [7, 0, 0x41, 0, 0x11, 0, 0, 0x0b]);
  const pointed = Array.from({ length: 16_384 }, (_, i) => leb(i)).flat();
  const bytes = sections(
    [
      [1, [1, 0x60, 0, 0]],
      [3, [...leb(20_000), ...times(20_000, [0])]],
      [4, [1, 0x70, 0, ...leb(16_384)]],
    ],
    [
      [9, [1, 0, 0x41, 0, 0x0b, ...leb(16_384), ...pointed]],
      [10, [...leb(20_000), ...bodies]],
    ],
  );
  const { module, codes } = vetModule(bytes, DEFAULT_LIMITS);
  const before = process.memoryUsage().heapUsed;
  rewriteModule(module, codes, DEFAULT_LIMITS);
  assert.ok(process.memoryUsage().heapUsed - before < 500 * 2 ** 20);
});

test.run();
