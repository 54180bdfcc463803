// Where the files are that come with the program: beside the running bundle, or in dist/ of a folder above it.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The path of a file or folder of the build, such as "plugins" or "compile-child.js"; null where it is not.
 * The product's bundles lie in dist/ itself; a test's or a benchmark's lies somewhere below the folder that holds dist/.
 */
export function shipped(name: string, from: string = import.meta.url): string | null {
  let folder = dirname(fileURLToPath(from));
  const beside = join(folder, name);
  if (existsSync(beside)) return beside;
  for (let above = dirname(folder); above !== folder; folder = above, above = dirname(folder)) {
    const path = join(above, "dist", name);
    if (existsSync(path)) return path;
  }
  return null;
}
