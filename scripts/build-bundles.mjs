// dist/*.js: the host API, the command, the sidecar, and the processes that handle strangers' modules.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "./bundle.mjs";
import { root } from "./root.mjs";

const BUNDLES = {
  belljar: "runtime/index.ts",
  cli: "runtime/cli/main.ts",
  sidecar: "sidecar/main.ts",
  "live-thread": "runtime/engine/live/thread.ts",
  "compile-child": "runtime/registry/compile-child.ts",
  "validate-child": "runtime/validate/validate-child.ts",
  "bench-child": "runtime/bench/bench-child.ts",
};

/** @returns the files written */
export default async function buildBundles() {
  const present = Object.entries(BUNDLES).filter(([, source]) => existsSync(join(root, source)));
  if (present.length === 0) return [];
  const written = await Promise.all(
    present.map(([name, source]) =>
      bundle({
        entryPoints: { [name]: source },
        outdir: "dist",
        banner: name === "cli" ? { js: "#!/usr/bin/env node" } : {},
        mode: (path) => (path.endsWith("cli.js") ? 0o755 : 0o644),
      }),
    ),
  );
  return written.flat();
}
