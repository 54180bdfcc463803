// time limit: 300 s
// Compiling strangers' modules in the child process: what a bomb does there, and what stays of it here.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { BelljarError } from "../../abi/error.ts";
import { completeLimits, type Limits } from "../../runtime/sandbox/index.ts";
import { COMPILE_LIMITS, compileInChild, tryInChild } from "../../runtime/registry/compile.ts";
import { branchWeb, harmless, loopNest } from "./bombs.ts";

const folder = mkdtempSync(join(tmpdir(), "belljar-compile-"));
test.before.each(() => {
  process.env["BELLJAR_CACHE"] = mkdtempSync(join(folder, "cache-"));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "";
  } catch (error) {
    return (error as BelljarError).code;
  }
}

test("a harmless module comes back compiled", async () => {
  const module = await compileInChild(harmless(5));
  const instance = new WebAssembly.Instance(module);
  assert.is((instance.exports["f"] as (x: number) => number)(2), 7);
});

test("a loop nest of 21 KiB and a web of branches are stopped, by time or by memory", async () => {
  for (const bomb of [loopNest(900, 1000), branchWeb(440, 600)]) {
    assert.ok(WebAssembly.validate(bomb));
    assert.match(await codeOf(compileInChild(bomb)), /^module\/compile-(time|memory)$/);
  }
});

test("a bomb with all the memory in the world is stopped by its processor time", async () => {
  const limits = { ...COMPILE_LIMITS, memory: 2 ** 40 };
  assert.is(await codeOf(tryInChild(loopNest(900, 1000), limits)), "module/compile-time");
});

test("a bomb with all the time in the world is stopped by its memory, and this process has not grown by it", async () => {
  const before = process.memoryUsage.rss();
  const limits = { ...COMPILE_LIMITS, base: 200_000, most: 200_000 };
  assert.is(await codeOf(tryInChild(loopNest(2000, 1000), limits)), "module/compile-memory");
  assert.ok(process.memoryUsage.rss() - before < 100 * 2 ** 20);
});

test("time and memory are limits that a host sets, and a refusal names them", async () => {
  const refusal = async (limits: Partial<Limits>): Promise<BelljarError> => {
    try {
      await compileInChild(loopNest(60, 60), completeLimits(limits));
    } catch (error) {
      return error as BelljarError;
    }
    throw new Error("it compiled");
  };
  const late = await refusal({ compileSeconds: 0.01 });
  assert.is(late.code, "module/compile-time");
  assert.match(late.message, "more than 10 ms of processor time (compileSeconds)");
  assert.match(late.hint, "--limit compileSeconds=N");
  const large = await refusal({ compileMemory: 2 ** 20 });
  assert.match(`${large.message} ${large.hint}`, /compileMemory.*--limit compileMemory=N/);
});

test("after a bomb the next module compiles", async () => {
  assert.not((await codeOf(compileInChild(loopNest(2000, 1000)))) === "");
  assert.ok((await compileInChild(harmless(6))) instanceof WebAssembly.Module);
});

test("modules asked for at once wait for each other, and each gets its own verdict", async () => {
  const codes = await Promise.all(
    [harmless(1), loopNest(900, 1000), harmless(2), Uint8Array.from([0, 1, 2]), harmless(3)].map((bytes) =>
      codeOf(tryInChild(bytes, { ...COMPILE_LIMITS, memory: 2 ** 40 })),
    ),
  );
  assert.equal(codes, ["", "module/compile-time", "", "module/invalid", ""]);
});

test("a compilation that gets no processor is given up by the clock", async () => {
  assert.is(
    await codeOf(tryInChild(loopNest(500, 500), { ...COMPILE_LIMITS, wall: 1 })),
    "module/compile-time",
  );
});

test("every function is compiled before anything runs, so that no block waits for V8", async () => {
  const { exports } = new WebAssembly.Instance(await compileInChild(harmless(9)));
  setFlagsFromString("--allow-natives-syntax");
  const isCompiled = new Function("f", "return %IsLiftoffFunction(f)") as (f: unknown) => boolean;
  assert.ok(isCompiled(exports["f"]));
});

test.run();
