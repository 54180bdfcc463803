// Recordings replayed: the same kind of fault in the same call, function and block, with as many units at the last check.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { EventType, TRANSPORT_BEAT, TRANSPORT_BPM, TRANSPORT_SECONDS } from "../../abi/layout.ts";
import { type Fault, type PluginInstance, REWRITER_VERSION } from "../../runtime/sandbox/index.ts";
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
import { ATTENTIVE, record, type Recorded, replay } from "./recorded.ts";

/** It ended, and ends again, the same way. */
async function endsAgain(recorded: Recorded, wanted: Partial<Fault>): Promise<void> {
  const report = await replay(recorded);
  const told = JSON.stringify(report, null, 1);
  assert.equal(report.differences, [], told);
  assert.equal(report.notes, [], told);
  assert.ok(report.same);
  for (const [key, value] of Object.entries(wanted)) {
    assert.is(report.replayed?.fault?.[key as keyof Fault], value, told);
  }
  assert.equal(report.replayed?.fault, recorded.instance?.fault, told);
}

const play = (instance: PluginInstance, blocks: number, frames = 64): void => {
  for (let i = 0; i < blocks; i++) instance.process(frames);
};

// A fault for a reason that only a recording knows: the knob is at 0.75 and an event of key 61 comes.
const TRIGGER = `(i32.and
  (f32.eq (f32.load (i32.const ${AT.controlsIn})) (f32.const 0.75))
  (i32.and (i32.gt_s (local.get $events) (i32.const 0)) (i32.eq (i32.load16_s (i32.const ${AT.eventsIn + 14})) (i32.const 61))))`;
const PORTS = [STEREO_IN, STEREO_OUT, EVENTS_IN, knob("level")];

function trigger(instance: PluginInstance): void {
  instance.activate(48_000, 64);
  play(instance, 10);
  instance.eventsIn.push(3, EventType.NoteOn, 2, 1, 0, 61, 0, 0.5);
  play(instance, 2);
  instance.controlsIn[0] = 0.75;
  play(instance, 5, 48);
  instance.eventsIn.push(0, EventType.NoteOn, 2, 1, 0, 60, 0, 0.5);
  play(instance, 2);
  instance.eventsIn.push(7, EventType.NoteOn, 2, 2, 0, 61, 0, 0.25);
  play(instance, 3);
}

const FAULTS: [kind: string, where: string, deep: string, more?: SmallPlugin][] = [
  ["unreachable", "deep", "unreachable"],
  ["out-of-bounds", "deep", "(drop (i32.load (i32.const 0x7fffff00)))"],
  ["division", "deep", "(drop (i32.div_s (i32.const 1) (i32.load (i32.const 16))))"],
  ["conversion", "deep", "(drop (i32.trunc_f32_s (f32.load (i32.const 20))))"],
  ["indirect-call", "deep", "(call_indirect $table (i32.load (i32.const 24)))"],
  ["stack", "down", "(call $down)"],
  ["units", "deep", "(loop $l (br $l))"],
  ["host-call", "deep", "(call $log (i32.const 1) (i32.const -8) (i32.const 99))"],
  [
    "not-finite",
    "",
    `(f32.store (i32.const ${bufferAt(1)}) (f32.div (f32.const 0) (f32.load (i32.const 16))))`,
  ],
];

const faulty = (deep: string): SmallPlugin => ({
  ports: PORTS,
  imports: '(import "belljar" "host_log" (func $log (param i32 i32 i32)))',
  functions: `(table $table 4 funcref)
    (data (i32.const 16) "\\00\\00\\00\\00\\00\\00\\80\\4f\\03\\00\\00\\00")
    (func $down (call $down))
    (func $deep ${deep})`,
  process: `(if ${TRIGGER} (then (call $deep))) (i32.const 0)`,
});

for (const [kind, where, deep] of FAULTS) {
  test(`a fault of the kind ${kind} comes again in its function, block and count`, async () => {
    const recorded = await record(faulty(deep), trigger);
    await endsAgain(recorded, { kind, where, call: "process", block: 19 } as Partial<Fault>);
    assert.ok(recorded.bytes.length < 3500, `${recorded.bytes.length} bytes`);
  });
}

test("what a plugin returns from process ends it again: a failure with its words, and what the contract does not know", async () => {
  const returns = (result: string): SmallPlugin => ({
    ports: PORTS,
    functions: `(data (i32.const 600) "\\80\\02\\00\\00\\05\\00\\00\\00") (data (i32.const 640) "sorry")
      (func (export "bj_error") (result i32) (i32.const 600))`,
    process: `(if (result i32) ${TRIGGER} (then ${result}) (else (i32.const 0)))`,
  });
  await endsAgain(await record(returns("(i32.const -1)"), trigger), { kind: "status", block: 19 });
  await endsAgain(await record(returns("(i32.const 77)"), trigger), { kind: "contract", block: 19 });
});

test("a fault in any other call comes again", async () => {
  const when = (name: string, params: string, result: string): SmallPlugin => ({
    ports: [...PORTS, { ...knob("curve"), hint: "graph_editor", graph_type: "eq_curve" }],
    config: [
      { id: "mode", display_name: "Mode", type: "string" },
      { id: "kit", display_name: "Kit", type: "filepath" },
    ],
    functions: [
      ["configure", "(param i32 i32 i32)", "(result i32)"],
      ["configure_file", "(param i32 i32 i32 i32 i32)", "(result i32)"],
      ["reset", "", ""],
      ["idle", "", "(result i32)"],
      ["deactivate", "", ""],
      ["state_save", "", "(result i32)"],
      ["state_load", "(param i32 i32)", "(result i32)"],
      ["graph_get", "(param i32)", "(result i32)"],
      ["graph_set", "(param i32 i32 i32)", "(result i32)"],
    ]
      .map(
        ([call = "", takes = "", gives = ""]) =>
          `(func (export "bj_${call}") ${takes} ${gives} ${call === name ? "(call $deep)" : ""} ${gives === "" ? "" : "(i32.const 0)"})`,
      )
      .join("\n")
      .concat(`(func $deep ${params} ${result} (drop (i32.load (i32.const 0x7fffff00))))`),
  });
  const active = (call: (instance: PluginInstance) => unknown) => (instance: PluginInstance) => {
    instance.configure("mode", "fast");
    instance.activate(44_100, 64);
    play(instance, 3);
    call(instance);
  };
  const calls: [name: string, call: string, script: (instance: PluginInstance) => void][] = [
    ["configure", "configure", (instance) => instance.configure("mode", "slow")],
    ["configure_file", "configure", (instance) => instance.configureFile("kit", "kit.sf2", null)],
    ["reset", "reset", active((instance) => instance.reset())],
    ["idle", "idle", active((instance) => instance.idle())],
    ["deactivate", "deactivate", active((instance) => instance.deactivate())],
    ["state_save", "state save", active((instance) => instance.saveState())],
    ["state_load", "state load", active((instance) => instance.loadState(Uint8Array.of(1, 2, 3)))],
    ["graph_get", "graph data", active((instance) => instance.getGraphData("curve"))],
    ["graph_set", "graph data", active((instance) => instance.setGraphData("curve", "[1]"))],
  ];
  for (const [name, call, script] of calls) {
    const recorded = await record(when(name, "", ""), script);
    await endsAgain(recorded, { kind: "out-of-bounds", call, where: "deep" });
  }
  const activate = await record({ activate: "unreachable" }, (instance) => instance.activate(48_000, 64));
  await endsAgain(activate, { kind: "unreachable", call: "activate" });
});

test("a plugin that refuses what a host can't do without refuses it again", async () => {
  for (const [plugin, code] of [
    [{ activate: "(i32.const 0)" }, "plugin/refused"],
    [{ layout: { 0: 8 } }, "plugin/layout"],
  ] as [SmallPlugin, string][]) {
    const recorded = await record(plugin, (instance) => instance.activate(48_000, 64));
    const report = await replay(recorded);
    assert.equal(report.differences, []);
    assert.is(report.recorded.error?.code, code);
    assert.is(report.replayed?.error?.code, code);
    assert.is(report.replayed?.error?.message, report.recorded.error?.message);
  }
});

test("everything that a host writes comes again bit for bit: values, events, transport, arena, flags, sound, and what is scribbled over", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = new Random(seed);
    const whole = (most: number): number => random.whole(0, most);
    const script = (instance: PluginInstance): void => {
      instance.activate(48_000, 64);
      for (let block = 0; block < 120; block++) {
        const { transport, eventsIn, arena, audio, controlsIn } = instance;
        if (whole(9) === 0) controlsIn[0] = random.unit();
        if (transport !== null && whole(2) > 0) {
          transport.setFloat64(TRANSPORT_BPM, seed % 2 === 0 ? 120 : 60 + whole(100), true);
          transport.setFloat64(TRANSPORT_SECONDS, (block * 64) / 48_000, true);
          transport.setFloat64(TRANSPORT_BEAT, ((block * 64) / 48_000 / 60) * 133, true);
        }
        for (let i = whole(3); i > 1; i--) {
          eventsIn.push(0, whole(15), 2, whole(99) - 1, whole(15), whole(127), whole(9), random.unit());
        }
        if (whole(9) === 0) {
          for (let i = 64; i < 128; i++) arena[i] = whole(255);
          if (eventsIn.push(1, EventType.Transport, 2, -1, -1, -1, 0, 0))
            eventsIn.words[eventsIn.count * 8 - 3] = 64;
        }
        const frames = whole(4) === 0 ? 1 + whole(63) : 64;
        for (const port of audio) {
          if (whole(5) === 0) port.flags = whole(3);
          if (!port.input) continue;
          const loud = whole(2) > 0;
          for (let i = 0; i < frames; i++) {
            port.samples[i] = loud ? random.unit() - 0.5 : 0;
            port.samples[port.stride + i] = loud ? Number.NaN : -0;
          }
        }
        if (whole(20) === 0) instance.unitBudget = 100_000 + whole(100_000);
        instance.process(frames);
        if (whole(7) === 0) instance.idle();
        if (whole(30) === 0) instance.reset();
        if (whole(30) === 0) instance.loadState(Uint8Array.from({ length: whole(50) }, () => whole(255)));
        if (whole(50) === 0) {
          instance.deactivate();
          instance.activate(44_100, 64);
        }
      }
      instance.controlsIn[1] = 1;
      instance.process(64);
    };
    await endsAgain(await record(ATTENTIVE, script, { audio: true }), { kind: "unreachable", where: "fail" });
  }
});

test("without its sound a recording still says what else happened, and the replay says that the sound is missing", async () => {
  const plugin: SmallPlugin = {
    functions: "(func $fail unreachable)",
    process: `(if (f32.gt (f32.load (i32.const ${bufferAt(0) + 8})) (f32.const 0.5)) (then (call $fail))) (i32.const 0)`,
  };
  const script = (instance: PluginInstance): void => {
    instance.activate(48_000, 64);
    for (let block = 0; block < 20; block++) {
      instance.audio[0]?.samples.fill(block / 20, 0, 64);
      instance.process(64);
    }
  };
  const without = await replay(await record(plugin, script));
  assert.not(without.same);
  assert.is(without.replayed, null);
  assert.equal(without.differences, ["The plugin was not stopped."]);
  assert.match(without.notes.join(" "), /sound is not in the recording/);
  assert.is(without.audio, false);
  assert.is(without.blocks, 12);

  const withSound = await record(plugin, script, { audio: true });
  await endsAgain(withSound, { where: "fail", block: 11 });
});

/** A clock that goes on by so many milliseconds each time it is read. */
function clockOf(steps: () => number): () => number {
  let now = 0;
  return () => {
    now += steps();
    return now;
  };
}

test("where a deadline had ended a call, the replay ends it at the same check, whatever the clock says now", async () => {
  const endless = faulty(
    "(local $i i32) (loop $l (local.set $i (i32.load (i32.const 64))) (call $step) (br $l))",
  );
  endless.functions += "(func $step (drop (i32.load (i32.const 68))) (drop (i32.load (i32.const 72))))";
  const straight = faulty("(loop $l (br $l))");
  const bulk = faulty("(loop $l (memory.fill (i32.const 65536) (i32.const 1) (i32.const 60000)) (br $l))");
  const counts = new Set<number>();
  for (const plugin of [endless, straight, bulk]) {
    for (let seed = 1; seed <= 8; seed++) {
      const random = new Random(seed);
      const recorded = await record(
        plugin,
        (instance) => {
          instance.activate(48_000, 64);
          instance.deadline = 0.5 + random.unit() * 3;
          trigger2(instance);
        },
        { now: clockOf(() => random.unit() * 0.4) },
      );
      await endsAgain(recorded, { kind: "deadline", call: "process", block: 1 });
      counts.add(recorded.instance?.fault?.units ?? 0);
    }
  }
  assert.ok(counts.size > 10, `the clocks gave different counts: ${[...counts]}`);
});

function trigger2(instance: PluginInstance): void {
  instance.controlsIn[0] = 0.75;
  play(instance, 1);
  instance.eventsIn.push(7, EventType.NoteOn, 2, 2, 0, 61, 0, 0.25);
  play(instance, 1);
}

test("a trap under a deadline has the count that it had, though slices are handed out otherwise", async () => {
  const counts = new Set<number>();
  for (const rounds of [10, 3_000, 60_000, 400_000]) {
    const plugin = faulty(`(local $i i32)
      (loop $l
        (drop (i32.load (i32.const 64)))
        (br_if $l (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${rounds}))))
      unreachable`);
    for (let seed = 1; seed <= 6; seed++) {
      const random = new Random(seed);
      const recorded = await record(
        plugin,
        (instance) => {
          instance.activate(48_000, 64);
          instance.deadline = seed % 2 === 0 ? 1e6 : 2 + random.unit() * 6;
          trigger2(instance);
        },
        { now: clockOf(() => random.unit() * 0.02) },
      );
      await endsAgain(recorded, { kind: "unreachable", where: "deep", block: 1 });
      counts.add(recorded.instance?.fault?.units ?? 0);
    }
  }
  assert.ok(counts.size > 5, `the clocks gave different counts: ${[...counts]}`);
});

test("a deadline in a control call comes again in that call", async () => {
  const plugin: SmallPlugin = {
    config: [{ id: "mode", display_name: "Mode", type: "string" }],
    functions: `(func $spin (loop $l (br $l)))
      (func (export "bj_configure") (param i32 i32 i32) (result i32) (call $spin) (i32.const 0))`,
    scratch: `(local $i i32)
      (loop $l (br_if $l (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100000000))))
      (i32.const ${AT.scratch})`,
  };
  const script = (instance: PluginInstance): void => instance.configure("mode", "fast");
  // Started, asked for its version and description, then for room: its two looks at the clock come next.
  let looks = 0;
  const recorded = await record(plugin, script, { now: () => (++looks <= 6 ? 0 : 20_000) });
  const units = recorded.instance?.fault?.units ?? 0;
  assert.ok(
    units > 0 && units < 700_000_000,
    `${units}: less than the call before it used, which was not ended`,
  );
  await endsAgain(recorded, { kind: "deadline", call: "configure", where: "spin" });
});

test("what the host had answered it answers again, with no messages and no router", async () => {
  const plugin: SmallPlugin = {
    imports: `(import "belljar" "host_poll_event" (func $poll (param i32 i32) (result i32)))
      (import "belljar" "host_emit_event" (func $emit (param i32 i32) (result i32)))
      (import "belljar" "host_control" (func $control (param i32 i32 i32 i32) (result i32)))`,
    functions: `(global $hash (mut i32) (i32.const 1))
      (func $add (param $n i32)
        (local $i i32)
        (global.set $hash (i32.mul (i32.const 0x01000193) (i32.xor (global.get $hash) (local.get $n))))
        (loop $l
          (global.set $hash (i32.mul (i32.const 0x01000193) (i32.xor (global.get $hash) (i32.load8_u offset=65536 (local.get $i)))))
          (br_if $l (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100))))
        (local.set $i (i32.and (global.get $hash) (i32.const 1023)))
        (loop $round (br_if $round (i32.gt_s (local.tee $i (i32.sub (local.get $i) (i32.const 1))) (i32.const 0)))))
      (func $stop unreachable)`,
    process: `(call $add (call $poll (i32.const 65536) (i32.const 80)))
      (if (i32.eq (i32.load8_u (i32.const 65536)) (i32.const 88)) (then (call $stop)))
      (call $add (call $emit (i32.const 70000) (i32.const 30000)))
      (call $add (call $control (i32.const 70000) (i32.const 10) (i32.const 65536) (i32.const 90)))
      (i32.const 0)`,
  };
  for (const control of [true, false]) {
    const recorded = await record(
      plugin,
      (instance) => {
        instance.activate(48_000, 64);
        for (let block = 0; block < 60; block++) {
          if (block % 7 === 3) instance.publish(JSON.stringify({ block }));
          if (block === 30) instance.publish(JSON.stringify({ long: "x".repeat(100) }));
          if (block === 40) for (let i = 0; i < 9_000; i++) instance.publish(JSON.stringify({ flood: i }));
          if (block === 50) instance.drainMessages(() => {});
          instance.process(64);
          if (block === 45) for (let i = 0; i < 20; i++) instance.publish("{}");
        }
        for (let i = 0; i < 20_000; i++) instance.publish("XXXXXXXXXXXXXXXXXXXXXXXXXXXXX");
        play(instance, 9_000);
      },
      { control },
    );
    await endsAgain(recorded, { kind: "unreachable", where: "stop" });
  }
});

test("limits, budgets and files are those of the recording", async () => {
  const type: SmallPlugin = {
    config: [{ id: "kit", display_name: "Kit", type: "filepath" }],
    imports: '(import "belljar" "host_read" (func $read (param i32 i32 i32 i32) (result i32)))',
    functions: `(func $fail unreachable)
      (func (export "bj_configure_file") (param $index i32) (param $blob i32) (param $size i32) (param i32 i32) (result i32)
        (drop (call $read (local.get $blob) (i32.const 0) (i32.const 65536) (local.get $size))) (i32.const 0))`,
    process: `(if (i32.eq (i32.load8_u (i32.const 65538)) (i32.const 3)) (then (call $fail))) (i32.const 0)`,
  };
  const kit = Uint8Array.of(1, 2, 3);
  const recorded = await record(type, (instance) => {
    instance.configureFile("kit", "kit.bin", kit);
    instance.activate(48_000, 64);
    instance.process(64);
  });
  try {
    await replay(recorded);
    assert.unreachable("the file is nowhere");
  } catch (error) {
    assert.is((error as { code?: string }).code, "recording/file");
    assert.match(String(error), /"kit\.bin" \(3 bytes/);
  }
});

test("a recording made by another meter, or elsewhere, says so", async () => {
  const recorded = await record(faulty("unreachable"), trigger);
  const report = await replay(recorded);
  assert.is(report.madeBy.rewriter, REWRITER_VERSION);
  assert.is(report.madeBy.node, process.versions.node);
});

test.run();
