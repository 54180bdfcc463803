// Plugins that give up, fail or fall silent wherever the host calls them, and what they do once they were stopped.

import { ABI_VERSION } from "../../abi/layout.ts";
import type { PluginInstance } from "../../runtime/index.ts";
import { AT, bufferAt, type SmallPlugin, smallPluginText, STEREO_OUT } from "../sandbox/small-plugin.ts";
import { wat } from "../wat.ts";
import { block, instance, NOTE, playing, stopped, word } from "./playing.ts";
import type { Attack } from "./twin.ts";

const calls = "runtime/sandbox/calls.ts";
const instances = "runtime/sandbox/instance.ts";

/** A function that returns nothing or an i32, and traps. */
const trap = (name: string, parameters = "", result = "(result i32)"): string =>
  `(func (export "${name}") ${parameters} ${result} (unreachable))`;
const EDITOR = {
  id: "shape",
  display_name: "Shape",
  type: "control",
  role: "input",
  hint: "graph_editor",
  graph_type: "eq_curve",
};
const CONFIG = [
  { id: "mode", display_name: "Mode", type: "string", default: "" },
  { id: "sample", display_name: "Sample", type: "filepath", default: "" },
];
/** A process that counts itself, and traps in its second block. */
const TRAPS_ONCE = `(i32.store (i32.const ${NOTE}) (i32.add (i32.load (i32.const ${NOTE})) (i32.const 1)))
  (if (i32.eq (i32.load (i32.const ${NOTE})) (i32.const 2)) (then (unreachable))) (i32.const 0)`;
const COUNTS = `(i32.store (i32.const ${NOTE}) (i32.add (i32.load (i32.const ${NOTE})) (i32.const 100)))`;
/** A sentence for bj_error, at 800. */
const says = (text: string, length = text.length): string => {
  const escaped = Array.from(text, (c) => `\\${c.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");
  const words = [808, length].flatMap((n) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, 0]);
  const bytes = words.map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
  return `(data (i32.const 800) "${bytes}${escaped}") (func (export "bj_error") (result i32) (i32.const 800))`;
};

/** Where the plugin's id stands in its descriptor. */
const letter =
  (smallPluginText().split(`(i32.const ${AT.descriptor}) "`)[1]?.indexOf("\\74\\65\\73\\74") as number) / 3;

/** Plays two blocks, in the second of which it traps; then does what is asked, and says how far it counted. */
async function afterwards(
  made: Promise<PluginInstance>,
  act: (plugin: PluginInstance) => unknown,
): Promise<string> {
  const plugin = await made;
  plugin.process(64);
  plugin.process(64);
  act(plugin);
  const counted = word(plugin, NOTE);
  return counted === 2 ? stopped(plugin) : `it ran again, and counted to ${counted}`;
}
const GAVE_UP =
  "plugin/unreachable: The plugin gave up (it reached an unreachable instruction) in bj_process during process, block 1.";

export const ATTACKS: Attack[] = [
  {
    attack: "A plugin gives up in each of the calls that prepare, set up, save and end it",
    defence: {
      file: calls,
      line: "const fault = this.stop(error, call);",
      off: "throw error;\nconst fault = this.stop(error, call);",
    },
    attempt: async (belljar) => {
      const tries: [SmallPlugin | Uint8Array, (plugin: PluginInstance) => void][] = [
        [{ start: "(unreachable)" }, () => {}],
        [wat(smallPluginText().replace(`(i32.const ${ABI_VERSION})`, "(unreachable)")), () => {}],
        [
          { scratch: "(unreachable)", functions: trap("bj_state_load", "(param i32 i32)") },
          (p) => p.loadState(new Uint8Array(4)),
        ],
        [
          { config: CONFIG, functions: trap("bj_configure", "(param i32 i32 i32)") },
          (p) => p.configure("mode", "x"),
        ],
        [
          { config: CONFIG, functions: trap("bj_configure_file", "(param i32 i32 i32 i32 i32)") },
          (p) => p.configureFile("sample", "x.wav", new Uint8Array(4)),
        ],
        [{ activate: "(unreachable)" }, (p) => p.activate(48_000, 64)],
        [{ functions: trap("bj_state_save") }, (p) => p.saveState()],
        [{ functions: trap("bj_state_load", "(param i32 i32)") }, (p) => p.loadState(new Uint8Array(4))],
        [
          { ports: [EDITOR, STEREO_OUT], functions: trap("bj_graph_get", "(param i32)") },
          (p) => p.getGraphData("shape"),
        ],
        [
          { ports: [EDITOR, STEREO_OUT], functions: trap("bj_graph_set", "(param i32 i32 i32)") },
          (p) => p.setGraphData("shape", "[]"),
        ],
        [
          { functions: trap("bj_deactivate", "", "") },
          (p) => {
            p.activate(48_000, 64);
            p.deactivate();
          },
        ],
        [{ activate: "(i32.const 0)", functions: trap("bj_error") }, (p) => p.activate(48_000, 64)],
      ];
      const said: string[] = [];
      for (const [source, act] of tries) {
        try {
          act(await instance(belljar, source));
          said.push("nothing");
        } catch (error) {
          if (!(error instanceof belljar.BelljarError)) throw error;
          const [, where] =
            /^The plugin gave up \(it reached an unreachable instruction\) in (.*)\.$/.exec(error.message) ??
            [];
          said.push(`${error.code} ${where ?? error.message}`);
        }
      }
      return said.join("\n");
    },
    stopped: [
      "plugin/unreachable function 5 during start",
      "plugin/unreachable bj_abi during abi",
      "plugin/unreachable bj_scratch during state load",
      "plugin/unreachable bj_configure during configure",
      "plugin/unreachable bj_configure_file during configure",
      "plugin/unreachable bj_activate during activate",
      "plugin/unreachable bj_state_save during state save",
      "plugin/unreachable bj_state_load during state load",
      "plugin/unreachable bj_graph_get during graph data",
      "plugin/unreachable bj_graph_set during graph data",
      "plugin/unreachable bj_deactivate during deactivate",
      "plugin/unreachable bj_error during error",
    ].join("\n"),
    reached: "host: RuntimeError: unreachable",
  },
  {
    attack: "A plugin gives up while it plays, for the whole host to fall with it",
    defence: { file: instances, line: 'this.calls.stop(error, "process");', off: "throw error;" },
    attempt: async (belljar) =>
      block(await playing(belljar, { process: "(unreachable)" }), () => "it played"),
    stopped:
      "plugin/unreachable: The plugin gave up (it reached an unreachable instruction) in bj_process during process, block 0.",
    reached: "host: RuntimeError: unreachable",
  },
  {
    attack: "A plugin divides by zero when it is told to forget what sounds",
    defence: { file: instances, line: 'this.calls.stop(error, "reset");', off: "throw error;" },
    attempt: async (belljar) => {
      const functions = '(func (export "bj_reset") (drop (i32.div_s (i32.const 1) (i32.const 0))))';
      const plugin = await playing(belljar, { functions });
      plugin.reset();
      return stopped(plugin);
    },
    stopped: "plugin/division: The plugin divided by zero or out of range in bj_reset during reset.",
    reached: "host: RuntimeError: divide by zero",
  },
  {
    attack: "A plugin reads past its memory between two blocks",
    defence: { file: instances, line: 'this.calls.stop(error, "idle");', off: "throw error;" },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        functions: '(func (export "bj_idle") (result i32) (i32.load (i32.const -4)))',
      });
      plugin.idle();
      return stopped(plugin);
    },
    stopped: "plugin/out-of-bounds: The plugin reached outside of its memory in bj_idle during idle.",
    reached: "host: RuntimeError: memory access out of bounds",
  },
  {
    attack: "A plugin traps in the middle of its work, and plays on from what it left in the next block",
    defence: { file: instances, line: "if (this.calls.fault !== null) return false;", off: "" },
    attempt: (belljar) =>
      afterwards(playing(belljar, { process: TRAPS_ONCE }), (plugin) => plugin.process(64)),
    stopped: GAVE_UP,
    reached: "it ran again, and counted to 3",
  },
  {
    attack: "A plugin that was stopped runs on when it is reset",
    defence: {
      file: instances,
      line: 'if (this.calls.fault !== null || !this.calls.has("bj_reset")) return;',
      off: "",
    },
    attempt: (belljar) =>
      afterwards(
        playing(belljar, { process: TRAPS_ONCE, functions: `(func (export "bj_reset") ${COUNTS})` }),
        (plugin) => plugin.reset(),
      ),
    stopped: GAVE_UP,
    reached: "it ran again, and counted to 102",
  },
  {
    attack: "A plugin that was stopped runs on between the blocks of the others",
    defence: {
      file: instances,
      line: 'if (!this.calls.has("bj_idle") || this.calls.fault !== null) return;',
      off: 'if (!this.calls.has("bj_idle")) return;',
    },
    attempt: (belljar) =>
      afterwards(
        playing(belljar, {
          process: TRAPS_ONCE,
          functions: `(func (export "bj_idle") (result i32) ${COUNTS} (i32.const 0))`,
        }),
        (plugin) => plugin.idle(),
      ),
    stopped: GAVE_UP,
    reached: "it ran again, and counted to 102",
  },
  {
    attack: "A plugin that was stopped writes its broken state into the session that is saved",
    defence: { file: calls, line: "if (this.fault !== null) throw faultError(this.fault);", off: "" },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        process: TRAPS_ONCE,
        functions: `(func (export "bj_state_save") (result i32) (i32.store (i32.const 704) (i32.const ${NOTE}))
          (i32.store (i32.const 708) (i32.const 4)) (i32.const 704))`,
      });
      plugin.process(64);
      plugin.process(64);
      return `it saved ${plugin.saveState()}`;
    },
    stopped: GAVE_UP,
    reached: "it saved 2,0,0,0",
  },
  {
    attack: "A plugin that was stopped goes to another thread, where nobody knows that it was",
    defence: { file: instances, line: "this.calls.alive();", off: "" },
    attempt: (belljar) =>
      afterwards(playing(belljar, { process: TRAPS_ONCE }), (plugin) =>
        plugin.type.attach(plugin.share()).process(64),
      ),
    stopped: GAVE_UP,
    reached: "it ran again, and counted to 3",
  },
  {
    attack: "A plugin reports a failure, and gives up over its words",
    defence: { file: calls, line: "} catch {", off: "} catch (error) {\nthrow error;" },
    attempt: async (belljar) =>
      block(
        await playing(belljar, { process: "(i32.const -6)", functions: trap("bj_error") }),
        () => "it played",
      ),
    stopped: "plugin/status: The plugin reported a failure (Busy, with no reason given) in process, block 0.",
    reached: "host: RuntimeError: unreachable",
  },
  {
    attack:
      "A plugin uses up what it may work in a block, reports a failure, and takes as much again for its words",
    defence: { file: calls, line: "Math.min(units, WORDS_UNITS),", off: "units," },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        process: "(i32.const -1)",
        functions: `(func (export "bj_error") (result i32)
          (loop $l (i32.store (i32.const ${NOTE}) (i32.add (i32.load (i32.const ${NOTE})) (i32.const 1)))
            (br_if $l (i32.lt_u (i32.load (i32.const ${NOTE})) (i32.const 400000)))) (i32.const 0))`,
      });
      plugin.process(64);
      const count = word(plugin, NOTE);
      return count < 10_000 ? stopped(plugin) : `it went ${count} rounds before it said nothing`;
    },
    stopped:
      "plugin/status: The plugin reported a failure (Failed, with no reason given) in process, block 0.",
    reached: "it went 400000 rounds before it said nothing",
  },
  {
    attack:
      "A plugin gives pages of text as the reason of a failure, to push what else was said off the screen",
    defence: { file: "abi/error.ts", line: "if (clean.length <= most) return clean;", off: "return clean;" },
    attempt: async (belljar) => {
      const functions = says("All is well. ".repeat(600));
      const plugin = await instance(belljar, { activate: "(i32.const 0)", functions });
      try {
        plugin.activate(48_000, 64);
      } catch (error) {
        const { message } = error as Error;
        return `a sentence of ${message.length} characters: ${message.slice(0, 90)}`;
      }
      return "it was activated";
    },
    stopped:
      'a sentence of 258 characters: "test.small" refused to run at 48000 Hz with 64 frames: All is well. All is well. All is w',
    reached: /^a sentence of 78\d\d characters: /,
  },
  {
    attack: "A plugin gives the reason of a failure in escape sequences, to write over the user's terminal",
    defence: {
      file: calls,
      line: "return printable(new TextDecoder().decode(bytes))",
      off: "return new TextDecoder().decode(bytes)",
    },
    attempt: async (belljar) => {
      const functions = says("\x1b]0;root\x07\x1b[2J\x1b[1;1Hbelljar: Enter your password: ");
      const plugin = await instance(belljar, { activate: "(i32.const 0)", functions });
      plugin.activate(48_000, 64);
      return "it was activated";
    },
    stopped:
      'plugin/refused: "test.small" refused to run at 48000 Hz with 64 frames: \ufffd]0;root\ufffd\ufffd[2J\ufffd[1;1Hbelljar: Enter your password: .',
    reached: /\x1b\[2J\x1b\[1;1Hbelljar: Enter your password: /,
  },
  {
    attack: "A plugin gives up in a function whose name is an escape sequence",
    defence: { file: "runtime/sandbox/fault.ts", line: "return printable(name, 120);", off: "return name;" },
    attempt: async (belljar) =>
      block(
        await playing(belljar, {
          functions: '(func $f (export "\\1b[2Jnothing at all") (unreachable))',
          process: "(call $f) (i32.const 0)",
        }),
        () => "it played",
      ),
    stopped:
      "plugin/unreachable: The plugin gave up (it reached an unreachable instruction) in \ufffd[2Jnothing at all during process, block 0.",
    reached: / in \x1b\[2Jnothing at all during process/,
  },
  {
    attack: "A plugin offers room for the host's bytes at the end of its memory, for less than there are",
    defence: {
      file: calls,
      line: "if (at + bytes.length > this.memory.buffer.byteLength) {",
      off: "if (false) {",
    },
    attempt: async (belljar) => {
      const plugin = await instance(belljar, {
        scratch: "(i32.const 131056)",
        functions: '(func (export "bj_state_load") (param i32 i32) (result i32) (i32.const 0))',
      });
      plugin.loadState(new Uint8Array(100));
      return "it was loaded";
    },
    stopped: "plugin/contract: The plugin gave bytes room outside of its memory in state load.",
    reached: /^host: RangeError: /,
  },
  {
    attack: "A plugin leaves a bang at full scale in its output, and gives up",
    defence: { file: instances, line: "port.samples.fill(0);", off: "" },
    attempt: async (belljar) => {
      const out = bufferAt(1);
      const plugin = await playing(belljar, {
        process: `(memory.fill (i32.const ${out}) (i32.const 0x7e) (i32.const 256)) (unreachable)`,
      });
      plugin.process(64);
      const loudest = Math.max(...(plugin.audio[1]?.samples ?? []));
      return loudest === 0 ? stopped(plugin) : `a sample of ${loudest.toExponential(1)} is in the output`;
    },
    stopped:
      "plugin/unreachable: The plugin gave up (it reached an unreachable instruction) in bj_process during process, block 0.",
    reached: "a sample of 8.5e+37 is in the output",
  },
  {
    attack: "A plugin describes itself one way when it is looked at, and another way when it is used",
    defence: {
      file: "runtime/sandbox/plugin-type.ts",
      line: "bytes.some((byte, i) => byte !== before[i])",
      off: "false",
    },
    attempt: async (belljar) => {
      // Whether the host takes control requests tells it which of the two this is: then its first letter is an x.
      const functions = `(data (i32.const 20000) "{}")
        (func $look
          (drop (call $control (i32.const 20000) (i32.const 2) (i32.const 20100) (i32.const 100)))
          (if (i32.eq (i32.load8_u (i32.const 20106)) (i32.const 116)) ;; {"ok":true}
            (then (i32.store8 (i32.const ${AT.descriptor + letter}) (i32.const 120)))))`;
      const imports =
        '(import "belljar" "host_control" (func $control (param i32 i32 i32 i32) (result i32)))';
      const text = smallPluginText({ imports, functions });
      const describe = '(func (export "bj_descriptor") (result i32)';
      const bytes = wat(text.replace(describe, `${describe} (call $look)`));
      const plugin = await instance(belljar, bytes, { control: true });
      const said = new TextDecoder().decode(plugin.describeBytes());
      return `"${plugin.descriptor.id}" is in use, and says "${/.est\.small/.exec(said)?.[0]}"`;
    },
    stopped: 'plugin/contract: "test.small" describes itself differently each time.',
    reached: '"test.small" is in use, and says "xest.small"',
  },
];
