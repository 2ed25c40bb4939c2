/**
 * Four elementary functions at a time, by the polynomials of Cephes (S. Moshier, expf, logf, tanhf): a few units in the
 * last place. Infinities, NaN and subnormal numbers come out as IEEE 754 has them.
 */
import { madd } from './tile'

// @inline
function s(value: f32): v128 {
  return f32x4.splat(value)
}

/** 2ⁿ for integers −126 ≤ n ≤ 127. */
// @inline
function power(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23)
}

/**
 * eˣ = 2ⁿ·eʳ with |r| ≤ ln 2 / 2. Adding 1.5·2²³ rounds to an integer and leaves it in the low bits. The power is applied in
 * two halves, so that results may overflow or be subnormal.
 */
// @inline
export function exp(x: v128): v128 {
  const bounded = f32x4.pmax(f32x4.pmin(x, s(89)), s(-105))
  const shifted = madd(bounded, s(<f32>Math.LOG2E), s(12582912))
  const n = f32x4.sub(shifted, s(12582912))
  let r = madd(n, s(-0.693359375), bounded)
  r = madd(n, s(2.1219444e-4), r)
  let p = madd(s(1.98756915e-4), r, s(1.3981999507e-3))
  p = madd(p, r, s(8.3334519073e-3))
  p = madd(p, r, s(4.1665795894e-2))
  p = madd(p, r, s(1.6666665459e-1))
  p = madd(p, r, s(5.0000001201e-1))
  p = f32x4.add(madd(p, f32x4.mul(r, r), r), s(1))
  const whole = i32x4.sub(shifted, i32x4.splat(0x4b400000))
  const half = i32x4.shr_s(whole, 1)
  return f32x4.mul(f32x4.mul(p, power(half)), power(i32x4.sub(whole, half)))
}

/** ln x = e·ln 2 + ln m with √½ ≤ m < √2. */
// @inline
export function log(x: v128): v128 {
  const tiny = f32x4.lt(x, s(1.17549435e-38))
  const scaled = v128.bitselect(f32x4.mul(x, s(8388608)), x, tiny)
  let e = i32x4.sub(v128.and(i32x4.shr_u(scaled, 23), i32x4.splat(255)), i32x4.splat(126))
  e = i32x4.sub(e, v128.and(tiny, i32x4.splat(23)))
  let m = v128.or(v128.and(scaled, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000))
  const low = f32x4.lt(m, s(<f32>Math.SQRT1_2))
  e = i32x4.add(e, low)
  m = f32x4.sub(f32x4.add(m, v128.and(m, low)), s(1))
  const z = f32x4.mul(m, m)
  let p = madd(s(7.0376836292e-2), m, s(-1.151461031e-1))
  p = madd(p, m, s(1.167699874e-1))
  p = madd(p, m, s(-1.2420140846e-1))
  p = madd(p, m, s(1.4249322787e-1))
  p = madd(p, m, s(-1.6668057665e-1))
  p = madd(p, m, s(2.0000714765e-1))
  p = madd(p, m, s(-2.4999993993e-1))
  p = madd(p, m, s(3.3333331174e-1))
  const exponent = f32x4.convert_i32x4_s(e)
  let y = f32x4.mul(f32x4.mul(p, m), z)
  y = f32x4.add(y, f32x4.mul(exponent, s(-2.1219444e-4)))
  y = f32x4.sub(y, f32x4.mul(z, s(0.5)))
  y = f32x4.add(f32x4.add(m, y), f32x4.mul(exponent, s(0.693359375)))
  y = v128.bitselect(s(-Infinity), y, f32x4.eq(x, s(0)))
  y = v128.bitselect(x, y, f32x4.eq(x, s(Infinity)))
  return v128.bitselect(y, s(NaN), f32x4.ge(x, s(0)))
}

/** x + x³·P(x²) near 0, and ±(1 − 2 / (e²ˣ + 1)) elsewhere. */
// @inline
export function tanh(x: v128): v128 {
  const z = f32x4.mul(x, x)
  let p = madd(s(-5.70498872745e-3), z, s(2.06390887954e-2))
  p = madd(p, z, s(-5.37397155531e-2))
  p = madd(p, z, s(1.33314422036e-1))
  p = madd(p, z, s(-3.33332819422e-1))
  const near = madd(f32x4.mul(p, z), x, x)
  const a = f32x4.abs(x)
  const far = f32x4.sub(s(1), f32x4.div(s(2), f32x4.add(exp(f32x4.add(a, a)), s(1))))
  const sign = v128.and(x, s(-0.0))
  return v128.bitselect(near, v128.or(far, sign), f32x4.lt(a, s(0.625)))
}

/** With z = e^−|x| ≤ 1: 1 / (1 + z) for x ≥ 0, and z / (1 + z) below. */
// @inline
export function sigmoid(x: v128): v128 {
  const z = exp(f32x4.neg(f32x4.abs(x)))
  return f32x4.div(v128.bitselect(z, s(1), f32x4.lt(x, s(0))), f32x4.add(s(1), z))
}

/** Φ(−|x|) e^(x²/2): half the scaled complementary error function, t·P(t) with t = 1/(1 + |x|/4), to 2·10⁻⁷ of itself. */
// @inline
function scaledTail(a: v128): v128 {
  const t = f32x4.div(s(1), madd(a, s(0.25), s(1)))
  let p = madd(s(0.019782906398177147), t, s(-0.08088093250989914))
  p = madd(p, t, s(0.0956030860543251))
  p = madd(p, t, s(-0.031722791492938995))
  p = madd(p, t, s(0.06370175629854202))
  p = madd(p, t, s(0.05897438898682594))
  p = madd(p, t, s(0.08160322904586792))
  p = madd(p, t, s(0.09346634894609451))
  p = madd(p, t, s(0.09973642975091934))
  p = madd(p, t, s(0.0997355654835701))
  return f32x4.mul(p, t)
}

/** e^(−x²/2), to 6·10⁻⁶ of itself where it is a normal number; nearer the origin to a few units in the last place. */
// @inline
function bell(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), s(40))
  return exp(f32x4.mul(f32x4.mul(a, a), s(-0.5)))
}

/** x Φ(x). */
// @inline
export function gelu(x: v128): v128 {
  const tail = f32x4.mul(bell(x), scaledTail(f32x4.abs(x)))
  return f32x4.mul(x, v128.bitselect(tail, f32x4.sub(s(1), tail), f32x4.lt(x, s(0))))
}

/** Φ(x) + x φ(x). */
// @inline
export function geluSlope(x: v128): v128 {
  const e = bell(x)
  const tail = f32x4.mul(e, scaledTail(f32x4.abs(x)))
  const below = v128.bitselect(tail, f32x4.sub(s(1), tail), f32x4.lt(x, s(0)))
  return f32x4.add(below, f32x4.mul(f32x4.mul(x, s(0.3989422804)), e))
}
