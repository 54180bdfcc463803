// Plugins that call deeper than the sandbox allows, to the end of the engine's own stack: where that is depends on which
// compiler made the code, and getting there takes a millisecond and garbage.

import { STEREO_OUT, smallPlugin } from "../sandbox/small-plugin.ts";
import { NOTE, playing, stopped, word } from "./playing.ts";
import type { Attack, Belljar } from "./twin.ts";

const callStack = "runtime/sandbox/call-stack.ts";

const count = `(i32.store (i32.const ${NOTE}) (i32.add (i32.load (i32.const ${NOTE})) (i32.const 1)))`;

/** Calls $f in process, whose functions count their calls; says what stopped them or, past `most` calls, how deep they got. */
async function depth(belljar: Belljar, functions: string | Uint8Array, most: number): Promise<string> {
  const small = { ports: [STEREO_OUT], process: "(call $f) (i32.const 0)" };
  const plugin = await playing(belljar, typeof functions === "string" ? { ...small, functions } : functions);
  plugin.process(64);
  const calls = word(plugin, NOTE);
  return calls <= most
    ? stopped(plugin)
    : `it went on past ${most} calls, until the engine's own stack was full`;
}
const TOO_DEEP =
  /^plugin\/stack: The plugin called itself too deeply in (f|g|function \d+) during process, block 0\.$/;
const vectors = `(local ${"v128 ".repeat(1_000)})`;

export const ATTACKS: Attack[] = [
  {
    attack: "A function calls itself, and is told too late that its stack is used up",
    defence: {
      file: "runtime/sandbox/calls.ts",
      line: 'if (fuel === STACK_OVERFLOW) throw new Stop("stack", "");',
      off: "if (fuel === STACK_OVERFLOW) return 0;",
    },
    attempt: (belljar) => depth(belljar, `(func $f ${count} (call $f))`, 2_000),
    stopped: TOO_DEEP,
    reached: "it went on past 2000 calls, until the engine's own stack was full",
  },
  {
    attack: "Two functions call each other",
    defence: {
      file: callStack,
      line: "const cyclic = members.length > 1 || targets.includes(node);",
      off: "const cyclic = targets.includes(node);",
    },
    attempt: (belljar) => depth(belljar, `(func $f ${count} (call $g)) (func $g ${count} (call $f))`, 2_000),
    stopped: TOO_DEEP,
    reached: "it went on past 2000 calls, until the engine's own stack was full",
  },
  {
    attack: "A function calls itself through a table",
    defence: {
      file: callStack,
      line: "for (const type of indirectTypes) targets.add(nodeOfType[type] as number);",
      off: "",
    },
    attempt: (belljar) =>
      depth(
        belljar,
        `(type $t (func)) (table 1 1 funcref) (elem (i32.const 0) $f)
        (func $f (type $t) ${count} (call_indirect (type $t) (i32.const 0)))`,
        2_000,
      ),
    stopped: TOO_DEEP,
    reached: "it went on past 2000 calls, until the engine's own stack was full",
  },
  {
    attack: "Two functions call each other through a table, each under another type that is the same",
    defence: {
      file: callStack,
      line: "const key = signature(type);",
      off: "const key = {} as unknown as string;",
    },
    attempt: (belljar) => depth(belljar, fourTypes(), 2_000),
    stopped: TOO_DEEP,
    reached: "it went on past 2000 calls, until the engine's own stack was full",
  },
  {
    attack:
      "A function with a thousand vectors calls itself, for a count of calls that knows nothing of their size",
    defence: {
      file: callStack,
      line: "for (const type of code.locals) locals += type === V128 ? 16 : 8;",
      off: "",
    },
    attempt: (belljar) => depth(belljar, `(func $f ${vectors} ${count} (call $f))`, 40),
    stopped: TOO_DEEP,
    reached: "it went on past 40 calls, until the engine's own stack was full",
  },
  {
    attack: "A chain of functions with a thousand vectors each, none of which calls itself",
    defence: {
      file: callStack,
      line: 'within(limits, "stackBytes", own + below',
      off: 'within({ ...limits, stackBytes: Number.POSITIVE_INFINITY }, "stackBytes", own + below',
    },
    attempt: (belljar) => {
      const link = (name: string, next: string): string =>
        `(func ${name} ${vectors} ${count} (call ${next}))`;
      const chain = Array.from({ length: 150 }, (_, i) => link(`$g${i}`, `$g${i + 1}`)).join("");
      return depth(belljar, `${link("$f", "$g0")} ${chain} (func $g150)`, 40);
    },
    stopped:
      /^module\/limit: The module has \d+ bytes of stack in its calls; the limit is \d+ \(stackBytes\)\.$/,
    reached: "it went on past 40 calls, until the engine's own stack was full",
  },
];

/** $f and $g, each of which calls the other's place in the table. All four types become one, which the text format would merge. */
function fourTypes(): Uint8Array {
  const bytes = smallPlugin({
    ports: [STEREO_OUT],
    functions: `(type $a (func (param i32))) (type $b (func (param f32))) (type $c (func (param f64))) (type $d (func (param i64)))
      (table 2 2 funcref) (elem (i32.const 0) $f $g)
      (func $f (type $a) ${count} (call_indirect (type $b) (local.get 0) (i32.const 1)))
      (func $g (type $c) ${count} (call_indirect (type $d) (local.get 0) (i32.const 0)))`,
    process: "(call $f (i32.const 0)) (i32.const 0)",
  });
  for (let at = 0; at < 100; at++) {
    const [form, params, type, results] = bytes.subarray(at);
    if (form === 0x60 && params === 1 && results === 0 && type !== undefined && type > 0x7b)
      bytes[at + 2] = 0x7f;
  }
  return bytes;
}
