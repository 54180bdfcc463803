// time limit: 120 s
// The sidecar as a process: what it answers, what it plays on a clock and into a file, and how it ends.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack, unpack } from "msgpackr";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RingState } from "../../abi/ring.ts";
import { frameMessage, MessageReader, MOST_MESSAGE_BYTES } from "../../abi/sidecar.ts";
import { readWav } from "../../runtime/player/wav-reader.ts";
import { makeRing, noise, PROGRAM, playNoise, startSidecar, WISH } from "./rig.ts";

const folder = mkdtempSync(join(tmpdir(), "belljar-sidecar-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
  return "nothing was refused";
}

/** Talks to a sidecar in bytes: sends them all, gives the answers, and how it ended. */
async function converse(
  frames: Uint8Array[],
  answers: number,
): Promise<{ said: Record<string, unknown>[]; code: number }> {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ["pipe", "ignore", "inherit", "pipe"] });
  const reader = new MessageReader();
  const said: Record<string, unknown>[] = [];
  (child.stdio[3] as NodeJS.ReadableStream).on("data", (chunk: Buffer) =>
    reader.push(chunk, (message) => {
      said.push(unpack(message as Uint8Array));
      if (said.length === answers) child.stdin?.end();
    }),
  );
  for (const frame of frames) child.stdin?.write(frame);
  const [code] = await once(child, "exit");
  return { said, code };
}

test("garbage is answered, not died of: no map, no id, no MessagePack, too large, no such request, no hello", async () => {
  const { said, code } = await converse(
    [
      frameMessage(pack([1, 2])),
      frameMessage(pack({ op: "list" })),
      frameMessage(Uint8Array.of(0xc1, 0xff, 0x00)),
      frameMessage(new Uint8Array(MOST_MESSAGE_BYTES + 5)),
      frameMessage(pack({ id: 7, op: "list" })),
      frameMessage(pack({ id: 8, op: "hello", version: 99 })),
      frameMessage(pack({ id: 9, op: "hello", version: 1 })),
      frameMessage(pack({ id: 10, op: "fly" })),
      frameMessage(pack({ id: 11, op: "open", device: "null", wish: { ...WISH, rate: 1e9 } })),
      frameMessage(pack({ id: 12, op: "start", ring: null })),
      frameMessage(pack({ id: 13, op: "drain", milliseconds: "long" })),
      frameMessage(pack({ id: 14, op: "caps", device: 7 })),
      frameMessage(pack({ id: 15, op: "status" })),
    ],
    13,
  );
  const byId = new Map(said.map((answer) => [answer.id as number, answer]));
  assert.is(said.filter(({ id }) => id === 0).length, 4);
  const codes = [7, 8, 9, 10, 11, 12, 13, 14, 15].map((id) => byId.get(id)?.code ?? byId.get(id)?.ok);
  assert.equal(codes, [
    "sidecar/hello",
    "sidecar/version",
    true,
    "sidecar/request",
    "sidecar/request",
    "device/closed",
    "sidecar/request",
    "sidecar/request",
    true,
  ]);
  assert.is(byId.get(8)?.message, "The sidecar speaks version 1; it was asked for 99.");
  assert.is(code, 0);
});

test("started by hand it says what it is for", async () => {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ["pipe", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk) => (said += chunk));
  const [code] = await once(child, "exit");
  assert.is(code, 2);
  assert.match(said, /started by Belljar/);
});

test("the clock plays a second of sound and counts its frames", async () => {
  const rig = await startSidecar();
  const format = await rig.client.request("open", { device: "null", wish: WISH });
  await playNoise(rig, format, 24_000);
  const { playedFrames, underruns, missingFrames } = await rig.client.request("status", {});
  assert.equal([playedFrames, underruns, missingFrames], [24_000, 0, 0]);
  await rig.client.close();
  assert.equal(rig.events, []);
});

test("a file holds what was played, sample for sample, at any rate and number of channels; and no other file is left", async () => {
  for (const [rate, channels] of [
    [44_100, 2],
    [96_000, 1],
    [48_000, 6],
  ] as const) {
    const file = join(folder, `${rate}.wav`);
    const rig = await startSidecar();
    const format = await rig.client.request("open", {
      device: `wav:${file}`,
      wish: { ...WISH, rate, channels },
    });
    await playNoise(rig, format, 12_345);
    assert.equal(readdirSync(folder).includes(`${rate}.wav`), false, "it has its name once it is whole");
    await rig.client.request("close", {});
    await rig.client.close();
    const wav = readWav(readFileSync(file), file);
    assert.is(wav.rate, rate);
    assert.is(wav.samples.length, channels);
    wav.samples.forEach((samples, c) => {
      assert.is(samples.length, 12_345);
      assert.is(
        samples.findIndex((sample, i) => sample !== noise(i, c)),
        -1,
      );
    });
  }
  assert.equal(readdirSync(folder).sort(), ["44100.wav", "48000.wav", "96000.wav"]);
});

test("16 bits in a file differ from what was played by the dither alone", async () => {
  const file = join(folder, "short.wav");
  const rig = await startSidecar();
  const format = await rig.client.request("open", {
    device: `wav:${file}`,
    wish: { ...WISH, format: "int16" },
  });
  await playNoise(rig, format, 9600);
  await rig.client.request("close", {});
  await rig.client.close();
  const { samples: channels } = readWav(readFileSync(file), file);
  channels.forEach((samples, c) => {
    const worst = samples.reduce(
      (most, sample, i) => Math.max(most, Math.abs(sample - noise(i, c)) * 32_768),
      0,
    );
    assert.ok(worst > 0 && worst <= 1.5, `${worst} steps`);
  });
});

test("a ring that runs dry is told, with what was missing, and the stream goes on", async () => {
  const rig = await startSidecar();
  const format = await rig.client.request("open", { device: "null", wish: WISH });
  const { writer, ring, region } = makeRing(format);
  writer.write([new Float32Array(300), new Float32Array(300)], 300);
  writer.setState(RingState.Running);
  await rig.client.request("start", { ring });
  while (rig.events.length === 0) await new Promise((resume) => setTimeout(resume, 10));
  const told = rig.events[0] as {
    event: string;
    underruns: number;
    missingFrames: number;
    worstShortfall: number;
  };
  assert.is(told.event, "underrun");
  assert.ok(told.underruns >= 1 && told.missingFrames >= 212 && told.worstShortfall <= 256);
  assert.is((await rig.client.request("status", {})).state, "running");
  await rig.client.request("stop", {});
  region.close();
  await rig.client.close();
});

test("pause keeps what is in the ring, start goes on with it", async () => {
  const file = join(folder, "paused.wav");
  const rig = await startSidecar();
  const format = await rig.client.request("open", { device: `wav:${file}`, wish: WISH });
  const { writer, ring, region } = makeRing(format, 500);
  const block = Float32Array.from({ length: 16_384 }, (_, i) => noise(i, 0));
  writer.write([block, block], 16_384);
  writer.setState(RingState.Draining);
  await rig.client.request("start", { ring });
  await rig.client.request("pause", {});
  assert.is((await rig.client.request("status", {})).state, "paused");
  const paused = writer.readPosition;
  assert.ok(paused < 16_384);
  await rig.client.request("start", { ring: null });
  await rig.client.request("drain", { milliseconds: 5000 }, 6000);
  await rig.client.request("close", {});
  await rig.client.close();
  const [left] = readWav(readFileSync(file), file).samples as [Float32Array];
  assert.is(left.length, 16_384);
  assert.is(
    left.findIndex((sample, i) => sample !== noise(i, 0)),
    -1,
  );
  region.close();
});

test("a ring of another rate, a name that leads nowhere, a device that is not there: refused, and the sidecar goes on", async () => {
  const rig = await startSidecar();
  assert.match(
    await refusal(rig.client.request("open", { device: "portaudio:ALSA:nothing", wish: WISH })),
    /^device\/(unknown|library): /,
  );
  assert.match(
    await refusal(rig.client.request("open", { device: "wav:/no/such/folder/x.wav", wish: WISH })),
    /^device\/lost: x\.wav can't be made: its folder does not exist\.$/,
  );
  const format = await rig.client.request("open", { device: "null", wish: WISH });
  const { ring, region } = makeRing({ ...format, rate: 44_100 });
  assert.is(
    await refusal(rig.client.request("start", { ring })),
    "device/ring: The ring has 2 channels at 44100 Hz; the device plays 2 at 48000 Hz.",
  );
  assert.match(
    await refusal(rig.client.request("start", { ring: { name: "/etc/passwd", bytes: 4096 } })),
    /^shm\/open: /,
  );
  await playNoise(rig, format, 4800);
  region.close();
  await rig.client.close();
});

test("a sidecar that is killed is told at once, and every request that waits fails with the reason", async () => {
  const rig = await startSidecar();
  const waiting = refusal(rig.client.request("list", { without: [] }));
  rig.client.kill();
  assert.match(await waiting, /^sidecar\/ended: The sidecar ended \(by SIGKILL\)\.$/);
  assert.match(await refusal(rig.client.request("list", { without: [] })), /^sidecar\/ended: /);
});

test.run();
