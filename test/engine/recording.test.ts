// The file of a recording: what is in it and what is not, who may read it, and that nobody can do harm with one.

import { createHash } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EventType } from "../../abi/layout.ts";
import {
  BelljarError,
  type PluginInstance,
  PluginType,
  replayRecording,
  Recordings,
} from "../../runtime/index.ts";
import { floatMode } from "../../runtime/engine/recorder.ts";
import { ByteLog } from "../../runtime/engine/recording-bytes.ts";
import { Entry } from "../../runtime/engine/recording-calls.ts";
import { readRecording, type RecordingFacts, writeRecording } from "../../runtime/engine/recording.ts";
import { Random } from "../../runtime/validate/random.ts";
import {
  AT,
  bufferAt,
  EVENTS_IN,
  knob,
  type SmallPlugin,
  STEREO_IN,
  STEREO_OUT,
} from "../sandbox/small-plugin.ts";
import { named, record, replay } from "./recorded.ts";

const folder = mkdtempSync(join(tmpdir(), "belljar-recording-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

const HEAD_BYTES = 24;
const HASH_BYTES = 32;
const PLUGIN: SmallPlugin = {
  ports: [STEREO_IN, STEREO_OUT, EVENTS_IN, knob("level")],
  functions: `(func $fail unreachable)
    (func (export "bj_reset")) (func (export "bj_idle") (result i32) (i32.const 0))
    (func (export "bj_state_load") (param i32 i32) (result i32) (i32.const 0))`,
  process: `(if (f32.eq (f32.load (i32.const ${AT.controlsIn})) (f32.const 1)) (then (call $fail))) (i32.const 0)`,
};

/** Blocks with a bit of everything, and a fault at the end. */
function script(instance: PluginInstance): void {
  instance.activate(48_000, 64);
  for (let block = 0; block < 40; block++) {
    if (block % 5 === 0) instance.eventsIn.push(0, EventType.NoteOn, 2, block, 0, 60, 0, 0.5);
    if (block % 7 === 0) instance.eventsIn.push(1, EventType.Transport, 2, -1, -1, -1, 0, 0);
    if (block % 9 === 0) instance.idle();
    if (block === 20) instance.loadState(Uint8Array.of(1, 2, 3, 4));
    instance.controlsIn[0] = block / 40;
    instance.transport?.setFloat64(32, block, true);
    instance.audio[0]?.samples.fill(0.123456, 0, 64);
    instance.process(block % 3 === 0 ? 64 : 40);
  }
  instance.reset();
  instance.controlsIn[0] = 1;
  instance.process(64);
}

/** With the hash that its bytes have now. */
function sealed(bytes: Uint8Array): Uint8Array {
  const end = bytes.length - HASH_BYTES;
  if (end < 0) return bytes;
  bytes.set(createHash("sha256").update(bytes.subarray(0, end)).digest(), end);
  return bytes;
}

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof BelljarError) {
      assert.match(error.message, /\.$/, error.message);
      return error.code;
    }
    throw error;
  }
  return "";
}

test("only the user may read a recording, from the moment that it is there, and also where an open file was before", async () => {
  const wasm = named(PLUGIN);
  const type = await PluginType.load(wasm);
  const recordings = new Recordings();
  for (const node of ["lead", "../up", "con", "bass one", "lead"]) {
    const watcher = recordings.begin(type, node, "plugins/small.wasm");
    script(type.instantiate(watcher === undefined ? {} : { watcher }));
  }
  const well = recordings.begin(type, "well", "plugins/small.wasm");
  type.instantiate(well === undefined ? {} : { watcher: well }).activate(48_000, 64);
  const saved = recordings.save(at("faults"));
  const names = ["_con.bjr", "bass-one.bjr", "lead-2.bjr", "lead.bjr", "up.bjr"];
  assert.equal(readdirSync(at("faults")).sort(), names);
  assert.equal(saved.map(({ node, audio }) => [node, audio]).sort(), [
    ["../up", false],
    ["bass one", false],
    ["con", false],
    ["lead", false],
    ["lead", false],
  ]);
  if (process.platform !== "win32") {
    assert.is(statSync(at("faults")).mode & 0o777, 0o700);
    for (const name of names) assert.is(statSync(join(at("faults"), name)).mode & 0o777, 0o600);
    writeFileSync(at("open.bjr"), "x", { mode: 0o644 });
    recordings.saveFirst(at("open.bjr"));
    assert.is(statSync(at("open.bjr")).mode & 0o777, 0o600);
    const old = process.umask(0);
    try {
      recordings.saveFirst(at("new.bjr"));
    } finally {
      process.umask(old);
    }
    assert.is(statSync(at("new.bjr")).mode & 0o777, 0o600);
  }
  // The plugin lies beside the recording under its own name.
  writeFileSync(at("small.wasm"), wasm);
  assert.ok((await replayRecording(at("open.bjr"))).same);
});

/** Whether these samples, or any of them, are in the bytes. */
function holds(bytes: Uint8Array, samples: Float32Array): boolean {
  const file = Buffer.from(bytes);
  for (let i = 0; i < samples.length; i++) {
    const one = samples.slice(i, i + 1);
    if (file.includes(Buffer.from(one.buffer))) return true;
  }
  return false;
}

test("no sound is in a recording unless it was asked for, whatever the plugin does with it", async () => {
  const voiceOf = (seed: number): Float32Array =>
    Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * 0.1937 + seed) * 0.61803);
  const speak = (voice: Float32Array) => (instance: PluginInstance) => {
    instance.activate(48_000, 64);
    for (let block = 0; block < 60; block++) {
      const { audio, eventsIn, arena, transport, controlsIn } = instance;
      for (const port of audio) {
        port.flags = 1;
        port.samples.set(voice);
        port.samples.set(voice, port.stride);
      }
      if (block % 3 === 0) eventsIn.push(0, EventType.NoteOn, 2, block, 0, 60, 0, 0.5);
      if (block % 4 === 0) {
        eventsIn.push(1, EventType.Transport, 2, -1, -1, -1, 0, 0);
        arena.fill(block, 0, 64);
      }
      if (block % 5 === 0) controlsIn[1] = block;
      if (block % 2 === 0) transport?.setFloat64(32, block / 375, true);
      if (block === 59) controlsIn[0] = 1;
      instance.process(64);
      if (block % 9 === 0) instance.idle();
      if (block % 20 === 0) instance.saveState();
      if (block === 30) {
        instance.deactivate();
        instance.activate(48_000, 64);
      }
    }
  };
  // It puts what it hears wherever the host looks: values, flags, transport, events, arena; also when it is activated anew.
  const copies = (from: number): string =>
    [AT.controlsIn + 4, AT.transport, AT.eventsIn, AT.arena, AT.arena + 128]
      .map(
        (to, i) =>
          `(memory.copy (i32.const ${to}) (i32.const ${from}) (i32.const ${[60, 64, 256, 64, 128][i]}))`,
      )
      .join(" ")
      .concat(
        [0, 1]
          .map((i) => `(i32.store (i32.const ${AT.audio + 16 * i + 12}) (i32.load (i32.const ${from + 40})))`)
          .join(" "),
      );
  const keeps = 61_440;
  const hoarder: SmallPlugin = {
    ...PLUGIN,
    ports: [...(PLUGIN.ports ?? []), ...Array.from({ length: 16 }, (_, i) => knob(`k${i}`))],
    functions: `${PLUGIN.functions}
      (func (export "bj_state_save") (result i32) ${copies(keeps)} (i32.const 0))`,
    activate: `${copies(keeps)} (i32.const ${AT.layout})`,
    process: `(memory.copy (i32.const ${keeps}) (i32.const ${bufferAt(0)}) (i32.const 256))
      ${PLUGIN.process?.replace(/\(i32\.const 0\)$/, "")} ${copies(bufferAt(0))} (i32.const 0)`,
  };
  const [voice, other] = [voiceOf(1), voiceOf(2)];
  for (const plugin of [PLUGIN, hoarder]) {
    const { bytes } = await record(plugin, speak(voice));
    assert.not(holds(bytes, voice));
    assert.is(readRecording(bytes, "x").facts.audio, false);
    assert.equal((await record(plugin, speak(other))).bytes, bytes, "another sound, the same recording");
    assert.ok(bytes.length < 5_000, `${bytes.length}`);

    const withSound = await record(plugin, speak(voice), { audio: true });
    assert.ok(holds(withSound.bytes, voice));
    assert.is(readRecording(withSound.bytes, "x").facts.audio, true);
    assert.ok(withSound.bytes.length > 60 * 2 * 256);
    const report = await replay(withSound);
    assert.equal([...report.differences, ...report.notes], []);
    assert.is(report.replayed?.fault?.where, "fail");
  }
});

test("blocks in which nothing changes cost nothing", async () => {
  const length = async (blocks: number): Promise<number> => {
    const { bytes } = await record(PLUGIN, (instance) => {
      instance.activate(48_000, 64);
      for (let i = 0; i < blocks; i++) instance.process(64);
      instance.controlsIn[0] = 1;
      instance.process(64);
    });
    return bytes.length;
  };
  assert.ok((await length(5_000)) - (await length(10)) < 40);
});

test("a recording that grows past its bound is let go, and says so", async () => {
  const type = await PluginType.load(named(PLUGIN));
  const recordings = new Recordings({ audio: true, mostBytes: 10_000 });
  const watcher = recordings.begin(type, "loud", "");
  script(type.instantiate(watcher === undefined ? {} : { watcher }));
  assert.is(watcher?.dropped, true);
  assert.is(watcher?.size, 0);
  const [saved] = recordings.save(at("none"));
  assert.is(saved?.file, null);
  assert.is(saved?.node, "loud");
  assert.not(existsSync(at("none")));
});

test("what the host answers is bounded, too", async () => {
  const type = await PluginType.load(
    named({
      imports: `(import "belljar" "host_poll_event" (func $poll (param i32 i32) (result i32)))
        (import "belljar" "host_emit_event" (func $emit (param i32 i32) (result i32)))`,
      process: `(local $i i32)
        (loop $l
          (drop (call $poll (i32.const 0) (i32.const 0)))
          (drop (call $emit (i32.const 0) (i32.const 0)))
          (br_if $l (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5000))))
        (i32.const 0)`,
    }),
  );
  const watcher = new Recordings({ mostBytes: 50_000 }).begin(type, "chatty", "");
  const instance = type.instantiate(watcher === undefined ? {} : { watcher });
  instance.activate(48_000, 64);
  instance.process(64);
  instance.process(64);
  assert.ok((watcher?.size ?? 0) < 50_200, `${watcher?.size}`);
  instance.process(64);
  assert.is(watcher?.dropped, true);
});

test("of many that grow, the largest that nobody needs yet goes first; of one node, three are kept", async () => {
  const type = await PluginType.load(named(PLUGIN));
  const recordings = new Recordings({ audio: true, mostBytes: 85_000 });
  const playing = Array.from({ length: 8 }, (_, i) => {
    const watcher = recordings.begin(type, `node ${i}`, "");
    const instance = type.instantiate(watcher === undefined ? {} : { watcher });
    instance.activate(48_000, 64);
    return { watcher, instance };
  });
  playing.forEach(({ instance }, i) => {
    instance.audio[0]?.samples.fill(1, 0, 64);
    for (let block = 0; block < 20 * (i + 1); block++) instance.process(64);
  });
  const kept = playing.filter(({ watcher }) => watcher?.dropped === false);
  assert.ok(kept.length >= 4 && kept.length < 8, `${kept.length}`);
  assert.ok(kept.reduce((sum, { watcher }) => sum + (watcher?.size ?? 0), 0) <= 340_000);

  for (let i = 0; i < 3; i++) {
    const watcher = recordings.begin(type, "again", "");
    assert.ok(watcher !== undefined);
    script(type.instantiate({ watcher }));
  }
  assert.is(recordings.begin(type, "again", ""), undefined);
});

const STOPS: SmallPlugin = { ports: [STEREO_OUT], process: "unreachable" };

test("a session's instances are recorded, and a plugin that fails while it is set up, too", async () => {
  const { openSession, parseSession, renderSession } = await import("../../runtime/index.ts");
  const types = new Map<string, PluginType>([
    ["./stops.wasm", await PluginType.load(named(STOPS))],
    ["./refuses.wasm", await PluginType.load(named({ ports: [STEREO_OUT], activate: "unreachable" }))],
  ]);
  for (const name of types.keys()) writeFileSync(at(name), "");
  const load = async (name: string): Promise<PluginType> => types.get(`./${basename(name)}`) as PluginType;
  const session = (type: string) =>
    parseSession(
      JSON.stringify({
        nodes: [{ id: "one", type }],
        connections: [{ from_node: "one", from_port: "audio_out", to_node: "master", to_port: "audio_in" }],
      }),
      "s.json",
    );
  const record = new Recordings();
  const prepared = await openSession(session("./stops.wasm"), { load, folder: folder, record });
  await renderSession(prepared, { sinks: [], seconds: 0.1 });
  assert.equal(
    record.ended.map(({ outcome }) => outcome?.fault?.call),
    ["process"],
  );

  // Started again, it is recorded again; three are kept, and each replays.
  const again = new Recordings();
  const restarted = await openSession(session("./stops.wasm"), {
    load,
    folder,
    record: again,
    onFault: "restart",
  });
  const { nodes } = await renderSession(restarted, { sinks: [], seconds: 2 });
  assert.ok((nodes[0]?.faultCount ?? 0) > 3, `${nodes[0]?.faultCount} faults`);
  const kept = again.save(at("restarted"));
  assert.equal(
    kept.map(({ file }) => file),
    ["one.bjr", "one-2.bjr", "one-3.bjr"].map((name) => join(at("restarted"), name)),
  );
  for (const { file } of kept) {
    assert.ok((await replayRecording(file as string, { plugin: named(STOPS) })).same);
  }

  const second = new Recordings();
  assert.is(
    await codeOf(() => openSession(session("./refuses.wasm"), { load, folder, record: second })),
    "plugin/unreachable",
  );
  assert.equal(
    second.ended.map(({ outcome }) => outcome?.fault?.call),
    ["activate"],
  );
  assert.is(
    await codeOf(() => openSession(session("./stops.wasm"), { load, folder, record: {} as never })),
    "usage/value",
  );
});

test("what is no recording, of another version, cut off or changed is refused in a sentence", async () => {
  const { bytes } = await record(PLUGIN, script, { audio: true });
  const tries: [code: string, bytes: Uint8Array][] = [
    ["recording/not-a-recording", new Uint8Array(0)],
    ["recording/not-a-recording", new TextEncoder().encode("RIFF....WAVE")],
    ["recording/malformed", bytes.slice(0, 8)],
    ["recording/malformed", bytes.slice(0, bytes.length - 1)],
    ["recording/malformed", Uint8Array.of(...bytes, 0)],
  ];
  const version = bytes.slice();
  version[8] = 99;
  tries.push(["recording/version", version]);
  const flipped = bytes.slice();
  flipped[bytes.length >> 1] = (flipped[bytes.length >> 1] as number) ^ 1;
  tries.push(["recording/malformed", flipped]);
  for (const [code, tried] of tries) assert.is(await codeOf(() => readRecording(tried, "x.bjr")), code);
  for (let length = 0; length < bytes.length; length += 97) {
    assert.match(await codeOf(() => readRecording(bytes.slice(0, length), "x.bjr")), /^recording\//);
    assert.match(await codeOf(() => readRecording(sealed(bytes.slice(0, length)), "x.bjr")), /^recording\//);
  }
});

test("thousands of changed recordings are refused or replayed, and never do anything else", async () => {
  const small = await record(PLUGIN, script);
  const loud = await record(PLUGIN, script, { audio: true });
  const random = new Random(20_11);
  let refused = 0;
  let replayed = 0;
  for (let i = 0; i < 4_000; i++) {
    const from = i % 4 === 0 ? loud : small;
    let bytes: Uint8Array = from.bytes.slice();
    // Mostly in the calls, which come last; some in the facts and lengths.
    const low = i % 5 === 0 ? 8 : Math.min(bytes.length - HASH_BYTES - 1, i % 4 === 0 ? 2_200 : 2_000);
    for (let n = random.whole(1, 4); n > 0; n--) {
      const place = random.whole(low, bytes.length - HASH_BYTES - 1);
      bytes[place] = random.chance(0.3) ? random.pick([0, 1, 13, 0x7f, 0x80, 0xff]) : random.whole(0, 255);
    }
    if (random.chance(0.2)) {
      const cut = random.whole(low, bytes.length - HASH_BYTES - 1);
      const gone = random.whole(1, 20);
      bytes = Uint8Array.of(...bytes.subarray(0, cut), ...bytes.subarray(Math.min(cut + gone, bytes.length)));
      if (bytes.length < HEAD_BYTES + HASH_BYTES) continue;
      const view = new DataView(bytes.buffer);
      // The lengths fit again.
      view.setUint32(
        16,
        bytes.length - HASH_BYTES - HEAD_BYTES - view.getUint32(12, true) - view.getUint32(20, true),
        true,
      );
    }
    sealed(bytes);
    const code = await codeOf(() => readRecording(bytes, "x.bjr"));
    if (code !== "") {
      assert.match(code, /^recording\//);
      refused++;
      continue;
    }
    if (readRecording(bytes, "x.bjr").facts.blocks > 100_000) continue;
    const outcome = await codeOf(() => replay({ ...from, bytes: bytes as Uint8Array<ArrayBuffer> }));
    assert.match(outcome, /^($|recording\/|usage\/limit|module\/|descriptor\/|plugin\/)/);
    replayed++;
  }
  assert.ok(refused > 500 && replayed > 300, `${refused} refused, ${replayed} replayed`);
});

const HASH = "0".repeat(64);
const FACTS: RecordingFacts = {
  node: "n",
  plugin: { name: "", id: "x.y", displayName: "X", sha256: HASH },
  outcome: {
    fault: { kind: "units", call: "process", where: "", block: 0, units: 0, message: "" },
    error: null,
  },
  last: { call: 1, granted: 0 },
  audio: false,
  floats: floatMode(),
  limits: {},
  files: [],
  blocks: 0,
  frames: 0,
  rate: 48_000,
  work: 0,
  abi: 65_536,
  rewriter: 1,
  madeBy: { node: "", v8: "", platform: "" },
};

/** A file made by hand, with the right hash. */
function forged(
  facts: Partial<RecordingFacts>,
  fill: (calls: ByteLog, answers: ByteLog) => void = () => {},
): Uint8Array {
  const [calls, answers] = [new ByteLog(), new ByteLog()];
  fill(calls, answers);
  return writeRecording({ ...FACTS, ...facts }, calls, answers);
}

test("counts, lengths and depths that are lies are refused before anything is made of them", async () => {
  const huge = 2 ** 52;
  const lies: ((calls: ByteLog, answers: ByteLog) => void)[] = [
    (calls) =>
      [Entry.stateLoad, Entry.configure, Entry.sound].forEach((entry) => [
        calls.u8(entry),
        calls.count(huge),
      ]),
    (calls) => [calls.u8(Entry.events), calls.count(huge)],
    (calls) => [calls.u8(Entry.controls), calls.count(huge)],
    (calls) => [calls.u8(Entry.file), calls.text("a"), calls.text("b"), calls.count(1)],
    (calls) => [calls.u8(Entry.transport), calls.count(1 << 16)],
    (calls) => [calls.u8(Entry.blocks), calls.count(7)],
    (calls) => calls.u8(255),
    (calls) => [calls.u8(Entry.configure), calls.bytes(Uint8Array.of(0xff, 0xfe)), calls.text("")],
    (calls) => [calls.u8(Entry.blocks), calls.raw(new Uint8Array(12).fill(0xff))],
    (_, answers) => answers.raw(Uint8Array.of(7, 0, 1)),
    (_, answers) => [answers.u8(0), answers.small(0x7fffffff)],
    (_, answers) => [answers.u8(1), answers.small(0), answers.count(0)],
  ];
  for (const [i, fill] of lies.entries()) {
    assert.is(await codeOf(() => readRecording(forged({}, fill), "x")), "recording/malformed", `lie ${i}`);
  }
  const facts: Partial<Record<keyof RecordingFacts, unknown>>[] = [
    { node: 7 },
    { node: "x".repeat(2_000) },
    { plugin: null },
    { plugin: { ...FACTS.plugin, sha256: "no" } },
    { outcome: { fault: null, error: null } },
    { outcome: { fault: { ...FACTS.outcome.fault, kind: "__proto__" }, error: null } },
    { outcome: { fault: { ...FACTS.outcome.fault, kind: "deadline" }, error: null } },
    { limits: { memoryPages: "all" } },
    { limits: [] },
    { files: Array.from({ length: 2_000 }, () => ({ name: "", bytes: 0, sha256: HASH })) },
    { files: [{ name: "", bytes: -1, sha256: HASH }] },
    { blocks: 0.5 },
    { rate: "x" },
    { last: { call: 1 } },
    { audio: "yes" },
    { floats: "fast" },
  ];
  for (const fact of facts) {
    const code = await codeOf(() => readRecording(forged(fact as Partial<RecordingFacts>), "x"));
    assert.is(code, "recording/malformed", JSON.stringify(fact));
  }
  assert.is(await codeOf(() => readRecording(forged({}), "x")), "");
});

test("a recording can't widen the limits of the host that replays it", async () => {
  const wasm = named(PLUGIN);
  const sha256 = createHash("sha256").update(wasm).digest("hex");
  const plugin = { ...FACTS.plugin, sha256 };
  const wide = forged({ plugin, limits: { memoryPages: 65_536 } });
  const options = { plugin: wasm, compile: (bytes: Uint8Array<ArrayBuffer>) => WebAssembly.compile(bytes) };
  assert.is(await codeOf(() => replayRecording(wide, options)), "recording/limits");
  assert.is(await codeOf(() => replayRecording(wide, { ...options, limits: { memoryPages: 65_536 } })), "");
  const endless = forged({ plugin, blocks: 1 }, (calls) => {
    calls.u8(Entry.activate);
    calls.number(48_000);
    calls.count(64);
    calls.u8(Entry.budget);
    calls.number(1e15);
    calls.number(0);
    calls.u8(Entry.blocks);
    calls.count(1);
  });
  assert.is(await codeOf(() => replayRecording(endless, options)), "recording/limits");
});

test("a recording opens no file but the ones beside it, by their plain names, with the contents that were recorded", async () => {
  const wasm = named(PLUGIN);
  const sha256 = createHash("sha256").update(wasm).digest("hex");
  const inner = at("inner");
  for (const name of ["secret.wasm"]) writeFileSync(at(name), wasm);
  const { mkdirSync } = await import("node:fs");
  mkdirSync(inner);
  const tried = async (name: string, more: Partial<RecordingFacts> = {}): Promise<string> => {
    writeFileSync(join(inner, "x.bjr"), forged({ plugin: { ...FACTS.plugin, name, sha256 }, ...more }));
    return codeOf(() => replayRecording(join(inner, "x.bjr")));
  };
  for (const name of [
    "../secret.wasm",
    at("secret.wasm"),
    "..\\secret.wasm",
    "sub/../../secret.wasm",
    "",
    "..",
    "con.wasm",
    "a\0.wasm",
    "builtin.no-such-plugin",
  ]) {
    assert.is(await tried(name), "recording/plugin", name);
  }
  writeFileSync(join(inner, "other.wasm"), "something else");
  assert.is(await tried("other.wasm"), "recording/plugin");
  writeFileSync(join(inner, "small.wasm"), wasm);
  assert.is(await tried("small.wasm"), "");
  const kit = { name: "../secret.wasm", bytes: wasm.length, sha256 };
  assert.is(await tried("small.wasm", { files: [kit] }), "recording/file");
  assert.is(await tried("small.wasm", { files: [{ ...kit, name: "small.wasm" }] }), "");
  if (process.platform !== "win32") {
    symlinkSync("/dev/zero", join(inner, "zero.wasm"));
    assert.is(await tried("zero.wasm"), "recording/plugin");
  }
  // By bytes, there is no folder at all.
  const bytes = readFileSync(join(inner, "x.bjr"));
  assert.is(await codeOf(() => replayRecording(bytes)), "recording/plugin");
  assert.is(await codeOf(() => replayRecording(bytes, { plugin: named({}) })), "recording/plugin");
});

test.run();
