// Which path of calls leads from process to the allocator: read from the module's text before it is optimised, when
// every function still has the name that the author gave it.

/** Functions, whom they call, and where: "plugin.ts:7:15". */
type Calls = Map<string, Map<string, Set<string>>>;

/** How process comes to allocate. */
export interface AllocatorPath {
  /** The functions of the shortest way, as the author names them: "Gain#process", "makeBuffer", "__new". */
  names: string[];
  /** Every place in the author's own code where process leaves it for something that may allocate. */
  places: SourcePlace[];
}

/** File as the compiler names it; line and column count from 1. */
export interface SourcePlace {
  file: string;
  line: number;
  column: number;
}

/** Allocating functions of the AssemblyScript runtime, by the end of their names. */
const ALLOCATOR = /^~lib\/rt\/(?:tcms|itcms|stub)\/__(?:new|renew)$|^~lib\/rt\/tlsf\/__(?:alloc|realloc)$/;

/** What a failed check calls before it stops the plugin: it may do as it likes. */
const LAST_WORDS = /(?:^|\/)sdk-as\/abort\/abort$/;

/** What the host calls on the audio thread at every block. */
const ROOT = /(?:^|\/)block-loop\/processBlock$/;

/**
 * The shortest path from process to the allocator.
 * @param text the module as WebAssembly text, unoptimised, with names and source positions
 * @returns null when process never allocates
 */
export function findAllocatorPath(text: string): AllocatorPath | null {
  const calls = readCalls(text);
  const root = [...calls.keys()].find((name) => ROOT.test(name));
  if (root === undefined) return null;
  const cameFrom = new Map([[root, ""]]);
  const reached = [root];
  for (const name of reached) {
    for (const callee of calls.get(name)?.keys() ?? []) {
      if (cameFrom.has(callee) || LAST_WORDS.test(callee)) continue;
      cameFrom.set(callee, name);
      reached.push(callee);
    }
  }
  const allocator = reached.find((name) => ALLOCATOR.test(name));
  if (allocator === undefined) return null;
  return { names: shown(trace(allocator, cameFrom)), places: leaving(reached, calls) };
}

/** Where the author's functions among `reached` call library functions that lead to the allocator. */
function leaving(reached: readonly string[], calls: Calls): SourcePlace[] {
  const callers = new Map<string, string[]>();
  for (const name of reached) {
    for (const callee of calls.get(name)?.keys() ?? [])
      callers.set(callee, [...(callers.get(callee) ?? []), name]);
  }
  const allocating = new Set(reached.filter((name) => ALLOCATOR.test(name)));
  for (const name of allocating) {
    // through the library alone: what the author's own functions call is looked at by itself
    for (const caller of callers.get(name) ?? []) if (isLibrary(caller)) allocating.add(caller);
  }
  const places = new Set<string>();
  for (const name of reached) {
    if (isLibrary(name)) continue;
    for (const [callee, at] of calls.get(name) ?? [])
      if (allocating.has(callee)) for (const one of at) places.add(one);
  }
  return [...places]
    .map(placeOf)
    .sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
}

function isLibrary(name: string): boolean {
  return name.startsWith("~lib/");
}

/** Of "plugin.ts:7:15"; the compiler counts columns from 0. */
function placeOf(at: string): SourcePlace {
  const [, file = "", line, column] = /^(.*):(\d+):(\d+)$/.exec(at) ?? [];
  return { file, line: Number(line), column: Number(column) + 1 };
}

function trace(last: string, cameFrom: Map<string, string>): string[] {
  const path: string[] = [];
  for (let name = last; name !== ""; name = cameFrom.get(name) ?? "") path.unshift(name);
  return path;
}

/** Without the SDK's part at the front, the stubs that choose an override, and the folders of names. */
function shown(path: string[]): string[] {
  const own = path.findIndex((name) => !name.startsWith("~lib/belljar/"));
  return path
    .slice(Math.max(own, 0))
    .filter((name) => !name.endsWith("@override"))
    .map((name) => name.slice(name.lastIndexOf("/") + 1));
}

function readCalls(text: string): Calls {
  const calls: Calls = new Map();
  /** Type name -> signature, and who may be called through the table, by signature. */
  const signatures = new Map<string, string>();
  const signatureOf = new Map<string, string>();
  const inTable: string[] = [];
  const indirect = new Map<string, Set<string>>();
  let current = "";
  let at = "";
  for (const line of text.split("\n")) {
    const type = /^ \(type \$(\S+) \(func(.*)\)\)$/.exec(line);
    if (type) signatures.set(type[1] as string, signature(type[2] as string));
    const start = /^ \(func \$(\S+)(.*)$/.exec(line);
    if (start) {
      current = unescapeName(start[1] as string);
      calls.set(current, new Map());
      at = "";
      signatureOf.set(current, signature(start[2] as string));
    }
    if (line.startsWith(" (elem")) {
      for (const [, name] of line.matchAll(/ \$([^\s()]+)/g)) inTable.push(unescapeName(name as string));
    }
    if (current === "") continue;
    at = /^ *;;@ (.+:\d+:\d+)$/.exec(line)?.[1] ?? at;
    for (const [, name] of line.matchAll(/\((?:return_)?call \$([^\s()]+)/g)) {
      note(calls, current, unescapeName(name as string), at);
    }
    for (const [, name] of line.matchAll(/\(call_indirect(?: \$\S+)? \(type \$([^)\s]+)\)/g)) {
      const wanted = indirect.get(current) ?? new Set();
      indirect.set(current, wanted.add(signatures.get(name as string) ?? ""));
    }
  }
  // who is called through the table is not known here: anyone of that signature
  for (const [name, wanted] of indirect) {
    for (const callee of inTable)
      if (wanted.has(signatureOf.get(callee) ?? "?")) note(calls, name, callee, "");
  }
  return calls;
}

function note(calls: Calls, caller: string, callee: string, at: string): void {
  const places = calls.get(caller)?.get(callee) ?? new Set();
  if (at !== "") places.add(at);
  calls.get(caller)?.set(callee, places);
}

/** "i32 f32:i32" of "(param $x i32) (param f32) (result i32)". */
function signature(text: string): string {
  const types = (kind: string) =>
    [...text.matchAll(new RegExp(`\\(${kind}((?: [^()]+)?)\\)`, "g"))]
      .flatMap(([, inside]) =>
        (inside as string).split(" ").filter((word) => word !== "" && !word.startsWith("$")),
      )
      .join(" ");
  return `${types("param")}:${types("result")}`;
}

/** Names in WebAssembly text: `\7e` is `~`, and names with odd characters stand in quotes. */
function unescapeName(name: string): string {
  return name
    .replace(/^"|"$/g, "")
    .replace(/\\([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
