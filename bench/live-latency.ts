// From an event that a host sends to the sound of it: an impulse, found where the device takes it. Beside it what the
// engine says of its latency.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventType } from "../abi/layout.ts";
import type { StreamFormat } from "../abi/sidecar.ts";
import { playLive } from "../runtime/engine/live/play-live.ts";
import { maximum, minimum } from "../runtime/bench/statistics.ts";
import { steadyClock } from "../shm/clock.ts";
import type { LivePlugin } from "./live-plugins.ts";
import { type Progress, RATE, sessionOf, sleep, startWorker, Watch } from "./live-rig.ts";

export interface Setting {
  block: number;
  /** Milliseconds; null: as it is unless said. */
  latency: number | null;
  /** Frames that the sink takes at a time, and of the device's buffer; null: as they are unless said. */
  chunk: number | null;
  buffer: number | null;
}

const setting = (block: number, more: Partial<Setting> = {}): Setting => ({
  block,
  latency: null,
  chunk: null,
  buffer: null,
  ...more,
});

export const SETTINGS: readonly Setting[] = [
  ...[32, 64, 128, 256, 512, 1024, 2048, 4096].map((block) => setting(block)),
  ...[5, 10, 20, 50, 200].map((latency) => setting(128, { latency })),
  setting(32, { latency: 4, chunk: 64, buffer: 64 }),
  setting(128, { latency: 6, chunk: 128, buffer: 128 }),
];
export const SETTINGS_OF_PULSE: readonly Setting[] = [
  setting(32),
  setting(128),
  setting(128, { latency: 20 }),
  setting(512),
  setting(4096),
];
const IMPULSES = 30;
const TRIES = 4;

/** Milliseconds. */
export interface LatencyRow {
  device: string;
  setting: Setting;
  /** What the engine says: in the ring, in the device, and both. */
  ready: number;
  deviceSays: number;
  says: number;
  /** Between what an event's sound should lag, by the same figures: it waits for the next block. */
  least: number;
  most: number;
  /** What it did lag, until it was heard. PulseAudio: until a recorder had it. */
  heard: { impulses: number; least: number; mean: number; most: number };
  /** From the ring to there: what the device really adds. */
  deviceAdds: { least: number; mean: number; most: number };
  underruns: number;
  deviceUnderruns: number;
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
const spread = (values: number[]): { least: number; mean: number; most: number } => ({
  least: minimum(values),
  mean: values.reduce((sum, value) => sum + value, 0) / values.length,
  most: maximum(values),
});

export async function measureLatency(
  device: string,
  settings: readonly Setting[],
  plugins: readonly LivePlugin[],
  sink: string | null,
  tell: Progress,
): Promise<LatencyRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "belljar-bench-"));
  try {
    for (const { name, bytes } of plugins) writeFileSync(join(folder, `${name}.wasm`), bytes);
    const rows: LatencyRow[] = [];
    for (const each of settings) {
      tell(`${device}: blocks of ${each.block} frames, ${each.latency ?? "usual"} ms`);
      const row = await measureAgain(device, each, folder, sink);
      if (row !== null) rows.push(row);
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const SESSION = sessionOf(
  [
    { id: "keys", type: "event_input" },
    { id: "impulse", type: "./impulse.wasm" },
  ],
  ["keys.events_out -> impulse.events_in", "impulse -> master"],
);

/**
 * Where the machine was so busy that two impulses fell into one block, or that the sound broke off, it is measured again, up
 * to TRIES times. null: so busy that there is nothing to tell.
 */
async function measureAgain(...of: Parameters<typeof measure>): Promise<LatencyRow | null> {
  for (let tries = 1; ; tries++) {
    try {
      const row = await measure(...of);
      if (row.underruns + row.deviceUnderruns === 0 || tries >= TRIES) return row;
    } catch (error) {
      if (!(error instanceof Disturbed)) throw error;
      if (tries >= TRIES) return null;
    }
  }
}

class Disturbed extends Error {}

async function measure(
  device: string,
  each: Setting,
  folder: string,
  sink: string | null,
): Promise<LatencyRow> {
  const now = steadyClock();
  const play = await playLive(SESSION, {
    folder,
    device,
    block: each.block,
    latency: each.latency ?? undefined,
    buffer: each.buffer ?? undefined,
    settings: each.chunk === null ? {} : { preferred_chunk_frames: each.chunk },
  });
  const recorder = sink === null ? null : startWorker({ role: "record", sink });
  if (recorder !== null) await once(recorder, "message");
  const watch = new Watch(play);
  await watch.started();
  const { chunkFrames: chunk, latency: deviceSeconds } = play.output.format as StreamFormat;
  const turn = (Math.max(each.block, chunk) * 1000) / RATE;
  await sleep(300 + 2 * turn);
  const sent: number[] = [];
  for (let i = 0; i < IMPULSES; i++) {
    // No two in one block, and at any moment within one. PulseAudio takes many chunks at once.
    await sleep((sink === null ? 10 : 80) + turn * (2 + Math.random()));
    sent.push(now());
    play.play("keys", { type: EventType.NoteOn, key: 60, channel: 0, value: 1 });
  }
  const { latency, output } = play;
  await sleep(latency.total * 1000 + 3 * turn + (sink === null ? 50 : 400));
  const { impulses, reads } = await watch.end();
  let recorded: number[] = [];
  if (recorder !== null) {
    const told = once(recorder, "message");
    recorder.postMessage("end");
    [recorded] = (await told) as [number[]];
  }
  const status = await output.status();
  const { underruns = 0, deviceUnderruns = 0 } = status ?? {};
  await play.close();
  const many = impulses.length;
  if (many !== IMPULSES || (sink !== null && recorded.length !== IMPULSES)) {
    throw new Disturbed(`${IMPULSES} impulses were sent, ${many} rendered, ${recorded.length} recorded.`);
  }
  const frame = 1000 / RATE;
  // The null device is a clock: it sounds frame `at - chunk` exactly its buffer's length after it took up to `at`.
  const buffer = deviceSeconds * RATE;
  const began = minimum(reads.map(({ time, at }) => time - (at - chunk - buffer) * frame));
  const heard = impulses.map(({ at, missing }, i) =>
    sink === null ? began + (at + missing) * frame : (recorded[i] as number),
  );
  const { depth } = output;
  const held = depth - (depth % divisor(each.block, chunk));
  const least = (held - each.block + Math.min(each.block, chunk)) * frame + latency.device * 1000;
  return {
    device,
    setting: each,
    ready: latency.ready * 1000,
    deviceSays: latency.device * 1000,
    says: latency.total * 1000,
    least,
    most: least + turn,
    heard: { impulses: many, ...spread(heard.map((time, i) => time - (sent[i] as number))) },
    deviceAdds: spread(heard.map((time, i) => time - (impulses[i]?.taken ?? Number.NaN))),
    underruns,
    deviceUnderruns,
  };
}
