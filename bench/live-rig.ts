// What the parts of `npm run bench -- live` have in common.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Region } from "../shm/region.ts";
import type { LivePlay } from "../runtime/engine/live/play-live.ts";
import { parseSession, type Session } from "../runtime/engine/session.ts";
import { type Pulse, SINK, soundIsMissing, startPulse } from "../test/sidecar/pulse.ts";
import type { Watched, WorkerRole } from "./live-worker.ts";

export const RATE = 48_000;
export const DEVICE_OF_PULSE = "portaudio:ALSA:pulse";

export type Progress = (line: string) => void;

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resume) => setTimeout(resume, milliseconds));

/** The bench itself, as a thread or process that does something else: main.ts looks what. */
export const program = (): string => process.argv[1] as string;

export const startWorker = (role: WorkerRole): Worker => new Worker(program(), { workerData: role });

export function sessionOf(nodes: object[], wires: string[]): Session {
  const connections = wires.map((wire) => {
    const [from, to] = wire.split(" -> ").map((end) => end.split(".")) as [string[], string[]];
    const ports = { from_port: from[1] ?? "audio_out", to_port: to[1] ?? "audio_in" };
    return { from_node: from[0], to_node: to[0], ...ports };
  });
  return parseSession(JSON.stringify({ sample_rate: RATE, nodes, connections }), "session");
}

/** Looks into the ring between a session and its sink. */
export class Watch {
  private readonly stopped = new SharedArrayBuffer(4);
  private readonly worker: Worker;

  constructor(play: LivePlay) {
    const { region } = (play.output as unknown as { link: { region: Region } }).link;
    const { name, buffer } = region;
    const ring = { name, bytes: buffer.byteLength };
    this.worker = startWorker({ role: "watch", stop: this.stopped, region: ring, channels: 2 });
  }

  started(): Promise<unknown> {
    return once(this.worker, "online");
  }

  async end(): Promise<Watched> {
    const told = once(this.worker, "message");
    Atomics.store(new Int32Array(this.stopped), 0, 1);
    const [watched] = (await told) as [Watched];
    return watched;
  }
}

/** A PulseAudio server of our own, for all that is started while `work` goes on; or why there is none. */
export async function withPulse(work: (sink: string) => Promise<void>): Promise<string | null> {
  const missing = soundIsMissing();
  if (missing !== null) return missing;
  const pulse: Pulse = await startPulse(RATE);
  const before = { ...process.env };
  Object.assign(process.env, pulse.env);
  try {
    await work(SINK);
  } finally {
    for (const key of Object.keys(pulse.env)) delete process.env[key];
    Object.assign(process.env, before);
    await pulse.stop();
  }
  return null;
}
