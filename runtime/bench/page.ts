// The page of `belljar bench --html`: one file that needs no other. It has no script and may load nothing, by its own word to
// the browser; names in it are strangers' texts.

import { escapeXml as safe } from "../engine/picture.ts";
import type { Comparison } from "./compare.ts";
import { costsOf, pieceText } from "./costs.ts";
import { machineLine } from "./machine.ts";
import type { Measured } from "./measure.ts";
import type { NodeShares } from "./nodes.ts";
import { histogramSvg, timeLineSvg, WIDTHS } from "./page-charts.ts";
import { STYLE } from "./page-style.ts";
import { type Configuration, describe } from "./player.ts";
import { doubt } from "./ratio.ts";
import type { BenchReport, Measurand, Row } from "./result.ts";
import { duration, microseconds, percentOf, sizeText, thousands } from "./words.ts";

/** Nothing is loaded, nothing is run, nothing is sent. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The whole page. The same report makes the same page. */
export function renderPage(report: BenchReport): string {
  const { subject, other, rows } = report;
  const title = other === null ? subject.name : `${subject.name} against ${other.name}`;
  const [first] = rows;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${safe(title)}: what it costs</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${safe(subject.name)}</h1>
<p>What it costs${other === null ? "" : `, against ${safe(other.name)}`}: ${safe(pieceText(report))}, played ${first?.measured.rounds ?? 0} times, each time on a fresh instance.</p>
<p class="quiet">${safe(machineLine(report.machine))}</p>
${first === undefined ? "" : tiles(first, rows.length > 1)}
${other === null ? "" : ratios(rows, other.name)}
${other === null ? timeTable("Block times", rows, (row) => row.measured) : ""}
${other === null ? "" : timeTable(`Block times: ${safe(subject.name)}`, rows, (row) => row.measured)}
${other === null ? "" : timeTable(`Block times: ${safe(other.name)}`, rows, (row) => row.other as Measured)}
${unitTable(report)}
${rows.map((row) => details(row, report)).join("\n")}
${costs(report)}
${report.warnings.length === 0 ? "" : `<h2>To be noted</h2>${report.warnings.map((one) => `<p>${safe(one)}</p>`).join("")}`}
<footer>
<h2>How this was measured</h2>
<p>In a process of its own in which V8 optimises before the first block, without a deadline. Times hold for this machine at that
moment; units are the same on every machine and in every run. <b>Peak</b> is the most expensive block of the piece, each block taken at its best of
all rounds: what is left is the plugin's own. <b>Deadline</b> is the length of a block. An <b>empty plugin</b>
was played in the same rounds: what it takes is the clock, the call and the check of what comes out, and is part of all times here.</p>
</footer>
</main>
</body>
</html>
`;
}

/** The figures that one looks for first. */
function tiles({ measured, ...configuration }: Row, several: boolean): string {
  const { times, share, timesRealTime, units } = measured;
  const of = several ? `<p class="quiet">At ${describe(configuration)}:</p>` : "";
  const tile = (name: string, value: string, more: string): string =>
    `<div><dt>${name}</dt><dd>${value}<small>${more}</small></dd></div>`;
  return `${of}<dl class="tiles">
${tile("Median block", duration(times.p50), `P99 ${duration(times.p99)}`)}
${tile("Of the deadline", percentOf(share.p99), "at P99")}
${tile("Speed", `${thousands(timesRealTime, timesRealTime < 10 ? 1 : 0)} ×`, "real time")}
${tile("Units a block", thousands(units.block), `${thousands(units.mostInBlock)} at most`)}
</dl>`;
}

interface Head {
  title: string;
  left?: boolean;
}

/** Cells are HTML. */
function tableOf(heads: readonly Head[], body: readonly (readonly string[])[]): string {
  const head = heads.map(({ title, left }) => `<th${left ? ' class="left"' : ""}>${title}</th>`).join("");
  const lines = body.map(
    (row) =>
      `<tr>${row.map((cell, i) => (cell.startsWith("<td") ? cell : `<td${heads[i]?.left ? ' class="left"' : ""}>${cell}</td>`)).join("")}</tr>`,
  );
  return `<div class="card scroll"><table><thead><tr>${head}</tr></thead><tbody>${lines.join("")}</tbody></table></div>`;
}

function keyHeads(rows: readonly Row[]): { heads: Head[]; cells: (row: Configuration) => string[] } {
  const voices = rows.some((row) => row.voices !== null);
  return {
    heads: [{ title: "Rate", left: true }, { title: "Block" }, ...(voices ? [{ title: "Voices" }] : [])],
    cells: (row) => [`${row.rate} Hz`, String(row.block), ...(voices ? [String(row.voices ?? "–")] : [])],
  };
}

function timeTable(title: string, rows: readonly Row[], pick: (row: Row) => Measured): string {
  const { heads, cells } = keyHeads(rows);
  const names = ["Min", "P50", "P99", "P99.9", "Max", "Peak", "First", "Of deadline", "× real time"];
  const body = rows.map((row) => {
    const { times, peak, first, share, timesRealTime } = pick(row);
    const figures = [times.minimum, times.p50, times.p99, times.p999, times.maximum, peak, first.median];
    return [
      ...cells(row),
      ...figures.map(microseconds),
      percentOf(share.p99),
      thousands(timesRealTime, timesRealTime < 10 ? 1 : 0),
    ];
  });
  return `<h2>${title}</h2>
${tableOf([...heads, ...names.map((name) => ({ title: name }))], body)}
<p class="quiet">Microseconds a block; of the deadline at P99.</p>`;
}

function unitTable({ rows, subject, other }: BenchReport): string {
  const { heads, cells } = keyHeads(rows);
  const figures = ({ units }: Measured): string[] => [
    thousands(units.block, 1),
    thousands(units.mostInBlock),
    thousands(units.sample, 2),
  ];
  const which = other === null ? [] : [{ title: "Plugin", left: true }];
  const line = (row: Row, { short }: Measurand, measured: Measured): string[] => [
    ...cells(row),
    ...(other === null ? [] : [`<td class="name">${safe(short)}</td>`]),
    ...figures(measured),
  ];
  const body = rows.flatMap((row) => [
    line(row, subject, row.measured),
    ...(row.other === null || other === null ? [] : [line(row, other, row.other)]),
  ]);
  const repeats = rows.every((row) => row.measured.units.repeats && row.other?.units.repeats !== false);
  return `<h2>Units</h2>
${tableOf([...heads, ...which, ...["A block", "At most", "A sample"].map((title) => ({ title }))], body)}
<p class="quiet">${repeats ? "The same in every round, block by block, and on every machine." : "They were NOT the same in every round: please report it."}</p>`;
}

const CLASSES: Record<Comparison["verdict"], string> = {
  faster: "faster",
  slower: "slower",
  "no difference": "quiet",
  "too noisy to tell": "noisy",
};

function ratios(rows: readonly Row[], name: string): string {
  const { heads, cells } = keyHeads(rows);
  const compared = rows.map((row) => row.comparison as Comparison);
  const body = rows.map((row, i) => {
    const { time, control, units, verdict, sound } = compared[i] as Comparison;
    return [
      ...cells(row),
      `<td class="left"><span class="${CLASSES[verdict]}">${verdict}</span></td>`,
      time.ratio.toFixed(3),
      `${time.low.toFixed(3)} to ${time.high.toFixed(3)}`,
      control.ratio.toFixed(3),
      units.ratio === 1 ? "1, exactly" : units.ratio.toFixed(4),
      `<td class="left">${sound.kind === "same" ? "the same" : sound.kind === "different" ? `differs from ${sound.seconds.toFixed(3)} s on` : "other ports"}</td>`,
    ];
  });
  const more: Head[] = [
    { title: "It is", left: true },
    { title: "Time" },
    { title: "95 %" },
    { title: "Itself" },
    { title: "Units" },
    { title: "Sound", left: true },
  ];
  const most = Math.max(...compared.map(({ control }) => doubt(control)));
  const drawings = WIDTHS.map(
    ({ name: size, width }) => `<div class="${size}">${ratioSvg(rows, compared, width)}</div>`,
  );
  return `<h2>Against ${safe(name)}</h2>
<div class="card"><figure>${drawings.join("")}
<figcaption>Its time over the other one's, with 95 % intervals; the band is how far two equal things seemed to differ here.</figcaption></figure></div>
${tableOf([...heads, ...more], body)}
<p class="quiet">Played in turns. Itself: its time over its own in the same turns; two equal things seemed to differ by up to ${percentOf(most - 1)}.</p>`;
}

/** A point and an interval for each configuration, about 1. */
function ratioSvg(rows: readonly Row[], compared: readonly Comparison[], width: number): string {
  const left = width > 500 ? 210 : 20;
  const right = 64;
  const step = width > 500 ? 30 : 46;
  const height = rows.length * step + 34;
  const most = Math.max(...compared.map(({ control }) => doubt(control)));
  const low = Math.min(...compared.map(({ time }) => time.low), 1 / most) * 0.985;
  const high = Math.max(...compared.map(({ time }) => time.high), most) * 1.015;
  const x = (value: number): string =>
    (
      left +
      ((Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low))) * (width - left - right)
    ).toFixed(1);
  const bottom = rows.length * step + 6;
  const parts = [
    `<rect class="control" x="${x(1 / most)}" y="0" width="${(Number(x(most)) - Number(x(1 / most))).toFixed(1)}" height="${bottom}"/>`,
    `<line class="one" x1="${x(1)}" y1="0" x2="${x(1)}" y2="${bottom}"/>`,
    `<text class="tick" x="${x(1)}" y="${bottom + 18}" text-anchor="middle">1: equal</text>`,
  ];
  rows.forEach((row, i) => {
    const { time } = compared[i] as Comparison;
    const y = i * step + step / 2 + (width > 500 ? 4 : 12);
    const label = describe(row);
    parts.push(
      width > 500
        ? `<text class="tick" x="0" y="${y + 4}">${label}</text>`
        : `<text class="tick" x="0" y="${y - 14}">${label}</text>`,
      `<line class="whisker" x1="${x(time.low)}" y1="${y}" x2="${x(time.high)}" y2="${y}"/>`,
      `<circle class="point" cx="${x(time.ratio)}" cy="${y}" r="5"/>`,
      `<text class="note mark-note" x="${Number(x(time.high)) + 9}" y="${y + 4}">${time.ratio.toFixed(3)}</text>`,
    );
  });
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Ratios of times">${parts.join("")}</svg>`;
}

/** The drawings of one configuration, and the shares of nodes. */
function details(row: Row, { subject, other }: BenchReport): string {
  const label = safe(describe(row));
  const drawn = (
    measured: Measured,
    className: string,
    name: string,
  ): string => `<div class="card ${className}">
<h3>${name === "" ? "How often a block took how long" : `${name}: how often a block took how long`}</h3>
<figure class="histogram">${both((width) => histogramSvg(measured, width, label))}
<figcaption>Both axes are logarithmic. All ${thousands(measured.times.blocks)} blocks of ${measured.rounds} rounds but the first of each.</figcaption></figure>
<h3>${name === "" ? "Along the piece" : `${name}: along the piece`}</h3>
<figure class="timeline">${both((width) => timeLineSvg(measured, width, label))}
<figcaption><i></i>at its best of all rounds: the plugin &ensp; <i class="dot"></i>worst of all rounds: the machine, too</figcaption></figure>
</div>`;
  return `<section><h2>${label}</h2>
${drawn(row.measured, "first", other === null ? "" : safe(subject.name))}
${row.other === null || other === null ? "" : drawn(row.other, "other", safe(other.name))}
${row.shares === null ? "" : nodeTable(row.shares)}
</section>`;
}

function both(draw: (width: number) => string): string {
  return WIDTHS.map(({ name, width }) => `<div class="${name}">${draw(width)}</div>`).join("");
}

function nodeTable({ nodes, rest }: NodeShares): string {
  const most = Math.max(rest.share, ...nodes.map(({ share }) => share)) || 1;
  const bar = (share: number): string =>
    `<td class="share"><i style="width:${((share / most) * 100).toFixed(1)}%"></i></td>`;
  const name = (text: string): string => `<td class="name">${safe(text)}</td>`;
  const body = nodes.map((node) => [
    name(node.id),
    name(node.type.replace(/^.*[\\/]/, "")),
    bar(node.share),
    percentOf(node.share),
    microseconds(node.block),
    node.mostUnits > 0 ? thousands(node.units, 1) : "–",
    node.mostUnits > 0 ? thousands(node.mostUnits) : "–",
    percentOf(node.called, 0),
    node.memory > 0 ? sizeText(node.memory) : "–",
  ]);
  body.push([
    "",
    name("wires and mixing"),
    bar(rest.share),
    percentOf(rest.share),
    microseconds(rest.block),
    "–",
    "–",
    "–",
    "–",
  ]);
  const heads: Head[] = [
    { title: "Node", left: true },
    { title: "Plugin", left: true },
    { title: "Share of the time", left: true },
    { title: "" },
    ...["µs a block", "Units a block", "At most", "Awake", "Memory"].map((title) => ({ title })),
  ];
  return `<h3>Nodes</h3>${tableOf(heads, body)}`;
}

function costs(report: BenchReport): string {
  const all = report.other === null ? [report.subject] : [report.subject, report.other];
  const heads: Head[] = [{ title: "", left: true }, ...all.map((one) => ({ title: safe(one.short) }))];
  const body = costsOf(all, report.rows).map(({ what, values }) => [
    `<td class="name${what.startsWith(" ") ? " sub" : ""}">${safe(what.trim())}</td>`,
    ...values.map(safe),
  ]);
  return `<h2>To have it</h2>${tableOf(heads, body)}`;
}
