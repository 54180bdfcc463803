// time limit: 180 s
// `belljar play` on a real sound server: what is heard is what render makes, sample for sample; and a server that dies and
// comes back.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readWav } from "../../runtime/player/wav-reader.ts";
import { skip } from "../root.ts";
import { findSound, soundIsMissing, startPulse } from "../sidecar/pulse.ts";
import { startPlayer, writePieces } from "./player.ts";
import { belljar, workFolder } from "./program.ts";

const folder = workFolder();
process.env["XDG_CONFIG_HOME"] = workFolder();
writePieces(folder);

const DEVICE = "portaudio:ALSA:pulse";

test("a session is heard on PulseAudio as it is rendered offline, every sample from the first to the last", async () => {
  const lacks = soundIsMissing();
  if (lacks !== null) return skip(lacks);
  const midi = ["song.json", "--midi", "song=note.mid"];
  const rendered = await belljar(["render", ...midi, "-o", "offline.wav", "--format", "float32"], folder);
  assert.is(rendered.code, 0, rendered.stderr);
  const [left, right] = readWav(readFileSync(join(folder, "offline.wav")), "it").samples as [
    Float32Array,
    Float32Array,
  ];
  const pulse = await startPulse(48_000);
  try {
    const recorder = await pulse.record();
    // A deep ring and a deep buffer: what is shown is that samples arrive, whatever else the machine does.
    const deep = ["--latency", "2000", "--buffer", "8192", "--device", DEVICE];
    const { code, stderr, stdout } = await belljar(
      ["play", ...midi, ...deep],
      folder,
      pulse.env as Record<string, string>,
    );
    assert.is(code, 0, stderr);
    assert.match(stdout, /^Playing on portaudio:ALSA:pulse, 48000 Hz/);
    assert.match(stdout, / 0 underruns\./);
    const recorded = await recorder.stop();
    const first = left.findIndex((sample, i) => sample !== 0 || right[i] !== 0);
    let last = left.length - 1;
    while (left[last] === 0 && right[last] === 0) last--;
    const sent = new Float32Array((last + 1 - first) * 2);
    for (let i = 0; i < sent.length / 2; i++) {
      sent[i * 2] = left[first + i] as number;
      sent[i * 2 + 1] = right[first + i] as number;
    }
    assert.ok(sent.length > 20_000);
    assert.is.not(findSound(recorded, sent), -1, "the rendered sound is not in the recording in one piece");
  } finally {
    await pulse.stop();
  }
});

test("a sound server that is killed: the music goes on unheard, and is heard again when there is a server again", async () => {
  const lacks = soundIsMissing();
  if (lacks !== null) return skip(lacks);
  const pulse = await startPulse(48_000);
  const player = startPlayer(["endless.json", "--device", DEVICE], folder, pulse.env);
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

test.run();
