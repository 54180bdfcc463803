// The block loop makes next to no garbage: with a song, notes, parameters and meters going on, into a ring that is emptied.

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
/** Bytes a block. The smallest object with a number in it has 16: one of them in every other block is too much. */
const MOST = 8;

const SESSION = {
  nodes: [
    { id: "keys", type: "event_input" },
    { id: "song", type: "track_source", config: { input: "song" } },
    { id: "tone", type: "sine" },
    { id: "higher", type: "transpose" },
    { id: "shimmer", type: "sine" },
    { id: "echo", type: "delay" },
    { id: "volume", type: "gain" },
  ],
  connections: [
    "keys.events_out -> tone.events_in",
    "song.events_out -> higher.events_in",
    "higher.events_out -> shimmer.events_in",
    "tone -> echo",
    "shimmer -> echo",
    "echo -> volume",
    "volume -> master",
  ].map(wire),
};
const AGAIN = { ...wire("volume -> echo"), feedback: true };

/**
 * What stands in the audio thread beside its own lines: at the end of two blocks it has V8 collect the young garbage. Of
 * every collection from the first to the second, whoever asked for it, V8 says what its heap held before and after. In the
 * warm-up it does so time and again: what compiled code does for the first time, it is thrown away and compiled again for.
 */
const HEAD = `
import * as belljarV8 from "node:v8";
let belljarProfiler: any;
function belljarWeigh(block: number): void {
  if (block <= ${WARM_UP} && block % 500 === 0) {
    belljarProfiler?.stop();
    belljarProfiler = new (belljarV8 as any).GCProfiler();
    belljarProfiler.start();
    (globalThis as any).gc({ type: "minor" });
  } else if (block === ${WARM_UP + BLOCKS}) {
    (globalThis as any).gc({ type: "minor" });
    (process as any)._rawDebug(JSON.stringify(belljarProfiler.stop().statistics));
  }
}
`;
const END = /words\.endBlock\([^)]*\);/g;
const WEIGHED = "$& belljarWeigh(words.load(Word.Blocks));";

interface Collection {
  beforeGC: { heapStatistics: { usedHeapSize: number } };
  afterGC: { heapStatistics: { usedHeapSize: number } };
}

/** Bytes made between the first collection and the last. */
function made(collections: Collection[]): number {
  let bytes = 0;
  for (const [i, { beforeGC }] of collections.entries()) {
    const before = collections[i - 1];
    if (before !== undefined) {
      bytes += beforeGC.heapStatistics.usedHeapSize - before.afterGC.heapStatistics.usedHeapSize;
    }
  }
  return bytes;
}

async function build(): Promise<string> {
  const { common } = await import(pathToFileURL(join(root, "scripts", "bundle.mjs")).href);
  const esbuild = await import("esbuild");
  const outdir = join(root, ".cache", "live", `${process.pid}-allocation`);
  mkdirSync(outdir, { recursive: true });
  process.on("exit", () => rmSync(outdir, { recursive: true, force: true }));
  const file = join(root, "runtime", "engine", "live", "audio-thread.ts");
  const weighing = {
    name: "weighing",
    setup(build_: import("esbuild").PluginBuild) {
      build_.onLoad({ filter: /audio-thread\.ts$/ }, () => {
        const text = readFileSync(file, "utf8");
        assert.is(text.match(END)?.length, 1);
        const contents = HEAD + text.replace(END, WEIGHED);
        return { contents, loader: "ts" as const, resolveDir: join(file, "..") };
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
  return join(outdir, "free-run.js");
}

test(`fewer than ${MOST} bytes a block`, async () => {
  const program = await build();
  // Functions are compiled where they are called for: else what code that is not yet compiled makes in the meantime would
  // depend on how busy the machine is.
  const flags = ["--expose-gc", "--no-concurrent-recompilation"];
  const session = { ...SESSION, connections: [...SESSION.connections, AGAIN] };
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...flags, program, JSON.stringify(session), String(WARM_UP), String(BLOCKS)],
    { encoding: "utf8", timeout: 110_000 },
  );
  assert.is(status, 0, `${stdout}\n${stderr}`);
  const { sent, peak, heard, unheard, events } = JSON.parse(stdout);
  assert.equal(events, []);
  assert.ok(sent >= 2 * 2000 && peak > 0 && unheard === 0, stdout);
  assert.ok(heard >= (WARM_UP + BLOCKS) * 128, stdout);
  const collections = JSON.parse(stderr.split("\n").find((line) => line.startsWith("[")) ?? "[]");
  assert.ok(collections.length >= 2, stderr);
  const each = made(collections) / BLOCKS;
  assert.ok(each < MOST, `${each.toFixed(2)} bytes a block, in ${collections.length} collections`);
});

test.run();
