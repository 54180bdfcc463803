// The program when it is interrupted, or when nobody reads what it says.

import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root, skip } from "../root.ts";
import { workFolder } from "./program.ts";

const folder = workFolder();
const program = join(root, "dist", "cli.js");
const wire = (from: string, to: string) => {
  return { from_node: from, from_port: "audio_out", to_node: to, to_port: "audio_in" };
};
const nodes = [{ id: "a", type: "delay" }];
writeFileSync(join(folder, "session.json"), JSON.stringify({ nodes, connections: [wire("a", "master")] }));

const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.on("exit", resolve));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} in the midst of a render ends it with 130 and removes what was written`, async () => {
    if (process.platform === "win32") return skip("Windows has no signals of this kind");
    const args = [program, "render", "session.json", "--seconds", "80000", "-o", "out.wav"];
    const child = spawn(process.execPath, args, { cwd: folder, stdio: "ignore" });
    const end = ended(child);
    // The unfinished file appears when the render begins.
    while (child.exitCode === null && readdirSync(folder).length < 2) await setTimeout(10);
    child.kill(signal);
    assert.is(await end, 130);
    assert.equal(readdirSync(folder), ["session.json"]);
  });
}

test("a reader that goes away early is no error", async () => {
  const child = spawn(process.execPath, [program, "inspect", "delay", "--json"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.destroy();
  let said = "";
  child.stderr.on("data", (text) => (said += text));
  assert.is(await ended(child), 0);
  assert.is(said, "");
});

test.run();
