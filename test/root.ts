// What tests share: where the repository is, and how a test says that it can't run here.

import { lstatSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The repository's folder. */
export const root: string = process.env["BELLJAR_ROOT"] ?? process.cwd();

/**
 * Says why this test can't be run on this machine; return right after it. The runner counts it as skipped and
 * prints the reason.
 */
export function skip(reason: string): void {
  (globalThis as { belljarSkip?: (reason: string) => void }).belljarSkip?.(reason);
}

/** Why there are no symbolic links here, or null: Windows asks for a right that few have, and wine makes none. */
export function linksAreMissing(): string | null {
  const folder = mkdtempSync(join(tmpdir(), "belljar-links-"));
  try {
    symlinkSync("nowhere", join(folder, "link"));
    return lstatSync(join(folder, "link")).isSymbolicLink() ? null : "no links can be made here";
  } catch {
    return "no links can be made here";
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs `act` as a user without special rights, where this one is root. What it reaches for must be open to all. */
export async function asOrdinaryUser<T>(act: () => T | Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return act();
  process.seteuid?.(65_534);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
  }
}
