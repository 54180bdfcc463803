// time limit: 300 s
// The test runner's own promises: nothing that went wrong, or never ran, may look like success.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root } from "../root.ts";

const HEAD = 'import { suite, test } from "uvu";\nimport * as assert from "uvu/assert";\n';
const above = mkdtempSync(join(tmpdir(), "belljar-runner-"));
test.after(() => rmSync(above, { recursive: true, force: true }));

/** Runs the runner on files with these contents. */
function run(
  files: Record<string, string>,
  ...names: string[]
): { code: number | null; last: string; all: string } {
  const folder = mkdtempSync(join(above, "case-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const { FORCE_COLOR: _, ...env } = process.env;
  const result = spawnSync(process.execPath, [join(root, "scripts", "test.mjs"), "--in", folder, ...names], {
    cwd: root,
    encoding: "utf8",
    env,
  });
  const all = result.stdout + result.stderr;
  return { code: result.status, last: result.stdout.trimEnd().split("\n").at(-1) ?? "", all };
}

test("tests that pass and fail are counted, each failure is shown with its file's name", () => {
  const good = `${HEAD}test("a", () => {}); test("b", () => {}); test.run();`;
  const bad = `${HEAD}test("good", () => {}); test("the broken one", () => assert.is(1, 2)); test.run();`;
  const passed = run({ "good.test.ts": good });
  assert.is(passed.last, "2 passed, 0 failed");
  assert.is(passed.code, 0);
  const failed = run({ "good.test.ts": good, "deep/bad.test.ts": bad });
  assert.is(failed.last, "3 passed, 1 failed");
  assert.is(failed.code, 1);
  assert.match(failed.all, "FAILED deep/bad");
  assert.match(failed.all, "the broken one");
});

test("a file in which no test ran is a failure", () => {
  const { code, last, all } = run({ "empty.test.ts": `${HEAD}void test;` });
  assert.is(last, "0 passed, 1 failed");
  assert.is(code, 1);
  assert.match(all, "no test ran");
});

test("a forgotten run() is a failure, also of one suite beside another that ran", () => {
  const alone = run({ "alone.test.ts": `${HEAD}test("a", () => {});` });
  assert.is(alone.code, 1);
  assert.match(alone.all, "run() was never called");
  const beside = run({
    "beside.test.ts": `${HEAD}test("a", () => {}); test.run(); const other = suite("other"); other("b", () => {});`,
  });
  assert.is(beside.last, "1 passed, 1 failed");
  assert.match(beside.all, 'the suite "other"');
});

test("a hook that throws before the tests, which then never run, is a failure", () => {
  const { code, last, all } = run({
    "hook.test.ts": `${HEAD}test.before(async () => { throw new Error("not ready"); }); test("a", () => {}); test.run();`,
  });
  assert.is(last, "0 passed, 1 failed");
  assert.is(code, 1);
  assert.match(all, "not ready");
});

test("a hanging file fails at its time limit, whether it waits or spins, and what it started is ended", () => {
  const pid = join(above, "pid");
  const script = `require("fs").writeFileSync(${JSON.stringify(pid)}, String(process.pid)); setInterval(() => {}, 1000)`;
  const waits = `// time limit: 2 s\nimport { spawn } from "node:child_process";\n${HEAD}test("a", async () => {
    spawn(process.execPath, ["-e", ${JSON.stringify(script)}]); await new Promise((go) => setTimeout(go, 1e9));
  }); test.run();`;
  const spins = `// time limit: 1 s\n${HEAD}test("a", () => { for (;;); }); test.run();`;
  const { code, last, all } = run({ "waits.test.ts": waits, "spins.test.ts": spins });
  assert.is(last, "0 passed, 2 failed");
  assert.is(code, 1);
  assert.match(all, "did not end within 2 s");
  assert.match(all, "did not end within 1 s");
  if (process.platform === "win32") return;
  const state =
    spawnSync("ps", ["-o", "stat=", "-p", readFileSync(pid, "utf8")], { encoding: "utf8" }).stdout ?? "";
  assert.match(state.trim(), /^$|^Z/);
});

test("a file that waits for what never comes fails at once", () => {
  const { last, all } = run({
    "never.test.ts": `${HEAD}test("a", () => new Promise(() => {})); test.run();`,
  });
  assert.is(last, "0 passed, 1 failed");
  assert.match(all, "never comes");
});

test("a rejection that nobody handles is a failure, also after the last test, and so is a premature exit", () => {
  const late = `${HEAD}test("a", () => { setTimeout(() => Promise.reject(new Error("lost")), 1); }); test.run();`;
  const exit = `${HEAD}test("a", () => { process.exit(0); }); test.run();`;
  const { code, last, all } = run({ "late.test.ts": late, "exit.test.ts": exit });
  assert.is(last, "0 passed, 2 failed");
  assert.is(code, 1);
  assert.match(all, "lost");
});

test("a file that does not compile, or throws when loaded, fails alone", () => {
  const { last, all } = run({
    "syntax.test.ts": `${HEAD}test("a", () => {`,
    "import.test.ts": `${HEAD}import "./absent.ts"; test.run();`,
    "throws.test.ts": `${HEAD}throw new Error("at once");`,
    "good.test.ts": `${HEAD}test("a", () => {}); test.run();`,
  });
  assert.is(last, "1 passed, 3 failed");
  assert.match(all, "./absent.ts");
  assert.match(all, "at once");
});

test("skipped tests are counted, with their reasons", () => {
  const skip = JSON.stringify(join(root, "test", "root.ts"));
  const { code, last, all } = run({
    "skips.test.ts": `${HEAD}import { skip } from ${skip};
      test("a", () => skip("no bell here")); test.skip("b", () => {}); test("c", () => {}); test.run();`,
  });
  assert.is(last, "1 passed, 0 failed, 2 skipped");
  assert.is(code, 0);
  assert.match(all, "skipped: no bell here");
});

test("a test marked with only is a failure: the others did not run", () => {
  const { code, all } = run({
    "only.test.ts": `${HEAD}test("a", () => {}); test.only("b", () => {}); test.run();`,
  });
  assert.is(code, 1);
  assert.match(all, "only");
});

test("names choose files by their path; a name that matches nothing is said, with exit code 2", () => {
  const good = `${HEAD}test("a", () => {}); test.run();`;
  const files = { "one/x.test.ts": good, "two/x.test.ts": good, "two/y.test.ts": good };
  assert.is(run(files, "two/").last, "2 passed, 0 failed");
  assert.is(run(files, "one", "y").last, "2 passed, 0 failed");
  const nothing = run(files, "three");
  assert.is(nothing.code, 2);
  assert.match(nothing.all, '"three"');
});

test("an old Node is told what is needed", () => {
  const check = 'import("./scripts/prepare.mjs").then(({ checkNode }) => checkNode(process.argv[1]))';
  const as = (version: string) =>
    spawnSync(process.execPath, ["-e", check, version], { cwd: root, encoding: "utf8" });
  assert.is(as("20.20.0").status, 0);
  assert.is(as("24.0.0").status, 0);
  assert.is(as("20.19.9").status, 2);
  assert.is(as("18.20.0").stderr, "Belljar needs Node 20.20 or newer, and this is Node 18.20.0.\n");
});

test("npx belljar runs the command of this clone", () => {
  const npx = process.platform === "win32" ? "npx.cmd" : "npx";
  const said = execFileSync(npx, ["--no-install", "belljar", "--version"], {
    cwd: root,
    encoding: "utf8",
    shell: process.platform === "win32",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  assert.is(said.trim(), version);
});

test.run();
