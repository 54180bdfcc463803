// A whole plugin in a few lines of the text format, for tests: the parts that a test cares about are handed in,
// the rest is as the contract wants it.

import { pack } from "msgpackr";
import { wat } from "../wat.ts";

export interface SmallPlugin {
  descriptor?: Record<string, unknown>;
  ports?: Record<string, unknown>[];
  config?: Record<string, unknown>[];
  abi?: number;
  /** Instructions of bj_process; parameters $frames and $events. Default: returns 0. */
  process?: string;
  activate?: string;
  scratch?: string;
  /** Whole functions, globals, imports: `imports` stand first. */
  functions?: string;
  imports?: string;
  /** Words of the layout by byte offset, to lie with. */
  layout?: Record<number, number>;
  /** Words of audio buffer `i` by byte offset. */
  audio?: Record<number, number>[];
  pages?: string;
  /** Named functions keep their names. */
  start?: string;
}

export const AT = {
  layout: 1024,
  audio: 1152,
  controlsIn: 2048,
  controlsOut: 3072,
  eventsIn: 4096,
  eventsOut: 8192,
  transport: 12288,
  arena: 12544,
  descriptor: 13312,
  bytes: 512,
  scratch: 24576,
  buffers: 32768,
};
export const STRIDE = 4096;
export const EVENT_ROOM = 64;

/** Address of channel `channel` of audio buffer `index`, counting two channels a buffer. */
export const bufferAt = (index: number, channel = 0): number => AT.buffers + (index * 2 + channel) * STRIDE;

const little = (value: number): number[] => [
  value & 255,
  (value >>> 8) & 255,
  (value >>> 16) & 255,
  value >>> 24,
];
const data = (at: number, bytes: Iterable<number>): string =>
  `(data (i32.const ${at}) "${Array.from(bytes, (byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("")}")`;

export const STEREO_IN = { id: "audio_in", display_name: "In", type: "audio_stereo", role: "input" };
export const STEREO_OUT = { id: "audio_out", display_name: "Out", type: "audio_stereo", role: "output" };
export const EVENTS_IN = { id: "events_in", display_name: "Events", type: "event", role: "input" };
export const EVENTS_OUT = { id: "events_out", display_name: "Events", type: "event", role: "output" };
export const knob = (id: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  id,
  display_name: id,
  type: "control",
  role: "input",
  hint: "continuous",
  min: 0,
  max: 1,
  default: 0.5,
  ...more,
});

/** Text of the plugin's module. */
export function smallPluginText(plugin: SmallPlugin = {}): string {
  const ports = plugin.ports ?? [STEREO_IN, STEREO_OUT];
  const descriptor = pack({
    id: "test.small",
    display_name: "Small",
    category: "Effect",
    doc: "",
    author: "",
    version: 1,
    ports,
    config_params: plugin.config ?? [],
    ...plugin.descriptor,
  });
  const audio = ports.filter(({ type }) => String(type).startsWith("audio"));
  const inputs = (type: string) =>
    ports.filter((p) => p.type === type && (p.role === "input" || p.role === "sidechain"));
  const outputs = (type: string) =>
    ports.filter((p) => p.type === type && (p.role === "output" || p.role === "monitor"));
  const words: Record<number, number> = {
    0: 64,
    4: AT.audio,
    8: audio.length,
    12: AT.controlsIn,
    16: inputs("control").length,
    20: AT.controlsOut,
    24: outputs("control").length,
    28: AT.eventsIn,
    32: EVENT_ROOM,
    36: AT.eventsOut,
    40: EVENT_ROOM,
    44: AT.arena,
    48: 256,
    52: AT.transport,
    56: 0,
    60: 0,
    ...plugin.layout,
  };
  const buffers = audio.flatMap(({ type }, i) => {
    const buffer: Record<number, number> = {
      0: bufferAt(i),
      4: type === "audio_stereo" ? 2 : 1,
      8: STRIDE,
      12: 0,
      ...plugin.audio?.[i],
    };
    return [0, 4, 8, 12].flatMap((at) => little(buffer[at] as number));
  });
  const layoutBytes = Array.from({ length: 16 }, (_, i) => little(words[i * 4] as number)).flat();
  return `(module
    ${plugin.imports ?? ""}
    (memory (export "memory") ${plugin.pages ?? "2 64"})
    ${data(AT.layout, layoutBytes)}
    ${buffers.length > 0 ? data(AT.audio, buffers) : ""}
    ${data(AT.descriptor, descriptor)}
    ${data(AT.bytes, [...little(AT.descriptor), ...little(descriptor.length)])}
    ${plugin.functions ?? ""}
    (func (export "bj_abi") (result i32) (i32.const ${plugin.abi ?? 0x10000}))
    (func (export "bj_scratch") (param $length i32) (result i32) ${plugin.scratch ?? `(i32.const ${AT.scratch})`})
    (func (export "bj_descriptor") (result i32) (i32.const ${AT.bytes}))
    (func (export "bj_activate") (param $rate f64) (param $frames i32) (result i32)
      ${plugin.activate ?? `(i32.const ${AT.layout})`})
    (func $process (export "bj_process") (param $frames i32) (param $events i32) (result i32)
      ${plugin.process ?? "(i32.const 0)"})
    ${plugin.start === undefined ? "" : `(func $start ${plugin.start}) (start $start)`})`;
}

export function smallPlugin(plugin: SmallPlugin = {}): Uint8Array<ArrayBuffer> {
  return wat(smallPluginText(plugin));
}
