// naudiodon's addon on a real sound server, recorded: in a process of its own, which is ended when the addon hangs, as it
// does on a device that dies.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RingState } from "../../abi/ring.ts";
import type { SampleFormat } from "../../abi/sidecar.ts";
import { BelljarError } from "../../abi/error.ts";
import { findNaudiodon } from "../../sidecar/naudiodon/place.ts";
import { root, skip } from "../root.ts";
import { findSound, soundIsMissing, startPulse } from "./pulse.ts";
import { makeRing, playNoise, type Rig, startSidecar, WISH } from "./rig.ts";

const DEVICE = "naudiodon:ALSA:pulse";
/** A deep buffer and long writes: what is shown here is that samples arrive, whatever else the machine does. */
const CALM = { bufferFrames: 4096, chunkFrames: 1024 };

/** What is missing for naudiodon to be heard here, or null. */
function missing(): string | null {
  const place = findNaudiodon(pathToFileURL(join(root, "dist", "sidecar.js")).href);
  if (place === null) return "naudiodon is not installed";
  if (place.addon === null) return "naudiodon is not compiled (node scripts/build-naudiodon.mjs)";
  return soundIsMissing();
}

/** The processes that a process has started and that are still there, dead ones included. */
function childrenOf(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.flatMap((task) => {
    const listed = readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim();
    return listed === "" ? [] : listed.split(" ").map(Number);
  });
}

async function hostOf({ client }: Rig): Promise<number> {
  const [host, ...others] = childrenOf(client.pid);
  assert.equal(others, []);
  assert.match(readFileSync(`/proc/${host}/cmdline`, "utf8"), /--naudiodon-host/);
  return host as number;
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resume) => setTimeout(resume, 10));
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    const { code, message } = error as BelljarError;
    return `${code}: ${message}`;
  }
  return "nothing was refused";
}

for (const [rate, format] of [
  [44_100, "float32"],
  [48_000, "float32"],
  [48_000, "int32"],
] as [number, SampleFormat][]) {
  test(`at ${rate} Hz, as ${format}, every sample arrives; the process ends with the stream`, async () => {
    const lacks = missing();
    if (lacks !== null) return skip(lacks);
    const pulse = await startPulse(rate);
    try {
      const rig = await startSidecar([], pulse.env);
      const agreed = await rig.client.request("open", { device: DEVICE, wish: { ...WISH, rate, format, ...CALM } });
      assert.equal([agreed.rate, agreed.format, agreed.changes], [rate, format, []]);
      assert.ok(agreed.latency > 0);
      const host = await hostOf(rig);
      const recorder = await pulse.record();
      const sent = await playNoise(rig, agreed, rate, 1000);
      const recorded = await recorder.stop();
      const { playedFrames, underruns } = await rig.client.request("status", {});
      assert.equal([playedFrames, underruns], [rate, 0]);
      assert.is.not(findSound(recorded, sent), -1, "the sound that was sent is not in the recording in one piece");
      await rig.client.request("close", {});
      assert.equal(existsSync(`/proc/${host}`), false, "its process is gone, and reaped");
      await rig.client.close();
    } finally {
      await pulse.stop();
    }
  });
}

test.run();
