// Where a plugin says its buffers lie: outside, askew, over each other, longer or later than they are.

import { bufferAt, EVENTS_OUT, STEREO_OUT, STRIDE } from "../sandbox/small-plugin.ts";
import { behind, ear, type Received } from "./around.ts";
import { playing } from "./playing.ts";
import type { Attack } from "./twin.ts";

const LAYOUT = "runtime/sandbox/layout.ts";
/** A frame past every block, which is the number 1 to who reads it as a sample. */
const LATE = 0x3f800000;
/** Sends one event that lies at the address. */
const sendFrom = (address: number): string =>
  `(i32.store (i32.const ${address}) (i32.const ${LATE}))
   (i32.store (i32.const ${address + 4}) (i32.const 1))
   (i32.const 256)`;
const subnormals = ({ samples }: Received): string => {
  const found = samples.filter((x) => x !== 0 && Math.abs(x) < 2 ** -126);
  return found.length > 0 ? `the next node received ${found[0]}` : "the next node received silence";
};

export const ATTACKS: Attack[] = [
  {
    attack: "A buffer begins at an address that no view can begin at",
    defence: { file: LAYOUT, line: "if (from % ALIGNMENT !== 0)", off: "if (false)" },
    attempt: async (belljar) => {
      await playing(belljar, { audio: [{}, { 0: bufferAt(1) + 2 }] });
      return "it plays";
    },
    stopped:
      'plugin/layout: The layout of "test.small" is wrong: the buffer of "audio_out", at 40962, is not aligned to 16 bytes.',
    reached: /^host: RangeError: start offset of Float32Array should be a multiple of 4$/,
  },
  {
    attack: "A buffer lies at a negative address, or just before the end of memory",
    defence: { file: LAYOUT, line: "if (from + bytes > size)", off: "if (false)" },
    attempt: async (belljar) => {
      await playing(belljar, { audio: [{ 0: -STRIDE * 2 }] });
      return "it plays";
    },
    stopped:
      'plugin/layout: The layout of "test.small" is wrong: the buffer of "audio_in", at 4294959104 with 8192 bytes, reaches outside of its 131072 bytes of memory.',
    reached: /^host: RangeError: Invalid typed array length: \d+$/,
  },
  {
    attack: "A port's buffer has fewer channels than none",
    defence: { file: LAYOUT, line: "if (channels !== channelCount(port))", off: "if (false)" },
    attempt: async (belljar) => {
      await playing(belljar, { audio: [{ 4: 0 }] });
      return "it plays";
    },
    stopped:
      'plugin/layout: The layout of "test.small" is wrong: the buffer of "audio_in" has 0 channels; the port has 2.',
    reached: /^host: RangeError: Invalid typed array length: -960$/,
  },
  {
    attack: "A buffer says that it is short, and so hides what it overlaps: events that become samples",
    defence: { file: LAYOUT, line: "if (stride < maxFrames * 4 || ", off: "if (false && " },
    attempt: (belljar) =>
      behind(
        belljar,
        {
          ports: [STEREO_OUT, EVENTS_OUT],
          audio: [{ 8: 16 }],
          layout: { 36: bufferAt(0) + 32 },
          process: sendFrom(bufferAt(0) + 32),
        },
        subnormals,
      ),
    stopped:
      'plugin/layout: The layout of "test.small" is wrong: the buffer of "audio_out" has a stride of 16 bytes; it must be a multiple of 16 from 256 on.',
    reached: "the next node received 8.828180325246348e-44",
  },
  {
    attack: "Events lie over an output, so that putting them right changes samples that were already checked",
    defence: { file: LAYOUT, line: "after.from < before.to", off: "false" },
    attempt: (belljar) =>
      behind(
        belljar,
        {
          ports: [STEREO_OUT, EVENTS_OUT],
          layout: { 36: bufferAt(0) },
          process: sendFrom(bufferAt(0)),
        },
        subnormals,
      ),
    stopped: /^plugin\/layout: The layout of "test\.small" is wrong: the .* and the .* overlap\.$/,
    reached: "the next node received 8.828180325246348e-44",
  },
  {
    attack: "A plugin says that its sound comes a day late, and the render waits for it",
    defence: { file: LAYOUT, line: "if (layout.latency > limits.latency) {", off: "if (false) {" },
    attempt: async (belljar) => {
      const plugin = await playing(belljar, { layout: { 56: 0xffffffff } });
      return `the first sound comes after ${Math.floor(plugin.latency / 48_000 / 3_600)} hours`;
    },
    stopped:
      'plugin/layout: The layout of "test.small" is wrong: its latency says 4294967295 frames; the limit is 1048576 (latency).',
    reached: "the first sound comes after 24 hours",
  },
  {
    attack: "A plugin hides words for another between the two channels of its output",
    defence: {
      file: "runtime/graph/audio-wires.ts",
      line: "for (let i = (c - 1) * this.stride + this.frames; i < c * this.stride; i++) view[i] = 0;",
      off: "",
    },
    attempt: (belljar) =>
      behind(
        belljar,
        {
          ports: [STEREO_OUT],
          // channels as far apart as the graph has them, so that both go in one piece
          audio: [{ 8: 272 }],
          process: `(f32.store (i32.const ${bufferAt(0)}) (f32.const 0.25))
            (f32.store (i32.const ${bufferAt(0) + 256}) (f32.const 42))
            (f32.store (i32.const ${bufferAt(0) + 260}) (f32.const nan)) (i32.const 0)`,
        },
        ({ samples }) => `between its channels the next node received ${samples.slice(64, 66).join(", ")}`,
      ),
    stopped: "between its channels the next node received 0, 0",
    reached: "between its channels the next node received 42, NaN",
  },
  {
    attack: "A plugin with room for 65,535 events is made to wait for one that is 22 s late",
    defence: { file: "runtime/graph/event-wires.ts", line: "Math.min(65536, ", off: "(" },
    attempt: async (belljar) => {
      const many = await playing(belljar, {
        ports: [STEREO_OUT, EVENTS_OUT],
        pages: "64 64",
        layout: { 36: 1 << 20, 40: 65_535 },
      });
      const late = await playing(belljar, { ports: [STEREO_OUT], layout: { 56: 1 << 20 } });
      const graph = belljar.graph.buildGraph({
        nodes: [
          { id: "many", node: new belljar.PluginNode(many) },
          { id: "late", node: new belljar.PluginNode(late) },
          { id: "ear", node: ear(belljar, { samples: new Float32Array(0), events: [], value: 0 }) },
          { id: "master", node: new belljar.graph.Master(64) },
        ],
        wires: [
          { from: "late", fromPort: "audio_out", to: "ear", toPort: "audio_in" },
          { from: "many", fromPort: "events_out", to: "ear", toPort: "events_in" },
        ],
        frames: 64,
      });
      graph.process();
      return `the graph plays, and lost ${graph.lostInQueues} events`;
    },
    stopped: "the graph plays, and lost 0 events",
    reached: /^host: RangeError: (Invalid typed array length|Array buffer allocation failed)/,
  },
  {
    attack:
      "Three plugins, each as late as one may be, hold a wire back for longer than a graph has room for",
    defence: { file: "runtime/graph/latency.ts", line: "if (wait > LONGEST_DELAY) {", off: "if (false) {" },
    attempt: async (belljar) => {
      const nodes = await Promise.all(
        ["a", "b", "c"].map(async (id) => {
          const plugin = await playing(belljar, { layout: { 56: 1 << 20 } });
          return { id, node: new belljar.PluginNode(plugin) };
        }),
      );
      const dry = await playing(belljar, { ports: [STEREO_OUT] });
      const wire = (from: string, to: string) => ({ from, fromPort: "audio_out", to, toPort: "audio_in" });
      const graph = belljar.graph.buildGraph({
        nodes: [
          ...nodes,
          { id: "dry", node: new belljar.PluginNode(dry) },
          { id: "master", node: new belljar.graph.Master(64) },
        ],
        wires: [wire("a", "b"), wire("b", "c"), wire("c", "master"), wire("dry", "master")],
        frames: 64,
      });
      return `a wire holds ${(graph.latency * 8) / 1048576} MiB of sound back`;
    },
    stopped:
      'session/latency: A wire into the node "master" would have to wait 3145728 frames for another path; 2097152 are the most.',
    reached: "a wire holds 24 MiB of sound back",
  },
];
