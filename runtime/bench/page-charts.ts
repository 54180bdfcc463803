// The drawings of the page: a histogram of block times, and the block times along the piece. SVG without scripts, in
// two widths, of which the page's style shows one.

import type { Measured } from "./measure.ts";
import { duration, thousands } from "./words.ts";

/** Wide screens, and telephones. */
export const WIDTHS = [
  { name: "wide", width: 920 },
  { name: "narrow", width: 360 },
] as const;

const LEFT = 52;
const RIGHT = 14;
/** Pixels that the words beside a mark may need. */
const WORDS = 130;
/** How many times as long as an empty plugin the fastest block may take for that one to be shown beside it. */
const NEAR = 10;

interface Frame {
  width: number;
  top: number;
  bottom: number;
}

const n = (value: number): string => String(Number(value.toFixed(1)));

function text(x: number, y: number, words: string, className: string, anchor = "start"): string {
  return `<text x="${n(x)}" y="${n(y)}" class="${className}" text-anchor="${anchor}">${words}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, className: string): string {
  return `<line x1="${n(x1)}" y1="${n(y1)}" x2="${n(x2)}" y2="${n(y2)}" class="${className}"/>`;
}

/** A function from values to places, and the values that deserve a mark: 1, 2 and 5 of each decade, or 1 alone. */
function logScale(
  from: number,
  to: number,
  start: number,
  end: number,
): { at: (v: number) => number; ticks: number[] } {
  const low = Math.log(from);
  const span = Math.log(to) - low || 1;
  const at = (value: number): number => start + ((Math.log(value) - low) / span) * (end - start);
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(from)); 10 ** power <= to; power++) {
    for (const step of [1, 2, 5]) {
      const value = step * 10 ** power;
      if (value >= from * 0.999 && value <= to * 1.001) all.push(value);
    }
  }
  const room = Math.abs(end - start) / 46;
  const decades = all.filter((value) => Math.abs(Math.log10(value) % 1) < 1e-9);
  return {
    at,
    ticks: all.length <= room ? all : decades.length >= 2 ? decades : all.filter((_, i) => i % 2 === 0),
  };
}

/** How often a block took how long. */
export function histogramSvg({ histogram, times, floor }: Measured, width: number, label: string): string {
  const { edges, counts, beyond, largest } = histogram;
  if (edges.length < 2) return "";
  const frame: Frame = { width, top: 64, bottom: 236 };
  const height = 278;
  // A heavy plugin's picture would be half empty for a mark that says nothing.
  const near = floor.p50 > (edges[0] as number) / NEAR;
  const first = (near ? Math.min(edges[0] as number, floor.p50) : (edges[0] as number)) * 0.94;
  const last = edges[edges.length - 1] as number;
  const x = logScale(first, last, LEFT, width - RIGHT);
  const most = Math.max(...counts, 1);
  // One block must be seen beside ten thousand: the counts are on a logarithmic axis, too.
  const y = logScale(0.6, most * 1.2, frame.bottom, frame.top);
  const parts: string[] = [];
  for (let count = 1; count <= most * 1.2; count *= 10) {
    parts.push(line(LEFT, y.at(count), width - RIGHT, y.at(count), "grid"));
    parts.push(text(LEFT - 8, y.at(count) + 4, thousands(count), "tick", "end"));
  }
  for (const tick of x.ticks) {
    parts.push(line(x.at(tick), frame.bottom, x.at(tick), frame.bottom + 4, "axis"));
    parts.push(text(x.at(tick), frame.bottom + 18, duration(tick), "tick", "middle"));
  }
  counts.forEach((count, i) => {
    if (count === 0) return;
    const from = x.at(edges[i] as number);
    const wide = Math.max(1, x.at(edges[i + 1] as number) - from - 1.5);
    const top = y.at(count);
    const words = `${duration(edges[i] as number)} to ${duration(edges[i + 1] as number)}: ${blocksText(count)}`;
    parts.push(
      `<rect class="bar" x="${n(from)}" y="${n(top)}" width="${n(wide)}" height="${n(frame.bottom - top)}" rx="1"><title>${words}</title></rect>`,
    );
  });
  parts.push(line(LEFT, frame.bottom, width - RIGHT, frame.bottom, "axis"));
  const marks: [string, number, string][] = [
    ...(near ? [["empty plugin", floor.p50, "floor"] as [string, number, string]] : []),
    ["P50", times.p50, "mark"],
    ["P99", times.p99, "mark"],
  ];
  marks.forEach(([name, value, className], row) => {
    if (value > last) return;
    const at = x.at(value);
    const y0 = 14 + row * 16;
    parts.push(line(at, y0 - 9, at, frame.bottom, className));
    // P50's words to its left and P99's to its right, so that no line crosses the other's words; unless there is no room.
    const left = name === "P50" ? at > LEFT + WORDS : at > width - RIGHT - WORDS;
    parts.push(
      text(
        at + (left ? -5 : 5),
        y0,
        `${name} ${duration(value)}`,
        `note ${className}-note`,
        left ? "end" : "start",
      ),
    );
  });
  const tail = beyond === 0 ? "" : ` · ${blocksText(beyond)} beyond, up to ${duration(largest)}`;
  parts.push(text(width - RIGHT, frame.bottom + 36, `time of a block${tail}`, "tick", "end"));
  parts.push(text(LEFT - 8, frame.top - 8, "blocks", "tick", "end"));
  return svg(width, height, `${label}: how often a block took how long`, parts);
}

/** What each part of the piece took. */
export function timeLineSvg(measured: Measured, width: number, label: string): string {
  const { line: along, times, deadline, seconds, blocks } = measured;
  const { best, worst } = along;
  if (best.length === 0) return "";
  const frame: Frame = { width, top: 16, bottom: 232 };
  const height = 274;
  const low = Math.min(...best.filter((value) => value > 0), times.p50) * 0.7;
  const high = Math.max(deadline, ...worst) * 1.35;
  const y = logScale(low, high, frame.bottom, frame.top);
  const total = blocks / along.blocks;
  const x = (point: number): number => LEFT + (point / total) * (width - RIGHT - LEFT);
  const parts: string[] = [];
  for (const tick of y.ticks.filter(
    (value) => Math.abs(Math.log10(value) % 1) < 1e-9 || y.ticks.length < 5,
  )) {
    parts.push(line(LEFT, y.at(tick), width - RIGHT, y.at(tick), "grid"));
    parts.push(text(LEFT - 8, y.at(tick) + 4, duration(tick), "tick", "end"));
  }
  for (const second of secondTicks(seconds, width)) {
    const at = LEFT + (second / seconds) * (width - RIGHT - LEFT);
    parts.push(line(at, frame.bottom, at, frame.bottom + 4, "axis"));
    parts.push(text(at, frame.bottom + 18, `${second} s`, "tick", "middle"));
  }
  const dots = worst
    .map((value, i) => (value > (best[i] as number) * 1.05 ? `M${n(x(i + 0.5))} ${n(y.at(value))}h0` : ""))
    .join("");
  if (dots !== "") parts.push(`<path class="worst" d="${dots}"/>`);
  const points = best.map((value, i) => `${n(x(i + 0.5))} ${n(y.at(Math.max(value, low)))}`);
  parts.push(`<path class="best" d="M${points.join("L")}"/>`);
  parts.push(line(LEFT, y.at(times.p99), width - RIGHT, y.at(times.p99), "mark"));
  parts.push(text(width - RIGHT, y.at(times.p99) - 5, `P99 ${duration(times.p99)}`, "note mark-note", "end"));
  parts.push(line(LEFT, y.at(deadline), width - RIGHT, y.at(deadline), "deadline"));
  parts.push(text(LEFT + 6, y.at(deadline) + 15, `deadline ${duration(deadline)}`, "note deadline-note"));
  parts.push(line(LEFT, frame.bottom, width - RIGHT, frame.bottom, "axis"));
  const each = along.blocks === 1 ? "each block" : `each ${along.blocks} blocks, the most expensive one`;
  parts.push(text(width - RIGHT, frame.bottom + 36, each, "tick", "end"));
  return svg(width, height, `${label}: block times along the piece`, parts);
}

function secondTicks(seconds: number, width: number): number[] {
  const most = width / 90;
  const step =
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200].find((one) => seconds / one <= most) ??
    500;
  const ticks: number[] = [];
  for (let i = 0; i * step <= seconds * 1.0001; i++) ticks.push(Number((i * step).toFixed(3)));
  return ticks;
}

function blocksText(count: number): string {
  return `${thousands(count)} ${count === 1 ? "block" : "blocks"}`;
}

/** @param label safe for an attribute */
function svg(width: number, height: number, label: string, parts: readonly string[]): string {
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${label}">${parts.join("")}</svg>`;
}
