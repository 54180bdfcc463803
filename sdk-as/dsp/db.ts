// Decibels and linear gain: dB = 20 log10(gain). `Math` here is AssemblyScript's own, compiled into the
// module, so the same bits come out everywhere.

import { exp2 } from "./exp";

/** ln(10) / 20. */
const NEPERS: f64 = 0.11512925464970229;
/** log2(10) / 20. */
const OCTAVES: f32 = 0.166096404;

/** Linear gain of a level in dB, to f32's precision. For control rate; in a sample loop, `dbToGainFast`. */
export function dbToGain(db: f32): f32 {
  return <f32>Math.exp(<f64>db * NEPERS);
}

/** Linear gain of a level in dB by the fast `exp2`: relative error at most 2e-6 from -120 to 60 dB. */
export function dbToGainFast(db: f32): f32 {
  return exp2(db * OCTAVES);
}

/** Level in dB of a linear gain (its sign is ignored), not below `floor`, which is also what 0 gives. */
export function gainToDb(gain: f32, floor: f32 = -144): f32 {
  return max(<f32>(Math.log(<f64>abs(gain)) / NEPERS), floor);
}
