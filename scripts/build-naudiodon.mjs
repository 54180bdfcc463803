// Compiles naudiodon's addon, which the tests of the naudiodon device need: `node scripts/build-naudiodon.mjs`.
// Nothing else does, and no dependency's script is run at install; so this is asked for by hand, and by .ci/run.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { install } from "./prepare.mjs";
import { root, stop } from "./root.mjs";

const LAST_LINES = 5;

install();
const folder = join(root, "node_modules", "naudiodon");
if (!existsSync(folder)) stop("naudiodon is not installed: npm was told to leave out optional packages.", 1);
const built = join(folder, "build", "Release");
const addon = join(built, "naudiodon.node");
// npm ci throws away what was compiled; it is the same for all versions of Node.
const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const kept = join(root, ".cache", "naudiodon", `${version}-${process.platform}-${process.arch}`);
if (!existsSync(addon) && existsSync(join(kept, "naudiodon.node"))) cpSync(kept, built, { recursive: true });
if (!existsSync(addon)) {
  compile();
  cpSync(built, kept, { recursive: true, filter: (path) => !path.includes("obj.target") });
}

function compile() {
  process.stderr.write("Compiling naudiodon…\n");
  const windows = process.platform === "win32";
  // Node's headers, where they came with it; else node-gyp fetches them.
  const prefix = dirname(dirname(process.execPath));
  const env = { ...process.env };
  if (existsSync(join(prefix, "include", "node", "node_api.h"))) env.npm_config_nodedir = prefix;
  const { status, stdout, stderr } = spawnSync(
    windows ? "npm.cmd" : "npm",
    ["rebuild", "naudiodon", "--ignore-scripts=false", "--loglevel=error"],
    { cwd: root, env, encoding: "utf8", shell: windows, stdio: ["ignore", "pipe", "pipe"] },
  );
  if (status === 0) return;
  const said = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
  stop(
    `${said.slice(-LAST_LINES).join("\n")}\nnaudiodon could not be compiled: it needs g++, make, python3 and Node's headers.`,
    1,
  );
}
