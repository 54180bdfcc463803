import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BelljarError } from "../../abi/error.ts";
import { parseSession } from "../../runtime/engine/session.ts";
import { root } from "../root.ts";

const read = (session: unknown) => parseSession(JSON.stringify(session), "song.json");
const sine = { id: "lead", type: "sine" };
const wire = { from_node: "lead", from_port: "audio_out", to_node: "master", to_port: "audio_in" };

function refusal(session: unknown): BelljarError {
  try {
    read(session);
  } catch (error) {
    assert.instance(error, BelljarError);
    const found = error as BelljarError;
    assert.match(found.message, /^song\.json.*\.$/);
    return found;
  }
  throw new Error("nothing was refused");
}

test("a session is read as it is written", () => {
  const session = read({
    sample_rate: 48000,
    bpm: 90.5,
    block_size: 256,
    nodes: [
      { id: "lead", type: "sine", params: { gain: 0.2, on: true, level: "-6 dB" }, config: { x: [1] } },
    ],
    connections: [wire, { ...wire, to_node: "lead", to_port: "key", channel: "left", feedback: true }],
  });
  assert.is(session.sampleRate, 48000);
  assert.is(session.bpm, 90.5);
  assert.is(session.blockSize, 256);
  assert.equal(
    [...(session.nodes[0]?.params ?? [])],
    [
      ["gain", 0.2],
      ["on", true],
      ["level", "-6 dB"],
    ],
  );
  assert.equal([...(session.nodes[0]?.config ?? [])], [["x", [1]]]);
  assert.equal(session.wires[0], {
    from: "lead",
    fromPort: "audio_out",
    to: "master",
    toPort: "audio_in",
    channel: undefined,
    feedback: undefined,
  });
  assert.is(session.wires[1]?.channel, "left");
  assert.is(session.wires[1]?.feedback, true);
});

test("what is left out has a default, and the master is there unasked", () => {
  const session = read({ nodes: [sine] });
  assert.is(session.sampleRate, null);
  assert.is(session.blockSize, null);
  assert.is(session.bpm, 120);
  assert.equal(
    session.nodes.map((node) => [node.id, node.type]),
    [
      ["lead", "sine"],
      ["master", "master"],
    ],
  );
});

test("a master of another name is the master", () => {
  assert.equal(
    read({ nodes: [{ id: "out", type: "master" }] }).nodes.map((node) => node.id),
    ["out"],
  );
});

test("an unknown key is refused, and the nearest known one is proposed", () => {
  const error = refusal({ sampel_rate: 48000, nodes: [] });
  assert.is(error.code, "session/key");
  assert.match(error.message, '"sampel_rate"');
  assert.is(error.hint, 'Did you mean "sample_rate"?');
  assert.match(refusal({ nodes: [{ ...sine, param: {} }] }).message, 'node 1 ("lead")');
  assert.match(refusal({ nodes: [sine], connections: [{ ...wire, zz: 1 }] }).message, "connection 1");
  assert.is(refusal({ nodes: [], ["__proto__x"]: 1 }).code, "session/key");
});

test("values of a wrong type or out of range are refused by name", () => {
  const cases: [unknown, RegExp][] = [
    [{ nodes: [], sample_rate: 7999 }, /"sample_rate"/],
    [{ nodes: [], sample_rate: 44100.5 }, /"sample_rate"/],
    [{ nodes: [], sample_rate: "48000" }, /"sample_rate"/],
    [{ nodes: [], bpm: 0 }, /"bpm"/],
    [{ nodes: [], block_size: 0 }, /"block_size"/],
    [{ nodes: {} }, /"nodes" must be a list/],
    [{}, /"nodes" is missing/],
    [{ nodes: [3] }, /node 1: an object/],
    [{ nodes: [{ type: "sine" }] }, /"id" is missing/],
    [{ nodes: [{ id: "", type: "sine" }] }, /"id"/],
    [{ nodes: [{ id: "a\u001bb", type: "sine" }] }, /"id"/],
    [{ nodes: [{ id: "a".repeat(65), type: "sine" }] }, /"id"/],
    [{ nodes: [{ id: "a" }] }, /"type" is missing/],
    [{ nodes: [{ id: "a", type: 5 }] }, /"type" must be a text/],
    [{ nodes: [{ ...sine, params: [] }] }, /"params" must be an object/],
    [{ nodes: [{ ...sine, params: { gain: null } }] }, /"gain"/],
    [{ nodes: [], connections: [{ ...wire, to_port: undefined }] }, /connection 1: "to_port" is missing/],
    [{ nodes: [], connections: [{ ...wire, channel: "middle" }] }, /"channel"/],
    [{ nodes: [], connections: [{ ...wire, feedback: 1 }] }, /"feedback"/],
  ];
  for (const [session, pattern] of cases) {
    const error = refusal(session);
    assert.is(error.code, "session/value");
    assert.match(error.message, pattern);
  }
});

test("two nodes of one id, two masters, and a master's name for another node are refused", () => {
  assert.is(refusal({ nodes: [sine, sine] }).code, "session/duplicate-node");
  const master = { id: "m", type: "master" };
  assert.is(refusal({ nodes: [master, { ...master, id: "n" }] }).code, "session/master");
  assert.is(refusal({ nodes: [{ id: "master", type: "sine" }] }).code, "session/master");
});

test("lists have bounds", () => {
  const many = Array.from({ length: 1025 }, (_, i) => ({ id: `n${i}`, type: "sine" }));
  assert.is(refusal({ nodes: many }).code, "session/too-large");
  assert.is(refusal({ nodes: [], connections: Array(16385).fill(wire) }).code, "session/too-large");
});

test("the session on the page about sessions is one", () => {
  const page = readFileSync(path.join(root, "docs", "sessions.md"), "utf8");
  const example = /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  assert.is(parseSession(example, "example").wires.length, 3);
});

test("a session that is cut anywhere is refused in one sentence", () => {
  const text = JSON.stringify({ bpm: 100, nodes: [sine], connections: [wire] });
  for (let length = 0; length < text.length; length++) {
    try {
      parseSession(text.slice(0, length), "cut.json");
      assert.unreachable(String(length));
    } catch (error) {
      assert.is((error as BelljarError).code, "session/json");
    }
  }
});

test.run();
