// More than anyone can take: lines, messages, events, values.

import {
  EVENTS_IN,
  EVENTS_OUT,
  knob,
  type SmallPlugin,
  smallPlugin,
  STEREO_OUT,
} from "../sandbox/small-plugin.ts";
import { ear } from "./around.ts";
import { data } from "./descriptor.ts";
import { playing } from "./playing.ts";
import type { Attack } from "./twin.ts";

const LIST = 1 << 20;

/** Sends so many notes in each block. */
const sender = (count: number): SmallPlugin => ({
  ports: [STEREO_OUT, EVENTS_OUT],
  pages: "64 64",
  layout: { 36: LIST, 40: 65_535 },
  process: `(local $i i32)
    (loop $next
      (i64.store (i32.add (i32.const ${LIST}) (i32.shl (local.get $i) (i32.const 5))) (i64.const 0x0001000100000000))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${count}))))
    (i32.const ${count << 8})`,
});

export const ATTACKS: Attack[] = [
  {
    attack: "A plugin logs 300 lines in a block, which the host copies and decodes",
    defence: { file: "runtime/sandbox/host-calls.ts", line: "if (!this.rate.line()) {", off: "if (false) {" },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        imports: '(import "belljar" "host_log" (func $log (param i32 i32 i32)))',
        process: `(local $i i32)
          (loop $next (call $log (i32.const 2) (i32.const 0) (i32.const 1))
            (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 300))))
          (i32.const 0)`,
      });
      plugin.process(64);
      let lines = 0;
      plugin.drainMessages(() => lines++);
      return `the host got ${lines} lines`;
    },
    stopped: "the host got 100 lines",
    reached: "the host got 300 lines",
  },
  {
    attack: "A plugin sends 3,000 messages in a block",
    defence: { file: "runtime/sandbox/host-calls.ts", line: "this.rate.message() && ", off: "" },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        imports: '(import "belljar" "host_emit_event" (func $emit (param i32 i32) (result i32)))',
        process: `(local $i i32)
          (loop $next (drop (call $emit (i32.const 0) (i32.const 1)))
            (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3000))))
          (i32.const 0)`,
      });
      plugin.process(64);
      let messages = 0;
      plugin.drainMessages(() => messages++);
      return `the host got ${messages} messages`;
    },
    stopped: "the host got 1000 messages",
    reached: "the host got 3000 messages",
  },
  {
    attack: "A plugin sends 60,000 events in a block, each of which the host looks at",
    defence: {
      file: "runtime/sandbox/instance.ts",
      line: "eventsOut.count = Math.min(count, most);",
      off: "eventsOut.count = count;",
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, sender(60_000));
      plugin.process(64);
      return `the host has ${plugin.eventsOut.count} events to look at`;
    },
    stopped: "the host has 4096 events to look at",
    reached: "the host has 60000 events to look at",
  },
  {
    attack: "A plugin offers room for 65,535 events, for the host to spend its block filling it",
    defence: {
      file: "runtime/sandbox/layout.ts",
      line: "Math.min(eventsIn.count, limits.events)",
      off: "eventsIn.count",
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, {
        ports: [STEREO_OUT, EVENTS_IN],
        pages: "64 64",
        layout: { 28: LIST, 32: 65_535 },
      });
      while (plugin.eventsIn.push(0, 1, 1, 0, 0, 60, 0, 0.5));
      return `the host wrote ${plugin.eventsIn.count} events`;
    },
    stopped: "the host wrote 4096 events",
    reached: "the host wrote 65535 events",
  },
  {
    attack: "A plugin sends 4,000 events to each of eight others, who did not ask for so many",
    defence: {
      file: "runtime/graph/step.ts",
      line: "if (sent.count * wires <= this.fanOut) return;",
      off: "return;",
    },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, sender(4_000));
      const received = Array.from({ length: 8 }, () => ({
        samples: new Float32Array(0),
        events: [] as string[],
        value: 0,
      }));
      const graph = belljar.graph.buildGraph({
        nodes: [
          { id: "hostile", node: new belljar.PluginNode(plugin) },
          ...received.map((one, i) => ({ id: `ear${i}`, node: ear(belljar, one, 4_096) })),
          { id: "master", node: new belljar.graph.Master(64) },
        ],
        wires: received.map((_, i) => ({
          from: "hostile",
          fromPort: "events_out",
          to: `ear${i}`,
          toPort: "events_in",
        })),
        frames: 64,
      });
      graph.process();
      return `together they got ${received.reduce((sum, { events }) => sum + events.length, 0)} events`;
    },
    stopped: "together they got 16384 events",
    reached: "together they got 32000 events",
  },
  {
    attack: "A MIDI file changes its tempo 1,000 times in a block, for every plugin to hear of each",
    defence: {
      file: "runtime/graph/transport-changes.ts",
      line: "if (this.count >= MOST) return null;",
      off: "",
    },
    attempt: ({ readMidiFile, TransportClock, graph }) => {
      const tempos = Array.from({ length: 1_000 }, (_, i) => [
        1,
        0xff,
        0x51,
        3,
        7,
        0xa1,
        0x20 + (i % 2),
      ]).flat();
      const track = [...tempos, 0, 0xff, 0x2f, 0];
      const head = [77, 84, 104, 100, 0, 0, 0, 6, 0, 0, 0, 1, 0x7f, 0xff, 77, 84, 114, 107];
      const bytes = Uint8Array.from([...head, 0, 0, track.length >> 8, track.length & 255, ...track]);
      const clock = new TransportClock(48_000, 120, readMidiFile(bytes, "song.mid"));
      const changes = new graph.TransportChanges();
      clock.writeChanges(changes, 0, 8_192);
      return `a block has ${changes.count} changes`;
    },
    stopped: "a block has 64 changes",
    reached: /^host: TypeError: /,
  },
  {
    attack: "A descriptor holds 200,000 maps, for the host's decoder to make of as many bytes",
    defence: {
      file: "abi/messagepack.ts",
      line: "if (++this.items <= most) return;",
      off: "return;",
    },
    attempt: async ({ PluginType }) => {
      const head = [0x84, 0xa2, 0x69, 0x64, 0xa3, 0x61, 0x2e, 0x62, 0xac];
      const name = [..."display_name"].map((c) => c.charCodeAt(0));
      const ports = [..."ports"].map((c) => c.charCodeAt(0));
      const maps = [0xa1, 0x78, 0xdd, 0, 3, 0x0d, 0x40, ...Array(200_000).fill(0x80)];
      const bytes = [...head, ...name, 0xa1, 0x41, 0xa5, ...ports, 0x90, ...maps];
      const at = [bytes.length & 255, (bytes.length >> 8) & 255, bytes.length >> 16];
      const functions = data(65_536, bytes) + data(512, [0, 0, 1, 0, ...at, 0]);
      await PluginType.load(smallPlugin({ pages: "8 64", functions }));
      return `the host made ${maps.length - 7} maps`;
    },
    stopped:
      "descriptor/too-many: The descriptor is wrong: it holds more than 65536 values (descriptorValues).",
    reached: "the host made 200000 maps",
  },
  {
    attack: "A control's 1,000 choices are all in the sentence that refuses another",
    defence: { file: "abi/error.ts", line: "const more = words.length - most;", off: "const more = 0;" },
    attempt: async (belljar) => {
      const choices = Array.from({ length: 1_000 }, (_, i) => `choice ${i}`);
      const mode = knob("mode", { hint: "radio", choices, max: 999, default: 0 });
      const plugin = await playing(belljar, { ports: [mode], pages: "8 64" });
      const processor = new belljar.Plugin(plugin.type).instantiate();
      try {
        processor.set("mode", "loud");
      } catch (error) {
        return `the sentence has ${(error as Error).message.length} characters`;
      }
      return "it was set";
    },
    stopped: "the sentence has 265 characters",
    reached: "the sentence has 11932 characters",
  },
  {
    attack: "A module exports 2,000 names, for inspect to have a sentence on each",
    defence: {
      file: "runtime/cli/inspect-notes.ts",
      line: "for (const name of strays.slice(0, SHOWN)) {",
      off: "for (const name of strays) {",
    },
    attempt: async (belljar) => {
      const names = Array.from({ length: 2_000 }, (_, i) => `(func (export "bj_${i}"))`).join("");
      const type = await belljar.PluginType.load(smallPlugin({ functions: names }));
      return `there are ${belljar.notesOn(type.facts, type.descriptor).length} notes on it`;
    },
    stopped: "there are 21 notes on it",
    reached: "there are 2001 notes on it",
  },
];
