// Instances: the contract's calls, what a plugin may claim, how it is stopped.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import { AUDIO_CONNECTED, EventType, ProcessState, TAIL_INFINITE } from "../../abi/layout.ts";
import { type PluginInstance, PluginType } from "../../runtime/sandbox/index.ts";
import {
  AT,
  bufferAt,
  EVENTS_IN,
  EVENTS_OUT,
  knob,
  type SmallPlugin,
  STEREO_IN,
  STEREO_OUT,
  STRIDE,
  smallPlugin,
} from "./small-plugin.ts";

async function instance(plugin: SmallPlugin = {}, options = {}): Promise<PluginInstance> {
  return (await PluginType.load(smallPlugin(plugin))).instantiate(options);
}

async function playing(plugin: SmallPlugin = {}, options = {}): Promise<PluginInstance> {
  const made = await instance(plugin, options);
  made.activate(48_000, 64);
  return made;
}

function problem(act: () => unknown): BelljarError {
  try {
    act();
  } catch (error) {
    assert.instance(error, BelljarError);
    return error as BelljarError;
  }
  throw new Error("nothing was thrown");
}

async function problemOf(act: Promise<unknown>): Promise<BelljarError> {
  try {
    await act;
  } catch (error) {
    assert.instance(error, BelljarError);
    return error as BelljarError;
  }
  throw new Error("nothing was thrown");
}

const OUT = bufferAt(1);
/** Instructions that store `value`, an f32 expression, to the first frame of the output. */
const put = (value: string, at = OUT): string => `(f32.store (i32.const ${at}) ${value})`;

test("a block goes through: samples in, samples out, state and peak", async () => {
  const plugin = await playing({
    process: `(local $i i32) (loop $l (if (i32.lt_s (local.get $i) (local.get $frames)) (then
      (f32.store (i32.add (i32.const ${OUT}) (i32.shl (local.get $i) (i32.const 2)))
        (f32.mul (f32.const 0.5) (f32.load (i32.add (i32.const ${bufferAt(0)}) (i32.shl (local.get $i) (i32.const 2))))))
      (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $l)))) (i32.const 2)`,
  });
  const [input, output] = plugin.audio as [PluginInstance["audio"][0], PluginInstance["audio"][0]];
  assert.equal([input.id, input.channels, input.stride, input.input], ["audio_in", 2, STRIDE / 4, true]);
  input.flags = AUDIO_CONNECTED;
  for (let i = 0; i < 64; i++) input.samples[i] = i - 32;
  assert.ok(plugin.process(48));
  assert.equal(
    Array.from(output.channel(0).slice(0, 48)),
    Array.from({ length: 48 }, (_, i) => (i - 32) / 2),
  );
  assert.is(output.samples[48], 0);
  assert.is(output.peak, 16);
  assert.is(plugin.processState, ProcessState.QuietOk);
  assert.ok(plugin.units > 48 * 20 && plugin.units < 48 * 50);
});

test("control inputs begin at their defaults, and control outputs can be read", async () => {
  const plugin = await playing({
    ports: [
      knob("a"),
      STEREO_OUT,
      knob("b", { default: 0.25 }),
      { ...knob("m"), role: "monitor", hint: "meter", default: 0 },
    ],
    process: `(f32.store (i32.const ${AT.controlsOut}) (f32.load (i32.const ${AT.controlsIn + 4}))) (i32.const 0)`,
  });
  assert.equal(Array.from(plugin.controlsIn), [0.5, 0.25]);
  plugin.process(1);
  assert.equal(Array.from(plugin.controlsOut), [0.25]);
});

test("events go in as pushed and come out made harmless", async () => {
  const plugin = await playing({
    ports: [EVENTS_IN, EVENTS_OUT, STEREO_OUT],
    process: `(memory.copy (i32.const ${AT.eventsOut}) (i32.const ${AT.eventsIn}) (i32.mul (local.get $events) (i32.const 32)))
      (i32.shl (local.get $events) (i32.const 8))`,
  });
  assert.ok(plugin.eventsIn.push(3, EventType.NoteOn, 1, 7, 0, 60, 0, 0.5));
  assert.ok(plugin.eventsIn.push(9_999, EventType.NoteOff, 1, -1, -1, -1, 5, -1));
  assert.ok(plugin.eventsIn.push(2, EventType.NoteOn, 1, 8, 0, 61, 0, 1));
  assert.ok(plugin.eventsIn.push(5, EventType.NoteOn, 2, 9, 0, 62, 0, 1));
  assert.ok(plugin.process(64));
  assert.is(plugin.eventsIn.count, 0);
  const { eventsOut } = plugin;
  assert.is(eventsOut.count, 4);
  assert.equal(
    [eventsOut.frame(0), eventsOut.type(0), eventsOut.noteId(0), eventsOut.key(0), eventsOut.value(0)],
    [3, EventType.NoteOn, 7, 60, 0.5],
  );
  // past the block, then back in time: held inside, in order
  assert.equal([eventsOut.frame(1), eventsOut.frame(2), eventsOut.frame(3)], [63, 63, 63]);
  assert.equal([eventsOut.channel(1), eventsOut.key(1), eventsOut.id(1), eventsOut.value(1)], [-1, -1, 5, 0]);
  // A release velocity is 0 to 1; a port that is no event output of this plugin.
  assert.is(eventsOut.type(3), 0);
  for (const [type, value, kept] of [
    [EventType.NoteOn, Number.NaN, 0],
    [EventType.Bend, Infinity, 0],
    [EventType.Param, 1, 0],
    [EventType.Sysex, 1, 0],
    [EventType.Transport, 1, 0],
    [999, 1, 0],
    [EventType.Midi1, Number.NaN, EventType.Midi1],
    [EventType.Program, 12, EventType.Program],
  ] as const) {
    plugin.eventsIn.push(0, type, 1, -1, 0, 60, 0, value);
    plugin.process(64);
    assert.is(eventsOut.type(0), kept, `type ${type}, value ${value}`);
  }
});

test("a full event list says so", async () => {
  const plugin = await playing({ ports: [EVENTS_IN, STEREO_OUT] });
  for (let i = 0; i < plugin.eventsIn.capacity; i++) assert.ok(plugin.eventsIn.push(0, 1, 0, 0, 0, 0, 0, 0));
  assert.not(plugin.eventsIn.push(0, 1, 0, 0, 0, 0, 0, 0));
});

const faults: [string, SmallPlugin, string, RegExp][] = [
  [
    "reaches an unreachable instruction",
    { process: "(unreachable)" },
    "unreachable",
    /gave up .* in \w+ during process, block 0|gave up .* in process/,
  ],
  [
    "reads outside of its memory",
    { process: "(i32.load (i32.const -8))" },
    "out-of-bounds",
    /outside of its memory/,
  ],
  [
    "writes outside of its memory",
    { process: "(memory.fill (i32.const 0) (i32.const 0) (i32.const -1)) (i32.const 0)" },
    "out-of-bounds",
    /outside of its memory/,
  ],
  ["divides by zero", { process: "(i32.div_s (i32.const 1) (i32.const 0))" }, "division", /divided by zero/],
  [
    "divides out of range",
    { process: "(i32.div_s (i32.const 0x80000000) (i32.const -1))" },
    "division",
    /out of range/,
  ],
  [
    "converts a NaN",
    { process: "(i32.trunc_f32_s (f32.const nan))" },
    "conversion",
    /integer of a number that does not fit/,
  ],
  [
    "calls what its table does not hold",
    {
      functions: "(type $t (func (result i32))) (table 1 1 funcref)",
      process: "(call_indirect (type $t) (i32.const 0))",
    },
    "indirect-call",
    /table does not hold/,
  ],
  [
    "calls past its table",
    {
      functions: "(type $t (func (result i32))) (table 1 1 funcref)",
      process: "(call_indirect (type $t) (i32.const 9))",
    },
    "indirect-call",
    /table does not hold/,
  ],
  [
    "recurses",
    { process: "(call $process (local.get $frames) (local.get $events))" },
    "stack",
    /called itself too deeply/,
  ],
  ["loops for ever", { process: "(loop $l (br $l)) (i32.const 0)" }, "units", /used up its units/],
  [
    "reports a failure",
    { process: "(i32.const -1)" },
    "status",
    /reported a failure \(Failed, with no reason given\)/,
  ],
  [
    "reports an unknown failure",
    { process: "(i32.const -99)" },
    "status",
    /\(status -99, with no reason given\)/,
  ],
  [
    "claims more events than it has room for",
    { process: "(i32.const 0x4100)" },
    "contract",
    /sent 65 events with room for 64/,
  ],
  ["returns an unknown state", { process: "(i32.const 4)" }, "contract", /no state that the contract knows/],
  [
    "writes a NaN",
    { process: `${put("(f32.const nan)")} (i32.const 0)` },
    "not-finite",
    /wrote NaN to "audio_out" \(left\)/,
  ],
  [
    "writes an infinity to its right channel",
    { process: `${put("(f32.const -inf)", bufferAt(1, 1))} (i32.const 0)` },
    "not-finite",
    /wrote an infinity to "audio_out" \(right\)/,
  ],
  [
    "hands a host call bytes outside of its memory",
    {
      imports: '(import "belljar" "host_log" (func $log (param i32 i32 i32)))',
      process: "(call $log (i32.const 0) (i32.const 131000) (i32.const 1000)) (i32.const 0)",
    },
    "host-call",
    /handed host_log bytes outside of its memory/,
  ],
];
for (const [what, plugin, kind, sentence] of faults) {
  test(`a plugin that ${what} is stopped, and its block is silent`, async () => {
    const made = await playing(plugin);
    const output = made.audio[1] as PluginInstance["audio"][0];
    output.samples.fill(0.7);
    made.unitBudget = 1_000_000;
    assert.not(made.process(64));
    assert.is(made.fault?.kind, kind, made.fault?.message);
    assert.match(made.fault?.message ?? "", sentence);
    assert.is(made.fault?.block, 0);
    assert.ok(output.samples.every((sample) => sample === 0));
    assert.not(made.process(64));
    assert.match(problem(() => made.saveState() ?? made.share()).code, new RegExp(`plugin/${kind}`));
  });
}

test("a plugin that reports a failure is quoted, in its own words", async () => {
  const plugin = await playing({
    functions: `(data (i32.const 800) "\\28\\03\\00\\00\\12\\00\\00\\00") (data (i32.const 808) "the lamp burnt out")
      (func (export "bj_error") (result i32) (i32.const 800))`,
    process: "(i32.const -6)",
  });
  assert.not(plugin.process(64));
  assert.is(plugin.fault?.message, "The plugin reported a failure (the lamp burnt out) in process, block 0.");
});

test("a plugin that reports a failure and then hangs over its words is stopped all the same", async () => {
  const plugin = await playing({
    functions: '(func (export "bj_error") (result i32) (loop $l (br $l)) (i32.const 0))',
    process: "(i32.const -6)",
  });
  plugin.unitBudget = 100_000;
  assert.not(plugin.process(64));
  assert.is(
    plugin.fault?.message,
    "The plugin reported a failure (Busy, with no reason given) in process, block 0.",
  );
});

test("a NaN beyond the block is nobody's business", async () => {
  const plugin = await playing({ process: `${put("(f32.const nan)", OUT + 32 * 4)} (i32.const 0)` });
  assert.ok(plugin.process(32));
  assert.not(plugin.process(33));
});

test("a fault names the plugin's own function and the block", async () => {
  const plugin = await playing({
    functions: `(global $n (mut i32) (i32.const 0)) (func $filter_step (if (i32.eq (global.get $n) (i32.const 3)) (then (unreachable))) (global.set $n (i32.add (global.get $n) (i32.const 1))))`,
    process: "(call $filter_step) (i32.const 0)",
  });
  const named = plugin.fault;
  assert.is(named, null);
  for (let i = 0; i < 3; i++) assert.ok(plugin.process(64));
  assert.not(plugin.process(64));
  assert.is(plugin.fault?.block, 3);
  assert.match(plugin.fault?.message ?? "", /block 3\.$/);
});

test("a deadline ends a call between two slices, by the clock that was handed in", async () => {
  let time = 0;
  const plugin = await playing({ process: "(loop $l (br $l)) (i32.const 0)" }, { now: () => (time += 0.3) });
  plugin.deadline = 1;
  const before = time;
  assert.not(plugin.process(64));
  assert.is(plugin.fault?.kind, "deadline");
  // one reading at the start, then one a slice until more than 1 ms has passed
  assert.ok(time - before < 2);
});

test("a budget ends a call at the same point, however fast the clock goes", async () => {
  // counts its rounds in memory, in a loop that jumps over most of what it is charged for
  const heavy = "(drop (i32.load (i32.load (i32.const 0))))".repeat(200);
  const source: SmallPlugin = {
    ports: [STEREO_OUT],
    process: `(loop $l
      (i32.store (i32.const 600) (i32.add (i32.load (i32.const 600)) (i32.const 1)))
      (block $skip (br_if $skip (i32.load (i32.const 600))) ${heavy})
      (br $l)) (i32.const 0)`,
  };
  const rounds: number[] = [];
  const units: number[] = [];
  for (const step of [0, 0.0001, 0.01, 0.4]) {
    let time = 0;
    const plugin = await playing(source, { now: () => (time += step) });
    plugin.unitBudget = 3_000_000;
    plugin.deadline = step === 0 ? Number.POSITIVE_INFINITY : 1_000;
    assert.not(plugin.process(1));
    assert.is(plugin.fault?.kind, "units");
    units.push(plugin.fault?.units as number);
    const shared = new Int32Array(plugin.audio[0]?.samples.buffer as ArrayBuffer);
    rounds.push(shared[150] as number);
  }
  assert.equal(
    rounds,
    rounds.map(() => rounds[0]),
  );
  assert.ok((rounds[0] as number) > 100);
  assert.equal(
    units,
    units.map(() => units[0]),
  );
  assert.ok((units[0] as number) > 3_000_000 && (units[0] as number) < 3_100_000);
});

test("budgets begin anew with each block", async () => {
  const plugin = await playing({
    process:
      "(local $i i32) (loop $l (if (i32.lt_u (local.get $i) (i32.const 50000)) (then (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $l)))) (i32.const 0)",
  });
  plugin.unitBudget = 1_000_000;
  plugin.process(64);
  const { units } = plugin;
  for (let i = 0; i < 40; i++) assert.ok(plugin.process(64));
  assert.is(plugin.units, units);
});

test("an endless start, descriptor, activation or configuration is stopped", async () => {
  const limits = { controlUnits: 1_000_000 };
  const endless = "(loop $l (br $l))";
  const load = (plugin: SmallPlugin): Promise<PluginType> => PluginType.load(smallPlugin(plugin), { limits });
  assert.is((await problemOf(load({ start: endless }))).code, "plugin/units");
  const type = await load({ activate: `${endless} (i32.const 0)` });
  const error = problem(() => type.instantiate().activate(48_000, 64));
  assert.is(error.code, "plugin/units");
  assert.match(error.message, /used up its units in .*activate/);
});

const lies: [string, SmallPlugin, RegExp][] = [
  [
    "a layout outside of memory",
    { activate: "(i32.const 131060)" },
    /layout itself, at 131060.*not aligned|reaches outside/,
  ],
  ["an unaligned layout", { activate: "(i32.const 1032)" }, /layout itself, at 1032, is not aligned/],
  ["a layout of another size", { layout: { 0: 60 } }, /size says 60/],
  ["another number of audio buffers", { layout: { 8: 3 } }, /3 audio buffers; the descriptor has 2/],
  [
    "a buffer at the end of memory",
    { audio: [{}, { 0: 131072 - 4096 }] },
    /buffer of "audio_out".*reaches outside/,
  ],
  ["a buffer that wraps around", { audio: [{}, { 0: 0xfffffff0 }] }, /reaches outside/],
  ["an unaligned buffer", { audio: [{}, { 0: OUT + 4 }] }, /not aligned to 16/],
  ["a buffer at 0", { audio: [{ 0: 0 }] }, /has the address 0/],
  ["another number of channels", { audio: [{ 4: 1 }] }, /has 1 channels; the port has 2/],
  ["too small a stride", { audio: [{ 8: 240 }] }, /stride of 240 bytes/],
  ["an odd stride", { audio: [{ 8: 4100 }] }, /stride of 4100 bytes/],
  ["a stride whose product wraps", { audio: [{ 8: 0x80000000 }] }, /stride of 2147483648/],
  [
    "overlapping buffers",
    { audio: [{}, { 0: bufferAt(0) + 4096 }] },
    /buffer of "audio_in" and the buffer of "audio_out" overlap/,
  ],
  [
    "events over the layout",
    { ports: [EVENTS_IN, STEREO_OUT], layout: { 28: 512 } },
    /event input and the layout itself overlap/,
  ],
  ["no room for events", { ports: [EVENTS_IN, STEREO_OUT], layout: { 32: 0 } }, /no room for an event/],
  ["room for too many events", { layout: { 32: 70_000 } }, /room for 70000 events/],
  [
    "another number of control inputs",
    { ports: [knob("a"), STEREO_OUT], layout: { 16: 2 } },
    /2 control inputs; the descriptor has 1/,
  ],
  ["a transport outside of memory", { layout: { 52: 131_056 } }, /the transport, at 131056/],
  ["too long a latency", { layout: { 56: 0x7fffffff } }, /latency says 2147483647/],
];
for (const [what, plugin, sentence] of lies) {
  test(`${what} is found at activation`, async () => {
    const made = await instance(plugin);
    const error = problem(() => made.activate(48_000, 64));
    assert.is(error.code, "plugin/layout");
    assert.match(error.message, sentence);
  });
}

test("tail and latency are read from the layout", async () => {
  const plugin = await playing({ layout: { 56: 32, 60: 480 } });
  assert.equal([plugin.latency, plugin.tail], [32, 480]);
  assert.is((await playing({ layout: { 60: TAIL_INFINITE } })).tail, Infinity);
});

test("a descriptor that points outside of memory is refused", async () => {
  const error = await problemOf(
    PluginType.load(
      smallPlugin({ functions: `(data (i32.const ${AT.bytes}) "\\00\\00\\ff\\7f\\10\\00\\00\\00")` }),
    ),
  );
  assert.is(error.code, "plugin/contract");
  assert.match(error.message, /bytes outside of its memory in descriptor/);
});

test("a sealed output holds no subnormal and no negative zero", async () => {
  const plugin = await playing({
    process: `${put("(f32.const 1e-40)")} ${put("(f32.const -0)", OUT + 4)} (i32.const 0)`,
  });
  plugin.process(64);
  const { samples } = plugin.audio[1] as PluginInstance["audio"][0];
  assert.ok(Object.is(samples[0], 0) && Object.is(samples[1], 0));
});

test("attaching in the middle of a sound changes no sample", async () => {
  // a sine by rotation: its state is in globals and in memory
  const source: SmallPlugin = {
    ports: [STEREO_OUT],
    functions:
      "(global $x (mut f64) (f64.const 1)) (global $y (mut f64) (f64.const 0)) (global $n (mut i64) (i64.const 0))",
    process: `(local $i i32) (local $t f64)
      (loop $l (if (i32.lt_s (local.get $i) (local.get $frames)) (then
        (local.set $t (f64.sub (f64.mul (global.get $x) (f64.const 0.99)) (f64.mul (global.get $y) (f64.const 0.14106735979665885))))
        (global.set $y (f64.add (f64.mul (global.get $x) (f64.const 0.14106735979665885)) (f64.mul (global.get $y) (f64.const 0.99))))
        (global.set $x (local.get $t))
        (global.set $n (i64.add (global.get $n) (i64.const 0x100000001)))
        (i32.store (i32.const 600) (i32.add (i32.load (i32.const 600)) (i32.const 1)))
        (f32.store (i32.add (i32.const ${bufferAt(0)}) (i32.shl (local.get $i) (i32.const 2)))
          (f32.add (f32.demote_f64 (global.get $y)) (f32.add (f32.convert_i32_u (i32.load (i32.const 600)))
            (f32.convert_i64_u (i64.shr_u (global.get $n) (i64.const 32))))))
        (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $l)))) (i32.const 0)`,
  };
  const type = await PluginType.load(smallPlugin(source));
  const straight = type.instantiate();
  let moving = type.instantiate();
  straight.activate(48_000, 64);
  moving.activate(48_000, 64);
  for (let block = 0; block < 80; block++) {
    if (block % 10 === 5) moving = type.attach(structuredClone(moving.share()));
    straight.process(64);
    moving.process(64);
    assert.equal(
      Array.from(moving.audio[0]?.channel(0) ?? []),
      Array.from(straight.audio[0]?.channel(0) ?? []),
      `block ${block}`,
    );
  }
});

test("instances of one type share nothing", async () => {
  const type = await PluginType.load(
    smallPlugin({
      ports: [STEREO_OUT],
      process: `(i32.store (i32.const 600) (i32.add (i32.load (i32.const 600)) (i32.const 1)))
        (f32.store (i32.const ${bufferAt(0)}) (f32.convert_i32_s (i32.load (i32.const 600)))) (i32.const 0)`,
    }),
  );
  const [a, b] = [type.instantiate(), type.instantiate()];
  for (const one of [a, b]) one.activate(48_000, 16);
  a.process(1);
  a.process(1);
  b.process(1);
  assert.equal([a.audio[0]?.samples[0], b.audio[0]?.samples[0]], [2, 1]);
});

const HOST = `(import "belljar" "host_log" (func $log (param i32 i32 i32)))
  (import "belljar" "host_poll_event" (func $poll (param i32 i32) (result i32)))
  (import "belljar" "host_emit_event" (func $emit (param i32 i32) (result i32)))
  (import "belljar" "host_control" (func $control (param i32 i32 i32 i32) (result i32)))
  (import "belljar" "host_read" (func $read (param i32 i32 i32 i32) (result i32)))`;

test("messages pass in both directions", async () => {
  const plugin = await playing({
    ports: [STEREO_OUT],
    imports: HOST,
    process: `(local $n i32) (local.set $n (call $poll (i32.const 20000) (i32.const 1000)))
      (if (i32.gt_s (local.get $n) (i32.const 0)) (then (drop (call $emit (i32.const 20000) (local.get $n)))
        (call $log (i32.const 1) (i32.const 20000) (i32.const 4))))
      (i32.const 0)`,
  });
  const taken: unknown[] = [];
  const drain = (): void => plugin.drainMessages((...message) => taken.push(message));
  assert.ok(plugin.publish('{"topic":"späß"}'));
  assert.not(plugin.publish("x".repeat(65_537)));
  plugin.process(1);
  plugin.process(1);
  drain();
  assert.equal(taken, [
    ["emit", '{"topic":"späß"}', 0],
    ["log", '{"to', 1],
  ]);
});

test("a message that has no room stays, and says how much it needs", async () => {
  const plugin = await playing({
    ports: [STEREO_OUT],
    imports: HOST,
    functions: "(global $room (mut i32) (i32.const 3))",
    process: `(f32.store (i32.const ${bufferAt(0)}) (f32.convert_i32_s (call $poll (i32.const 20000) (global.get $room))))
      (global.set $room (i32.const 5)) (i32.const 0)`,
  });
  plugin.publish("12345");
  const said: (number | undefined)[] = [];
  for (let i = 0; i < 3; i++) {
    plugin.process(1);
    said.push(plugin.audio[0]?.samples[0]);
  }
  assert.equal(said, [-5, 5, 0]);
});

test("a full ring drops the oldest messages to the plugin and says how many", async () => {
  const plugin = await playing({
    ports: [STEREO_OUT],
    imports: HOST,
    process:
      "(drop (call $emit (i32.const 20000) (call $poll (i32.const 20000) (i32.const 65536)))) (i32.const 0)",
    pages: "4 64",
  });
  const text = (i: number): string => `${i}`.padStart(10_000, "0");
  for (let i = 0; i < 40; i++) plugin.publish(text(i));
  const fits = Math.floor(262_144 / 10_004);
  const taken: string[] = [];
  for (let i = 0; i < fits + 3; i++) {
    plugin.process(1);
    plugin.drainMessages((_, message) => taken.push(message));
  }
  assert.equal(taken, [
    `{"topic":"host.dropped","count":${40 - fits}}`,
    ...Array.from({ length: fits }, (_, i) => text(40 - fits + i)),
  ]);
});

test("a full ring to the host answers BUSY and loses nothing", async () => {
  const plugin = await playing({
    ports: [STEREO_OUT],
    imports: HOST,
    process: `(f32.store (i32.const ${bufferAt(0)}) (f32.convert_i32_s (call $emit (i32.const 20000) (i32.const 60000)))) (i32.const 0)`,
    pages: "4 64",
  });
  const said: (number | undefined)[] = [];
  for (let i = 0; i < 6; i++) {
    plugin.process(1);
    said.push(plugin.audio[0]?.samples[0]);
  }
  assert.equal(said, [0, 0, 0, 0, -6, -6]);
  let count = 0;
  plugin.drainMessages(() => count++);
  assert.is(count, 4);
});

test("control requests are refused where nobody takes them, and queued where somebody does", async () => {
  const source: SmallPlugin = {
    ports: [STEREO_OUT],
    imports: HOST,
    functions: '(data (i32.const 20000) "{\\"command\\":\\"play\\"}")',
    process: `(drop (call $emit (i32.const 21000) (call $control (i32.const 20000) (i32.const 18) (i32.const 21000) (i32.const 200)))) (i32.const 0)`,
  };
  for (const [control, expected] of [
    [false, [["emit", '{"ok":false,"error":"this host takes no control requests"}', 0]]],
    [
      true,
      [
        ["control", '{"command":"play"}', 0],
        ["emit", '{"ok":true}', 0],
      ],
    ],
  ] as const) {
    const plugin = await playing(source, { control });
    plugin.process(1);
    const taken: unknown[] = [];
    plugin.drainMessages((...message) => taken.push(message));
    assert.equal(taken, expected);
  }
});

test("a granted file can be read while it is handed over, and at no other time", async () => {
  const plugin = await instance({
    ports: [STEREO_OUT],
    config: [{ id: "sample", display_name: "Sample", type: "filepath", default: "" }],
    imports: HOST,
    functions: `(func (export "bj_configure_file") (param $index i32) (param $blob i32) (param $size i32) (param $name i32) (param $length i32) (result i32)
      (i32.store (i32.const 700) (call $read (local.get $blob) (i32.const 2) (i32.const 704) (i32.const 100))) (i32.const 0))`,
    process: `(f32.store (i32.const ${bufferAt(0)}) (f32.convert_i32_s (i32.load (i32.const 700))))
      (f32.store (i32.const ${bufferAt(0) + 4}) (f32.convert_i32_u (i32.load8_u (i32.const 704))))
      (f32.store (i32.const ${bufferAt(0) + 8}) (f32.convert_i32_s (call $read (i32.const 0) (i32.const 0) (i32.const 704) (i32.const 4)))) (i32.const 0)`,
  });
  plugin.configureFile("sample", "x.wav", new Uint8Array([10, 20, 30, 40, 50]));
  plugin.activate(48_000, 16);
  assert.ok(plugin.process(4));
  assert.equal(Array.from(plugin.audio[0]?.samples.slice(0, 3) ?? []), [3, 30, -5]);
});

test("what a plugin refuses is said in its own words, made safe", async () => {
  const plugin = await instance({
    ports: [STEREO_OUT],
    config: [{ id: "mode", display_name: "Mode", type: "string", default: "" }],
    functions: `(data (i32.const 800) "\\28\\03\\00\\00\\0c\\00\\00\\00") (data (i32.const 808) "no \\1b[31mmode!")
      (func (export "bj_error") (result i32) (i32.const 800))
      (func (export "bj_configure") (param i32 i32 i32) (result i32) (i32.const -3))`,
  });
  const error = problem(() => plugin.configure("mode", "loud"));
  assert.is(error.code, "plugin/refused");
  assert.is(error.message, '"test.small" refused "loud" for "mode": no \ufffd[31mmode.');
  assert.is(problem(() => plugin.configure("size", "1")).code, "plugin/config");
});

test("calls out of order are named", async () => {
  const plugin = await instance();
  assert.is(problem(() => plugin.audio).code, "plugin/not-active");
  plugin.activate(48_000, 64);
  assert.is(problem(() => plugin.activate(48_000, 64)).code, "plugin/active");
  assert.is(problem(() => plugin.configure("x", "")).code, "plugin/active");
  plugin.deactivate();
  plugin.activate(44_100, 32);
  assert.ok(plugin.process(32));
  const fresh = await instance();
  for (const rate of [0, -1, Number.NaN, 1e9])
    assert.is(problem(() => fresh.activate(rate, 64)).code, "plugin/rate");
  for (const frames of [0, 0.5, 16_385])
    assert.is(problem(() => fresh.activate(48_000, frames)).code, "plugin/block");
  assert.ok(STEREO_IN.id !== STEREO_OUT.id);
});

test("reading the messages of a plugin that goes on sending comes to an end", async () => {
  const plugin = await playing({
    ports: [STEREO_OUT],
    imports: HOST,
    process: "(drop (call $emit (i32.const 20000) (i32.const 1000))) (i32.const 0)",
  });
  plugin.process(1);
  let count = 0;
  plugin.drainMessages(() => {
    assert.ok(++count < 1_000);
    plugin.process(1);
  });
  assert.ok(count > 200);
});

test("a file that the plugin had no room to hear of is closed all the same", async () => {
  const plugin = await instance({
    ports: [STEREO_OUT],
    config: [{ id: "sample", display_name: "Sample", type: "filepath", default: "" }],
    imports: HOST,
    scratch: "(i32.const 0)",
    functions: `(func (export "bj_configure_file") (param i32 i32 i32 i32 i32) (result i32) (i32.const 0))
      (func (export "bj_state_save") (result i32)
        (i32.store (i32.const 712) (call $read (i32.const 0) (i32.const 0) (i32.const 720) (i32.const 4)))
        (i32.store (i32.const 704) (i32.const 712)) (i32.store (i32.const 708) (i32.const 4)) (i32.const 704))`,
  });
  assert.is(problem(() => plugin.configureFile("sample", "x", new Uint8Array(9))).code, "plugin/no-memory");
  assert.equal(plugin.saveState(), Uint8Array.from([0xfd, 0xff, 0xff, 0xff])); // Status.Invalid
});

test("where the system gives no more memory, an instance is refused with a sentence", async () => {
  const type = await PluginType.load(smallPlugin({ pages: "3 65" })); // no memory of this size waits to be used again
  type.instantiate();
  const { Memory } = WebAssembly;
  WebAssembly.Memory = class {
    constructor() {
      throw new RangeError("could not allocate memory");
    }
  } as unknown as typeof Memory;
  try {
    assert.is(problem(() => type.instantiate()).code, "plugin/no-memory");
  } finally {
    WebAssembly.Memory = Memory;
  }
});

test.run();
