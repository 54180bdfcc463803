// The eight filters of the biquad kernels: peaking, 9 dB up and down in turn, from 80 Hz, an octave apart
// (R. Bristow-Johnson, Audio EQ Cookbook).

export class Shape {
  constructor(
    public b0: f32,
    public b1: f32,
    public b2: f32,
    public a1: f32,
    public a2: f32,
  ) {}
}

export function shapeOf(k: i32): Shape {
  const w = (2 * Math.PI * 80 * <f64>(1 << k)) / 48000;
  const a = Math.pow(10, (k & 1 ? -9.0 : 9.0) / 40);
  const alpha = Math.sin(w) / 2;
  const c = -2 * Math.cos(w);
  const a0 = 1 + alpha / a;
  return new Shape(
    <f32>((1 + alpha * a) / a0),
    <f32>(c / a0),
    <f32>((1 - alpha * a) / a0),
    <f32>(c / a0),
    <f32>((1 - alpha / a) / a0),
  );
}
