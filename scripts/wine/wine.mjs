// Windows' Node under wine: a prefix of its own, drive W: for the tree, and files for its output, since a pipe of Linux's
// is no handle that it can write to. Between Windows programs pipes are as they should be.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stop } from "../root.mjs";

/** @param places what makeTree returns */
export function makeWine({ drive, tree, node, prefix }) {
  const env = {
    WINEPREFIX: prefix,
    WINEDEBUG: "-all",
    // No questions about .NET and HTML.
    WINEDLLOVERRIDES: "mscoree,mshtml=",
    DISPLAY: "",
    // A bare "node" is this one.
    WINEPATH: `Z:${dirname(node).replaceAll("/", "\\")}`,
  };
  const whole = { ...process.env, ...env };
  if (!existsSync(join(prefix, "system.reg"))) {
    process.stderr.write("Making wine's folder…\n");
    mkdirSync(prefix, { recursive: true });
    for (const args of [
      ["wineboot", "-i"],
      ["winecfg", "-v", "win10"],
    ]) {
      if (spawnSync("wine", args, { env: whole, stdio: "ignore" }).status !== 0) {
        stop(`wine ${args.join(" ")} failed.`, 1);
      }
    }
  }
  // A drive of its own: the clone around the tree is out of sight.
  const letter = join(prefix, "dosdevices", "w:");
  rmSync(letter, { force: true });
  symlinkSync(drive, letter);

  /** Runs Node, and says what it says. Returns its exit code. */
  const run = async (args) => {
    const folder = mkdtempSync(join(tmpdir(), "belljar-wine-"));
    const outputs = [process.stdout, process.stderr].map((to, i) => {
      const path = join(folder, String(i));
      return { to, path, file: openSync(path, "w"), reader: openSync(path, "r") };
    });
    const pass = () => {
      const chunk = Buffer.alloc(65_536);
      for (const { to, reader } of outputs) {
        for (let count = 1; count > 0; ) {
          count = readSync(reader, chunk);
          to.write(chunk.subarray(0, count).toString());
        }
      }
    };
    const child = spawn("wine", [node, ...args], {
      cwd: tree,
      env: whole,
      stdio: ["ignore", ...outputs.map(({ file }) => file)],
    });
    const look = setInterval(pass, 250);
    const [status] = await once(child, "exit");
    clearInterval(look);
    pass();
    rmSync(folder, { recursive: true, force: true });
    return status;
  };
  return { env, run };
}
