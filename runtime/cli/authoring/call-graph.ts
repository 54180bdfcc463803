// Which path of calls leads from process to the allocator: read from the module's text before it is optimised, when
// every function still has the name that the author gave it.

/** Functions and whom they call. */
type Calls = Map<string, Set<string>>;

/** Allocating functions of the AssemblyScript runtime, by the end of their names. */
const ALLOCATOR = /^~lib\/rt\/(?:tcms|itcms|stub)\/__(?:new|renew)$|^~lib\/rt\/tlsf\/__(?:alloc|realloc)$/;

/** What the host calls on the audio thread at every block. */
const ROOT = /(?:^|\/)block-loop\/processBlock$/;

/**
 * The shortest path from process to the allocator, as the author names things: ["Gain#process", "makeBuffer", "__new"].
 * @param text the module as WebAssembly text, unoptimised and with names
 * @param entry the author's module, as the compiler names it: "plugin"
 * @returns null when process never allocates
 */
export function findAllocatorPath(text: string): string[] | null {
  const calls = readCalls(text);
  const root = [...calls.keys()].find((name) => ROOT.test(name));
  if (root === undefined) return null;
  const cameFrom = new Map<string, string>([[root, ""]]);
  const queue = [root];
  for (const name of queue) {
    if (ALLOCATOR.test(name)) return shown(trace(name, cameFrom));
    for (const callee of calls.get(name) ?? []) {
      if (cameFrom.has(callee)) continue;
      cameFrom.set(callee, name);
      queue.push(callee);
    }
  }
  return null;
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
  for (const line of text.split("\n")) {
    const type = /^ \(type \$(\S+) \(func(.*)\)\)$/.exec(line);
    if (type) signatures.set(type[1] as string, signature(type[2] as string));
    const start = /^ \(func \$(\S+)(.*)$/.exec(line);
    if (start) {
      current = unescapeName(start[1] as string);
      calls.set(current, new Set());
      signatureOf.set(current, signature(start[2] as string));
    }
    if (line.startsWith(" (elem")) {
      for (const [, name] of line.matchAll(/ \$([^\s()]+)/g)) inTable.push(unescapeName(name as string));
    }
    if (current === "") continue;
    for (const [, name] of line.matchAll(/\((?:return_)?call \$([^\s()]+)/g)) {
      calls.get(current)?.add(unescapeName(name as string));
    }
    for (const [, name] of line.matchAll(/\(call_indirect(?: \$\S+)? \(type \$([^)\s]+)\)/g)) {
      const wanted = indirect.get(current) ?? new Set();
      indirect.set(current, wanted.add(signatures.get(name as string) ?? ""));
    }
  }
  // who is called through the table is not known here: anyone of that signature
  for (const [name, wanted] of indirect) {
    for (const callee of inTable)
      if (wanted.has(signatureOf.get(callee) ?? "?")) calls.get(name)?.add(callee);
  }
  return calls;
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
