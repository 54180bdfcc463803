// A sidecar to talk to, and a ring to play.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { SidecarEvent, StreamFormat, StreamWish } from "../../abi/sidecar.ts";
import { RingState } from "../../abi/ring.ts";
import { SidecarClient } from "../../runtime/output/sidecar-client.ts";
import { createRegion, type Region } from "../../shm/region.ts";
import { createRing, ringBytes, ringCapacity, RingWriter } from "../../shm/ring.ts";
import { regionWake } from "../../shm/wake.ts";
import { root } from "../root.ts";

export const PROGRAM = join(root, "dist", "sidecar.js");

export const WISH: StreamWish = {
  rate: 48_000,
  channels: 2,
  format: "float32",
  fit: "fixed",
  bufferFrames: null,
  chunkFrames: 256,
  exclusive: false,
};

export interface Rig {
  client: SidecarClient;
  events: SidecarEvent[];
}

export async function startSidecar(args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Rig> {
  if (!existsSync(PROGRAM)) throw new Error("dist/sidecar.js is not built.");
  const events: SidecarEvent[] = [];
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    const command = { program: process.execPath, args: [PROGRAM, ...args] };
    return { client: await SidecarClient.start(command, (event) => events.push(event)), events };
  } finally {
    for (const key of Object.keys(env)) if (before[key] === undefined) delete process.env[key];
    Object.assign(process.env, before);
  }
}

export interface RingRig {
  region: Region;
  writer: RingWriter;
  ring: { name: string; bytes: number };
}

export function makeRing(
  { rate, channels }: Pick<StreamFormat, "rate" | "channels">,
  milliseconds = 250,
): RingRig {
  const shape = { capacity: ringCapacity((rate * milliseconds) / 1000), channels, rate };
  const region = createRegion(ringBytes(shape));
  createRing(region.buffer, shape);
  const writer = new RingWriter(region.buffer, regionWake(region), process.pid);
  return { region, writer, ring: { name: region.name, bytes: ringBytes(shape) } };
}

/** Noise that no two places of have in common, by a formula: frame f of channel c, -0.5 to 0.5, exact in float32 and in 16 bits. */
export function noise(frame: number, channel: number): number {
  let x = Math.imul(frame + 1, 0x9e3779b1) ^ Math.imul(channel + 1, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
  return (x >> 16) / 65_536;
}

/** Plays `frames` frames of noise on what is open: start, write, drain. Returns the interleaved samples that were sent. */
export async function playNoise(
  { client }: Rig,
  { channels, rate }: StreamFormat,
  frames: number,
  milliseconds = 250,
): Promise<Float32Array> {
  const { writer, ring, region } = makeRing({ channels, rate }, milliseconds);
  const sent = new Float32Array(frames * channels);
  const block = Array.from({ length: channels }, () => new Float32Array(128));
  let at = 0;
  const put = (): boolean => {
    const count = Math.min(128, frames - at);
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < count; i++) (block[c] as Float32Array)[i] = noise(at + i, c);
    }
    if (!writer.write(block, count)) return false;
    for (let i = 0; i < count; i++) {
      for (let c = 0; c < channels; c++) sent[(at + i) * channels + c] = noise(at + i, c);
    }
    at += count;
    return true;
  };
  while (at < frames && put());
  writer.setState(at < frames ? RingState.Running : RingState.Draining);
  await client.request("start", { ring });
  while (at < frames) {
    if (!put()) await new Promise((resume) => setTimeout(resume, 2));
  }
  writer.setState(RingState.Draining);
  const { drained } = await client.request("drain", { milliseconds: 10_000 }, 12_000);
  if (!drained) throw new Error("The ring was not drained.");
  region.close();
  return sent;
}
