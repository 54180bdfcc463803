import { test } from "uvu";
import * as assert from "uvu/assert";
import type { BelljarError } from "../../abi/error.ts";
import { resolveWires, type WireSpec } from "../../runtime/graph/wiring.ts";
import { port, w } from "./fakes.ts";

const nodes = [
  { id: "synth", ports: ["notes:in event", "level:in control", "audio_out:out stereo"].map(port) },
  {
    id: "fx",
    ports: ["audio_in:in stereo", "key:side mono", "audio_out:out stereo", "meter:monitor control"].map(port),
  },
  { id: "lfo", ports: ["value:out control", "mono_out:out mono"].map(port) },
];

function refusal(...wires: WireSpec[]): BelljarError {
  try {
    resolveWires(nodes, wires);
  } catch (error) {
    return error as BelljarError;
  }
  throw new Error("nothing was refused");
}

test("wires become indices of nodes and ports", () => {
  assert.equal(
    resolveWires(nodes, [
      w("synth.audio_out -> fx.audio_in"),
      w("lfo.value -> synth.level", { feedback: true }),
    ]),
    [
      { kind: "audio", from: 0, fromPort: 2, to: 1, toPort: 0, channel: "sum", feedback: false },
      { kind: "control", from: 2, fromPort: 0, to: 0, toPort: 1, channel: "sum", feedback: true },
    ],
  );
});

test("a sidechain is an input", () => {
  assert.is(resolveWires(nodes, [w("lfo.mono_out -> fx.key")])[0]?.toPort, 1);
});

test("an unknown node is named, and the nearest is proposed", () => {
  const error = refusal(w("synht.audio_out -> fx.audio_in"));
  assert.is(error.code, "session/unknown-node");
  assert.match(error.message, '"synht"');
  assert.match(error.hint, 'Did you mean "synth"?');
});

test("an unknown port is named, and the node's ports are listed", () => {
  const error = refusal(w("synth.audio_out -> fx.side"));
  assert.is(error.code, "session/unknown-port");
  assert.match(error.message, "synth.audio_out -> fx.side");
  assert.match(error.hint, '"audio_in", "key"');
});

test("wires of different types are refused", () => {
  const error = refusal(w("lfo.value -> fx.audio_in"));
  assert.is(error.code, "session/wire-type");
  assert.match(error.message, "a control output to an audio_stereo input");
  assert.is(refusal(w("synth.audio_out -> synth.notes")).code, "session/wire-type");
});

test("wires lead from outputs to inputs, never from a monitor", () => {
  assert.is(refusal(w("fx.audio_in -> fx.key")).code, "session/wire-direction");
  assert.is(refusal(w("synth.audio_out -> fx.audio_out")).code, "session/wire-direction");
  assert.match(refusal(w("fx.meter -> synth.level")).message, "a monitor of");
});

test("a channel is chosen only where stereo meets mono", () => {
  assert.is(resolveWires(nodes, [w("synth.audio_out -> fx.key", { channel: "left" })])[0]?.channel, "left");
  assert.is(refusal(w("synth.audio_out -> fx.audio_in", { channel: "left" })).code, "session/wire-channel");
  assert.is(refusal(w("lfo.mono_out -> fx.key", { channel: "left" })).code, "session/wire-channel");
});

test("the same wire twice is refused, and so are two nodes of one name", () => {
  const wire = w("synth.audio_out -> fx.audio_in");
  assert.is(refusal(wire, wire).code, "session/duplicate-wire");
  assert.throws(
    () => resolveWires([...nodes, { id: "fx", ports: [] }], []),
    (error: BelljarError) => error.code === "session/duplicate-node",
  );
});

test("names from a stranger are made safe to print", () => {
  const error = refusal({ from: "\u001b[31mx", fromPort: "a", to: "fx", toPort: "key" });
  assert.not.match(error.message, "\u001b");
});

test("ids that an object would inherit are ordinary ids", () => {
  assert.is(refusal(w("__proto__.out -> fx.key")).code, "session/unknown-node");
  assert.is(refusal(w("synth.constructor -> fx.key")).code, "session/unknown-port");
  assert.equal(
    resolveWires(
      [{ id: "__proto__", ports: [port("out:out mono")] }, nodes[1] as never],
      [w("__proto__.out -> fx.key")],
    ).length,
    1,
  );
});

test.run();
