// Sessions rendered whole, with a plugin whose sound is a formula (fixtures/tone.as.ts).

import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import { Fingerprint } from "../../runtime/engine/fingerprint.ts";
import { type PreparedSession, type PrepareOptions, prepareSession } from "../../runtime/engine/prepare.ts";
import { type RenderOptions, type RenderReport, renderSession } from "../../runtime/engine/render.ts";
import { parseSession } from "../../runtime/engine/session.ts";
import { TransportClock } from "../../runtime/engine/transport.ts";
import type { Graph, GraphNode } from "../../runtime/graph/index.ts";
import { PluginType } from "../../runtime/sandbox/index.ts";
import { Fake, graphOf, late, source, w } from "../graph/fakes.ts";
import { midiFile, notes } from "./fixtures/midi.ts";
import toneBytes from "./fixtures/tone.wasm";

const test = suite("render");
const f = Math.fround;
let tone: PluginType;
let folder = "";

test.before(async () => {
  tone = await PluginType.load(toneBytes, { limits: { blockUnits: 2_000_000 } });
  folder = mkdtempSync(path.join(tmpdir(), "belljar-test-"));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

async function load(type: string): Promise<PluginType> {
  if (type === "tone") return tone;
  throw new BelljarError("plugin/unknown", `There is no built-in plugin "${type}".`, "There are: tone.");
}

/** 120 a minute, 100 ticks a quarter: at 8000 Hz a tick is 40 frames. */
const song = (...list: [number, number, number][]): { name: string; bytes: Uint8Array } => ({
  name: "song.mid",
  bytes: midiFile(100, notes(200, ...list)),
});
const TICK = 40;

const track = { id: "track", type: "track_source", config: { input: "song" } };
const wire = (from: string, to: string, more: object = {}) => {
  const [from_node, from_port] = from.split(".");
  const [to_node, to_port] = to.split(".");
  return { from_node, from_port, to_node, to_port, ...more };
};
const chain = [wire("track.events_out", "lead.notes"), wire("lead.audio_out", "master.audio_in")];

class Ear {
  readonly left: number[] = [];
  readonly right: number[] = [];
  write(samples: readonly Float32Array[], frames: number, offset = 0): void {
    this.left.push(...(samples[0] as Float32Array).subarray(offset, offset + frames));
    this.right.push(...(samples[1] as Float32Array).subarray(offset, offset + frames));
  }
}

async function render(
  session: object,
  prepare: Partial<PrepareOptions> = {},
  options: Partial<RenderOptions> = {},
): Promise<{ ear: Ear; report: RenderReport; print: string }> {
  const prepared = await prepareSession(
    parseSession(JSON.stringify({ sample_rate: 8000, ...session }), "s.json"),
    { load, folder, midi: new Map([["song", song([0, 50, 64])]]), ...prepare },
  );
  const ear = new Ear();
  const print = new Fingerprint(prepared.rate, prepared.block, 2);
  const report = await renderSession(prepared, { sinks: [ear, print], ...options });
  return { ear, report, print: print.digest() };
}

async function refusal(
  session: object,
  prepare: Partial<PrepareOptions> = {},
  options: Partial<RenderOptions> = {},
): Promise<BelljarError> {
  try {
    await render(session, prepare, options);
  } catch (error) {
    assert.instance(error, BelljarError, String((error as Error).stack));
    assert.match((error as BelljarError).message, /\.$/);
    return error as BelljarError;
  }
  throw new Error("nothing was refused");
}

const lead = (params: object = { level: 0.5 }, config: object = {}) => ({
  id: "lead",
  type: "tone",
  params,
  config,
});

test("notes sound from their frame to their frame, whatever the block size", async () => {
  const midi = new Map([["song", song([1, 50, 64], [60, 110, 32])]]);
  for (const block of [1, 13, 128, 1000]) {
    const { ear, report } = await render({ nodes: [track, lead()], connections: chain }, { midi, block });
    const level = (i: number): number =>
      i >= 1 * TICK && i < 50 * TICK ? 0.25 : i >= 60 * TICK && i < 110 * TICK ? 0.125 : 0;
    assert.is(report.frames, 200 * TICK);
    assert.ok(ear.left.every((x, i) => x === level(i)));
    assert.ok(ear.right.every((x, i) => x === 0 - level(i)));
  }
});

test("the length is the longest source's, or what was asked for to the frame", async () => {
  const session = { nodes: [track, lead()], connections: chain };
  assert.is((await render(session)).ear.left.length, 200 * TICK);
  assert.is((await render(session, {}, { seconds: 0.1234 })).ear.left.length, 987);
  assert.is((await render(session, {}, { seconds: 2 })).report.seconds, 2);
  assert.is((await render(session, {}, { tail: 0.5 })).ear.left.length, 200 * TICK + 4000);
});

test("a session without an ending source needs a length", async () => {
  const error = await refusal({ nodes: [lead()] }, { midi: new Map() });
  assert.is(error.code, "session/length");
  assert.match(error.hint, "--seconds");
  assert.is((await render({ nodes: [lead()] }, { midi: new Map() }, { seconds: 1 })).ear.left.length, 8000);
  assert.is((await refusal({ nodes: [lead()] }, { midi: new Map() }, { seconds: -1 })).code, "usage/value");
});

test("a file source plays its file, mono on both sides, and adds to the rest", async () => {
  const sound = Float32Array.from({ length: 3000 }, (_, i) => f(((i * 0.618) % 1) * 0.5));
  const audio = new Map([["voice", { name: "v.wav", bytes: wav(8000, sound) }]]);
  const voice = { id: "voice", type: "file_source" };
  const { ear } = await render(
    { nodes: [voice, track, lead()], connections: [...chain, wire("voice.audio_out", "master.audio_in")] },
    { audio },
  );
  assert.is(ear.left.length, 8000);
  assert.ok(ear.left.every((x, i) => x === f((i < 2000 ? 0.25 : 0) + (sound[i] ?? 0))));
  assert.ok(ear.right.every((x, i) => x === f((i < 2000 ? -0.25 : 0) + (sound[i] ?? 0))));
});

test("a file of another rate is refused with what to do", async () => {
  const audio = new Map([["voice", { name: "v.wav", bytes: wav(44100, new Float32Array(8)) }]]);
  const error = await refusal({ nodes: [{ id: "voice", type: "file_source" }] }, { audio, midi: new Map() });
  assert.is(error.code, "session/rate");
  assert.match(error.message, "44100 Hz in a session of 8000 Hz");
});

test("the same session has the same fingerprint; another block size, rate or level has another", async () => {
  const session = { nodes: [track, lead()], connections: chain };
  const first = (await render(session)).print;
  assert.is((await render(session)).print, first);
  const others = [
    (await render(session, { block: 64 })).print,
    (await render(session, { rate: 16000 })).print,
    (await render({ ...session, nodes: [track, lead({ level: 0.51 })] })).print,
  ];
  assert.is(new Set([first, ...others]).size, 4);
});

test("a hostile plugin is stopped in its block and named; the rest is bit for bit as without it", async () => {
  const alone = await render({ nodes: [track, lead()], connections: chain });
  for (const [trouble, kind] of [
    [1, "units"],
    [2, "not-finite"],
    [3, "unreachable"],
  ] as const) {
    const bad = { id: "bad", type: "tone", params: { level: 0.5, trouble } };
    const midi = new Map([
      ["song", song([0, 50, 64])],
      ["other", song([20, 30, 100])],
    ]);
    const { ear, report } = await render(
      {
        nodes: [{ id: "t2", type: "track_source", config: { input: "other" } }, bad, track, lead()],
        connections: [wire("t2.events_out", "bad.notes"), wire("bad.audio_out", "master.audio_in"), ...chain],
      },
      { midi },
    );
    assert.equal(ear.left, alone.ear.left);
    assert.equal(ear.right, alone.ear.right);
    const node = report.nodes.find((entry) => entry.id === "bad");
    assert.is(node?.fault?.kind, kind);
    assert.is(node?.fault?.block, Math.floor((20 * TICK) / 128));
    assert.is(node?.fault?.seconds, (Math.floor((20 * TICK) / 128) * 128) / 8000);
    assert.match(node?.fault?.message ?? "", /\.$/);
    assert.is(report.nodes.find((entry) => entry.id === "lead")?.fault, null);
  }
});

test("the report counts units, blocks, peak and what the ceiling held", async () => {
  const { report } = await render({
    nodes: [
      track,
      lead({ level: 1 }),
      { ...lead({ level: 1 }), id: "second" },
      { ...lead({ level: 1 }), id: "third" },
    ],
    connections: [
      ...chain,
      wire("track.events_out", "second.notes"),
      wire("second.audio_out", "master.audio_in"),
      wire("track.events_out", "third.notes"),
      wire("third.audio_out", "master.audio_in"),
    ],
  });
  assert.is(report.peak, 1.5);
  assert.is(report.clamped, 2 * 2000);
  const node = report.nodes.find((entry) => entry.id === "lead");
  assert.is(node?.peak, 0.5);
  assert.ok((node?.units ?? 0) > 8000);
  assert.is(node?.meanUnits, (node?.units ?? 0) / (node?.blocks ?? 0));
  assert.ok((node?.mostUnits ?? 0) >= (node?.meanUnits ?? 0));
  assert.is(report.lostEvents, 0);
  const units = (r: RenderReport): unknown => r.nodes.map((entry) => entry.units);
  const again = await render({ nodes: [track, lead()], connections: chain });
  assert.equal(
    units(again.report),
    units((await render({ nodes: [track, lead()], connections: chain })).report),
  );
});

test("plugins learn the tempo of the song, and values flow from monitors nowhere", async () => {
  const prepared = await prepareSession(
    parseSession(JSON.stringify({ sample_rate: 8000, bpm: 77, nodes: [lead()] }), "s.json"),
    { load, folder },
  );
  await renderSession(prepared, { sinks: [], seconds: 0.1 });
  assert.is(prepared.nodes[0]?.instance?.controlsOut[0], 77);
  const error = await refusal({ nodes: [track, lead()], connections: [wire("lead.bpm", "lead.level")] });
  assert.is(error.code, "session/wire-direction");
});

test("a render can be stopped", async () => {
  const abort = new AbortController();
  const session = { nodes: [track, lead()], connections: chain };
  try {
    await render(session, {}, { seconds: 100, signal: abort.signal, onProgress: () => abort.abort() });
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).name, "AbortError");
  }
});

test("progress grows to the whole", async () => {
  const seen: [number, number][] = [];
  await render(
    { nodes: [track, lead()], connections: chain },
    {},
    { seconds: 20, onProgress: (done, total) => seen.push([done, total]) },
  );
  assert.ok(seen.length > 2);
  assert.ok(seen.every(([done], i) => i === 0 || done >= (seen[i - 1]?.[0] ?? 0)));
  assert.equal(seen[seen.length - 1], [160000, 160000]);
});

test("config reaches the plugin before it plays", async () => {
  const { ear } = await render({
    nodes: [track, lead({ level: 0.5 }, { shift: 32, colour: "bright" })],
    connections: chain,
  });
  assert.is(ear.left[0], 0.375);
});

test("a config file lies in the session's folder, and the plugin gets its bytes", async () => {
  mkdirSync(path.join(folder, "sounds"), { recursive: true });
  writeFileSync(path.join(folder, "sounds", "a.bin"), Uint8Array.of(16));
  const { ear } = await render({
    nodes: [track, lead({ level: 0.5 }, { sample: "sounds/a.bin" })],
    connections: chain,
  });
  assert.is(ear.left[0], 0.3125);
});

test("files outside of the session's folder are refused, by whatever way", async () => {
  writeFileSync(path.join(folder, "a.bin"), Uint8Array.of(1));
  mkdirSync(path.join(folder, "inner"), { recursive: true });
  const inner = path.join(folder, "inner");
  symlinkSync(path.join(folder, "a.bin"), path.join(inner, "link.bin"));
  symlinkSync(folder, path.join(inner, "up"));
  for (const sample of [
    "../a.bin",
    "/etc/hostname",
    "x/../../a.bin",
    "link.bin",
    "up/a.bin",
    "C:\\a.bin",
    "\\\\host\\a",
    "..\\a.bin",
    "file:///a.bin",
    "a\0b",
  ]) {
    const error = await refusal({ nodes: [track, lead({}, { sample })] }, { folder: inner });
    assert.is(error.code, "session/file", sample);
    assert.match(error.message, '"lead"');
  }
  assert.is((await refusal({ nodes: [track, lead({}, { sample: "none.bin" })] })).code, "session/file");
  assert.is(
    (await refusal({ nodes: [track, lead({}, { sample: "a.bin" })] }, { folder: null })).code,
    "session/file",
  );
  assert.is(
    (await refusal({ nodes: [{ id: "x", type: "../evil.wasm" }] }, { midi: new Map() })).code,
    "session/file",
  );
  const file = { id: "track", type: "track_source", config: { input: "song", file: "../a.bin" } };
  assert.is((await refusal({ nodes: [file] }, { midi: new Map() })).code, "session/file");
});

test("a source's file is the session's own unless the user gives one", async () => {
  writeFileSync(path.join(folder, "own.mid"), song([0, 50, 96]).bytes);
  const own = { ...track, config: { input: "song", file: "own.mid" } };
  const session = { nodes: [own, lead()], connections: chain };
  assert.is((await render(session, { midi: new Map() })).ear.left[0], 0.375);
  assert.is((await render(session)).ear.left[0], 0.25);
});

test("a source without a file, and a file without a source, are named", async () => {
  const missing = await refusal({ nodes: [track] }, { midi: new Map() });
  assert.is(missing.code, "session/no-input");
  assert.match(missing.hint, "--midi song=FILE");
  const extra = await refusal({ nodes: [track] }, { midi: new Map([["sogn", song()]]) });
  assert.is(extra.code, "session/unknown-input");
  assert.match(extra.hint, '"song"');
});

test("a plugin's file is looked for in the session's folder", async () => {
  const places: string[] = [];
  writeFileSync(path.join(folder, "mine.wasm"), toneBytes);
  const own = { ...lead(), type: "./mine.wasm" };
  const { ear } = await render(
    { nodes: [track, own], connections: chain },
    {
      load: async (place) => {
        places.push(place);
        return tone;
      },
    },
  );
  assert.is(ear.left[0], 0.25);
  assert.equal(places, [realpathSync(path.join(folder, "mine.wasm"))]);
});

test("unknown types, ports, parameters and configs are named with the nearest known", async () => {
  const cases: [object, string, RegExp, RegExp][] = [
    [{ nodes: [{ id: "a", type: "tnoe" }] }, "session/unknown-type", /"a".*"tnoe"/, /tone/],
    [{ nodes: [{ id: "a", type: "track_sorce" }] }, "session/unknown-type", /"a"/, /"track_source"/],
    [{ nodes: [lead({ lebel: 1 })] }, "session/param", /"lead".*"lebel"/, /"level"/],
    [{ nodes: [lead({ zzzzzz: 1 })] }, "session/param", /"lead"/, /level, trouble/],
    [{ nodes: [lead({ bpm: 1 })] }, "session/param", /"bpm"/, /level/],
    [
      { nodes: [lead({ level: 1.5 })] },
      "session/param",
      /1\.5 is no value for "level", which takes 0 to 1/,
      /^$/,
    ],
    [{ nodes: [lead({ level: "loud" })] }, "session/param", /"lead".*"loud"/, /^$/],
    [{ nodes: [lead({}, { shfit: 1 })] }, "session/config", /"lead".*"shfit"/, /"shift"/],
    [
      { nodes: [lead({}, { shift: 1.5 })] },
      "session/config",
      /"shift" must be a whole number, not 1\.5/,
      /^$/,
    ],
    [{ nodes: [lead({}, { shift: [] })] }, "session/config", /not a list/, /^$/],
    [{ nodes: [lead({}, { colour: "red" })] }, "session/config", /one of "dark", "bright", not "red"/, /^$/],
    [{ nodes: [{ ...track, config: { track: [1] } }] }, "session/config", /"track"/, /"tracks"/],
    [{ nodes: [{ ...track, params: { x: 1 } }] }, "session/param", /"track"/, /none/],
    [
      { nodes: [{ ...track, config: { input: "song", tracks: [1] } }] },
      "midi/no-track",
      /"track".*no track 1/,
      /^$/,
    ],
    [
      { nodes: [{ ...track, config: { input: "song", tracks: 1 } }] },
      "session/config",
      /"tracks" must be a list/,
      /^$/,
    ],
    [{ nodes: [{ ...track, config: { input: "song", channel: 16 } }] }, "session/config", /"channel"/, /^$/],
    [{ nodes: [{ id: "m", type: "master", config: { a: 1 } }] }, "session/config", /"m"/, /none/],
    [
      { nodes: [lead()], connections: [wire("lead.audio_out", "mater.audio_in")] },
      "session/unknown-node",
      /"mater"/,
      /"master"/,
    ],
    [
      { nodes: [lead()], connections: [wire("lead.out", "master.audio_in")] },
      "session/unknown-port",
      /"out"/,
      /"audio_out"/,
    ],
    [
      { nodes: [lead()], connections: [wire("lead.audio_out", "lead.notes")] },
      "session/wire-type",
      /lead\.audio_out -> lead\.notes/,
      /audio/,
    ],
  ];
  for (const [session, code, message, hint] of cases) {
    const midi = JSON.stringify(session).includes('"song"') ? new Map([["song", song()]]) : new Map();
    const error = await refusal(session, { midi }, { seconds: 0.1 });
    assert.is(error.code, code, error.message);
    assert.match(error.message, message);
    assert.match(error.hint, hint);
  }
});

/** A prepared session made of nodes that are no plugins. */
function prepared(graph: Graph, nodes: Record<string, GraphNode>): PreparedSession {
  return {
    session: parseSession('{"nodes": []}', "s.json"),
    graph,
    nodes: Object.entries(nodes).map(([id, node]) => ({ id, type: "fake", node, instance: null })),
    rate: 8000,
    block: graph.frames,
    contentFrames: null,
    song: null,
    transport: new TransportClock(8000, 120, null),
    warnings: [],
  };
}

test("the sound is brought forward by the graph's latency", async () => {
  for (const length of [1, 16, 100]) {
    const nodes = { impulse: source(16, (i) => (i === 3 || i === 79 ? 0.5 : 0)), slow: late(16, length) };
    const graph = graphOf(16, nodes, [w("impulse.out -> slow.in"), w("slow.out -> master.audio_in")]);
    const ear = new Ear();
    const report = await renderSession(prepared(graph, nodes), { sinks: [ear], seconds: 0.01 });
    assert.is(report.latency, length);
    assert.is(report.frames, 80);
    assert.equal(
      ear.left,
      Array.from({ length: 80 }, (_, i) => (i === 3 || i === 79 ? 0.5 : 0)),
    );
  }
});

test("a node's time is estimated from the blocks in which it was timed", async () => {
  let now = 0;
  const slow = (ms: number): Fake =>
    new Fake(["out:out stereo"], 8, () => {
      now += ms;
    });
  const nodes = { a: slow(1), b: slow(3) };
  const clock = (): number => now;
  const report = await renderSession(prepared(graphOf(8, nodes, [], clock), nodes), {
    sinks: [],
    seconds: 1,
    clock,
  });
  assert.is(report.blocks, 1000);
  assert.equal(
    report.nodes.map((node) => [node.id, Math.round(node.seconds * 1e6) / 1e6]),
    [
      ["a", 1],
      ["b", 3],
    ],
  );
  assert.is(Math.round(report.graphSeconds * 1e6) / 1e6, 4);
  assert.is(Math.round(report.timesRealTime * 1e6) / 1e6, 0.25);
});

test("sound after the last source is kept for as long as it is heard", async () => {
  // Half a second of content, then an echo a little later, then quiet.
  const nodes = { echo: source(64, (i) => (i < 4000 || (i >= 6000 && i < 6100) ? 0.25 : 1e-6)) };
  const graph = graphOf(64, nodes, [w("echo.out -> master.audio_in")]);
  const ear = new Ear();
  const report = await renderSession({ ...prepared(graph, nodes), contentFrames: 4000 }, { sinks: [ear] });
  assert.is(report.frames, 6100);
  assert.is(ear.left.length, 6100);
});

test("what plugins log is handed on with the node's name", async () => {
  const messages: unknown[] = [];
  await render(
    { nodes: [track, lead()], connections: chain },
    {},
    { onMessage: (node, kind, text) => messages.push([node, kind, text]) },
  );
  assert.equal(messages, [["lead", "log", "note on"]]);
});

/** A mono WAV file of float samples. */
function wav(rate: number, samples: Float32Array): Uint8Array {
  const bytes = new Uint8Array(44 + samples.length * 4);
  const view = new DataView(bytes.buffer);
  const ascii = (at: number, text: string): void => {
    for (let i = 0; i < 4; i++) bytes[at + i] = text.charCodeAt(i);
  };
  ascii(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  ascii(8, "WAVE");
  ascii(12, "fmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 3, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 4, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 32, true);
  ascii(36, "data");
  view.setUint32(40, samples.length * 4, true);
  samples.forEach((x, i) => {
    view.setFloat32(44 + i * 4, x, true);
  });
  return bytes;
}

test.run();
