// Words of plugins, sessions and files on their way to a terminal, a report or a page.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pack } from "msgpackr";
import { AT, smallPlugin, type SmallPlugin, STEREO_OUT } from "../sandbox/small-plugin.ts";
import { inFolder, lines, terminal, visible } from "./around.ts";
import { data } from "./descriptor.ts";
import { playing } from "./playing.ts";
import type { Attack, Belljar } from "./twin.ts";

const LOG = '(import "belljar" "host_log" (func $log (param i32 i32 i32)))';
const CLEAR = "\u001b[2J";

/** What `belljar inspect` writes of it, the lines that match. */
function inspected(belljar: Belljar, plugin: SmallPlugin, line: RegExp): Promise<string> {
  return inFolder(async (folder) => {
    const file = join(folder, "plugin.wasm");
    await writeFile(file, smallPlugin(plugin));
    const said = await terminal(() => belljar.inspect([file, "--json"]));
    return `the terminal is written: ${visible(lines(said, line))}`;
  });
}

/** What the command line says of an error, as the terminal gets it. */
async function told(belljar: Belljar, act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    const { text } = belljar.explain(error, { isTTY: false } as never, false);
    return `the terminal is written: ${visible(text.split("\n")[0] as string)}`;
  }
  return "nothing was wrong";
}

/** Writes `count` lines of its log in its first block, and gives them to the command line's. */
async function logs(belljar: Belljar, text: string, count: number) {
  const bytes = new TextEncoder().encode(text);
  const plugin = await playing(belljar, {
    ports: [STEREO_OUT],
    imports: LOG,
    functions: data(AT.scratch, bytes),
    process: `${`(call $log (i32.const 2) (i32.const ${AT.scratch}) (i32.const ${bytes.length}))`.repeat(count)}
      (i32.const 0)`,
  });
  plugin.process(64);
  const written: string[] = [];
  const log = new belljar.LogLines((line) => written.push(line));
  plugin.drainMessages((_, line, level) => log.take("test.small", line, level, 0));
  log.end();
  return { written, log };
}

export const ATTACKS: Attack[] = [
  {
    attack: "A plugin logs so much that nothing else can be read",
    defence: { file: "runtime/cli/log.ts", line: "if (teller.shown === SHOWN) {", off: "if (false) {" },
    attempt: async (belljar) => {
      const { written } = await logs(belljar, "buy more plugins", 60);
      return `the terminal is written ${written.length} lines, the last: ${written.at(-1)}`;
    },
    stopped: "the terminal is written 21 lines, the last: test.small: 40 more lines left out",
    reached: "the terminal is written 60 lines, the last: test.small: [info] buy more plugins",
  },
  {
    attack: "A plugin logs on and on, into a report that is kept in memory until the end",
    defence: {
      file: "runtime/cli/log.ts",
      line: "if (this.records.length < KEPT) ",
      off: "if (true) ",
    },
    attempt: async (belljar) => {
      const { log } = await logs(belljar, "more", 60);
      for (let second = 1; second < 50; second++) {
        for (let i = 0; i < 60; i++) log.take("test.small", "more", 2, second);
      }
      return `the report has ${log.records.length} lines`;
    },
    stopped: "the report has 1000 lines",
    reached: "the report has 3000 lines",
  },
  {
    attack: "A plugin's name clears the screen of who lists plugins",
    defence: {
      file: "runtime/sandbox/descriptor-fields.ts",
      line: 'printable(lines.join(" ").trim(), raw.length)',
      off: 'lines.join(" ").trim()',
    },
    attempt: async (belljar) => {
      const bytes = smallPlugin({ descriptor: { display_name: "\u009b2JSmall" } });
      return `its menu entry is: ${visible((await belljar.PluginType.load(bytes)).descriptor.display_name)}`;
    },
    stopped: "its menu entry is: \ufffd2JSmall",
    reached: "its menu entry is: <CSI>2JSmall",
  },
  {
    attack: "A plugin's description says to a machine that reads it what no person sees",
    defence: { file: "abi/error.ts", line: "|\\udb40[\\udc00-\\udfff]", off: "" },
    attempt: async (belljar) => {
      const bytes = smallPlugin({ descriptor: { doc: "A gain.\u{e0041}" } });
      return `its page says: ${visible((await belljar.PluginType.load(bytes)).descriptor.doc)}`;
    },
    stopped: "its page says: A gain.\ufffd",
    reached: "its page says: A gain.<TAG A>",
  },
  {
    attack: "A module exports a function whose name is a control sequence",
    defence: {
      file: "runtime/sandbox/vet.ts",
      line: "exports: module.exports.map(({ name }) => printable(name)),",
      off: "exports: module.exports.map(({ name }) => name),",
    },
    attempt: ({ inspectModule }) => {
      const bytes = smallPlugin({ functions: '(func (export "\\c2\\9b2Jhelp"))' });
      return `the list of its exports has: ${visible(inspectModule(bytes).exports.find((name) => name.endsWith("help")) ?? "")}`;
    },
    stopped: "the list of its exports has: \ufffd2Jhelp",
    reached: "the list of its exports has: <CSI>2Jhelp",
  },
  {
    attack: "A preset's curve holds a control sequence, which is good JSON",
    defence: {
      file: "runtime/cli/inspect.ts",
      line: 'found === "\\n" ? found : escaped(found),',
      off: "found,",
    },
    attempt: (belljar) => {
      const curve = { id: "curve", display_name: "Curve", type: "control", role: "input" };
      const ports = [{ ...curve, hint: "graph_editor", graph_type: "curve" }];
      const presets = [{ name: "Best", graph: { curve: '"\u009b2J"' } }];
      return inspected(belljar, { ports, descriptor: { presets } }, /2J/);
    },
    stopped: 'the terminal is written: "curve": "\\"\\u009b2J\\""',
    reached: 'the terminal is written: "curve": "\\"<CSI>2J\\""',
  },
  {
    attack: "A module imports a function whose name clears the screen",
    defence: {
      file: "runtime/sandbox/vet.ts",
      line: "printable(full)",
      off: "full",
    },
    attempt: (belljar) =>
      told(belljar, () =>
        belljar.PluginType.load(smallPlugin({ imports: `(import "env" "\\1b[2J" (func))` })),
      ),
    stopped:
      'the terminal is written: belljar: The module imports "env.\ufffd[2J"; a plugin may import belljar.host_log, belljar.host_poll_event, belljar.host_emit_event, belljar.host_control, belljar.host_read, and nothing else. [module/import]',
    reached: /^the terminal is written: belljar: The module imports "env\.<ESC>\[2J";/,
  },
  {
    attack: "A plugin's id, which is refused, clears the screen in the sentence that refuses it",
    defence: {
      file: "runtime/sandbox/descriptor-fields.ts",
      line: "printable(value, 60)",
      off: "value",
    },
    attempt: (belljar) =>
      told(belljar, () => belljar.PluginType.load(smallPlugin({ descriptor: { id: CLEAR } }))),
    stopped:
      "the terminal is written: belljar: The descriptor is wrong: \"\ufffd[2J\" can't be a plugin's id. [descriptor/id]",
    reached:
      "the terminal is written: belljar: The descriptor is wrong: \"<ESC>[2J\" can't be a plugin's id. [descriptor/id]",
  },
  {
    attack: "A descriptor's key, which is there twice, clears the screen",
    defence: {
      file: "abi/messagepack.ts",
      line: "printable(key, 60)",
      off: "key",
    },
    attempt: (belljar) => {
      const twice = [...pack(CLEAR), 1];
      const bytes = [0x82, ...twice, ...twice];
      const functions = data(AT.scratch, bytes) + data(512, [0, 0x60, 0, 0, bytes.length]);
      return told(belljar, () => belljar.PluginType.load(smallPlugin({ functions })));
    },
    stopped:
      'the terminal is written: belljar: The descriptor is wrong: the key "\ufffd[2J" stands twice in one map. [descriptor/duplicate-key]',
    reached:
      'the terminal is written: belljar: The descriptor is wrong: the key "<ESC>[2J" stands twice in one map. [descriptor/duplicate-key]',
  },
  {
    attack: "A session's node is named so that every sentence about it clears the screen",
    defence: {
      file: "runtime/engine/session.ts",
      line: " || printable(id) !== id",
      off: "",
    },
    attempt: (belljar) => {
      const nodes = [{ id: CLEAR, type: "gain", typo: 1 }];
      return told(belljar, () => belljar.parseSession(JSON.stringify({ nodes }), "guest.json"));
    },
    stopped:
      'the terminal is written: belljar: guest.json, node 1: "id" must have 1 to 64 visible characters. [session/value]',
    reached:
      'the terminal is written: belljar: guest.json, node 1 ("<ESC>[2J"): there is no key "typo" here. [session/key]',
  },
  {
    attack: "A file's name, as it came out of an archive, clears the screen",
    defence: {
      file: "runtime/registry/read-file.ts",
      line: "const name = printable(path);",
      off: "const name = path;",
    },
    attempt: (belljar) => told(belljar, () => belljar.readRegularFile(`${CLEAR}song.wav`, 1_000)),
    stopped: "the terminal is written: belljar: There is no file \ufffd[2Jsong.wav. [file/not-found]",
    reached: "the terminal is written: belljar: There is no file <ESC>[2Jsong.wav. [file/not-found]",
  },
  {
    attack: "A file that is no WAV begins with four bytes that clear the screen",
    defence: {
      file: "runtime/player/wav-reader.ts",
      line: "printable(tag)",
      off: "tag",
    },
    attempt: (belljar) =>
      told(belljar, () => belljar.readWav(new TextEncoder().encode(`${CLEAR}........`), "song.wav")),
    stopped:
      'the terminal is written: belljar: song.wav is not a WAV file: at byte 0 there is "\ufffd[2J" in place of "RIFF". [wav/not-wav]',
    reached:
      'the terminal is written: belljar: song.wav is not a WAV file: at byte 0 there is "<ESC>[2J" in place of "RIFF". [wav/not-wav]',
  },
  {
    attack: "A MIDI file's track is named so that it clears the screen",
    defence: {
      file: "runtime/engine/midi-file.ts",
      line: "return printable(text.trim(), 100);",
      off: "return text.trim();",
    },
    attempt: ({ readMidiFile }) => {
      const text = [...new TextEncoder().encode(CLEAR)];
      const track = [0, 0xff, 3, text.length, ...text, 0, 0xff, 0x2f, 0];
      const head = [..."MThd"].map((c) => c.charCodeAt(0)).concat([0, 0, 0, 6, 0, 1, 0, 1, 0, 96]);
      const chunk = [..."MTrk"].map((c) => c.charCodeAt(0)).concat([0, 0, 0, track.length], track);
      const song = readMidiFile(Uint8Array.from([...head, ...chunk]), "song.mid");
      return `the host's list of tracks says: ${visible(song.tracks[0]?.name ?? "")}`;
    },
    stopped: "the host's list of tracks says: \ufffd[2J",
    reached: "the host's list of tracks says: <ESC>[2J",
  },
];
