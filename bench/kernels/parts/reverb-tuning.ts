// The published tuning of Freeverb (Jezar at Dreampoint, public domain; J. O. Smith, "Physical Audio Signal
// Processing", "Freeverb"): lengths in samples at 44.1 kHz, the right channel's longer by 23.

export const COMBS: i32 = 8;
export const ALLPASSES: i32 = 4;
export const SPREAD: i32 = 23;
export const combLengths: StaticArray<i32> = [1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617];
export const allpassLengths: StaticArray<i32> = [556, 441, 341, 225];
export const INPUT_GAIN: f32 = 0.015;
export const FEEDBACK: f32 = 0.84;
export const DAMP: f32 = 0.2;
export const ALLPASS_GAIN: f32 = 0.5;
