// How the program is asked, and how it answers what it does not understand.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root } from "../root.ts";
import { belljar, refused, workFolder, writeRamp } from "./program.ts";

const folder = workFolder();
writeRamp(join(folder, "in.wav"));

test("without a command, and with --help, it lists every command", async () => {
  const plain = await belljar([], folder);
  const help = await belljar(["--help"], folder);
  assert.is(plain.code, 0);
  assert.is(plain.stdout, help.stdout);
  for (const command of ["inspect", "process", "render"]) assert.match(help.stdout, `\n  ${command} `);
});

test("the help of every command has a usage line and examples that begin with its name", async () => {
  const { stdout } = await belljar(["--help"], folder);
  const names = [...stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name]) => name as string);
  assert.ok(names.length >= 3);
  for (const name of names) {
    const { code, stdout: help } = await belljar([name, "--help"], folder);
    assert.is(code, 0, name);
    assert.match(help, new RegExp(`^Usage: belljar ${name}\\b`, "m"));
    assert.match(help, new RegExp(`^Examples:\\n  belljar ${name}\\b`, "m"));
    assert.is(help, (await belljar([name, "-h"], folder)).stdout);
  }
});

test("--version prints the version of the package", async () => {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  assert.is((await belljar(["--version"], folder)).stdout, `${version}\n`);
});

test("a mistyped command or option is answered with the nearest one", async () => {
  assert.match((await refused("usage/command", ["inspct"], folder)).stderr, /Did you mean belljar inspect\?/);
  assert.match((await refused("usage/command", ["proc"], folder)).stderr, /Did you mean belljar process\?/);
  assert.match((await refused("usage/option", ["inspect", "gain", "--jsn"], folder)).stderr, /--json\?/);
  assert.match(
    (await refused("usage/command", ["help", "rendr"], folder)).stderr,
    /Did you mean belljar render\?/,
  );
  await refused("usage/command", ["constructor"], folder);
  await refused("usage/option", ["inspect", "gain", "--__proto__"], folder);
});

test("missing, superfluous and repeated arguments are each said", async () => {
  await refused("usage/missing", ["inspect"], folder);
  await refused("usage/superfluous", ["inspect", "gain", "sine"], folder);
  await refused("usage/missing", ["process", "gain", "in.wav"], folder);
  await refused("usage/missing", ["render", "session.json"], folder);
  await refused(
    "usage/repeated",
    ["process", "gain", "in.wav", "out.wav", "--block", "1", "--block", "2"],
    folder,
  );
  await refused("usage/value", ["process", "gain", "in.wav", "out.wav", "--block"], folder);
  await refused("usage/value", ["process", "gain", "in.wav", "out.wav", "--midi", "--json"], folder);
  await refused("usage/value", ["inspect", "gain", "--json=yes"], folder);
});

test("a number out of range is answered with the range", async () => {
  const process = (...more: string[]) => ["process", "gain", "in.wav", "out.wav", ...more];
  assert.match((await refused("usage/value", process("--block", "0"), folder)).stderr, /from 1 to 8192/);
  await refused("usage/value", process("--block", "1.5"), folder);
  await refused("usage/value", process("--block", "0x10"), folder);
  assert.match(
    (await refused("usage/value", process("--tail", "long"), folder)).stderr,
    /--tail must be auto or a number of seconds/,
  );
  assert.match(
    (await refused("usage/value", process("--format", "mp3"), folder)).stderr,
    /float32, pcm16, pcm24/,
  );
});

test("control characters in a name reach no terminal", async () => {
  const { stderr } = await refused("file/not-found", ["inspect", "./\u001b[31mred.wasm"], folder);
  assert.not.match(stderr, /\u001b/);
});

test("inspect prints a plugin's ports for people, and as JSON for programs", async () => {
  const people = await belljar(["inspect", "gain"], folder);
  assert.is(people.code, 0);
  assert.match(people.stdout, /audio_in +audio_stereo +input/);
  assert.match(people.stdout, /Vetting +accepted/);
  const program = JSON.parse((await belljar(["inspect", "builtin.gain", "--json"], folder)).stdout);
  assert.is(program.accepted, true);
  assert.is(program.descriptor.id, "builtin.gain");
  assert.match(program.hash, /^[0-9a-f]{64}$/);
});

test("process makes a sound louder by what it is told, and keeps its length", async () => {
  const args = ["process", "gain", "in.wav", "out.wav", "--param", "gain=-6 dB", "--json"];
  const outcome = await belljar(args, folder);
  assert.is(outcome.code, 0, outcome.stderr);
  const facts = JSON.parse(outcome.stdout);
  assert.is(facts.frames, 2000);
  const bytes = readFileSync(join(folder, "out.wav"));
  const data = bytes.subarray(bytes.indexOf("data", 0, "latin1") + 8);
  // Past the glide of a parameter: 10^(-6/20) of the ramp, in both channels, to the precision of float32.
  for (const frame of [1500, 1999]) {
    const wanted = (((frame * 16) % 32768) / 32768) * 10 ** (-6 / 20);
    assert.ok(Math.abs(data.readFloatLE(frame * 8) - wanted) < 1e-6, `left, frame ${frame}`);
    assert.ok(Math.abs(data.readFloatLE(frame * 8 + 4) + wanted) < 1e-6, `right, frame ${frame}`);
  }
});

test("process says how many samples a format of limited range has cut", async () => {
  const args = ["process", "gain", "in.wav", "out.wav", "--param", "gain=12"];
  const { clipped } = JSON.parse((await belljar([...args, "--format", "pcm16", "--json"], folder)).stdout);
  assert.ok(clipped > 0);
  assert.match(
    (await belljar([...args, "--format", "pcm16"], folder)).stderr,
    `${clipped} samples were louder`,
  );
  assert.is((await belljar(args, folder)).stderr, "", "float32 has no such limit");
});

test("a MIDI file without notes and length is named when it leaves the length open", async () => {
  const track = [0x4d, 0x54, 0x72, 0x6b, 0, 0, 0, 4, 0, 0xff, 0x2f, 0];
  writeFileSync(
    join(folder, "empty.mid"),
    Buffer.from([0x4d, 0x54, 0x68, 0x64, 0, 0, 0, 6, 0, 0, 0, 1, 0, 96, ...track]),
  );
  const args = ["process", "sine", "out2.wav", "--midi", "empty.mid"];
  assert.match((await refused("usage/missing", args, folder)).stderr, /empty\.mid has no notes/);
});

test("a plugin without sound has nothing to process, and is told where it belongs", async () => {
  const { stderr } = await refused("usage/no-sound", ["process", "transpose", "out.wav"], folder);
  assert.match(stderr, /belljar render/);
});

test("the fingerprint of a render is the same with V8's simple compiler alone", async () => {
  const session = {
    nodes: [
      { id: "in", type: "file_source" },
      { id: "echo", type: "delay" },
    ],
    connections: [
      { from_node: "in", from_port: "audio_out", to_node: "echo", to_port: "audio_in" },
      { from_node: "echo", from_port: "audio_out", to_node: "master", to_port: "audio_in" },
    ],
  };
  writeFileSync(join(folder, "session.json"), JSON.stringify(session));
  const args = ["render", "session.json", "--input", "in=in.wav", "--tail", "1", "--fingerprint"];
  const usual = await belljar(args, folder);
  const simple = await belljar([...args, "--liftoff-only"], folder);
  const hash = /^fingerprint ([0-9a-f]{64})$/m;
  assert.match(usual.stdout, hash);
  assert.is(hash.exec(simple.stdout)?.[1], hash.exec(usual.stdout)?.[1]);
});

test("a render without -o prints its report and writes nothing", async () => {
  const args = ["render", "session.json", "--input", "in=in.wav", "--json"];
  const report = JSON.parse((await belljar(args, folder)).stdout);
  assert.is(report.nodes.find((node: { id: string }) => node.id === "echo").fault, null);
  writeFileSync(join(folder, "empty.json"), '{ "nodes": [] }');
  const { stdout } = await belljar(["render", "empty.json", "--seconds", "1", "--picture", "p.svg"], folder);
  assert.match(stdout, /^Rendered: 1\.00 s, peak silent, [^\n]*\n$/, "no table without nodes");
});

test.run();
