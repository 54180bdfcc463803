// `belljar play` as a process that is watched while it plays.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../root.ts";
import { writeNote, writeRamp } from "./program.ts";

const wire = (from: string, to: string, port = "audio") => {
  return { from_node: from, from_port: `${port}_out`, to_node: to, to_port: `${port}_in` };
};
const SONG = {
  sample_rate: 48_000,
  nodes: [
    { id: "song", type: "track_source" },
    { id: "lead", type: "sine" },
    { id: "echo", type: "delay" },
  ],
  connections: [wire("song", "lead", "events"), wire("lead", "echo"), wire("echo", "master")],
};
/** Nothing in it ends. */
export const ENDLESS = { nodes: [{ id: "a", type: "delay" }], connections: [wire("a", "master")] };

/** What there is to play: song.json, endless.json, note.mid for the song, ramp.wav. And garbage.json. */
export function writePieces(folder: string): void {
  writeFileSync(join(folder, "song.json"), JSON.stringify(SONG));
  writeFileSync(join(folder, "endless.json"), JSON.stringify(ENDLESS));
  writeFileSync(join(folder, "garbage.json"), "\u0000\u0001{not json");
  writeNote(join(folder, "note.mid"));
  writeRamp(join(folder, "ramp.wav"), 12_345, 44_100);
}

export interface Player {
  child: ChildProcess;
  /** What it has said so far, on both streams. */
  readonly said: string;
  readonly stdout: string;
  /** Waits until it has said something. */
  until(words: RegExp): Promise<void>;
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | string>;
  /** The process ids of its sidecars. */
  sidecars(): number[];
}

export function startPlayer(args: string[], cwd: string, env: NodeJS.ProcessEnv = {}): Player {
  const program = join(root, "dist", "cli.js");
  const child = spawn(process.execPath, [program, "play", ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  return {
    child,
    ended,
    get said() {
      return stdout + stderr;
    },
    get stdout() {
      return stdout;
    },
    async until(words) {
      while (!words.test(stdout + stderr)) {
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(`It ended without saying ${words}:\n${stdout}${stderr}`);
        }
        await new Promise((resume) => setTimeout(resume, 10));
      }
    },
    sidecars: () => childrenOf(child.pid as number),
  };
}

/** Processes that a process has started and that live (Linux). */
export function childrenOf(pid: number): number[] {
  const found: number[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // "pid (name) state parent …"
      const fields = readFileSync(`/proc/${name}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      if (Number(fields[1]) === pid && fields[0] !== "Z") found.push(Number(name));
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

/** Whether a process lives. */
export function lives(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
