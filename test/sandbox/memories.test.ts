// The memory of all instances: its limit, what dispose gives back, and what a next plugin finds in it.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { BelljarError } from "../../abi/error.ts";
import {
  type Limits,
  memoryInUse,
  memoryWaiting,
  type PluginInstance,
  PluginType,
} from "../../runtime/sandbox/index.ts";
import { bufferAt, STEREO_OUT, type SmallPlugin, smallPlugin } from "./small-plugin.ts";

const PAGE = 65_536;
/** What an instance's two message queues count for. */
const QUEUES = 8 * PAGE;

/** Bytes that can't make way. */
const held = (): number => memoryInUse() - memoryWaiting();

const load = (plugin: SmallPlugin = {}, limits: Partial<Limits> = {}): Promise<PluginType> =>
  PluginType.load(smallPlugin(plugin), { limits });

function problem(act: () => unknown): BelljarError {
  try {
    act();
  } catch (error) {
    return error as BelljarError;
  }
  throw new Error("nothing was thrown");
}

/** How many memories `act` asks the engine for. */
function memoriesMade(act: () => unknown): number {
  const { Memory } = WebAssembly;
  let made = 0;
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, args) {
      made++;
      return Reflect.construct(target, args) as object;
    },
  });
  try {
    act();
  } finally {
    WebAssembly.Memory = Memory;
  }
  return made;
}

/** bj_state_save gives 4 bytes at 704: the result of `value`, an i32. */
const saving = (value: string): string => `(func (export "bj_state_save") (result i32)
  (i32.store (i32.const 704) ${value})
  (i32.store (i32.const 712) (i32.const 704)) (i32.store (i32.const 716) (i32.const 4)) (i32.const 712))`;
const saved = (instance: PluginInstance): number =>
  new DataView(instance.saveState()?.buffer as ArrayBuffer).getInt32(0, true);

test("instances are made up to the limit of all together, and no further; one that goes makes room", async () => {
  const each = 5 * PAGE + QUEUES;
  const type = await load({ pages: "5 70" }, { totalMemory: Math.max(memoryInUse() + 3 * each, 2 ** 20) });
  const [first, second] = [type.instantiate(), type.instantiate()];
  assert.ok(first && second);
  const living: PluginInstance[] = [];
  const error = problem(() => {
    for (let i = 0; i < 100; i++) living.push(type.instantiate());
  });
  assert.is(error.code, "plugin/no-memory");
  assert.match(error.message, "(totalMemory)");
  assert.match(error.hint, /Dispose of instances.*--limit totalMemory=N/);
  living[0]?.dispose();
  living[0] = type.instantiate();
  assert.is(problem(() => type.instantiate()).code, "plugin/no-memory");
  for (const instance of [first, second, ...living]) instance.dispose();
});

test("what waits to be used again makes way before an instance is refused", async () => {
  const waiting = await load({ pages: "33 71" });
  waiting.instantiate().dispose();
  const before = memoryInUse();
  const type = await load({ pages: "34 72" }, { totalMemory: before + 4 * PAGE + QUEUES });
  const instance = type.instantiate();
  assert.ok(memoryInUse() <= before + 4 * PAGE + QUEUES);
  instance.dispose();
});

test("a disposed instance answers every call with one error", async () => {
  const type = await load({
    functions: `${saving("(i32.const 1)")} (func (export "bj_idle") (result i32) (i32.const 0))
      (func (export "bj_reset")) (func (export "bj_configure") (param i32 i32 i32) (result i32) (i32.const 0))`,
    config: [{ id: "size", display_name: "Size", type: "integer", default: "1" }],
  });
  const instance = type.instantiate();
  instance.activate(48_000, 64);
  instance.dispose();
  instance.dispose();
  const calls: [string, () => unknown][] = [
    ["process", () => instance.process(64)],
    ["reset", () => instance.reset()],
    ["idle", () => instance.idle()],
    ["configure", () => instance.configure("size", "2")],
    ["configureFile", () => instance.configureFile("size", "x", null)],
    ["activate", () => instance.activate(48_000, 64)],
    ["deactivate", () => instance.deactivate()],
    ["saveState", () => instance.saveState()],
    ["loadState", () => instance.loadState(new Uint8Array(1))],
    ["getGraphData", () => instance.getGraphData("x")],
    ["setGraphData", () => instance.setGraphData("x", "{}")],
    ["publish", () => instance.publish("{}")],
    ["share", () => instance.share()],
    ["abiVersion", () => instance.abiVersion()],
    ["describeBytes", () => instance.describeBytes()],
    ["audio", () => instance.audio],
    ["eventsIn", () => instance.eventsIn],
    ["controlsOut", () => instance.controlsOut],
  ];
  for (const [name, call] of calls) assert.is(problem(call).code, "plugin/disposed", name);
  assert.is(instance.descriptor.id, "test.small");
  assert.is(instance.fault, null);
});

test("the next plugin gets the memory of one that went, without a byte of it", async () => {
  const secret = await load({
    pages: "7 73",
    ports: [STEREO_OUT],
    process: `(memory.fill (i32.const 40000) (i32.const 0xa5) (i32.const 410000))
      (f32.store (i32.const ${bufferAt(0)}) (f32.const 1)) (i32.const 0)`,
  });
  // sums all words from 60000 to the end of its memory
  const curious = await load({
    pages: "7 73",
    functions: `${saving("(call $sum)")} (func $sum (result i32) (local $at i32) (local $sum i32)
      (local.set $at (i32.const 60000))
      (loop $l
        (local.set $sum (i32.or (local.get $sum) (i32.load (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br_if $l (i32.lt_u (local.get $at) (i32.const ${7 * PAGE}))))
      (local.get $sum))`,
  });
  const first = secret.instantiate();
  first.activate(48_000, 64);
  assert.ok(first.process(64), first.fault?.message);
  first.dispose();
  let second: PluginInstance | null = null;
  const made = memoriesMade(() => {
    second = curious.instantiate();
  });
  assert.is(made, 0, "no new memory was made");
  assert.is(saved(second as unknown as PluginInstance), 0);
});

test("a memory of another size, or with another maximum, is not used again", async () => {
  const grows = await load({
    pages: "9 74",
    functions: saving("(memory.grow (i32.const 1))"),
  });
  const larger = await load({ pages: "10 74" });
  const other = await load({ pages: "9 75" });
  const instance = grows.instantiate();
  assert.is(saved(instance), 9);
  for (const type of [grows, larger, other]) type.instantiate(); // take what waits since they were loaded
  instance.dispose();
  assert.is(
    memoriesMade(() => grows.instantiate()),
    1,
    "it has ten pages now, and nine are wanted",
  );
  assert.is(
    memoriesMade(() => other.instantiate()),
    1,
    "its maximum is another",
  );
  assert.is(
    memoriesMade(() => larger.instantiate()),
    0,
    "here all is the same",
  );
});

test("memory that an instance was shared with goes on with the other, and is never used again", async () => {
  const type = await load({
    pages: "11 76",
    ports: [STEREO_OUT],
    process: `(i32.store (i32.const 600) (i32.add (i32.load (i32.const 600)) (i32.const 1)))
      (f32.store (i32.const ${bufferAt(0)}) (f32.convert_i32_s (i32.load (i32.const 600)))) (i32.const 0)`,
  });
  const first = type.instantiate();
  first.activate(48_000, 64);
  first.process(64);
  const second = type.attach(structuredClone(first.share()));
  first.dispose();
  assert.is(
    memoriesMade(() => type.instantiate()),
    1,
  );
  assert.ok(second.process(64));
  assert.is(second.audio[0]?.samples[0], 2);
  const before = memoryInUse();
  second.dispose();
  assert.is(before - memoryInUse(), 11 * PAGE + QUEUES);
  assert.is(
    memoriesMade(() => type.instantiate()),
    1,
  );
});

test("growing counts before it happens, and goes as far as all instances together may", async () => {
  const plugin: SmallPlugin = { pages: "2 200", functions: saving("(memory.grow (i32.const 40))") };
  const probe = await load(plugin);
  const [first, second] = [probe.instantiate(), probe.instantiate()];
  const before = memoryInUse();
  assert.is(saved(first), 2);
  assert.is(memoryInUse() - before, 40 * PAGE);
  // room for 39 pages more: too few
  const short = await load(plugin, { totalMemory: held() + 2 * PAGE + QUEUES + 39 * PAGE });
  const third = short.instantiate();
  assert.is(saved(third), -1);
  first.dispose();
  assert.equal([saved(third), saved(third), saved(third)], [2, 42, -1]);
  second.dispose();
  third.dispose();
});

test("a plugin that fails where the memory of all was short says why", async () => {
  const plugin: SmallPlugin = {
    pages: "2 201",
    functions: saving(`(if (result i32) (i32.lt_s (memory.grow (i32.const 90)) (i32.const 0))
      (then (unreachable)) (else (i32.const 1)))`),
  };
  const type = await load(plugin, { totalMemory: held() + 2 * PAGE + QUEUES + 60 * PAGE });
  const error = problem(() => type.instantiate().saveState());
  assert.is(error.code, "plugin/unreachable");
  assert.match(error.hint, "totalMemory");
});

test("an instance that is disposed of in the middle of a call ends it, and its memory is never used again", async () => {
  const type = await load(
    {
      pages: "13 78",
      functions: saving("(i32.add (memory.grow (i32.const 1)) (call $long))").replace(
        "(func",
        `(func $long (result i32) (local $i i32) (loop $l (local.set $i (i32.add (local.get $i) (i32.load (i32.const 0))))
        (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (i32.const 1000000)))) (i32.const 0)) (func`,
      ),
    },
    { controlSeconds: 0.01 },
  );
  const before = held();
  let reads = 0;
  let instance: PluginInstance | null = null;
  const now = (): number => {
    if (instance !== null && ++reads === 3) instance.dispose();
    return 0;
  };
  instance = type.instantiate({ now });
  try {
    instance.saveState();
  } catch (error) {
    assert.instance(error, Error);
  }
  assert.ok(reads >= 3);
  assert.is(held(), before);
  assert.is(
    memoriesMade(() => type.instantiate()),
    1,
  );
});

test("an instance that nobody has any more gives its memory back without being disposed of", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const type = await load({ pages: "300 300" });
  const before = memoryInUse();
  (() => {
    for (let i = 0; i < 4; i++) type.instantiate();
  })();
  assert.ok(memoryInUse() >= before + 3 * 300 * PAGE);
  for (let i = 0; i < 50 && memoryInUse() >= before + 300 * PAGE; i++) {
    await new Promise((resume) => setTimeout(resume, 5));
    collect();
  }
  assert.ok(memoryInUse() < before + 300 * PAGE, `${memoryInUse() - before} bytes are left`);
});

test("what a failed start had is given back", async () => {
  const type = await load({ pages: "12 77", functions: "(global $n (mut i32) (i32.const 0))" });
  const before = memoryInUse();
  const bad = smallPlugin({ pages: "12 77", start: "(unreachable)" });
  await PluginType.load(bad).then(
    () => assert.unreachable(),
    (error) => assert.is((error as BelljarError).code, "plugin/unreachable"),
  );
  assert.is(memoryInUse(), before);
  assert.is(
    memoriesMade(() => type.instantiate()),
    0,
  );
});

test.run();
