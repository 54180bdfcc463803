// Lengths and factors of a Freeverb type reverb (J. O. Smith, "Freeverb", Physical Audio Signal Processing):
// eight combs with a lowpass in the loop, then four allpasses; the right channel 23 frames longer.

export const COMBS: i32 = 8;
export const ALLPASSES: i32 = 4;
export const FEEDBACK: f32 = 0.84;
export const DAMPING: f32 = 0.2;
export const GAIN: f32 = 0.015;
const SPREAD: i32 = 23;

const combs: StaticArray<i32> = [1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617];
const allpasses: StaticArray<i32> = [556, 441, 341, 225];

export function combLength(k: i32, channel: i32): i32 {
  return combs[k] + channel * SPREAD;
}

export function allpassLength(k: i32, channel: i32): i32 {
  return allpasses[k] + channel * SPREAD;
}
