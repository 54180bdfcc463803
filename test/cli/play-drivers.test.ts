// time limit: 120 s
// Drivers that hang, crash and fail, behind a PortAudio library that is built here: what the listener is told, and that
// the sound comes back.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { skip } from "../root.ts";
import { buildFake } from "../sidecar/fake.ts";
import { type Player, startPlayer, writePieces } from "./player.ts";
import { belljar, workFolder } from "./program.ts";

const folder = workFolder();
process.env["XDG_CONFIG_HOME"] = workFolder();
writePieces(folder);
const library = join(folder, "fake.so");

const lacks = buildFake(library);

function play(fault: string, ...more: string[]): Player {
  const env = { FAKE_FAULT: fault, FAKE_ONCE: join(folder, `${fault}.once`) };
  return startPlayer(["endless.json", "--portaudio", library, ...more], folder, env);
}

test("the library that is named is the one in use; whether it has ASIO is told", async () => {
  if (lacks !== null) return skip(lacks);
  const { stdout } = await belljar(["devices", "--portaudio", library], folder);
  assert.match(stdout, /^portaudio:ASIO:Fake card +default +2 +48000 +48000 +20–100 ms$/m);
  assert.match(stdout, /^PortAudio V19 \(fake\), with ASIO: .*fake\.so$/m);
});

for (const [fault, told] of [
  [
    "hang",
    /\[lost\] at .*: The device takes no sound any more; the sidecar ends\. The music goes on unheard\./,
  ],
  ["crash", /\[lost\] at .*: The sidecar ended \(by SIGABRT\)\. The music goes on unheard\./],
  [
    "lost",
    /\[lost\] at .*: "Fake card" stopped: Unanticipated host error \(-9999\)\. The music goes on unheard\./,
  ],
] as const) {
  test(`a driver with the fault "${fault}": it is told, and the sound comes back with a new sidecar`, async () => {
    if (lacks !== null) return skip(lacks);
    const player = play(fault);
    await player.until(told);
    await player.until(/\[back\] at .*: Heard again on portaudio:ASIO:Fake card, after [\d.]+ s\./);
    player.child.kill("SIGINT");
    assert.is(await player.ended, 0, player.said);
    assert.is(player.said.match(/\[lost\]/g)?.length, 1, player.said);
  });
}

test("a write that times out twice and then succeeds is a busy machine, and no lost device", async () => {
  if (lacks !== null) return skip(lacks);
  const player = play("slow", "--seconds", "1");
  assert.is(await player.ended, 0, player.said);
  assert.not.match(player.said, /\[lost\]/);
});

test("a device that is set for good and is gone: the default stands in where that is wished, and it is told", async () => {
  if (lacks !== null) return skip(lacks);
  const home = workFolder();
  mkdirSync(join(home, "belljar"));
  const output = { device: "Gone", fallback_to_default: true, sidecar_args: ["--portaudio", library] };
  writeFileSync(join(home, "belljar", "config.json"), JSON.stringify({ output }));
  const args = ["play", "endless.json", "--seconds", "0.2"];
  const { code, stdout, stderr } = await belljar(args, folder, { XDG_CONFIG_HOME: home });
  assert.is(code, 0, stderr);
  assert.match(stdout, /^Playing on portaudio:ASIO:Fake card/);
  assert.match(stderr, /There is no device "Gone"\. The system's default stands in for it\./);
  const typed = await belljar([...args, "--device", "Gone"], folder, { XDG_CONFIG_HOME: home });
  assert.is(typed.code, 2);
  assert.match(typed.stderr, /There is no device "Gone"\. \[device\/unknown\]/);
});

test("a file at a rate that the device lacks is refused: there is no resampler", async () => {
  if (lacks !== null) return skip(lacks);
  const { code, stderr } = await belljar(["play", "ramp.wav", "--portaudio", library], folder);
  assert.is(code, 2);
  assert.match(stderr, /\[session\/rate\]/);
});

test("a driver that hangs when it is opened ends the play with that reason, and no process is left", async () => {
  if (lacks !== null) return skip(lacks);
  const player = play("hang-open");
  assert.is(await player.ended, 2, player.said);
  assert.match(player.said, /The device did not answer "open"; the sidecar ends\. \[device\/stuck\]/);
});

test.run();
