// Renders in which plugins stop and come back. The plugins are a few lines of the text format; what must be heard is a
// formula.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import { Fingerprint } from "../../runtime/engine/fingerprint.ts";
import { type PreparedSession, type PrepareOptions, prepareSession } from "../../runtime/engine/prepare.ts";
import {
  type NodeReport,
  type RecoveryEvent,
  type RenderOptions,
  type RenderReport,
  renderSession,
} from "../../runtime/engine/render.ts";
import { parseSession } from "../../runtime/engine/session.ts";
import { memoryInUse, PluginType } from "../../runtime/sandbox/index.ts";
import {
  AT,
  bufferAt,
  knob,
  type SmallPlugin,
  smallPlugin,
  STEREO_IN,
  STEREO_OUT,
} from "../sandbox/small-plugin.ts";

const test = suite("recovering");
const f = Math.fround;
const RATE = 8000;
const BLOCK = 80;
const SECOND = RATE / BLOCK;
/** 5 ms. */
const FADE = 40;
let folder = "";
test.before(() => {
  folder = mkdtempSync(path.join(tmpdir(), "belljar-recovering-"));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

const LOUD = { ...knob("level"), min: 0, max: 1, default: 0.5 };
/** Where a small plugin finds its first control. */
const level = `(f32.load (i32.const ${AT.controlsIn}))`;

/** Writes a value to each frame of both channels of buffer `index`. */
const write = (value: string, index = 0): string =>
  [0, 1]
    .map(
      (c) => `(local.set $i (i32.const 0))
      (loop $c${c} (f32.store (i32.add (i32.const ${bufferAt(index, c)}) (i32.shl (local.get $i) (i32.const 2))) ${value})
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $c${c} (i32.lt_u (local.get $i) (local.get $frames))))`,
    )
    .join("\n");

/** Plays its value; from its `good` blocks on it does what `bad` says. */
const lasting = (
  good: number,
  value: string,
  more: SmallPlugin = {},
  bad = "(unreachable)",
): SmallPlugin => ({
  ports: [LOUD, STEREO_OUT],
  ...more,
  functions: `(global $block (mut i32) (i32.const 0)) ${more.functions ?? ""}`,
  process: `(local $i i32)
    (if (i32.ge_s (global.get $block) (i32.const ${good})) (then ${bad}))
    (global.set $block (i32.add (global.get $block) (i32.const 1)))
    ${more.process ?? write(value)} (i32.const 0)`,
});

/** Keeps one byte of state, which it plays as a multiple of 1/64. */
const remembering = (more = ""): string => `(global $kept (mut i32) (i32.const 8))
  (func (export "bj_state_save") (result i32)
    ${more}
    (i32.store8 (i32.const 768) (global.get $kept))
    (i32.store (i32.const 776) (i32.const 768)) (i32.store (i32.const 780) (i32.const 1)) (i32.const 776))
  (func (export "bj_state_load") (param $at i32) (param $length i32) (result i32)
    (global.set $kept (i32.load8_u (local.get $at))) (i32.const 0))`;
const KEPT = "(f32.div (f32.convert_i32_s (global.get $kept)) (f32.const 64))";

/** Copies its input to its output while it is well. */
const copying = (good: number, more: SmallPlugin = {}): SmallPlugin =>
  lasting(good, "", {
    ports: [STEREO_IN, STEREO_OUT],
    process: `(memory.copy (i32.const ${bufferAt(1)}) (i32.const ${bufferAt(0)}) (i32.const 8192))`,
    ...more,
  });

const types = new Map<string, Promise<PluginType>>();
function typeOf(plugin: SmallPlugin): Promise<PluginType> {
  const key = JSON.stringify(plugin);
  const type =
    types.get(key) ??
    PluginType.load(smallPlugin(plugin), { limits: { blockUnits: 300_000, controlUnits: 3_000_000 } });
  types.set(key, type);
  return type;
}

class Ear {
  readonly left: number[] = [];
  readonly right: number[] = [];
  write([left, right]: readonly Float32Array[], frames: number, offset = 0): void {
    this.left.push(...(left as Float32Array).subarray(offset, offset + frames));
    this.right.push(...(right as Float32Array).subarray(offset, offset + frames));
  }
}

interface Play {
  /** Nodes by id: their plugin, and the session's keys. */
  nodes: Record<string, [SmallPlugin | PluginType, object?]>;
  /** "a.audio_out -> b.audio_in"; where left out, all nodes play into the master. */
  wires?: string[];
  seconds?: number;
  prepare?: Partial<PrepareOptions>;
  render?: Partial<RenderOptions>;
  /** Before the sound begins, and after each block. */
  begin?(prepared: PreparedSession): void;
  after?(block: number, prepared: PreparedSession): void;
}

interface Played {
  ear: Ear;
  print: string;
  report: RenderReport;
  events: RecoveryEvent[];
  prepared: PreparedSession;
  node(id: string): NodeReport;
}

async function play({
  nodes,
  wires,
  seconds = 1,
  prepare = {},
  render = {},
  begin,
  after,
}: Play): Promise<Played> {
  const entries = Object.entries(nodes);
  const session = parseSession(
    JSON.stringify({
      sample_rate: RATE,
      block_size: BLOCK,
      nodes: entries.map(([id, [, keys]]) => ({ id, type: `test-${id}`, ...keys })),
      connections: (wires ?? entries.map(([id]) => `${id}.audio_out -> master.audio_in`)).map((wire) => {
        const [from, to] = wire.split(" -> ").map((end) => end.split(".")) as [string[], string[]];
        return { from_node: from[0], from_port: from[1], to_node: to[0], to_port: to[1] };
      }),
    }),
    "s.json",
  );
  const prepared = await prepareSession(session, {
    load: async (name) => {
      const plugin = nodes[name.replace("test-", "")]?.[0] as SmallPlugin | PluginType;
      return plugin instanceof PluginType ? plugin : typeOf(plugin);
    },
    folder,
    ...prepare,
  });
  begin?.(prepared);
  const ear = new Ear();
  const print = new Fingerprint(RATE, BLOCK, 2);
  const events: RecoveryEvent[] = [];
  const report = await renderSession(prepared, {
    sinks: [ear, print, { write: () => after?.(prepared.graph.block - 1, prepared) }],
    seconds,
    onRecovery: (event) => events.push(event),
    ...render,
  });
  const node = (id: string): NodeReport => report.nodes.find((entry) => entry.id === id) as NodeReport;
  return { ear, print: print.digest(), report, events, prepared, node };
}

/**
 * What is heard of a plugin that plays `good` blocks each time, at a level by the number of times that it came back;
 * after the last of its `limit` replacements it is silent.
 */
function heardOf(good: number, blocks: number, levelOf: (times: number) => number, limit = 5): Float32Array {
  const heard = new Float32Array(blocks * BLOCK);
  let from = 0;
  for (let times = 0; times <= limit; times++) {
    for (let i = from * BLOCK; i < Math.min((from + good) * BLOCK, heard.length); i++) {
      const at = i - from * BLOCK;
      heard[i] = f(f(levelOf(times)) * (times === 0 || at >= FADE ? 1 : at / FADE));
    }
    // One block of silence, then the back-off: none, 0.1, 0.2, 0.4, 0.8 s.
    const wait = times === 0 ? 0 : 0.1 * 2 ** (times - 1);
    from += good + 1 + Math.ceil(wait * SECOND - 1e-9);
  }
  return heard;
}

const same = (a: readonly number[], b: Float32Array): boolean =>
  a.length === b.length && b.every((x, i) => x === a[i]);

test("without a policy a plugin that stopped is silent to the end", async () => {
  const { ear, node, events } = await play({ nodes: { a: [lasting(30, level)] } });
  assert.ok(
    same(
      ear.left,
      heardOf(30, 100, () => 0.5, 0),
    ),
  );
  const { fault, faults, faultCount, replacements, state, whyOff } = node("a");
  assert.equal(
    [faultCount, replacements, state, whyOff, fault?.block, fault?.kind],
    [1, 0, "off", "", 30, "unreachable"],
  );
  assert.equal(faults, [fault]);
  assert.equal(
    events.map(({ node: id, what, block, seconds }) => [id, what, block, seconds]),
    [["a", "fault", 30, 0.3]],
  );
});

test("restored, it is heard again after the documented times, and is off after the fifth", async () => {
  for (const policy of ["restore", "restart"]) {
    const { ear, node, events } = await play({
      nodes: { a: [lasting(7, level), { on_fault: policy }] },
      seconds: 4,
    });
    assert.ok(
      same(
        ear.left,
        heardOf(7, 400, () => 0.5),
      ),
    );
    assert.ok(
      same(
        ear.right,
        heardOf(7, 400, () => 0.5),
      ),
    );
    const { faultCount, replacements, state, whyOff, blocks } = node("a");
    assert.equal(
      [faultCount, replacements, state, whyOff],
      [6, 5, "off", "it was replaced 5 times within 60 s"],
    );
    assert.is(blocks, 6 * 8);
    assert.equal(
      events.map(({ what, block }) => [what, block]),
      [0, 8, 26, 54, 102, 190].flatMap((from, times) => [
        ...(times === 0 ? [] : [["replaced", from]]),
        ["fault", from + 7],
        ...(times === 5 ? [["off", from + 8]] : []),
      ]),
    );
    for (const { message } of events) assert.match(message, /\.$/);
    const word = policy === "restore" ? "restored" : "restarted";
    assert.equal(
      events.filter(({ what }) => what === "replaced")[1]?.message,
      `It is ${word} after 0.110 s.`,
    );
  }
});

test("restore brings back the state that the host had handed over; restart does not", async () => {
  for (const [policy, after] of [
    ["restore", 48 / 64],
    ["restart", 8 / 64],
  ] as const) {
    const { ear, node } = await play({
      nodes: { a: [lasting(20, KEPT, { functions: remembering() }), { on_fault: policy }] },
      begin: ({ nodes }) => nodes[0]?.instance?.loadState(Uint8Array.of(48)),
      seconds: 0.9,
    });
    assert.ok(
      same(
        ear.left,
        heardOf(20, 90, (times) => (times === 0 ? 48 / 64 : after)),
      ),
    );
    assert.is(node("a").replacements, 2);
  }
});

test("a replacement has the knobs and graph data of today", async () => {
  const editor = { ...knob("shape"), hint: "graph_editor", graph_type: "curve" };
  // Plays its knob and, as a multiple of 1/64, the first character of what the host has drawn.
  const drawn: SmallPlugin = lasting(
    30,
    `(f32.add ${level} (f32.div (f32.convert_i32_s (global.get $first)) (f32.const 64)))`,
    {
      ports: [LOUD, editor, STEREO_OUT],
      functions: `(global $first (mut i32) (i32.const 0))
      (func (export "bj_graph_set") (param $port i32) (param $at i32) (param $length i32) (result i32)
        (global.set $first (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))) (i32.const 0))
      (func (export "bj_graph_get") (param $port i32) (result i32) (i32.const 0))`,
    },
  );
  const { ear } = await play({
    nodes: { a: [drawn, { on_fault: "restart", params: { level: 0.25, shape: "4" } }] },
    seconds: 0.5,
    after(block, { graph, nodes }) {
      if (block === 9) graph.setControl(0, 0, 0.5);
      if (block === 19) nodes[0]?.instance?.setGraphData("shape", "9");
      if (block === 30) graph.setControl(0, 0, 0.75);
    },
  });
  const at = (block: number): number => ear.left[block * BLOCK + FADE] as number;
  assert.equal(
    [at(5), at(15), at(25), at(30), at(31), at(45)],
    [0.25 + 4 / 64, 0.5 + 4 / 64, 0.5 + 9 / 64, 0, 0.75 + 9 / 64, 0.75 + 9 / 64],
  );
});

test("an effect set to bypass passes its input dry, every bit of it, until it is back", async () => {
  // Its own sound is a level, so that nothing of it can be mistaken for the input.
  const effect = lasting(25, level, { ports: [LOUD, STEREO_IN, STEREO_OUT], process: write(level, 1) });
  const source = lasting(1e6, "", {
    ports: [STEREO_OUT],
    functions: "(global $x (mut i32) (i32.const 1))",
    process: write(
      "(f32.div (f32.convert_i32_s (global.get $x)) (f32.const 65536)) (global.set $x (i32.and (i32.mul (global.get $x) (i32.const 75)) (i32.const 65535)))",
    ),
  });
  const wires = ["source.audio_out -> fx.audio_in", "fx.audio_out -> master.audio_in"];
  const dry = (await play({ nodes: { source: [source] } })).ear.left;
  const off = await play({ nodes: { source: [source], fx: [effect, { while_faulty: "bypass" }] }, wires });
  assert.equal(off.ear.left.slice(25 * BLOCK), dry.slice(25 * BLOCK));
  assert.ok(off.ear.left.slice(0, 25 * BLOCK).every((x) => x === 0.5));
  const keys = { while_faulty: "bypass", on_fault: "restore" };
  const back = await play({ nodes: { source: [source], fx: [effect, keys] }, wires });
  const [from, to] = [25 * BLOCK, 26 * BLOCK];
  assert.equal(back.ear.left.slice(from, to), dry.slice(from, to));
  for (let i = 0; i < FADE; i++) {
    assert.is(back.ear.left[to + i], f(0.5 * (i / FADE) + (dry[to + i] as number) * (1 - i / FADE)));
  }
  assert.ok(back.ear.left.slice(to + FADE, 51 * BLOCK).every((x) => x === 0.5));
});

test("the others' samples are those of a render without it, whatever it does and whatever its policy", async () => {
  const innocent = lasting(1e6, "", {
    ports: [STEREO_OUT],
    functions: "(global $x (mut i32) (i32.const 1))",
    process: write(
      "(f32.div (f32.convert_i32_s (global.get $x)) (f32.const 65536)) (global.set $x (i32.and (i32.mul (global.get $x) (i32.const 75)) (i32.const 65535)))",
    ),
  });
  const wires = ["good.audio_out -> master.audio_in"];
  const alone = await play({ nodes: { good: [innocent] }, wires });
  const idling = (call: string): SmallPlugin => ({
    ports: [STEREO_OUT],
    functions: `(func (export "${call}") (result i32) (unreachable))`,
  });
  const hostile: Record<string, SmallPlugin> = {
    unreachable: lasting(3, level),
    units: lasting(3, level, {}, "(loop $l (br $l))"),
    "not-finite": lasting(3, level, { process: write("(f32.const nan)") }),
    "out-of-bounds": lasting(3, level, {}, "(i32.store (i32.const -4) (i32.const 1))"),
    contract: { ports: [STEREO_OUT], process: "(i32.const 77)" },
    idle: idling("bj_idle"),
  };
  for (const [kind, plugin] of Object.entries(hostile)) {
    for (const policy of ["off", "restore", "restart"]) {
      const { ear, report, node } = await play({
        nodes: {
          bad: [plugin, { on_fault: policy }],
          good: [innocent],
          worse: [plugin, { on_fault: policy }],
        },
        wires,
        seconds: 1,
      });
      assert.equal(ear, alone.ear, kind);
      assert.is(node("bad").fault?.kind, kind === "idle" ? "unreachable" : kind);
      assert.is(node("bad").replacements > 0, policy !== "off");
      assert.equal(
        [report.nodes.length, node("good").fault, node("good").units],
        [3, null, alone.node("good").units],
      );
    }
  }
});

test("a render with faults is the same each time, events, units and all", async () => {
  const nodes: Play["nodes"] = {
    a: [lasting(7, level), { on_fault: "restore" }],
    b: [lasting(11, level), { on_fault: "restart" }],
    c: [lasting(13, level)],
  };
  const bare = ({ report }: Played): unknown => report.nodes.map((node) => ({ ...node, seconds: 0 }));
  const [first, second] = [await play({ nodes, seconds: 3 }), await play({ nodes, seconds: 3 })];
  assert.is(first.print, second.print);
  assert.equal(first.events, second.events);
  assert.equal(bare(first), bare(second));
  assert.ok(first.events.length > 15);
});

test("a storm of sixteen is held to eight replacements a second, and to so many in all", async () => {
  const nodes: Play["nodes"] = {};
  for (let i = 0; i < 16; i++) nodes[`n${i}`] = [lasting(1, level), { on_fault: "restore" }];
  const recovery = { perNode: 1000, longestBackOff: 0.1 };
  const { events, report } = await play({ nodes, seconds: 6, prepare: { recovery } });
  const replaced = events.filter(({ what }) => what === "replaced").map(({ block }) => block);
  for (const from of replaced)
    assert.ok(replaced.filter((at) => at >= from && at < from + SECOND).length <= 8);
  assert.ok(replaced.length >= 8 * 5);
  const counts = report.nodes.map((node) => node.replacements);
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `fair: ${counts}`);
  const few = await play({ nodes, seconds: 6, prepare: { recovery: { ...recovery, total: 20 } } });
  assert.is(few.events.filter(({ what }) => what === "replaced").length, 20);
  const off = few.events.filter(({ what }) => what === "off");
  assert.equal([off.length, new Set(off.map(({ node }) => node)).size], [16, 16], "each is told once");
  assert.ok(
    few.report.nodes.every(({ state, whyOff }) => state === "off" && /all 20 replacements/.test(whyOff)),
  );
});

test("one policy for all nodes goes before what the session says", async () => {
  const nodes: Play["nodes"] = { a: [lasting(7, level), { on_fault: "restore" }], b: [lasting(7, level)] };
  const on = await play({ nodes, prepare: { onFault: "restart" } });
  assert.ok(on.node("a").replacements > 0 && on.node("b").replacements > 0);
  const off = await play({ nodes, prepare: { onFault: "off" } });
  assert.equal([off.node("a").replacements, off.node("b").replacements], [0, 0]);
});

/** A type that gives instances of one plugin at first and of another from then on, as no honest module can. */
async function turning(first: SmallPlugin, then: SmallPlugin): Promise<PluginType> {
  const [before, after] = [await typeOf(first), await typeOf(then)];
  let count = 0;
  return Object.create(before, {
    instantiate: { value: (options: object) => (count++ === 0 ? before : after).instantiate(options) },
  });
}

test("one that can't be set up again is tried with back-off, and is off after its limit", async () => {
  const trap = (process: string): SmallPlugin =>
    lasting(7, level, { activate: `${process} (i32.const ${AT.layout})` });
  for (const [plugin, kind, message] of [
    [
      await turning(lasting(7, level), trap("(unreachable)")),
      "unreachable",
      /^It could not be replaced: The plugin gave up .* during activate/,
    ],
    [
      await turning(lasting(7, level), trap("(loop $l (br $l))")),
      "units",
      /used up its units in bj_activate/,
    ],
    [
      lasting(7, KEPT, {
        functions: remembering().replace(
          "(global.set $kept (i32.load8_u (local.get $at))) (i32.const 0)",
          "(i32.const -3)",
        ),
      }),
      "refused",
      /refused the state/,
    ],
    [
      lasting(7, KEPT, {
        functions: remembering().replace("(global.set $kept (i32.load8_u (local.get $at)))", "(unreachable)"),
      }),
      "unreachable",
      /during state load/,
    ],
  ] as const) {
    const { ear, node, events } = await play({ nodes: { a: [plugin, { on_fault: "restore" }] }, seconds: 3 });
    assert.equal(
      events.map(({ what, block }) => [what, block]),
      [["fault", 7], ...[8, 18, 38, 78, 158].map((block) => ["failed", block]), ["off", 158]],
    );
    const { fault, faultCount, replacements, state } = node("a");
    assert.equal([faultCount, replacements, state, fault?.kind], [6, 0, "off", kind]);
    assert.match(fault?.message ?? "", message, fault?.message);
    assert.ok(ear.left.slice(7 * BLOCK).every((x) => x === 0));
  }
});

test("one that describes itself otherwise, or is later than before, is off at once, with the reason", async () => {
  const first = lasting(7, level);
  const others: [SmallPlugin, RegExp][] = [
    [
      lasting(7, level, { ports: [LOUD, { ...knob("more") }, STEREO_OUT] }),
      /describes other ports than before/,
    ],
    [lasting(7, level, { layout: { 56: 24 } }), /24 frames of latency, others \(0\)/],
    [lasting(7, level, { layout: { 4: 7 } }), /./],
  ];
  for (const [other, message] of others) {
    const { node, events } = await play({
      nodes: { a: [await turning(first, other), { on_fault: "restore" }] },
    });
    assert.equal(
      events.map(({ what }) => what),
      ["fault", "failed", "off"],
    );
    assert.match(node("a").fault?.message ?? "", message);
    assert.match(node("a").whyOff, /fail in the same way/);
  }
});

test("its files are read again, and must be the same", async () => {
  const reading: SmallPlugin = lasting(20, KEPT, {
    config: [{ id: "sample", display_name: "Sample", doc: "", type: "filepath", default: "" }],
    imports: '(import "belljar" "host_read" (func $read (param i32 i32 i32 i32) (result i32)))',
    functions: `(global $kept (mut i32) (i32.const 0))
      (func (export "bj_configure_file") (param $i i32) (param $blob i32) (param $size i32) (param $name i32) (param $length i32) (result i32)
        (drop (call $read (local.get $blob) (i32.const 0) (i32.const 768) (i32.const 1)))
        (global.set $kept (i32.load8_u (i32.const 768))) (i32.const 0))`,
  });
  const file = path.join(folder, "sample.bin");
  const nodes: Play["nodes"] = { a: [reading, { on_fault: "restart", config: { sample: "sample.bin" } }] };
  writeFileSync(file, Uint8Array.of(40, 1));
  const good = await play({ nodes, seconds: 0.5 });
  assert.is(good.ear.left[30 * BLOCK], 40 / 64);
  const changed = await play({
    nodes,
    seconds: 0.5,
    after: (block) => block === 5 && writeFileSync(file, Uint8Array.of(40, 2)),
  });
  assert.is(changed.ear.left[30 * BLOCK], 0);
  assert.match(
    changed.node("a").fault?.message ?? "",
    /"sample" names the file "sample\.bin", which is another now/,
  );
  assert.equal([changed.node("a").state, changed.node("a").fault?.kind], ["off", "setup"]);
  writeFileSync(file, Uint8Array.of(40, 1));
  const gone = await play({ nodes, seconds: 0.5, after: (block) => block === 5 && rmSync(file) });
  assert.is(gone.node("a").state, "off");
});

test("a plugin that misses its deadline is replaced like any other", async () => {
  let now = 0;
  const slow =
    "(local.set $i (i32.const 0)) (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (i32.rem_u (i32.mul (local.get $i) (local.get $i)) (i32.const 1000003)) (i32.const 1000002))))";
  const { node, events } = await play({
    nodes: { a: [lasting(7, level, {}, slow), { on_fault: "restart" }] },
    seconds: 0.2,
    prepare: { deadline: 2, unitBudget: 1e9, clock: () => (now += 0.5) },
  });
  assert.is(node("a").faults[0]?.kind, "deadline");
  assert.equal(
    events.slice(0, 2).map(({ what, block }) => [what, block]),
    [
      ["fault", 7],
      ["replaced", 8],
    ],
  );
});

test("what it logged before it stopped is told, and that of the next instance too", async () => {
  const lines: string[] = [];
  const logging = lasting(7, level, {
    imports: '(import "belljar" "host_log" (func $log (param i32 i32 i32)))',
    process: `(i32.store8 (i32.const 768) (i32.add (i32.const 48) (global.get $block))) (call $log (i32.const 2) (i32.const 768) (i32.const 1)) ${write(level)}`,
  });
  await play({
    nodes: { a: [logging, { on_fault: "restart" }] },
    seconds: 0.13,
    render: { onMessage: (_, __, text) => lines.push(text) },
  });
  assert.is(lines.join(""), "123456712345");
});

test("one that fails while it is asked for its state is at fault at once, and comes back without it", async () => {
  const { ear, events } = await play({
    nodes: { a: [lasting(50, KEPT, { functions: remembering("(unreachable)") }), { on_fault: "restore" }] },
    seconds: 0.4,
  });
  assert.equal(
    events.map(({ what, block }) => [what, block]),
    [
      ["fault", 0],
      ["replaced", 1],
    ],
  );
  assert.is(ear.left[20 * BLOCK], 8 / 64);
});

test("the plugin's latency is kept: what comes back is in step with a path beside it", async () => {
  const late = copying(20, { layout: { 56: 100 } });
  const { ear, report } = await play({
    nodes: { source: [lasting(1e6, level)], late: [late, { on_fault: "restore", while_faulty: "bypass" }] },
    wires: [
      "source.audio_out -> late.audio_in",
      "late.audio_out -> master.audio_in",
      "source.audio_out -> master.audio_in",
    ],
    seconds: 0.4,
  });
  assert.is(report.latency, 100);
  assert.ok(ear.left.slice(100).every((x) => Math.abs(x - 1) < 1e-6));
});

test("the instance that stopped gives its memory to the one that takes its place: there need be room for no other", async () => {
  const plugin = lasting(7, level);
  // Two pages of its own, and eight of message queues; a half is not enough for a second one.
  const limits = { totalMemory: memoryInUse() + 15 * 65536 };
  const type = await PluginType.load(smallPlugin(plugin), { limits });
  const { node, prepared } = await play({
    nodes: { a: [type, { on_fault: "restart" }] },
    seconds: 1,
    after(block, { graph, nodes }) {
      // A knob that is turned while nobody is there moves nothing of whoever has the memory now.
      if (block !== 7) return;
      const dead = nodes[0]?.instance?.controlsIn as Float32Array;
      graph.setControl(0, 0, 0.25);
      assert.is(dead[0], 0.5);
    },
  });
  assert.is(node("a").replacements, 3);
  assert.is(prepared.nodes[0]?.instance?.controlsIn[0], 0.25);
  assert.throws(() => type.instantiate(), /totalMemory/);
});

test("keys that can't be are refused in a sentence that names the node", async () => {
  const synth = lasting(1, level);
  for (const [node, message] of [
    [{ on_fault: "restroe" }, /"a".*"on_fault" must be "off", "restart" or "restore"/],
    [{ while_faulty: true }, /"a".*"while_faulty" must be "silence" or "bypass"/],
    [{ while_faulty: "bypass" }, /"a" can't be set to bypass.*"test\.small" has no audio input\./],
    [
      { type: "track_source", on_fault: "off" },
      /"a", a track_source, is no plugin, so it takes no "on_fault"\./,
    ],
    [{ type: "file_source", while_faulty: "bypass" }, /no "while_faulty"\./],
  ] as const) {
    try {
      await play({ nodes: { a: [synth, node] }, wires: [] });
      assert.unreachable(JSON.stringify(node));
    } catch (error) {
      assert.instance(error, BelljarError, String((error as Error).stack));
      assert.is((error as BelljarError).code, "session/value");
      assert.match((error as BelljarError).message, message);
    }
  }
  for (const prepare of [{ onFault: "restroe" as never }, { recovery: { perNode: -1 } }]) {
    try {
      await play({ nodes: {}, prepare });
      assert.unreachable();
    } catch (error) {
      assert.is((error as BelljarError).code, "usage/value");
    }
  }
});

test.run();
