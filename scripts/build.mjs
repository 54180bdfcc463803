// Builds dist/: the bundles, their type declarations and the built-in plugins; each only when its sources changed.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { filesBelow, isProgram, root, writeWhole } from "./root.mjs";

const ALWAYS = ["package.json", "package-lock.json", "scripts"];

/** What is built. `from`: the files and folders that decide what comes out. */
const TARGETS = [
  {
    name: "bundles",
    from: ["abi", "shm", "sidecar", "runtime", "tsconfig.json"],
    step: "./build-bundles.mjs",
  },
  {
    name: "types",
    from: ["abi", "shm", "runtime", "tsconfig.json", "tsconfig.types.json"],
    step: "./build-types.mjs",
  },
  {
    name: "plugins",
    from: [
      "abi/layout.ts",
      "sdk-as",
      "plugins-src",
      "examples/demo/plugins",
      "runtime/cli/authoring",
      "asconfig.json",
    ],
    step: "./build-plugins.mjs",
  },
];

/**
 * Brings dist/ up to date.
 * @returns one message for each thing that could not be built; empty when all is well
 */
export async function build({ force = false } = {}) {
  const stale = [];
  for (const target of TARGETS) {
    const hash = hashOf([...ALWAYS, ...target.from]);
    const stamp = join(root, ".cache", "build", `${target.name}.json`);
    if (force || !isCurrent(stamp, hash)) stale.push({ ...target, hash, stamp });
  }
  if (stale.length === 0) return [];
  process.stderr.write(`Building ${stale.map((target) => target.name).join(", ")}…\n`);
  const results = await Promise.allSettled(
    stale.map(async ({ step, stamp, hash }) => {
      const outputs = await (await import(step)).default();
      writeWhole(stamp, JSON.stringify({ hash, outputs: outputs.map((path) => relative(root, path)) }));
    }),
  );
  const failures = results.filter((result) => result.status === "rejected");
  if (failures.length === 0) return [];
  const { explain } = await import("./bundle.mjs");
  return Promise.all(failures.map((failure) => explain(failure.reason)));
}

function hashOf(paths) {
  const hash = createHash("sha256");
  for (const path of paths) {
    for (const file of filesBelow(join(root, path)))
      hash.update(`\0${relative(root, file)}\0`).update(contents(file));
  }
  return hash.digest("hex");
}

/** A file may vanish between being listed and being read (an editor's temporary file). */
function contents(file) {
  try {
    return readFileSync(file);
  } catch {
    return "";
  }
}

function isCurrent(stamp, hash) {
  try {
    const was = JSON.parse(readFileSync(stamp, "utf8"));
    return was.hash === hash && was.outputs.every((path) => existsSync(join(root, path)));
  } catch {
    return false;
  }
}

if (isProgram(import.meta)) {
  const { checkNode, install, link } = await import("./prepare.mjs");
  checkNode();
  install();
  const problems = await build({ force: process.argv.includes("--force") });
  link();
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
