// dist/plugins/*.wasm: the built-in plugins, compiled from plugins-src/ as an author's would be.
import { existsSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { load } from "./bundle.mjs";
import { filesBelow, root, writeWhole } from "./root.mjs";

const COMPILER = "runtime/cli/authoring/compile.ts";

/** @returns the files written */
export default async function buildPlugins() {
  const place = join(root, "dist", "plugins");
  const sources = filesBelow(
    join(root, "plugins-src"),
    (path) => path.endsWith(".ts") && !path.endsWith(".d.ts"),
  );
  if (sources.length === 0 || !existsSync(join(root, COMPILER))) return [];
  const { compilePlugin } = await load(COMPILER);
  const written = [];
  for (const source of sources) {
    const path = join(place, `${basename(source, ".ts")}.wasm`);
    writeWhole(path, (await compilePlugin(source)).wasm);
    written.push(path);
  }
  for (const old of filesBelow(place)) if (!written.includes(old)) rmSync(old);
  return written;
}
