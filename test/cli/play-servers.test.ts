// time limit: 240 s
// A session on real sound systems: what is heard is what render makes of it, sample for sample, at each rate. And a
// server that dies and comes back.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readWav } from "../../runtime/player/wav-reader.ts";
import { skip } from "../root.ts";
import { ALSA_DEVICE, makeAlsaFile } from "../sidecar/alsa-file.ts";
import { JACK_DEVICE, JACK_STEP, jackIsMissing, startJack } from "../sidecar/jack.ts";
import { findSound, portaudioIsMissing, soundIsMissing, startPulse } from "../sidecar/pulse.ts";
import { startPlayer, writePieces } from "./player.ts";
import { belljar, workFolder } from "./program.ts";

const folder = workFolder();
process.env["XDG_CONFIG_HOME"] = workFolder();
writePieces(folder);

const PULSE_DEVICE = "portaudio:ALSA:pulse";
const RATES = [44_100, 48_000, 96_000];

const renderings = new Map<number, Promise<Float32Array>>();

/** The song at a rate, rendered offline from its first sound to its last, interleaved. */
function rendered(rate: number): Promise<Float32Array> {
  const done = renderings.get(rate) ?? render(rate);
  renderings.set(rate, done);
  return done;
}

async function render(rate: number): Promise<Float32Array> {
  const song = JSON.parse(readFileSync(join(folder, "song.json"), "utf8"));
  writeFileSync(join(folder, `song-${rate}.json`), JSON.stringify({ ...song, sample_rate: rate }));
  const offline = `offline-${rate}.wav`;
  const args = ["render", ...piece(rate), "-o", offline, "--format", "float32"];
  const { code, stderr } = await belljar(args, folder);
  assert.is(code, 0, stderr);
  const [left, right] = readWav(readFileSync(join(folder, offline)), "it").samples as [
    Float32Array,
    Float32Array,
  ];
  const first = left.findIndex((sample, i) => sample !== 0 || right[i] !== 0);
  let last = left.length - 1;
  while (left[last] === 0 && right[last] === 0) last--;
  const sound = new Float32Array((last + 1 - first) * 2);
  for (let i = 0; i < sound.length / 2; i++) {
    sound[i * 2] = left[first + i] as number;
    sound[i * 2 + 1] = right[first + i] as number;
  }
  assert.ok(sound.length > 20_000);
  return sound;
}

const piece = (rate: number): string[] => [`song-${rate}.json`, "--midi", "song=note.mid"];

/** Takes after which a machine that leaves gaps in all of them is not just busy. */
const TAKES = 3;

/** Whether one of the takes is whole: what is shown is that samples arrive, on whatever machine. */
async function inOneTake(record: (take: number) => Promise<boolean>): Promise<boolean> {
  for (let take = 1; take <= TAKES; take++) if (await record(take)) return true;
  return false;
}

/** Plays the song with much of it ready beforehand. */
async function play(rate: number, device: string, env: NodeJS.ProcessEnv): Promise<void> {
  const args = ["play", ...piece(rate), "--latency", "2000", "--buffer", "8192", "--device", device];
  const { code, stderr, stdout } = await belljar(args, folder, env as Record<string, string>);
  assert.is(code, 0, stderr);
  assert.match(stdout, new RegExp(`^Playing on ${device}, ${rate} Hz`));
}

for (const rate of RATES) {
  test(`on PulseAudio at ${rate} Hz every sample of a session is heard, from the first to the last`, async () => {
    const lacks = soundIsMissing();
    if (lacks !== null) return skip(lacks);
    const sound = await rendered(rate);
    const pulse = await startPulse(rate);
    try {
      const isHeard = await inOneTake(async () => {
        const recorder = await pulse.record();
        await play(rate, PULSE_DEVICE, pulse.env);
        return findSound(await recorder.stop(), sound) >= 0;
      });
      assert.ok(isHeard, "it is not in the recording in one piece");
    } finally {
      await pulse.stop();
    }
  });

  test(`on JACK at ${rate} Hz, within a step of the recording's 32 bits`, async () => {
    const lacks = portaudioIsMissing() ?? jackIsMissing();
    if (lacks !== null) return skip(lacks);
    const sound = await rendered(rate);
    const jack = await startJack(rate);
    try {
      const isHeard = await inOneTake(async (take) => {
        const recorder = await jack.record(join(folder, `jack-${rate}-${take}.wav`));
        await play(rate, JACK_DEVICE, jack.env);
        return findSound(await recorder.stop(), sound, JACK_STEP) >= 0;
      });
      assert.ok(isHeard, "it is not in the recording in one piece");
    } finally {
      await jack.stop();
    }
  });

  test(`on ALSA's file plugin at ${rate} Hz, with no server at all`, async () => {
    const lacks = portaudioIsMissing();
    if (lacks !== null) return skip(lacks);
    const sound = await rendered(rate);
    const isHeard = await inOneTake(async () => {
      const alsa = makeAlsaFile(workFolder());
      await play(rate, ALSA_DEVICE, alsa.env);
      const recorded = alsa.interleaved();
      // The plugin takes sound as fast as it is given: the sidecar keeps it to the time.
      assert.ok(recorded.length < 2 * rate * 60, `${recorded.length} samples`);
      return findSound(recorded, sound) >= 0;
    });
    assert.ok(isHeard, "it is not in the file in one piece");
  });
}

test("a sound server that is killed: the music goes on unheard, and is heard again when there is a server again", async () => {
  const lacks = soundIsMissing();
  if (lacks !== null) return skip(lacks);
  const pulse = await startPulse(48_000);
  const player = startPlayer(["endless.json", "--device", PULSE_DEVICE], folder, pulse.env);
  try {
    await player.until(/^Playing on portaudio/m);
    pulse.server.kill("SIGKILL");
    await player.until(/\[lost\] at .* The music goes on unheard\./);
    await pulse.restart();
    await player.until(/\[back\] at .*: Heard again on portaudio:ALSA:pulse, after [\d.]+ s\./);
    player.child.kill("SIGINT");
    assert.is(await player.ended, 0, player.said);
    assert.not.match(player.said, /^\s+at /m);
  } finally {
    player.child.kill("SIGKILL");
    await pulse.stop();
  }
});

test("a JACK server that is killed is told, and the play can be ended", async () => {
  const lacks = portaudioIsMissing() ?? jackIsMissing();
  if (lacks !== null) return skip(lacks);
  const jack = await startJack(48_000);
  const player = startPlayer(["endless.json", "--device", JACK_DEVICE], folder, jack.env);
  try {
    await player.until(/^Playing on portaudio/m);
    jack.server.kill("SIGKILL");
    await player.until(/\[lost\] at .* The music goes on unheard\./);
    player.child.kill("SIGINT");
    assert.is(await player.ended, 0, player.said);
    assert.not.match(player.said, /^\s+at /m);
  } finally {
    player.child.kill("SIGKILL");
    await jack.stop();
  }
});

test.run();
