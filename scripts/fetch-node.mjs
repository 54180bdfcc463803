// Other versions of Node, for tests: `node scripts/fetch-node.mjs 24` puts Node 24 into .cache/nodes/24.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, stop } from "./root.mjs";

/** The Node of that major version: npm's package "node" brings it, kept in .cache. */
export function fetchNode(version) {
  const folder = join(root, ".cache", "nodes", String(version));
  const windows = process.platform === "win32";
  const program = join(folder, "node_modules", "node", "bin", windows ? "node.exe" : "node");
  if (existsSync(program)) return program;
  process.stderr.write(`Fetching Node ${version}…\n`);
  mkdirSync(folder, { recursive: true });
  // The package's script puts the binary of this system in its place; npm asks for a word before it runs scripts.
  writeFileSync(join(folder, "package.json"), '{ "private": true, "allowScripts": { "node": true } }\n');
  writeFileSync(join(folder, ".npmrc"), "ignore-scripts=false\n");
  const flags = [
    "install",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--prefix",
    folder,
    `node@${version}`,
  ];
  const result = spawnSync(windows ? "npm.cmd" : "npm", flags, {
    cwd: folder,
    stdio: ["ignore", 2, 2],
    shell: windows,
    env: { ...process.env, npm_config_ignore_scripts: "false" },
  });
  if (result.status !== 0 || !existsSync(program))
    stop(`Node ${version} could not be fetched; npm says why above.`, 1);
  return program;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const version of process.argv.slice(2)) fetchNode(version);
}
