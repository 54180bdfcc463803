// time limit: 300 s
// Larger modules of binaryen's generator give the same results, host calls, traps, memory and globals before and
// after the rewrite.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkGenerated } from "../fuzz/generated.ts";

test("220 larger modules of binaryen's generator mean the same after the rewrite", async () => {
  const { accepted, compared, calls, traps } = await checkGenerated(46, 220, 2_500, 9_000);
  assert.ok(accepted >= 176, `${accepted} of 220 were taken`);
  assert.ok(compared >= 176, `${compared} of 220 were compared`);
  assert.ok(calls > 1_000 && traps > 50, `${calls} calls were compared, ${traps} traps`);
});

test.run();
