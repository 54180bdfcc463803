// `belljar play --midi-in` and the MIDI part of `belljar devices`: the real MIDI package, on an ALSA library that is built here
// and does what the test says.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readWav } from "../../runtime/player/wav-reader.ts";
import { root, skip } from "../root.ts";
import { type Player, startPlayer, writePieces } from "./player.ts";
import { belljar, refused, workFolder } from "./program.ts";

const folder = workFolder();
const midi = workFolder();
process.env["XDG_CONFIG_HOME"] = workFolder();
writePieces(folder);
const library = join(midi, "libasound.so.2");
const lacks = buildAlsa();
const env = { LD_PRELOAD: library, FAKE_MIDI: midi };
const MISSING = "@julusian/midi";

/** Null, or what is missing for it. */
function buildAlsa(): string | null {
  if (process.platform !== "linux") return "ALSA is Linux's";
  if (spawnSync("clang", ["--version"]).error !== undefined) return "clang is not installed";
  if (spawnSync("mkfifo", [join(midi, "20"), join(midi, "24"), join(midi, "28")]).status !== 0) {
    return "mkfifo is not there";
  }
  const versions = join(midi, "versions");
  writeFileSync(versions, "ALSA_0.9 { global: snd_*; };\n");
  execFileSync("clang", [
    ...["-shared", "-fPIC", "-O1", "-Wl,-soname,libasound.so.2", `-Wl,--version-script=${versions}`],
    ...[join(root, "test", "cli", "fake-alsa.c"), "-o", library, "-ldl"],
  ]);
  return null;
}

/** The devices that are connected now, by their numbers. */
function plug(devices: Record<number, string>): void {
  const lines = Object.entries(devices).map(([number, name]) => `${number} ${name}\n`);
  writeFileSync(join(midi, "ports"), lines.join(""));
}

const pipes = new Map<number, number>();

/** A message from a device. */
function send(device: number, ...bytes: number[]): void {
  const pipe = pipes.get(device) ?? openSync(join(midi, String(device)), "r+");
  pipes.set(device, pipe);
  writeSync(pipe, Uint8Array.of(bytes.length, ...bytes));
}

/** Samples that the file that is being written holds so far, 32-bit floats in two channels. */
function written(name: string): Float32Array {
  const unfinished = readdirSync(folder).find((file) => file.startsWith(".") && file.includes(name));
  if (unfinished === undefined) return new Float32Array();
  const bytes = readFileSync(join(folder, unfinished));
  const data = bytes.subarray(bytes.indexOf("data") + 8);
  return new Float32Array(Uint8Array.from(data).buffer, 0, data.length >> 2);
}

const SOME = 9600;

/** Waits until the last tenth of a second that is written sounds, or is silent. */
async function untilHeard(player: Player, name: string, sounds: boolean): Promise<void> {
  for (;;) {
    const samples = written(name);
    const last = samples.subarray(Math.max(0, samples.length - SOME));
    if (last.length === SOME && last.some((sample) => sample !== 0) === sounds) return;
    if (player.child.exitCode !== null) assert.unreachable(player.said);
    await new Promise((resume) => setTimeout(resume, 20));
  }
}

/** The pitches that a file has, in the order in which they come: how often it goes up through zero a second. A gap is none. */
function pitches(path: string): number[] {
  const { rate, samples } = readWav(readFileSync(path), "x.wav");
  const [left] = samples as [Float32Array];
  const counts = new Map<number, number>();
  let last = 0;
  for (let i = 1; i < left.length; i++) {
    if (!((left[i] as number) > 0 && (left[i - 1] as number) <= 0)) continue;
    // To the nearest multiple, since crossings lie between frames.
    const pitch = 110 * Math.round(rate / (i - last) / 110);
    counts.set(pitch, (counts.get(pitch) ?? 0) + 1);
    last = i;
  }
  return [...counts].filter(([, count]) => count >= 10).map(([pitch]) => pitch);
}

test("devices lists the MIDI inputs, as text and as JSON", async () => {
  if (lacks !== null) return skip(lacks);
  plug({ 20: "Keys", 24: "Pads" });
  const { stdout } = await belljar(["devices"], folder, env);
  assert.match(stdout, /\n\nMIDI INPUT\nKeys:MIDI 1 20:0\nPads:MIDI 1 24:0\n$/);
  const { stdout: json } = await belljar(["devices", "--json"], folder, env);
  assert.equal(JSON.parse(json).midi, {
    inputs: [{ name: "Keys:MIDI 1 20:0" }, { name: "Pads:MIDI 1 24:0" }],
    note: null,
  });
  plug({});
  assert.match((await belljar(["devices"], folder, env)).stdout, /\nNo MIDI inputs\.\n$/);
});

test("an instrument is played from a keyboard, which is pulled out in mid-note and comes back", async () => {
  if (lacks !== null) return skip(lacks);
  plug({ 20: "Keys", 24: "Pads" });
  const args = ["--instrument", "sine", "--midi-in", "keys", "--device", "wav:keys.wav", "--json"];
  const player = startPlayer(args, folder, env);
  await player.until(/"Keys:MIDI 1 20:0" plays keys\./);
  await untilHeard(player, "keys.wav", false);
  send(24, 0x90, 81, 100);
  send(20, 0x90, 69, 100);
  await untilHeard(player, "keys.wav", true);
  plug({ 24: "Pads" });
  await player.until(
    /\[midi-lost\] at .*: The MIDI input "Keys:MIDI 1 20:0" is gone; its notes are let go, and it is looked for\./,
  );
  await untilHeard(player, "keys.wav", false);
  plug({ 24: "Pads", 28: "Keys" });
  await player.until(/\[midi-back\] at .*: The MIDI input "Keys:MIDI 1 28:0" is back\./);
  // With the clock, an unfinished system exclusive message and running status between.
  send(28, 0xf8);
  send(28, 0xf0, 1, 2);
  send(28, 0x90, 57, 100);
  await untilHeard(player, "keys.wav", true);
  player.child.kill("SIGINT");
  assert.is(await player.ended, 0, player.said);
  const facts = JSON.parse(player.stdout);
  assert.equal(facts.inputs, [{ device: "Keys:MIDI 1 20:0", node: "keys" }]);
  assert.equal(
    facts.events.map(({ what }: { what: string }) => what).filter((what: string) => what.startsWith("midi")),
    ["midi-lost", "midi-back"],
  );
  assert.equal(pitches(join(folder, "keys.wav")), [440, 220]);
});

test("devices play the nodes that are named, beside a song or in a session", async () => {
  if (lacks !== null) return skip(lacks);
  plug({ 20: "Keys", 24: "Pads" });
  const wire = (from: string, to: string, port: string) => {
    return { from_node: from, from_port: `${port}_out`, to_node: to, to_port: `${port}_in` };
  };
  const session = {
    nodes: [
      { id: "low", type: "event_input" },
      { id: "high", type: "event_input" },
      { id: "tone", type: "sine" },
    ],
    connections: [
      wire("low", "tone", "events"),
      wire("high", "tone", "events"),
      wire("tone", "master", "audio"),
    ],
  };
  writeFileSync(join(folder, "two.json"), JSON.stringify(session));
  const short = ["--device", "null", "--seconds", "0.2", "--json"];
  const two = await belljar(
    ["play", "two.json", "--midi-in", "Keys=low", "--midi-in", "24:0=high", ...short],
    folder,
    env,
  );
  assert.is(two.code, 0, two.stderr);
  assert.equal(JSON.parse(two.stdout).inputs, [
    { device: "Keys:MIDI 1 20:0", node: "low" },
    { device: "Pads:MIDI 1 24:0", node: "high" },
  ]);
  for (const file of ["note.mid", "ramp.wav"]) {
    const beside = await belljar(["play", file, "--midi-in", "Keys", ...short], folder, env);
    assert.is(beside.code, 0, beside.stderr);
    assert.equal(JSON.parse(beside.stdout).inputs, [{ device: "Keys:MIDI 1 20:0", node: "keys" }]);
  }
});

test("what can't be played is refused with one sentence", async () => {
  if (lacks !== null) return skip(lacks);
  plug({ 20: "Keys", 24: "More Keys" });
  Object.assign(process.env, env);
  try {
    const play = (...args: string[]) => ["play", "--device", "null", ...args];
    const said = async (code: string, ...args: string[]) =>
      (await refused(code, play(...args), folder)).stderr;
    assert.match(
      await said("midi/input", "--midi-in", "drums"),
      /no MIDI input "drums"; there are "Keys:MIDI 1 20:0", "More Keys:MIDI 1 24:0"/,
    );
    assert.match(
      await said("midi/input", "--midi-in", "keys"),
      /"keys" could be any of the MIDI inputs "Keys:MIDI 1 20:0", "More Keys:MIDI 1 24:0"/,
    );
    assert.match(
      await said("usage/midi-in", "two.json", "--midi-in", "20:0"),
      /several nodes that "20:0" could play: low, high/,
    );
    assert.match(
      await said("usage/midi-in", "two.json", "--midi-in", "20:0=tone"),
      /no node "tone" of type event_input; it has low, high/,
    );
    assert.match(
      await said("usage/midi-in", "song.json", "--midi-in", "20:0"),
      /no node of type event_input/,
    );
    for (const empty of ["", "=keys", "20:0="]) await said("usage/value", "--midi-in", empty);
    assert.match(await said("usage/missing", "--instrument", "sine"), /name a keyboard: --midi-in NAME/);
    plug({});
    assert.match(await said("midi/input", "--midi-in", "keys"), /none is connected/);
    writeFileSync(join(midi, "broken"), "");
    // RtMidi says something as well.
    const { code, stderr } = await belljar(play("--midi-in", "keys"), folder);
    assert.is(code, 2);
    assert.match(stderr, /^belljar: The system's MIDI can't be reached\. \[midi\/system\]\n$/m);
  } finally {
    rmSync(join(midi, "broken"), { force: true });
    for (const name of Object.keys(env)) delete process.env[name];
  }
});

test("without the optional package, what needs it says what to install, and the rest goes on", async () => {
  const hook = join(folder, "without.cjs");
  writeFileSync(
    hook,
    `const module_ = require("node:module");
    const resolve = module_._resolveFilename;
    module_._resolveFilename = (name, ...rest) => {
      if (name === ${JSON.stringify(MISSING)}) throw Object.assign(new Error("missing"), { code: "MODULE_NOT_FOUND" });
      return resolve(name, ...rest);
    };`,
  );
  const without = { NODE_OPTIONS: `--require ${JSON.stringify(hook)}` };
  const { code, stdout } = await belljar(["devices", "--json"], folder, without);
  assert.is(code, 0);
  assert.equal(JSON.parse(stdout).midi, {
    inputs: [],
    note: `MIDI inputs need the package ${MISSING}, which is not installed. Install it with: npm install ${MISSING}`,
  });
  Object.assign(process.env, without);
  try {
    await refused("midi/library", ["play", "--midi-in", "keys", "--device", "null"], folder);
  } finally {
    delete process.env["NODE_OPTIONS"];
  }
});

test("where the system has no sequencer, that is what is told, in one line", async () => {
  if (process.platform !== "linux") return skip("ALSA's sequencer is Linux's");
  if (existsSync("/dev/snd/seq")) return skip("this system has a sequencer");
  const args = ["play", "--midi-in", "keys", "--device", "null"];
  const { stderr } = await refused(/^midi\/(system|library)$/, args, folder);
  assert.match(stderr, /there is no \/dev\/snd\/seq|ALSA's library libasound\.so\.2, which is not installed/);
});

test.run();
