// The deadline holds, counted in units: whatever a plugin does, a clock that makes each unit take the longest that it
// can never gets further past the deadline than docs/metering.md says.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { assemblePrograms, type Program } from "../../bench/deadline-programs.ts";
import { type PluginInstance, PluginType } from "../../runtime/sandbox/index.ts";
import { SLICE } from "../../runtime/sandbox/meter.ts";
import { STRETCH } from "../../runtime/sandbox/segments.ts";
import { type SmallPlugin, smallPlugin } from "./small-plugin.ts";

// docs/metering.md: milliseconds of a slice at its slowest, units beside the slices handed out that lie between two
// looks at the clock, and slices that a plugin gets in advance which was fast.
const SLOWEST = 0.25;
const STRIP = 8_192;
const BESIDE = STRIP + STRETCH;
const FAST_SLICES = 5;
const DEADLINE = 1;
const slowly = (units: number): number => (units / SLICE) * SLOWEST;
const BOUND = slowly((1 + FAST_SLICES) * SLICE + BESIDE);

/** What the sandbox handed out and counted, as the clock sees it. */
interface Calls {
  granted: number;
  counted: number;
  handed: number;
  inside: boolean;
}

const callsOf = (instance: PluginInstance): Calls => (instance as unknown as { calls: Calls }).calls;

/** A clock by the units that can have been executed since it was last read; fast before `slowFrom`, then as slow as can be. */
class UnitClock {
  time = 0;
  readings = 0;
  /** Most units charged beyond what was handed out when it was read. */
  debt = 0;
  private slowFrom = 0;
  private calls: Calls | null = null;

  /** A call of `instance` is about to begin, at 0 ms. */
  start(instance: PluginInstance, slowFrom = 0): void {
    this.calls = callsOf(instance);
    this.time = 0;
    this.slowFrom = slowFrom;
  }

  readonly read = (): number => {
    this.readings++;
    // Read by a call that begins, it only says what time it is.
    if (this.calls === null || !this.calls.inside) return this.time;
    const { handed, granted, counted } = this.calls;
    if (counted > 0) this.debt = Math.max(this.debt, counted - granted);
    const fast = this.time < this.slowFrom;
    this.time += fast ? Math.min(slowly(handed) / 40, 0.2) : slowly(handed + BESIDE);
    return this.time;
  };
}

async function activated(
  program: Pick<Program, "bytes">,
): Promise<{ instance: PluginInstance; clock: UnitClock }> {
  const type = await PluginType.load(program.bytes, { limits: { memoryPages: 2_048 } });
  const clock = new UnitClock();
  const instance = type.instantiate({ now: clock.read });
  instance.activate(48_000, 128);
  instance.unitBudget = 1e12;
  instance.deadline = DEADLINE;
  return { instance, clock };
}

/** Calls until it is stopped; milliseconds that its last call took, by the clock. */
function stopped(instance: PluginInstance, clock: UnitClock, slowFrom: number): number {
  for (let i = 0; i < 30_000; i++) {
    clock.start(instance, slowFrom);
    if (!instance.process(1 + (i % 128))) return clock.time;
  }
  throw new Error("It was never stopped.");
}

const programs = assemblePrograms(4 << 20);
for (const program of programs) {
  test(`"${program.name}" ends at its deadline, however slow or fast its units are`, async () => {
    const { instance, clock } = await activated(program);
    const shared = instance.share();
    // As slow as can be from the start, or from some time on: just before the deadline is the worst.
    for (const slowFrom of [0, 0.3, 0.9, 0.99, 0.9999]) {
      const again = instance.type.attach(shared, { now: clock.read });
      again.unitBudget = 1e12;
      again.deadline = DEADLINE;
      const time = stopped(again, clock, slowFrom);
      assert.is(again.fault?.kind, "deadline", again.fault?.message);
      assert.ok(time > DEADLINE, `${time} ms`);
      assert.ok(time <= DEADLINE + BOUND, `${time} ms; slow from ${slowFrom} ms on`);
      again.drainMessages(() => {});
      again.dispose();
    }
    // What moves many bytes pays for them before it does, with a look at the clock for each slice.
    if (!program.name.startsWith("host_")) assert.ok(clock.debt <= STRIP, `${clock.debt} units of debt`);
    instance.dispose();
  });
}

test("a plugin that is fast to its deadline and slow from there is at most 1.7 ms late", () => {
  assert.ok(BOUND < 1.7);
});

const ENDLESS = "(loop $l (br $l))";
const load = (plugin: SmallPlugin, limits = {}): Promise<PluginType> =>
  PluginType.load(smallPlugin(plugin), { limits });

async function playing(plugin: SmallPlugin): Promise<{ instance: PluginInstance; clock: UnitClock }> {
  const clock = new UnitClock();
  const instance = (await load(plugin)).instantiate({ now: clock.read });
  instance.activate(48_000, 128);
  return { instance, clock };
}

for (const call of ["reset", "idle"] as const) {
  const plugin = {
    functions: `(func (export "bj_${call}") ${call === "idle" ? "(result i32)" : ""} ${ENDLESS} ${call === "idle" ? "(unreachable)" : ""})`,
  };

  test(`${call} that never returns is stopped by its deadline, and by its budget where there is none`, async () => {
    const timed = await playing(plugin);
    timed.instance.deadline = DEADLINE;
    timed.clock.start(timed.instance);
    timed.instance[call]();
    assert.is(timed.instance.fault?.kind, "deadline");
    assert.is(timed.instance.fault?.call, call);
    assert.ok(timed.clock.time <= DEADLINE + BOUND, `${timed.clock.time} ms`);
    assert.not(timed.instance.process(128));

    const counted = await playing(plugin);
    counted.instance[call]();
    const { fault, unitBudget } = counted.instance;
    assert.is(fault?.kind, "units");
    assert.ok((fault?.units ?? 0) <= unitBudget + SLICE + BESIDE);
  });
}

test("idle has its budget before activation, too", async () => {
  const work =
    "(local $i i32) (loop $l (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100000))))";
  const type = await load({ functions: `(func (export "bj_idle") (result i32) ${work} (i32.const 0))` });
  const instance = type.instantiate();
  instance.idle();
  assert.is(instance.fault, null);
  assert.ok(instance.units > 500_000);
});

test("a plugin that reports a failure gets a little time for its sentence, and no more", async () => {
  const plugin = {
    process: "(i32.const -1)",
    functions: `(func (export "bj_error") (result i32) ${ENDLESS} (unreachable))`,
  };
  const timed = await playing(plugin);
  timed.instance.deadline = DEADLINE;
  timed.clock.start(timed.instance);
  assert.not(timed.instance.process(128));
  assert.is(timed.instance.fault?.kind, "status");
  assert.match(timed.instance.fault?.message ?? "", /with no reason given/);
  // process itself, the reading of the clock between, and the sentence's deadline
  assert.ok(timed.clock.time <= slowly(2 * (SLICE + BESIDE)) + 0.5 + BOUND, `${timed.clock.time} ms`);

  // Offline no clock is asked: units alone end it.
  const counted = await playing(plugin);
  const { readings } = counted.clock;
  assert.not(counted.instance.process(128));
  assert.is(counted.instance.fault?.kind, "status");
  assert.is(counted.clock.readings, readings);
});

test("a start function that never returns is stopped by its units, or by the clock of [control] calls", async () => {
  const plugin = { start: ENDLESS };
  const code = async (limits: Record<string, number>): Promise<string> => {
    try {
      await load(plugin, limits);
      return "";
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  assert.is(await code({ controlUnits: 1_000_000 }), "plugin/units");
  assert.is(await code({ controlUnits: 1e15, controlSeconds: 0.02 }), "plugin/deadline");
});

test("a [control] call that never returns is stopped after the limit controlSeconds", async () => {
  const type = await load(
    {
      config: [{ id: "size", display_name: "Size", type: "integer", default_value: "1" }],
      functions: `(func (export "bj_configure") (param i32 i32 i32) (result i32) ${ENDLESS} (unreachable))`,
    },
    { controlUnits: 1e15 },
  );
  const clock = new UnitClock();
  const instance = type.instantiate({ now: clock.read });
  clock.start(instance);
  assert.throws(
    () => instance.configure("size", "2"),
    (error: { code?: string }) => error.code === "plugin/deadline",
  );
  assert.is(instance.fault?.call, "configure");
  const most = type.limits.controlSeconds * 1_000;
  assert.ok(clock.time > most && clock.time <= most + BOUND, `${clock.time} ms`);
});

test("bytes that a host function is asked to move are charged before it moves them", async () => {
  const charged = async (name: string, params: number, args: string): Promise<number> => {
    const result = name === "host_log" ? "" : "(result i32)";
    const { instance } = await playing({
      pages: "40 40",
      imports: `(import "belljar" "${name}" (func $host (param${" i32".repeat(params)}) ${result}))`,
      process: `${result === "" ? "" : "(drop"} (call $host ${args}) ${result === "" ? "" : ")"} (i32.const 0)`,
    });
    // Its budget ends before its bytes would be moved: nothing of them is.
    instance.unitBudget = SLICE;
    instance.process(128);
    assert.is(instance.fault?.kind, "units", name);
    let messages = 0;
    instance.drainMessages(() => messages++);
    assert.is(messages, 0, name);
    return instance.fault?.units ?? 0;
  };
  const length = 60_000;
  assert.ok(
    (await charged("host_log", 3, `(i32.const 1) (i32.const 65536) (i32.const ${length})`)) >= 8 * length,
  );
  assert.ok((await charged("host_emit_event", 2, `(i32.const 65536) (i32.const ${length})`)) >= 8 * length);
  assert.ok(
    (await charged(
      "host_control",
      4,
      `(i32.const 65536) (i32.const ${length}) (i32.const 0) (i32.const 99)`,
    )) >=
      8 * length,
  );
  assert.ok(
    (await charged("host_read", 4, `(i32.const 0) (i32.const 0) (i32.const 65536) (i32.const ${1 << 21})`)) >=
      1 << 19,
  );
});

test.run();
