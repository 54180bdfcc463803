// What a terminal shows while a session plays: a meter for each node, and a line about the whole.

import { printable } from "../../abi/error.ts";
import type { LiveFigures, LiveMeter } from "../engine/live/live-session.ts";
import type { SessionNode } from "../engine/session.ts";
import { decibels } from "./node-table.ts";
import { clock } from "./progress.ts";
import { type Colour, table } from "./table.ts";

/** What has become of a plugin so far. */
export interface NodeStory {
  faultCount: number;
  replacements: number;
  /** Of its last fault: the kind, and the second of the sound. */
  kind: string;
  seconds: number;
}

export interface LiveRow {
  node: SessionNode;
  meter: LiveMeter;
  story: NodeStory;
  /** Share of a block's time, on average. */
  load: number;
}

export interface LiveView {
  rows: readonly LiveRow[];
  figures: LiveFigures;
  underruns: number;
  /** Seconds; null: nothing in it ends. */
  length: number | null;
}

/** Where it is shown: columns and rows of the terminal. */
export interface Frame {
  columns: number;
  rows: number;
}

/** A terminal that is smaller shows one line. */
const LEAST: Frame = { columns: 64, rows: 8 };
/** Lines that are left to what is printed above. */
const ABOVE = 3;
/** Columns and decibels of a meter. */
const BAR = 24;
const RANGE = 60;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/** From which column on a meter is yellow and red: -12 and -3 dBFS. */
const YELLOW = (BAR * (RANGE - 12)) / RANGE;
const RED = (BAR * (RANGE - 3)) / RANGE;

export const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;

/** Nodes that make sound, or could have stopped. */
const isShown = ({ node }: LiveRow): boolean => node.type !== "track_source" && node.type !== "event_input";

/** One line where there is no room for more; each is narrower than the terminal. */
export function liveLines(
  view: LiveView,
  frame: Frame,
  paint: (colour: Colour, text: string) => string,
): string[] {
  const { figures, underruns, length } = view;
  const of = length === null ? "" : figures.seconds > length ? ", ringing out" : ` of ${clock(length)}`;
  const place = `${clock(figures.seconds)}${of}`;
  const work = `load ${percent(figures.meanLoad)} (most ${percent(figures.worstLoad)})  late ${figures.late}  underruns ${underruns}`;
  const shown = view.rows.filter(isShown);
  if (frame.columns < LEAST.columns || frame.rows < LEAST.rows || shown.length < 2) {
    const master = view.rows.find(({ node }) => node.type === "master")?.meter.level ?? figures.peak;
    return [`${place}  ${bar(master, 10).padEnd(10)} ${decibels(master).padStart(9)}  ${work}`];
  }
  const room = frame.rows - ABOVE - 3;
  const master = shown.filter(({ node }) => node.type === "master");
  const others = shown.filter(({ node }) => node.type !== "master");
  // Those that have stopped are not to be missed.
  const fitting = others.length <= room ? others : pick(others, room - 1);
  const hidden = others.length - fitting.length;
  const rows = [...fitting, ...master];
  const text = table(
    [
      { title: "NODE", most: 24 },
      { title: `LEVEL${" ".repeat(BAR - 5)}`, right: true },
      { title: "PEAK", right: true },
      { title: "LOAD", right: true },
      { title: "" },
    ],
    rows.map(({ node, meter, story, load }) => [
      printable(node.id, 40),
      bar(meter.level, BAR).padEnd(BAR, "·"),
      decibels(meter.mostPeak).padStart(8),
      node.type === "master" ? "" : `${(100 * load).toFixed(1)} %`,
      stateOf(node, meter, story),
    ]),
    (cell, row, column) => {
      if (row < 0) return paint("dim", cell);
      if (column === 1) return paintBar(cell, paint);
      if (column === 4) return paint(rows[row]?.meter.faulty === true ? "red" : "yellow", cell);
      return cell;
    },
    frame.columns - 1,
  );
  const lines = text.trimEnd().split("\n");
  if (hidden > 0) lines.push(paint("dim", `… and ${hidden} more`));
  return [...lines, `${place}  ${work}`.slice(0, frame.columns - 1)];
}

/** As many as there is room for, in their order; those that have stopped before all others. */
function pick(rows: readonly LiveRow[], room: number): LiveRow[] {
  const stopped = rows.filter(({ meter }) => meter.faulty).slice(0, room);
  const others = rows.filter(({ meter }) => !meter.faulty).slice(0, room - stopped.length);
  return rows.filter((row) => stopped.includes(row) || others.includes(row));
}

/** "stopped: deadline", "replaced twice", or nothing where there is nothing to say. */
export function stateOf(node: SessionNode, { faulty }: LiveMeter, story: NodeStory): string {
  const times = story.replacements === 1 ? "once" : `${story.replacements} times`;
  if (!faulty) return story.replacements > 0 ? `replaced ${times}` : "";
  const what = node.whileFaulty === "bypass" ? "bypassed" : "stopped";
  const kind = story.kind === "" ? "" : `: ${story.kind}`;
  return `${what}${kind}${story.replacements > 0 ? `, replaced ${times}` : ""}`;
}

/** -60 to 0 dBFS, in eighths of a column. */
function bar(level: number, columns: number): string {
  const db = level > 0 ? 20 * Math.log10(level) : Number.NEGATIVE_INFINITY;
  const eighths = Math.round(Math.max(0, Math.min(1, (db + RANGE) / RANGE)) * columns * 8);
  return "█".repeat(eighths >> 3) + EIGHTHS[eighths & 7];
}

function paintBar(cell: string, paint: (colour: Colour, text: string) => string): string {
  const full = cell.replace(/·+$/, "");
  return [
    paint("green", full.slice(0, YELLOW)),
    paint("yellow", full.slice(YELLOW, RED)),
    paint("red", full.slice(RED)),
    paint("dim", cell.slice(full.length)),
  ].join("");
}
