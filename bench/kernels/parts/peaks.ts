// Eight peaking filters an octave apart, by turns +6 and -6 dB, Q 1, at 48 kHz: the formulas of R. Bristow-Johnson's
// "Cookbook formulae for audio equalizer biquad filter coefficients".

export const STAGES: i32 = 8;

/** Per stage b0, b1, b2, a1, a2, divided by a0. */
export const coefficients = new StaticArray<f32>(STAGES * 5);

export function designPeaks(): void {
  for (let stage = 0; stage < STAGES; stage++) {
    const w0 = 2.0 * Math.PI * 100.0 * <f64>(1 << stage) / 48000.0;
    const amplitude = stage & 1 ? 0.7079457843841379 : 1.4125375446227544; // 10^(dB / 40)
    const alpha = Math.sin(w0) / 2.0;
    const a0 = 1.0 + alpha / amplitude;
    const at = stage * 5;
    coefficients[at] = <f32>((1.0 + alpha * amplitude) / a0);
    coefficients[at + 1] = <f32>((-2.0 * Math.cos(w0)) / a0);
    coefficients[at + 2] = <f32>((1.0 - alpha * amplitude) / a0);
    coefficients[at + 3] = <f32>((-2.0 * Math.cos(w0)) / a0);
    coefficients[at + 4] = <f32>((1.0 - alpha / amplitude) / a0);
  }
}
