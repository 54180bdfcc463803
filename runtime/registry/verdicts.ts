// What the compile check found out, kept for next time: a module that compiled within its limits need not be tried again.

import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { cacheFolder } from "./user-folder.ts";

/** What a compilation may cost. */
export interface CompileLimits {
  /** Processor time of all threads, in milliseconds: a base, and what each KiB of the module adds; at most `most`. */
  base: number;
  perKiB: number;
  most: number;
  /** Milliseconds by the clock, after which a compilation is given up on a machine that is too busy for it. */
  wall: number;
  /** Bytes of memory beyond what the compiling process had before. */
  memory: number;
}

/** What a verdict is about: these bytes, in this V8, under these limits. Rewritten bytes hold the rewriter's version in themselves. */
export function verdictKey(bytes: Uint8Array, limits: CompileLimits): string {
  const { v8, modules } = process.versions;
  const { base, perKiB, most, memory } = limits;
  const about = JSON.stringify([2, v8, modules, process.arch, base, perKiB, most, memory]);
  return createHash("sha256").update(about).update("\0").update(bytes).digest("hex");
}

/** Only this user may have written there, else a verdict could be a stranger's. */
function folderOf(base: string): string | null {
  const folder = join(base, "compiles");
  try {
    makeFolders(folder);
    const facts = lstatSync(folder);
    if (!facts.isDirectory()) return null;
    if (process.getuid === undefined) return folder;
    if (facts.uid !== process.getuid()) return null;
    if ((facts.mode & 0o077) !== 0) chmodSync(folder, 0o700);
    return folder;
  } catch {
    return null;
  }
}

/** One by one: mkdir's own `recursive` never ends where the system denies that a folder is there which is (/proc). */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  makeFolders(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another program may have been faster.
    if (!existsSync(folder)) throw error;
  }
}

/** Whether the module of this key is known to compile within its limits. Anything unexpected in the cache means no. */
export function isKnown(key: string, base: string = cacheFolder()): boolean {
  const folder = folderOf(base);
  if (folder === null) return false;
  try {
    const path = join(folder, `${key}.json`);
    const facts = lstatSync(path);
    if (!facts.isFile()) return false;
    // The folder may have been open to others once.
    if (process.getuid !== undefined && facts.uid !== process.getuid()) return false;
    const verdict: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof verdict === "object" && verdict !== null && "key" in verdict && verdict.key === key;
  } catch {
    return false;
  }
}

/** Notes that the module compiled. A cache that can't be written is done without. */
export function remember(key: string, base: string = cacheFolder()): void {
  const folder = folderOf(base);
  if (folder === null) return;
  const temporary = join(folder, `${randomBytes(8).toString("hex")}.part`);
  try {
    writeFileSync(temporary, `${JSON.stringify({ key })}\n`, { mode: 0o600, flag: "wx" });
    renameSync(temporary, join(folder, `${key}.json`));
  } catch {
    rmSync(temporary, { force: true });
  }
}
