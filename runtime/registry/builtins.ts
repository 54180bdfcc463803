// The built-in plugins: every module in the build's plugins folder. Adding one edits no list.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import { didYouMean } from "../graph/nearest.ts";
import { shipped } from "./place.ts";

/** What every built-in's id begins with; "sine" is short for "builtin.sine". */
const PREFIX = "builtin.";

export interface Builtin {
  /** "builtin.sine" */
  id: string;
  /** The module's file. */
  path: string;
}

/** All built-in plugins, by id in alphabetical order. Without a build there are none. */
export function listBuiltins(folder: string | null = shipped("plugins")): Builtin[] {
  if (folder === null) return [];
  return readdirSync(folder)
    .filter((file) => /^[a-z0-9][a-z0-9_-]*\.wasm$/.test(file))
    .sort()
    .map((file) => ({ id: PREFIX + file.slice(0, -".wasm".length), path: join(folder, file) }));
}

/** Whether a plugin's name means a file: it has a path separator or ends in .wasm. */
export function isFileName(name: string): boolean {
  return /[\\/]|\.wasm$/i.test(name);
}

/**
 * The built-in plugin of that name, with or without "builtin.".
 * @throws BelljarError plugin/unknown, with the nearest name as a hint
 */
export function findBuiltin(name: string, known: Builtin[] = listBuiltins()): Builtin {
  const id = name.startsWith(PREFIX) ? name : PREFIX + name;
  const found = known.find((builtin) => builtin.id === id);
  if (found !== undefined) return found;
  const ids = known.map((builtin) => builtin.id.slice(PREFIX.length));
  const hint =
    ids.length === 0
      ? "This installation has no built-in plugins; build it again."
      : didYouMean(
          id.slice(PREFIX.length),
          ids,
          `There are: ${ids.join(", ")}. A file's name ends in .wasm.`,
        );
  throw new BelljarError("plugin/unknown", `There is no built-in plugin "${printable(name, 60)}".`, hint);
}
