// Compiles naudiodon's addon, which the tests of the naudiodon device need: `node scripts/build-naudiodon.mjs`.
// Nothing else does, and no dependency's script is run at install; so this is asked for by hand, and by .ci/run.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { install } from "./prepare.mjs";
import { root, stop } from "./root.mjs";

const LAST_LINES = 5;

install();
const folder = join(root, "node_modules", "naudiodon");
if (!existsSync(folder))
  stop("naudiodon is not installed: npm leaves it out where it is not wished (--omit=optional).", 1);
if (existsSync(join(folder, "build", "Release", "naudiodon.node"))) process.exit(0);

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
if (status !== 0) {
  const said = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
  stop(
    `${said.slice(-LAST_LINES).join("\n")}\nnaudiodon could not be compiled: it needs g++, make, python3 and Node's headers.`,
    1,
  );
}
