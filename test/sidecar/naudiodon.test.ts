// time limit: 180 s
// naudiodon's addon on a real sound server, recorded: in a process of its own, which is ended when the addon hangs, as it
// does on a device that dies.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RingState } from "../../abi/ring.ts";
import type { SampleFormat } from "../../abi/sidecar.ts";
import type { BelljarError } from "../../abi/error.ts";
import { notNeededFor } from "../../runtime/output/device-list.ts";
import { Converter } from "../../sidecar/convert.ts";
import { findNaudiodon } from "../../sidecar/naudiodon/place.ts";
import { belljar, workFolder, writeRamp } from "../cli/program.ts";
import { root, skip } from "../root.ts";
import { findSound, type Pulse, soundIsMissing, startPulse } from "./pulse.ts";
import { makeRing, noise, playNoise, type Rig, startSidecar, WISH } from "./rig.ts";

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

/** What a device is given of `sent`, as the float samples that it means. */
function asTaken(sent: Float32Array, format: SampleFormat): Float32Array {
  const converter = new Converter(format, sent.length);
  converter.floats.set(sent);
  converter.convert(sent.length);
  if (format === "float32") return sent;
  const view = new DataView(converter.bytes.buffer);
  return sent.map((_, i) => {
    if (format === "int16") return view.getInt16(i * 2, true) / 0x8000;
    if (format === "int32") return view.getInt32(i * 4, true) / 0x80000000;
    return ((view.getInt8(i * 3 + 2) << 16) | view.getUint16(i * 3, true)) / 0x800000;
  });
}

/** Whether the process is there, be it as a zombie. */
const isThere = (pid: number): boolean => existsSync(`/proc/${pid}`);

/** With a server and a sidecar, if all is here that they need. */
async function withSound(rate: number, act: (rig: Rig, pulse: Pulse) => Promise<void>): Promise<void> {
  const lacks = missing();
  if (lacks !== null) return skip(lacks);
  const pulse = await startPulse(rate);
  try {
    const rig = await startSidecar([], pulse.env);
    await act(rig, pulse);
    const { pid } = rig.client;
    await rig.client.close();
    assert.equal(isThere(pid), false);
  } finally {
    await pulse.stop();
  }
}

/** Plays silence that never ends. Gives the process that plays it. */
async function playOn(rig: Rig): Promise<number> {
  const format = await rig.client.request("open", { device: DEVICE, wish: { ...WISH, ...CALM } });
  const { writer, ring, region } = makeRing(format, 500);
  const silence = new Float32Array(writer.capacity);
  writer.write([silence, silence], silence.length);
  writer.setState(RingState.Running);
  await rig.client.request("start", { ring });
  region.close();
  const host = await hostOf(rig);
  await until(() => writer.readPosition === silence.length);
  return host;
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

for (const [rate, formats] of [
  [44_100, ["float32"]],
  [48_000, ["float32", "int32", "int24", "int16"]],
] as [number, SampleFormat[]][]) {
  test(`at ${rate} Hz every sample arrives, as ${formats.join(", ")}; the process ends with the stream`, () =>
    withSound(rate, async (rig, pulse) => {
      for (const format of formats) {
        const agreed = await rig.client.request("open", {
          device: DEVICE,
          wish: { ...WISH, rate, format, ...CALM },
        });
        assert.equal([agreed.rate, agreed.format, agreed.changes], [rate, format, []]);
        assert.ok(agreed.latency > 0);
        const host = await hostOf(rig);
        const recorder = await pulse.record();
        const frames = rate / 2;
        const sent = await playNoise(rig, agreed, frames, 1000);
        const recorded = await recorder.stop();
        const { playedFrames, underruns } = await rig.client.request("status", {});
        assert.equal([playedFrames, underruns], [frames, 0]);
        assert.is.not(
          findSound(recorded, asTaken(sent, format)),
          -1,
          `${format}: the sound that was sent is not in the recording in one piece`,
        );
        await rig.client.request("close", {});
        assert.equal(isThere(host), false, "its process is gone, and reaped");
      }
    }));
}

test("it is listed where it is asked for, is nobody's default, and says what a device can do", () =>
  withSound(48_000, async ({ client }) => {
    const all = await client.request("list", { without: [] });
    const own = all.devices.filter(({ id }) => id.startsWith("naudiodon:"));
    assert.ok(own.some(({ id }) => id === DEVICE));
    assert.equal(own.filter(({ isDefault }) => isDefault).length, 0);
    const caps = await client.request("caps", { device: DEVICE });
    assert.ok(caps.rates.includes(48_000) && caps.formats.includes("float32"));
    const some = await client.request("list", { without: [...notNeededFor("pulse")] });
    assert.equal(some.devices.filter(({ id }) => id.startsWith("naudiodon:")).length, 0);
    assert.equal(notNeededFor(DEVICE), []);
  }));

test("a device that is not there, or a rate that it does not have, is told in a sentence, and the next one plays", () =>
  withSound(48_000, async (rig) => {
    const wish = { ...WISH, ...CALM };
    assert.is(
      await refusal(rig.client.request("open", { device: "naudiodon:ALSA:nothing", wish })),
      'device/unknown: There is no device "naudiodon:ALSA:nothing" now.',
    );
    assert.match(
      await refusal(rig.client.request("open", { device: DEVICE, wish: { ...wish, rate: 500_000 } })),
      /^device\/format: "naudiodon:ALSA:pulse" does not play 500000 Hz; it plays /,
    );
    await playNoise(rig, await rig.client.request("open", { device: DEVICE, wish }), 4800);
  }));

test("after a pause, a stop and a reset it plays on", () =>
  withSound(48_000, async (rig, pulse) => {
    const { client } = rig;
    const format = await client.request("open", { device: DEVICE, wish: { ...WISH, ...CALM } });
    const recorder = await pulse.record();
    const { writer, ring, region } = makeRing(format, 1000);
    const sound = Float32Array.from({ length: 40_000 }, (_, i) => noise(i, 0));
    writer.write([sound, sound], sound.length);
    writer.setState(RingState.Draining);
    await client.request("start", { ring });
    await client.request("pause", {});
    assert.ok(writer.readPosition < sound.length, "what was not played is still in the ring");
    await client.request("start", { ring: null });
    await client.request("reset", {});
    await client.request("stop", {});
    const rest = writer.readPosition;
    assert.ok(rest < sound.length);
    await client.request("start", { ring: null });
    await client.request("drain", { milliseconds: 5000 }, 6000);
    const recorded = await recorder.stop();
    const last = Float32Array.from({ length: (sound.length - rest) * 2 }, (_, i) =>
      noise(rest + (i >> 1), 0),
    );
    assert.is.not(findSound(recorded, last), -1, "what came after the stop is in the recording");
    region.close();
  }));

test("a server that is killed in mid-sound is told as a device that is lost; nothing hangs, and no process is left", () =>
  withSound(48_000, async (rig, pulse) => {
    const host = await playOn(rig);
    pulse.server.kill("SIGKILL");
    await until(() => rig.events.some(({ event }) => event === "lost"));
    const lost = rig.events.find(({ event }) => event === "lost") as { code: string; message: string };
    assert.is(
      `${lost.code}: ${lost.message}`,
      'device/lost: "pulse" stopped: naudiodon takes no sound any more.',
    );
    assert.is((await rig.client.request("status", {})).state, "lost");
    await until(() => !isThere(host));
    await pulse.restart();
    // The same sidecar, and a new process.
    assert.is.not(await playOn(rig), host);
    await rig.client.request("stop", {});
  }));

test("a process that dies is told as a device that is lost, too; and it dies with a sidecar that is killed", () =>
  withSound(48_000, async (rig) => {
    const first = await playOn(rig);
    process.kill(first, "SIGKILL");
    await until(() => rig.events.some(({ event }) => event === "lost"));
    await until(() => !isThere(first));
    const second = await playOn(rig);
    rig.client.kill();
    await until(() => !isThere(second) || /^State:\tZ/m.test(readFileSync(`/proc/${second}/status`, "utf8")));
  }));

test("belljar play is heard on it; a part of a name still means one device", async () => {
  const lacks = missing();
  if (lacks !== null) return skip(lacks);
  const pulse = await startPulse(48_000);
  try {
    const env = { ...pulse.env, XDG_CONFIG_HOME: workFolder() } as Record<string, string>;
    const folder = workFolder();
    writeRamp(join(folder, "ramp.wav"), 9600);
    for (const [device, played] of [
      [DEVICE, DEVICE],
      ["pulse", "portaudio:ALSA:pulse"],
    ] as const) {
      const args = ["play", "ramp.wav", "--device", device, "--json"];
      const { code, stdout, stderr } = await belljar(args, folder, env);
      assert.is(code, 0, stderr);
      assert.is(JSON.parse(stdout).device, played);
    }
    const none = await belljar(["play", "ramp.wav", "--device", "naudiodon:ALSA:nothing"], folder, env);
    assert.is(none.code, 2);
    assert.match(
      none.stderr,
      /^belljar: There is no device "naudiodon:ALSA:nothing"\. \[device\/unknown\]\n/,
    );
  } finally {
    await pulse.stop();
  }
});

test.run();
