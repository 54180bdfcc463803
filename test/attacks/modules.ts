// Modules that are more than a plugin may be.

import { smallPlugin, smallPluginText } from "../sandbox/small-plugin.ts";
import { wat } from "../wat.ts";
import { block, instance, NOTE, playing, word } from "./playing.ts";
import type { Attack } from "./twin.ts";

const vet = "runtime/sandbox/vet.ts";
const parser = "runtime/sandbox/module.ts";

/** A module of one function that declares 2^32 - 1 locals, so many times. */
function withLocals(times: number): Uint8Array<ArrayBuffer> {
  const leb = (value: number): number[] => [(value & 127) | 128, ((value >> 7) & 127) | 128, value >> 14];
  const groups = Array.from({ length: times }, () => [0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f]).flat();
  const body = [...leb(times), ...groups, 0x0b];
  const code = [1, ...leb(body.length), ...body];
  const before = [1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1, 10];
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...before, ...leb(code.length), ...code]);
}

export const ATTACKS: Attack[] = [
  {
    attack: "A module imports the sandbox's own clock and counter, to hand itself units",
    defence: {
      file: vet,
      line: "if (expected === undefined) {",
      off: "if (expected === undefined) continue;\n{",
    },
    attempt: async ({ PluginType }) => {
      const imports = '(import "$" "tick" (func $tick (param i32) (result i32)))';
      await PluginType.load(
        smallPlugin({ imports, activate: "(drop (call $tick (i32.const 1)))(i32.const 1024)" }),
      );
      return "it was loaded, with $tick in its hands";
    },
    stopped: /^module\/import: The module imports "\$\.tick"; a plugin may import belljar\.host_log,/,
    reached: "it was loaded, with $tick in its hands",
  },
  {
    attack: "A module imports a host function with an argument of 64 bits, which JavaScript gets as a BigInt",
    defence: { file: vet, line: "if (!same(actual, expected)) {", off: "if (false) {" },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        imports: '(import "belljar" "host_log" (func $log (param i64 i32 i32)))',
        process: "(call $log (i64.const 1) (i32.const 0) (i32.const 4)) (i32.const 0)",
      });
      return block(plugin, () => "it logged");
    },
    stopped:
      "module/import: The module imports belljar.host_log as (i64, i32, i32) -> nothing; it is (i32, i32, i32) -> nothing.",
    reached: /^host: TypeError: .*BigInt/,
  },
  {
    attack: "A module exports a function under the name of one that the rewrite adds",
    defence: { file: vet, line: 'name.startsWith("$")', off: "false" },
    attempt: async (belljar) => {
      await instance(belljar, {
        functions: '(func (export "$seal") (param i32 i32) (result i32) (i32.const 0))',
      });
      return "it was loaded";
    },
    stopped: 'module/export: The module exports "$seal", a reserved name.',
    reached: /^host: CompileError: .*Duplicate export name '\$seal'/,
  },
  {
    attack: "A module exports a global, whose number no function has",
    defence: {
      file: "runtime/sandbox/rewrite.ts",
      line: "module.exports.filter(({ kind }) => kind === Kind.Function)",
      off: "module.exports",
    },
    attempt: async (belljar) => {
      const globals = "(global i32 (i32.const 0))".repeat(100);
      await instance(belljar, { functions: `${globals} (global (export "gain") i32 (i32.const 5))` });
      return "it was loaded, and nobody sees its global";
    },
    stopped: "it was loaded, and nobody sees its global",
    reached: /^host: CompileError: /,
  },
  {
    attack: "A module lacks the function that the host calls each block",
    defence: { file: vet, line: "if (expected.required) {", off: "if (false) {" },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, wat(smallPluginText().replace('(export "bj_process")', "")));
      return block(plugin, () => "it played");
    },
    stopped: "module/contract: The module is no Belljar plugin: it does not export bj_process.",
    reached: /^host: TypeError: .*is not a function/,
  },
  {
    attack: "A module takes a BigInt where the host hands over a number",
    defence: { file: vet, line: "if (type === null || !same(type, expected)) {", off: "if (false) {" },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, { functions: '(func (export "bj_reset") (param i64))' });
      plugin.reset();
      return "it was reset";
    },
    stopped: "module/contract: The module exports bj_reset as (i64) -> nothing; it must be () -> nothing.",
    reached: /^host: TypeError: .*BigInt/,
  },
  {
    attack: "A module's types do not fit, so that the rewritten one is refused when it is too late",
    defence: { file: vet, line: "if (!WebAssembly.validate(bytes as BufferSource))", off: "if (false)" },
    attempt: async (belljar) => {
      const bytes = smallPlugin({ process: "(i32.const 77)" });
      const at = bytes.findLastIndex((byte, i) => byte === 0x41 && bytes[i + 1] === 0xcd);
      bytes[at] = 0x42; // an i64 where an i32 is due
      await instance(belljar, bytes);
      return "it was loaded";
    },
    stopped: /^module\/invalid: The module is not valid WebAssembly: .*expected i32, got i64/,
    reached: /^host: CompileError: /,
  },
  {
    attack:
      "A function says that it has 46 million million locals, for a parser that makes room for what it is told",
    defence: {
      file: parser,
      line: 'within(limits, "locals", total',
      off: 'within({ ...limits, locals: Number.POSITIVE_INFINITY }, "locals", total',
    },
    attempt: ({ inspectModule }) => {
      inspectModule(withLocals(10_900));
      return "it was taken";
    },
    stopped: "module/limit: The module has 4294967295 locals in function 0; the limit is 1024 (locals).",
    reached: /^host: RangeError: /,
  },
  {
    attack: "A module puts functions past the end of its table, so that no instance can be made",
    defence: { file: vet, line: "if (offset + functions.length > minimum) {", off: "if (false) {" },
    attempt: async (belljar) => {
      await instance(belljar, { functions: "(table 1 1 funcref) (elem (i32.const 1) $process)" });
      return "it was loaded";
    },
    stopped: "module/elements: The module places 1 functions at 1 of a table with 1 entries.",
    reached: /^host: RuntimeError: .*table/,
  },
  {
    attack:
      "A plugin waits for an atomic that nobody wakes: it sleeps on the audio thread, and no unit counts that",
    defence: {
      file: "runtime/sandbox/body.ts",
      line: "const known = OPCODES.get(opcode);",
      off: "const known = OPCODES.get(opcode) ?? OPCODES.get(Op.nop);",
    },
    attempt: async (belljar) => {
      // Passed over as unknown, its alignment and offset (02 40) read as a block; the table's number 11 (0b) ends it.
      const process = `(local $woken i32)
        (local.set $woken (memory.atomic.wait32 offset=64 (i32.const 512) (i32.const 0) (i64.const 1000)))
        (drop (table.get $t11 (i32.const 0)))
        (i32.store (i32.const ${NOTE}) (local.get $woken)) (i32.const 0)`;
      const tables = Array.from({ length: 12 }, (_, i) => `(table $t${i} 1 funcref)`).join("");
      const plugin = await playing(belljar, { functions: tables, process });
      return block(plugin, () =>
        word(plugin, NOTE) === 2 ? "it slept until its time was out" : "it did not sleep",
      );
    },
    stopped:
      /^module\/instruction: The module is refused: it uses atomic instructions; build it without threads \(function 4, byte \d+\)\.$/,
    reached: "it slept until its time was out",
  },
];
