// What was checked at activation counts from there on; and what control outputs may show.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { type PluginInstance, PluginType } from "../../runtime/sandbox/index.ts";
import { AT, bufferAt, knob, STEREO_OUT, smallPlugin } from "./small-plugin.ts";

const OUT = bufferAt(0);

test("a plugin that changes its layout after activation changes nothing, here and where it is attached", async () => {
  const type = await PluginType.load(
    smallPlugin({
      ports: [STEREO_OUT],
      // writes a sample; then lets its layout and its buffer's record name places far outside of its memory
      process: `(f32.store (i32.const ${OUT}) (f32.const 0.5))
        (i32.store (i32.const ${AT.layout + 4}) (i32.const 0x7ffffff0))
        (i32.store (i32.const ${AT.layout + 28}) (i32.const 0x7ffffff0))
        (i32.store (i32.const ${AT.audio}) (i32.const 0x7ffffff0))
        (i32.store (i32.const ${AT.audio + 4}) (i32.const 9))
        (i32.const 0)`,
    }),
  );
  const first = type.instantiate();
  first.activate(48_000, 64);
  const play = (instance: PluginInstance): number[] => {
    assert.ok(instance.process(64), instance.fault?.message);
    return [...(instance.audio[0]?.channel(0).subarray(0, 2) ?? [])];
  };
  assert.equal(play(first), [0.5, 0]);
  assert.equal(play(first), [0.5, 0]);
  const second = type.attach(structuredClone(first.share()));
  assert.equal(play(second), [0.5, 0]);
  assert.is(second.eventsIn.capacity, first.eventsIn.capacity);
});

const METERS = [
  knob("level", { role: "output", hint: "meter", min: -60, max: 12, default: -60 }),
  knob("other", { role: "monitor", hint: "meter", min: -1, max: 4, default: 0 }),
];

async function shown(level: string, other: string): Promise<number[]> {
  const store = (slot: number, value: string) =>
    `(f32.store (i32.const ${AT.controlsOut + slot * 4}) (f32.const ${value}))`;
  const type = await PluginType.load(
    smallPlugin({ ports: METERS, process: `${store(0, level)} ${store(1, other)} (i32.const 0)` }),
  );
  const instance = type.instantiate();
  instance.activate(48_000, 64);
  assert.ok(instance.process(64), instance.fault?.message);
  return [...instance.controlsOut];
}

test("a control output that is not finite becomes a bound of its port, and the plugin plays on", async () => {
  assert.equal(await shown("-inf", "inf"), [-60, 4]);
  assert.equal(await shown("nan", "-nan"), [-60, -1]);
});

test("a subnormal control output becomes 0; other values stay as they are, beyond the port's range too", async () => {
  assert.equal(await shown("1e-40", "-1e-40"), [0, 0]);
  assert.equal(await shown("99", "-0.25"), [99, -0.25]);
});

test("a control output that holds no number before the first block, or after a trap, shows a bound, too", async () => {
  const type = await PluginType.load(
    smallPlugin({
      ports: METERS,
      activate: `(f32.store (i32.const ${AT.controlsOut}) (f32.const nan)) (i32.const ${AT.layout})`,
      process: `(f32.store (i32.const ${AT.controlsOut}) (f32.const inf)) (unreachable)`,
    }),
  );
  const instance = type.instantiate();
  instance.activate(48_000, 64);
  assert.is(instance.controlsOut[0], -60);
  assert.not(instance.process(64));
  assert.is(instance.controlsOut[0], 12);
});

test.run();
