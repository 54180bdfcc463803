// The two processes of live-ring.ts: each is one of these. What a process has found it writes to standard output.

import { readSync, writeSync } from "node:fs";
import { RingState } from "../abi/ring.ts";
import { steadyClock } from "../shm/clock.ts";
import { openRegion } from "../shm/region.ts";
import { ringBytes, RingReader, RingWriter } from "../shm/ring.ts";
import { raisePriority } from "../shm/thread.ts";
import { regionWake } from "../shm/wake.ts";
import { FRAMES, SHAPE } from "./live-ring.ts";

interface Ring {
  name: string;
  bytes: number;
}
export type OtherWork = { seconds: number } & (
  | { role: "fill" | "wait" | "drain" | "wake"; ring: Ring }
  | { role: "pipe-fill" | "pipe-drain" | "pipe-wake" | "pipe-wait" | "pipe-hear" }
);

/** Where a process that writes has the pipe; one that reads has it as its standard input. */
const PIPE = 3;
/** Frames that a sink takes at a time. */
const CHUNK = 256;
const LENGTH = (CHUNK * 1000) / SHAPE.rate;
const BLOCK_BYTES = FRAMES * SHAPE.channels * 4;
/** Turns that do not count. */
const FIRST = 50;
/** Milliseconds that a side sleeps where it can't go on: a part of what the ring holds. */
const BREAK = 0.05;

const say = (found: unknown): void => void writeSync(1, JSON.stringify(found));
const now = steadyClock();
const nap = new Int32Array(new SharedArrayBuffer(4));
const sleepUntil = (time: number): void => {
  for (let left = time - now(); left > 0; left = time - now()) Atomics.wait(nap, 0, 0, left);
};

function sides({ name, bytes }: Ring) {
  const region = openRegion(name, bytes);
  const wake = regionWake(region);
  /** When the reader last began to read. */
  const time = new Float64Array(region.buffer, ringBytes(SHAPE), 1);
  return { region, wake, time };
}

export async function runOther(work: OtherWork): Promise<void> {
  const { seconds } = work;
  switch (work.role) {
    case "fill":
      return fill(work.ring, seconds);
    case "drain":
      return drain(work.ring);
    case "wait":
      return wait(work.ring, seconds);
    case "wake":
      return wake(work.ring, seconds);
    case "pipe-fill":
      return pipeFill(seconds);
    case "pipe-drain":
      return pipeDrain();
    case "pipe-wake":
      return pipeWake(seconds);
    case "pipe-wait":
      return pipeWait();
    case "pipe-hear":
      return pipeHear();
  }
}

/** Writes as fast as there is room, and wakes nobody. */
function fill(ring: Ring, seconds: number): void {
  const { region, wake } = sides(ring);
  const writer = new RingWriter(region.buffer, wake, process.pid);
  const channels = Array.from({ length: SHAPE.channels }, () => new Float32Array(FRAMES).fill(0.25));
  const end = now() + seconds * 1000;
  while (now() < end) {
    for (let i = 0; i < 64; i++) while (!writer.write(channels, FRAMES)) Atomics.wait(nap, 0, 0, BREAK);
  }
  writer.setState(RingState.Draining);
  while (writer.filled > 0) sleepUntil(now() + 1);
}

/** Reads as fast as something comes. */
function drain(ring: Ring): void {
  const { region, wake } = sides(ring);
  const reader = new RingReader(region.buffer, wake, process.pid);
  const into = new Float32Array(CHUNK * SHAPE.channels);
  reader.waitFor(CHUNK, 10_000);
  const began = now();
  let frames = 0;
  for (;;) {
    const count = Math.min(CHUNK, reader.available);
    if (count > 0) frames += reader.read(into, count);
    else if (reader.state === RingState.Draining && reader.available === 0) break;
    else Atomics.wait(nap, 0, 0, BREAK);
  }
  say({ frames, seconds: (now() - began) / 1000 });
}

/** Keeps the ring full, as the audio thread does, and says how soon after each of the reader's turns it was awake. */
function wait(ring: Ring, seconds: number): void {
  raisePriority();
  const { region, wake, time } = sides(ring);
  const writer = new RingWriter(region.buffer, wake, process.pid);
  const channels = Array.from({ length: SHAPE.channels }, () => new Float32Array(CHUNK));
  const times = new Float64Array(Math.ceil((seconds * 1000) / LENGTH));
  let turns = -FIRST;
  while (writer.space >= CHUNK) writer.write(channels, CHUNK);
  while (turns < times.length) {
    while (!writer.waitForSpace(CHUNK, 50));
    const awake = now();
    if (turns >= 0) times[turns] = awake - (time[0] as number);
    turns++;
    writer.write(channels, CHUNK);
  }
  writer.setState(RingState.Draining);
  say(Array.from(times));
}

/** Takes a chunk whenever one has sounded, as a sink does. */
function wake(ring: Ring, seconds: number): void {
  raisePriority();
  const { region, wake: wake_, time } = sides(ring);
  const reader = new RingReader(region.buffer, wake_, process.pid);
  const into = new Float32Array(CHUNK * SHAPE.channels);
  reader.waitFor(SHAPE.capacity, 10_000);
  const began = now();
  const turns = Math.ceil((seconds * 1000) / LENGTH) + FIRST;
  for (let turn = 1; turn <= turns + 20 && reader.state !== RingState.Draining; turn++) {
    sleepUntil(began + turn * LENGTH);
    time[0] = now();
    reader.read(into, CHUNK);
  }
}

function pipeFill(seconds: number): void {
  const block = new Uint8Array(BLOCK_BYTES).fill(62);
  const end = now() + seconds * 1000;
  while (now() < end) for (let i = 0; i < 64; i++) writeWhole(block);
}

function writeWhole(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(PIPE, bytes, done);
}

function pipeDrain(): void {
  const into = new Uint8Array(65_536);
  let bytes = readSync(0, into);
  const began = now();
  for (let count = bytes; count > 0; bytes += count) count = readSync(0, into);
  say({ frames: bytes / (BLOCK_BYTES / FRAMES), seconds: (now() - began) / 1000 });
}

/** Sends the time, at the times of a sink. */
function pipeWake(seconds: number): void {
  raisePriority();
  const time = new Float64Array(1);
  const bytes = new Uint8Array(time.buffer);
  const began = now() + 500;
  const turns = Math.ceil((seconds * 1000) / LENGTH) + FIRST;
  for (let turn = 0; turn < turns; turn++) {
    sleepUntil(began + turn * LENGTH);
    time[0] = now();
    writeWhole(bytes);
  }
}

function pipeWait(): void {
  raisePriority();
  const time = new Float64Array(1);
  const bytes = new Uint8Array(time.buffer);
  const times: number[] = [];
  while (readSync(0, bytes) === bytes.length) times.push(now() - (time[0] as number));
  say(times.slice(FIRST));
}

async function pipeHear(): Promise<void> {
  raisePriority();
  const times: number[] = [];
  for await (const chunk of process.stdin) {
    const heard = now();
    const bytes = Uint8Array.from(chunk as Buffer);
    for (const sent of new Float64Array(bytes.buffer, 0, bytes.length >> 3)) times.push(heard - sent);
  }
  say(times.slice(FIRST));
}
