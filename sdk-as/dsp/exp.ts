// Fast exponentials in f32, and a saturator of tanh's shape.
//
// Source: 2^x = 2^n * 2^f with n = nearest(x); 2^f, and e^r after Cody and Waite's reduction in two steps
// (Software Manual for the Elementary Functions, 1980), are minimax polynomials of degree 5 found with the
// Remez exchange algorithm and rounded to f32. `saturate` is a convergent of Lambert's continued fraction.
//
// Each function and its four-lane form give the same bits.

const E1: f32 = 0.693147004;
const E2: f32 = 0.240222424;
const E3: f32 = 0.0555073358;
const E4: f32 = 0.00967151299;
const E5: f32 = 0.00132647273;

const F1: f32 = 0.999999702;
const F2: f32 = 0.499991506;
const F3: f32 = 0.166676372;
const F4: f32 = 0.0418979749;
const F5: f32 = 0.00829030667;

const LOG2_E: f32 = 1.44269502;
/** ln 2 in two parts: n times the first is exact for |n| up to 256. */
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -0.000212194442;

/** Below, 2^x is subnormal: the answer is 0. */
const EXP2_MIN: f32 = -126;
const EXP2_MAX: f32 = 127.999;
const EXP_MIN: f32 = -87.3;
const EXP_MAX: f32 = 88.7;

/**
 * 2^x. The relative error is at most 2.4e-7 from -126 to 127.999 (exact at whole numbers); below it is 0, above it stays at 2^127.999. NaN gives 0.
 */
export function exp2(x: f32): f32 {
  const inside: f32 = x < EXP2_MAX ? x : EXP2_MAX;
  const n = nearest(inside);
  const f = inside - n;
  const p: f32 = ((((E5 * f + E4) * f + E3) * f + E2) * f + E1) * f + 1;
  return x >= EXP2_MIN ? reinterpret<f32>(reinterpret<i32>(p) + (<i32>n << 23)) : 0;
}

/** `exp2` on four lanes. */
export function exp2x4(x: v128): v128 {
  const inside = f32x4.pmin(f32x4.splat(EXP2_MAX), x);
  const n = f32x4.nearest(inside);
  const f = f32x4.sub(inside, n);
  let p = f32x4.add(f32x4.mul(f32x4.splat(E5), f), f32x4.splat(E4));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(E3));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(E2));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(E1));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(1));
  const scaled = i32x4.add(p, i32x4.shl(i32x4.trunc_sat_f32x4_s(n), 23));
  return v128.and(scaled, f32x4.ge(x, f32x4.splat(EXP2_MIN)));
}

/**
 * e^x. The relative error is at most 2.4e-7 from -87.3 to 88.7; below it is 0, above it stays at e^88.7. NaN gives 0.
 */
export function exp(x: f32): f32 {
  const inside: f32 = x < EXP_MAX ? x : EXP_MAX;
  const n = nearest(inside * LOG2_E);
  const r = inside - n * LN2_HIGH - n * LN2_LOW;
  const p: f32 = ((((F5 * r + F4) * r + F3) * r + F2) * r + F1) * r + 1;
  return x >= EXP_MIN ? reinterpret<f32>(reinterpret<i32>(p) + (<i32>n << 23)) : 0;
}

/** `exp` on four lanes. */
export function expx4(x: v128): v128 {
  const inside = f32x4.pmin(f32x4.splat(EXP_MAX), x);
  const n = f32x4.nearest(f32x4.mul(inside, f32x4.splat(LOG2_E)));
  const high = f32x4.sub(inside, f32x4.mul(n, f32x4.splat(LN2_HIGH)));
  const r = f32x4.sub(high, f32x4.mul(n, f32x4.splat(LN2_LOW)));
  let p = f32x4.add(f32x4.mul(f32x4.splat(F5), r), f32x4.splat(F4));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(F3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(F2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(F1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1));
  const scaled = i32x4.add(p, i32x4.shl(i32x4.trunc_sat_f32x4_s(n), 23));
  return v128.and(scaled, f32x4.ge(x, f32x4.splat(EXP_MIN)));
}

/** Where the convergent below reaches 1. */
const SATURATE_EDGE: f32 = 4.97178686;

/**
 * A soft clipper that follows tanh(x) within 1e-4 and stays within -1 to 1: the seventh convergent of
 * Lambert's fraction x / (1 + x^2 / (3 + x^2 / (5 + ...))), held from |x| = 4.9718 on. One division.
 */
export function saturate(x: f32): f32 {
  const c: f32 = max(min(x, SATURATE_EDGE), -SATURATE_EDGE);
  const z = c * c;
  const y = (c * (135135 + z * (17325 + z * (378 + z)))) / (135135 + z * (62370 + z * (3150 + z * 28)));
  return max(min(y, 1), -1);
}

/** `saturate` on four lanes. */
export function saturate4(x: v128): v128 {
  const c = f32x4.max(f32x4.min(x, f32x4.splat(SATURATE_EDGE)), f32x4.splat(-SATURATE_EDGE));
  const z = f32x4.mul(c, c);
  let p = f32x4.add(f32x4.splat(378), z);
  p = f32x4.add(f32x4.splat(17325), f32x4.mul(z, p));
  p = f32x4.add(f32x4.splat(135135), f32x4.mul(z, p));
  let q = f32x4.add(f32x4.splat(3150), f32x4.mul(z, f32x4.splat(28)));
  q = f32x4.add(f32x4.splat(62370), f32x4.mul(z, q));
  q = f32x4.add(f32x4.splat(135135), f32x4.mul(z, q));
  const y = f32x4.div(f32x4.mul(c, p), q);
  return f32x4.max(f32x4.min(y, f32x4.splat(1)), f32x4.splat(-1));
}
