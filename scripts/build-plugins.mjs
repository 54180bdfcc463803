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
  const paths = [];
  const problems = [];
  for (const [from, to] of FOLDERS) {
    const place = join(root, to);
    for (const source of filesBelow(join(root, from), isSource)) {
      const path = join(place, `${basename(source, ".ts")}.wasm`);
      paths.push(path);
      try {
        writeWhole(path, (await compilePlugin(source)).wasm);
      } catch (error) {
        const said = error.code ? [error.message, error.hint].filter(Boolean).join("\n") : error.stack;
        problems.push(`${relative(root, source)} does not build: ${said}`);
      }
    }
    for (const old of filesBelow(place)) if (!paths.includes(old)) rmSync(old);
  }
  if (problems.length > 0) throw Object.assign(new Error("plugins"), { stack: problems.join("\n") });
  return paths;
}

function isSource(path) {
  return path.endsWith(".ts") && !path.endsWith(".d.ts");
}
