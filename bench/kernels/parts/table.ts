// One cycle of a sawtooth of 31 harmonics, 2,048 samples and the first one again for the interpolation.

export const TABLE_BITS: i32 = 11;
export const TABLE: usize = memory.data(2049 * 4, 16);
/** The bits of a phase below the table's index, as a fraction: 2^-21. */
export const FRACTION: f32 = 4.76837158203125e-7;

export function fillTable(): void {
  for (let i = 0; i <= 2048; i++) {
    let sum = 0.0;
    for (let harmonic = 1; harmonic <= 31; harmonic++) {
      sum += Math.sin(2.0 * Math.PI * <f64>harmonic * <f64>(i & 2047) / 2048.0) / <f64>harmonic;
    }
    store<f32>(TABLE + (<usize>i << 2), <f32>sum);
  }
}
