// Whatever is wrong with an input, the program says so in one sentence with a stable code, ends with 2, and leaves nothing behind.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root } from "../root.ts";
import { knob, STEREO_IN, STEREO_OUT, type SmallPlugin, smallPluginText } from "../sandbox/small-plugin.ts";
import { wat } from "../wat.ts";
import { belljar, refused, workFolder, writeNote, writeRamp } from "./program.ts";

const folder = workFolder();
const at = (name: string) => join(folder, name);
const good = readFileSync(join(root, "examples", "c-gain", "gain.wasm"));
const writePlugin = (name: string, plugin: SmallPlugin) =>
  writeFileSync(at(name), wat(smallPluginText(plugin)));

copyFileSync(join(root, "examples", "c-gain", "gain.wasm"), at("gain.wasm"));
writeRamp(at("in.wav"));
writeNote(at("note.mid"));
mkdirSync(at("folder"));

test("what is no WebAssembly module is refused by name, wherever a plugin is named", async () => {
  writeFileSync(at("text.wasm"), "this is not a plugin");
  writeFileSync(at("empty.wasm"), "");
  await refused("module/not-wasm", ["inspect", "text.wasm"], folder);
  await refused("module/not-wasm", ["inspect", "empty.wasm"], folder);
  await refused("module/not-wasm", ["process", "text.wasm", "in.wav", "out.wav"], folder);
});

test("a plugin that is cut off is refused", async () => {
  for (const part of [0.1, 0.5, 0.9, 0.999]) {
    writeFileSync(at("cut.wasm"), good.subarray(0, Math.floor(good.length * part)));
    await refused(/^module\/(truncated|malformed)$/, ["inspect", "cut.wasm"], folder);
  }
});

test("a plugin of another version of the contract is refused", async () => {
  writePlugin("abi.wasm", { abi: 0x20000 });
  await refused("module/abi", ["inspect", "abi.wasm"], folder);
});

test("a plugin that imports what no host gives is refused, with the import's name", async () => {
  writePlugin("import.wasm", { imports: '(import "env" "system" (func $system (param i32)))' });
  const { stderr } = await refused("module/import", ["inspect", "import.wasm"], folder);
  assert.match(stderr, /env.*system/);
});

test("a descriptor that lies is refused", async () => {
  writePlugin("twice.wasm", { ports: [STEREO_IN, STEREO_OUT, knob("a"), knob("a")] });
  writePlugin("range.wasm", { ports: [STEREO_IN, STEREO_OUT, knob("a", { default: 7 })] });
  writePlugin("nan.wasm", { ports: [STEREO_IN, STEREO_OUT, knob("a", { default: Number.NaN })] });
  for (const name of ["twice", "range", "nan"]) {
    const outcome = await belljar(["inspect", `${name}.wasm`, "--json"], folder);
    const { accepted, error } = JSON.parse(outcome.stdout);
    assert.is(accepted, false, name);
    assert.match(error.code, /^descriptor\//, name);
    await refused(error.code, ["process", `${name}.wasm`, "in.wav", "out.wav"], folder);
  }
});

test("a plugin that stops while it is activated or processes leaves no sound file", async () => {
  writePlugin("dies.wasm", { activate: "(unreachable)" });
  writePlugin("stops.wasm", { process: "(unreachable)" });
  writePlugin("spins.wasm", { process: "(loop $l (br $l)) (i32.const 0)" });
  const outcome = await belljar(["process", "dies.wasm", "in.wav", "out.wav"], folder);
  assert.is(outcome.code, 2, outcome.stderr);
  await refused("plugin/stopped", ["process", "stops.wasm", "in.wav", "out.wav"], folder);
  await refused("plugin/stopped", ["process", "spins.wasm", "in.wav", "out.wav"], folder);
});

test("unknown plugins and files are named, with the nearest one that is there", async () => {
  const { stderr } = await refused("plugin/unknown", ["inspect", "gian"], folder);
  assert.match(stderr, /Did you mean "gain"/);
  await refused("file/not-found", ["inspect", "./gian.wasm"], folder);
  await refused("file/is-folder", ["process", "gain", "folder", "out.wav"], folder);
  await refused("file/not-found", ["process", "gain", "missing.wav", "out.wav"], folder);
});

test("parameters and config are checked against what the plugin says", async () => {
  const process = (...more: string[]) => ["process", "gain", "in.wav", "out.wav", ...more];
  await refused("plugin/port", process("--param", "gian=1"), folder);
  const { stderr } = await refused("plugin/value", process("--param", "gain=40dB"), folder);
  assert.match(stderr, /-60 to 12 dB/);
  await refused("plugin/value", process("--param", "gain=loud"), folder);
  await refused("plugin/config", process("--config", "quality=1"), folder);
  await refused("usage/value", process("--param", "gain"), folder);
});

test("a WAV file that is none, or is cut off anywhere in its header, is refused", async () => {
  writeFileSync(at("text.wav"), "this is not a sound");
  await refused("wav/not-wav", ["process", "gain", "text.wav", "out.wav"], folder);
  const whole = readFileSync(at("in.wav"));
  for (const bytes of [13, 30, 43, 1000]) {
    writeFileSync(at("cut.wav"), whole.subarray(0, bytes));
    const outcome = await belljar(["process", "gain", "cut.wav", "out.wav"], folder);
    assert.is(outcome.code, 2, `${bytes} bytes: ${outcome.stderr}`);
    assert.match(outcome.stderr, /\[wav\/[a-z-]+\]/, `${bytes} bytes`);
  }
});

test("a MIDI file that is none, or is cut off, is refused", async () => {
  writeFileSync(at("text.mid"), "this is not a song");
  const process = (name: string) => ["process", "sine", "out.wav", "--midi", name];
  await refused("midi/not-midi", process("text.mid"), folder);
  const whole = readFileSync(at("note.mid"));
  for (const bytes of [3, 13, 20, 25, whole.length - 1]) {
    writeFileSync(at("cut.mid"), whole.subarray(0, bytes));
    await refused("midi/truncated", process("cut.mid"), folder);
  }
});

const wire = (from: string, fromPort: string, to: string, toPort: string) => {
  return { from_node: from, from_port: fromPort, to_node: to, to_port: toPort };
};
const a = { id: "a", type: "gain" };
const b = { id: "b", type: "gain" };
const heard = wire("a", "audio_out", "master", "audio_in");

/** What is wrong -> the code that says so, the session, and what the sentence must name. */
const SESSIONS: Record<string, [code: RegExp, session: unknown, names: RegExp]> = {
  "is no JSON": [/^session\/json$/, "{ nodes: ", /./],
  "has an unknown key": [/^session\/key$/, { nodes: [], conections: [] }, /conections/],
  "has a node of an unknown type": [
    /^session\/unknown-type$/,
    { nodes: [{ id: "a", type: "gian" }] },
    /gian/,
  ],
  "has two nodes of one name": [/^session\/duplicate-node$/, { nodes: [a, a] }, /"a"/],
  "has an unknown parameter": [/^session\/param$/, { nodes: [{ ...a, params: { loud: 1 } }] }, /loud/],
  "has a parameter out of range": [/^session\/param$/, { nodes: [{ ...a, params: { gain: 99 } }] }, /99/],
  "wires a node that is not there": [
    /^session\//,
    { nodes: [a], connections: [wire("z", "audio_out", "master", "audio_in")] },
    /"z"/,
  ],
  "wires a port that is not there": [
    /^session\//,
    { nodes: [a], connections: [wire("a", "sound", "master", "audio_in")] },
    /sound/,
  ],
  "wires in a circle": [
    /^session\//,
    {
      nodes: [a, b],
      connections: [wire("a", "audio_out", "b", "audio_in"), wire("b", "audio_out", "a", "audio_in")],
    },
    /a.*b/,
  ],
  "wires ports of different kinds": [
    /^session\//,
    { nodes: [a, { id: "t", type: "transpose" }], connections: [wire("a", "audio_out", "t", "events_in")] },
    /events_in/,
  ],
  "names a file outside its folder": [
    /^session\/file$/,
    { nodes: [{ id: "a", type: "../gain.wasm" }] },
    /\.\.\/gain/,
  ],
  "has no end": [/^session\/length$/, { nodes: [a], connections: [heard] }, /length/],
};

test("a session that is not UTF-8 is refused, not read with marks in place of its letters", async () => {
  writeFileSync(
    at("latin.json"),
    Buffer.from('{ "nodes": [{ "id": "fl\u00f6te", "type": "sine" }] }', "latin1"),
  );
  await refused("session/json", ["render", "latin.json", "-o", "out.wav"], folder);
});

for (const [what, [code, session, names]] of Object.entries(SESSIONS)) {
  test(`a session that ${what} is refused`, async () => {
    writeFileSync(at("session.json"), typeof session === "string" ? session : JSON.stringify(session));
    const { stderr } = await belljar(["render", "session.json", "-o", "out.wav"], folder);
    const said = /\[([a-z-]+\/[a-z-]+)\]/.exec(stderr)?.[1] ?? stderr;
    assert.match(said, code);
    assert.match(stderr, names);
    await refused(said, ["render", "session.json", "-o", "out.wav"], folder);
  });
}

test("an output that can't be written is said before the work begins", async () => {
  // The session has no end, which is found later than an output that can't be.
  writeFileSync(at("session.json"), JSON.stringify({ nodes: [a], connections: [heard] }));
  await refused("file/no-folder", ["render", "session.json", "-o", "nowhere/out.wav"], folder);
  await refused("file/is-folder", ["render", "session.json", "-o", "folder"], folder);
  await refused("file/no-folder", ["process", "gain", "in.wav", "nowhere/out.wav"], folder);
});

test("an output that is also an input is refused, whatever it is called", async () => {
  await refused("usage/same-file", ["process", "gain", "in.wav", "in.wav"], folder);
  await refused("usage/same-file", ["process", "gain", "in.wav", "./folder/../in.wav"], folder);
  await refused("usage/same-file", ["process", "./gain.wasm", "in.wav", "gain.wasm"], folder);
  writeFileSync(at("session.json"), JSON.stringify({ nodes: [{ id: "g", type: "gain.wasm" }] }));
  await refused("usage/same-file", ["render", "session.json", "--seconds", "1", "-o", "gain.wasm"], folder);
  await refused(
    "usage/same-file",
    ["render", "session.json", "--seconds", "1", "-o", "session.json"],
    folder,
  );
});

test("a file that was there is untouched when the work fails", async () => {
  writeFileSync(at("kept.wav"), "kept");
  writePlugin("stops.wasm", { process: "(unreachable)" });
  await refused("plugin/stopped", ["process", "stops.wasm", "in.wav", "kept.wav"], folder);
  assert.is(readFileSync(at("kept.wav"), "utf8"), "kept");
});

test.run();
