// time limit: 240 s
// Where the settings of `belljar play` come from, and sidecars that are none.

import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { linksAreMissing, root, skip } from "../root.ts";
import { ENDLESS, writePieces } from "./player.ts";
import { belljar, refused, workFolder } from "./program.ts";

const folder = workFolder();
writePieces(folder);

// Nobody's own configuration.
process.env["XDG_CONFIG_HOME"] = workFolder();

/** Writes the user's configuration, and gives the environment in which it is found. */
function configuration(text: string): Record<string, string> {
  const home = join(folder, "config-home");
  mkdirSync(join(home, "belljar"), { recursive: true });
  writeFileSync(join(home, "belljar", "config.json"), text);
  return { XDG_CONFIG_HOME: home };
}

test("the configuration file is read, the command line wins over it, and what is wrong in it is named", async () => {
  if (process.platform !== "linux") return skip("where the file lies is tested on Linux");
  const short = ["play", "note.mid", "--seconds", "0.2"];
  const settings = { device: "wav:configured.wav", sample_format: "int16", buffer_size_frames: 1024 };
  const read = await belljar(short, folder, configuration(JSON.stringify({ output: settings })));
  assert.is(read.code, 0, read.stderr);
  assert.is(readFileSync(join(folder, "configured.wav")).readUInt16LE(34), 16);
  const said = await belljar(
    [...short, "--device", "null", "--json"],
    folder,
    configuration(JSON.stringify({ output: settings })),
  );
  assert.is(JSON.parse(said.stdout).device, "null");
  assert.is(JSON.parse(said.stdout).format.bufferFrames, 1024);
  for (const [text, code] of [
    ["{", "config/json"],
    ["[]", "config/value"],
    ['{"ouput":{}}', "config/key"],
    ['{"output":5}', "config/value"],
    ['{"output":{"divice":"x"}}', "config/key"],
    ['{"output":{"ring_capacity_ms":"long"}}', "config/value"],
    ['{"output":{"sidecar_path":"none"}}', "config/sidecar"],
  ] as const) {
    const { code: exit, stderr } = await belljar(short, folder, configuration(text));
    assert.is(exit, 2, stderr);
    assert.match(stderr.split("\n")[0] as string, new RegExp(`\\[${code}\\]$`), text);
    assert.not.match(stderr, /^\s+at /m);
  }
});

test("a pipe in the place of the configuration file, or of a library to pack, is refused, and not waited for", async () => {
  if (process.platform !== "linux") return skip("pipes with names are made on Linux");
  const env = configuration("{}");
  const file = join(env["XDG_CONFIG_HOME"] as string, "belljar", "config.json");
  rmSync(file);
  assert.is(spawnSync("mkfifo", [file, join(folder, "pipe.so")]).status, 0);
  const { code, stderr } = await belljar(["devices"], folder, env);
  assert.is(code, 2);
  assert.match(stderr, /config\.json is no file\. \[config\/file\]/);
  const pack = ["package", "sink", "--skip-build", "--portaudio", "pipe.so"];
  assert.match((await belljar(pack, folder)).stderr, /pipe\.so is no file\. \[package\/portaudio\]/);
});

test("a session can't say which program is started: it has no such keys", async () => {
  for (const [key, value] of [
    ["sidecar_path", "/bin/sh"],
    ["sidecar_args", ["-c", "true"]],
    ["output", { sidecar_path: "/bin/sh" }],
    ["config_json", '{"sidecar_path":"/bin/sh"}'],
  ] as const) {
    writeFileSync(join(folder, "evil.json"), JSON.stringify({ ...ENDLESS, [key]: value }));
    const { stderr } = await refused(/^session\//, ["play", "evil.json", "--device", "null"], folder);
    assert.ok(stderr.includes(`"${key}"`) || stderr.includes(key), stderr);
  }
});

test("a sidecar that is none: one that ends, one that talks nonsense, one that never answers, one that can't be run", async () => {
  if (process.platform === "win32") return skip("the programs are shell scripts");
  const program = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
    return name;
  };
  const ends = program("ends", "#!/bin/sh\necho 'no licence' >&2\nexit 3\n");
  const nonsense = program("nonsense", "#!/bin/sh\nexec yes hello >&3\n");
  const talks = program(
    "talks.mjs",
    'import { writeSync } from "node:fs"; writeSync(3, Buffer.of(1, 0, 0, 0, 0xd9)); setTimeout(() => {}, 1e6);',
  );
  const silent = program("silent.mjs", "setTimeout(() => {}, 1e6);");
  const loud = program("loud", "#!/bin/sh\nexec yes noise\n");
  const plain = "plain.txt";
  writeFileSync(join(folder, plain), "x");
  const play = ["play", "song.json", "--device", "null", "--sidecar"];
  const told = await refused("sidecar/ended", [...play, ends], folder);
  assert.match(told.stderr, /The sidecar ended \(with code 3\)\. .*\nno licence/);
  await Promise.all([
    refused("sidecar/protocol", [...play, nonsense], folder),
    refused("sidecar/protocol", [...play, talks], folder),
    refused("sidecar/timeout", [...play, silent], folder),
    refused("sidecar/timeout", [...play, loud], folder),
    refused("sidecar/start", [...play, plain], folder),
    refused("config/sidecar", [...play, "not-there"], folder),
  ]);
});

test("a sidecar that lies elsewhere is found by its path", async () => {
  mkdirSync(join(folder, "elsewhere"), { recursive: true });
  writeFileSync(
    join(folder, "elsewhere", "side.mjs"),
    `await import(${JSON.stringify(pathToFileURL(join(root, "dist", "sidecar.js")).href)});`,
  );
  const linked = linksAreMissing() === null;
  if (linked) symlinkSync("side.mjs", join(folder, "elsewhere", "link.mjs"));
  const args = ["play", "note.mid", "--seconds", "0.2", "--device", "null", "--sidecar"];
  for (const name of ["elsewhere/side.mjs", ...(linked ? ["elsewhere/link.mjs"] : [])]) {
    const { code, stderr } = await belljar([...args, name], folder);
    assert.is(code, 0, stderr);
  }
});

test.run();
