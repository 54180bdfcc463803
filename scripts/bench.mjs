// `npm run bench -- NAME`: makes the clone ready, then runs a benchmark.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { prepare } from "./prepare.mjs";
import { root, stop } from "./root.mjs";

const problems = await prepare();
if (problems.length > 0) stop(problems.join("\n"), 1);
const { bundle, explain } = await import("./bundle.mjs");
const outdir = join(root, ".cache", "run", "bench");
try {
  // In pieces, so that the tools that only some benchmarks need are not loaded for the others.
  await bundle({ entryPoints: ["bench/main.ts"], outdir, outExtension: { ".js": ".mjs" }, splitting: true });
} catch (error) {
  stop(await explain(error), 1);
}
const child = spawn(
  process.execPath,
  ["--enable-source-maps", join(outdir, "main.mjs"), ...process.argv.slice(2)],
  { cwd: root, stdio: "inherit", env: { ...process.env, BELLJAR_ROOT: root } },
);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
