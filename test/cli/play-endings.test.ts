// time limit: 240 s
// How `belljar play` ends: interrupted, with its sidecar killed, killed itself, on a disk that is full.

import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readWav } from "../../runtime/player/wav-reader.ts";
import { root, skip } from "../root.ts";
import { lives, startPlayer, writePieces } from "./player.ts";
import { belljar, workFolder } from "./program.ts";

const folder = workFolder();
writePieces(folder);

// Nobody's own configuration.
process.env["XDG_CONFIG_HOME"] = join(folder, "nobody");

/** Where `sound` lies in `among`: the first frame; -1: nowhere in one piece. */
function _placeOf(sound: Float32Array, among: Float32Array): number {
  const begin = sound.findIndex((sample) => sample !== 0);
  const there = among.findIndex((sample) => sample !== 0);
  const shift = there - begin;
  for (let i = 0; i < sound.length; i++) {
    if ((among[i + shift] ?? 0) !== sound[i]) return -1;
  }
  return shift;
}

const channelsOf = (file: string): Float32Array[] => readWav(readFileSync(join(folder, file)), file).samples;

test("Ctrl-C lets the sound ring out, finishes the file, and is no failure", async () => {
  if (process.platform === "win32") return skip("Windows has no signals of this kind");
  const player = startPlayer(["endless.json", "--device", "wav:rung.wav"], folder);
  await player.until(/^Playing on/m);
  player.child.kill("SIGINT");
  assert.is(await player.ended, 0, player.said);
  assert.match(player.said, /nothing in it ends; Ctrl-C does/);
  assert.match(player.stdout, /^Played 0:0\d on wav:rung\.wav/m);
  // A second of silence is what ringing out ends with.
  assert.ok((channelsOf("rung.wav")[0] as Float32Array).length >= 40_000);
});

test("Ctrl-C at a terminal reaches the sidecar, too: it plays on until it is told otherwise", async () => {
  if (process.platform !== "linux") return skip("processes are looked up in /proc");
  const player = startPlayer(["endless.json", "--device", "wav:both.wav"], folder);
  await player.until(/^Playing on/m);
  for (const pid of [...player.sidecars(), player.child.pid as number]) process.kill(pid, "SIGINT");
  assert.is(await player.ended, 0, player.said);
  assert.not.match(player.said, /\[lost\]/);
  assert.ok(existsSync(join(folder, "both.wav")));
});

test("a second Ctrl-C ends it at once, with 130, and the file is whole all the same", async () => {
  if (process.platform === "win32") return skip("Windows has no signals of this kind");
  const player = startPlayer(["endless.json", "--device", "wav:twice.wav"], folder);
  await player.until(/^Playing on/m);
  player.child.kill("SIGINT");
  await new Promise((resume) => setTimeout(resume, 50));
  player.child.kill("SIGINT");
  assert.is(await player.ended, 130, player.said);
  assert.match(player.stdout, /^Played 0:0\d on/m);
  assert.ok((channelsOf("twice.wav")[0] as Float32Array).length > 0);
});

test("a file that can't grow any more ends the play with that reason, and nothing is left of it", async () => {
  if (process.platform === "win32") return skip("Windows has no such limit");
  const limited = join(folder, "limited");
  // A hundred kilobytes of sound, and then what a full disk would say in other words.
  const sidecar = [process.execPath, join(root, "dist", "sidecar.js")].map((word) => `'${word}'`).join(" ");
  writeFileSync(limited, `#!/bin/sh\ntrap '' XFSZ\nulimit -f 200\nexec ${sidecar}\n`);
  chmodSync(limited, 0o755);
  const args = ["play", "endless.json", "--seconds", "30", "--sidecar", limited, "--device", "wav:full.wav"];
  const { code, stderr } = await belljar(args, folder);
  assert.is(code, 2, stderr);
  assert.match(stderr, /full\.wav can't be written: it would be larger than is allowed\. \[device\/lost\]/);
  assert.equal(
    readdirSync(folder).filter((name) => name.includes("full.wav")),
    [],
  );
});

test("a sidecar that is killed in mid-play comes back, and the play ends well; nothing is left behind", async () => {
  if (process.platform !== "linux") return skip("processes are looked up in /proc");
  const before = readdirSync("/dev/shm").filter((name) => name.includes("belljar"));
  const player = startPlayer(["endless.json", "--device", "null", "--seconds", "6"], folder);
  await player.until(/^Playing on/m);
  const [first] = player.sidecars() as [number];
  process.kill(first, "SIGKILL");
  await player.until(/\[lost\] at .*: The sidecar ended \(by SIGKILL\)\. The music goes on unheard\./);
  await player.until(/\[back\] at .*: Heard again on null, after [\d.]+ s\./);
  const [second] = player.sidecars() as [number];
  assert.is.not(second, first);
  assert.is(await player.ended, 0, player.said);
  assert.equal([lives(first), lives(second)], [false, false]);
  assert.equal(
    readdirSync("/dev/shm").filter((name) => name.includes("belljar")),
    before,
  );
});

test("a sidecar that is killed while it writes a file ends the play: the file can't be gone on with", async () => {
  if (process.platform !== "linux") return skip("processes are looked up in /proc");
  const player = startPlayer(["endless.json", "--device", "wav:killed.wav"], folder);
  await player.until(/^Playing on/m);
  process.kill((player.sidecars() as [number])[0], "SIGKILL");
  assert.is(await player.ended, 2, player.said);
  assert.match(player.said, /The sidecar ended \(by SIGKILL\)\. \[sidecar\/ended\]/);
  assert.equal(existsSync(join(folder, "killed.wav")), false);
  // What a process was writing when it was killed is all that stays.
  const left = readdirSync(folder).filter((name) => name.includes("killed.wav"));
  assert.is(left.length, 1);
  rmSync(join(folder, left[0] as string));
});

test("a play that is killed takes its sidecar with it, and the file holds what was played", async () => {
  if (process.platform !== "linux") return skip("processes are looked up in /proc");
  const player = startPlayer(["endless.json", "--device", "wav:orphan.wav"], folder);
  await player.until(/^Playing on/m);
  await new Promise((resume) => setTimeout(resume, 200));
  const [sidecar] = player.sidecars() as [number];
  player.child.kill("SIGKILL");
  assert.is(await player.ended, "SIGKILL");
  while (lives(sidecar)) await new Promise((resume) => setTimeout(resume, 20));
  assert.equal(
    readdirSync(folder).filter((name) => name.includes("orphan.wav")),
    ["orphan.wav"],
  );
  assert.ok((channelsOf("orphan.wav")[0] as Float32Array).length > 0);
});

test.run();
