// What the compiler complains of, in the author's words: file, line, column, the line itself.

import { relative } from "node:path";
import { printable } from "../../../abi/error.ts";
import { GLUE } from "./sources.ts";

interface Place {
  start: number;
  end: number;
  source: { normalizedPath: string } | null;
}

/** A message as asc reports it. */
export interface Diagnostic {
  message: string;
  code: number;
  /** 0 pedantic, 1 info, 2 warning, 3 error. */
  category: number;
  range: Place | null;
  relatedRange: Place | null;
}

const CATEGORY_ERROR = 3;
const FILE_NOT_FOUND = 6054;

export function isError(diagnostic: Diagnostic): boolean {
  return diagnostic.category === CATEGORY_ERROR;
}

/** Turns diagnostics into text. */
export class DiagnosticText {
  readonly #folder: string;
  readonly #entry: string;
  readonly #read: (name: string) => string | null;

  /**
   * @param folder that the compiler's paths start from
   * @param entry the author's file, as the compiler names it
   * @param read the compiler's source reader
   */
  constructor(folder: string, entry: string, read: (name: string) => string | null) {
    this.#folder = folder;
    this.#entry = entry;
    this.#read = read;
  }

  /** One message: "plugin.ts:12:5 error AS100: …", then the line and a mark below it. */
  format(diagnostic: Diagnostic): string {
    const kind = isError(diagnostic) ? "error" : diagnostic.category === 2 ? "warning" : "note";
    // the compiler's own numbers begin at 100, TypeScript's at 1000
    const code = `${diagnostic.code < 1000 ? "AS" : "TS"}${diagnostic.code}`;
    if (this.#isGlue(diagnostic.range))
      return `${this.#shown(this.#entry)}: ${kind}: ${this.#ofGlue(diagnostic)}`;
    const head = `${kind} ${code}: ${printable(plain(diagnostic), 1000)}`;
    const place = this.#place(diagnostic.range);
    const related = this.#isGlue(diagnostic.relatedRange) ? null : this.#place(diagnostic.relatedRange);
    const lines = [place === null ? head : `${place.at} ${head}`];
    if (place) lines.push(...place.excerpt);
    if (related) lines.push(`  see ${related.at}`, ...related.excerpt);
    return lines.join("\n");
  }

  /** Whether it speaks of the glue again: the first such message says it all. */
  isRepetition(diagnostic: Diagnostic): boolean {
    const before = this.#glueFailed;
    if (this.#isGlue(diagnostic.range)) this.#glueFailed = true;
    return before && this.#isGlue(diagnostic.range);
  }
  #glueFailed = false;

  #isGlue(range: Place | null): boolean {
    return range?.source?.normalizedPath === GLUE;
  }

  /** The glue is three lines, so it can only fail at what it takes from the author's file. */
  #ofGlue(diagnostic: Diagnostic): string {
    if (/no exported member|has no exported|Module .* has no/.test(diagnostic.message)) {
      return "the plugin's class must be the file's default export: `export default class MyPlugin extends Plugin { … }`";
    }
    if (/abstract/.test(diagnostic.message)) return "the default export must not be abstract";
    if (/File .* not found/.test(diagnostic.message)) return "the file can't be read";
    if (/Expected \d+ arguments/.test(diagnostic.message))
      return "the plugin's constructor must take no arguments";
    return `the default export must be a class that extends Plugin (${printable(plain(diagnostic), 300)})`;
  }

  #place(range: Place | null): { at: string; excerpt: string[] } | null {
    if (!range?.source) return null;
    const path = range.source.normalizedPath;
    const text = this.#textOf(path);
    if (text === null) return { at: this.#shown(path), excerpt: [] };
    const before = text.slice(0, range.start).split("\n");
    const column = (before[before.length - 1] as string).length;
    const line = (text.split("\n")[before.length - 1] ?? "").replace(/\r$/, "");
    const width = Math.max(1, Math.min(range.end - range.start, line.length - column));
    const mark = line.slice(0, column).replace(/[^\t]/g, " ") + "~".repeat(width);
    return {
      at: `${this.#shown(path)}:${before.length}:${column + 1}`,
      excerpt:
        line.length > 300
          ? []
          : [`    ${printable(line.replace(/\t/g, "  "), 300)}`, `    ${mark.replace(/\t/g, "  ")}`],
    };
  }

  #textOf(path: string): string | null {
    if (!path.startsWith("~lib/")) return this.#read(path);
    return path.startsWith("~lib/belljar/") ? this.#read(path.replace("~lib/", "node_modules/")) : null;
  }

  /** A path as the author knows it: from the current folder, or "belljar/sdk-as/…". */
  #shown(path: string): string {
    if (path.startsWith("~lib/")) return path.slice("~lib/".length);
    const shown = relative(process.cwd(), `${this.#folder}/${path}`);
    return shown === "" ? path : shown;
  }
}

/** The message without the compiler's own names for places: 'String' for '~lib/string/String'. */
function plain({ code, message }: Diagnostic): string {
  const missing = code === FILE_NOT_FOUND && /^File '(?:~lib\/)?(.+?)(?:\.ts)?' not found/.exec(message);
  if (missing) return `There is no module '${missing[1]}'.`;
  return message.replace(/(?:~lib\/)?(?:[\w.-]+\/)+(?=[A-Za-z_$])/g, "");
}
