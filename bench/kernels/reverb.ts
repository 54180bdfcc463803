// A Freeverb type reverb, scalar: eight combs and four allpasses a channel, one after the other over the block.

import { ALLPASSES, allpassLength, COMBS, combLength, DAMPING, FEEDBACK, GAIN } from "./reverb-tuning";
import { fillInput, IN, OUT, STRIDE } from "./signal";

class Line {
  samples: StaticArray<f32>;
  position: i32 = 0;
  low: f32 = 0;
  constructor(public length: i32) {
    this.samples = new StaticArray<f32>(length);
  }
}

const combs = new StaticArray<Line>(COMBS * 2);
const allpasses = new StaticArray<Line>(ALLPASSES * 2);

export function input(): i32 { return <i32>IN; }
export function output(): i32 { return <i32>OUT; }

export function setup(): void {
  fillInput();
  for (let k = 0; k < COMBS * 2; k++) combs[k] = new Line(combLength(k & 7, k >> 3));
  for (let k = 0; k < ALLPASSES * 2; k++) allpasses[k] = new Line(allpassLength(k & 3, k >> 2));
}

export function process(frames: i32): void {
  for (let channel = 0; channel < 2; channel++) {
    const out = OUT + <usize>(channel * STRIDE * 4);
    memory.fill(out, 0, <usize>frames << 2);
    for (let k = 0; k < COMBS; k++) comb(combs[channel * COMBS + k], out, frames);
    for (let k = 0; k < ALLPASSES; k++) allpass(allpasses[channel * ALLPASSES + k], out, frames);
  }
}

function comb(line: Line, out: usize, frames: i32): void {
  const samples = line.samples;
  const length = line.length;
  let position = line.position;
  let low = line.low;
  for (let i = 0; i < frames; i++) {
    const at = <usize>i << 2;
    const x = (load<f32>(IN + at) + load<f32>(IN + at, 4096)) * GAIN;
    const y = samples[position];
    low = y + (low - y) * DAMPING;
    samples[position] = x + low * FEEDBACK;
    store<f32>(out + at, load<f32>(out + at) + y);
    if (++position == length) position = 0;
  }
  line.position = position;
  line.low = low;
}

function allpass(line: Line, out: usize, frames: i32): void {
  const samples = line.samples;
  const length = line.length;
  let position = line.position;
  for (let i = 0; i < frames; i++) {
    const at = out + (<usize>i << 2);
    const x = load<f32>(at);
    const y = samples[position];
    samples[position] = x + y * <f32>0.5;
    store<f32>(at, y - x);
    if (++position == length) position = 0;
  }
  line.position = position;
}
