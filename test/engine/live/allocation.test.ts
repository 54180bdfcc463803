// The block loop makes next to no garbage: with notes, parameters and meters going on.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root } from "../../root.ts";
import { wire } from "./rig.ts";

const WARM_UP = 5_000;
const BLOCKS = 200_000;
/** Bytes a block: 4 to 15, by the version of Node, with what V8 makes while it still compiles and 16 for each event. */
const MOST = 24;

const SESSION = {
  nodes: [
    { id: "keys", type: "event_input" },
    { id: "tone", type: "sine" },
    { id: "echo", type: "delay" },
    { id: "volume", type: "gain" },
  ],
  connections: [
    "keys.events_out -> tone.events_in",
    "tone -> echo",
    "echo -> volume",
    "volume -> master",
  ].map(wire),
};

test(`fewer than ${MOST} bytes a block`, async () => {
  const { common } = await import(pathToFileURL(join(root, "scripts", "bundle.mjs")).href);
  const esbuild = await import("esbuild");
  const outdir = join(root, ".cache", "live", `${process.pid}-allocation`);
  mkdirSync(outdir, { recursive: true });
  process.on("exit", () => rmSync(outdir, { recursive: true, force: true }));
  const file = join(root, "runtime", "engine", "live", "audio-thread.ts");
  const line = "words.endBlock(parcel.block);";
  // What the audio thread's own heap holds, at two blocks between which its young generation has room for all.
  const weigh = `${line}
    const counted = words.load(Word.Blocks);
    if (counted === ${WARM_UP} || counted === ${WARM_UP + BLOCKS}) {
      const spaces = process.getBuiltinModule?.("node:v8") ?? (globalThis as any).belljarV8;
      (process as any)._rawDebug("heap " + spaces.getHeapStatistics().used_heap_size);
    }`;
  const weighing = {
    name: "weighing",
    setup(build: import("esbuild").PluginBuild) {
      build.onLoad({ filter: /audio-thread\.ts$/ }, () => {
        const parts = readFileSync(file, "utf8").split(line);
        assert.is(parts.length, 2);
        const head = 'import * as belljarV8 from "node:v8"; (globalThis as any).belljarV8 = belljarV8;\n';
        return { contents: head + parts.join(weigh), loader: "ts" as const, resolveDir: join(file, "..") };
      });
    },
  };
  await esbuild.build({
    ...common,
    entryPoints: {
      "live-thread": "runtime/engine/live/thread.ts",
      "compile-child": "runtime/registry/compile-child.ts",
      "free-run": "test/engine/live/free-run.ts",
    },
    outdir,
    sourcemap: false,
    plugins: [weighing, ...common.plugins],
  });
  const flags = ["--min-semi-space-size=64", "--max-semi-space-size=64", "--no-concurrent-recompilation"];
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...flags, join(outdir, "free-run.js"), JSON.stringify(SESSION), root, String(BLOCKS + WARM_UP)],
    { encoding: "utf8", timeout: 100_000 },
  );
  assert.is(status, 0, `${stdout}\n${stderr}`);
  const [before = 0, after = 0] = [...stderr.matchAll(/^heap (\d+)$/gm)].map(([, bytes]) => Number(bytes));
  const each = (after - before) / BLOCKS;
  assert.ok(before > 0 && after > 0, stderr);
  assert.ok(each < MOST, `${each.toFixed(1)} bytes a block\n${stdout}`);
});

test.run();
