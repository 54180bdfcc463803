// time limit: 300 s
// Hostile bytes: thousands of broken, changed and random modules are refused with a sentence, or are taken and mean the
// same after the rewrite. `npm run fuzz -- vet` goes on where this ends.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeBody } from "../../runtime/sandbox/body.ts";
import { DEFAULT_LIMITS } from "../../runtime/sandbox/limits.ts";
import { parseModule } from "../../runtime/sandbox/module.ts";
import { OPCODES } from "../../runtime/sandbox/opcodes.ts";
import { count, emptyTally } from "../fuzz/child.ts";
import { check, Finding } from "../fuzz/check.ts";
import { generate } from "../fuzz/generate.ts";
import { makeInput, realModules } from "../fuzz/inputs.ts";
import { Random } from "../fuzz/random.ts";

const SEED = 20_261_121;

test("thousands of changed and random modules break no promise", async () => {
  const real = realModules();
  assert.ok(real.length >= 5, "there are real modules to change");
  const tally = emptyTally();
  for (let n = 0; n < 1_500; n++) {
    const { kind, bytes } = await makeInput(SEED, n, real, false);
    try {
      count(tally, kind, check(bytes, n));
    } catch (error) {
      if (!(error instanceof Finding)) throw error;
      assert.unreachable(`${error.message}\nAgain: npm run fuzz -- vet --seed ${SEED} --only ${n}`);
    }
  }
  assert.ok(tally.accepted > 600 && tally.accepted < 1_200, `${tally.accepted} of 1500 were taken`);
  assert.ok(
    tally.calls > 3_000 && tally.traps > 300,
    `${tally.calls} calls were compared, ${tally.traps} traps`,
  );
  const codes = Object.keys(tally.refused);
  for (const code of ["malformed", "invalid", "import", "initialiser", "limit", "exceptions", "types"]) {
    assert.ok(codes.includes(`module/${code}`), `none was refused with module/${code}`);
  }
});

test("every cut of a real module is refused with a sentence", () => {
  const [bytes] = realModules().sort((a, b) => a.length - b.length);
  let accepted = 0;
  for (let length = 0; length < bytes.length; length++) {
    if (check(new Uint8Array(bytes.slice(0, length))).refused === "") accepted++;
  }
  // a cut just before a custom section, or inside none, leaves a whole module
  assert.ok(accepted <= 10, `${accepted} cuts were taken`);
});

test("the generator's modules hold every instruction that the sandbox knows, and the engine takes all of them", () => {
  const seen = new Set<number>();
  for (let n = 0; n < 1_500 && seen.size < OPCODES.size; n++) {
    const bytes = generate(new Random(SEED, n));
    assert.ok(WebAssembly.validate(bytes), `module ${n}`);
    const module = parseModule(bytes, DEFAULT_LIMITS);
    module.bodies.forEach((_, index) => {
      for (const op of decodeBody(module, index, DEFAULT_LIMITS).op) seen.add(op);
    });
  }
  const missing = [...OPCODES].filter(([code]) => !seen.has(code)).map(([, { name }]) => name);
  assert.equal(missing, []);
});

test.run();
