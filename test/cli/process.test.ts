// `belljar process`: values at a time, presets, state, and what it says of monitors and events.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readWav } from "../../runtime/player/wav-reader.ts";
import {
  AT,
  bufferAt,
  EVENTS_IN,
  EVENTS_OUT,
  knob,
  STEREO_IN,
  STEREO_OUT,
  type SmallPlugin,
  smallPluginText,
} from "../sandbox/small-plugin.ts";
import { wat } from "../wat.ts";
import { belljar, refused, workFolder, writeNote, writeRamp } from "./program.ts";

const folder = workFolder();
const at = (name: string) => join(folder, name);
const writePlugin = (name: string, plugin: SmallPlugin) =>
  writeFileSync(at(name), wat(smallPluginText(plugin)));
const left = (name: string): Float32Array => readWav(readFileSync(at(name)), name).samples[0] as Float32Array;

writeRamp(at("in.wav"));
writeNote(at("note.mid"));

/** Left is the knob's value at each frame. */
const FOLLOWER: SmallPlugin = {
  ports: [STEREO_IN, STEREO_OUT, knob("level"), knob("other")],
  process: `(local $i i32) (local $event i32) (local $value f32)
    (local.set $event (i32.const ${AT.eventsIn}))
    (local.set $events (i32.add (local.get $event) (i32.shl (local.get $events) (i32.const 5))))
    (local.set $value (f32.load (i32.const ${AT.controlsIn})))
    (loop $frame
      (block $done (loop $next
        (br_if $done (i32.ge_u (local.get $event) (local.get $events)))
        (br_if $done (i32.ne (i32.load (local.get $event)) (local.get $i)))
        (if (i32.eq (i32.load offset=4 (local.get $event)) (i32.const ${6 | (2 << 16)})) (then
          (local.set $value (f32.demote_f64 (f64.load offset=24 (local.get $event))))))
        (local.set $event (i32.add (local.get $event) (i32.const 32)))
        (br $next)))
      (f32.store offset=${bufferAt(1)} (i32.shl (local.get $i) (i32.const 2)) (local.get $value))
      (br_if $frame (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $frames))))
    (i32.const 0)`,
};

test("a value with a time holds from its exact frame on, with and without room for events", async () => {
  writePlugin("follower.wasm", FOLLOWER);
  writePlugin("deaf.wasm", { ...FOLLOWER, layout: { 32: 0 } });
  const values = ["level=0.25", "level@0.02=1", "level@0.01=75%", "other@0.01=0", "level@0.02=0.125"];
  for (const plugin of ["follower", "deaf"]) {
    for (const block of ["128", "1000"]) {
      const params = values.flatMap((value) => ["--param", value]);
      const args = ["process", `./${plugin}.wasm`, "in.wav", "out.wav", "--block", block, ...params];
      const { code, stderr } = await belljar(args, folder);
      assert.is(code, 0, stderr);
      assert.is(stderr, "");
      const wanted = (i: number) => (i < 480 ? 0.25 : i < 960 ? 0.75 : 0.125);
      assert.is(left("out.wav").length, 2000);
      assert.is(
        left("out.wav").findIndex((x, i) => x !== wanted(i)),
        -1,
        `${plugin}, blocks of ${block}`,
      );
    }
  }
});

test("a value with a time that is none, or lies behind the end, is said", async () => {
  const process = (param: string) => ["process", "./follower.wasm", "in.wav", "out.wav", "--param", param];
  await refused("usage/value", process("level@soon=1"), folder);
  await refused("usage/value", process("level@-1=1"), folder);
  await refused("plugin/port", process("lvel@1=1"), folder);
  await refused("plugin/value", process("level@1=2"), folder);
  const { code, stderr } = await belljar(process("level@1=1"), folder);
  assert.is(code, 0);
  assert.match(stderr, "1 of the values of --param lie behind the end");
});

test("a preset's values hold where no other is given", async () => {
  const presets = [
    { name: "Half Way", params: { level: 0.5, other: 0 } },
    { name: "Full", params: { level: 1 } },
  ];
  writePlugin("presets.wasm", { ...FOLLOWER, descriptor: { presets } });
  const process = (...more: string[]) => ["process", "./presets.wasm", "in.wav", "out.wav", ...more];
  assert.is((await belljar(process("--preset", "Full"), folder)).code, 0);
  assert.is(left("out.wav")[1000], 1);
  assert.is((await belljar(process("--preset", "Full", "--param", "level=0.25"), folder)).code, 0);
  assert.is(left("out.wav")[1000], 0.25);
  assert.match((await refused("plugin/preset", process("--preset", "Ful"), folder)).stderr, /"Full"/);
});

test("state is saved, and given back", async () => {
  // Its state is one byte: how often it has been loaded, and the left channel is that byte.
  const byte = 700;
  writePlugin("stateful.wasm", {
    functions: `(data (i32.const 640) "\\bc\\02\\00\\00\\01\\00\\00\\00")
      (func (export "bj_state_save") (result i32) (i32.const 640))
      (func (export "bj_state_load") (param $at i32) (param $length i32) (result i32)
        (if (i32.ne (local.get $length) (i32.const 1)) (then (return (i32.const -3))))
        (i32.store8 (i32.const ${byte}) (i32.add (i32.load8_u (local.get $at)) (i32.const 1)))
        (i32.const 0))`,
    process: `(f32.store (i32.const ${bufferAt(1)}) (f32.convert_i32_u (i32.load8_u (i32.const ${byte}))))
      (i32.const 0)`,
  });
  const process = (...more: string[]) => ["process", "./stateful.wasm", "in.wav", "out.wav", ...more];
  const first = await belljar(process("--save-state", "one.state"), folder);
  assert.is(first.code, 0, first.stderr);
  assert.equal([...readFileSync(at("one.state"))], [0]);
  assert.is((await belljar(process("--state", "one.state", "--save-state", "two.state"), folder)).code, 0);
  assert.equal([...readFileSync(at("two.state"))], [1]);
  assert.is(left("out.wav")[0], 1);
  writeFileSync(at("wrong.state"), "long");
  await refused("plugin/refused", process("--state", "wrong.state"), folder);
  await refused("file/not-found", process("--state", "missing.state"), folder);
  await refused("usage/same-file", process("--state", "one.state", "--save-state", "one.state"), folder);
  const save = ["in.wav", "out.wav", "--save-state", "none.state"];
  await refused("usage/state", ["process", "./follower.wasm", ...save], folder);
  const { code, stderr } = await belljar(["process", "gain", ...save], folder);
  assert.is(code, 0);
  assert.match(stderr, "gain has no state now, so none.state was not written.");
});

test("the report has what monitors showed, and the events that were sent", async () => {
  // One monitor counts blocks down from 3; each event that comes in is sent on.
  writePlugin("shows.wasm", {
    ports: [
      EVENTS_IN,
      EVENTS_OUT,
      STEREO_OUT,
      { ...knob("level"), role: "monitor", min: -9, max: 9, default: 0 },
    ],
    functions: "(global $left (mut f32) (f32.const 3))",
    process: `
      (f32.store (i32.const ${AT.controlsOut}) (global.get $left))
      (global.set $left (f32.sub (global.get $left) (f32.const 1)))
      (memory.copy (i32.const ${AT.eventsOut}) (i32.const ${AT.eventsIn}) (i32.shl (local.get $events) (i32.const 5)))
      (if (local.get $events) (then (i32.store16 offset=6 (i32.const ${AT.eventsOut}) (i32.const 1))))
      (i32.shl (local.get $events) (i32.const 8))`,
  });
  const args = [
    "process",
    "./shows.wasm",
    "out.wav",
    "--midi",
    "note.mid",
    "--seconds",
    "0.01",
    "--tail",
    "0",
  ];
  const { monitors, eventsOut } = JSON.parse((await belljar([...args, "--json"], folder)).stdout);
  assert.equal(monitors, [{ id: "level", last: 0, largest: 3 }]);
  assert.equal(eventsOut, { NoteOn: 1 });
  const { stdout } = await belljar(args, folder);
  assert.match(stdout, /^MONITOR +LAST +LARGEST\nlevel +0 +3$/m);
  assert.match(stdout, /^Events sent: 1 NoteOn$/m);
  assert.not.match(
    (await belljar(["process", "gain", "in.wav", "out.wav"], folder)).stdout,
    /MONITOR|Events/,
  );
});

test.run();
