// Binaryen's modules, checked one after the other: what the tests of same meaning have in common.

import { binaryenModule, GENERATOR_IMPORTS } from "./binaryen.ts";
import { check, Finding } from "./check.ts";
import { emptyTally, count } from "./child.ts";
import { Random } from "./random.ts";
import type { Tally } from "./child.ts";

/** Checks `modules` of them, made from `least` to `most` random bytes each. Throws Finding with what repeats it. */
export async function checkGenerated(
  seed: number,
  modules: number,
  least: number,
  most: number,
): Promise<Tally> {
  const tally = emptyTally();
  for (let n = 0; n < modules; n++) {
    const random = new Random(seed, n);
    const bytes = await binaryenModule(random.bytes(least + random.below(most - least)));
    try {
      count(tally, "binaryen's", check(bytes, n, { imports: GENERATOR_IMPORTS }));
    } catch (error) {
      if (!(error instanceof Finding)) throw error;
      throw new Finding(`Module ${n} of seed ${seed} (${least} to ${most} bytes): ${error.message}`);
    }
  }
  return tally;
}
