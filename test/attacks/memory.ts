// Plugins that want more memory than they may have, or what is left of another's in it.

import type { PluginInstance } from "../../runtime/index.ts";
import { smallPlugin, smallPluginText, STEREO_OUT } from "../sandbox/small-plugin.ts";
import { wat } from "../wat.ts";
import { instance, NOTE, playing, word } from "./playing.ts";
import type { Attack, Belljar } from "./twin.ts";

const injected = "runtime/sandbox/injected.ts";
const memories = "runtime/sandbox/memories.ts";

/** Grows by one page after another, and notes how many it has in the end. */
const GROWS = `(block $done (loop $l (br_if $done (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
  (br_if $l (i32.lt_u (memory.size) (i32.const 200))))) (i32.store (i32.const ${NOTE}) (memory.size))`;
const MIB = 1 << 20;
/** Looks at a place where it writes nothing itself. */
const SECRET = 120_000;
const READS = {
  ports: [STEREO_OUT],
  process: `(i32.store (i32.const ${NOTE}) (i32.load (i32.const ${SECRET}))) (i32.const 0)`,
};
const WRITES = {
  ports: [STEREO_OUT],
  process: `(i32.store (i32.const ${SECRET}) (i32.const 7)) (i32.const 0)`,
};

/** Behaves where nobody takes control requests, as when it is loaded, and gives up where somebody does. */
const HOST = {
  imports: '(import "belljar" "host_control" (func $control (param i32 i32 i32 i32) (result i32)))',
  functions: '(data (i32.const 20000) "{}")',
};
const GIVES_UP = `(drop (call $control (i32.const 20000) (i32.const 2) (i32.const 20100) (i32.const 100)))
  (if (i32.eq (i32.load8_u (i32.const 20106)) (i32.const 116)) (then (unreachable))) ;; {"ok":true}
`;

export const GROWN =
  "A plugin comes and goes with all its memory, of which the machine gets none back for a long time";

export const ATTACKS: Attack[] = [
  {
    attack: "A plugin that declares no maximum grows past its quota",
    defence: {
      file: "runtime/sandbox/rewrite.ts",
      line: "maximum: Math.min(module.memory?.maximum ?? limits.memoryPages, limits.memoryPages),",
      off: "maximum: module.memory?.maximum ?? 65_536,",
    },
    attempt: async (belljar) => {
      const source = { pages: "2", activate: `${GROWS} (i32.const 1024)` };
      const plugin = await playing(belljar, source, { limits: { memoryPages: 8 } });
      return `it has ${word(plugin, NOTE)} pages, and may have 8`;
    },
    stopped: "it has 8 pages, and may have 8",
    reached: "it has 200 pages, and may have 8",
  },
  {
    attack: "A module wants more memory at its start than its quota",
    defence: {
      file: "runtime/sandbox/module.ts",
      line: 'within(limits, "memoryPages", minimum',
      off: 'within({ ...limits, memoryPages: Number.POSITIVE_INFINITY }, "memoryPages", minimum',
    },
    attempt: async (belljar) => {
      await instance(belljar, { pages: "1025" });
      return "it was loaded";
    },
    stopped:
      "module/limit: The module has 1025 pages of memory at its start; the limit is 1024 (memoryPages).",
    reached: /^host: CompileError: /,
  },
  {
    attack: "A plugin grows while it plays, where the system finds it pages on the audio thread",
    defence: {
      file: injected,
      line: "w.u8(Op.globalGet).u32(control).u8(Op.i32Eqz);",
      off: "w.u8(Op.i32Const).s32(0);",
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, { process: `${GROWS} (i32.const 0)` });
      plugin.unitBudget = 1e9;
      plugin.process(64);
      return `it had 2 pages, and has ${word(plugin, NOTE)}`;
    },
    stopped: "it had 2 pages, and has 2",
    reached: "it had 2 pages, and has 64",
  },
  {
    attack: "A plugin grows by nothing again and again, for a new buffer on the host's heap each time",
    defence: {
      file: injected,
      line: "w.put(Op.memorySize, 0, Op.return, Op.end);",
      off: "w.u8(Op.end);",
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        functions: `(func (export "bj_state_save") (result i32) (local $i i32)
          (loop $l (drop (memory.grow (i32.const 0)))
            (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000)))) (i32.const 0))`,
      });
      const { buffer } = plugin.controlsIn;
      plugin.saveState();
      return plugin.share().memory.buffer === buffer ? "the buffer is the same" : "the buffer is another";
    },
    stopped: "the buffer is the same",
    reached: "the buffer is another",
  },
  {
    attack: "A plugin grows, within its own quota, past what all plugins may have together",
    defence: {
      file: injected,
      line: "w.put(Op.memorySize, 0, Op.i32Sub, Op.i32GtU);",
      off: "w.put(Op.memorySize, 0, Op.i32Sub, Op.drop, Op.drop, Op.i32Const, 0);",
    },
    attempt: async (belljar) => {
      const source = { activate: `${GROWS} (i32.const 1024)` };
      const type = await belljar.PluginType.load(smallPlugin(source), { limits: room(belljar, 2 * MIB) });
      const plugin = type.instantiate();
      plugin.activate(48_000, 64);
      const pages = word(plugin, NOTE);
      return pages < 64
        ? "memory.grow gave -1 when all memory was used"
        : `it has ${pages} pages, and 34 were left`;
    },
    stopped: "memory.grow gave -1 when all memory was used",
    reached: "it has 64 pages, and 34 were left",
  },
  {
    attack: "A plugin is opened more often than there is memory for",
    defence: {
      file: memories,
      line: "while (account.take(pages, pages, limits) === 0) {",
      off: "while (false) {",
    },
    attempt: async (belljar) => {
      const type = await belljar.PluginType.load(smallPlugin(), { limits: room(belljar, 4 * MIB) });
      const open = Array.from({ length: 20 }, () => type.instantiate());
      return `${open.length} instances of 10 pages are in 4 MiB`;
    },
    stopped:
      /^plugin\/no-memory: All instances together have \d+ MiB of memory; with 2 pages more they would pass the limit of \d+ MiB \(totalMemory\)\.$/,
    reached: "20 instances of 10 pages are in 4 MiB",
  },
  {
    attack: "A plugin reads what the one before it left in its memory",
    defence: {
      file: injected,
      line: "constant(w, 0).put(Op.memorySize, 0);",
      off: "constant(w, 0).put(Op.i32Const, 0);",
    },
    attempt: async (belljar) => {
      const first = await playing(belljar, WRITES);
      first.process(64);
      first.dispose();
      const second = await playing(belljar, READS);
      second.process(64);
      return `it read ${word(second, NOTE)}, where the other had written 7`;
    },
    stopped: "it read 0, where the other had written 7",
    reached: "it read 7, where the other had written 7",
  },
  {
    attack: "A plugin learns from the size of its memory how much the one before it had needed",
    defence: {
      file: memories,
      line: "one.pages === pages && one.maximum === maximum",
      off: "one.maximum === maximum",
    },
    attempt: async (belljar) => {
      const first = await playing(belljar, {
        activate: "(drop (memory.grow (i32.const 40))) (i32.const 1024)",
      });
      first.dispose();
      const size = `(i32.store (i32.const ${NOTE}) (memory.size)) (i32.const 0)`;
      const second = await playing(belljar, { ports: [STEREO_OUT], process: size });
      second.process(64);
      return `it began with ${word(second, NOTE)} pages`;
    },
    stopped: "it began with 2 pages",
    reached: "it began with 42 pages",
  },
  {
    attack: "A plugin that another thread holds is closed here, and goes on there in the memory of the next",
    defence: {
      file: memories,
      line: "if (this.isShared ||",
      off: "if (",
    },
    attempt: async (belljar) => {
      const here = await playing(belljar, WRITES);
      const there = here.type.attach(here.share());
      here.dispose();
      const victim = await playing(belljar, READS);
      there.process(64);
      victim.process(64);
      return word(victim, NOTE) === 7 ? "it wrote 7 into another's memory" : "it wrote 7 into its own memory";
    },
    stopped: "it wrote 7 into its own memory",
    reached: "it wrote 7 into another's memory",
  },
  {
    attack: "A plugin that is closed while it works goes on in the memory of the next",
    defence: {
      file: "runtime/sandbox/instance.ts",
      line: "if (this.calls.inside) this.lease.markShared();",
      off: "",
    },
    attempt: async (belljar) => {
      // Closed by what reads the clock; and another is opened at once.
      const type = await belljar.PluginType.load(smallPlugin(READS));
      let closing: PluginInstance | null = null;
      let reads = 0;
      const victims: ReturnType<typeof type.instantiate>[] = [];
      closing = await playing(
        belljar,
        {
          ports: [STEREO_OUT],
          process: `(local $i i32)
            (loop $l (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100000))))
            (i32.store (i32.const ${SECRET}) (i32.const 7)) (i32.const 0)`,
        },
        {
          now: () => {
            if (closing?.deadline === 1 && victims.length === 0 && reads++ > 0) {
              closing.dispose();
              victims.push(type.instantiate());
            }
            return 0;
          },
        },
      );
      closing.unitBudget = 1e9;
      closing.deadline = 1;
      try {
        closing.process(64);
      } catch {
        // It has no outputs any more.
      }
      const [victim] = victims;
      if (victim === undefined) return "it was not closed";
      victim.activate(48_000, 64);
      victim.process(64);
      return word(victim, NOTE) === 7 ? "it wrote 7 into another's memory" : "it wrote 7 into its own memory";
    },
    stopped: "it wrote 7 into its own memory",
    reached: "it wrote 7 into another's memory",
  },
  {
    attack: "A plugin gives up at its start each time, for its memory to be forgotten and not given back",
    defence: { file: "runtime/sandbox/instance.ts", line: "        this.dispose();", off: "" },
    attempt: (belljar) => again(belljar, smallPluginText({ ...HOST, start: GIVES_UP })),
    stopped: "20 attempts took one memory",
    reached: "20 attempts took 20 memories",
  },
  {
    attack:
      "A plugin gives up when it is asked what it is, for its memory to be forgotten and not given back",
    defence: { file: "runtime/sandbox/plugin-type.ts", line: "instance.dispose();", off: "" },
    attempt: (belljar) =>
      again(belljar, smallPluginText(HOST).replace('(export "bj_abi") (result i32)', `$& ${GIVES_UP}`)),
    stopped: "20 attempts took one memory",
    reached: "20 attempts took 20 memories",
  },
  {
    attack: "A module has a table of two million places, of which its quota of memory knows nothing",
    defence: {
      file: "runtime/sandbox/module.ts",
      line: "const entries = m.tables.reduce((sum, table) => sum + table.minimum, 0);",
      off: "const entries = 0;",
    },
    attempt: async (belljar) => {
      const type = await belljar.PluginType.load(smallPlugin({ functions: "(table 2000000 funcref)" }));
      const before = process.memoryUsage.rss();
      const open = Array.from({ length: 3 }, () => type.instantiate());
      const grown = process.memoryUsage.rss() - before;
      return `${open.length} instances took ${grown > 40 * MIB ? "more" : "less"} than 40 MiB beside their memories`;
    },
    stopped: "module/limit: The module has 2000000 table entries; the limit is 16384 (tableEntries).",
    reached: "3 instances took more than 40 MiB beside their memories",
  },
  {
    attack:
      "A plugin comes and goes with all its memory, of which the machine gets none back for a long time",
    defence: {
      file: memories,
      line: "weights.set(memory, new ArrayBuffer(memory.buffer.byteLength));",
      off: "",
    },
    attempt: async (belljar) => {
      const type = await belljar.PluginType.load(
        smallPlugin({ pages: "2", activate: "(drop (memory.grow (i32.const 1022))) (i32.const 1024)" }),
      );
      const before = process.memoryUsage.rss();
      let most = 0;
      for (let i = 0; i < 40; i++) {
        const plugin = type.instantiate();
        plugin.activate(48_000, 64);
        plugin.dispose();
        most = Math.max(most, process.memoryUsage.rss() - before);
      }
      return most < 1280 * MIB
        ? "the process takes what is counted, and some more"
        : "the process takes 2 GiB";
    },
    stopped: "the process takes what is counted, and some more",
    reached: "the process takes 2 GiB",
  },
];

/** A limit that leaves room for so much beyond what all instances have by now. */
function room(belljar: Belljar, bytes: number): { totalMemory: number } {
  return { totalMemory: belljar.memoryInUse() + bytes };
}

/** Opens it twenty times, and it gives up each time. */
async function again(belljar: Belljar, text: string): Promise<string> {
  const type = await belljar.PluginType.load(wat(text));
  const before = belljar.memoryInUse();
  for (let i = 0; i < 20; i++) {
    try {
      type.instantiate({ control: true });
    } catch (error) {
      if (!(error instanceof belljar.BelljarError)) throw error;
    }
  }
  const memories = (belljar.memoryInUse() - before) / (10 * 65_536);
  return memories < 2 ? "20 attempts took one memory" : `20 attempts took ${memories + 1} memories`;
}
