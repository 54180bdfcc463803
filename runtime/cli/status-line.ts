// One line on a terminal that says what is being done, and goes away again. Elsewhere it writes nothing.

import { type Terminal, width } from "./table.ts";

interface Stream extends Terminal {
  write(text: string): unknown;
}

export class StatusLine {
  private readonly stream: Stream;
  private visible = false;

  constructor(stream: Stream = process.stderr) {
    this.stream = stream;
  }

  /** Plain text, safe to print; cut at the terminal's width. */
  show(text: string): void {
    if (this.stream.isTTY !== true) return;
    const most = (this.stream.columns || 80) - 1;
    const kept = [...text];
    while (kept.length > 0 && width(kept.join("")) > most) kept.pop();
    this.stream.write(`\r\x1b[2K${kept.join("")}`);
    this.visible = true;
  }

  /** Wipes it; call it before anything else is written there. */
  clear(): void {
    if (this.visible) this.stream.write("\r\x1b[2K");
    this.visible = false;
  }
}
