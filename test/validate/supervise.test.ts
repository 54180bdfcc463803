// time limit: 300 s
// The process that validates may hang or die; its parent says so and goes on.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CHECKS } from "../../runtime/validate/catalogue.ts";
import type { Check } from "../../runtime/validate/check.ts";
import { superviseChecks, superviseFuzz } from "../../runtime/validate/supervise.ts";
import { buildModel } from "../conformance/model.ts";

const folder = mkdtempSync(join(tmpdir(), "belljar-validate-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));

function checks(...ids: string[]): Check[] {
  return CHECKS.filter(({ id }) => ids.includes(id));
}

const words = (results: { check: string; word: string }[]) =>
  results.map(({ check, word }) => `${check} ${word}`);

/** A child that does as it is told in each check. */
function fakeChild(act: string): string {
  const path = join(folder, `child-${children++}.mjs`);
  writeFileSync(
    path,
    `process.on("message", async (request) => {
      const send = (message) => new Promise((resolve) => process.send(message, undefined, undefined, resolve));
      await send({ kind: "loaded", plugin: "x" });
      for (const check of request.checks) {
        await send({ kind: "began", check });
        ${act}
        await send({ kind: "ended", result: { check, word: "passed", sentence: "", milliseconds: 1 }, notices: [] });
      }
      await send({ kind: "done" });
    });
    process.send({ kind: "ready" });`,
  );
  return path;
}
let children = 0;

const THREE = checks("module/loads", "descriptor/about", "processing/plays");

test("checks run in a process of their own, and are told as they end", async () => {
  const told: string[] = [];
  const bytes = await buildModel({ descriptor: { doc: "" } });
  const results = await superviseChecks({ bytes, seed: 1, limit: 60_000 }, THREE, ({ check }) =>
    told.push(check),
  );
  assert.equal(words(results), [
    "module/loads passed",
    "descriptor/about warning",
    "processing/plays passed",
  ]);
  assert.equal(told, ["module/loads", "descriptor/about", "processing/plays"]);
});

test("a check that kills the process has crashed, and the others run", async () => {
  const script = fakeChild('if (check === "descriptor/about") process.exit(9);');
  const results = await superviseChecks({ bytes: new Uint8Array(1), seed: 1, limit: 60_000, script }, THREE);
  assert.equal(words(results), [
    "module/loads passed",
    "descriptor/about crashed",
    "processing/plays passed",
  ]);
  assert.is(results[1]?.sentence, "The process ended with code 9.");
});

test("a check that never ends has crashed, and the others run", async () => {
  const script = fakeChild('if (check === "descriptor/about") { setInterval(() => {}, 1000); return; }');
  const results = await superviseChecks({ bytes: new Uint8Array(1), seed: 1, limit: 3_000, script }, THREE);
  assert.equal(words(results), [
    "module/loads passed",
    "descriptor/about crashed",
    "processing/plays passed",
  ]);
  assert.is(results[1]?.sentence, "The process did not come to an end within 3 s.");
});

test("a process that dies while it loads the plugin means that the plugin does not load", async () => {
  const script = join(folder, "early.mjs");
  writeFileSync(script, 'process.on("message", () => process.exit(3)); process.send({ kind: "ready" });');
  const results = await superviseChecks({ bytes: new Uint8Array(1), seed: 1, limit: 60_000, script }, THREE);
  assert.equal(words(results), [
    "module/loads crashed",
    "descriptor/about skipped",
    "processing/plays skipped",
  ]);
});

test("bytes that are no plugin fail to load, also where that was not asked", async () => {
  const bytes = Uint8Array.from([1, 2, 3]);
  const results = await superviseChecks({ bytes, seed: 1, limit: 60_000 }, checks("processing/plays"));
  assert.equal(words(results), ["module/loads failed", "processing/plays skipped"]);
});

test("what one check sees of another makes the other fail, and says where it was seen", async () => {
  const bytes = await buildModel({ at: { sample: "if (dry == 0.5) wet = wet / (dry - 0.5);" } });
  const results = await superviseChecks(
    { bytes, seed: 1, limit: 60_000 },
    checks("processing/finite", "processing/latency"),
  );
  assert.equal(words(results), ["processing/finite failed", "processing/latency failed"]);
  assert.match(results[0]?.sentence ?? "", /Seen in processing\/latency/);
});

test("random calls find what they are to find, and the seed finds it again at once", async () => {
  const bytes = await buildModel({
    at: { save: "counter = 1;", deactivate: "if (counter == 1) unreachable();" },
  });
  const found = await superviseFuzz({ bytes, seed: 5, limit: 60_000 }, 60_000);
  assert.is(found.failure?.crashed, false);
  const again = await superviseFuzz({ bytes, seed: found.failure?.seed ?? 0, limit: 60_000 }, 1);
  assert.is(again.rounds, 1);
  assert.equal(again.failure, found.failure);
});

test("random calls find nothing in the model", async () => {
  const { rounds, failure } = await superviseFuzz(
    { bytes: await buildModel({}), seed: 1, limit: 60_000 },
    500,
  );
  assert.is(failure, null);
  assert.ok(rounds >= 1);
});

test.run();
