// Bundles test files; a file that does not build fails alone.
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { bundle, explain } from "../bundle.mjs";
import { root } from "../root.mjs";

const watched = {
  name: "watched-uvu",
  setup(build) {
    build.onResolve({ filter: /^uvu$/ }, ({ importer }) => {
      const path = join(root, "scripts", "testing", "uvu.mjs");
      return importer === path ? null : { path };
    });
  },
};

/**
 * @param files absolute paths
 * @returns { folder, built: Map of file -> bundle, broken: Map of file -> message }
 */
export async function bundleTests(files, base) {
  const above = join(root, ".cache", "tests");
  sweep(above);
  const folder = join(above, String(process.pid));
  mkdirSync(folder, { recursive: true });
  const built = new Map();
  const broken = new Map();
  try {
    await bundleSome(files);
    for (const file of files) built.set(file, outputOf(file));
  } catch {
    for (const file of files) {
      try {
        await bundleSome([file]);
        built.set(file, outputOf(file));
      } catch (error) {
        broken.set(file, await explain(error));
      }
    }
  }
  return { folder, built, broken };

  function outputOf(file) {
    return join(folder, relative(base, file).replace(/\.ts$/, ".mjs"));
  }

  async function bundleSome(some) {
    const { common } = await import("../bundle.mjs");
    await bundle({
      entryPoints: Object.fromEntries(some.map((file) => [relative(base, file).replace(/\.ts$/, ""), file])),
      outdir: folder,
      splitting: some.length > 1,
      outExtension: { ".js": ".mjs" },
      plugins: [watched, ...common.plugins],
    });
  }
}

/** Removes what runs that were killed left behind. */
function sweep(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (Date.now() - statSync(path, { throwIfNoEntry: false })?.mtimeMs > 3_600_000)
      rmSync(path, { recursive: true, force: true });
  }
}
