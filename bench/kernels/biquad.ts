// Eight stereo biquads in a row (peaking filters an octave apart), scalar: transposed direct form II, f32.

import { fillInput, IN, OUT, STRIDE } from "./signal";
import { Shape, shapeOf } from "./biquad-shape";

const shapes = new StaticArray<Shape>(8);
/** s1, s2 of filter k, channel c at 4 k + 2 c. */
const state = new StaticArray<f32>(32);

export function input(): i32 { return <i32>IN; }
export function output(): i32 { return <i32>OUT; }

export function setup(): void {
  fillInput();
  for (let k = 0; k < 8; k++) shapes[k] = shapeOf(k);
  state.fill(0);
}

export function process(frames: i32): void {
  for (let channel = 0; channel < 2; channel++) {
    const out = OUT + <usize>(channel * STRIDE * 4);
    let from = IN + <usize>(channel * STRIDE * 4);
    for (let k = 0; k < 8; k++) {
      const shape = shapes[k];
      const b0 = shape.b0;
      const b1 = shape.b1;
      const b2 = shape.b2;
      const a1 = shape.a1;
      const a2 = shape.a2;
      let s1 = state[4 * k + 2 * channel];
      let s2 = state[4 * k + 2 * channel + 1];
      for (let i = 0; i < frames; i++) {
        const x = load<f32>(from + (<usize>i << 2));
        const y = b0 * x + s1;
        s1 = b1 * x - a1 * y + s2;
        s2 = b2 * x - a2 * y;
        store<f32>(out + (<usize>i << 2), y);
      }
      state[4 * k + 2 * channel] = s1;
      state[4 * k + 2 * channel + 1] = s2;
      from = out;
    }
  }
}
