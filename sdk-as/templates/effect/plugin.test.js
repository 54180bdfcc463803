import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadPlugin } from "belljar";

const plugin = await loadPlugin(fileURLToPath(new URL("build/my-plugin.wasm", import.meta.url)));

/** The left output for a constant input of 1, one second long. */
function render(params) {
  const processor = plugin.instantiate({ rate: 48000, maxFrames: 128, params });
  const sound = [];
  for (let block = 0; block < 375; block++) {
    processor.input().left.fill(1);
    processor.input().right.fill(1);
    assert.ok(processor.process(128), processor.fault?.message);
    sound.push(...processor.output().left);
  }
  return sound;
}

test("without depth the sound passes unchanged", () => {
  assert.ok(render({ depth: 0 }).every((sample) => sample === 1));
});

test("at full depth it goes from silence to full, as often as the rate says", () => {
  const sound = render({ depth: 1, rate: 4 });
  assert.ok(Math.max(...sound) > 0.999 && Math.min(...sound) < 0.001);
  const rises = sound.filter((sample, i) => i > 0 && sound[i - 1] < 0.5 && sample >= 0.5);
  assert.ok(Math.abs(rises.length - 4) <= 1);
});
