// `node scripts/wine.mjs`: what Belljar does on Windows, run by Windows' own Node under wine. First the test suite's parts
// that have to do with the system, then sound through WASAPI and what both systems must make alike (test/wine/).
// Names choose test files, as with `npm test`. docs/platforms.md says what came of it.
import { spawnSync } from "node:child_process";
import { prepare } from "./prepare.mjs";
import { root, stop } from "./root.mjs";
import { makeTree } from "./wine/tree.mjs";
import { makeWine } from "./wine/wine.mjs";

const HELP = `Runs Belljar as a Windows program under wine. Needs a Debian of x64 with wine64 and wine (691 MB) and, for
sound, pulseaudio and pulseaudio-utils:

  apt-get install --no-install-recommends wine64 wine pulseaudio pulseaudio-utils

Fetches from the npm registry, once, into .cache/wine/ (1 GB in all): Node for Windows, the dependencies for
Windows, esbuild as WebAssembly, and naudiodon2, whose PortAudio library for Windows it is about.
Nothing outside .cache/wine/ is changed; delete that folder to begin anew.

Usage: node scripts/wine.mjs [--node N] [--all] [NAME...]

  --node N   20 or 22 (20); later ones do not start under wine 8
  --all      the whole test suite; else what has to do with the system
  NAME       the test files whose path contains it
`;

/** What is the same on all systems is left out: it takes its time, and has run. */
const SYSTEM = [
  "shm/",
  "sidecar/",
  "output/",
  "player/",
  "registry/",
  "engine/",
  "validate/",
  "cli/",
  "attacks/files",
  "attacks/registry",
];

const names = [];
let version = 20;
let all = false;
for (const args = process.argv.slice(2); args.length > 0; ) {
  const word = args.shift();
  if (word === "--help") {
    process.stdout.write(HELP);
    process.exit(0);
  } else if (word === "--all") all = true;
  else if (word === "--node") version = Number(args.shift());
  else if (word.startsWith("-")) stop(`There is no ${word}. ${HELP}`);
  else names.push(word);
}
if (version !== 20 && version !== 22) stop("--node takes 20 or 22: later ones do not start under wine 8.");
if (process.platform !== "linux" || process.arch !== "x64") stop("This runs on Linux x64.");
if (spawnSync("wine", ["--version"]).status !== 0) {
  stop("wine is not installed: apt-get install --no-install-recommends wine64 wine (691 MB).");
}

const problems = await prepare();
if (problems.length > 0) stop(problems.join("\n"), 1);
const tree = makeTree(version);
const wine = makeWine(tree);

let failed = false;
const own = names.filter((name) => name.startsWith("wine"));
const theirs = names.filter((name) => !own.includes(name));
if (names.length === 0 || theirs.length > 0) {
  console.log(`The tests, on Node ${version} for Windows:`);
  const chosen = theirs.length > 0 ? theirs : all ? [] : SYSTEM;
  failed = (await wine.run(["W:\\belljar\\scripts\\test.mjs", "--in", "W:\\belljar\\test", ...chosen])) !== 0;
}
if (names.length === 0 || own.length > 0) {
  console.log("Linux and Windows beside each other:");
  const { status } = spawnSync(process.execPath, ["scripts/test.mjs", "wine/"], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...wine.env, BELLJAR_WINE: JSON.stringify(tree) },
  });
  failed ||= status !== 0;
}
process.exit(failed ? 1 : 0);
