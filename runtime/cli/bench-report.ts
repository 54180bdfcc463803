// What `belljar bench` prints: tables for people.

import type { Comparison } from "../bench/compare.ts";
import { costsOf, pieceText } from "../bench/costs.ts";
import { machineLine } from "../bench/machine.ts";
import type { Measured } from "../bench/measure.ts";
import type { NodeShares } from "../bench/nodes.ts";
import { type Configuration, describe } from "../bench/player.ts";
import { doubt } from "../bench/ratio.ts";
import type { BenchReport, Measurand, Row } from "../bench/result.ts";
import { microseconds, percentOf, sizeText, thousands } from "../bench/words.ts";
import { printable } from "../../abi/error.ts";
import { type Colour, type Column, painter, table } from "./table.ts";

/** Where rounds differ by more, a line says so. */
const BUSY = 1.25;

export function benchText(report: BenchReport): string {
  const { subject, other, rows } = report;
  const [first] = rows;
  const parts: string[] = [];
  const rounds = first?.measured.rounds ?? 0;
  const heading = painter(process.stdout)("bold", subject.name);
  parts.push(
    `${heading}: ${pieceText(report)}, ${rounds} times on fresh instances\n` +
      `${machineLine(report.machine)}\n`,
  );
  if (other !== null) parts.push(ratioTable(rows, other));
  parts.push(timeTable(rows, other === null ? "" : subject.name, (row) => row.measured));
  if (other !== null) parts.push(timeTable(rows, other.name, (row) => row.other as Measured));
  parts.push(floorLine(rows));
  parts.push(unitTable(rows, other !== null));
  for (const row of rows) if (row.shares !== null) parts.push(nodeTable(row, row.shares, rows.length > 1));
  parts.push(costOfHaving(report));
  return parts.filter((part) => part !== "").join("\n");
}

/** The columns that say which configuration a row is. */
function keys(rows: readonly Row[]): { columns: Column[]; cells: (row: Configuration) => string[] } {
  const voices = rows.some((row) => row.voices !== null);
  return {
    columns: [
      { title: "RATE", right: true },
      { title: "BLOCK", right: true },
      ...(voices ? [{ title: "VOICES", right: true }] : []),
    ],
    cells: (row) => [
      String(row.rate),
      String(row.block),
      ...(voices ? [row.voices === null ? "–" : String(row.voices)] : []),
    ],
  };
}

const right = (title: string): Column => ({ title, right: true });
const dim = (cell: string, row: number): string => (row < 0 ? painter(process.stdout)("dim", cell) : cell);

function timeTable(rows: readonly Row[], whose: string, pick: (row: Row) => Measured): string {
  const { columns, cells } = keys(rows);
  const all = [
    ...columns,
    ...["MIN", "P50", "P99", "P99.9", "MAX", "PEAK", "FIRST"].map(right),
    right("LOAD"),
    right("SPEED"),
  ];
  const body = rows.map((row) => {
    const { times, peak, first, share, timesRealTime } = pick(row);
    return [
      ...cells(row),
      ...[times.minimum, times.p50, times.p99, times.p999, times.maximum, peak, first.median].map(
        microseconds,
      ),
      percentOf(share.p99),
      `${thousands(timesRealTime, timesRealTime < 10 ? 1 : 0)} ×`,
    ];
  });
  const busy = rows.filter((row) => pick(row).spread > BUSY);
  const [worst] = [...busy].sort((a, b) => pick(b).spread - pick(a).spread);
  const note =
    worst === undefined
      ? ""
      : `The machine was busy: at ${describe(worst)}, the slowest round took ${pick(worst).spread.toFixed(1)} times as long as the fastest.\n`;
  return `${whose === "" ? "" : `${whose}\n`}${table(all, body, dim)}${note}`;
}

function floorLine(rows: readonly Row[]): string {
  const floors = rows.map((row) => row.measured.floor.p50).sort((a, b) => a - b);
  const floor = floors[floors.length >> 1] ?? 0;
  return (
    "Microseconds a block. PEAK: the most expensive block, each taken at its best of all rounds. FIRST: of a fresh\n" +
    "instance. LOAD: P99's part of the deadline, which is a block's length. SPEED: times real time.\n" +
    `An empty plugin takes ${microseconds(floor)} (P50): the clock, the call, the check of what comes out.\n`
  );
}

function unitTable(rows: readonly Row[], both: boolean): string {
  const { columns, cells } = keys(rows);
  const all = [
    ...columns,
    right("UNITS A BLOCK"),
    right("AT MOST"),
    right("A SAMPLE"),
    ...(both ? ["OTHER: A BLOCK", "AT MOST", "A SAMPLE"].map(right) : []),
  ];
  const figures = ({ units }: Measured): string[] => [
    thousands(units.block, 1),
    thousands(units.mostInBlock),
    thousands(units.sample, 2),
  ];
  const body = rows.map((row) => [
    ...cells(row),
    ...figures(row.measured),
    ...(row.other === null ? [] : figures(row.other)),
  ]);
  const unsteady = rows.filter((row) => !row.measured.units.repeats || row.other?.units.repeats === false);
  const note =
    unsteady.length === 0
      ? "Units were the same in every round, block by block, and are on every machine.\n"
      : `Units were NOT the same in every round at ${unsteady.map(describe).join("; ")}: please report it.\n`;
  return `${table(all, body, dim)}${note}`;
}

const COLOURS: Record<Comparison["verdict"], Colour> = {
  faster: "green",
  slower: "red",
  "no difference": "dim",
  "too noisy to tell": "yellow",
};

function ratioTable(rows: readonly Row[], other: Measurand): string {
  const paint = painter(process.stdout);
  const { columns, cells } = keys(rows);
  const all = [
    ...columns,
    right("TIME"),
    right("95 %"),
    right("ITSELF"),
    right("UNITS"),
    { title: "IT IS" },
    { title: "SOUND" },
  ];
  const compared = rows.map((row) => row.comparison as Comparison);
  const body = rows.map((row, i) => {
    const { time, control, units, verdict, sound } = compared[i] as Comparison;
    return [
      ...cells(row),
      time.ratio.toFixed(3),
      `${time.low.toFixed(3)} to ${time.high.toFixed(3)}`,
      control.ratio.toFixed(3),
      units.ratio === 1 ? "1, exactly" : units.ratio.toFixed(4),
      verdict,
      sound.kind === "same"
        ? "the same"
        : sound.kind === "different"
          ? `differs from ${sound.seconds.toFixed(3)} s on, by ${(20 * Math.log10(sound.largest)).toFixed(0)} dB`
          : "other ports",
    ];
  });
  const last = all.length - 2;
  const text = table(all, body, (cell, row, column) => {
    if (row < 0) return paint("dim", cell);
    return column === last ? paint(COLOURS[(compared[row] as Comparison).verdict], cell) : cell;
  });
  const most = Math.max(...compared.map(({ control }) => doubt(control)));
  const rounds = Math.min(...compared.map((one) => one.rounds));
  return (
    `Its time over that of ${other.name}, in turns, ${rounds} rounds\n${text}` +
    `ITSELF: over its own time in the same turns; two equal things seemed to differ by up to ${percentOf(most - 1)}.\n`
  );
}

function nodeTable(row: Row, { nodes, rest }: NodeShares, several: boolean): string {
  const body = nodes.map((node) => [
    printable(node.id, 40),
    printable(node.type.replace(/^.*[\\/]/, ""), 40),
    microseconds(node.block),
    percentOf(node.share),
    node.mostUnits > 0 ? thousands(node.units, 1) : "–",
    node.mostUnits > 0 ? thousands(node.mostUnits) : "–",
    percentOf(node.called, 0),
    node.memory > 0 ? sizeText(node.memory) : "–",
  ]);
  body.push(["", "wires and mixing", microseconds(rest.block), percentOf(rest.share), "–", "–", "–", "–"]);
  const columns = [
    { title: "NODE" },
    { title: "PLUGIN", most: 40 },
    ...["TIME", "SHARE", "UNITS A BLOCK", "AT MOST", "AWAKE", "MEMORY"].map(right),
  ];
  return (several ? `At ${describe(row)}\n` : "") + table(columns, body, dim);
}

/** Loading, instances, memory: a column for each of the two. */
function costOfHaving(report: BenchReport): string {
  const all = report.other === null ? [report.subject] : [report.subject, report.other];
  const columns = [{ title: "TO HAVE IT" }, ...all.map((one) => right(one.short))];
  const rows = costsOf(all, report.rows).map(({ what, values }) => [what, ...values]);
  return table(columns, rows, dim);
}
