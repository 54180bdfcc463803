// The plugin in plain C, as it is committed: what the contract's page promises works from C alone. Where clang
// is, it is built again and compared.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as abi from "../../abi/layout.ts";
import { decodeDescriptor } from "../../runtime/sandbox/descriptor.ts";
import { type AudioPort, DEFAULT_LIMITS, PluginType } from "../../runtime/sandbox/index.ts";
import { root, skip } from "../root.ts";

const folder = join(root, "examples", "c-gain");
const committed = Uint8Array.from(readFileSync(join(folder, "gain.wasm")));
const RATE = 48000;
const FRAMES = 128;
const GAIN = 2; // its index in the descriptor
const GLIDE = 961; // frames: 20 ms and one

/** The plugin without a sandbox around it, as its author could try it. */
class Player {
  private readonly call: Record<string, (...values: number[]) => number>;
  private readonly view: DataView;
  private readonly layout: number;

  constructor(bytes: Uint8Array<ArrayBuffer>, maxFrames = FRAMES) {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    this.call = exports as Record<string, (...values: number[]) => number>;
    this.view = new DataView((exports["memory"] as WebAssembly.Memory).buffer);
    this.layout = this.run("bj_activate", RATE, maxFrames);
  }

  get active(): boolean {
    return this.layout !== 0;
  }

  run(name: string, ...values: number[]): number {
    return (this.call[name] as (...values: number[]) => number)(...values);
  }

  bytes(at: number): Uint8Array {
    const from = this.view.getUint32(at + abi.BYTES_PTR, true);
    return new Uint8Array(this.view.buffer, from, this.view.getUint32(at + abi.BYTES_LEN, true));
  }

  field(offset: number): number {
    return this.view.getUint32(this.layout + offset, true);
  }

  buffer(port: number): { at: number; samples: (channel: number) => Float32Array } {
    const at = this.field(abi.LAYOUT_AUDIO) + port * abi.AUDIO_BYTES;
    const [from, stride] = [abi.AUDIO_PTR, abi.AUDIO_STRIDE].map((o) =>
      this.view.getUint32(at + o, true),
    ) as [number, number];
    return { at, samples: (channel) => new Float32Array(this.view.buffer, from + channel * stride, FRAMES) };
  }

  flags(port: number, value?: number): number {
    const at = this.buffer(port).at + abi.AUDIO_FLAGS;
    if (value !== undefined) this.view.setUint32(at, value, true);
    return this.view.getUint32(at, true);
  }

  /** One block of ones (left) and minus twos (right); returns left and right. */
  block(
    gain: number,
    events: [frame: number, type: number, port: number, value: number][] = [],
  ): [number[], number[]] {
    this.buffer(0).samples(0).fill(1);
    this.buffer(0).samples(1).fill(-2);
    this.view.setFloat32(this.field(abi.LAYOUT_CONTROL_IN), gain, true);
    events.forEach(([frame, type, port, value], i) => {
      const at = this.field(abi.LAYOUT_EVENTS_IN) + i * abi.EVENT_BYTES;
      new Uint8Array(this.view.buffer, at, abi.EVENT_BYTES).fill(0);
      this.view.setUint32(at + abi.EVENT_FRAME, frame, true);
      this.view.setUint16(at + abi.EVENT_TYPE, type, true);
      this.view.setUint16(at + abi.EVENT_PORT, port, true);
      this.view.setFloat64(at + abi.EVENT_VALUE, value, true);
    });
    assert.is(this.run("bj_process", FRAMES, events.length), abi.ProcessState.QuietOk);
    const { samples } = this.buffer(1);
    return [[...samples(0)], [...samples(1)]];
  }
}

const near = (value: number, wanted: number, what = "", within = 1e-6) =>
  assert.ok(
    Math.abs(value - wanted) <= within * Math.max(1, Math.abs(wanted)),
    `${what} ${value} is near ${wanted}`,
  );
const linear = (db: number) => 10 ** (db / 20);

test("it needs nothing from the host", () => {
  assert.equal(WebAssembly.Module.imports(new WebAssembly.Module(committed)), []);
});

test("its descriptor says what it is", () => {
  const player = new Player(committed);
  assert.is(player.run("bj_abi"), abi.ABI_VERSION);
  const descriptor = decodeDescriptor(player.bytes(player.run("bj_descriptor")), DEFAULT_LIMITS);
  assert.is(descriptor.id, "example.c-gain");
  assert.equal(
    descriptor.ports.map(({ id, type, role }) => `${id} ${type} ${role}`),
    ["audio_in audio_stereo input", "audio_out audio_stereo output", "gain control input"],
  );
  const { min, max, default: initial, unit, smoothing } = descriptor.ports[GAIN]!;
  assert.equal([min, max, initial, unit, smoothing], [-60, 12, 0, "dB", 20]);
});

test("its layout holds what the contract asks for", () => {
  const player = new Player(committed);
  assert.is(player.field(abi.LAYOUT_SIZE), abi.LAYOUT_BYTES);
  assert.is(player.field(abi.LAYOUT_AUDIO_COUNT), 2);
  assert.is(player.field(abi.LAYOUT_CONTROL_IN_COUNT), 1);
  assert.is(player.field(abi.LAYOUT_CONTROL_OUT_COUNT), 0);
  for (const offset of [abi.LAYOUT_AUDIO, abi.LAYOUT_CONTROL_IN, abi.LAYOUT_EVENTS_IN]) {
    assert.is(player.field(offset) % abi.ALIGNMENT, 0);
  }
  assert.is(player.buffer(0).samples(1).byteOffset % abi.ALIGNMENT, 0);
});

test("it begins at the value that it finds, from -60 to 12 dB, to the last bits of a float", () => {
  for (let db = -60; db <= 12; db += 0.75) {
    const [left, right] = new Player(committed).block(db);
    for (const i of [0, FRAMES - 1]) {
      near(left[i]! / linear(db), 1, `${db} dB`);
      near(right[i]! / linear(db), -2, `${db} dB`);
    }
  }
});

test("a new value is reached along a straight line in 20 ms", () => {
  const player = new Player(committed);
  player.block(0);
  const left: number[] = [];
  while (left.length < GLIDE + FRAMES) left.push(...player.block(-20)[0]);
  for (let i = 0; i < GLIDE; i++) near(left[i]!, 1 + ((0.1 - 1) * (i + 1)) / GLIDE, `frame ${i}`, 1e-4);
  for (let i = GLIDE; i < left.length; i++) assert.is(left[i], left[GLIDE]);
  near(left[GLIDE]!, 0.1);
});

test("an event moves the parameter at its frame, and no other event does", () => {
  const player = new Player(committed);
  player.block(0);
  const [left] = player.block(0, [
    [10, abi.EventType.NoteOn, GAIN, 1],
    [20, abi.EventType.Param, 0, -40],
    [50, abi.EventType.Param, GAIN, -20],
    [60, 999, GAIN, 3],
  ]);
  for (let i = 0; i < 50; i++) assert.is(left[i], 1);
  for (let i = 50; i < FRAMES; i++) near(left[i]!, 1 - (0.9 * (i - 49)) / GLIDE, `frame ${i}`, 1e-5);
});

test("reset ends a glide at its aim", () => {
  const player = new Player(committed);
  player.block(0);
  player.block(-20);
  player.run("bj_reset");
  near(player.block(-20)[0][0]!, 0.1);
});

test("silence in is marked as silence out", () => {
  const player = new Player(committed);
  player.flags(0, abi.AUDIO_CONNECTED | abi.AUDIO_INPUT_SILENT);
  player.block(0);
  assert.is(player.flags(1) & abi.AUDIO_OUTPUT_SILENT, abi.AUDIO_OUTPUT_SILENT);
  player.flags(0, abi.AUDIO_CONNECTED);
  player.block(0);
  assert.is(player.flags(1) & abi.AUDIO_OUTPUT_SILENT, 0);
});

test("it says why it can't take blocks that are too long", () => {
  const player = new Player(committed, 8193);
  assert.not.ok(player.active);
  assert.is(
    new TextDecoder().decode(player.bytes(player.run("bj_error"))),
    "Blocks can be at most 8192 frames long.",
  );
});

/** What the compiler wrote about itself into the module. */
function compiler(bytes: Uint8Array<ArrayBuffer>): string {
  const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(bytes), "producers");
  return section === undefined ? "" : new TextDecoder().decode(section);
}

/** A second of blocks: the control's value, and sometimes an event that changes it. */
function* moves(): Generator<[gain: number, event: [frame: number, value: number] | null]> {
  for (let n = 0; n < 375; n++) yield [-60 + (((n >> 4) * 37) % 73), n % 3 ? null : [n % FRAMES, -(n % 61)]];
}

function song(bytes: Uint8Array<ArrayBuffer>): number[] {
  const player = new Player(bytes);
  const all: number[] = [];
  for (const [gain, event] of moves()) {
    const [left, right] = player.block(gain, event ? [[event[0], abi.EventType.Param, GAIN, event[1]]] : []);
    all.push(...left, ...right);
  }
  return all;
}

test("in the sandbox it gives the same samples", async () => {
  const plugin = (await PluginType.load(committed)).instantiate();
  plugin.activate(RATE, FRAMES);
  const all: number[] = [];
  for (const [gain, event] of moves()) {
    const [input, output] = plugin.audio as [AudioPort, AudioPort];
    input.channel(0).fill(1);
    input.channel(1).fill(-2);
    plugin.controlsIn[0] = gain;
    if (event) plugin.eventsIn.push(event[0], abi.EventType.Param, GAIN, -1, -1, -1, 0, event[1]);
    assert.ok(plugin.process(FRAMES), plugin.fault?.message);
    all.push(...output.channel(0), ...output.channel(1));
  }
  assert.equal(all, song(committed));
});

test("built again from its source it is the same plugin", () => {
  if (spawnSync("clang", ["--version"]).status !== 0 || spawnSync("wasm-ld", ["--version"]).status !== 0) {
    return skip("clang and wasm-ld are not here");
  }
  const line = /^ {4}(clang .*)$/m.exec(readFileSync(join(folder, "README.md"), "utf8"))?.[1] ?? "";
  const out = mkdtempSync(join(tmpdir(), "belljar-c-gain-"));
  try {
    const file = join(out, "gain.wasm");
    const options = line
      .split(" ")
      .slice(1)
      .map((word) => (word === "gain.wasm" ? file : word));
    // clang runs the wasm-opt that it finds, and npm puts one in its way.
    const PATH = (process.env["PATH"] ?? "")
      .split(delimiter)
      .filter((entry) => !entry.includes("node_modules"))
      .join(delimiter);
    const env = { ...process.env, PATH };
    execFileSync("clang", ["-Wall", "-Wextra", "-Werror", ...options], { cwd: folder, env });
    const rebuilt = Uint8Array.from(readFileSync(file));
    if (compiler(rebuilt) === compiler(committed))
      assert.ok(Buffer.from(rebuilt).equals(committed), "the same bytes");
    assert.equal(song(rebuilt), song(committed));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});

test.run();
