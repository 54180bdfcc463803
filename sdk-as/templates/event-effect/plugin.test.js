import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { EventType, loadPlugin } from "belljar";

const plugin = await loadPlugin(fileURLToPath(new URL("build/my-plugin.wasm", import.meta.url)));

/** What comes out of one block: "on 60", "off 60". */
function block(processor) {
  assert.ok(processor.process(128), processor.fault?.message);
  const { eventsOut } = processor.instance;
  return Array.from({ length: eventsOut.count }, (_, i) => {
    return `${eventsOut.type(i) === EventType.NoteOn ? "on" : "off"} ${eventsOut.key(i)}`;
  });
}

test("a note is joined by a fifth, and both end together", () => {
  const processor = plugin.instantiate();
  processor.noteOn(0, 60);
  assert.deepEqual(block(processor), ["on 60", "on 67"]);
  processor.noteOff(5, 60);
  assert.deepEqual(block(processor), ["off 60", "off 67"]);
});

test("a note ends as it began, even if the interval has changed", () => {
  const processor = plugin.instantiate({ params: { interval: 12 } });
  processor.noteOn(0, 60);
  block(processor);
  processor.set("interval", 3);
  processor.noteOff(0, 60);
  assert.deepEqual(block(processor), ["off 60", "off 72"]);
});
