// What plugins log reaches the person who runs them, and a report; a flood of it reaches neither.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { LogLines } from "../../runtime/cli/log.ts";
import { STEREO_IN, STEREO_OUT, type SmallPlugin, smallPluginText } from "../sandbox/small-plugin.ts";
import { wat } from "../wat.ts";
import { belljar, workFolder, writeRamp } from "./program.ts";

const folder = workFolder();
writeRamp(join(folder, "in.wav"));

/** A plugin that says "hello" with an escape sequence behind it, as a warning, so many times in each block. */
const talker = (times: number, more: SmallPlugin = {}): SmallPlugin => ({
  ports: [STEREO_IN, STEREO_OUT],
  imports: '(import "belljar" "host_log" (func $log (param i32 i32 i32)))',
  functions: `(data (i32.const 640) "hello\\1b[31m")
    (func $say (local $i i32) (loop $again
      (call $log (i32.const 1) (i32.const 640) (i32.const 10))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${times})))))`,
  process: "(call $say) (i32.const 0)",
  ...more,
});
const writePlugin = (name: string, plugin: SmallPlugin) =>
  writeFileSync(join(folder, name), wat(smallPluginText(plugin)));

writePlugin("talker.wasm", talker(1));
writePlugin("flood.wasm", talker(100));

test("process prints a plugin's lines with its id and their level, and no control characters", async () => {
  const { code, stderr } = await belljar(["process", "./talker.wasm", "in.wav", "out.wav"], folder);
  assert.is(code, 0, stderr);
  const lines = stderr.trimEnd().split("\n");
  assert.ok(lines.length > 1);
  assert.ok(lines.every((line) => line === "test.small: [warning] hello\ufffd[31m"));
});

test("of a flood it prints the first lines, and how many it left out", async () => {
  const { stderr } = await belljar(["process", "./flood.wasm", "in.wav", "out.wav"], folder);
  const lines = stderr.trimEnd().split("\n");
  assert.is(lines.filter((line) => line.startsWith("test.small: [warning] hello")).length, 20);
  const after = lines.slice(20).sort();
  assert.match(after[0], /^belljar: [0-9]+ log lines of "test\.small" were dropped \(logLines\)\.$/);
  assert.is(after[1], "test.small: 80 more lines left out", "of the 100 that may pass in a second of sound");
  assert.is(lines.length, 22);
});

test("a plugin that refuses to be activated is still heard", async () => {
  writePlugin("refuses.wasm", talker(1, { activate: "(call $say) (i32.const 0)" }));
  const { code, stderr } = await belljar(["process", "./refuses.wasm", "in.wav", "out.wav"], folder);
  assert.is(code, 2);
  assert.match(stderr, /^test\.small: \[warning\] hello/);
});

test("render prints lines with their node's name; the report has them, within bounds", async () => {
  const session = {
    nodes: [
      { id: "in", type: "file_source" },
      { id: "lead", type: "flood.wasm" },
      { id: "echo", type: "talker.wasm" },
    ],
    connections: [
      { from_node: "in", from_port: "audio_out", to_node: "lead", to_port: "audio_in" },
      { from_node: "in", from_port: "audio_out", to_node: "echo", to_port: "audio_in" },
    ],
  };
  writeFileSync(join(folder, "session.json"), JSON.stringify(session));
  const args = ["render", "session.json", "--input", "in=in.wav", "--json", "--limit", "logLines=10000"];
  const { code, stdout, stderr } = await belljar(args, folder);
  assert.is(code, 0, stderr);
  assert.match(stderr, /^lead: \[warning\] hello/m);
  assert.match(stderr, /^echo: \[warning\] hello/m);
  assert.match(stderr, /^lead: [0-9]+ more lines left out$/m);
  const { log, logLeftOut } = JSON.parse(stdout);
  assert.is(log.length, 1000);
  assert.ok(logLeftOut > 0);
  assert.equal(Object.keys(log[0]).sort(), ["from", "level", "seconds", "text"]);
  assert.equal([log[0].from, log[0].level, log[0].text], ["lead", "warning", "hello\ufffd[31m"]);
});

test("each second of sound, and each plugin, has room for lines of its own", () => {
  const lines: string[] = [];
  const log = new LogLines((line) => lines.push(line));
  for (let second = 0; second < 3; second++) {
    for (let i = 0; i < 25; i++) {
      log.take("a", "x", 0, second + 0.5);
      log.take("b", "y", 9, second + 0.5);
    }
  }
  log.end();
  log.end();
  assert.is(lines.filter((line) => line === "a: [error] x").length, 60);
  assert.is(lines.filter((line) => line === "b: [debug] y").length, 60);
  assert.is(lines.filter((line) => line === "a: 5 more lines left out").length, 3);
  assert.is(log.records.length + log.unrecorded, 150);
});

test.run();
