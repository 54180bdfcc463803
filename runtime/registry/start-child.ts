// Starting a process of our own for work with a stranger's plugin. Nothing of the user's settings belongs in there.

import { type ChildProcess, spawn } from "node:child_process";
import { cacheFolder } from "./user-folder.ts";

/** Starts `script` with V8 flags; its own output goes nowhere. Messages go over IPC, as structured clones. */
export function startChild(script: string, flags: readonly string[] = []): ChildProcess {
  const { SystemRoot } = process.env;
  return spawn(process.execPath, [...flags, script], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    serialization: "advanced",
    env: { BELLJAR_CACHE: cacheFolder(), ...(SystemRoot === undefined ? {} : { SystemRoot }) },
    windowsHide: true,
  });
}
