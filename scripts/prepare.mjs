// Makes a clone ready to work: Node's version, the dependencies, the build, and `npx belljar`.
// Uses nothing but Node itself, since on a fresh clone nothing else is there.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { root, stop, writeWhole } from "./root.mjs";

const OLDEST = [20, 20];

/** Says so, and ends, when this Node is older than the project needs. */
export function checkNode(version = process.versions.node) {
  const [major, minor] = version.split(".").map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  stop(`Belljar needs Node ${OLDEST.join(".")} or newer, and this is Node ${version}.`);
}

/** Installs what package-lock.json names, when nothing is installed or it changed since. */
export function install() {
  const written = (...path) => statSync(join(root, ...path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  // npm writes this file as its last act.
  if (written("node_modules", ".package-lock.json") >= written("package-lock.json")) return;
  process.stderr.write("Installing the dependencies (npm ci)…\n");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const result = spawnSync(npm, ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (result.error) stop(`npm could not be started: ${result.error.message}.`, 1);
  if (result.status !== 0) stop("The dependencies could not be installed; npm says why above.", 1);
}

/** Puts the command where `npx belljar` looks for it: npm links the programs of dependencies, never the root's own. */
export function link() {
  const bin = join(root, "node_modules", ".bin");
  const program = join("..", "..", "dist", "cli.js");
  if (process.platform === "win32") {
    const shim = '@node "%~dp0\\..\\..\\dist\\cli.js" %*\r\n';
    const path = join(bin, "belljar.cmd");
    if (!existsSync(path) || readFileSync(path, "utf8") !== shim) writeWhole(path, shim);
    return;
  }
  const path = join(bin, "belljar");
  try {
    if (lstatSync(path).isSymbolicLink() && readlinkSync(path) === program) return;
  } catch {
    // absent: made below
  }
  const temporary = `${path}.${process.pid}.tmp`;
  rmSync(temporary, { force: true });
  symlinkSync(program, temporary);
  renameSync(temporary, path);
}

/**
 * All of it. Nothing is done twice: where all is in place, this reads the sources, compares, and returns.
 * @returns what the build could not do, as messages; empty when all is well
 */
export async function prepare() {
  checkNode();
  install();
  const { build } = await import("./build.mjs");
  const problems = await build();
  link();
  const program = join(root, "dist", "cli.js");
  if (process.platform !== "win32" && existsSync(program)) chmodSync(program, 0o755);
  return problems;
}
