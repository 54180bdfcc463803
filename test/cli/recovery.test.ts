// `belljar render` with plugins that stop: what it prints, reports and exits with.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { exactClock } from "../../runtime/cli/recovery-lines.ts";
import { AT, knob, smallPlugin, STEREO_OUT } from "../sandbox/small-plugin.ts";
import { belljar, refused, workFolder } from "./program.ts";

const folder = workFolder();
/** Traps in its 101st block. */
writeFileSync(
  join(folder, "short.wasm"),
  smallPlugin({
    ports: [knob("level"), STEREO_OUT],
    functions: "(global $block (mut i32) (i32.const 0))",
    process: `(global.set $block (i32.add (global.get $block) (i32.const 1)))
      (if (i32.gt_s (global.get $block) (i32.const 100)) (then (drop (i32.load (i32.const -1)))))
      (f32.store (i32.const ${AT.buffers}) (f32.load (i32.const ${AT.controlsIn}))) (i32.const 0)`,
  }),
);
const session = (name: string, node: object): string => {
  const nodes = [{ id: "short", type: "short.wasm", ...node }];
  const wire = { from_node: "short", from_port: "audio_out", to_node: "master", to_port: "audio_in" };
  writeFileSync(
    join(folder, name),
    JSON.stringify({ sample_rate: 8000, block_size: 80, nodes, connections: [wire] }),
  );
  return name;
};

test("each fault, return and end is a line with its place in the sound, and all are in the report", async () => {
  const file = session("restore.json", { on_fault: "restore" });
  const args = ["render", file, "--seconds", "10", "--fingerprint"];
  const { code, stdout, stderr } = await belljar(args, folder);
  assert.is(code, 0, stderr);
  const lines = stderr.trimEnd().split("\n");
  assert.is(lines.length, 6 + 5 + 1, stderr);
  assert.match(
    lines[0] ?? "",
    /^short: \[fault\] at 0:01\.000: The plugin reached outside of its memory in .*, block 100\.$/,
  );
  assert.equal(lines[1], "short: [replaced] at 0:01.010: It is restored after 0.010 s.");
  assert.equal(lines[3], "short: [replaced] at 0:02.120: It is restored after 0.110 s.");
  assert.equal(lines[11], "short: [off] at 0:07.560: It stays off: it was replaced 5 times within 60 s.");
  assert.match(stdout, /out-of-bounds, at 0:08, 6 times, off/);
  assert.match(stdout, /It was replaced 5 times\. It stays off: it was replaced 5 times within 60 s\./);
  const strict = await belljar([...args, "--json", "--strict"], folder);
  assert.is(strict.code, 1);
  const report = JSON.parse(strict.stdout);
  const [node] = report.nodes;
  assert.equal([node.faultCount, node.faults.length, node.replacements, node.state], [6, 6, 5, "off"]);
  assert.equal(
    report.recovery.map(({ what }: { what: string }) => what),
    [...Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? "fault" : "replaced")), "fault", "off"],
  );
  assert.match(stdout, report.fingerprint);
});

test("--on-fault goes before the session; where a plugin stays off, the table alone says so", async () => {
  const file = session("restart.json", { on_fault: "restart" });
  const off = await belljar(["render", file, "--seconds", "2", "--fingerprint", "--on-fault", "off"], folder);
  assert.equal([off.code, off.stderr], [0, ""]);
  assert.match(off.stdout, /out-of-bounds, at 0:01\s*\n/);
  const plain = session("plain.json", {});
  const on = await belljar(
    ["render", plain, "--seconds", "1.5", "--fingerprint", "--on-fault", "restart"],
    folder,
  );
  assert.match(on.stderr, /\[replaced\] at 0:01\.010: It is restarted/);
  assert.match(on.stdout, /out-of-bounds, at 0:01, back/);
});

test("words that are none are refused with those that are", async () => {
  const outcome = await refused(
    "usage/value",
    ["render", session("a.json", {}), "--fingerprint", "--on-fault", "again"],
    folder,
  );
  assert.match(outcome.stderr, /off, restart, restore/);
  await refused(
    "session/value",
    ["render", session("b.json", { on_fault: "again" }), "--fingerprint"],
    folder,
  );
  await refused(
    "session/value",
    ["render", session("c.json", { while_faulty: "bypass" }), "--fingerprint"],
    folder,
  );
});

test("a place in the sound is told in minutes, seconds and thousandths", () => {
  for (const [seconds, text] of [
    [0, "0:00.000"],
    [1.0004, "0:01.000"],
    [59.9996, "1:00.000"],
    [65.25, "1:05.250"],
    [3723.5, "1:02:03.500"],
  ] as const) {
    assert.is(exactClock(seconds), text);
  }
});

test.run();
