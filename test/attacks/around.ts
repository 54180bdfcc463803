// What stands around a hostile plugin: the node behind it, a terminal, a folder of files.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventType } from "../../abi/layout.ts";
import type { Graph, GraphNode } from "../../runtime/graph/index.ts";
import type { PluginInstance } from "../../runtime/index.ts";
import type { SmallPlugin } from "../sandbox/small-plugin.ts";
import { playing, stopped } from "./playing.ts";
import type { Belljar } from "./twin.ts";

/** What a node was given in one block of 64 frames. */
export interface Received {
  /** Left, what lies between, right: channels of 64 frames, 68 samples apart. */
  samples: Float32Array;
  /** "NoteOn at 12, note -1, channel 0, key 60, id 0, value 0.5" */
  events: string[];
  value: number;
}

export interface Chain {
  graph: Graph;
  plugin: PluginInstance;
  received: Received;
}

/** The plugin plays a block; what leaves its ports audio_out, events_out and value_out reaches the node behind it, and the master. */
export async function chain(belljar: Belljar, plugin: SmallPlugin | Uint8Array): Promise<Chain> {
  const instance = await playing(belljar, plugin);
  const received: Received = { samples: new Float32Array(0), events: [], value: 0 };
  const node = ear(belljar, received);
  const has = (id: string): boolean => instance.descriptor.ports.some((port) => port.id === id);
  const wires = [
    ["audio_out", "ear", "audio_in"],
    ["audio_out", "master", "audio_in"],
    ["events_out", "ear", "events_in"],
    ["value_out", "ear", "value_in"],
  ].filter(([from]) => has(from as string)) as [string, string, string][];
  const graph = belljar.graph.buildGraph({
    nodes: [
      { id: "hostile", node: new belljar.PluginNode(instance) },
      { id: "ear", node },
      { id: "master", node: new belljar.graph.Master(64) },
    ],
    wires: wires.map(([fromPort, to, toPort]) => ({ from: "hostile", fromPort, to, toPort })),
    frames: 64,
  });
  graph.process();
  return { graph, plugin: instance, received };
}

/** What became of it: what stopped the plugin, or what was received, in the words of `say`. */
export async function behind(
  belljar: Belljar,
  plugin: SmallPlugin | Uint8Array,
  say: (received: Received, graph: Graph) => string,
): Promise<string> {
  const { graph, plugin: instance, received } = await chain(belljar, plugin);
  return instance.fault === null ? say(received, graph) : stopped(instance);
}

/** A node of the host's own that keeps what it is given. */
export function ear({ graph }: Belljar, received: Received, room = 64): GraphNode {
  const ports = [
    graph.describePort("audio_in", "In", "audio_stereo", "input"),
    graph.describePort("events_in", "Events", "event", "input"),
    graph.describePort("value_in", "Value", "control", "input"),
  ];
  const sound = new graph.HostAudioPort(0, 2, 64);
  const events = new graph.EventBuffer(room);
  const controlsIn = new Float32Array(1);
  return {
    ports,
    audio: [sound],
    controlsIn,
    controlsOut: graph.NO_CONTROLS,
    eventsIn: events,
    eventsOut: graph.NO_EVENTS,
    transport: null,
    arena: graph.NO_ARENA,
    latency: 0,
    processState: 0,
    units: 0,
    process() {
      received.samples = sound.samples.slice();
      received.value = controlsIn[0] as number;
      const { view } = events;
      for (let at = 0; at < events.count * 32; at += 32) {
        const [frame, type] = [view.getUint32(at, true), view.getUint16(at + 4, true)];
        const [note, channel, key] = [
          view.getInt32(at + 8, true),
          view.getInt16(at + 12, true),
          view.getInt16(at + 14, true),
        ];
        const [id, value] = [view.getUint32(at + 16, true), view.getFloat64(at + 24, true)];
        received.events.push(
          `${EventType[type]} at ${frame}, note ${note}, channel ${channel}, key ${key}, id ${id}, value ${value}`,
        );
      }
      return true;
    },
    idle() {},
    reset() {},
  };
}

/** What is written to the terminal meanwhile, by anyone. */
export async function terminal(act: () => Promise<unknown> | unknown): Promise<string> {
  let said = "";
  const streams = [process.stdout, process.stderr];
  const writes = streams.map((stream) => stream.write);
  for (const stream of streams) {
    stream.write = (text: string | Uint8Array): boolean => {
      said += typeof text === "string" ? text : Buffer.from(text).toString();
      return true;
    };
  }
  try {
    await act();
  } finally {
    streams.forEach((stream, i) => {
      stream.write = writes[i] as typeof stream.write;
    });
  }
  return said;
}

/** Characters that a terminal obeys, by their names. */
export function visible(text: string): string {
  return text
    .replaceAll("\u001b", "<ESC>")
    .replaceAll("\u009b", "<CSI>")
    .replaceAll("\u202e", "<RLO>")
    .replaceAll("\u{e0041}", "<TAG A>");
}

/** The lines of a text that match, joined. */
export function lines(text: string, pattern: RegExp): string {
  const found = text.split("\n").filter((line) => pattern.test(line));
  return found.map((line) => line.trim()).join(" | ");
}

/** A folder of its own for as long as it is used. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "belljar-attack-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
