// One plugin by the host API: ports by name, values as text, blocks in, blocks out.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError, type Channels, EventType, loadPlugin, type Plugin } from "../../runtime/index.ts";
import { root } from "../root.ts";
import { EVENTS_IN, knob, STEREO_OUT, smallPluginText } from "../sandbox/small-plugin.ts";
import { wat } from "../wat.ts";

const gain = await loadPlugin("gain");
const sine = await loadPlugin("sine");

const fails = (code: string, work: () => unknown) => {
  try {
    work();
  } catch (error) {
    assert.instance(error, BelljarError);
    assert.is((error as BelljarError).code, code);
    return;
  }
  assert.unreachable(`nothing was thrown; expected ${code}`);
};

test("a mistyped port is answered with the nearest one, or with all", () => {
  const hint = (id: string): string => {
    try {
      gain.instantiate({ params: { [id]: 0 } });
    } catch (error) {
      return (error as BelljarError).hint;
    }
    throw new Error("nothing was refused");
  };
  assert.is(hint("gian"), 'Did you mean "gain"?');
  assert.is(hint("cutoff"), "It has: gain.");
});

test("a plugin is the same by name, by file and by bytes", async () => {
  const file = join(root, "dist", "plugins", "gain.wasm");
  for (const source of ["builtin.gain", file, readFileSync(file)]) {
    assert.is((await loadPlugin(source)).hash, gain.hash);
  }
});

test("what goes into an input comes out of an output, louder by the parameter", () => {
  const processor = gain.instantiate({ rate: 48000, maxFrames: 64, params: { gain: "6 dB" } });
  // Long enough for a parameter's glide to be over.
  for (let block = 0; block < 200; block++) {
    processor.input().left.fill(0.25);
    processor.input("audio_in").right.fill(-0.125);
    assert.ok(processor.process());
  }
  const factor = 10 ** (6 / 20);
  const { left, right, peak } = processor.output();
  for (let i = 0; i < 64; i++) {
    assert.ok(Math.abs((left[i] as number) - 0.25 * factor) < 1e-6);
    assert.ok(Math.abs((right[i] as number) + 0.125 * factor) < 1e-6);
  }
  assert.ok(Math.abs(peak - 0.25 * factor) < 1e-6);
});

test("values are taken as numbers, with units, and read back", () => {
  const processor = gain.instantiate();
  processor.set("gain", -12);
  assert.is(processor.get("gain"), -12);
  processor.set("gain", "-3 dB");
  assert.is(processor.get("gain"), -3);
  fails("plugin/value", () => processor.set("gain", 13));
  fails("plugin/value", () => processor.set("gain", Number.NaN));
  fails("plugin/port", () => processor.set("gian", 0));
  fails("plugin/port", () => processor.input("sidechain"));
});

const loudness = (channels: Channels) => channels.left.reduce((sum, x) => sum + x * x, 0);

test("a synth sounds from the frame of its note on", () => {
  const processor = sine.instantiate({ rate: 48000, maxFrames: 256, params: { gain: 1 } });
  processor.process();
  assert.is(loudness(processor.output()), 0);
  processor.noteOn(100, 69, 1);
  processor.process();
  const { left } = processor.output();
  assert.ok(
    left.subarray(0, 100).every((x) => x === 0),
    "silence before the note",
  );
  assert.ok(
    left.subarray(101).some((x) => x !== 0),
    "sound after it",
  );
});

test("A4 is 440 Hz: 44 periods in a tenth of a second", () => {
  const processor = sine.instantiate({ rate: 48000, maxFrames: 4800 });
  processor.noteOn(0, 69, 1);
  processor.process();
  processor.process();
  const { left } = processor.output();
  let rises = 0;
  for (let i = 1; i < 4800; i++) if ((left[i - 1] as number) < 0 && (left[i] as number) >= 0) rises++;
  assert.ok(Math.abs(rises - 44) <= 1, `${rises} periods`);
});

test("a plugin without an event input takes no notes", () => {
  fails("plugin/port", () => gain.instantiate().noteOn(0, 60));
});

const stopping = async (): Promise<Plugin> =>
  loadPlugin(wat(smallPluginText({ ports: [EVENTS_IN, STEREO_OUT, knob("a")], process: "(unreachable)" })));

test("a plugin that traps throws nothing: process says false, and the outputs are silence", async () => {
  const processor = (await stopping()).instantiate();
  processor.output().left.fill(1);
  assert.is(processor.process(), false);
  assert.is(processor.fault?.kind, "unreachable");
  assert.is(loudness(processor.output()), 0);
  assert.is(processor.process(), false);
});

test("a value set inside a block holds for the blocks after it", async () => {
  const plugin = await loadPlugin(wat(smallPluginText({ ports: [STEREO_OUT, knob("a")] })));
  const processor = plugin.instantiate({ maxFrames: 64 });
  assert.ok(processor.setAt(10, "a", 0.75));
  assert.is(processor.instance.eventsIn.type(0), EventType.Param);
  assert.is(processor.get("a"), 0.5, "not before its frame has passed");
  processor.process();
  assert.is(processor.get("a"), 0.75);
});

test("a block longer than was agreed is a fault of the host, and said at once", () => {
  const processor = gain.instantiate({ maxFrames: 64 });
  assert.throws(() => processor.process(65), /1 to 64/);
  assert.throws(() => processor.process(0), /1 to 64/);
});

test.run();
