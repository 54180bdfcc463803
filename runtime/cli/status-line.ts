// A line, or a few, at a terminal's bottom that say what is being done, and go away again. Elsewhere they are not written.

import { canRedraw, type Terminal, width } from "./table.ts";

interface Stream extends Terminal {
  write(text: string): unknown;
}

const COLOURS = /\x1b\[\d*m/g;

export class StatusLine {
  private readonly stream: Stream;
  /** Columns of each line that stands there. */
  private widths: number[] = [];

  constructor(stream: Stream = process.stderr) {
    this.stream = stream;
  }

  /** Plain text, safe to print; cut at the terminal's width. */
  show(text: string): void {
    const most = (this.stream.columns || 80) - 1;
    const kept = [...text];
    while (kept.length > 0 && width(kept.join("")) > most) kept.pop();
    this.showLines([kept.join("")]);
  }

  /** Lines that are narrower than the terminal, safe to print; they may have colours. */
  showLines(lines: readonly string[]): void {
    if (!canRedraw(this.stream)) return;
    this.stream.write(`${this.toBegin()}${lines.map((line) => `${line}\x1b[K`).join("\n")}\x1b[J`);
    this.widths = lines.map((line) => width(line.replace(COLOURS, "")));
  }

  /** Wipes it; call it before anything else is written there. */
  clear(): void {
    if (this.widths.length > 0) this.stream.write(`${this.toBegin()}\x1b[J`);
    this.widths = [];
  }

  /** To where the first line begins: a terminal that was made narrower has broken long ones. */
  private toBegin(): string {
    const columns = this.stream.columns || 80;
    const rows = this.widths.reduce((sum, one) => sum + Math.max(1, Math.ceil(one / columns)), 0);
    return rows > 1 ? `\x1b[${rows - 1}A\r` : "\r";
  }
}
