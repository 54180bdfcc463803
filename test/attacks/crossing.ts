// Bytes that cross the wall: pointers and lengths of what the plugin hands out, and of what it asks for.

import { AT, STEREO_OUT } from "../sandbox/small-plugin.ts";
import { data } from "./descriptor.ts";
import { instance, playing } from "./playing.ts";
import type { Attack } from "./twin.ts";

const LOG = '(import "belljar" "host_log" (func $log (param i32 i32 i32)))';
const READ = '(import "belljar" "host_read" (func $read (param i32 i32 i32 i32) (result i32)))';
const EMIT = '(import "belljar" "host_emit_event" (func $emit (param i32 i32) (result i32)))';
const CONTROL = '(import "belljar" "host_control" (func $control (param i32 i32 i32 i32) (result i32)))';
const TEXT = { id: "text", display_name: "Text", type: "string" };
const CURVE = {
  id: "curve",
  display_name: "Curve",
  type: "control",
  role: "input",
  hint: "graph_editor",
  graph_type: "curve",
};
const ROOM = AT.scratch + 1024;

/** Hands out the bytes at an address. */
const handsOut = (name: string, parameters: string, address: number): string =>
  `(func (export "${name}") ${parameters} (result i32) (i32.const ${address}))`;
/** A record at 700 that says where bytes are. */
const record = (at: number, length: number): string =>
  data(
    700,
    [at, length].flatMap((word) => [word & 255, (word >> 8) & 255, (word >> 16) & 255, word >>> 24]),
  );

export const ATTACKS: Attack[] = [
  {
    attack: "A plugin says that the record of its state lies across the end of memory",
    defence: {
      file: "runtime/sandbox/calls.ts",
      line: "if (at % 4 !== 0 || at + 8 > memory.byteLength) {",
      off: "if (false) {",
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, { functions: handsOut("bj_state_save", "", -4) });
      return `its state has ${plugin.saveState()?.length} bytes`;
    },
    stopped: "plugin/contract: The plugin returned an address outside of its memory in state save.",
    reached: "host: RangeError: Offset is outside the bounds of the DataView",
  },
  {
    attack: "A plugin says that its state goes on past the end of memory",
    defence: {
      file: "runtime/sandbox/calls.ts",
      line: "if (start + length > memory.byteLength) {",
      off: "if (false) {",
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        functions: record(131_000, 1_000) + handsOut("bj_state_save", "", 700),
      });
      return `its state has ${plugin.saveState()?.length} bytes`;
    },
    stopped: "plugin/contract: The plugin returned bytes outside of its memory in state save.",
    reached: /^host: RangeError: Invalid typed array length: 1000$/,
  },
  {
    attack: "A plugin changes a state that was saved long ago, in the session that has it",
    defence: {
      file: "runtime/sandbox/calls.ts",
      line: "return new Uint8Array(memory, start, length).slice();",
      off: "return new Uint8Array(memory, start, length);",
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        ports: [STEREO_OUT],
        functions: record(ROOM, 4) + handsOut("bj_state_save", "", 700),
        process: `(i32.store (i32.const ${ROOM}) (i32.const 0x21212121)) (i32.const 0)`,
      });
      const saved = plugin.saveState();
      plugin.process(64);
      return `the state that was saved is ${saved?.join(" ")}`;
    },
    stopped: "the state that was saved is 0 0 0 0",
    reached: "the state that was saved is 33 33 33 33",
  },
  {
    attack: "A plugin gives out, as the JSON of its curve, what no page or session can read again",
    defence: { file: "runtime/sandbox/instance.ts", line: "    JSON.parse(text);", off: "" },
    attempt: async (belljar) => {
      const text = Buffer.from('</script><script>alert("it")</script>');
      const plugin = await instance(belljar, {
        ports: [CURVE],
        functions:
          data(ROOM, text) + record(ROOM, text.length) + handsOut("bj_graph_get", "(param i32)", 700),
      });
      return `the page takes ${plugin.getGraphData("curve")} for data`;
    },
    stopped: 'plugin/graph-data: "test.small" returned data for "curve" that is no JSON text.',
    reached: 'the page takes </script><script>alert("it")</script> for data',
  },
  {
    attack: "A plugin gives out JSON that is no UTF-8, which comes back as another text",
    defence: {
      file: "runtime/sandbox/instance.ts",
      line: 'new TextDecoder("utf-8", { fatal: true })',
      off: 'new TextDecoder("utf-8")',
    },
    attempt: async (belljar) => {
      const text = [0x22, 0xff, 0xfe, 0x22];
      const plugin = await instance(belljar, {
        ports: [CURVE],
        functions:
          data(ROOM, text) + record(ROOM, text.length) + handsOut("bj_graph_get", "(param i32)", 700),
      });
      return `the session keeps ${plugin.getGraphData("curve")}`;
    },
    stopped: 'plugin/graph-data: "test.small" returned data for "curve" that is no JSON text.',
    reached: 'the session keeps "\ufffd\ufffd"',
  },
  {
    attack: "A plugin logs a line that begins at the end of its memory and has 100 bytes",
    defence: {
      file: "runtime/sandbox/host-calls.ts",
      line: "if ((at >>> 0) + (length >>> 0) > this.bytes.length) {",
      off: "if (false) {",
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        imports: LOG,
        process: "(call $log (i32.const 2) (i32.const 131068) (i32.const 100)) (i32.const 0)",
      });
      plugin.process(64);
      let length = 0;
      plugin.drainMessages((_, text) => {
        length = text.length;
      });
      return plugin.fault === null
        ? `the host made up ${length - 4} of the line's ${length} bytes`
        : `plugin/${plugin.fault.kind}: ${plugin.fault.message}`;
    },
    stopped:
      "plugin/host-call: The plugin handed host_log bytes outside of its memory in bj_process during process, block 0.",
    reached: "the host made up 96 of the line's 100 bytes",
  },
  {
    attack: "A plugin reads a file by a number that was never given out",
    defence: {
      file: "runtime/sandbox/host-calls.ts",
      line: "if (file === undefined) return Status.Invalid;",
      off: "",
    },
    attempt: async (belljar) => {
      const plugin = await instance(belljar, {
        config: [TEXT],
        imports: READ,
        functions: `(func (export "bj_configure") (param i32 i32 i32) (result i32)
          (call $read (i32.const -1) (i32.const 0) (i32.const ${ROOM}) (i32.const 64)))`,
      });
      plugin.configure("text", "now");
      return "it is configured";
    },
    stopped: 'plugin/refused: "test.small" refused "now" for "text": Invalid, with no reason given.',
    reached: /^host: TypeError: Cannot read properties of undefined/,
  },
  {
    attack: "A plugin sends more than its queue holds, so that its words become the queue's own marks",
    defence: {
      file: "runtime/sandbox/message-ring.ts",
      line: " || used + size > MESSAGE_RING_BYTES",
      off: "",
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        imports: EMIT,
        activate: `(memory.fill (i32.const 65536) (i32.const 0xee) (i32.const 65535)) (i32.const ${AT.layout})`,
        process: `${"(drop (call $emit (i32.const 65536) (i32.const 60000)))".repeat(5)} (i32.const 0)`,
      });
      plugin.process(64);
      const kinds: unknown[] = [];
      plugin.drainMessages((kind) => kinds.push(String(kind)));
      return `the host read messages of the kinds ${kinds.join(", ")}`;
    },
    stopped: "the host read messages of the kinds emit, emit, emit, emit",
    reached: /^the host read messages of the kinds undefined/,
  },
  {
    attack: "A plugin asks the host for nothing, in a request without bytes that all later words wait behind",
    defence: {
      file: "runtime/sandbox/host-calls.ts",
      line: "if (length === 0) answer = EMPTY;",
      off: "if (false) ;",
    },
    attempt: async (belljar) => {
      const ask = `(drop (call $control (i32.const 0) (i32.const 0) (i32.const ${ROOM}) (i32.const 256)))`;
      const plugin = await playing(
        belljar,
        {
          imports: CONTROL + LOG,
          process: `${ask.repeat(3)} (call $log (i32.const 0) (i32.const ${ROOM}) (i32.const 11)) (i32.const 0)`,
        },
        { control: true },
      );
      plugin.process(64);
      const heard: string[] = [];
      plugin.drainMessages((kind, text) => heard.push(`${kind} ${text}`));
      return `the host hears ${heard.join(", ") || "nothing"}`;
    },
    stopped: 'the host hears log {"ok":false',
    reached: "the host hears nothing",
  },
  {
    attack: "A plugin's state of 17 MiB, for every session that is saved to carry",
    defence: {
      file: "runtime/sandbox/calls.ts",
      line: "this.within(limit, length, ",
      off: "(() => {})(",
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        pages: "288 288",
        functions: record(65_536, 17 << 20) + handsOut("bj_state_save", "", 700),
      });
      return `the session has ${plugin.saveState()?.length} bytes of it`;
    },
    stopped:
      'plugin/too-large: "test.small" returned, by state save, 17825792 bytes; the limit is 16777216 (stateBytes).',
    reached: "the session has 17825792 bytes of it",
  },
  {
    attack: "A session's setting of 200,000 characters, for a plugin that has less room than it says",
    defence: {
      file: "runtime/sandbox/calls.ts",
      line: "this.within(limit, bytes.length, ",
      off: "(() => {})(",
    },
    attempt: async (belljar) => {
      const plugin = await instance(belljar, {
        pages: "8 64",
        config: [TEXT],
        functions: '(func (export "bj_configure") (param i32 i32 i32) (result i32) (i32.const 0))',
      });
      plugin.configure("text", "x".repeat(200_000));
      return "it was written over everything that the plugin keeps behind its room";
    },
    stopped:
      'plugin/too-large: "test.small" is to get, by configure, 200000 bytes; the limit is 65536 (configBytes).',
    reached: "it was written over everything that the plugin keeps behind its room",
  },
  {
    attack: "A session gives its plugin a file that is larger than this host allows",
    defence: {
      file: "runtime/sandbox/instance.ts",
      line: 'this.calls.within("fileBytes", size, "is to get a file of");',
      off: "",
    },
    attempt: async (belljar) => {
      const plugin = await instance(
        belljar,
        {
          config: [{ id: "font", display_name: "Font", type: "filepath" }],
          functions:
            '(func (export "bj_configure_file") (param i32 i32 i32 i32 i32) (result i32) (i32.const 0))',
        },
        { limits: { fileBytes: 1_000 } },
      );
      plugin.configureFile("font", "font.sf2", new Uint8Array(5_000));
      return "it was given 5000 bytes";
    },
    stopped: 'plugin/too-large: "test.small" is to get a file of 5000 bytes; the limit is 1000 (fileBytes).',
    reached: "it was given 5000 bytes",
  },
];
