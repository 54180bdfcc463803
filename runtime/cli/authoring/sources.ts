// Where an author's imports come from: the author's own folder, and "belljar/…", which is this installation.

import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The entry that the build adds; its name is never shown. */
export const GLUE = "belljar-glue.ts";

/** What "belljar/…" may name. */
const SHIPPED = /(?:^|[\\/])node_modules[\\/]belljar[\\/]((?:sdk-as|abi)[\\/].*)$/;

let found: string | null = null;

/** The folder of this installation: the one above this file whose package is called belljar. */
export function installation(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); found === null; folder = dirname(folder)) {
    if (isOurs(folder)) found = folder;
    else if (dirname(folder) === folder)
      throw new Error("the installation of belljar is not whole: no package.json");
  }
  return found;
}

function isOurs(folder: string): boolean {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).name === "belljar";
  } catch {
    return false;
  }
}

/** A file of this installation, by its path from the root. */
export function installed(...path: string[]): string {
  return join(installation(), ...path);
}

/**
 * The reader that the compiler is given. "belljar/sdk-as" is resolved here, so that a plugin needs no node_modules;
 * the compiler's settings are the installation's, whatever lies beside the plugin.
 */
export function sourceReader(folder: string, glue: string): (name: string) => string | null {
  return (name) => {
    const shipped = SHIPPED.exec(name);
    if (shipped) return read(installed(shipped[1] as string));
    if (name === GLUE) return glue;
    if (name === "asconfig.json") return read(installed("asconfig.json"));
    return read(resolve(folder, name));
  };
}

function read(path: string): string | null {
  try {
    // Reading a pipe or a device would not end.
    return statSync(path).isFile() ? readFileSync(path, "utf8") : null;
  } catch {
    return null;
  }
}
