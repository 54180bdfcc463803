// time limit: 240 s
// How `belljar play` ends: interrupted, with its sidecar killed, killed itself, on a disk that is full.

import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
process.env["XDG_CONFIG_HOME"] = workFolder();

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
  // npm passes on to its children what a terminal has sent them already.
  player.child.kill("SIGINT");
  await player.until(/^belljar: It rings out; Ctrl-C again ends it at once\.$/m);
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
  const player = startPlayer(["endless.json", "--device", "null"], folder);
  await player.until(/^Playing on/m);
  const [first] = player.sidecars() as [number];
  process.kill(first, "SIGKILL");
  await player.until(/\[lost\] at .*: The sidecar ended \(by SIGKILL\)\. The music goes on unheard\./);
  await player.until(/\[back\] at .*: Heard again on null, after [\d.]+ s\./);
  const [second] = player.sidecars() as [number];
  assert.is.not(second, first);
  player.child.kill("SIGINT");
  assert.is(await player.ended, 0, player.said);
  assert.equal([lives(first), lives(second)], [false, false]);
  assert.equal(
    readdirSync("/dev/shm").filter((name) => name.includes("belljar")),
    before,
  );
});

test("a sidecar that stands still is given up after 3 s, killed, and another one plays on", async () => {
  if (process.platform !== "linux") return skip("processes are looked up in /proc");
  const player = startPlayer(["endless.json", "--device", "null"], folder);
  await player.until(/^Playing on/m);
  const [first] = player.sidecars() as [number];
  process.kill(first, "SIGSTOP");
  await player.until(
    /\[lost\] at .*: The sidecar did not answer "status" within 3 s\. The music goes on unheard\./,
  );
  await player.until(/\[back\] at .*: Heard again on null/);
  assert.is(lives(first), false);
  player.child.kill("SIGINT");
  assert.is(await player.ended, 0, player.said);
});

test("Ctrl-C while the way back is sought does not wait for it", async () => {
  if (process.platform !== "linux") return skip("processes are looked up in /proc");
  const once = join(folder, "once");
  // A sidecar that can be started a single time.
  const sidecar = [process.execPath, join(root, "dist", "sidecar.js")].map((word) => `'${word}'`).join(" ");
  writeFileSync(once, `#!/bin/sh\nmkdir '${once}.used' || exit 4\nexec ${sidecar}\n`);
  chmodSync(once, 0o755);
  const player = startPlayer(["endless.json", "--device", "null", "--sidecar", once], folder);
  await player.until(/^Playing on/m);
  process.kill((player.sidecars() as [number])[0], "SIGKILL");
  await player.until(/\[lost\]/);
  player.child.kill("SIGINT");
  assert.is(await player.ended, 0, player.said);
  assert.not.match(player.said, /\[back\]/);
  assert.match(player.stdout, /^Played 0:0\d on null/m);
});

test("a user without special rights hears the same, and is told what the system would need for more", async () => {
  if (process.getuid?.() !== 0) return skip("the other tests are run by such a user");
  const user = { uid: 65_534, gid: 65_534 };
  const program = join(root, "dist", "cli.js");
  if (spawnSync(process.execPath, [program, "--version"], user).status !== 0) {
    return skip("other users can't read this clone");
  }
  const open = join(folder, "open");
  mkdirSync(open);
  chmodSync(folder, 0o755);
  chmodSync(open, 0o777);
  const env = {
    PATH: process.env["PATH"],
    HOME: open,
    XDG_CONFIG_HOME: open,
    BELLJAR_CACHE: join(open, "cache"),
  };
  const args = [program, "play", join(folder, "note.mid"), "--device", "wav:theirs.wav", "--seconds", "0.3"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    ...user,
    cwd: open,
    env,
    encoding: "utf8",
  });
  assert.is(status, 0, stderr);
  assert.match(
    stdout,
    /^The audio thread had (real-time|(usual|raised) priority\. Real-time priority is not allowed here: )/m,
  );
  assert.ok(existsSync(join(open, "theirs.wav")));
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
