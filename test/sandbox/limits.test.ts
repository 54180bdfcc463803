// Every limit: what is just within it passes, what is one past it is refused by name, with the hint that helps; or dropped, and counted.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import { EventType, Status } from "../../abi/layout.ts";
import {
  completeLimits,
  DEFAULT_LIMITS,
  LIMIT_NAMES,
  type LimitName,
  LIMITS,
  type Limits,
  type PluginInstance,
  PluginType,
} from "../../runtime/sandbox/index.ts";
import { rewriteModule } from "../../runtime/sandbox/rewrite.ts";
import { vetModule } from "../../runtime/sandbox/vet.ts";
import { wat } from "../wat.ts";
import {
  AT,
  EVENTS_IN,
  EVENTS_OUT,
  knob,
  type SmallPlugin,
  STEREO_IN,
  STEREO_OUT,
  smallPlugin,
} from "./small-plugin.ts";

async function problem(act: () => unknown): Promise<BelljarError | null> {
  try {
    await act();
    return null;
  } catch (error) {
    assert.instance(error, BelljarError);
    return error as BelljarError;
  }
}

const load = (plugin: SmallPlugin, limits: Partial<Limits> = {}): Promise<PluginType> =>
  PluginType.load(smallPlugin(plugin), { limits });
const made = async (plugin: SmallPlugin, limits: Partial<Limits> = {}): Promise<PluginInstance> =>
  (await load(plugin, limits)).instantiate();

const times = (count: number, what: string | ((i: number) => string)): string =>
  Array.from({ length: count }, (_, i) => (typeof what === "string" ? what : what(i))).join(" ");
const vetted = (text: string, limits: Partial<Limits>): unknown => vetBytes(wat(text), limits);
function vetBytes(bytes: Uint8Array, limits: Partial<Limits>): unknown {
  const { module, codes } = vetModule(bytes, completeLimits(limits));
  return rewriteModule(module, codes, completeLimits(limits)).bytes;
}
/** A module with these fields, and a memory. */
const module =
  (fields: string) =>
  (limits: Partial<Limits>): unknown =>
    vetted(`(module (memory 1) ${fields})`, limits);
const describes = (plugin: SmallPlugin) => (limits: Partial<Limits>) => load(plugin, limits);

const withCustomSections = (count: number): Uint8Array => {
  const bytes = wat("(module (memory 1))");
  const all = new Uint8Array(bytes.length + count * 3);
  all.set(bytes);
  for (let i = 0; i < count; i++) all.set([0, 1, 0], bytes.length + i * 3);
  return all;
};
const emptyModule = wat("(module (memory 1))");
const rewrittenSize = (vetBytes(emptyModule, {}) as Uint8Array).length;

const SAVES = `(func (export "bj_state_save") (result i32) (i32.store (i32.const 700) (i32.const 4096))
    (i32.store (i32.const 704) (i32.const 20)) (i32.const 700))
  (func (export "bj_state_load") (param i32 i32) (result i32) (i32.const 0))`;
const GRAPH: SmallPlugin = {
  ports: [knob("curve", { hint: "graph_editor", graph_type: "curve" })],
  functions: `(data (i32.const 720) "{\\"a\\":[1, 2, 3]}   ")
    (func (export "bj_graph_get") (param i32) (result i32) (i32.store (i32.const 700) (i32.const 720))
      (i32.store (i32.const 704) (i32.const 15)) (i32.const 700))
    (func (export "bj_graph_set") (param i32 i32 i32) (result i32) (i32.const 0))`,
};
const CONFIG: SmallPlugin = {
  config: [
    { id: "text", display_name: "Text", type: "string", default: "" },
    { id: "file", display_name: "File", type: "filepath" },
  ],
  functions: `(func (export "bj_configure") (param i32 i32 i32) (result i32) (i32.const 0))
    (func (export "bj_configure_file") (param i32 i32 i32 i32 i32) (result i32) (i32.const 0))`,
};
const CHOICES = ["one", "two", "three", "four"];

/** Limit -> the size of something, and what is done with it; the code that refuses it. */
const REFUSED: Partial<
  Record<LimitName, [size: number, act: (limits: Partial<Limits>) => unknown, code: string]>
> = {
  moduleBytes: [emptyModule.length, (limits) => vetBytes(emptyModule, limits), "module/limit"],
  customSections: [3, (limits) => vetBytes(withCustomSections(3), limits), "module/limit"],
  types: [3, module("(func) (func (param i32)) (func (param i64))"), "module/limit"],
  parameters: [5, module(`(func (param ${times(5, "i32")}))`), "module/limit"],
  results: [2, module("(func (result i32 i32) (i32.const 1) (i32.const 2))"), "module/limit"],
  imports: [
    2,
    (limits) =>
      vetted(
        `(module ${times(2, (i) => `(import "belljar" "host_log" (func $l${i} (param i32 i32 i32)))`)} (memory 1))`,
        limits,
      ),
    "module/limit",
  ],
  functions: [4, module(times(4, "(func)")), "module/limit"],
  tables: [2, module("(table 1 funcref) (table 1 funcref)"), "module/limit"],
  tableEntries: [7, module("(table 3 funcref) (table 4 funcref)"), "module/limit"],
  globals: [3, module(times(3, "(global i32 (i32.const 0))")), "module/limit"],
  exports: [3, module(times(3, (i) => `(func (export "e${i}"))`)), "module/limit"],
  elementSegments: [
    2,
    module("(table 4 funcref) (func $f) (elem (i32.const 0) $f) (elem (i32.const 1) $f)"),
    "module/limit",
  ],
  dataSegments: [3, module(times(3, '(data (i32.const 0) "x")')), "module/limit"],
  // one byte says that there are no locals, one is the end
  bodyBytes: [12, module(`(func ${times(10, "nop")})`), "module/limit"],
  locals: [6, module(`(func (param i32 i64) (local ${times(4, "f32")}))`), "module/limit"],
  totalLocals: [
    7,
    module("(func (param i32) (local i32 i32)) (func (param i64 i64) (local i32 f64))"),
    "module/limit",
  ],
  nesting: [
    5,
    module(
      `(func (param i32) ${times(5, "(if (local.get 0) (then ")} (drop (i32.const 1)) ${"))".repeat(5)})`,
    ),
    "module/limit",
  ],
  loopNesting: [3, module(`(func ${times(3, "(loop")}${")".repeat(3)})`), "module/limit"],
  branchTargets: [
    4,
    module("(func (param i32) (block (block (block (br_table 0 1 2 0 (local.get 0))))))"),
    "module/limit",
  ],
  rewrittenBytes: [rewrittenSize, () => {}, "module/limit"],
  descriptorDepth: [3, describes({}), "descriptor/too-deep"],
  ports: [3, describes({ ports: [STEREO_IN, STEREO_OUT, knob("a")] }), "descriptor/too-many"],
  configParams: [2, describes(CONFIG), "descriptor/too-many"],
  choices: [
    4,
    describes({ ports: [knob("a", { hint: "radio", choices: CHOICES, min: 0, max: 3, default: 0 })] }),
    "descriptor/too-many",
  ],
  presets: [2, describes({ descriptor: { presets: [{ name: "A" }, { name: "B" }] } }), "descriptor/too-many"],
  memoryPages: [2, describes({ pages: "2 64" }), "module/limit"],
  latency: [
    300,
    async (limits) => (await made({ layout: { 56: 300 } }, limits)).activate(48_000, 64),
    "plugin/layout",
  ],
  configBytes: [
    5,
    async (limits) => (await made(CONFIG, limits)).configure("text", "12345"),
    "plugin/too-large",
  ],
  fileBytes: [
    9,
    async (limits) => (await made(CONFIG, limits)).configureFile("file", "a", new Uint8Array(9)),
    "plugin/too-large",
  ],
  stateBytes: [
    20,
    async (limits) => (await made({ functions: SAVES }, limits)).saveState(),
    "plugin/too-large",
  ],
  graphBytes: [15, async (limits) => (await made(GRAPH, limits)).getGraphData("curve"), "plugin/too-large"],
};

for (const [name, [size, act, code]] of Object.entries(REFUSED)) {
  if (name === "rewrittenBytes") continue;
  test(`${name}: what is at the limit is taken, one past it is refused by name`, async () => {
    assert.is((await problem(() => act({ [name]: size })))?.message, undefined);
    const refusal = await problem(() => act({ [name]: size - 1 }));
    assert.is(refusal?.code, code, refusal?.message);
    assert.match(refusal?.message ?? "", `(${name})`);
    assert.match(refusal?.hint ?? "", `--limit ${name}=`);
  });
}

test("rewrittenBytes: a module that the rewrite makes too large is refused", async () => {
  const calls = `(func $f) (func ${times(2_000, "(call $f)")})`;
  const size = (module(calls)({}) as Uint8Array).length;
  assert.ok(size > 4_000);
  assert.is(await problem(() => module(calls)({ rewrittenBytes: size })), null);
  const refusal = await problem(() => module(calls)({ rewrittenBytes: size - 2_000 }));
  assert.match(refusal?.message ?? "", /bytes after the rewrite; the limit is .* \(rewrittenBytes\)/);
});

test("localMerges and stackBytes bound products and sums over a whole module", async () => {
  const text = `(func (param i32) (local ${times(99, "i32")})
    ${times(10, "(if (local.get 0) (then (local.set 1 (i32.const 1))))")})`;
  const products = Number(
    /has (\d+) locals/.exec((await problem(() => module(text)({ localMerges: 1 })))?.message ?? "")?.[1],
  );
  assert.ok(products > 10);
  assert.is(await problem(() => module(text)({ localMerges: products })), null);
  const refusal = await problem(() => module(text)({ localMerges: products - 1 }));
  assert.match(refusal?.message ?? "", "(localMerges)");
  const chain = `(func $f0) ${times(60, (i) => `(func $f${i + 1} (call $f${i}))`)}`;
  assert.is(await problem(() => module(chain)({})), null);
  assert.match((await problem(() => module(chain)({ stackBytes: 8_192 })))?.message ?? "", "(stackBytes)");
});

test("a descriptor's bytes, values and strings are bounded before it is decoded", async () => {
  const type = await load({});
  for (const [name, size, code] of [
    ["descriptorBytes", 60, "too-large"],
    ["descriptorValues", 10, "too-many"],
    ["stringBytes", 9, "too-long"],
  ] as const) {
    const refusal = await problem(() => load({}, { [name]: size }));
    // a descriptor that is too long is not even copied
    const expected = name === "descriptorBytes" ? "plugin/too-large" : `descriptor/${code}`;
    assert.is(refusal?.code, expected, refusal?.message);
    assert.match(`${refusal?.message} ${refusal?.hint}`, `--limit ${name}=`);
  }
  assert.is(type.descriptor.id, "test.small");
});

test("state and graph data that a host gives are bounded, too", async () => {
  const saves = await made({ functions: SAVES }, { stateBytes: 10 });
  saves.loadState(new Uint8Array(10));
  assert.is((await problem(() => saves.loadState(new Uint8Array(11))))?.code, "plugin/too-large");
  const graph = await made(GRAPH, { graphBytes: 10 });
  graph.setGraphData("curve", "[1,2,3,45]");
  assert.is((await problem(() => graph.setGraphData("curve", "[1,2,3,456]")))?.code, "plugin/too-large");
  assert.is(graph.fault, null, "it is none of the plugin's doing");
});

test("work and time of a call: a plugin that is stopped says which limit it was", async () => {
  const endless = '(func (export "bj_state_save") (result i32) (loop $l (br $l)) (i32.const 0))';
  const units = await problem(async () =>
    (await made({ functions: endless }, { controlUnits: 10_000_000 })).saveState(),
  );
  assert.is(units?.code, "plugin/units");
  assert.match(units?.hint ?? "", "--limit controlUnits=N");
  const late = await problem(async () =>
    (await made({ functions: endless }, { controlUnits: 1e15, controlSeconds: 0.02 })).saveState(),
  );
  assert.is(late?.code, "plugin/deadline");
  assert.match(late?.hint ?? "", "--limit controlSeconds=N");
  const slow: SmallPlugin = { process: "(loop $l (br $l)) (i32.const 0)" };
  const plugin = await made(slow, { blockUnits: 1_000_000 });
  plugin.activate(48_000, 64);
  assert.not(plugin.process(64));
  assert.is(plugin.fault?.kind, "units");
  assert.ok(plugin.units >= 1_000_000 && plugin.units < 1_200_000);
});

/** A note-on at place `i` of the outgoing list, with `i` as its note id. */
const note = (i: number): string => `(i64.store (i32.const ${AT.eventsOut + i * 32}) (i64.const 0x100000000))
  (i64.store (i32.const ${AT.eventsOut + i * 32 + 8}) (i64.const ${0x003c000000000000n + BigInt(i)}))`;

test("events: what a plugin sends beyond the limit is dropped and counted; it takes no more than the limit either", async () => {
  const plugin = await made(
    {
      ports: [EVENTS_IN, { ...EVENTS_OUT, id: "out" }],
      process: `${times(10, note)} (i32.const ${10 << 8})`,
    },
    { events: 6 },
  );
  plugin.activate(48_000, 64);
  assert.is(plugin.eventsIn.capacity, 6);
  assert.ok(plugin.process(64), plugin.fault?.message);
  assert.is(plugin.eventsOut.count, 6);
  assert.is(plugin.takeDropped().events, 4);
  assert.ok(plugin.process(64));
  assert.equal(plugin.takeDropped(), { events: 4, logLines: 0, messages: 0 });
  assert.equal(plugin.takeDropped(), { events: 0, logLines: 0, messages: 0 });
  const roomy = await made(
    { ports: [{ ...EVENTS_OUT, id: "out" }], process: `${times(6, note)} (i32.const ${6 << 8})` },
    { events: 6 },
  );
  roomy.activate(48_000, 64);
  roomy.process(64);
  assert.equal([roomy.eventsOut.count, roomy.takeDropped().events], [6, 0]);
  assert.is(roomy.eventsOut.type(0), EventType.NoteOn);
});

const SAYS = `(import "belljar" "host_log" (func $log (param i32 i32 i32)))
  (import "belljar" "host_emit_event" (func $emit (param i32 i32) (result i32)))`;
/** Logs "x" and emits "{}" so many times; the last answer to an emit lies at 600. */
const chatter = (count: number): string => `(local $n i32)
  (i32.store (i32.const 608) (i32.const 0x7d7b))
  (loop $l
    (call $log (i32.const 2) (i32.const 608) (i32.const 1))
    (i32.store (i32.const 600) (call $emit (i32.const 608) (i32.const 2)))
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (br_if $l (i32.lt_u (local.get $n) (i32.const ${count}))))
  (i32.const 0)`;
const STATUS = `(func (export "bj_state_save") (result i32) (i32.store (i32.const 700) (i32.const 600))
  (i32.store (i32.const 704) (i32.const 4)) (i32.const 700))`;
const heard = (plugin: PluginInstance): { lines: number; messages: number } => {
  const count = { lines: 0, messages: 0 };
  plugin.drainMessages((kind) => count[kind === "log" ? "lines" : "messages"]++);
  return count;
};

test("log lines and messages are counted by the second of sound, however fast it is rendered", async () => {
  const limits = { logLines: 5, messages: 3 };
  const plugin = await made({ imports: SAYS, functions: STATUS, process: chatter(2) }, limits);
  plugin.activate(1_000, 64);
  const block = (): { lines: number; messages: number } => {
    assert.ok(plugin.process(50), plugin.fault?.message);
    return heard(plugin);
  };
  // twenty blocks are a second
  const first = Array.from({ length: 20 }, block);
  assert.equal(
    first.slice(0, 4).map(({ lines }) => lines),
    [2, 2, 1, 0],
  );
  assert.equal(
    first.slice(0, 4).map(({ messages }) => messages),
    [2, 1, 0, 0],
  );
  assert.equal(plugin.takeDropped(), { events: 0, logLines: 35, messages: 37 });
  assert.equal(block(), { lines: 2, messages: 2 }, "the next second");
  assert.is(plugin.fault, null);
});

test("a plugin that says too much is told that the host is busy", async () => {
  const plugin = await made(
    { imports: SAYS, functions: STATUS, process: chatter(4) },
    { messages: 3, logLines: 0 },
  );
  plugin.activate(48_000, 64);
  plugin.process(64);
  assert.is(new DataView(plugin.saveState()?.buffer as ArrayBuffer).getInt32(0, true), Status.Busy);
  assert.equal(heard(plugin), { lines: 0, messages: 3 });
});

test("each [control] call may say as much as a second", async () => {
  const save = `(func (export "bj_state_save") (result i32) ${chatter(4)})`;
  const plugin = await made({ imports: SAYS, functions: save }, { logLines: 3, messages: 100 });
  plugin.saveState();
  plugin.saveState();
  assert.is(heard(plugin).lines, 6);
  assert.is(plugin.takeDropped().logLines, 2);
});

test("what was said goes along when an instance is attached elsewhere", async () => {
  const type = await load({ imports: SAYS, process: chatter(4) }, { logLines: 6, messages: 100 });
  const first = type.instantiate();
  first.activate(48_000, 64);
  first.process(64);
  const second = type.attach(structuredClone(first.share()));
  second.process(64);
  assert.is(heard(second).lines, 6);
  assert.is(second.takeDropped().logLines, 2);
});

test("a line that finds the queue full is counted as dropped", async () => {
  const plugin = await made({
    imports: SAYS,
    pages: "2 64",
    process: `(local $n i32) (loop $l (call $log (i32.const 2) (i32.const 0) (i32.const 65000))
      (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $l (i32.lt_u (local.get $n) (i32.const 6)))) (i32.const 0)`,
  });
  plugin.activate(48_000, 64);
  plugin.process(64);
  assert.is(heard(plugin).lines, 4);
  assert.is(plugin.takeDropped().logLines, 2);
});

test("messageBytes: a longer line is cut, a longer message refused", async () => {
  const process = `(call $log (i32.const 2) (i32.const 0) (i32.const 200))
    (i32.store (i32.const 600) (call $emit (i32.const 0) (i32.const 101))) (i32.const 0)`;
  const plugin = await made({ imports: SAYS, functions: STATUS, process }, { messageBytes: 100 });
  plugin.activate(48_000, 64);
  plugin.process(64);
  assert.is(new DataView(plugin.saveState()?.buffer as ArrayBuffer).getInt32(0, true), Status.TooLarge);
  const lengths: number[] = [];
  plugin.drainMessages((_, text) => lengths.push(text.length));
  assert.equal(lengths, [99]);
  assert.ok(plugin.publish(`"${"x".repeat(98)}"`));
  assert.not(plugin.publish(`"${"x".repeat(99)}"`));
});

test("a limit that there is not, or a value that it can't have, is refused by name", async () => {
  const bad: [object, RegExp][] = [
    [{ modulebytes: 1 }, /There is no limit "modulebytes"/],
    [{ ports: -1 }, /limit ports must be a whole number from 0 to 65535 \(ports\), not -1/],
    [{ ports: 1.5 }, /limit ports must be/],
    [{ ports: "7" }, /limit ports must be/],
    [{ ports: Number.NaN }, /limit ports must be/],
    [{ memoryPages: 65_537 }, /limit memoryPages must be/],
    [{ compileSeconds: 0 }, /limit compileSeconds must be a number from 0.01/],
  ];
  for (const [limits, sentence] of bad) {
    const refusal = await problem(() => load({}, limits));
    assert.is(refusal?.code, "usage/limit");
    assert.match(refusal?.message ?? "", sentence);
  }
  assert.is(completeLimits({ compileSeconds: 0.5, ports: undefined as unknown as number }).ports, 512);
});

test("every default lies within what its limit can be, and no limit is without a test", () => {
  for (const name of LIMIT_NAMES) {
    const { least, most } = LIMITS[name];
    assert.ok(DEFAULT_LIMITS[name] >= least && DEFAULT_LIMITS[name] <= most, name);
  }
  // These are tested above by themselves, or where they hold.
  const elsewhere: LimitName[] = [
    "localMerges",
    "stackBytes",
    "descriptorBytes",
    "descriptorValues",
    "stringBytes",
    "controlUnits",
    "controlSeconds",
    "blockUnits",
    "events",
    "messages",
    "logLines",
    "messageBytes",
    "compileSeconds", // registry/compile.test.ts
    "compileMemory",
    "totalMemory", // memories.test.ts
    "eventFanOut", // graph/events.test.ts
  ];
  assert.equal([...Object.keys(REFUSED), ...elsewhere].sort(), [...LIMIT_NAMES].sort());
});

test.run();
