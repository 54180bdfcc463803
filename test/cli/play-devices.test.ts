// time limit: 180 s
// Devices that come, go and change while it plays, behind a PortAudio library that is built here: what the listener is
// told, and on what the sound goes on.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { skip } from "../root.ts";
import { buildFake, Cards } from "../sidecar/fake.ts";
import { childrenOf, type Player, startPlayer, writePieces } from "./player.ts";
import { workFolder, writeRamp } from "./program.ts";

const folder = workFolder();
writePieces(folder);
const library = join(folder, "fake.so");
const lacks = buildFake(library);
let places = 0;

/** Plays with these settings, on these cards. */
function play(
  cards: string[],
  settings: object,
  piece: string[] = ["endless.json"],
): { player: Player; shelf: Cards } {
  const home = join(folder, `home-${places++}`);
  mkdirSync(join(home, "belljar"), { recursive: true });
  const output = { sidecar_args: ["--portaudio", library], ...settings };
  writeFileSync(join(home, "belljar", "config.json"), JSON.stringify({ output }));
  const shelf = new Cards(join(home, "shelf"), cards);
  return { player: startPlayer(piece, folder, { ...shelf.env, XDG_CONFIG_HOME: home }), shelf };
}

/** Ctrl-C, and how it ends: well, and with nothing left behind. */
async function end(player: Player): Promise<void> {
  const children = childrenOf(player.child.pid as number);
  player.child.kill("SIGINT");
  assert.is(await player.ended, 0, player.said);
  assert.not.match(player.said, /^\s+at /m);
  for (const pid of children) {
    assert.throws(() => process.kill(pid, 0), "a process is left");
  }
}

test("a card that is put in and one that is pulled out are told while another one plays on", async () => {
  if (lacks !== null) return skip(lacks);
  const { player, shelf } = play(["48000 Desk", "48000 Old"], {});
  await player.until(/^Playing on portaudio:ALSA:Desk/m);
  await shelf.plug(["48000 Desk", "48000 New"]);
  await player.until(/\[devices\] at .*: New: portaudio:ALSA:New\. Gone: portaudio:ALSA:Old\./);
  await end(player);
  assert.not.match(player.said, /\[lost\]/);
});

test("where there was no card, the first one that comes is played on", async () => {
  if (lacks !== null) return skip(lacks);
  const { player, shelf } = play([], {});
  await player.until(/there is no sound card to play on, so nobody hears it\./);
  await shelf.plug(["48000 Desk"]);
  await player.until(/\[moved\] at .*: portaudio:ALSA:Desk is there, and plays instead of null\./);
  await end(player);
});

test("the default stands in for a card that is pulled out, and gives way when it is back", async () => {
  if (lacks !== null) return skip(lacks);
  const both = ["48000 Desk", "48000 Interface"];
  const { player, shelf } = play(both, { device: "Interface", fallback_to_default: true });
  await player.until(/^Playing on portaudio:ALSA:Interface/m);
  await shelf.plug(["48000 Desk"]);
  await player.until(/\[lost\] at .*: "Interface" stopped: .* The music goes on unheard\./);
  await player.until(/\[back\] at .*: Heard again on portaudio:ALSA:Desk, after [\d.]+ s\./);
  await shelf.plug(both);
  await player.until(
    /\[moved\] at .*: portaudio:ALSA:Interface is there, and plays instead of portaudio:ALSA:Desk\./,
  );
  await end(player);
  assert.is(player.said.match(/\[lost\]/g)?.length, 1, player.said);
});

test("without that setting nothing stands in: it is heard again on the card that was chosen, when that is back", async () => {
  if (lacks !== null) return skip(lacks);
  const both = ["48000 Desk", "48000 Interface"];
  const { player, shelf } = play(both, { device: "Interface" });
  await player.until(/^Playing on portaudio:ALSA:Interface/m);
  await shelf.plug(["48000 Desk"]);
  await player.until(/\[lost\]/);
  await shelf.plug(both);
  await player.until(/\[back\] at .*: Heard again on /);
  await end(player);
  assert.match(player.said, /Heard again on portaudio:ALSA:Interface/);
});

test("a card that is turned to another rate: the session goes on at that rate", async () => {
  if (lacks !== null) return skip(lacks);
  const { player, shelf } = play(["48000 Desk"], {});
  await player.until(/^Playing on portaudio:ALSA:Desk, 48000 Hz/m);
  shelf.put(["44100 Desk"]);
  await player.until(
    /\[format\] at .*: The device plays 44100 Hz on 2 channels now, instead of 48000 Hz on 2 channels; so does the session\./,
  );
  await end(player);
  assert.not.match(player.said, /\[lost\]/);
});

test("a card that comes back at another rate is played at that rate", async () => {
  if (lacks !== null) return skip(lacks);
  const { player, shelf } = play(["48000 Desk"], {});
  await player.until(/^Playing on portaudio:ALSA:Desk, 48000 Hz/m);
  await shelf.plug([]);
  await player.until(/\[lost\]/);
  await shelf.plug(["96000 Desk"]);
  await player.until(/\[format\] at .*: The device plays 96000 Hz .*; so does the session\./);
  await player.until(/\[back\] at .*: Heard again on portaudio:ALSA:Desk/);
  await end(player);
});

test("a sound file can't follow: it is told why, and heard again when the card plays its rate again", async () => {
  if (lacks !== null) return skip(lacks);
  const piece = "long.json";
  const wires = [{ from_node: "file", from_port: "audio_out", to_node: "master", to_port: "audio_in" }];
  const nodes = [{ id: "file", type: "file_source" }];
  writeRamp(join(folder, "minute.wav"), 60 * 44_100, 44_100);
  writeFileSync(join(folder, piece), JSON.stringify({ sample_rate: 44_100, nodes, connections: wires }));
  const { player, shelf } = play(["44100 Desk"], {}, [piece, "--input", "file=minute.wav"]);
  await player.until(/^Playing on portaudio:ALSA:Desk, 44100 Hz/m);
  shelf.put(["48000 Desk"]);
  await player.until(/\[format\] at .*: The device plays 48000 Hz .*; the session can't: .*44100 Hz/);
  await player.until(/\[lost\]/);
  await shelf.plug(["44100 Desk"]);
  await player.until(/\[back\] at .*: Heard again on portaudio:ALSA:Desk/);
  await end(player);
  assert.is(player.said.match(/\[format\]/g)?.length, 1, player.said);
});

test.run();
