// time limit: 180 s
// Real PortAudio on a real sound server, recorded: what was sent is what is heard, sample for sample. And what becomes of
// a stream whose server dies.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { RingState } from "../../abi/ring.ts";
import { skip } from "../root.ts";
import { findSound, SINK, soundIsMissing, startPulse } from "./pulse.ts";
import { makeRing, playNoise, startSidecar, WISH } from "./rig.ts";

const DEVICE = "portaudio:ALSA:pulse";
/** A deep buffer and long writes: what is shown here is that samples arrive, whatever else the machine does. */
const CALM = { bufferFrames: 8192, chunkFrames: 1024 };

for (const rate of [44_100, 48_000, 96_000]) {
  test(`at ${rate} Hz every sample arrives`, async () => {
    const lacks = soundIsMissing();
    if (lacks !== null) return skip(lacks);
    const pulse = await startPulse(rate);
    try {
      const rig = await startSidecar([], pulse.env);
      const { devices, library } = await rig.client.request("list", { without: [] });
      assert.ok(devices.some(({ id }) => id === DEVICE));
      assert.match(library?.version ?? "", /^PortAudio V19/);
      const format = await rig.client.request("open", { device: DEVICE, wish: { ...WISH, rate, ...CALM } });
      assert.equal(format.changes, []);
      const recorder = await pulse.record();
      // All of it lies in the ring before it begins, so that a busy machine leaves no gap.
      const sent = await playNoise(rig, format, rate, 1000);
      const recorded = await recorder.stop();
      const { playedFrames, underruns, deviceUnderruns } = await rig.client.request("status", {});
      assert.equal([playedFrames, underruns, deviceUnderruns], [rate, 0, 0]);
      assert.is.not(
        findSound(recorded, sent),
        -1,
        "the sound that was sent is not in the recording in one piece",
      );
      await rig.client.close();
    } finally {
      await pulse.stop();
    }
  });
}

test("a server that is killed in mid-sound is told as a device that is lost, and the sidecar can still be closed", async () => {
  const lacks = soundIsMissing();
  if (lacks !== null) return skip(lacks);
  const pulse = await startPulse(48_000);
  try {
    const rig = await startSidecar([], pulse.env);
    const format = await rig.client.request("open", { device: DEVICE, wish: WISH });
    const { writer, ring, region } = makeRing(format);
    writer.setState(RingState.Running);
    await rig.client.request("start", { ring });
    pulse.server.kill("SIGKILL");
    while (!rig.events.some(({ event }) => event === "lost")) {
      await new Promise((resume) => setTimeout(resume, 20));
    }
    const lost = rig.events.find(({ event }) => event === "lost") as { code: string; message: string };
    assert.match(`${lost.code}: ${lost.message}`, /^device\/lost: "pulse" stopped: /);
    assert.is((await rig.client.request("status", {})).state, "lost");
    await rig.client.close();
    region.close();
  } finally {
    await pulse.stop();
  }
});

test("a sink that is unloaded does not hang the sidecar", async () => {
  const lacks = soundIsMissing();
  if (lacks !== null) return skip(lacks);
  const pulse = await startPulse(48_000);
  try {
    const rig = await startSidecar([], pulse.env);
    const format = await rig.client.request("open", { device: DEVICE, wish: WISH });
    const { writer, ring, region } = makeRing(format);
    writer.setState(RingState.Running);
    await rig.client.request("start", { ring });
    pulse.control(
      "unload-module",
      pulse.control("list", "short", "modules").match(new RegExp(`^(\\d+)\\t.*${SINK}`, "m"))?.[1] as string,
    );
    while (!rig.events.some(({ event }) => event === "lost")) {
      await new Promise((resume) => setTimeout(resume, 20));
    }
    await rig.client.close();
    region.close();
  } finally {
    await pulse.stop();
  }
});

test.run();
