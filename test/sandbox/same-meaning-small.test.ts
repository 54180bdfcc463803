// time limit: 300 s
// Many small modules of binaryen's generator give the same results, host calls, traps, memory and globals before and
// after the rewrite.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkGenerated } from "../fuzz/generated.ts";

test("300 small modules of binaryen's generator mean the same after the rewrite", async () => {
  const { accepted, compared, calls, traps } = await checkGenerated(2_026, 300, 100, 2_500);
  assert.ok(accepted >= 240, `${accepted} of 300 were taken`);
  assert.ok(compared >= 240, `${compared} of 300 were compared`);
  assert.ok(calls > 1_000 && traps > 50, `${calls} calls were compared, ${traps} traps`);
});

test.run();
