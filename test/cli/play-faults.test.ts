// time limit: 180 s
// Faults of the system around a play, with real parts: a disk that is full, a sink that is unloaded, a sidecar that is
// killed again and again; as an ordinary user, too.

import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root, skip } from "../root.ts";
import { findSound, SINK, soundIsMissing, startPulse } from "../sidecar/pulse.ts";
import { childrenOf, lives, startPlayer, writePieces } from "./player.ts";
import { belljar, workFolder } from "./program.ts";

const folder = workFolder();
process.env["XDG_CONFIG_HOME"] = workFolder();
writePieces(folder);

const PULSE_DEVICE = "portaudio:ALSA:pulse";

/** How many regions of shared memory a process has open. */
function regionsOf(pid: number): number {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return links.filter((link) => link.startsWith("/memfd:belljar")).length;
}

/** Children that have ended and that nobody asked how. */
function zombiesOf(pid: number): string[] {
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const [state, parent] = readFileSync(`/proc/${name}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      return state === "Z" && Number(parent) === pid;
    } catch {
      return false;
    }
  });
}

test("a disk that is full ends the play with that reason, and nothing is left on it", async () => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return skip("making a small disk needs root");
  const disk = join(folder, "disk");
  mkdirSync(disk);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=300k", "none", disk]).status !== 0) {
    return skip("mounting is not allowed here");
  }
  try {
    const args = ["play", "endless.json", "--seconds", "30", "--device", "wav:disk/full.wav"];
    const { code, stderr } = await belljar(args, folder);
    assert.is(code, 2, stderr);
    assert.match(stderr, /full\.wav can't be written: the disk is full\. \[device\/lost\]/);
    assert.equal(readdirSync(disk), []);
  } finally {
    spawnSync("umount", [disk]);
  }
});

test("a sidecar that is killed three times: three returns, no zombie, no memory left behind", async () => {
  if (process.platform !== "linux") return skip("processes are looked up in /proc");
  const player = startPlayer(["endless.json", "--device", "null"], folder);
  const pid = player.child.pid as number;
  await player.until(/^Playing on/m);
  const before = regionsOf(pid);
  for (let kill = 1; kill <= 3; kill++) {
    process.kill((player.sidecars() as [number])[0], "SIGKILL");
    await player.until(new RegExp(`(\\[back\\][^]*){${kill}}`));
  }
  assert.equal(zombiesOf(pid), []);
  assert.ok(regionsOf(pid) <= before, `${regionsOf(pid)} regions, ${before} before`);
  const [last] = player.sidecars() as [number];
  player.child.kill("SIGINT");
  assert.is(await player.ended, 0, player.said);
  assert.is(lives(last), false);
});

test("a sink that is unloaded is told, and it is heard again when there is one again", async () => {
  const lacks = soundIsMissing();
  if (lacks !== null) return skip(lacks);
  const pulse = await startPulse(48_000);
  const player = startPlayer(["endless.json", "--device", PULSE_DEVICE], folder, pulse.env);
  try {
    await player.until(/^Playing on portaudio/m);
    const modules = pulse.control("list", "short", "modules");
    const module = modules.match(new RegExp(`^(\\d+)\\t(module-null-sink)\\t(.*${SINK}.*)$`, "m"));
    const [, number, name, settings] = module as string[] as [string, string, string, string];
    pulse.control("unload-module", number);
    await player.until(/\[lost\] at .* The music goes on unheard\./);
    pulse.control("load-module", name, ...settings.trim().split(" "));
    await player.until(/\[back\] at .*: Heard again on portaudio:ALSA:pulse, after [\d.]+ s\./);
    player.child.kill("SIGINT");
    assert.is(await player.ended, 0, player.said);
    assert.not.match(player.said, /^\s+at /m);
  } finally {
    player.child.kill("SIGKILL");
    await pulse.stop();
  }
});

test("an ordinary user's play is heard on that user's own server, whatever root may", async () => {
  const lacks = soundIsMissing();
  if (lacks !== null) return skip(lacks);
  if (process.getuid?.() !== 0) return skip("the other tests are run by such a user");
  const user = { uid: 65_534, gid: 65_534 };
  if (spawnSync(process.execPath, [join(root, "dist", "cli.js"), "--version"], user).status !== 0) {
    return skip("other users can't read this clone");
  }
  const home = workFolder();
  for (const place of [home, folder]) chmodSync(place, 0o777);
  const args = ["render", "song.json", "--midi", "song=note.mid", "-o", "theirs.wav", "--format", "float32"];
  assert.is((await belljar(args, folder)).code, 0);
  const pulse = await startPulse(48_000, user);
  try {
    const recorder = await pulse.record();
    const play = [join(root, "dist", "cli.js"), "play", "song.json", "--midi", "song=note.mid"];
    const { status, stderr } = spawnSync(
      process.execPath,
      [...play, "--latency", "2000", "--buffer", "8192", "--device", PULSE_DEVICE],
      {
        ...user,
        cwd: folder,
        env: {
          PATH: process.env["PATH"],
          ...pulse.env,
          XDG_CONFIG_HOME: home,
          BELLJAR_CACHE: join(home, "cache"),
        },
        encoding: "utf8",
      },
    );
    assert.is(status, 0, stderr);
    const recorded = await recorder.stop();
    const wav = readFileSync(join(folder, "theirs.wav"));
    const data = wav.subarray(wav.indexOf("data") + 8);
    const all = new Float32Array(Uint8Array.from(data.subarray(0, data.length & ~7)).buffer);
    const first = all.findIndex((sample) => sample !== 0) & ~1;
    // A tenth of a second: without any priority a busy machine leaves gaps in more.
    const begin = all.subarray(first, first + 9600);
    assert.is.not(findSound(recorded, begin), -1, "it is not in the recording");
  } finally {
    await pulse.stop();
  }
});

test.after(() => {
  for (const pid of process.platform === "linux" ? childrenOf(process.pid) : []) {
    assert.not.match(readFileSync(`/proc/${pid}/cmdline`, "utf8"), /cli\.js|sidecar\.js/);
  }
});

test.run();
