// A reverb of Freeverb's structure: eight damped combs side by side, then four allpasses in a row, for each channel.

import { fillInput, LEFT_IN, LEFT_OUT, RIGHT_IN, RIGHT_OUT } from "./parts/signal";
import {
  ALLPASS_GAIN,
  ALLPASSES,
  allpassLengths,
  combLengths,
  COMBS,
  DAMP,
  FEEDBACK,
  INPUT_GAIN,
  SPREAD,
} from "./parts/reverb-tuning";

export { input, output } from "./parts/signal";

/** A delay line of a filter, and where in it we are. */
class Line {
  samples: StaticArray<f32>;
  at: i32 = 0;
  lowpass: f32 = 0;

  constructor(length: i32) {
    this.samples = new StaticArray<f32>(length);
  }
}

const combs = new StaticArray<Line>(2 * COMBS);
const allpasses = new StaticArray<Line>(2 * ALLPASSES);
const mono = new StaticArray<f32>(1024);

export function setup(): void {
  fillInput();
  for (let channel = 0; channel < 2; channel++) {
    for (let k = 0; k < COMBS; k++) combs[channel * COMBS + k] = new Line(combLengths[k] + channel * SPREAD);
    for (let k = 0; k < ALLPASSES; k++) {
      allpasses[channel * ALLPASSES + k] = new Line(allpassLengths[k] + channel * SPREAD);
    }
  }
}

function comb(line: Line, out: usize, frames: i32): void {
  const samples = line.samples;
  const length = samples.length;
  let at = line.at;
  let lowpass = line.lowpass;
  for (let i = 0; i < frames; i++) {
    const delayed = samples[at];
    lowpass = delayed * (1 - DAMP) + lowpass * DAMP;
    samples[at] = mono[i] + lowpass * FEEDBACK;
    if (++at == length) at = 0;
    const to = out + (<usize>i << 2);
    store<f32>(to, load<f32>(to) + delayed);
  }
  line.at = at;
  line.lowpass = lowpass;
}

function allpass(line: Line, out: usize, frames: i32): void {
  const samples = line.samples;
  const length = samples.length;
  let at = line.at;
  for (let i = 0; i < frames; i++) {
    const to = out + (<usize>i << 2);
    const delayed = samples[at];
    const x = load<f32>(to);
    samples[at] = x + delayed * ALLPASS_GAIN;
    if (++at == length) at = 0;
    store<f32>(to, delayed - x);
  }
  line.at = at;
}

export function process(frames: i32): void {
  for (let i = 0; i < frames; i++) {
    const at = <usize>i << 2;
    mono[i] = (load<f32>(LEFT_IN + at) + load<f32>(RIGHT_IN + at)) * INPUT_GAIN;
  }
  for (let channel = 0; channel < 2; channel++) {
    const out = channel == 0 ? LEFT_OUT : RIGHT_OUT;
    memory.fill(out, 0, <usize>frames << 2);
    for (let k = 0; k < COMBS; k++) comb(combs[channel * COMBS + k], out, frames);
    for (let k = 0; k < ALLPASSES; k++) allpass(allpasses[channel * ALLPASSES + k], out, frames);
  }
}
