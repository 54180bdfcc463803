// time limit: 300 s
// What comes with Belljar passes all of its own checks: the built-in plugins, the templates, the example in C.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compilePlugin } from "../../runtime/cli/authoring/compile.ts";
import { listBuiltins } from "../../runtime/registry/builtins.ts";
import { CHECKS } from "../../runtime/validate/catalogue.ts";
import { superviseChecks } from "../../runtime/validate/supervise.ts";
import { root } from "../root.ts";

const SEED = 7;

async function passes(bytes: Uint8Array): Promise<void> {
  const results = await superviseChecks({ bytes, seed: SEED, limit: 120_000 }, CHECKS);
  assert.is(results.length, CHECKS.length);
  assert.equal(
    results.filter(({ word }) => word !== "passed" && word !== "skipped"),
    [],
  );
}

const builtins = listBuiltins();

test("there are built-in plugins", () => {
  assert.ok(builtins.length >= 4);
});

for (const { id, path } of builtins) {
  test(`${id} passes level 10`, () => passes(new Uint8Array(readFileSync(path))));
}

for (const template of ["effect", "synth", "event-effect"]) {
  test(`the ${template} of the templates passes level 10`, async () => {
    await passes((await compilePlugin(join(root, "sdk-as", "templates", template, "plugin.ts"))).wasm);
  });
}

test("the plugin in C passes level 10", () =>
  passes(new Uint8Array(readFileSync(join(root, "examples", "c-gain", "gain.wasm")))));

test.run();
