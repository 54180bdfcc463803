// A fast sine whose argument is counted in turns (1 turn = 2 pi), so that a phasor feeds it directly.
//
// Source: the odd minimax polynomial of degree 9 for sin(2 pi t) on a quarter turn (0 to 0.25), its
// coefficients found with the Remez exchange algorithm and rounded to f32 (3.3e-9 before rounding).
// Reduction to the quarter uses exact operations only: t - nearest(t), then min(|t|, 0.5 - |t|).
//
// `sine` and each lane of `sine4` give the same bits.

const C1: f32 = 6.28318516;
const C3: f32 = -41.341655;
const C5: f32 = 81.601004;
const C7: f32 = -76.5497823;
const C9: f32 = 39.5367061;

/**
 * sin(2 pi * turns). The absolute error is at most 3e-7 for the f32 given, for |turns| up to 2^22;
 * no value leaves -1 to 1 by more than that. Exact zeros at every half turn.
 */
export function sine(turns: f32): f32 {
  const t = turns - nearest(turns);
  const a = abs(t);
  const b: f32 = 0.5 - a;
  const m = a < b ? a : b;
  const z = m * m;
  return copysign(((((C9 * z + C7) * z + C5) * z + C3) * z + C1) * m, t);
}

/** `sine` on four lanes. */
export function sine4(turns: v128): v128 {
  const t = f32x4.sub(turns, f32x4.nearest(turns));
  const a = f32x4.abs(t);
  const m = f32x4.pmin(f32x4.sub(f32x4.splat(0.5), a), a);
  const z = f32x4.mul(m, m);
  let p = f32x4.add(f32x4.mul(f32x4.splat(C9), z), f32x4.splat(C7));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(C5));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(C3));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(C1));
  return v128.bitselect(t, f32x4.mul(p, m), i32x4.splat(0x80000000));
}

/** cos(2 pi * turns): the quarter turn is added after the reduction; absolute error at most 4.5e-7. */
export function cosine(turns: f32): f32 {
  return sine(turns - nearest(turns) + 0.25);
}

/** `cosine` on four lanes. */
export function cosine4(turns: v128): v128 {
  return sine4(f32x4.add(f32x4.sub(turns, f32x4.nearest(turns)), f32x4.splat(0.25)));
}
