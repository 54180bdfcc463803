import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadPlugin } from "belljar";

const plugin = await loadPlugin(fileURLToPath(new URL("build/my-plugin.wasm", import.meta.url)));

/** Renders blocks of 128 frames; `play` may send notes before each. */
function render(processor, blocks, play = () => {}) {
  const sound = [];
  for (let block = 0; block < blocks; block++) {
    play(block);
    assert.ok(processor.process(128), processor.fault?.message);
    sound.push(...processor.output().left);
  }
  return sound;
}

test("without a note there is silence", () => {
  const sound = render(plugin.instantiate(), 10);
  assert.ok(sound.every((sample) => sample === 0));
});

test("an A sounds at 440 Hz, and ends after its release", () => {
  const synth = plugin.instantiate({ rate: 48000, params: { bright: 0, release: 50 } });
  const sound = render(synth, 375, (block) => block === 0 && synth.noteOn(0, 69));
  const rises = sound.filter((sample, i) => i > 0 && sound[i - 1] < 0 && sample >= 0);
  assert.ok(Math.abs(rises.length - 440) <= 1, `${rises.length} Hz`);
  render(synth, 375, (block) => block === 0 && synth.noteOff(0, 69));
  assert.equal(synth.output().peak, 0);
});
