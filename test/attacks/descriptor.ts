// What a plugin says of itself, said to harm whoever decodes, files, shows or believes it.

import { join } from "node:path";
import { pack } from "msgpackr";
import { knob, type SmallPlugin, smallPlugin, STEREO_OUT } from "../sandbox/small-plugin.ts";
import { visible } from "./around.ts";
import { instance, playing } from "./playing.ts";
import type { Attack, Belljar } from "./twin.ts";

/** Bytes as a data segment. */
export function data(at: number, bytes: Iterable<number>): string {
  const text = Array.from(bytes, (byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
  return `(data (i32.const ${at}) "${text}")`;
}

const little = (value: number): number[] => [
  value & 255,
  (value >>> 8) & 255,
  (value >>> 16) & 255,
  value >>> 24,
];

/** A plugin whose descriptor is a map of these keys and values, in MessagePack, byte for byte. */
function described(...pairs: [key: Iterable<number>, value: Iterable<number>][]): SmallPlugin {
  const all: [Iterable<number>, Iterable<number>][] = [
    [pack("id"), pack("test.small")],
    [pack("display_name"), pack("Small")],
    [pack("ports"), pack([])],
    ...pairs,
  ];
  const bytes = [0x80 | all.length, ...all.flatMap(([key, value]) => [...key, ...value])];
  return {
    pages: "8 64",
    functions: data(65_536, bytes) + data(512, [...little(65_536), ...little(bytes.length)]),
  };
}

const load = ({ PluginType }: Belljar, plugin: SmallPlugin) => PluginType.load(smallPlugin(plugin));

export const ATTACKS: Attack[] = [
  {
    attack: "A descriptor of 60,000 lists, each inside the one before",
    defence: {
      file: "abi/messagepack.ts",
      line: "if (depth >= most) throw",
      off: "if (false) throw",
    },
    attempt: async (belljar) => {
      await load(belljar, described([pack("x"), [...Array(60_000).fill(0x91), 0xc0]]));
      return "it was loaded";
    },
    stopped:
      "descriptor/too-deep: The descriptor is wrong: byte 58 opens more than 16 levels (descriptorDepth).",
    reached: "host: RangeError: Maximum call stack size exceeded",
  },
  {
    attack: "A descriptor holds an extension that the host's decoder makes a regular expression of",
    defence: {
      file: "abi/messagepack.ts",
      line: 'throw this.refuse("extension"',
      off: 'this.take(2); return this.value(depth + 1); throw this.refuse("extension"',
    },
    attempt: async (belljar) => {
      await load(belljar, described([pack("x"), [0xd4, 0x78, 0, ...pack(["(", ""])]]));
      return "it was loaded";
    },
    stopped:
      "descriptor/extension: The descriptor is wrong: byte 43 begins an extension type, and none are allowed.",
    reached: /^host: SyntaxError: Invalid regular expression/,
  },
  {
    attack: "A descriptor has two ids: one for who reads it first, one for who goes by the last",
    defence: {
      file: "abi/messagepack.ts",
      line: "if (seen.has(key))",
      off: "if (false)",
    },
    attempt: async (belljar) => {
      const { descriptor } = await load(belljar, described([pack("id"), pack("builtin.gain")]));
      return `it is known as "${descriptor.id}"`;
    },
    stopped: 'descriptor/duplicate-key: The descriptor is wrong: the key "id" stands twice in one map.',
    reached: 'it is known as "builtin.gain"',
  },
  {
    attack: "A knob's range begins at NaN, which is no less than any value and no more",
    defence: {
      file: "abi/messagepack.ts",
      line: 'if (!Number.isFinite(value)) throw this.refuse("not-finite"',
      off: 'if (false) throw this.refuse("not-finite"',
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, { ports: [knob("gain", { min: Number.NaN })] });
      const graph = belljar.graph.buildGraph({
        nodes: [
          { id: "hostile", node: new belljar.PluginNode(plugin) },
          { id: "master", node: new belljar.graph.Master(64) },
        ],
        wires: [],
        frames: 64,
      });
      graph.setControl(0, 0, 0.7);
      return `the user's 0.7 became ${plugin.controlsIn[0]}`;
    },
    stopped: /^descriptor\/not-finite: The descriptor is wrong: the number at byte \d+ is NaN\.$/,
    reached: "the user's 0.7 became NaN",
  },
  {
    attack: "A port is called __proto__, for panels that keep controls by their ids",
    defence: {
      file: "runtime/sandbox/descriptor-fields.ts",
      line: "/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(id) && !RESERVED",
      off: "!RESERVED",
    },
    attempt: async (belljar) => {
      const { descriptor } = await load(belljar, { ports: [knob("__proto__")] });
      const panel: Record<string, unknown> = {};
      for (const port of descriptor.ports) panel[port.id] = port;
      return "isAdmin" in panel || Object.getPrototypeOf(panel) !== Object.prototype
        ? "the panel's own object has another prototype, of the plugin's making"
        : "the panel is as it was";
    },
    stopped: 'descriptor/id: The descriptor is wrong: port 0: "__proto__" can\'t be an id.',
    reached: "the panel's own object has another prototype, of the plugin's making",
  },
  {
    attack: "A port is called then: who awaits its controls calls it, and waits for ever",
    defence: { file: "runtime/sandbox/descriptor-fields.ts", line: '  "then",', off: "" },
    attempt: async (belljar) => {
      const { descriptor } = await load(belljar, { ports: [knob("then")] });
      let called = "nothing was called";
      const set = (resolve: unknown): void => {
        called = "the control was called with the host's own resolve";
        if (typeof resolve === "function") resolve();
      };
      await Object.fromEntries(descriptor.ports.map((port) => [port.id, set]));
      return called;
    },
    stopped: 'descriptor/id: The descriptor is wrong: port 0: "then" can\'t be an id.',
    reached: "the control was called with the host's own resolve",
  },
  {
    attack: "A plugin's id leads out of the folder where its settings are kept",
    defence: {
      file: "runtime/sandbox/descriptor-fields.ts",
      line: "/^[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?$/.test(part) && ",
      off: "",
    },
    attempt: async (belljar) => {
      const { descriptor } = await load(belljar, { descriptor: { id: "../../../.ssh/rc" } });
      return `its settings are written to ${join("/home/you/.config/belljar/plugins", descriptor.id)}`;
    },
    stopped: "descriptor/id: The descriptor is wrong: \"../../../.ssh/rc\" can't be a plugin's id.",
    reached: "its settings are written to /home/you/.ssh/rc",
  },
  {
    attack: "A plugin's id begins with a device of Windows, which no file there can be named after",
    defence: {
      file: "runtime/sandbox/descriptor-fields.ts",
      line: "/^(con|prn|aux|nul|com[0-9]|lpt[0-9])$/",
      off: "/(?!)/",
    },
    attempt: async (belljar) => {
      const { descriptor } = await load(belljar, { descriptor: { id: "con.reverb" } });
      return `its settings are written to ${descriptor.id}, which is the console`;
    },
    stopped: "descriptor/id: The descriptor is wrong: \"con.reverb\" can't be a plugin's id.",
    reached: "its settings are written to con.reverb, which is the console",
  },
  {
    attack: "A plugin's id is the name of a file, which a stranger's session may bring along",
    defence: {
      file: "runtime/sandbox/descriptor-fields.ts",
      line: ' || parts.at(-1) === "wasm"',
      off: "",
    },
    attempt: async (belljar) => {
      const { descriptor } = await load(belljar, { descriptor: { id: "vendor.reverb.wasm" } });
      const file = belljar.isFileName(descriptor.id);
      return file ? "who loads it by its id loads a file of the session's folder" : "its id is a name";
    },
    stopped: "descriptor/id: The descriptor is wrong: \"vendor.reverb.wasm\" can't be a plugin's id.",
    reached: "who loads it by its id loads a file of the session's folder",
  },
  {
    attack: "Two knobs have one id, so that a third is not the one that is turned",
    defence: {
      file: "runtime/sandbox/descriptor.ts",
      line: "    if (seen.has(id))",
      off: "    if (false)",
    },
    attempt: async (belljar) => {
      const ports = [STEREO_OUT, knob("gain"), knob("gain"), knob("feedback")];
      const plugin = new belljar.Plugin(await load(belljar, { ports })).instantiate({ maxFrames: 64 });
      plugin.set("feedback", 0);
      return `feedback was set to 0: the knobs stand at ${[...plugin.instance.controlsIn].join(", ")}`;
    },
    stopped:
      'descriptor/duplicate-id: The descriptor is wrong: the id "gain" stands twice among ports and config parameters.',
    reached: "feedback was set to 0: the knobs stand at 0.5, 0, 0.5",
  },
  {
    attack: "A switch begins halfway, where no panel can show or set it",
    defence: {
      file: "runtime/sandbox/descriptor-port.ts",
      line: 'if (problem) throw fields.fail("default"',
      off: 'if (false) throw fields.fail("default"',
    },
    attempt: async (belljar) => {
      const ports = [STEREO_OUT, knob("mute", { hint: "toggle", default: 0.5 })];
      return `the switch stands at ${(await playing(belljar, { ports })).controlsIn[0]}`;
    },
    stopped: 'descriptor/default: The descriptor is wrong: port "mute": default 0.5 is not a whole number.',
    reached: "the switch stands at 0.5",
  },
  {
    attack: "A plugin describes more ports than any panel or graph is made for",
    defence: {
      file: "runtime/sandbox/descriptor-fields.ts",
      line: "if (value.length > limits[name]) {",
      off: "if (false) {",
    },
    attempt: async (belljar) => {
      const ports = Array.from({ length: 600 }, (_, i) => knob(`k${i}`));
      const { descriptor } = await load(belljar, { ports, pages: "8 64" });
      return `it has ${descriptor.ports.length} ports`;
    },
    stopped:
      'descriptor/too-many: The descriptor is wrong: "ports" has 600 entries, 512 are allowed (ports).',
    reached: "it has 600 ports",
  },
  {
    attack: "A plugin's name is long enough to push everything else off the screen",
    defence: {
      file: "runtime/sandbox/descriptor-fields.ts",
      line: "if (value.length > most) {",
      off: "if (false) {",
    },
    attempt: async (belljar) => {
      const { descriptor } = await load(belljar, { descriptor: { display_name: "loud ".repeat(1_000) } });
      return `its name has ${descriptor.display_name.length} characters`;
    },
    stopped:
      'descriptor/too-long: The descriptor is wrong: "display_name" has 4999 characters, 100 are allowed.',
    reached: "its name has 4999 characters",
  },
  {
    attack: "A setting's default, which has no bound of its own, is a text of 100,000 characters",
    defence: {
      file: "abi/messagepack.ts",
      line: "if (length > most) {",
      off: "if (false) {",
    },
    attempt: async (belljar) => {
      const config = [{ id: "text", display_name: "Text", type: "string", default: "x".repeat(100_000) }];
      const long = described([pack("config_params"), pack(config)]);
      const { descriptor } = await load(belljar, long);
      return `its panel shows a text of ${descriptor.config_params[0]?.default.length} characters`;
    },
    stopped:
      /^descriptor\/too-long: The descriptor is wrong: the string at byte \d+ has 100000 bytes, 8192 are allowed \(stringBytes\)\.$/,
    reached: "its panel shows a text of 100000 characters",
  },
  {
    attack: "A plugin proposes the user's private key as the file that it begins with",
    defence: {
      file: "runtime/sandbox/descriptor.ts",
      line: 'if (type === "filepath" && param.default !== "") {',
      off: "if (false) {",
    },
    attempt: async (belljar) => {
      const config = [
        { id: "font", display_name: "Font", type: "filepath", default: "/home/you/.ssh/id_rsa" },
      ];
      const { descriptor } = await load(belljar, { config });
      return `its panel has picked ${descriptor.config_params[0]?.default}`;
    },
    stopped:
      'descriptor/default: The descriptor is wrong: config parameter "font": a filepath has no default: only the user names files.',
    reached: "its panel has picked /home/you/.ssh/id_rsa",
  },
  {
    attack: "A preset picks the user's private key as a file",
    defence: {
      file: "runtime/sandbox/descriptor.ts",
      line: 'if (param.type === "filepath")',
      off: "if (false)",
    },
    attempt: async (belljar) => {
      const type = await load(belljar, {
        config: [{ id: "font", display_name: "Font", type: "filepath" }],
        descriptor: { presets: [{ name: "Best", config: { font: "/home/you/.ssh/id_rsa" } }] },
        imports: '(import "belljar" "host_log" (func $log (param i32 i32 i32)))',
        functions: `(func (export "bj_configure") (param i32 i32 i32) (result i32)
          (call $log (i32.const 2) (local.get 1) (local.get 2)) (i32.const 0))`,
      });
      const plugin = new belljar.Plugin(type).instantiate({ maxFrames: 64, preset: "Best" });
      let got = "";
      plugin.instance.drainMessages((_, text) => {
        got += text;
      });
      return `the plugin was handed ${got} as the user's choice`;
    },
    stopped:
      'descriptor/preset: The descriptor is wrong: preset "Best": a preset names no files, and "font" is a filepath.',
    reached: "the plugin was handed /home/you/.ssh/id_rsa as the user's choice",
  },
  {
    attack: "A choice's name reads backwards on the screen",
    defence: {
      file: "runtime/sandbox/descriptor-fields.ts",
      line: "mustBeShowable(choice, ",
      off: "false && mustBeShowable(choice, ",
    },
    attempt: async (belljar) => {
      const ports = [knob("mode", { hint: "radio", choices: ["\u202enur ot", "stay"], max: 1, default: 0 })];
      const { descriptor } = await load(belljar, { ports });
      return `it offers "${visible(descriptor.ports[0]?.choices[0] ?? "")}"`;
    },
    stopped:
      'descriptor/text: The descriptor is wrong: port "mode": choice 0 holds characters that can\'t be shown: "�nur ot".',
    reached: 'it offers "<RLO>nur ot"',
  },
  {
    attack: "A setting's default moves the terminal's cursor",
    defence: {
      file: "runtime/sandbox/descriptor-fields.ts",
      line: "mustBeShowable(value, ",
      off: "false && mustBeShowable(value, ",
    },
    attempt: async (belljar) => {
      const config = [{ id: "text", display_name: "Text", type: "string", default: "\u001b[2J" }];
      const { descriptor } = await load(belljar, { config });
      return `its panel shows "${visible(descriptor.config_params[0]?.default ?? "")}"`;
    },
    stopped:
      'descriptor/text: The descriptor is wrong: config parameter "text": "default" holds characters that can\'t be shown: "�[2J".',
    reached: 'its panel shows "<ESC>[2J"',
  },
  {
    attack: "A plugin takes another's name once it is configured, and with it the trust that the other has",
    defence: {
      file: "runtime/sandbox/instance.ts",
      line: "if (described.id === id) return described;",
      off: "return described;",
    },
    attempt: async (belljar) => {
      const other = pack({ id: "builtin.gain", display_name: "Gain", ports: [] });
      const plugin = await instance(belljar, {
        config: [{ id: "text", display_name: "Text", type: "string" }],
        pages: "8 64",
        functions: `${data(65_536, other)}
          (func (export "bj_configure") (param i32 i32 i32) (result i32)
            (i32.store (i32.const 512) (i32.const 65536)) (i32.store (i32.const 516) (i32.const ${other.length}))
            (i32.const 0))`,
      });
      plugin.configure("text", "now");
      return `it is now "${plugin.descriptor.id}"`;
    },
    stopped:
      'plugin/contract: The plugin calls itself "builtin.gain", and no longer "test.small", in descriptor.',
    reached: 'it is now "builtin.gain"',
  },
];
