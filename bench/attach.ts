// Handing a living plugin to another owner in the middle of its sound: what share and attach cost, and that no sample
// changes. Each plugin plays twice, once in one piece and once attached anew before every few blocks.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EventType } from "../abi/layout.ts";
import { PluginType, type PluginInstance } from "../runtime/sandbox/index.ts";
import { type Machine, machine, machineLine } from "../runtime/bench/machine.ts";
import { table } from "./output.ts";
import { median, minimum, quantile } from "../runtime/bench/statistics.ts";

const root = process.env["BELLJAR_ROOT"] ?? globalThis.process.cwd();
const RATE = 48_000;
const FRAMES = 128;
const BLOCKS = 400;
/** Blocks between two attaches: no divisor of anything in the sound. */
const EVERY = 3;

const PLUGINS: readonly { name: string; file: string }[] = [
  { name: "builtin.sine", file: "dist/plugins/sine.wasm" },
  { name: "builtin.delay", file: "dist/plugins/delay.wasm" },
  { name: "builtin.gain", file: "dist/plugins/gain.wasm" },
  { name: "the C example", file: "examples/c-gain/gain.wasm" },
];

export interface AttachRow {
  plugin: string;
  attaches: number;
  /** Microseconds of share and attach together. */
  minimum: number;
  median: number;
  p90: number;
  lanes: number;
  samples: number;
  /** Samples that are not the same bits. */
  different: number;
  /** Samples that are not zero: that it sounded at all. */
  sounding: number;
}

export interface AttachResult {
  benchmark: "attach";
  machine: Machine;
  rows: AttachRow[];
  verdict: "kept" | "broken";
}

/** Notes and a moving parameter, and noise at the inputs: the same for every block of the same number. */
function feed(instance: PluginInstance, block: number): void {
  let seed = block + 1;
  const { ports } = instance.descriptor;
  for (const port of instance.audio) {
    if (!port.input) continue;
    for (let i = 0; i < port.samples.length; i++) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
      port.samples[i] = (seed >> 8) / (1 << 25);
    }
  }
  const { eventsIn } = instance;
  const events = ports.findIndex((port) => port.type === "event" && port.role === "input");
  if (events >= 0 && block % 10 === 0) {
    const key = 48 + ((block / 10) % 24);
    eventsIn.push(17, EventType.NoteOn, events, block, 0, key, 0, 0.8);
    if (block >= 40)
      eventsIn.push(90, EventType.NoteOff, events, block - 40, 0, 48 + ((block / 10 - 4) % 24), 0, 0);
  }
  const control = ports.findIndex((port) => port.type === "control" && port.role === "input");
  const port = ports[control];
  if (port?.type === "control" && block % 7 === 0) {
    const value = port.min + (port.max - port.min) * ((block % 50) / 50);
    eventsIn.push(100, EventType.Param, control, -1, -1, -1, 0, value);
    instance.controlsIn[0] = value;
  }
}

function play(instance: PluginInstance, block: number, out: Uint32Array[]): void {
  feed(instance, block);
  if (!instance.process(FRAMES)) throw new Error(instance.fault?.message);
  for (const port of instance.audio) {
    if (port.input) continue;
    for (let c = 0; c < port.channels; c++) {
      const samples = port.samples.slice(c * port.stride, c * port.stride + FRAMES);
      out.push(new Uint32Array(samples.buffer, samples.byteOffset, FRAMES));
    }
  }
}

function started(type: PluginType): PluginInstance {
  const instance = type.instantiate();
  instance.activate(RATE, FRAMES);
  return instance;
}

async function measure({ name, file }: (typeof PLUGINS)[number]): Promise<AttachRow> {
  const type = await PluginType.load(new Uint8Array(readFileSync(join(root, file))));
  const straight: Uint32Array[] = [];
  const whole = started(type);
  for (let block = 0; block < BLOCKS; block++) play(whole, block, straight);

  const moved: Uint32Array[] = [];
  const times: number[] = [];
  let instance = started(type);
  for (let block = 0; block < BLOCKS; block++) {
    if (block % EVERY === EVERY - 1) {
      const began = performance.now();
      instance = type.attach(instance.share());
      times.push((performance.now() - began) * 1_000);
    }
    play(instance, block, moved);
  }

  let samples = 0;
  let different = 0;
  let sounding = 0;
  straight.forEach((expected, i) => {
    samples += expected.length;
    expected.forEach((bits, at) => {
      if (bits !== moved[i]?.[at]) different++;
      if (bits !== 0) sounding++;
    });
  });
  return {
    plugin: name,
    attaches: times.length,
    minimum: minimum(times),
    median: median(times),
    p90: quantile(times, 0.9),
    lanes: type.rewritten.lanes,
    samples,
    different,
    sounding,
  };
}

export async function benchAttach(): Promise<AttachResult> {
  const rows: AttachRow[] = [];
  for (const plugin of PLUGINS) rows.push(await measure(plugin));
  const kept = rows.every(({ different, sounding }) => different === 0 && sounding > 0);
  return { benchmark: "attach", machine: machine(), rows, verdict: kept ? "kept" : "broken" };
}

export function attachText(result: AttachResult): string {
  return [
    machineLine(result.machine),
    "Microseconds of share and attach together, in the middle of a sound; samples against a run in one piece.",
    "",
    table([
      ["plugin", "min", "median", "p90", "attaches", "lanes", "samples", "sounding", "different"],
      ...result.rows.map((row) => [
        row.plugin,
        row.minimum.toFixed(1),
        row.median.toFixed(1),
        row.p90.toFixed(1),
        String(row.attaches),
        String(row.lanes),
        String(row.samples),
        String(row.sounding),
        String(row.different),
      ]),
    ]),
    "",
    `no sample changes: ${result.verdict}`,
  ].join("\n");
}
