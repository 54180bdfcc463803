// What becomes of naudiodon where it is not installed, or not compiled; and of the PortAudio library that it brings, where
// the system has none.

import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { BelljarError } from "../../abi/error.ts";
import { SidecarClient } from "../../runtime/output/sidecar-client.ts";
import { findNaudiodon } from "../../sidecar/naudiodon/place.ts";
import { root, skip } from "../root.ts";
import { buildFake } from "./fake.ts";
import { findSound, soundIsMissing, startPulse } from "./pulse.ts";
import { PROGRAM, playNoise, startSidecar, WISH } from "./rig.ts";

const folder = mkdtempSync(join(tmpdir(), "belljar-naudiodon-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** A sidecar of its own, with what it needs, and no naudiodon. */
function alone(): string {
  const place = mkdtempSync(join(folder, "sidecar-"));
  for (const name of ["koffi", "msgpackr", "@koromix"]) {
    const to = join(place, "node_modules", name);
    mkdirSync(dirname(to), { recursive: true });
    symlinkSync(join(root, "node_modules", name), to, process.platform === "win32" ? "junction" : "dir");
  }
  writeFileSync(join(place, "package.json"), '{ "type": "module" }');
  copyFileSync(PROGRAM, join(place, "sidecar.js"));
  return place;
}

async function refusalAt(place: string): Promise<string> {
  const command = { program: process.execPath, args: [join(place, "sidecar.js")] };
  const client = await SidecarClient.start(command, () => {});
  try {
    const { devices } = await client.request("list", { without: [] });
    assert.equal(devices.filter(({ id }) => id.startsWith("naudiodon:")).length, 0);
    await client.request("open", { device: "naudiodon:ALSA:default", wish: WISH });
  } catch (error) {
    const { code, message, hint } = error as BelljarError;
    return `${code}: ${message} ${hint}`;
  } finally {
    await client.close();
  }
  return "it was opened";
}

test("where it is not installed nothing is listed of it, and a device of it is refused with what would help", async () => {
  assert.match(
    await refusalAt(alone()),
    /^device\/library: naudiodon is not installed here\. Install it: npm install naudiodon\./,
  );
});

test("where it was installed and not compiled that is said", async () => {
  const place = alone();
  const own = join(place, "node_modules", "naudiodon");
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, "package.json"), '{ "name": "naudiodon" }');
  assert.match(
    await refusalAt(place),
    /^device\/library: naudiodon is installed, and not compiled\. Compile it: npm rebuild naudiodon /,
  );
});

for (const [does, code, told] of [
  ["for (;;) pause();", "hangs", 'naudiodon did not answer "list".'],
  ["abort();", "crashes", 'naudiodon died of "list".'],
] as const) {
  test(`an addon that ${code} when it is loaded is told, and what else there is is listed`, async () => {
    const place = alone();
    const own = join(place, "node_modules", "naudiodon");
    const built = join(own, "build", "Release");
    mkdirSync(built, { recursive: true });
    writeFileSync(join(own, "package.json"), '{ "name": "naudiodon" }');
    const lacks = buildFake(join(built, "libportaudio.so.2"));
    if (lacks !== null) return skip(lacks);
    const source = `#include <stdlib.h>\n#include <unistd.h>\n__attribute__((constructor)) static void begin(void) { ${does} }`;
    const addon = join(built, "naudiodon.node");
    const made = spawnSync("clang", ["-shared", "-fPIC", "-x", "c", "-", "-o", addon], { input: source });
    assert.is(made.status, 0, String(made.stderr));
    const command = { program: process.execPath, args: [join(place, "sidecar.js")] };
    const client = await SidecarClient.start(command, () => {});
    const { devices, notes } = await client.request("list", { without: ["portaudio"] });
    assert.equal(
      devices.map(({ id }) => id),
      ["null", "wav:FILE"],
    );
    assert.equal(notes, [told]);
    const left = readdirSync(`/proc/${client.pid}/task`).map((task) =>
      readFileSync(`/proc/${client.pid}/task/${task}/children`, "utf8").trim(),
    );
    assert.is(left.join(""), "", "its process is gone, and reaped");
    await client.close();
  });
}

test("where the system has no PortAudio library, naudiodon's is used, and every sample arrives", async () => {
  const lacks = soundIsMissing();
  if (lacks !== null) return skip(lacks);
  const library = findNaudiodon(pathToFileURL(PROGRAM).href)?.library ?? null;
  if (library === null) return skip("naudiodon is not installed");
  // What hides the system's: a file of that name that is none, where the system looks first.
  const hidden = mkdtempSync(join(folder, "hidden-"));
  writeFileSync(join(hidden, "libportaudio.so.2"), "none");
  const pulse = await startPulse(48_000);
  try {
    const rig = await startSidecar([], { ...pulse.env, LD_LIBRARY_PATH: hidden });
    const list = await rig.client.request("list", { without: ["naudiodon"] });
    assert.is(list.library?.path, library);
    const format = await rig.client.request("open", {
      device: "portaudio:ALSA:pulse",
      wish: { ...WISH, bufferFrames: 8192, chunkFrames: 1024 },
    });
    const recorder = await pulse.record();
    const sent = await playNoise(rig, format, 24_000, 1000);
    assert.is.not(findSound(await recorder.stop(), sent), -1, "all of it is in the recording, in one piece");
    await rig.client.close();
  } finally {
    await pulse.stop();
  }
});

test.run();
