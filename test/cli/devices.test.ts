// `belljar devices` as a user meets it.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { belljar, refused, workFolder } from "./program.ts";

const folder = workFolder();
process.env["XDG_CONFIG_HOME"] = workFolder();

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

test("a PortAudio library that is none is told, and the other devices are listed all the same", async () => {
  writeFileSync(join(folder, "false.so"), "no library");
  for (const name of ["false.so", "missing.so"]) {
    const { code, stdout, stderr } = await belljar(["devices", "--portaudio", name], folder);
    assert.is(code, 0, stderr);
    assert.match(stdout, /is no PortAudio library that can be loaded here/);
    assert.match(stdout, /^null /m);
  }
});

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
