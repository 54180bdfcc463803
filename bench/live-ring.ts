// What a ring between two processes carries, and how soon a side that sleeps on it is awake; and the same of a pipe.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import koffi from "koffi";
import { quantile } from "../runtime/bench/statistics.ts";
import { createRegion } from "../shm/region.ts";
import { createRing, ringBytes } from "../shm/ring.ts";
import type { OtherWork } from "./live-other.ts";
import { type Progress, program } from "./live-rig.ts";

export const OTHER = "BELLJAR_BENCH_OTHER";
/** Stereo, 341 ms. */
export const SHAPE = { capacity: 16_384, channels: 2, rate: 48_000 };
export const FRAMES = 128;

export interface CarriedRow {
  what: string;
  framesPerSecond: number;
  megabytesPerSecond: number;
  /** Times as fast as the sound goes at 48 kHz. */
  timesRealTime: number;
}

/** Microseconds. */
export interface WokenRow {
  what: string;
  wakes: number;
  p50: number;
  p99: number;
  p999: number;
  most: number;
}

export interface RingResult {
  carried: CarriedRow[];
  woken: WokenRow[];
}

interface Other {
  child: ChildProcess;
  said: Promise<string>;
}

function start(work: OtherWork, input: number | "ignore", output: number | "ignore"): Other {
  const child = spawn(process.execPath, [program()], {
    stdio: [input, "pipe", "inherit", output],
    env: { ...process.env, [OTHER]: JSON.stringify(work) },
  });
  let text = "";
  child.stdout?.on("data", (chunk) => (text += chunk));
  const said = new Promise<string>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(text) : reject(new Error(`The other process ended with ${code}.`)),
    );
  });
  return { child, said };
}

const F_SETFD = 2;
const FD_CLOEXEC = 1;

/** A pipe of the system's own, as two descriptors; null where this system has none that can be had so. */
function pipe(): [number, number] | null {
  if (process.platform === "win32") return null;
  const libc = koffi.load(process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6");
  const ends = new Int32Array(2);
  if ((libc.func("int pipe(void*)")(ends) as number) !== 0) return null;
  const [from, into] = ends as unknown as [number, number];
  // Not for the children, but for the end that each is given.
  const control = libc.func("int fcntl(int, int, ...)");
  for (const end of [from, into]) control(end, F_SETFD, "int", FD_CLOEXEC);
  return [from, into];
}

/** One process writes, the other reads; what the reading one and the writing one say, as JSON. */
async function overRing(
  writer: "fill" | "wait",
  reader: "drain" | "wake",
  seconds: number,
): Promise<string[]> {
  // Behind the ring: a time.
  const bytes = ringBytes(SHAPE) + 8;
  const region = createRegion(bytes);
  createRing(region.buffer, SHAPE);
  const ring = { name: region.name, bytes };
  const sides = [start({ role: writer, ring, seconds }, "ignore", "ignore")];
  sides.push(start({ role: reader, ring, seconds }, "ignore", "ignore"));
  const said = await Promise.all(sides.map((side) => side.said));
  region.close();
  return said;
}

async function overPipe(
  writer: "pipe-fill" | "pipe-wake",
  reader: "pipe-drain" | "pipe-wait" | "pipe-hear",
  seconds: number,
): Promise<string | null> {
  const ends = pipe();
  if (ends === null) return null;
  const [from, into] = ends;
  const reading = start({ role: reader, seconds }, from, "ignore");
  const writing = start({ role: writer, seconds }, "ignore", into);
  closeSync(from);
  closeSync(into);
  const [said] = await Promise.all([reading.said, writing.said]);
  return said;
}

function carried(what: string, said: string): CarriedRow {
  const { frames, seconds } = JSON.parse(said) as { frames: number; seconds: number };
  const framesPerSecond = frames / seconds;
  const megabytesPerSecond = (framesPerSecond * SHAPE.channels * 4) / 1e6;
  return { what, framesPerSecond, megabytesPerSecond, timesRealTime: framesPerSecond / SHAPE.rate };
}

function woken(what: string, said: string): WokenRow {
  const times = (JSON.parse(said) as number[]).map((milliseconds) => milliseconds * 1000);
  const at = (part: number): number => quantile(times, part);
  return { what, wakes: times.length, p50: at(0.5), p99: at(0.99), p999: at(0.999), most: at(1) };
}

export async function measureRing(seconds: number, tell: Progress): Promise<RingResult> {
  const result: RingResult = { carried: [], woken: [] };
  tell("how much a ring carries, and a pipe");
  const [, drained = ""] = await overRing("fill", "drain", seconds / 2);
  result.carried.push(carried("ring in shared memory", drained));
  const piped = await overPipe("pipe-fill", "pipe-drain", seconds / 2);
  if (piped !== null) result.carried.push(carried("pipe, 1 KiB a write", piped));
  tell("how soon the other side is awake");
  const [waited = ""] = await overRing("wait", "wake", seconds);
  result.woken.push(woken("ring in shared memory", waited));
  const read = await overPipe("pipe-wake", "pipe-wait", seconds);
  if (read !== null) result.woken.push(woken("pipe, a read that blocks", read));
  const heard = await overPipe("pipe-wake", "pipe-hear", seconds);
  if (heard !== null) result.woken.push(woken("pipe, Node's stream", heard));
  return result;
}
