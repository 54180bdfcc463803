// What is said of a session that was played live, when it is over: for readers, and as facts for programs.

import { printable } from "../../abi/error.ts";
import type { StreamFormat, StreamStatus } from "../../abi/sidecar.ts";
import type { Lateness, LiveFigures } from "../engine/live/live-session.ts";
import type { LivePlay, PlayLatency } from "../engine/live/play-live.ts";
import { type LiveRow, percent } from "./live-view.ts";
import { liveNodeTable } from "./node-table.ts";
import { clock } from "./progress.ts";

export interface Played {
  live: LivePlay;
  /** As they were before it was closed. */
  figures: LiveFigures;
  rows: readonly LiveRow[];
  /** What the device says; null where it can't be asked. */
  status: StreamStatus | null;
  underruns: number;
}

/** For `--json`. */
export function playFacts({ live, figures, rows, status }: Played): object {
  const { output, session } = live;
  const { rate } = output.format as StreamFormat;
  return {
    device: live.device,
    inputs: live.inputs.map(({ device, node }) => ({ device, node })),
    format: output.format,
    readyFrames: output.depth,
    latency: live.latency,
    seconds: figures.frame / rate,
    load: { mean: figures.meanLoad, worst: figures.worstLoad },
    lateBlocks: figures.late,
    lateness: session.lateness,
    unheardBlocks: figures.unheard,
    lostEvents: figures.lost,
    clampedSamples: figures.clamped,
    played: status,
    priority: session.priority.kind,
    subnormalsAreZero: session.subnormalsAreZero,
    nodes: rows.map(({ node: { id, type }, meter, story, load }) => {
      const { faultCount, replacements, kind, seconds } = story;
      const fault = faultCount === 0 ? null : { kind, seconds };
      return { id, type, load, units: meter.units, peak: meter.mostPeak, faultCount, replacements, fault };
    }),
  };
}

/** A few lines, and a table with a row for each plugin. */
export function playSummary({ live, figures, rows, status, underruns }: Played): string {
  const { frame, meanLoad, worstLoad, late, lost } = figures;
  const { rate } = live.output.format as StreamFormat;
  const { priority, lateness } = live.session;
  const advice = priority.advice === "" ? "" : ` ${priority.advice}`;
  const dropped = lost === 0 ? "" : `, ${count(lost, "event")} that found no room`;
  const nodes = liveNodeTable(rows);
  return (
    `Played ${clock(frame / rate)} on ${printable(live.device, 120)}: load ${percent(meanLoad)}, at most ${percent(worstLoad)}; ` +
    `${count(late, "late block")}, ${count(status?.underruns ?? underruns, "underrun")}${dropped}.\n` +
    `${latencyText(live.latency)}\n` +
    `${latenessText(lateness)}\n` +
    `The audio thread had ${priority.kind} priority.${advice}\n` +
    (nodes === "" ? "" : `\n${nodes}`)
  );
}

const count = (number_: number, what: string): string => `${number_} ${what}${number_ === 1 ? "" : "s"}`;

export const milliseconds = (seconds: number): string => `${(seconds * 1000).toFixed(1)} ms`;

/** "Blocks began at most 2.9 ms late, 999 of 1000 within 0.3 ms." */
function latenessText({ blocks, p999, most }: Lateness): string {
  if (blocks === 0) return "No block was taken.";
  return `Blocks began at most ${milliseconds(most)} late, 999 of 1000 within ${milliseconds(p999)}.`;
}

/** "Heard 29.3 ms after it was made: 10.7 ms in the ring, 18.6 ms in the device." */
function latencyText({ ready, device, graph, total }: PlayLatency): string {
  const parts = [`${milliseconds(ready)} in the ring`, `${milliseconds(device)} in the device`];
  if (graph > 0) parts.push(`${milliseconds(graph)} in plugins that look ahead`);
  return `Heard ${milliseconds(total)} after it was made: ${parts.join(", ")}.`;
}
