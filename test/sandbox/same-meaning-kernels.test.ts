// The kernels of the benchmarks leave the same memory, sample for sample, before and after the rewrite.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { BLOCK, KERNELS, loadKernels } from "../../bench/kernels.ts";
import { Random } from "../fuzz/random.ts";
import { inStep } from "./in-step.ts";

const BLOCKS = 40;

for (const name of KERNELS) {
  test(`${name} leaves the same memory after each of ${BLOCKS} blocks`, async () => {
    const [{ bytes, frames }] = await loadKernels([name]);
    const { call, memories } = inStep(bytes);
    call("setup");
    const [input, output] = ["input", "output"].map((which) => Number(call(which)));
    const random = new Random(3);
    let sounding = 0;
    for (let block = 0; block < BLOCKS; block++) {
      const noise = Float32Array.from({ length: BLOCK * 2 }, () =>
        block < 30 ? random.bits() / 2 ** 32 - 0.5 : 0,
      );
      for (const { buffer } of memories) new Float32Array(buffer, input, noise.length).set(noise);
      call("process", frames);
      sounding += new Float32Array(memories[1].buffer, output, frames).filter(
        (sample) => sample !== 0,
      ).length;
    }
    assert.ok(sounding > frames, "it sounded");
  });
}

test.run();
