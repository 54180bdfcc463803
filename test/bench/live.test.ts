// What `npm run bench -- live` is made of. What it measures is a machine's, and not tested.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { EventType } from "../../abi/layout.ts";
import { LIVE_PARTS, readLiveOptions, UsageError } from "../../bench/live-options.ts";
import { assembleLivePlugins, type LivePlugin } from "../../bench/live-plugins.ts";
import { type PluginInstance, PluginType } from "../../runtime/sandbox/index.ts";

const plugins = assembleLivePlugins();
const FRAMES = 4096;

async function started(name: LivePlugin["name"]): Promise<PluginInstance> {
  const { bytes } = plugins.find((plugin) => plugin.name === name) as LivePlugin;
  const instance = (await PluginType.load(bytes)).instantiate();
  instance.activate(48_000, FRAMES);
  return instance;
}

/** Both channels of a block. */
function played(instance: PluginInstance, frames: number): Float32Array[] {
  assert.ok(instance.process(frames), instance.fault?.message);
  const [port] = instance.audio;
  assert.ok(port);
  return [0, 1].map((channel) => port.samples.slice(channel * port.stride, channel * port.stride + frames));
}

test("the impulse is one sample, at the frame of its note, in blocks of all lengths", async () => {
  const instance = await started("impulse");
  for (const [frames, at] of [
    [32, 0],
    [128, 37],
    [FRAMES, FRAMES - 1],
    [FRAMES, 0],
  ] as const) {
    assert.ok(instance.eventsIn.push(at, EventType.NoteOn, 0, 1, 0, 60, 0, 1));
    for (const samples of played(instance, frames)) {
      assert.equal(
        [...samples.entries()].filter(([, sample]) => sample !== 0),
        [[at, 1]],
      );
    }
    for (const samples of played(instance, frames)) assert.ok(samples.every((sample) => sample === 0));
  }
});

test("the plugin that is kept has 1 MiB, and its sound lies in it: another one begins anew", async () => {
  const instance = await started("megabyte");
  const [first, second] = [played(instance, 128)[0], played(instance, 128)[0]];
  assert.is(instance.share().memory.buffer.byteLength, 1 << 20);
  assert.not.equal(first, second);
  assert.equal(played(await started("megabyte"), 128)[0], first);
});

test("its options: ten minutes of all unless said", () => {
  assert.equal(readLiveOptions([]), { minutes: 10, parts: LIVE_PARTS, pulse: true });
  assert.equal(readLiveOptions(["--minutes", "0.5", "--only", "ring,rescue", "--no-pulse"]), {
    minutes: 0.5,
    parts: ["ring", "rescue"],
    pulse: false,
  });
  for (const wrong of [
    ["--minutes"],
    ["--minutes", "x"],
    ["--minutes", "0"],
    ["--only", "rings"],
    ["--fast"],
  ]) {
    assert.throws(
      () => readLiveOptions(wrong),
      (error: unknown) => error instanceof UsageError,
    );
  }
});

test.run();
