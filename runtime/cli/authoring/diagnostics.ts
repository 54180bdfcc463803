// What the compiler complains of, in the author's words: file, line, column, the line itself.

import { relative } from "node:path";
import { printable } from "../../../abi/error.ts";
import { hintFor } from "../suggest.ts";
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
const NEEDS_CAST = 200;
const NOT_EXPORTED = 2305;
/** What is said of a member that is not as in the base class, several of them about one. */
const UNLIKE_BASE = new Set([2394, 2416, 2444, 2322, 2325]);
/** What follows where a field has taken the place of one of Plugin's own methods. */
const NOT_A_METHOD = new Set([2349, 2322]);
/** The class that authors extend. */
const BASE_CLASS = /(?:^|\/)belljar\/sdk-as\/plugin\.ts$/;

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
    const member = this.#unlikeBase(diagnostic);
    const words = member?.sentence ?? plain(diagnostic) + this.#advice(diagnostic);
    const head = `${kind}${member === null ? ` ${code}` : ""}: ${printable(words, 1000)}`;
    const place = this.#place(diagnostic.range);
    const related =
      member !== null || this.#isGlue(diagnostic.relatedRange) ? null : this.#place(diagnostic.relatedRange);
    const lines = [place === null ? head : `${place.at} ${head}`];
    if (place) lines.push(...place.excerpt);
    if (related) lines.push(`  see ${related.at}`, ...related.excerpt);
    return lines.join("\n");
  }

  /** Whether all of it is said already: of the glue, or of a member of the author's that Plugin has too. */
  isRepetition(diagnostic: Diagnostic): boolean {
    if (this.#isGlue(diagnostic.range)) {
      const before = this.#glueFailed;
      this.#glueFailed = true;
      return before;
    }
    const member = this.#unlikeBase(diagnostic);
    if (member !== null) {
      const before = this.#members.has(member.name);
      this.#members.set(member.name, this.#lineOf(diagnostic.range));
      return before;
    }
    const [, called] = /^this\s*\.\s*([\w$]+)/.exec(this.#sourceOf(diagnostic.range)) ?? [];
    if (called !== undefined && NOT_A_METHOD.has(diagnostic.code)) return this.#members.has(called);
    // the compiler's second word on a method's type names no base class
    return diagnostic.code === 2322 && [...this.#members.values()].includes(this.#lineOf(diagnostic.range));
  }
  #glueFailed = false;
  /** Members that are unlike Plugin's, by name, and their lines. */
  readonly #members = new Map<string, string>();

  /** A member of the author's class that Plugin has too, and can't be what the author wants. */
  #unlikeBase({ code, range, relatedRange }: Diagnostic): { name: string; sentence: string } | null {
    if (!UNLIKE_BASE.has(code) || !BASE_CLASS.test(relatedRange?.source?.normalizedPath ?? "")) return null;
    const [, name] = /([\w$]+)\s*(?=[(:=;]|$)/.exec(this.#sourceOf(range)) ?? [];
    if (name === undefined) return null;
    const line = this.#lineOf(range);
    const isMethod = new RegExp(`\\b${name.replaceAll("$", "\\$")}\\s*\\(`).test(line);
    const base = new RegExp(`\\b${name.replaceAll("$", "\\$")}\\s*\\(.*\\)\\s*:\\s*\\w+`).exec(
      this.#lineOf(relatedRange),
    );
    if (isMethod && base !== null && !/^\s*protected/.test(this.#lineOf(relatedRange)))
      return { name, sentence: `'${name}' must be declared as Plugin has it: ${base[0]}` };
    return { name, sentence: `Plugin has a member '${name}' already; give yours another name.` };
  }

  /** What the author may do about it. */
  #advice({ code, message, range }: Diagnostic): string {
    if (code === NEEDS_CAST) {
      const [, type] = / to '(?:[^']*\/)?([^'/]+)'/.exec(message) ?? [];
      const written = this.#sourceOf(range);
      if (type === undefined || written === "" || written.length > 40 || written.includes("\n")) return "";
      return ` Write <${type}>${/^[\w.$]+$/.test(written) ? written : `(${written})`}.`;
    }
    if (code !== NOT_EXPORTED) return "";
    const [, path] = /^Module '([^']+)'/.exec(message) ?? [];
    const names = exportsOf((path && (this.#textOf(`${path}.ts`) ?? this.#textOf(`${path}/index.ts`))) || "");
    const [, wanted = ""] = /member '([^']+)'/.exec(message) ?? [];
    const hint = hintFor(wanted, names);
    return hint === "" ? "" : ` ${hint}`;
  }

  #sourceOf(range: Place | null): string {
    if (!range?.source) return "";
    return (this.#textOf(range.source.normalizedPath) ?? "").slice(range.start, range.end);
  }

  /** The line that a place begins in. */
  #lineOf(range: Place | null): string {
    if (!range?.source) return "";
    const text = this.#textOf(range.source.normalizedPath) ?? "";
    const end = text.indexOf("\n", range.start);
    return text.slice(text.lastIndexOf("\n", range.start - 1) + 1, end < 0 ? text.length : end);
  }

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

/** Names that a source exports. */
function exportsOf(text: string): string[] {
  const names = [
    ...text.matchAll(
      /^export (?:default )?(?:abstract )?(?:class|function|enum|const|let|namespace) ([\w$]+)/gm,
    ),
  ];
  const lists = [...text.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, list]) =>
    (list as string).split(","),
  );
  return [
    ...names.map(([, name]) => name as string),
    ...lists.map((name) => name.trim()).filter((name) => name !== ""),
  ];
}

/** The message without the compiler's own names for places: 'String' for '~lib/string/String'. */
function plain({ code, message }: Diagnostic): string {
  const missing = code === FILE_NOT_FOUND && /^File '(?:~lib\/)?(.+?)(?:\.ts)?' not found/.exec(message);
  if (missing) return `There is no module '${missing[1]}'.`;
  return message.replace(/(?:~lib\/)?(?:[\w.-]+\/)+(?=[A-Za-z_$])/g, "");
}
