// `npm run bench -- live`: a session as it is heard. What of its figures the machine is answerable for, an empty loop
// beside it says.

import { loadavg } from "node:os";
import { type Machine, machine, machineLine } from "../runtime/bench/machine.ts";
import { quantile } from "../runtime/bench/statistics.ts";
import { type LatencyRow, measureLatency, SETTINGS, SETTINGS_OF_PULSE } from "./live-latency.ts";
import type { LiveBenchOptions } from "./live-options.ts";
import type { LivePlugin } from "./live-plugins.ts";
import { type RenderResult, renderOn } from "./live-render.ts";
import { measureRescues, type RescueResult } from "./live-rescue.ts";
import { DEVICE_OF_PULSE, type Progress, RATE, withPulse } from "./live-rig.ts";
import { measureRing, type RingResult } from "./live-ring.ts";
import { table } from "./output.ts";

/** Milliseconds. */
const RESCUE_AIM = 100;

export interface LiveResult {
  benchmark: "live";
  machine: Machine;
  /** Jobs that wanted a core, the mean of a minute, before and after. */
  load: [number, number];
  options: LiveBenchOptions;
  /** Why PulseAudio was left out; empty: it was not. */
  withoutPulse: string;
  render: RenderResult[];
  latency: LatencyRow[];
  ring: RingResult | null;
  rescue: (RescueResult & { aim: number; verdict: "kept" | "missed" }) | null;
}

export async function benchLive(
  plugins: readonly LivePlugin[],
  options: LiveBenchOptions,
): Promise<LiveResult> {
  const { minutes, parts, pulse } = options;
  const before = loadavg()[0] as number;
  const tell = teller();
  const render: RenderResult[] = [];
  const latency: LatencyRow[] = [];
  const seconds = minutes * 60;
  const does = (part: (typeof parts)[number]): boolean => parts.includes(part);
  // The short parts first, so that a mistake shows before ten minutes are over.
  const ring = does("ring") ? await measureRing(within(seconds / 10, 2, 30), tell) : null;
  const rescues = Math.round(within(seconds / 6, 5, 50));
  const rescue = does("rescue") ? await measureRescues(rescues, plugins, tell) : null;
  if (does("latency")) latency.push(...(await measureLatency("null", SETTINGS, plugins, null, tell)));
  if (does("render")) render.push(await renderOn("null", seconds, tell));
  let withoutPulse = pulse ? "" : "it was not wanted";
  if (pulse && (does("latency") || does("render"))) {
    const why = await withPulse(async (sink) => {
      const device = DEVICE_OF_PULSE;
      if (does("latency")) {
        latency.push(...(await measureLatency(device, SETTINGS_OF_PULSE, plugins, sink, tell)));
      }
      if (does("render")) render.push(await renderOn(device, seconds, tell));
    });
    withoutPulse = why ?? "";
  }
  tell("");
  return {
    benchmark: "live",
    machine: machine(),
    load: [before, loadavg()[0] as number],
    options,
    withoutPulse,
    render,
    latency,
    ring,
    rescue: rescue === null ? null : { ...rescue, aim: RESCUE_AIM, verdict: verdict(rescue.back) },
  };
}

const verdict = (back: readonly number[]): "kept" | "missed" =>
  back.every((milliseconds) => milliseconds <= RESCUE_AIM) ? "kept" : "missed";

const within = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));

/** One line on a terminal that changes; elsewhere a line now and then. */
function teller(): Progress {
  let last = 0;
  return (line) => {
    const { stderr } = process;
    if (stderr.isTTY) stderr.write(`\r\x1b[K${line}`);
    else if (line !== "" && performance.now() - last > 20_000) {
      last = performance.now();
      stderr.write(`${line}\n`);
    }
  };
}

const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 1);
const us = (value: number): string => value.toFixed(value < 100 ? 1 : 0);
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

export function liveText(result: LiveResult): string {
  const { render, latency, ring, rescue } = result;
  const lines = [
    machineLine(result.machine),
    `Jobs that wanted a core: ${result.load.map((load) => load.toFixed(1)).join(" before, ")} after.`,
  ];
  if (result.withoutPulse !== "") lines.push(`Without PulseAudio: ${result.withoutPulse}.`);
  for (const each of render) lines.push("", renderText(each));
  if (latency.length > 0) lines.push("", latencyText(latency));
  if (ring !== null) lines.push("", ringText(ring));
  if (rescue !== null) lines.push("", rescueText(rescue));
  return lines.join("\n");
}

function renderText(each: RenderResult): string {
  const { garbage, load } = each;
  return [
    `${each.nodes} nodes on ${each.device}: ${(each.seconds / 60).toFixed(1)} min, blocks of ${each.block} frames, ${ms(each.ready)} ms ready, ${ms(each.deviceLatency)} ms in the device; ${each.priority} priority.`,
    `The main thread made ${garbage.megabytesPerSecond.toFixed(0)} MB of garbage a second: ${garbage.collections} collections, the longest ${ms(garbage.longestPause)} ms.`,
    `Load ${percent(load.mean)}, at most ${percent(load.worst)}; ${each.late} late blocks, ${each.unheard} unheard, ${each.rescues} rescues or losses. Lateness in milliseconds:`,
    "",
    table([
      ["", "blocks", "p50", "p99", "p99.9", "max", "underruns", "missing ms", "device dry"],
      ...each.rows.map(({ what, lateness, status }) => [
        what,
        String(lateness.blocks),
        (lateness.p50 * 1000).toFixed(3),
        (lateness.p99 * 1000).toFixed(3),
        (lateness.p999 * 1000).toFixed(3),
        (lateness.most * 1000).toFixed(3),
        status === null ? "" : String(status.underruns),
        status === null ? "" : ms((status.missingFrames * 1000) / RATE),
        status === null ? "" : String(status.deviceUnderruns),
      ]),
    ]),
  ].join("\n");
}

function latencyText(rows: readonly LatencyRow[]): string {
  return [
    "From an event's sending to its sound, in milliseconds: as the engine says (ready in the ring + device), what that comes to for an",
    "event, which waits for a block, and as measured; what the device added; underruns of the ring + dry runs of the device.",
    "A setting that is not there could not be measured: the machine was too busy.",
    "",
    table([
      [
        "device, block",
        "latency",
        "ready",
        "device",
        "says",
        "for an event",
        "measured",
        "mean",
        "device added",
        "under",
      ],
      ...rows.map((row) => {
        const { block, latency, chunk, buffer } = row.setting;
        const more = chunk === null ? "" : ` (chunk ${chunk}, buffer ${buffer})`;
        return [
          `${row.device === "null" ? "null" : "pulse"} ${block}${more}`,
          latency === null ? "usual" : String(latency),
          ms(row.ready),
          ms(row.deviceSays),
          ms(row.says),
          `${ms(row.least)}–${ms(row.most)}`,
          `${ms(row.heard.least)}–${ms(row.heard.most)}`,
          ms(row.heard.mean),
          `${ms(row.deviceAdds.least)}–${ms(row.deviceAdds.most)}`,
          `${row.underruns}+${row.deviceUnderruns}`,
        ];
      }),
    ]),
  ].join("\n");
}

function ringText({ carried, woken }: RingResult): string {
  return [
    "Two processes, 128 stereo frames at a time:",
    "",
    table([
      ["", "frames/s", "MB/s", "× real time"],
      ...carried.map((row) => [
        row.what,
        `${(row.framesPerSecond / 1e6).toFixed(1)} M`,
        row.megabytesPerSecond.toFixed(0),
        row.timesRealTime.toFixed(0),
      ]),
    ]),
    "",
    "Microseconds from the reader's turn (every 5.33 ms) to the writer's being awake; a pipe: from writing to having read:",
    "",
    table([
      ["", "turns", "p50", "p99", "p99.9", "max"],
      ...woken.map((row) => [row.what, String(row.wakes), ...[row.p50, row.p99, row.p999, row.most].map(us)]),
    ]),
  ].join("\n");
}

function rescueText(rescue: RescueResult & { aim: number; verdict: string }): string {
  const row = (what: string, values: readonly number[]): string[] => [
    what,
    String(values.length),
    ms(quantile(values, 0)),
    ms(quantile(values, 0.5)),
    ms(quantile(values, 1)),
  ];
  return [
    `The audio thread ended at random moments, ${rescue.instances} instances of ${rescue.mebibytes} MiB; milliseconds:`,
    "",
    table([
      ["", "times", "min", "p50", "max"],
      row("from its end to the next block", rescue.back),
      row("from noticing to the next block, as told", rescue.told),
      row("silence that was heard", rescue.silence),
    ]),
    "",
    `${rescue.back.filter((time) => time <= rescue.aim).length} of ${rescue.back.length} within ${rescue.aim} ms: ${rescue.verdict}; a timer alone was late by at most ${ms(rescue.floor)} ms meanwhile`,
  ].join("\n");
}
