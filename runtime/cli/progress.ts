// A progress bar for work that has a length in seconds of sound. It writes to a terminal alone.

import { canRedraw, type Terminal } from "./table.ts";

interface Stream extends Terminal {
  write(text: string): unknown;
}

/** "1:05" or "1:02:03". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** How many times faster than it sounds, in few digits: "0.83", "7.2", "154". */
export function timesRealTime(soundSeconds: number, wallSeconds: number): string {
  if (!(wallSeconds > 0)) return "–";
  const times = soundSeconds / wallSeconds;
  return times < 1 ? times.toFixed(2) : times < 10 ? times.toFixed(1) : times.toFixed(0);
}

const BAR = 20;
const INTERVAL_MS = 100;

export class Progress {
  private readonly stream: Stream;
  private readonly label: string;
  private readonly now: () => number;
  private readonly began: number;
  private drawn = Number.NEGATIVE_INFINITY;
  private visible = false;

  /** @param now milliseconds, for tests */
  constructor(label: string, stream: Stream = process.stderr, now: () => number = () => performance.now()) {
    this.label = label;
    this.stream = stream;
    this.now = now;
    this.began = now();
  }

  /** Tells how far the work is. Cheap enough for every block: it draws ten times a second at most. */
  update(doneSeconds: number, totalSeconds: number): void {
    if (!canRedraw(this.stream)) return;
    const time = this.now();
    if (time - this.drawn < INTERVAL_MS) return;
    this.drawn = time;
    const part = totalSeconds > 0 ? Math.min(1, doneSeconds / totalSeconds) : 0;
    const elapsed = (time - this.began) / 1000;
    const full = Math.round(part * BAR);
    const left = part > 0 ? `${clock((elapsed * (1 - part)) / part)} left` : "";
    const line =
      `${this.label} ${"█".repeat(full)}${"░".repeat(BAR - full)} ${String(Math.floor(part * 100)).padStart(3)} %` +
      `  ${timesRealTime(doneSeconds, elapsed)} × real time  ${left}`;
    const columns = this.stream.columns ?? 80;
    this.stream.write(`\r\x1b[2K${[...line].slice(0, columns - 1).join("")}`);
    this.visible = true;
  }

  /** Writes a line above the bar. */
  print(line: string): void {
    this.end();
    this.stream.write(`${line}\n`);
  }

  /** Wipes the bar; call it whatever the work's end was. */
  end(): void {
    if (this.visible) this.stream.write("\r\x1b[2K");
    this.visible = false;
  }
}
