// docs/recording.md is true: its commands and its program do what it says.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { named } from "../engine/recorded.ts";
import { root } from "../root.ts";
import { STEREO_OUT } from "../sandbox/small-plugin.ts";
import { belljar } from "./program.ts";

const text = readFileSync(join(root, "docs", "recording.md"), "utf8");
const blocks = (language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(
    ([, block]) => block as string,
  );

// Inside the repository, so that "belljar" is found as an installed package would be.
const folder = mkdtempSync(join(root, ".cache", "recording-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, "plugins"));
writeFileSync(
  join(folder, "plugins", "crunch.wasm"),
  named({
    descriptor: { id: "acme.crunch", display_name: "Crunch" },
    ports: [STEREO_OUT],
    functions: `(global $block (mut i32) (i32.const -1))
      (func $mix (drop (i32.load (i32.mul (global.get $block) (i32.const 1000000)))))`,
    process: `(global.set $block (i32.add (global.get $block) (i32.const 1)))
      (if (i32.eq (global.get $block) (i32.const 812)) (then (call $mix))) (i32.const 0)`,
  }),
);
writeFileSync(
  join(folder, "session.json"),
  JSON.stringify({
    nodes: [{ id: "crunch", type: "plugins/crunch.wasm" }],
    connections: [{ from_node: "crunch", from_port: "audio_out", to_node: "master", to_port: "audio_in" }],
  }),
);

test("its commands record and replay, and print what it shows", async () => {
  const [record = "", replay = ""] = blocks("sh").map((line) => line.trim().replace(/^belljar /, ""));
  const recorded = await belljar([...record.split(" "), "--seconds", "3"], folder);
  assert.is(recorded.code, 0, recorded.stderr);
  assert.match(recorded.stdout, "The plugin reached outside of its memory in mix during process, block 812.");
  assert.match(recorded.stderr, replay);
  const replayed = await belljar(replay.split(" "), folder);
  assert.is(replayed.code, 0, replayed.stderr);
  assert.is(replayed.stdout, blocks("text")[0]);
});

test("its program runs as it stands", () => {
  writeFileSync(join(folder, "host.mjs"), blocks("js")[0] as string);
  const said = execFileSync(process.execPath, ["host.mjs"], { encoding: "utf8", cwd: folder });
  assert.is(
    said,
    "crunch: again: The plugin reached outside of its memory in mix during process, block 812.\n",
  );
});

test.run();
