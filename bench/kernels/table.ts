// The wavetable: a saw of 32 partials, 2,048 samples and the first again.

export const table = new StaticArray<f32>(2049);

export function makeTable(): void {
  for (let i = 0; i <= 2048; i++) {
    let y = 0.0;
    for (let k = 1; k <= 32; k++) y += Math.sin((2 * Math.PI * <f64>((i * k) & 2047)) / 2048) / <f64>k;
    table[i] = <f32>(y * 0.5);
  }
}
