// What a plugin can't have: imports from anyone but the host. The clock and the random source of JavaScript are the usual ones.

import { relative } from "node:path";
import { printable } from "../../../abi/error.ts";

/** What in an author's source leads to an import, and what to do instead. */
const CAUSES: { import: RegExp; source: RegExp; what: string; instead: string }[] = [
  {
    import: /Date/,
    source: /\bDate\b(?=\s*[.(])/g,
    what: "Date",
    instead:
      "a plugin has no clock, so that the same input gives the same sound; count frames, or ask this.useTransport()",
  },
  {
    import: /seed/,
    source: /\b(?:Math|NativeMath|Mathf|NativeMathf)\s*\.\s*random\b/g,
    what: "Math.random",
    instead:
      "a plugin has no random source, so that the same input gives the same sound; use a generator with a seed of your own",
  },
  { import: /console/, source: /\bconsole\s*\./g, what: "console", instead: 'write `this.log("…")`' },
  { import: /trace/, source: /\btrace\s*\(/g, what: "trace", instead: 'write `this.log("…")`' },
  {
    import: /performance/,
    source: /\bperformance\s*\./g,
    what: "performance",
    instead: "a plugin has no clock",
  },
  { import: /crypto/, source: /\bcrypto\s*\./g, what: "crypto", instead: "a plugin has no random source" },
  {
    import: /process/,
    source: /\bprocess\s*\.\s*\w/g,
    what: "process",
    instead: "a plugin has no system below it",
  },
];

/**
 * One message for each import that the host does not have.
 * @param wat the module as text @param files the author's own @param read their text @param folder they are in
 */
export function foreignImports(
  wat: string,
  files: string[],
  read: (name: string) => string | null,
  folder: string,
): string[] {
  const messages: string[] = [];
  for (const [, module, name] of wat.matchAll(/^ \(import "([^"]*)" "([^"]*)"/gm)) {
    if (module === "belljar") continue;
    const full = `${module}.${name}`;
    const cause = CAUSES.find((candidate) => candidate.import.test(full));
    const places =
      cause === undefined
        ? mentions(files, read, folder, importName(name as string))
        : mentions(files, read, folder, cause.source);
    const what = cause === undefined ? `the import ${printable(full)}` : cause.what;
    const why = cause === undefined ? "a plugin may import nothing but belljar's functions" : cause.instead;
    const message = `error: ${what} is not there for plugins: ${why}`;
    if (places.length === 0) messages.push(message);
    for (const place of places) messages.push(`${place.at} ${message}\n    ${place.line}`);
  }
  return [...new Set(messages)];
}

/** Where a declared function may be named: the last part of "env.file.name". */
function importName(name: string): RegExp {
  const last = name.split(/[./]/).pop() ?? name;
  return new RegExp(`\\b${last.replace(/[^\w$]/g, "\\$&")}\\b`, "g");
}

function mentions(files: string[], read: (name: string) => string | null, folder: string, pattern: RegExp) {
  const found: { at: string; line: string }[] = [];
  for (const file of files) {
    const text = read(file) ?? "";
    const lines = text.split("\n");
    const code = withoutComments(text).split("\n");
    code.forEach((line, i) => {
      for (const match of line.matchAll(pattern)) {
        const shown = relative(process.cwd(), `${folder}/${file}`) || file;
        found.push({
          at: `${shown}:${i + 1}:${match.index + 1}`,
          line: printable((lines[i] ?? "").trim(), 300),
        });
      }
    });
  }
  const declared = found.filter(({ line }) => /^(?:export\s+)?declare\b/.test(line));
  return declared.length > 0 ? declared : found;
}

/** The source with comments and strings blanked out, line for line and column for column. */
function withoutComments(text: string): string {
  return text.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, (part) =>
    part.replace(/[^\n]/g, " "),
  );
}
