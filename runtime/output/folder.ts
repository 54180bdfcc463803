// Folders to write into.

import { existsSync, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileError } from "./atomic-file.ts";

/**
 * Makes a folder and those above it, where they are not there.
 * @returns whether it was not there before
 * @throws BelljarError file/…
 */
export function makeFolder(folder: string): boolean {
  const missing: string[] = [];
  // One by one: Node's own way to make all of them never comes back from below /proc.
  for (let at = resolve(folder); !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.push(at);
  for (const one of missing.reverse()) {
    try {
      mkdirSync(one);
    } catch (error) {
      // Another program made it meanwhile.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw fileError(error, folder);
    }
  }
  return missing.length > 0;
}
