// A render as a picture: its waveform, where nodes were stopped, and what each node cost. One SVG without scripts, styles from elsewhere or links.

import { printable } from "../../abi/error.ts";
import type { ChannelPeaks, WaveformPeaks } from "./waveform-peaks.ts";

export { WaveformPeaks } from "./waveform-peaks.ts";

/** What a node did in a render. Texts may come from strangers. */
export interface PictureNode {
  id: string;
  type: string;
  /** Units of the meter, on average over the blocks that it ran. */
  unitsPerBlock: number;
  /** Its part of the time of all nodes, 0 to 1. */
  timeShare: number;
  /** Highest absolute sample of its outputs, 1 is full scale. */
  peak: number;
  /** When and why it was stopped; null: it ran to the end. */
  fault: { seconds: number; message: string } | null;
}

export interface PictureFacts {
  title: string;
  /** Hz. */
  rate: number;
  waveform: WaveformPeaks;
  nodes: readonly PictureNode[];
}

const WIDTH = 1200;
const MARGIN = 40;
const PLOT_LEFT = 100;
const PLOT_WIDTH = WIDTH - PLOT_LEFT - MARGIN;
const LANE_HEIGHT = 118;
const LANE_GAP = 10;
const ROW_HEIGHT = 34;
const INK = "#1c2430";
const QUIET_INK = "#5b6675";
const RULE = "#d9dee6";
const PEAK_FILL = "#9cc4ea";
const BODY_FILL = "#2f6fae";
const UNITS_FILL = "#4b8f6b";
const TIME_FILL = "#c08a2e";
const FAULT = "#b3261e";

/** Draws it. The same facts make the same text. */
export function renderPicture(facts: PictureFacts): string {
  const { waveform, rate } = facts;
  const seconds = waveform.frames / rate;
  const faults = facts.nodes
    .flatMap((node) => (node.fault ? [{ node, ...node.fault }] : []))
    .sort((a, b) => a.seconds - b.seconds);
  const numbers = new Map(faults.map((fault, i) => [fault.node, i + 1]));
  const parts: string[] = [];

  const badges = placeBadges(faults.map((fault) => timeX(fault.seconds, seconds)));
  const levels = badges.reduce((most, badge) => Math.max(most, badge.level + 1), 0);
  const plotTop = 92 + levels * 20;
  const channels = waveform.channels.slice(0, 8);
  const plotBottom = plotTop + channels.length * (LANE_HEIGHT + LANE_GAP) - LANE_GAP;
  parts.push(heading(facts, seconds));
  parts.push(timeAxis(seconds, plotTop, plotBottom));
  parts.push(lanes(channels, waveform, plotTop));
  parts.push(faultMarks(badges, plotTop, plotBottom));

  const tableTop = plotBottom + 92;
  const nodes = facts.nodes;
  parts.push(nodeTable(nodes, numbers, tableTop));
  let bottom = tableTop + 34 + nodes.length * ROW_HEIGHT;
  if (faults.length > 0) {
    bottom += 38;
    parts.push(label(MARGIN, bottom, "Stopped by the sandbox", { size: 15, weight: 600 }));
    faults.forEach((fault, i) => {
      bottom += 26;
      const when = Number.isFinite(fault.seconds) ? `${fault.seconds.toFixed(3)} s` : "";
      parts.push(badge(MARGIN + 9, bottom - 5, i + 1));
      parts.push(label(MARGIN + 28, bottom, when, { colour: QUIET_INK }));
      parts.push(label(MARGIN + 110, bottom, shorten(fault.node.id, 24), { weight: 600 }));
      parts.push(label(MARGIN + 300, bottom, shorten(fault.message, 118)));
    });
  }
  const height = bottom + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeXml(facts.title)}" font-family="system-ui, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', sans-serif" font-size="13" fill="${INK}">`,
    `<title>${escapeXml(facts.title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function heading(facts: PictureFacts, seconds: number): string {
  const { waveform, rate } = facts;
  const loudest = waveform.channels.reduce((most, channel) => Math.max(most, channel.peak), 0);
  const channels = waveform.channels.length;
  const kind = channels === 1 ? "mono" : channels === 2 ? "stereo" : `${channels} channels`;
  const about = `${clock(seconds)} (${seconds.toFixed(2)} s)  ·  ${rate} Hz  ·  ${kind}  ·  peak ${decibels(loudest)}`;
  return `${label(MARGIN, 46, shorten(facts.title, 90), { size: 22, weight: 600 })}\n${label(MARGIN, 70, about, { colour: QUIET_INK })}`;
}

function lanes(channels: readonly ChannelPeaks[], waveform: WaveformPeaks, top: number): string {
  const loudest = channels.reduce((most, channel) => Math.max(most, channel.peak), 0);
  const scale = scaleFor(loudest);
  const out: string[] = [];
  channels.forEach((channel, i) => {
    const laneTop = top + i * (LANE_HEIGHT + LANE_GAP);
    const middle = laneTop + LANE_HEIGHT / 2;
    const half = LANE_HEIGHT / 2 - 2;
    const y = (value: number): string =>
      (middle - (Math.max(-scale, Math.min(scale, value)) / scale) * half).toFixed(1);
    out.push(
      `<rect x="${PLOT_LEFT}" y="${laneTop}" width="${PLOT_WIDTH}" height="${LANE_HEIGHT}" fill="none" stroke="${RULE}"/>`,
    );
    out.push(`<path d="M${PLOT_LEFT} ${middle}h${PLOT_WIDTH}" stroke="${RULE}"/>`);
    if (waveform.frames > 0) {
      const { high, low, body } = channel.columns(PLOT_WIDTH, waveform.frames);
      const upper = body.map((value, i) => Math.min(value, high[i] as number));
      const lower = body.map((value, i) => Math.max(-value, low[i] as number));
      out.push(shape(high, low, y, PEAK_FILL), shape(upper, lower, y, BODY_FILL));
    }
    for (const [value, at] of [
      [scale, laneTop + 10],
      [0, middle + 4],
      [-scale, laneTop + LANE_HEIGHT - 2],
    ] as const) {
      out.push(label(PLOT_LEFT - 8, at, axisNumber(value), { size: 11, colour: QUIET_INK, anchor: "end" }));
    }
    const name = channels.length === 2 ? ["left", "right"][i] : channels.length === 1 ? "mono" : `${i + 1}`;
    out.push(label(MARGIN, middle + 4, name as string, { colour: QUIET_INK }));
  });
  const bottom = top + channels.length * (LANE_HEIGHT + LANE_GAP) - LANE_GAP;
  const legend = bottom + 46;
  const swatch = (x: number, fill: string, text: string): string =>
    `<rect x="${x}" y="${legend - 10}" width="12" height="12" fill="${fill}"/>${label(x + 18, legend, text, { size: 11, colour: QUIET_INK })}`;
  out.push(
    swatch(PLOT_LEFT, PEAK_FILL, "highest and lowest sample"),
    swatch(PLOT_LEFT + 190, BODY_FILL, "root mean square"),
    label(PLOT_LEFT + 340, legend, "1 is full scale", { size: 11, colour: QUIET_INK }),
  );
  return out.join("\n");
}

/** A closed shape along the upper values and back along the lower ones. Its stroke shows where it has no height. */
function shape(
  high: readonly number[],
  low: readonly number[],
  y: (value: number) => string,
  fill: string,
): string {
  const point = (value: number, i: number): string => `${PLOT_LEFT + i} ${y(value)}`;
  const outline = `M${high.map(point).join("L")}L${low.map(point).reverse().join("L")}Z`;
  return `<path d="${outline}" fill="${fill}" stroke="${fill}" stroke-width="0.75"/>`;
}

function timeAxis(seconds: number, top: number, bottom: number): string {
  const out: string[] = [];
  const steps = [
    0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60,
    120, 300, 600, 1200, 1800, 3600,
  ];
  const step = steps.find((size) => seconds / size <= 14) ?? Math.ceil(seconds / 14 / 3600) * 3600;
  const inMinutes = seconds >= 90;
  const decimals = step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : step >= 0.001 ? 3 : 4;
  for (let i = 0; seconds > 0 && i * step <= seconds; i++) {
    const x = timeX(i * step, seconds).toFixed(1);
    out.push(`<path d="M${x} ${top}V${bottom + 5}" stroke="${RULE}"/>`);
    out.push(
      label(Number(x), bottom + 20, inMinutes ? clock(i * step) : (i * step).toFixed(decimals), {
        size: 11,
        colour: QUIET_INK,
        anchor: "middle",
      }),
    );
  }
  const unit = inMinutes ? "time (minutes:seconds)" : "time (s)";
  out.push(label(PLOT_LEFT + PLOT_WIDTH, bottom + 46, unit, { size: 11, colour: QUIET_INK, anchor: "end" }));
  return out.join("\n");
}

interface BadgePlace {
  x: number;
  level: number;
}

/** Badges that would overlap go one level up. */
function placeBadges(positions: readonly number[]): BadgePlace[] {
  const lastOfLevel: number[] = [];
  return positions.map((x) => {
    let level = lastOfLevel.findIndex((last) => x - last >= 20);
    if (level < 0) level = Math.min(lastOfLevel.length, 5);
    lastOfLevel[level] = x;
    return { x, level };
  });
}

function faultMarks(badges: readonly BadgePlace[], top: number, bottom: number): string {
  return badges
    .map(({ x, level }, i) => {
      const y = top - 12 - level * 20;
      return `<path d="M${x.toFixed(1)} ${y}V${bottom}" stroke="${FAULT}" stroke-dasharray="4 3"/>${badge(x, y, i + 1)}`;
    })
    .join("\n");
}

function nodeTable(
  nodes: readonly PictureNode[],
  numbers: ReadonlyMap<PictureNode, number>,
  top: number,
): string {
  const unitsX = 480;
  const timeX = 830;
  const barWidth = 220;
  const head = { size: 12, colour: QUIET_INK };
  const out = [
    label(MARGIN, top, "Load by node", { size: 15, weight: 600 }),
    label(unitsX - 16, top, "peak", { ...head, anchor: "end" }),
    label(unitsX, top, "units a block (the meter's count of work)", head),
    label(timeX, top, "share of processing time", head),
    `<path d="M${MARGIN} ${top + 12}H${WIDTH - MARGIN}" stroke="${RULE}"/>`,
  ];
  // A node that was stopped may have spent a thousand times more than the others: it must not flatten their bars.
  const sound = nodes.filter((node) => node.fault === null);
  const most = (value: (node: PictureNode) => number): number =>
    (sound.length > 0 ? sound : nodes).reduce((top, node) => Math.max(top, finite(value(node))), 0);
  const mostUnits = most((node) => node.unitsPerBlock);
  const mostTime = most((node) => node.timeShare);
  nodes.forEach((node, i) => {
    const y = top + 34 + i * ROW_HEIGHT;
    const number = numbers.get(node);
    const colour = number === undefined ? INK : FAULT;
    if (number !== undefined) out.push(badge(MARGIN + 9, y - 5, number));
    out.push(
      label(MARGIN + (number === undefined ? 0 : 26), y, shorten(node.id, 22), { weight: 600, colour }),
    );
    out.push(label(MARGIN + 190, y, shorten(node.type, 24), { colour: QUIET_INK }));
    out.push(label(unitsX - 16, y, decibels(node.peak), { anchor: "end" }));
    out.push(
      bar(
        unitsX,
        y,
        barWidth,
        finite(node.unitsPerBlock),
        mostUnits,
        UNITS_FILL,
        compact(finite(node.unitsPerBlock)),
      ),
    );
    out.push(
      bar(
        timeX,
        y,
        barWidth,
        finite(node.timeShare),
        mostTime,
        TIME_FILL,
        `${(finite(node.timeShare) * 100).toFixed(1)} %`,
      ),
    );
  });
  return out.join("\n");
}

/** A bar with its number; one that leaves its scale ends in a point. */
function bar(
  x: number,
  y: number,
  width: number,
  value: number,
  most: number,
  fill: string,
  text: string,
): string {
  const over = value > most;
  const length = most > 0 ? Math.max(value > 0 ? 1 : 0, Math.min(1, value / most) * width) : 0;
  const shape = over
    ? `<path d="M${x} ${y - 13}h${width}l10 9l-10 9H${x}Z" fill="${fill}"/>`
    : `<rect x="${x}" y="${y - 13}" width="${length.toFixed(1)}" height="18" rx="2" fill="${fill}"/>`;
  return `${shape}${label(x + length + (over ? 16 : 8), y + 1, text, { size: 12 })}`;
}

function badge(x: number, y: number, number: number): string {
  const text = label(x, y + 4, `${number}`, { size: 11, weight: 600, colour: "#ffffff", anchor: "middle" });
  return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="9" fill="${FAULT}"/>${text}`;
}

interface LabelStyle {
  size?: number;
  weight?: number;
  colour?: string;
  anchor?: "middle" | "end";
}

function label(x: number, y: number, text: string, style: LabelStyle = {}): string {
  const size = style.size ? ` font-size="${style.size}"` : "";
  const weight = style.weight ? ` font-weight="${style.weight}"` : "";
  const colour = style.colour ? ` fill="${style.colour}"` : "";
  const anchor = style.anchor ? ` text-anchor="${style.anchor}"` : "";
  return `<text x="${Number(x.toFixed(1))}" y="${Number(y.toFixed(1))}"${size}${weight}${colour}${anchor}>${escapeXml(text)}</text>`;
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text from a stranger, for the text and the attributes of SVG and HTML. */
export function escapeXml(text: string): string {
  return printable(text, 300).replace(/[&<>"']/g, (c) => ENTITIES[c] as string);
}

function shorten(text: string, most: number): string {
  const characters = [...printable(text, 1000)];
  return characters.length <= most ? characters.join("") : `${characters.slice(0, most - 1).join("")}…`;
}

function timeX(at: number, seconds: number): number {
  const part = seconds > 0 && Number.isFinite(at) ? Math.max(0, Math.min(1, at / seconds)) : 0;
  return PLOT_LEFT + part * PLOT_WIDTH;
}

function finite(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0;
}

/** The smallest scale that holds the peak. */
function scaleFor(peak: number): number {
  return [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100].find((scale) => peak <= scale) ?? 1000;
}

function axisNumber(value: number): string {
  return value > 0 ? `+${value}` : value < 0 ? `−${-value}` : "0";
}

function decibels(peak: number): string {
  if (!Number.isFinite(peak)) return "not a number";
  if (peak <= 0) return "silent";
  const db = (20 * Math.log10(peak)).toFixed(1);
  return `${db.replace(/^-0\.0$/, "0.0").replace("-", "−")} dBFS`;
}

function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (n: number): string => String(n).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** 1234567 is "1.23 M". */
function compact(n: number): string {
  for (const [size, unit] of [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (n >= size * 0.9995) return `${(n / size).toPrecision(3)} ${unit}`;
  }
  return String(Math.round(n));
}
