// time limit: 600 s
// Linux and Windows (under wine) beside each other: what must be the same on both, and sound through WASAPI.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readWav } from "../../runtime/player/wav-reader.ts";
import { writePieces } from "../cli/player.ts";
import { belljar, type Outcome, workFolder, writeRamp } from "../cli/program.ts";
import { root, skip } from "../root.ts";
import { findSound, pulseIsHere, startPulse } from "../sidecar/pulse.ts";
import { WINE_IS_MISSING, type WinePlaces, windowsBelljar, windowsPath, winePlaces } from "./wine.ts";

const places = winePlaces() as WinePlaces;
const missing = places === null;
const linux = workFolder();
const windows = workFolder();
writePieces(linux);
writePieces(windows);

/** Runs the same on both systems, and says what both said. */
async function both(...args: string[]): Promise<[Outcome, Outcome]> {
  const here = await belljar(args, linux);
  const there = await windowsBelljar(places, args, windows);
  assert.is(here.code, 0, here.stderr);
  assert.is(there.code, 0, there.stderr);
  return [here, there];
}

/** The same bytes on both. */
function same(file: string): void {
  const [a, b] = [linux, windows].map((folder) => readFileSync(join(folder, file))) as [Buffer, Buffer];
  assert.ok(a.length > 0);
  assert.ok(a.equals(b), `${file} differs`);
}

const SONG = ["song.json", "--midi", "song=note.mid"];
/** Deep, and with all the time that there is: what is shown is what is heard, whatever else the machine does. */
const DEEP = ["--latency", "2000", "--deadline", "100"];

test("the demo's sound, and what stops its hostile plugins, are the same", async () => {
  if (missing) return skip(WINE_IS_MISSING);
  const demo = ["examples", "demo", "session.json"];
  const facts = (outcome: Outcome): object => {
    assert.is(outcome.code, 0, outcome.stderr);
    const { fingerprint, nodes } = JSON.parse(outcome.stdout);
    assert.is(typeof fingerprint, "string");
    // The same work, counted; and the same sentences about what was stopped where.
    const told = nodes.map(({ id, units, faults }: Record<string, unknown>) => ({ id, units, faults }));
    return { fingerprint, told };
  };
  const here = await belljar(
    ["render", join(root, ...demo), "-o", "demo.wav", "--fingerprint", "--json"],
    linux,
  );
  const there = await windowsBelljar(
    places,
    ["render", ["W:", "belljar", ...demo].join("\\"), "-o", "demo.wav", "--fingerprint", "--json"],
    windows,
  );
  assert.equal(facts(there), facts(here));
  same("demo.wav");
});

test("process, inspect, new and build make the same", async () => {
  if (missing) return skip(WINE_IS_MISSING);
  for (const folder of [linux, windows]) writeRamp(join(folder, "in.wav"), 30_000);
  await both("process", "delay", "in.wav", "out.wav");
  same("out.wav");
  const [here, there] = await both("inspect", "sine", "--json");
  assert.equal(JSON.parse(there.stdout), JSON.parse(here.stdout));
  await both("new", "mine");
  await both("build", "mine", "-o", "mine.wasm");
  same("mine.wasm");
});

test("what is played into a file is what the other system renders", async () => {
  if (missing) return skip(WINE_IS_MISSING);
  const rendered = await belljar(["render", ...SONG, "-o", "rendered.wav", "--format", "float32"], linux);
  assert.is(rendered.code, 0, rendered.stderr);
  const played = await windowsBelljar(
    places,
    ["play", ...SONG, "--device", "wav:played.wav", ...DEEP, "--json"],
    windows,
  );
  assert.is(played.code, 0, played.stderr);
  const facts = JSON.parse(played.stdout);
  assert.is(facts.subnormalsAreZero, true);
  assert.is(facts.priority, "raised");
  const read = (folder: string, file: string): Float32Array[] =>
    readWav(readFileSync(join(folder, file)), file).samples;
  const offline = read(linux, "rendered.wav");
  const live = read(windows, "played.wav");
  assert.ok((offline[0] as Float32Array).length > 48_000);
  offline.forEach((samples, c) => {
    const heard = live[c] as Float32Array;
    const length = Math.min(samples.length, heard.length);
    assert.equal(heard.subarray(0, length), samples.subarray(0, length));
  });
});

test("a library in the folder where belljar is started is not taken for the system's", async () => {
  if (missing) return skip(WINE_IS_MISSING);
  const planted = join(windows, "planted");
  mkdirSync(planted);
  for (const name of ["portaudio_x64.dll", "libportaudio64bit.dll", "portaudio.dll"]) {
    copyFileSync(places.portaudio, join(planted, name));
  }
  const { code, stdout } = await windowsBelljar(places, ["devices", "--json"], planted);
  assert.is(code, 0);
  const path = String(JSON.parse(stdout).library?.path ?? "none");
  assert.not.match(path, /planted/i);
  assert.match(path, /^none$|^[A-Z]:\\/);
});

test("a session is heard through WASAPI on the default device as it is rendered, every sample of it", async () => {
  if (missing) return skip(WINE_IS_MISSING);
  if (!pulseIsHere()) return skip("pulseaudio and pulseaudio-utils are not installed");
  const rendered = await belljar(["render", ...SONG, "-o", "offline.wav", "--format", "float32"], linux);
  assert.is(rendered.code, 0, rendered.stderr);
  const [left, right] = readWav(readFileSync(join(linux, "offline.wav")), "it").samples as [
    Float32Array,
    Float32Array,
  ];
  const library = ["--portaudio", windowsPath(places.portaudio)];
  const pulse = await startPulse(48_000);
  try {
    const listed = await windowsBelljar(places, ["devices", "--json", ...library], windows, pulse.env);
    assert.is(listed.code, 0, listed.stderr);
    const { apis, devices } = JSON.parse(listed.stdout);
    assert.ok(apis.some(({ name }: { name: string }) => name === "Windows WASAPI"));
    const [chosen] = devices.filter(({ isDefault }: { isDefault: boolean }) => isDefault);
    assert.is(chosen.api, "Windows WASAPI");
    const first = left.findIndex((sample, i) => sample !== 0 || right[i] !== 0);
    let last = left.length - 1;
    while (left[last] === 0 && right[last] === 0) last--;
    const sent = new Float32Array((last + 1 - first) * 2);
    for (let i = 0; i < sent.length / 2; i++) {
      sent[i * 2] = left[first + i] as number;
      sent[i * 2 + 1] = right[first + i] as number;
    }
    assert.ok(sent.length > 20_000);
    // On a busy machine wine's own driver runs dry, and tells nobody.
    for (let tries = 1, at = -1; at < 0; tries++) {
      const recorder = await pulse.record();
      const { code, stderr, stdout } = await windowsBelljar(
        places,
        ["play", ...SONG, ...DEEP, "--buffer", "65536", ...library],
        windows,
        pulse.env,
      );
      assert.is(code, 0, stderr);
      assert.match(stdout, /^Playing on portaudio:Windows WASAPI:.*, 48000 Hz/);
      assert.match(stdout, / 0 underruns\./);
      at = findSound(await recorder.stop(), sent);
      assert.ok(at >= 0 || tries < 3, "the rendered sound is not in the recording in one piece");
    }
  } finally {
    await pulse.stop();
  }
});

test("a device that is not given to one program alone is refused by name", async () => {
  if (missing) return skip(WINE_IS_MISSING);
  if (!pulseIsHere()) return skip("pulseaudio and pulseaudio-utils are not installed");
  // The user's own place as wine lays it out: what it is called can't be said from outside.
  const settings = join(
    places.prefix,
    "drive_c",
    "users",
    userInfo().username,
    "AppData",
    "Roaming",
    "belljar",
  );
  const pulse = await startPulse(48_000);
  try {
    mkdirSync(settings, { recursive: true });
    writeFileSync(join(settings, "config.json"), JSON.stringify({ output: { exclusive: true } }));
    const { code, stderr } = await windowsBelljar(
      places,
      ["play", ...SONG, "--portaudio", windowsPath(places.portaudio)],
      windows,
      pulse.env,
    );
    // wine has no exclusive mode: that WASAPI says no shows that it was asked, in words that the library takes.
    assert.is(code, 2);
    assert.match(stderr, /is not given to one program alone\. \[device\/busy\]/);
  } finally {
    rmSync(settings, { recursive: true, force: true });
    await pulse.stop();
  }
});

test.run();
