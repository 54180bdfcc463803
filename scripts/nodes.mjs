// `npm run test:nodes`: the whole test suite on every Node that is supported, one line for each. Names after `--`
// choose test files, as with `npm test`.
import { spawn, spawnSync } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { fetchNode } from "./fetch-node.mjs";
import { prepare } from "./prepare.mjs";
import { root, stop } from "./root.mjs";

const VERSIONS = [20, 22, 24, 26];

const problems = await prepare();
if (problems.length > 0) stop(problems.join("\n"), 1);
let failed = false;
for (const version of VERSIONS) {
  const program = fetchNode(version);
  const { code, output } = await suite(program);
  const last = output.trim().split("\n").at(-1);
  const exact = spawnSync(program, ["--version"], { encoding: "utf8" }).stdout.trim();
  console.log(`Node ${exact.replace("v", "").padEnd(9)} ${last}`);
  if (code === 0) continue;
  failed = true;
  console.log(output.trimEnd().replace(/^/gm, "  | "));
}
process.exit(failed ? 1 : 0);

/** Runs the tests with that Node, which is also the one that tests themselves start by its bare name. */
function suite(program) {
  return new Promise((resolve) => {
    const path = `${dirname(program)}${delimiter}${process.env["PATH"] ?? ""}`;
    const child = spawn(program, [join(root, "scripts", "test.mjs"), ...process.argv.slice(2)], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PATH: path, NO_COLOR: "1" },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => child.kill(signal));
    child.on("close", (code) => resolve({ code, output }));
  });
}
