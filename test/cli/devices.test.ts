// `belljar devices` as a user meets it.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { skip } from "../root.ts";
import { buildFake } from "../sidecar/fake.ts";
import { belljar, refused, workFolder, writeNote } from "./program.ts";

const folder = workFolder();
process.env["XDG_CONFIG_HOME"] = workFolder();
const library = join(folder, "fake.so");
const lacks = buildFake(library);
writeNote(join(folder, "note.mid"));

test("the clock and the file are always there, as a table and as JSON", async () => {
  const { code, stdout } = await belljar(["devices"], folder);
  assert.is(code, 0);
  assert.match(stdout, /^DEVICE .*RATES/);
  assert.match(stdout, /^null +64 +48000 +8000 to 192000/m);
  assert.match(stdout, /^wav:FILE /m);
  const json = await belljar(["devices", "--json"], folder);
  const { apis, devices, library, notes } = JSON.parse(json.stdout);
  assert.ok(Array.isArray(apis) && Array.isArray(notes));
  const ids = devices.map(({ id }: { id: string }) => id);
  assert.ok(ids.includes("null") && ids.includes("wav:FILE"));
  // Either there is a library, or a sentence that says how to get one.
  assert.ok(library === null ? /Install|naudiodon/.test(notes.join(" ")) : typeof library.asio === "boolean");
  for (const { rates, formats } of devices.map(
    ({ caps }: { caps: object | null }) => caps ?? { rates: [], formats: [] },
  )) {
    assert.ok(Array.isArray(rates) && Array.isArray(formats));
  }
});

test("where there is no sound card, that is told", async () => {
  const [text, json] = [await belljar(["devices"], folder), await belljar(["devices", "--json"], folder)];
  const { library, devices } = JSON.parse(json.stdout);
  if (library === null) return skip("there is no PortAudio, which is what is told then");
  if (devices.length > 2) return skip("there is a sound card");
  assert.match(text.stdout, /^There is no sound card, or none that this user may play on\.$/m);
});

test("a PortAudio library that is none is told, the other devices are listed all the same, and the exit code is 2", async () => {
  writeFileSync(join(folder, "false.so"), "no library");
  for (const name of ["false.so", "missing.so"]) {
    const { code, stdout, stderr } = await belljar(["devices", "--portaudio", name], folder);
    assert.is(code, 2, stderr);
    assert.match(stdout, /is no PortAudio library that can be loaded here/);
    assert.match(stdout, /^null /m);
  }
});

for (const [fault, told] of [
  [
    "abort-list",
    /fake\.so can't be used: it ended the process that asked\. The sidecar ended \(by SIGABRT\)\. \(the sound system is broken\)$/m,
  ],
  [
    "hang-list",
    /fake\.so can't be used: it did not answer\. The device did not answer "list"; the sidecar ends\. /m,
  ],
] as const) {
  test(`a sound library with the fault "${fault}" is named, and what else there is is listed`, async () => {
    if (lacks !== null) return skip(lacks);
    const set = join(folder, fault, "belljar");
    mkdirSync(set, { recursive: true });
    const output = { sidecar_args: ["--portaudio", library] };
    writeFileSync(join(set, "config.json"), JSON.stringify({ output }));
    const env = { FAKE_FAULT: fault, XDG_CONFIG_HOME: join(folder, fault) };
    const [listed, named] = await Promise.all([
      belljar(["devices"], folder, env),
      belljar(["devices", "--portaudio", library], folder, env),
    ]);
    // Where it was set for good, the list is an answer all the same; where it was asked about, it is none.
    assert.equal([listed.code, named.code], [0, 2], listed.stderr);
    for (const { stdout, stderr } of [listed, named]) {
      assert.match(stdout, told);
      assert.match(stdout, /^null +64 +48000 +8000 to 192000/m);
      assert.is(stderr, "");
    }
    const played = await belljar(["play", "note.mid", "--seconds", "0.2"], folder, env);
    assert.is(played.code, 0, played.stderr);
    assert.match(
      played.stderr,
      /there is no sound card to play on, so nobody hears it\. The sound library .*fake\.so/,
    );
  });
}

test("what is mistyped is told in one sentence", async () => {
  await refused("usage/superfluous", ["devices", "all"], folder);
  const option = await refused("usage/option", ["devices", "--jsno"], folder);
  assert.match(option.stderr, /Did you mean --json\?/);
  await refused("config/sidecar", ["devices", "--sidecar", "none.js"], folder);
});

test("the help names what is always there and how ASIO comes in", async () => {
  const { stdout } = await belljar(["devices", "--help"], folder);
  assert.match(stdout, /ASIO/);
  assert.match(stdout, /--portaudio/);
});

test.run();
