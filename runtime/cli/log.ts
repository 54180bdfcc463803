// What plugins log: lines for standard error, few enough to be read, and records for a report.

import { printable } from "../../abi/error.ts";

/** By LogLevel. */
const LEVELS = ["error", "warning", "info", "debug"];
/** Characters of a line. */
const LONGEST = 1000;
/** Lines of one plugin that are shown of a second of sound. */
const SHOWN = 20;
/** Records that a report holds. */
const KEPT = 1000;

export interface LogRecord {
  /** The plugin's id, or its node's. */
  from: string;
  level: string;
  /** Safe to print. */
  text: string;
  /** When the line was read: up to a second of sound after it was written. */
  seconds: number;
}

interface Teller {
  second: number;
  shown: number;
  leftOut: number;
}

export class LogLines {
  /** The first thousand lines, for a report. */
  readonly records: LogRecord[] = [];
  /** Lines that are not among them. */
  unrecorded = 0;
  private readonly write: (line: string) => void;
  private readonly tellers = new Map<string, Teller>();

  /** @param write gets each line that is to be shown, without its end */
  constructor(write: (line: string) => void) {
    this.write = write;
  }

  /** @param from whose line it is @param seconds how far the sound is */
  take(from: string, text: string, level: number, seconds: number): void {
    const record = {
      from: printable(from, 80),
      level: LEVELS[level] ?? "debug",
      text: printable(text, LONGEST),
      seconds,
    };
    if (this.records.length < KEPT) this.records.push(record);
    else this.unrecorded++;
    const teller = this.teller(record.from, Math.floor(seconds));
    if (teller.shown === SHOWN) {
      teller.leftOut++;
      return;
    }
    teller.shown++;
    this.write(`${record.from}: [${record.level}] ${record.text}`);
  }

  /** Says what was left out last. */
  end(): void {
    for (const [from, teller] of this.tellers) this.tell(from, teller);
  }

  private teller(from: string, second: number): Teller {
    let teller = this.tellers.get(from);
    if (teller === undefined) {
      teller = { second, shown: 0, leftOut: 0 };
      this.tellers.set(from, teller);
    } else if (teller.second !== second) {
      this.tell(from, teller);
      teller.second = second;
      teller.shown = 0;
    }
    return teller;
  }

  private tell(from: string, teller: Teller): void {
    if (teller.leftOut > 0) {
      this.write(`${from}: ${teller.leftOut} more ${teller.leftOut === 1 ? "line" : "lines"} left out`);
    }
    teller.leftOut = 0;
  }
}
