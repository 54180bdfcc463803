// --limit and inspect --limits, as a user meets them; and the page that lists all limits.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { LIMIT_NAMES, LIMITS } from "../../runtime/sandbox/index.ts";
import { root } from "../root.ts";
import { smallPlugin, STEREO_OUT } from "../sandbox/small-plugin.ts";
import { belljar, refused, workFolder, writeRamp } from "./program.ts";

const folder = workFolder();
writeRamp(join(folder, "in.wav"));
const session = {
  nodes: [{ id: "tone", type: "sine" }],
  connections: [{ from_node: "tone", from_port: "audio_out", to_node: "master", to_port: "audio_in" }],
};
writeFileSync(join(folder, "session.json"), JSON.stringify(session));
writeFileSync(
  join(folder, "chatter.wasm"),
  smallPlugin({
    ports: [STEREO_OUT],
    imports: '(import "belljar" "host_log" (func $log (param i32 i32 i32)))',
    process: "(call $log (i32.const 2) (i32.const 0) (i32.const 1)) (i32.const 0)",
  }),
);

/** What each command that loads plugins is called with. */
const COMMANDS: string[][] = [
  ["inspect", "gain"],
  ["process", "gain", "in.wav", "out.wav"],
  ["render", "session.json", "--fingerprint", "--seconds", "0.1"],
  ["validate", "gain", "--only", "module/loads", "--level", "1"],
];

for (const command of COMMANDS) {
  test(`${command[0]}: a limit that the plugin passes refuses it by name; a roomier one changes nothing`, async () => {
    const plain = await belljar([...command, "--limit", "functions=30000", "--limit", "ports=600"], folder);
    assert.is(plain.code, 0, plain.stderr);
    const tight = await belljar([...command, "--limit", "functions=5"], folder);
    assert.ok(tight.code === 2 || (command[0] === "validate" && tight.code === 1), tight.stderr);
    assert.match(tight.stderr + tight.stdout, /functions; the limit is 5 \(functions\)/);
    if (command[0] !== "validate") assert.match(tight.stderr, "--limit functions=");
  });

  test(`${command[0]}: a limit that there is not, or that can't be so, is bad input`, async () => {
    const unknown = await refused("usage/limit", [...command, "--limit", "function=5"], folder);
    assert.match(unknown.stderr, "Did you mean functions?");
    const bad = await refused("usage/value", [...command, "--limit", "functions=many"], folder);
    assert.match(bad.stderr, '--limit functions must be a whole number from 1 to 1000000, not "many"');
    await refused("usage/value", [...command, "--limit", "functions"], folder);
    await refused("usage/value", [...command, "--limit", "functions=0"], folder);
  });
}

test("inspect --limits lists every limit with its default", async () => {
  const { code, stdout } = await belljar(["inspect", "--limits"], folder);
  assert.is(code, 0);
  for (const name of LIMIT_NAMES) {
    const value = LIMITS[name].default.toLocaleString("en-US");
    assert.match(stdout, new RegExp(`^${name} +${value} `, "m"));
  }
  const json = JSON.parse((await belljar(["inspect", "--limits", "--json"], folder)).stdout);
  assert.equal(json, JSON.parse(JSON.stringify(LIMITS)));
  await refused("usage/superfluous", ["inspect", "--limits", "gain"], folder);
});

test("a file that is too large for a plugin says how to take it all the same", async () => {
  const { stderr } = await refused(
    "file/too-large",
    ["inspect", "gain", "--limit", "moduleBytes=1000"],
    folder,
  );
  assert.match(stderr, "--limit moduleBytes=N");
});

test("what a plugin logs in vain is counted, and told once", async () => {
  // 375 blocks a second, two seconds
  const args = ["process", "./chatter.wasm", "said.wav", "--seconds", "2", "--tail", "0"];
  const { stderr, code } = await belljar(args, folder);
  assert.is(code, 0, stderr);
  assert.match(stderr, 'belljar: 550 log lines of "test.small" were dropped (logLines).');
  assert.is(stderr.match(/were dropped/g)?.length, 1);
  const all = JSON.parse((await belljar([...args, "--json", "--limit", "logLines=1000"], folder)).stdout);
  assert.is(all.droppedLines, 0);
});

test("docs/limits.md is the table of limits", () => {
  const page = readFileSync(join(root, "docs", "limits.md"), "utf8");
  const said = page.split("\n").filter((line) => line.startsWith("| `"));
  const expected = LIMIT_NAMES.map((name) => {
    const { default: value, unit, of, why } = LIMITS[name];
    return `| \`${name}\` | ${value.toLocaleString("en-US")} | ${unit} | ${of} | ${why} |`;
  });
  assert.equal(said, expected);
});

test.run();
