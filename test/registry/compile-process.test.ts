// The compiling process keeps no program alive, and does not outlive it. This file is also the program that is watched.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { COMPILE_LIMITS } from "../../runtime/registry/compile.ts";
import { CompileChild } from "../../runtime/registry/compile-process.ts";
import { harmless, loopNest } from "./bombs.ts";

const role = process.env["BELLJAR_TEST_ROLE"];

if (role === undefined) {
  test("a program that has compiled something ends by itself, and the compiling process with it", async () => {
    const { program, pid } = await start("finish");
    assert.is(await ended(program), 0);
    assert.ok(await isGone(pid));
  });

  test("a program that is killed takes an idle compiling process with it", async () => {
    const { program, pid } = await start("stay");
    program.kill("SIGKILL");
    await ended(program);
    assert.ok(await isGone(pid));
  });

  test("a program that is killed takes a compiling process with it that is at work", async () => {
    const { program, pid } = await start("work");
    program.kill("SIGKILL");
    await ended(program);
    assert.ok(await isGone(pid));
  });

  test("an idle compiling process that was ended from outside is replaced", async () => {
    const child = new CompileChild();
    assert.is((await child.compile(harmless(), COMPILE_LIMITS)).kind, "compiled");
    const first = child.pid as number;
    process.kill(first, "SIGKILL");
    assert.ok(await isGone(first));
    assert.is((await child.compile(harmless(), COMPILE_LIMITS)).kind, "compiled");
    assert.is.not(child.pid, first);
  });

  test.run();
} else {
  const child = new CompileChild();
  await child.compile(harmless(), COMPILE_LIMITS);
  if (role === "stay") setInterval(() => {}, 1000);
  if (role === "work")
    void child.compile(loopNest(2000, 1000), { ...COMPILE_LIMITS, base: 1e6, most: 1e6, memory: 2 ** 40 });
  console.log(child.pid);
}

async function start(as: string): Promise<{ program: ChildProcess; pid: number }> {
  const program = spawn(process.execPath, [fileURLToPath(import.meta.url)], {
    env: { ...process.env, BELLJAR_TEST_ROLE: as },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const pid = await new Promise<number>((resolve) =>
    program.stdout?.once("data", (text) => resolve(Number(text))),
  );
  assert.ok(pid > 0);
  return { program, pid };
}

function ended(program: ChildProcess): Promise<number | null> {
  if (program.exitCode !== null || program.signalCode !== null) return Promise.resolve(program.exitCode);
  return new Promise((resolve) => program.once("exit", resolve));
}

/** Waits as long as the file's time limit allows. What only waits for its parent to hear of its end (a zombie) is gone. */
async function isGone(pid: number): Promise<boolean> {
  for (;;) {
    try {
      process.kill(pid, 0);
      if (process.platform === "linux" && / Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"))) return true;
    } catch {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
