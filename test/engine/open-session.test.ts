// What a host hands to openSession and readSession is checked before anything is read.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { EVENT_FAN_OUT } from "../../runtime/graph/step.ts";
import {
  BelljarError,
  DEFAULT_LIMITS,
  disposeSession,
  loadPlugin,
  memoryInUse,
  memoryWaiting,
  openSession,
  parseSession,
  readSession,
} from "../../runtime/index.ts";

const session = parseSession('{ "nodes": [] }', "s.json");

test("what is no session, no file's name, or no option is named in a sentence", async () => {
  for (const [code, work] of [
    ["usage/value", () => openSession(undefined as never)],
    ["usage/value", () => openSession({} as never)],
    ["usage/value", () => openSession(session, null as never)],
    ["usage/value", () => readSession(7 as never)],
    ["usage/option", () => openSession(session, { blok: 64 } as never)],
    ["usage/option", () => openSession(session, { limits: { fanOut: 64 } as never })],
    ["usage/limit", () => openSession(session, { limits: { eventFanOut: 0 } })],
  ] as const) {
    try {
      await work();
      assert.unreachable(`nothing was thrown by ${work}`);
    } catch (error) {
      assert.instance(error, BelljarError, String(error));
      assert.is((error as BelljarError).code, code);
      assert.match((error as BelljarError).message, /\.$/);
    }
  }
  assert.is((await openSession(session, { block: 64 })).block, 64);
});

const TONE = parseSession(
  '{ "nodes": [{ "id": "tone", "type": "sine" }, { "id": "echo", "type": "delay" }] }',
  "t.json",
);

test("a session's plugins and wires are held to its limits", async () => {
  assert.is(EVENT_FAN_OUT, DEFAULT_LIMITS.eventFanOut);
  const { graph, nodes } = await openSession(TONE, { limits: { eventFanOut: 99, events: 77 } });
  assert.equal(
    graph.steps.map((step) => step.fanOut),
    [99, 99],
  );
  assert.is(nodes[0]?.instance?.eventsIn.capacity, 77);
});

test("a session and a processor that are no longer needed give their memory back", async () => {
  const held = (): number => memoryInUse() - memoryWaiting();
  const gain = await loadPlugin("gain");
  const before = held();
  const prepared = await openSession(TONE);
  const processor = gain.instantiate();
  assert.ok(held() > before);
  disposeSession(prepared);
  processor.dispose();
  assert.ok(held() <= before);
  assert.throws(() => processor.process(), /disposed of/);
});

test("a session that can't be opened leaves no memory behind", async () => {
  const held = (): number => memoryInUse() - memoryWaiting();
  const before = held();
  const wrong = parseSession(
    '{ "nodes": [{ "id": "tone", "type": "sine" }, { "id": "echo", "type": "delay", "params": { "x": 1 } }] }',
    "w.json",
  );
  await openSession(wrong).then(
    () => assert.unreachable(),
    (error) => assert.is((error as BelljarError).code, "session/param"),
  );
  assert.ok(held() <= before);
});

test.run();
