// The settings of the sound card's sink: what they may be, where they come from, and which program they lead to.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  configPath,
  DEFAULT_SINK,
  readSinkConfig,
  type SinkConfig,
  sidecarCommand,
} from "../../runtime/output/sink-config.ts";
import { root, skip } from "../root.ts";

const folder = mkdtempSync(join(tmpdir(), "belljar-sink-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** "code: sentence" of what is refused. */
function refusal(given: unknown): string {
  try {
    readSinkConfig(given, "it");
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
  return "nothing was refused";
}

test("what is not said is as documented; nothing that is read changes the defaults", () => {
  const config = readSinkConfig({}, "it");
  assert.equal(config, { ...DEFAULT_SINK });
  config.sidecar_args.push("--loud");
  config.device = "other";
  assert.equal(readSinkConfig({}, "it"), { ...DEFAULT_SINK });
  assert.equal(DEFAULT_SINK.sidecar_args, []);
});

test("the defaults of a sink that goes by the name of ASIO are those it has always had", () => {
  const { sidecar_path, sidecar_args, buffer_size_frames, ring_capacity_ms, preferred_chunk_frames } =
    DEFAULT_SINK;
  assert.equal(
    [sidecar_path, sidecar_args, buffer_size_frames, ring_capacity_ms, preferred_chunk_frames],
    [null, [], null, 250, 256],
  );
  assert.is(DEFAULT_SINK.flush_timeout_ms, 400);
});

const ENDS: [keyof SinkConfig, unknown[], unknown[]][] = [
  ["sidecar_path", [null, "bin/sidecar", "s"], ["", 1, "x".repeat(4097), []]],
  ["sidecar_args", [[], ["--portaudio", "x"]], ["--portaudio", null, [1], [""], Array(65).fill("x")]],
  ["buffer_size_frames", [null, 1, 65_536], [0, 65_537, 1.5, "128", true]],
  ["ring_capacity_ms", [20, 20_000], [19, 20_001, null, 20.5]],
  ["preferred_chunk_frames", [16, 8192], [15, 8193, null]],
  ["flush_timeout_ms", [0, 60_000], [-1, 60_001, null]],
  ["device", [null, "null", "wav:x.wav"], ["", 7]],
  ["sample_format", ["float32", "int32", "int24", "int16"], ["float64", null, 16]],
  ["fit", ["nearest", "fixed", "match"], ["exact", null]],
  ["exclusive", [true, false], [1, "true", null]],
  ["fallback_to_default", [true, false], [0, "no", null]],
];

test("each setting takes what it should, to the ends of its range, and refuses by its name what lies beyond", () => {
  assert.equal(ENDS.map(([key]) => key).sort(), Object.keys(DEFAULT_SINK).sort());
  for (const [key, good, bad] of ENDS) {
    for (const value of good) assert.equal(readSinkConfig({ [key]: value }, "it")[key], value);
    for (const value of bad) {
      assert.match(
        refusal({ [key]: value }),
        new RegExp(`^config/value: it: "${key}" must be [^]*, not `),
        JSON.stringify(value).slice(0, 60),
      );
    }
  }
});

test("settings that are not known, and what are no settings at all", () => {
  assert.match(refusal({ ring_capacity: 250 }), /^config\/key: it has the setting "ring_capacity", which is/);
  assert.match(refusal(JSON.parse('{ "__proto__": {} }')), /^config\/key: it has the setting "__proto__"/);
  assert.match(refusal({ "a\u001b[2J": 1 }), /^config\/key: it has the setting "a[^\u001b]*", which is/);
  for (const given of [null, [], "text", 5])
    assert.is(refusal(given), "config/value: it must hold an object.");
});

test("a sidecar is an absolute path, or lies in the installation's folder or its bin/, in this order", () => {
  const installed = join(folder, "installed");
  mkdirSync(join(installed, "bin"), { recursive: true });
  const paths = [join(installed, "bin", "a.js"), join(installed, "both"), join(installed, "bin", "both")];
  for (const path of paths) writeFileSync(path, "");
  const command = (sidecar_path: string | null, args: string[] = []) =>
    sidecarCommand({ ...DEFAULT_SINK, sidecar_path, sidecar_args: args }, installed, join(folder, "own.js"));
  // Scripts are run by this Node, anything else by itself.
  assert.equal(command(null), { program: process.execPath, args: [join(folder, "own.js")] });
  assert.equal(command("a.js", ["--x"]), {
    program: process.execPath,
    args: [join(installed, "bin", "a.js"), "--x"],
  });
  assert.equal(command("both", ["--x"]), { program: join(installed, "both"), args: ["--x"] });
  assert.is(command("bin/both").program, join(installed, "bin", "both"));
  assert.is(command(join(installed, "both")).program, join(installed, "both"));
  // A folder is passed over.
  mkdirSync(join(installed, "folder"));
  writeFileSync(join(installed, "bin", "folder"), "");
  assert.is(command("folder").program, join(installed, "bin", "folder"));
  for (const missing of ["none", join(folder, "none.js"), "../own.js", "bin", installed]) {
    assert.throws(() => command(missing), /^There is no sidecar "/);
  }
});

test("the configuration lies where each system keeps such things", () => {
  if (process.platform === "win32") return skip("paths are put together in this system's way");
  assert.is(configPath({ HOME: "/h" }, "linux"), "/h/.config/belljar/config.json");
  assert.is(configPath({ HOME: "/h", XDG_CONFIG_HOME: "/c" }, "linux"), "/c/belljar/config.json");
  assert.is(configPath({ HOME: "/h" }, "darwin"), "/h/Library/Application Support/belljar/config.json");
  assert.ok(configPath({ APPDATA: "/a" }, "win32").replaceAll("\\", "/").endsWith("/a/belljar/config.json"));
});

test("the document names every setting, with its default and its range", () => {
  const text = readFileSync(join(root, "docs", "live.md"), "utf8");
  const rows = new Map(
    [...text.matchAll(/^\| `(\w+)` \| `([^`]+)` \| ([^|]+) \|/gm)].map(([, key, value, range]) => [
      key as string,
      [value as string, (range as string).trim()],
    ]),
  );
  assert.equal([...rows.keys()].sort(), Object.keys(DEFAULT_SINK).sort());
  for (const [key, [value, range]] of rows) {
    assert.equal(JSON.parse(value as string), DEFAULT_SINK[key as keyof SinkConfig], key);
    // The range as the error says it.
    const said = refusal({ [key]: { no: "value" } });
    assert.ok(said.includes(`must be ${(range as string).replaceAll("`", "")}, not`), `${range}: ${said}`);
  }
});

test.run();
