// What each plugin of a render did and cost, as a table, and as what the picture draws.

import { printable } from "../../abi/error.ts";
import type { PictureNode } from "../engine/picture.ts";
import type { NodeReport, RenderReport } from "../engine/render.ts";
import type { LiveRow } from "./live-view.ts";
import { clock } from "./progress.ts";
import { painter, type Terminal, table } from "./table.ts";

/** Nodes that are no plugins. */
const PRIMITIVES = ["track_source", "file_source", "event_input", "master"];

/** A row a plugin, then a sentence for each that was stopped. Empty for a session without plugins. */
export function nodeTable(report: RenderReport, stream: Terminal = process.stdout): string {
  if (report.nodes.length === 0) return "";
  const paint = painter(stream);
  const all = totalSeconds(report);
  const rows = report.nodes.map((node) => [
    printable(node.id, 40),
    printable(node.type, 40),
    `${(node.seconds * 1000).toFixed(0)} ms`,
    `${((100 * node.seconds) / all).toFixed(0)} %`,
    node.units > 0 ? Math.round(node.meanUnits).toString() : "–",
    node.units > 0 ? node.mostUnits.toString() : "–",
    decibels(node.peak),
    node.fault === null ? "" : `${node.fault.kind}, at ${clock(node.fault.seconds)}${again(node)}`,
  ]);
  const text = table(
    [
      { title: "NODE" },
      { title: "PLUGIN", most: 40 },
      { title: "TIME", right: true },
      { title: "SHARE", right: true },
      { title: "UNITS A BLOCK", right: true },
      { title: "AT MOST", right: true },
      { title: "PEAK", right: true },
      { title: "STOPPED BY" },
    ],
    rows,
    (cell, row, column) => (row < 0 ? paint("dim", cell) : column === 7 ? paint("red", cell) : cell),
    stream.isTTY === true ? stream.columns : undefined,
  );
  const faults = report.nodes.flatMap((node) => {
    const { id, fault } = node;
    return fault === null
      ? []
      : [
          `${printable(id, 40)} stopped at ${fault.seconds.toFixed(3)} s, block ${fault.block}: ${fault.message}${whatFollowed(node)}\n`,
        ];
  });
  return faults.length === 0 ? text : `${text}\n${faults.join("")}`;
}

/** The same for a session that was played live: a row a plugin. Empty for a session without plugins. */
export function liveNodeTable(rows: readonly LiveRow[], stream: Terminal = process.stdout): string {
  const plugins = rows.filter(({ node }) => !PRIMITIVES.includes(node.type));
  if (plugins.length === 0) return "";
  const paint = painter(stream);
  return table(
    [
      { title: "NODE" },
      { title: "PLUGIN", most: 40 },
      { title: "LOAD", right: true },
      { title: "PEAK", right: true },
      { title: "STOPPED BY" },
    ],
    plugins.map(({ node, meter, story, load }) => [
      printable(node.id, 40),
      printable(node.type, 40),
      `${(100 * load).toFixed(1)} %`,
      decibels(meter.mostPeak),
      story.faultCount === 0
        ? ""
        : `${story.kind}, at ${clock(story.seconds)}${again({ ...story, state: meter.faulty ? "off" : "on" })}`,
    ]),
    (cell, row, column) => (row < 0 ? paint("dim", cell) : column === 4 ? paint("red", cell) : cell),
    stream.isTTY === true ? stream.columns : undefined,
  );
}

/** Of a node that stopped more than once. */
function again({
  faultCount,
  replacements,
  state,
}: Pick<NodeReport, "faultCount" | "replacements" | "state">): string {
  const times = faultCount > 1 ? `, ${faultCount} times` : "";
  return replacements === 0 ? times : `${times}, ${state === "on" ? "back" : "off"}`;
}

function whatFollowed({ replacements, state, whyOff }: NodeReport): string {
  const times = replacements === 1 ? "once" : `${replacements} times`;
  const back = replacements === 0 ? "" : ` It was replaced ${times}.`;
  return state !== "off" || whyOff === "" ? back : `${back} It stays off: ${whyOff}.`;
}

/** "-6.0 dB", or "silent". */
export function decibels(peak: number): string {
  return peak > 0 ? `${(20 * Math.log10(peak)).toFixed(1)} dB` : "silent";
}

export function pictureNodes(report: RenderReport): PictureNode[] {
  const all = totalSeconds(report);
  return report.nodes.map((node: NodeReport) => ({
    id: node.id,
    type: node.type.replace(/^.*[\\/]/, ""),
    unitsPerBlock: node.meanUnits,
    timeShare: node.seconds / all,
    peak: node.peak,
    fault: node.fault,
  }));
}

/** Never 0, so that it may divide. */
function totalSeconds(report: RenderReport): number {
  return report.nodes.reduce((sum, node) => sum + node.seconds, 0) || 1;
}
