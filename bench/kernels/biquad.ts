// Eight stereo biquads in a row, transposed direct form II, one stage after the other over the block.

import { fillInput, LEFT_IN, LEFT_OUT, RIGHT_IN, RIGHT_OUT } from "./parts/signal";
import { coefficients, designPeaks, STAGES } from "./parts/peaks";

export { input, output } from "./parts/signal";

/** Per stage: left s1, s2, right s1, s2. */
const states = new StaticArray<f32>(STAGES * 4);

export function setup(): void {
  fillInput();
  designPeaks();
}

export function process(frames: i32): void {
  let leftFrom = LEFT_IN;
  let rightFrom = RIGHT_IN;
  for (let stage = 0; stage < STAGES; stage++) {
    const b0 = coefficients[stage * 5];
    const b1 = coefficients[stage * 5 + 1];
    const b2 = coefficients[stage * 5 + 2];
    const a1 = coefficients[stage * 5 + 3];
    const a2 = coefficients[stage * 5 + 4];
    let l1 = states[stage * 4];
    let l2 = states[stage * 4 + 1];
    let r1 = states[stage * 4 + 2];
    let r2 = states[stage * 4 + 3];
    for (let i = 0; i < frames; i++) {
      const at = <usize>i << 2;
      const xl = load<f32>(leftFrom + at);
      const yl = b0 * xl + l1;
      l1 = b1 * xl - a1 * yl + l2;
      l2 = b2 * xl - a2 * yl;
      store<f32>(LEFT_OUT + at, yl);
      const xr = load<f32>(rightFrom + at);
      const yr = b0 * xr + r1;
      r1 = b1 * xr - a1 * yr + r2;
      r2 = b2 * xr - a2 * yr;
      store<f32>(RIGHT_OUT + at, yr);
    }
    states[stage * 4] = l1;
    states[stage * 4 + 1] = l2;
    states[stage * 4 + 2] = r1;
    states[stage * 4 + 3] = r2;
    leftFrom = LEFT_OUT;
    rightFrom = RIGHT_OUT;
  }
}
