// The threads of `npm run bench -- live` that measure: with the audio thread's own priority and waits.

import { spawn } from "node:child_process";
import { parentPort, workerData } from "node:worker_threads";
import type { SinkParcel } from "../runtime/engine/live/audio-messages.ts";
import { countLateness, LATENESS_WORDS } from "../runtime/engine/live/lateness.ts";
import { Pace } from "../runtime/engine/live/pace.ts";
import { LiveWords } from "../runtime/engine/live/words.ts";
import { RING_AT_MISSING, RING_AT_READ, RING_AT_WRITTEN, RING_HEADER, RingState } from "../abi/ring.ts";
import { steadyClock } from "../shm/clock.ts";
import { openOwnRegion } from "../shm/region.ts";
import { RingWriter } from "../shm/ring.ts";
import { flushSubnormals, raisePriority } from "../shm/thread.ts";
import { regionWake } from "../shm/wake.ts";

export type WorkerRole =
  /** An empty block into a ring, whenever there is room: all that the audio thread does but the sound. */
  | {
      role: "empty";
      words: SharedArrayBuffer;
      stop: SharedArrayBuffer;
      sink: SinkParcel;
      rate: number;
      block: number;
    }
  /** Nothing, at even times of its own. */
  | { role: "timer"; counts: SharedArrayBuffer; stop: SharedArrayBuffer; rate: number; block: number }
  | { role: "watch"; stop: SharedArrayBuffer; region: { name: string; bytes: number }; channels: number }
  | { role: "record"; sink: string };

/** What lies in a ring, and when. Milliseconds of the steady clock. */
export interface Watched {
  /** Loud samples: their place in the ring, when the sink had taken them, and what it had missed by then. */
  impulses: { at: number; taken: number; missing: number }[];
  /** Each time that something new lay there, and the place up to which it did. */
  writes: { time: number; at: number }[];
  /** The sink's turns: how far it had read, or missed. */
  reads: { time: number; at: number }[];
}

export const LOUD = 0.25;
/** How often the ring is looked at. Milliseconds. */
const LOOK = 0.1;

export function runLiveWorker(): void {
  const work = workerData as WorkerRole;
  flushSubnormals();
  raisePriority();
  if (work.role === "empty") runEmpty(work);
  else if (work.role === "timer") runTimer(work);
  else if (work.role === "watch") parentPort?.postMessage(watch(work));
  else record(work.sink);
}

function runEmpty({ words: buffer, stop, sink, rate, block }: Extract<WorkerRole, { role: "empty" }>): void {
  const words = new LiveWords(0, buffer);
  const stopped = new Int32Array(stop);
  const region = openOwnRegion(sink.region.name, sink.region.bytes);
  const writer = new RingWriter(region.buffer, regionWake(region), process.pid);
  writer.depth = sink.depth;
  writer.setState(RingState.Running);
  const pace = new Pace(words, steadyClock(), rate, block, false);
  pace.setSink(writer, sink.chunk ?? block);
  const silence = new Float32Array(block);
  while (Atomics.load(stopped, 0) === 0) {
    if (!pace.wait()) continue;
    pace.deliver(silence, silence, block);
    words.endBlock(block);
  }
  writer.setState(RingState.Draining);
}

function runTimer({ counts: buffer, stop, rate, block }: Extract<WorkerRole, { role: "timer" }>): void {
  const counts = new Int32Array(buffer, 0, LATENESS_WORDS);
  const stopped = new Int32Array(stop);
  const nap = new Int32Array(new SharedArrayBuffer(4));
  const now = steadyClock();
  const began = now();
  for (let turn = 1; Atomics.load(stopped, 0) === 0; turn++) {
    const due = began + (turn * block * 1000) / rate;
    for (let left = due - now(); left > 0; left = due - now()) Atomics.wait(nap, 0, 0, left);
    countLateness(counts, Math.floor((now() - due) * 1000));
  }
}

function watch({ stop, region: { name, bytes }, channels }: Extract<WorkerRole, { role: "watch" }>): Watched {
  const { buffer } = openOwnRegion(name, bytes);
  const words = new Int32Array(buffer, 0, RING_HEADER / 4);
  const samples = new Float32Array(buffer, RING_HEADER);
  const capacity = 2 ** Math.floor(Math.log2(samples.length / channels));
  const stopped = new Int32Array(stop);
  const nap = new Int32Array(new SharedArrayBuffer(4));
  const now = steadyClock();
  const word = (at: number): number => Atomics.load(words, at / 4);
  const watched: Watched = { impulses: [], writes: [], reads: [] };
  let [written, read] = [word(RING_AT_WRITTEN), 0];
  let untaken = 0;
  while (Atomics.load(stopped, 0) === 0) {
    const time = now();
    const taken = word(RING_AT_READ);
    const missing = word(RING_AT_MISSING);
    const passed = taken + missing;
    if (passed !== read) {
      read = passed;
      watched.reads.push({ time, at: read });
      for (; untaken < watched.impulses.length; untaken++) {
        const impulse = watched.impulses[untaken] as Watched["impulses"][number];
        if (impulse.at >= taken) break;
        impulse.taken = time;
        impulse.missing = missing;
      }
    }
    const end = word(RING_AT_WRITTEN);
    if (end !== written) watched.writes.push({ time, at: end });
    for (; written !== end; written++) {
      const sample = samples[(written % capacity) * channels] as number;
      if (Math.abs(sample) > LOUD) watched.impulses.push({ at: written, taken: Number.NaN, missing: 0 });
    }
    Atomics.wait(nap, 0, 0, LOOK);
  }
  return watched;
}

/** Tells when each loud sample of a PulseAudio sink's monitor is in a recorder's hands. */
function record(sink: string): void {
  const now = steadyClock();
  const format = ["--raw", "--format=float32le", "--rate=48000", "--channels=2", "--latency-msec=1"];
  const parec = spawn("parec", ["-d", `${sink}.monitor`, ...format], { stdio: ["ignore", "pipe", "ignore"] });
  const heard: number[] = [];
  let recording = false;
  let rest = new Uint8Array();
  parec.stdout.on("data", (chunk: Buffer) => {
    const time = now();
    if (!recording) parentPort?.postMessage("recording");
    recording = true;
    const bytes = Uint8Array.from(Buffer.concat([rest, chunk]));
    const whole = bytes.length - (bytes.length % 8);
    rest = bytes.slice(whole);
    const samples = new Float32Array(bytes.buffer, 0, whole / 4);
    for (let i = 0; i < samples.length; i += 2) if (Math.abs(samples[i] as number) > LOUD) heard.push(time);
  });
  parentPort?.once("message", () => {
    parec.kill("SIGTERM");
    parentPort?.postMessage(heard);
    parentPort?.close();
  });
}
