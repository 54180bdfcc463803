// `npm test`: makes the clone ready, then runs every test file in a process of its own, and lint and types beside
// them. `npm test -- NAME` runs the files whose path contains NAME. The last line is "N passed, N failed".
import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, resolve } from "node:path";
import { prepare } from "./prepare.mjs";
import { filesBelow, root, stop } from "./root.mjs";

const colored = process.stdout.isTTY === true && !process.env["NO_COLOR"];
const paint = (code, text) => (colored ? `\u001b[${code}m${text}\u001b[0m` : text);

const arguments_ = process.argv.slice(2);
const at = arguments_.indexOf("--in");
const folder =
  at === -1 ? join(root, "test") : resolve(arguments_.splice(at, 2)[1] ?? stop("--in needs a folder."));
const names = arguments_;

// Those of test/wine/ are run by wine.mjs, which makes what they need.
const wine = process.env["BELLJAR_WINE"] !== undefined;
const all = filesBelow(
  folder,
  (path) => path.endsWith(".test.ts") && (wine || !path.includes(join("test", "wine"))),
);
const chosen = all.filter((path) => names.length === 0 || names.some((name) => shown(path).includes(name)));
if (chosen.length === 0)
  stop(`No test file's path contains ${names.map((name) => `"${name}"`).join(" or ")}.`);

const problems = at === -1 ? await prepare() : [];
const { bundleTests } = await import("./testing/bundle.mjs");
const { killAll, runFile, timeLimit } = await import("./testing/file.mjs");
const total = { passed: 0, failed: 0, skipped: 0 };
const { folder: bundles, built, broken } = await bundleTests(chosen, folder);
process.on("exit", () => {
  killAll();
  rmSync(bundles, { recursive: true, force: true });
});
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
])
  process.on(signal, () => process.exit(code));

// The longest first, as far as the files say, so that nothing long runs alone at the end.
chosen.sort((a, b) => timeLimit(b) - timeLimit(a));
const jobs = chosen.map((file) => ({ name: shown(file), work: () => runTest(file) }));
if (names.length === 0 && at === -1) {
  const { lint, types } = await import("./lint.mjs");
  jobs.unshift({ name: "types", work: () => check(types) }, { name: "lint", work: () => check(lint) });
  jobs.unshift({ name: "build", work: () => check(() => problems.length > 0 && fail(problems.join("\n"))) });
} else if (problems.length > 0) {
  process.stderr.write(`${problems.join("\n")}\n`);
}
await Promise.all(Array.from({ length: Math.min(jobs.length, availableParallelism()) }, worker));

const skips = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(paint(total.failed > 0 ? 31 : 32, `${total.passed} passed, ${total.failed} failed${skips}`));
process.exit(total.failed > 0 ? 1 : 0);

async function worker() {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    const began = performance.now();
    const { passed, failed, skipped, report } = await job.work();
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped.length;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const mark = failed > 0 ? paint(31, "FAILED") : paint(32, "ok");
    console.log(
      `${mark} ${job.name} ${paint(90, `(${passed}${failed > 0 ? `, ${failed} failed` : ""}, ${seconds} s)`)}`,
    );
    for (const reason of new Set(skipped)) console.log(`   skipped: ${reason}`);
    if (report !== "") console.log(report.replace(/^/gm, "   "));
  }
}

async function runTest(file) {
  const message = broken.get(file);
  if (message !== undefined) return { passed: 0, failed: 1, skipped: [], report: message };
  return runFile(built.get(file), timeLimit(file), {
    BELLJAR_CACHE: process.env["BELLJAR_CACHE"] ?? join(root, ".cache", "user"),
    ...(colored ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" }),
  });
}

async function check(work) {
  try {
    await work();
    return { passed: 1, failed: 0, skipped: [], report: "" };
  } catch (error) {
    return { passed: 0, failed: 1, skipped: [], report: error.stack };
  }
}

function fail(text) {
  throw Object.assign(new Error("build"), { stack: text });
}

function shown(file) {
  return relative(folder, file)
    .replaceAll("\\", "/")
    .replace(/\.test\.ts$/, "");
}
