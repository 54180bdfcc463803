// What `belljar inspect` says of plugins that are accepted, that refuse, and that are wrong.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  EVENTS_IN,
  knob,
  STEREO_IN,
  STEREO_OUT,
  type SmallPlugin,
  smallPluginText,
} from "../sandbox/small-plugin.ts";
import { wat } from "../wat.ts";
import { belljar, refused, workFolder } from "./program.ts";

const folder = workFolder();
const writePlugin = (name: string, plugin: SmallPlugin) =>
  writeFileSync(join(folder, `${name}.wasm`), wat(smallPluginText(plugin)));
const inspect = (name: string, ...more: string[]) => belljar(["inspect", `./${name}.wasm`, ...more], folder);
const readJson = async (name: string) => JSON.parse((await inspect(name, "--json")).stdout);

test("a layout that is wrong, or a plugin that stops when it is activated, is refused with the facts", async () => {
  writePlugin("layout", { layout: { 8: 1 } });
  writePlugin("traps", { activate: "(unreachable)" });
  for (const [name, code, words] of [
    ["layout", "plugin/layout", "it has 1 audio buffers; the descriptor has 2"],
    ["traps", "plugin/unreachable", "unreachable instruction"],
  ] as const) {
    const { stdout, stderr } = await refused(code, ["inspect", `./${name}.wasm`], folder);
    assert.match(stderr, words);
    assert.match(stdout, /^audio_out +audio_stereo +output/m);
    assert.match(stdout, /^SHA-256 +[0-9a-f]{64}$/m);
    assert.match(stdout, new RegExp(`^Activation +.*${words}`, "m"));
    const program = await readJson(name);
    assert.is(program.accepted, false);
    assert.is(program.error.code, code);
    assert.is(program.descriptor.id, "test.small");
  }
});

test("a plugin that refuses activation as it is, in its own words, is accepted", async () => {
  writePlugin("needs", {
    activate: "(i32.const 0)",
    functions: `(data (i32.const 640) "\\88\\02\\00\\00\\11\\00\\00\\00no impulse chosen")
      (func (export "bj_error") (result i32) (i32.const 640))`,
  });
  const { code, stdout } = await inspect("needs");
  assert.is(code, 0);
  assert.match(stdout, /^Activation +refused without configuration: .*no impulse chosen/m);
  assert.match((await readJson("needs")).activation.error, "no impulse chosen");
});

test("an export that is nearly one of the contract's is noted with its name", async () => {
  writePlugin("misspelt", { functions: '(func (export "bj_state_sav") (result i32) (i32.const 0))' });
  const { code, stdout } = await inspect("misspelt");
  assert.is(code, 0);
  assert.match(
    stdout,
    "Note: It exports bj_state_sav, which no host calls; is it meant to be bj_state_save?",
  );
  assert.equal((await readJson("misspelt")).notes.length, 1);
});

test("settings that no function takes are noted", async () => {
  writePlugin("deaf", {
    config: [
      { id: "voices", display_name: "Voices", type: "integer" },
      { id: "sample", display_name: "Sample", type: "filepath" },
    ],
    ports: [STEREO_IN, STEREO_OUT, knob("curve", { hint: "graph_editor", graph_type: "eq_curve" })],
  });
  const { notes } = await readJson("deaf");
  assert.equal(notes, [
    'It has the config parameter "voices" and does not export bj_configure.',
    'It has the config parameter "sample" and does not export bj_configure_file.',
    'It has the graph editor "curve" and does not export bj_graph_get and bj_graph_set.',
  ]);
  writePlugin("plain", {});
  assert.equal((await readJson("plain")).notes, []);
});

test("what is special about controls and presets is shown, and what is not special is not", async () => {
  writePlugin("special", {
    ports: [
      STEREO_IN,
      EVENTS_IN,
      STEREO_OUT,
      knob("cutoff", { skew: 3, smoothing: 20 }),
      knob("off", { hint: "toggle", default: 0, bypass: true }),
      knob("plain"),
    ],
    descriptor: { latency: 64, presets: [{ name: "Warm", params: { cutoff: 0.25, off: 1 } }] },
  });
  const { stdout } = await inspect("special");
  assert.match(stdout, /^CONTROL .* MORE /m);
  assert.match(stdout, /^cutoff +.*skew 3, glides 20 ms/m);
  assert.match(stdout, /^off +.*bypass/m);
  assert.match(stdout, /^Warm +cutoff=0\.25, off=on$/m);
  assert.match(stdout, /^Latency +0 frames at 48000 Hz, in place of the 64 declared$/m);
  writePlugin("neutral", { ports: [STEREO_IN, STEREO_OUT, knob("plain")] });
  assert.not.match((await inspect("neutral")).stdout, /MORE|PRESET|Note/);
});

test("in JSON, ports of sound and events have no fields of controls", async () => {
  writePlugin("ports", { ports: [STEREO_IN, EVENTS_IN, STEREO_OUT, knob("a")] });
  const { ports } = (await readJson("ports")).descriptor;
  for (const port of ports.slice(0, 3)) {
    assert.equal(Object.keys(port).sort(), ["display_name", "doc", "group", "id", "role", "type"]);
  }
  assert.is(ports[3].max, 1);
});

test.run();
