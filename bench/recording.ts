// What recording a plugin costs: nanoseconds a block, and bytes a minute of sound. Each plugin plays the same piece without
// a recording, with one, and with one that holds the sound; in turns, and the fastest stretch of each counts.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EventType } from "../abi/layout.ts";
import { type Machine, machine, machineLine } from "../runtime/bench/machine.ts";
import { Recordings } from "../runtime/engine/recordings.ts";
import { TransportClock } from "../runtime/engine/transport.ts";
import { PluginType } from "../runtime/sandbox/index.ts";
import { table } from "./output.ts";

const root = process.env["BELLJAR_ROOT"] ?? globalThis.process.cwd();
const RATE = 48_000;
const FRAMES = 128;
const PLUGINS = ["gain", "sine", "delay"];
const WAYS = ["none", "plain", "audio"] as const;
type Way = (typeof WAYS)[number];
const ROUNDS = 8;
const STRETCHES = 12;
/** Blocks of a stretch. */
const BLOCKS = 400;

export interface RecordingRow {
  plugin: string;
  /** Nanoseconds a block of 128 stereo frames, with all that feeds it. */
  nanoseconds: Record<Way, number>;
  /** Bytes a minute of sound at 48 kHz. */
  bytes: { plain: number; audio: number };
}

export interface RecordingResult {
  benchmark: "recording";
  machine: Machine;
  rows: RecordingRow[];
}

async function measure(plugin: string): Promise<RecordingRow> {
  const type = await PluginType.load(
    new Uint8Array(readFileSync(join(root, "dist", "plugins", `${plugin}.wasm`))),
  );
  const nanoseconds: Record<Way, number> = { none: Infinity, plain: Infinity, audio: Infinity };
  const bytes = { plain: 0, audio: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    for (const way of WAYS) {
      const recordings = new Recordings({ audio: way === "audio", mostBytes: 1e9 });
      const watcher = way === "none" ? undefined : recordings.begin(type, plugin, plugin);
      const instance = type.instantiate(watcher === undefined ? {} : { watcher });
      instance.activate(RATE, FRAMES);
      for (const port of instance.audio) {
        if (port.input) for (let i = 0; i < port.samples.length; i++) port.samples[i] = Math.sin(i / 7) / 2;
      }
      const events = instance.descriptor.ports.findIndex(
        ({ type: kind, role }) => kind === "event" && role === "input",
      );
      const clock = new TransportClock(RATE, 133, null);
      let block = 0;
      for (let stretch = 0; stretch < STRETCHES; stretch++) {
        const began = performance.now();
        for (let i = 0; i < BLOCKS; i++, block++) {
          if (instance.transport !== null) clock.write(instance.transport, block * FRAMES);
          if (events >= 0 && block % 40 === 0) {
            instance.eventsIn.push(0, EventType.NoteOn, events, block, 0, 60, 0, 0.8);
            instance.eventsIn.push(127, EventType.NoteOff, events, block, 0, 60, 0, 0);
          }
          instance.process(FRAMES);
        }
        nanoseconds[way] = Math.min(nanoseconds[way], ((performance.now() - began) * 1e6) / BLOCKS);
      }
      if (watcher !== undefined && way !== "none") bytes[way] = (watcher.size / block / FRAMES) * RATE * 60;
      instance.dispose();
    }
  }
  return { plugin, nanoseconds, bytes };
}

export async function benchRecording(): Promise<RecordingResult> {
  const rows: RecordingRow[] = [];
  for (const plugin of PLUGINS) rows.push(await measure(plugin));
  return { benchmark: "recording", machine: machine(), rows };
}

export function recordingText(result: RecordingResult): string {
  const ns = (value: number): string => value.toFixed(0);
  const kilobytes = (value: number): string => `${(value / 1000).toFixed(0)} KB`;
  const rows = result.rows.map(({ plugin, nanoseconds: { none, plain, audio }, bytes }) => [
    plugin,
    ns(none),
    `+${ns(plain - none)}`,
    `+${ns(audio - none)}`,
    kilobytes(bytes.plain),
    kilobytes(bytes.audio),
  ]);
  return [
    machineLine(result.machine),
    "Nanoseconds of a block of 128 frames, what recording adds, and bytes of a minute's recording.",
    "",
    table([["plugin", "a block", "recorded", "with sound", "a minute", "with sound"], ...rows]),
  ].join("\n");
}
