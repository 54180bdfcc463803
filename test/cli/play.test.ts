// time limit: 240 s
// `belljar play` as a user meets it: what is heard, what is said, and what is refused.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readWav } from "../../runtime/player/wav-reader.ts";
import { skip } from "../root.ts";
import { ENDLESS, writePieces } from "./player.ts";
import { belljar, refused, workFolder } from "./program.ts";

const folder = workFolder();
writePieces(folder);

// Nobody's own configuration.
process.env["XDG_CONFIG_HOME"] = workFolder();

/** Where `sound` lies in `among`: the first frame; -1: nowhere in one piece. */
function placeOf(sound: Float32Array, among: Float32Array): number {
  const begin = sound.findIndex((sample) => sample !== 0);
  const there = among.findIndex((sample) => sample !== 0);
  const shift = there - begin;
  for (let i = 0; i < sound.length; i++) {
    if ((among[i + shift] ?? 0) !== sound[i]) return -1;
  }
  return shift;
}

const channelsOf = (file: string): Float32Array[] => readWav(readFileSync(join(folder, file)), file).samples;

test("a session played into a file is, sample for sample from its first frame, what render makes of it", async () => {
  // Deep, so that a busy machine leaves no gap.
  const midi = ["--midi", "song=note.mid"];
  const rendered = await belljar(
    ["render", "song.json", ...midi, "-o", "rendered.wav", "--format", "float32"],
    folder,
  );
  assert.is(rendered.code, 0, rendered.stderr);
  const played = await belljar(
    ["play", "song.json", ...midi, "--device", "wav:played.wav", "--latency", "2000"],
    folder,
  );
  assert.is(played.code, 0, played.stderr);
  assert.match(
    played.stdout,
    /^Playing on wav:played\.wav, 48000 Hz, [\d.]+ ms ahead\.\nPlayed 0:0\d on wav:/,
  );
  const offline = channelsOf("rendered.wav");
  const live = channelsOf("played.wav");
  const length = Math.min((offline[0] as Float32Array).length, (live[0] as Float32Array).length);
  assert.ok(length > 48_000);
  for (let c = 0; c < 2; c++) {
    assert.is(
      placeOf(
        (offline[c] as Float32Array).subarray(0, length),
        (live[c] as Float32Array).subarray(0, length),
      ),
      0,
    );
  }
});

test("a WAV file is played at its own rate, every sample of it, and ends with it", async () => {
  const { code, stderr } = await belljar(
    ["play", "ramp.wav", "--device", "wav:copy.wav", "--latency", "2000"],
    folder,
  );
  assert.is(code, 0, stderr);
  const copy = readWav(readFileSync(join(folder, "copy.wav")), "copy.wav");
  assert.is(copy.rate, 44_100);
  const original = channelsOf("ramp.wav");
  copy.samples.forEach((samples, c) => {
    assert.equal(samples.subarray(0, 12_345), original[c]);
    assert.is(
      samples.subarray(12_345).findIndex((sample) => sample !== 0),
      -1,
    );
  });
});

test("a MIDI file is played by a plugin; --json says on what, how long, at what load, how late", async () => {
  const args = ["play", "note.mid", "--device", "null", "--seconds", "0.6", "--json"];
  const { code, stdout, stderr } = await belljar(args, folder);
  assert.is(code, 0, stderr);
  const facts = JSON.parse(stdout);
  assert.is(facts.device, "null");
  assert.is(facts.format.rate, 48_000);
  assert.ok(facts.seconds >= 0.6 && facts.seconds < 10);
  assert.equal(facts.events, []);
  assert.ok(facts.load.worst > 0);
  // 512 frames in the ring, and as many in the device.
  const part = 512 / 48_000;
  assert.equal(facts.latency, { ready: part, device: part, graph: 0, total: 2 * part });
  const { blocks, p50, p99, p999, most } = facts.lateness;
  assert.ok(blocks > 0 && 0 <= p50 && p50 <= p99 && p99 <= p999 && p999 <= most);
  assert.ok(["real-time", "raised", "usual"].includes(facts.priority));
  assert.is(typeof facts.subnormalsAreZero, "boolean");
  assert.is(facts.played.state, "open");
  assert.equal([facts.lostEvents, facts.clampedSamples], [0, 0]);
  // What belongs to the conversation with the sidecar is nobody's concern.
  for (const part of [facts.format, facts.played]) assert.not("id" in part || "ok" in part);
});

test("where there is no sound card it says that nobody hears it, and why", async () => {
  const none = join(folder, "no-alsa.conf");
  writeFileSync(none, "");
  const env = { ALSA_CONFIG_PATH: none, PULSE_SERVER: "unix:/nowhere", JACK_NO_START_SERVER: "1" };
  const { code, stdout, stderr } = await belljar(["play", "note.mid", "--seconds", "0.3"], folder, env);
  assert.is(code, 0, stderr);
  if (!stdout.startsWith("Playing on null,")) return skip("there is a sound card that can't be hidden");
  assert.match(stderr, /there is no sound card to play on, so nobody hears it\./);
});

test("what is mistyped or broken is told in one sentence, and no file is made", async () => {
  await refused("usage/missing", ["play"], folder);
  await refused("usage/superfluous", ["play", "song.json", "ramp.wav"], folder);
  const option = await refused("usage/option", ["play", "song.json", "--devise", "null"], folder);
  assert.match(option.stderr, /Did you mean --device\?/);
  for (const [name, value] of [
    ["--buffer", "1.5"],
    ["--latency", "soon"],
    ["--block", "16"],
    ["--on-fault", "panic"],
    ["--midi", "note.mid"],
  ] as const)
    await refused("usage/value", ["play", "song.json", name, value, "--device", "wav:x.wav"], folder);
  await refused(/^(file|session)\//, ["play", "nothing.json"], folder);
  await refused(/^session\//, ["play", "garbage.json"], folder);
  for (const name of ["garbage.wav", "garbage.mid"]) {
    writeFileSync(join(folder, name), "no sound at all");
    await refused(/^(wav|midi)\//, ["play", name, "--device", "wav:x.wav"], folder);
  }
  writeFileSync(
    join(folder, "unknown.json"),
    JSON.stringify({ ...ENDLESS, nodes: [{ id: "a", type: "dealy" }] }),
  );
  await refused(/./, ["play", "unknown.json", "--device", "wav:x.wav"], folder);
});

test("a device that is not there: the one that may be meant is named", async () => {
  const near = await refused("device/unknown", ["play", "song.json", "--device", "nul"], folder);
  assert.match(near.stderr, /There is no device "nul"\. .*\nDid you mean "null"\?/);
  const far = await refused(
    "device/unknown",
    ["play", "song.json", "--device", "the one in the cellar"],
    folder,
  );
  assert.match(far.stderr, /`belljar devices` lists what is there\./);
  const evil = await refused(
    "device/unknown",
    ["play", "song.json", "--device", "\u001b[2Jxxxxxxxxxxxx"],
    folder,
  );
  assert.not.match(evil.stderr, /\u001b\[2J/);
});

test("a file that can't be written is told before anything is played", async () => {
  await refused(/^device\//, ["play", "song.json", "--device", "wav:no/such/folder/x.wav"], folder);
  await refused(/^device\//, ["play", "song.json", "--device", "wav:"], folder);
  await refused(/^device\//, ["play", "song.json", "--device", `wav:${"x".repeat(300)}.wav`], folder);
  mkdirSync(join(folder, "a-folder.wav"), { recursive: true });
  const outcome = await refused(/^device\//, ["play", "song.json", "--device", "wav:a-folder.wav"], folder);
  assert.match(outcome.stderr, /a-folder\.wav can't be made: it is a folder\./);
});

test("a file is not played into itself", async () => {
  await refused("usage/same-file", ["play", "ramp.wav", "--device", "wav:./ramp.wav"], folder);
  const midi = ["play", "song.json", "--midi", "song=note.mid", "--device", "wav:note.mid"];
  await refused("usage/same-file", midi, folder);
});

test("a file that was there stays as it was when nothing could be played", async () => {
  writeFileSync(join(folder, "old.wav"), "as it was");
  await refused(/./, ["play", "unknown.json", "--device", "wav:old.wav"], folder);
  assert.is(readFileSync(join(folder, "old.wav"), "utf8"), "as it was");
});

test.run();
