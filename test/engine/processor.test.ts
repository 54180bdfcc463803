// One plugin by the host API: ports by name, values as text, blocks in, blocks out.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AUDIO_CONNECTED, AUDIO_INPUT_SILENT } from "../../abi/layout.ts";
import { BelljarError, type Channels, EventType, loadPlugin, type Plugin } from "../../runtime/index.ts";
import { root } from "../root.ts";
import { AT, EVENTS_IN, knob, STEREO_IN, STEREO_OUT, smallPluginText } from "../sandbox/small-plugin.ts";
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
  fails("usage/value", () => processor.process("64" as never));
});

test("a block shorter than an event's frame is refused, and so are events that go back in time", () => {
  const processor = sine.instantiate({ maxFrames: 64 });
  processor.noteOn(40, 60);
  fails("usage/order", () => processor.noteOff(39, 60));
  fails("usage/value", () => processor.process(40));
  assert.ok(processor.process(64));
  assert.ok(processor.noteOff(0, 60), "frames count from the block's start");
});

test("arguments of the wrong type are named in a sentence", () => {
  const processor = sine.instantiate();
  const note = processor.noteOn as (...args: unknown[]) => boolean;
  for (const args of [
    [],
    [0],
    ["0", 60],
    [0, 60.5],
    [0, 128],
    [0, 60, 2],
    [0, 60, Number.NaN],
    [0, 60, 1, 16],
    [-1, 60],
    [128, 60],
  ]) {
    fails("usage/value", () => note.apply(processor, args));
  }
  fails("usage/value", () => (processor.noteOff as (...args: unknown[]) => boolean).call(processor));
  fails("usage/value", () => processor.event(0, EventType.Param, { value: 1 }));
  fails("usage/value", () => processor.event(0, EventType.Bend, { value: Number.POSITIVE_INFINITY }));
  fails("usage/value", () => processor.event(0, EventType.Bend, null as never));
  fails("usage/value", () => processor.set("gain", undefined as never));
  fails("usage/value", () => processor.set(7 as never, 1));
  fails("usage/value", () => processor.get(undefined as never));
  fails("usage/value", () => processor.input(7 as never));
  fails("usage/value", () => processor.setAt("0" as never, "gain", 1));
  assert.ok(processor.process(), "what was refused has left nothing behind");
});

test("settings that are none, or of the wrong type, are refused before anything is made", () => {
  const hint = (setup: object): string => {
    try {
      gain.instantiate(setup);
    } catch (error) {
      assert.is((error as BelljarError).code, "usage/option");
      return (error as BelljarError).hint;
    }
    throw new Error("nothing was refused");
  };
  assert.is(hint({ maxFrame: 64 }), 'Did you mean "maxFrames"?');
  assert.match(hint({ xyz: 1 }), /^There are: rate, /);
  const wrong = {
    rate: "48000",
    maxFrames: 0,
    config: 1,
    files: { a: "b" },
    preset: 1,
    params: [],
    state: "",
  };
  for (const [key, value] of Object.entries({ ...wrong, unitBudget: -1, deadline: "1" })) {
    fails("usage/value", () => gain.instantiate({ [key]: value } as never));
  }
  fails("usage/value", () => gain.instantiate(null as never));
});

test("loading what is neither a name nor bytes is refused", async () => {
  for (const [code, args] of [
    ["usage/value", [undefined]],
    ["usage/value", [new ArrayBuffer(8)]],
    ["usage/value", ["gain", null]],
    ["usage/option", ["gain", { limit: {} }]],
    ["usage/option", ["gain", { limits: { blockUnit: 1 } }]],
  ] as const) {
    try {
      await (loadPlugin as (...args: unknown[]) => Promise<unknown>)(...args);
      assert.unreachable(`nothing was thrown for ${String(args)}`);
    } catch (error) {
      assert.is((error as BelljarError).code, code, String(error));
    }
  }
});

const OUTPUT_FLAGS = AT.audio + 16 + 12;
/** Shows the flags of its input and of its output in two monitors, and says that its output is silent. */
const flagsPlugin = () =>
  loadPlugin(
    wat(
      smallPluginText({
        ports: [
          STEREO_IN,
          STEREO_OUT,
          { ...knob("of_input"), role: "monitor", max: 16, default: 0 },
          { ...knob("of_output"), role: "monitor", max: 16, default: 0 },
        ],
        process: `
          (f32.store (i32.const ${AT.controlsOut}) (f32.convert_i32_u (i32.load (i32.const ${AT.audio + 12}))))
          (f32.store (i32.const ${AT.controlsOut + 4}) (f32.convert_i32_u (i32.load (i32.const ${OUTPUT_FLAGS}))))
          (i32.store (i32.const ${OUTPUT_FLAGS}) (i32.const 4))
          (i32.const 0)`,
      }),
    ),
  );

test("a plugin is told which ports are used, and which inputs are silent", async () => {
  const processor = (await flagsPlugin()).instantiate({ maxFrames: 64 });
  const flags = (frames = 64): [number, number] => {
    processor.process(frames);
    return [processor.get("of_input"), processor.get("of_output")];
  };
  assert.equal(flags(), [AUDIO_INPUT_SILENT, 0], "nobody has asked for a port");
  const input = processor.input();
  assert.equal(
    flags(),
    [AUDIO_CONNECTED | AUDIO_INPUT_SILENT, 0],
    "what it said of its output is taken back",
  );
  processor.output();
  input.right[63] = 1e-30;
  assert.equal(flags(), [AUDIO_CONNECTED, AUDIO_CONNECTED]);
  assert.equal(flags(63), [AUDIO_CONNECTED | AUDIO_INPUT_SILENT, AUDIO_CONNECTED], "the sound lies behind");
  input.right[63] = -0;
  assert.equal(flags(), [AUDIO_CONNECTED | AUDIO_INPUT_SILENT, AUDIO_CONNECTED]);
});

test("a monitor that holds no number shows its least value", async () => {
  const monitor = { ...knob("level"), role: "monitor", min: -60, max: 0, default: -60 };
  const process = `(f32.store (i32.const ${AT.controlsOut}) (f32.const nan)) (i32.const 0)`;
  const plugin = await loadPlugin(wat(smallPluginText({ ports: [STEREO_OUT, monitor], process })));
  const processor = plugin.instantiate();
  assert.ok(processor.process());
  assert.is(processor.get("level"), -60);
});

test("a preset sets what it names, and what else is given wins", async () => {
  const presets = [{ name: "Warm", params: { a: 0.25, b: 1 } }];
  const ports = [STEREO_OUT, knob("a"), knob("b"), knob("c")];
  const plugin = await loadPlugin(wat(smallPluginText({ ports, descriptor: { presets } })));
  const processor = plugin.instantiate({ preset: "Warm", params: { b: 0.75 } });
  assert.equal(
    ["a", "b", "c"].map((id) => processor.get(id)),
    [0.25, 0.75, 0.5],
  );
  fails("plugin/preset", () => plugin.instantiate({ preset: "warn" }));
  fails("plugin/preset", () => gain.instantiate({ preset: "Warm" }));
});

test.run();
