// Bombs: small modules that are valid, and on which an optimising compiler works for seconds, or in hundreds of megabytes. What
// the static limits let through dies in the compiling process, which has 0.5 s and 5 ms for each KiB.

import { randomInt } from "node:crypto";
import type { Limits } from "../../runtime/sandbox/index.ts";
import { smallPlugin } from "../sandbox/small-plugin.ts";
import type { Attack, Belljar } from "./twin.ts";

const body = "runtime/sandbox/body.ts";
const child = "runtime/registry/compile-process.ts";

const repeat = (count: number, what: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => what(i)).join("");

/** A function of so many locals, all of which are read from memory before, and written to it after. */
const live = (locals: number, code: string): string => `(func (param i32)
  (local ${"i32 ".repeat(locals)})
  ${repeat(locals, (i) => `(local.set ${i + 1} (i32.load offset=${8 * i} (local.get 0)))`)}
  ${code}
  ${repeat(locals, (i) => `(i32.store offset=${8 * i} (local.get 0) (local.get ${i + 1}))`)})`;
const mix = (i: number, locals: number): string =>
  `(local.set ${1 + (i % locals)} (i32.add (local.get ${1 + ((i * 31 + 7) % locals)}) (local.get ${1 + (i % locals)})))`;
/** Another local, and a branch, so many times. */
const branches = (count: number, locals: number): string =>
  repeat(
    count,
    (i) =>
      `(local.set ${1 + (i % locals)} (local.get ${1 + ((i * 31 + 7) % locals)})) (br_if 0 (local.get 0))`,
  );

/** Loops in loops, the innermost of which changes all locals. */
const nest = (depth: number, locals: number): string =>
  `${"(loop ".repeat(depth)} ${repeat(locals, (i) => mix(i, locals))} ${repeat(depth, (i) => `(br_if 0 (local.get ${1 + i})))`)}`;

/** Loads a plugin with such a function in it, as a host in Node does. */
async function load(belljar: Belljar, functions: string, limits: Partial<Limits> = {}): Promise<string> {
  // No two are the same, since what compiled well once is remembered.
  const process = `(drop (i32.const ${randomInt(2 ** 31)})) (i32.const 0)`;
  const bytes = smallPlugin({ functions, process });
  await belljar.PluginType.load(bytes, { limits, compile: belljar.compileInChild });
  return "it was compiled in the host's own process";
}
export const TOO_LONG =
  /^module\/compile-time: The module takes too long to compile: more than \d+ ms of processor time \(compileSeconds\)\.$/;

function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >> 7)];
}

/** A module of a memory, and functions that take and give nothing with these bodies. */
function moduleOf(bodies: number[][]): Uint8Array<ArrayBuffer> {
  const section = (id: number, content: number[]): number[] => [id, ...leb(content.length), ...content];
  const count = leb(bodies.length);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 0]),
    ...section(3, [...count, ...bodies.map(() => 0)]),
    ...section(5, [1, 0, 1]),
    ...section(10, [...count, ...bodies.flatMap((body) => [...leb(body.length), ...body])]),
  ]);
}

/** What comes first depends on the machine. */
const TOO_MUCH =
  /^module\/compile-(time|memory): The module (takes too long|needs more than \d+ MiB of memory) to compile/;
/** The same, of bombs that were measured with one version of the compiler. */
export const ON_NODE_20 = new RegExp(TOO_MUCH);

export const ATTACKS: Attack[] = [
  {
    attack: "Blocks in blocks, at the end of each of which a br_table leads to all around it",
    defence: {
      file: body,
      line: 'within(limits, "branchTargets", targets',
      off: 'within({ ...limits, branchTargets: Number.POSITIVE_INFINITY }, "branchTargets", targets',
    },
    attempt: (belljar) => {
      const exits = (around: number): string =>
        `${repeat(4, (k) => mix(around * 7 + k * 13, 190))} (br_table ${repeat(around, (target) => `${target} `)} (local.get 0))`;
      return load(belljar, live(190, `${"(block ".repeat(250)} ${repeat(250, (i) => `${exits(250 - i)})`)}`));
    },
    stopped:
      /^module\/limit: The module has \d+ branch targets in function 0; the limit is 1024 \(branchTargets\)\.$/,
    reached: ON_NODE_20,
  },
  {
    attack: "Ifs in ifs, at each of whose ends a compiler has to bring a thousand locals together",
    defence: {
      file: body,
      line: "(code.locals.length + 1) * merges,",
      off: "0,",
    },
    attempt: (belljar) =>
      load(
        belljar,
        live(
          1_000,
          `${repeat(250, (i) => `(if (local.get ${i + 1}) (then ${mix(i, 1_000)}`)} ${repeat(1_000, (i) => mix(i, 1_000))} ${"))".repeat(250)}`,
        ),
      ),
    stopped:
      /^module\/limit: The module has 25\d{4} locals times loops and merges in function 0; the limit is 50000 \(localMerges\)\.$/,
    reached: ON_NODE_20,
  },
  {
    attack: "A loop of 28 KB with a thousand ways back to its start",
    defence: {
      file: body,
      line: "merges += loopMerges(frame.ways);",
      off: "merges++;",
    },
    attempt: (belljar) => load(belljar, live(1_000, `(loop ${branches(1_000, 1_000)})`)),
    stopped:
      /^module\/limit: The module has 156\d{5} locals times loops and merges in function 0; the limit is 50000 \(localMerges\)\.$/,
    reached: ON_NODE_20,
  },
  {
    attack:
      "A block of 100 KB with ten thousand ways to its end, each with another value in a thousand locals",
    defence: {
      file: "runtime/sandbox/module.ts",
      line: 'within(limits, "bodyBytes", size',
      off: 'within({ ...limits, bodyBytes: Number.POSITIVE_INFINITY }, "bodyBytes", size',
    },
    attempt: (belljar) => load(belljar, live(1_000, `(block ${branches(10_000, 1_000)})`)),
    stopped: /^module\/limit: The module has \d+ bytes in function 0; the limit is 65536 \(bodyBytes\)\.$/,
    reached: TOO_MUCH,
  },
  {
    attack: "Four thousand functions that declare a thousand locals each, in nine bytes",
    defence: {
      file: "runtime/sandbox/module.ts",
      line: 'within(limits, "totalLocals", locals',
      off: 'within({ ...limits, totalLocals: Number.POSITIVE_INFINITY }, "totalLocals", locals',
    },
    attempt: (belljar) => {
      const code = [1, ...leb(1_024), 0x7f, 0x0b];
      const bytes = moduleOf(Array.from({ length: 4_000 }, () => code));
      const before = process.memoryUsage().heapUsed;
      const { codes } = belljar.vetModule(bytes, belljar.DEFAULT_LIMITS);
      const grown = process.memoryUsage().heapUsed - before;
      return `${codes.length} functions of ${bytes.length} bytes took ${grown > 25e6 ? "more" : "less"} than 25 MB of the host's heap`;
    },
    stopped:
      /^module\/limit: The module has \d+ parameters and locals in all; the limit is 500000 \(totalLocals\)\.$/,
    reached: /^4000 functions of 2\d{4} bytes took more than 25 MB of the host's heap$/,
  },
  {
    attack: "A module of 40 KB that the rewrite makes seven times as long",
    defence: {
      file: "runtime/sandbox/rewrite.ts",
      line: 'within(limits, "rewrittenBytes", rewritten',
      off: 'within({ ...limits, rewrittenBytes: Number.POSITIVE_INFINITY }, "rewrittenBytes", rewritten',
    },
    attempt: async (belljar) => {
      const looks = `(drop ${"(i32.reinterpret_f32 (f32.reinterpret_i32 ".repeat(50)}(i32.const 0)${"))".repeat(50)})`;
      const bytes = smallPlugin({ functions: `(func ${looks.repeat(100)})`.repeat(4) });
      const limits = { rewrittenBytes: 200_000 };
      let length = 0;
      const compile = (form: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> => {
        length = form.length;
        return WebAssembly.compile(form);
      };
      await belljar.PluginType.load(bytes, { limits, compile });
      return `${bytes.length} bytes became ${length}`;
    },
    stopped:
      /^module\/limit: The module has \d+ bytes after the rewrite; the limit is 200000 \(rewrittenBytes\)\.$/,
    reached: /^4\d{4} bytes became [23]\d{5}$/,
  },
  {
    attack: "A bomb that is within the static limits, in parts, takes its time",
    defence: {
      file: child,
      line: "const time = Math.min(limits.base + (limits.perKiB * bytes.length) / 1024, limits.most);",
      off: "const time = 1e9;",
    },
    attempt: (belljar) => load(belljar, live(1_000, nest(31, 1_000)).repeat(4)),
    stopped: TOO_LONG,
    reached: "it was compiled in the host's own process",
  },
  {
    attack: "A bomb within all the static limits takes the machine's memory",
    defence: { file: child, line: "memory: limits.memory", off: "memory: 2 ** 40" },
    attempt: (belljar) =>
      load(belljar, live(1_000, `(block ${branches(1_000, 1_000)})`), { compileMemory: 8 << 20 }),
    stopped: "module/compile-memory: The module needs more than 8 MiB of memory to compile (compileMemory).",
    reached: "it was compiled in the host's own process",
  },
];
