// The plugins of this repository, compiled as an author's would be: the built-in ones, and the demo's hostile ones.
import { existsSync, rmSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { load } from "./bundle.mjs";
import { filesBelow, root, writeWhole } from "./root.mjs";

const COMPILER = "runtime/cli/authoring/compile.ts";
/** Sources -> modules. A session's plugins lie in its own folder or below. */
const FOLDERS = [
  ["plugins-src", "dist/plugins"],
  ["examples/demo/plugins", "examples/demo/out/plugins"],
];

/** @returns the files written */
export default async function buildPlugins() {
  if (!existsSync(join(root, COMPILER))) return [];
  const { compilePlugin } = await load(COMPILER);
  const written = [];
  for (const [from, to] of FOLDERS) {
    const place = join(root, to);
    for (const source of filesBelow(join(root, from), isSource)) {
      const path = join(place, `${basename(source, ".ts")}.wasm`);
      writeWhole(path, (await compilePlugin(source)).wasm);
      written.push(path);
    }
    for (const old of filesBelow(place)) if (!written.includes(old)) rmSync(old);
  }
  return written;
}

function isSource(path) {
  return path.endsWith(".ts") && !path.endsWith(".d.ts");
}
