// Belljar for Windows, run under wine from Linux: `node scripts/wine.mjs` makes it, and says where it is.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outcome } from "../cli/program.ts";

/** What scripts/wine.mjs has made. Linux's paths. */
export interface WinePlaces {
  tree: string;
  /** Windows' Node. */
  node: string;
  /** A PortAudio library for Windows. */
  portaudio: string;
  /** The folder that wine keeps. */
  prefix: string;
}

export function winePlaces(): WinePlaces | null {
  const told = process.env["BELLJAR_WINE"];
  return told === undefined ? null : (JSON.parse(told) as WinePlaces);
}

export const WINE_IS_MISSING = "node scripts/wine.mjs runs it";

/** Milliseconds that one command may take. */
const TIME_LIMIT = 90_000;

/** What wine calls a place of Linux's. */
export const windowsPath = (path: string): string => `Z:${path.replaceAll("/", "\\")}`;

/** Runs the tree's `belljar`. What it says goes into files: a pipe of Linux's is no handle that Windows' Node can write to. */
export async function windowsBelljar(
  { node }: WinePlaces,
  args: string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "belljar-wine-"));
  const paths = ["out", "err"].map((name) => join(folder, name)) as [string, string];
  const files = paths.map((path) => openSync(path, "w"));
  try {
    const child = spawn("wine", [node, "W:\\belljar\\dist\\cli.js", ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", ...files],
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), TIME_LIMIT);
    const [code, signal] = await once(child, "exit");
    clearTimeout(timer);
    const [stdout, stderr] = paths.map((path) => readFileSync(path, "utf8")) as [string, string];
    if (signal !== null) throw new Error(`belljar ${args.join(" ")} did not end:\n${stdout}${stderr}`);
    return { code, stdout, stderr };
  } finally {
    for (const file of files) closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}
