// A fingerprint of what a plugin plays, to compare processes and compilers by.

import { createHash } from "node:crypto";
import { anyValues } from "./anything.ts";
import { type Bench, RATE } from "./check.ts";
import { Ended } from "./verdict.ts";

/** SHA-256 of the samples, events and control outputs of a performance with automation. */
export function playDigest(bench: Bench): string {
  const hash = createHash("sha256");
  const random = bench.random("digest");
  for (const rate of [RATE, 44_100]) {
    const rig = bench.rig({ rate });
    const changes = Array.from({ length: 20 }, (_, i) =>
      [...anyValues(random, rig.parameters)]
        .slice(0, 4)
        .map(([slot, value]) => ({ frame: 400 * i, slot, value })),
    ).flat();
    try {
      const take = rig.play(bench.score(10_000, { changes }), { blocks: [256, 31, 100] });
      for (const { samples } of take.channels) hash.update(new Uint8Array(samples.buffer));
      hash.update(JSON.stringify([take.events, take.controls, take.blocks.map(({ units }) => units)]));
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      // a fault, too, is the same everywhere
      hash.update(error.verdict.sentence);
    }
  }
  return hash.digest("hex");
}
