/**
 * Normal variates from pairs of words, two at a time: the middle 85 % of `../../normal.ts`, operation for operation, so that
 * every bit agrees. The tails take a logarithm, whose last bit is the engine's own: they are left to the host.
 */
import { UNFINISHED, VARIATES, WORDS } from './places'

// @inline
function s(value: f64): v128 {
  return f64x2.splat(value)
}

// @inline
function step(p: v128, r: v128, coefficient: f64): v128 {
  return f64x2.add(f64x2.mul(p, r), s(coefficient))
}

/** Φ⁻¹(½ + d) for |d| ≤ 0.425. */
// @inline
function central(d: v128): v128 {
  const r = f64x2.sub(s(0.180625), f64x2.mul(d, d))
  let p = f64x2.add(f64x2.mul(s(2509.0809287301227), r), s(33430.57558358813))
  p = step(p, r, 67265.7709270087)
  p = step(p, r, 45921.95393154987)
  p = step(p, r, 13731.69376550946)
  p = step(p, r, 1971.5909503065513)
  p = step(p, r, 133.14166789178438)
  p = step(p, r, 3.3871328727963665)
  let q = f64x2.add(f64x2.mul(s(5226.495278852854), r), s(28729.085735721943))
  q = step(q, r, 39307.89580009271)
  q = step(q, r, 21213.794301586597)
  q = step(q, r, 5394.196021424751)
  q = step(q, r, 687.1870074920579)
  q = step(q, r, 42.31333070160091)
  q = step(q, r, 1)
  return f64x2.div(f64x2.mul(d, p), q)
}

/**
 * The variates of `count` pairs of words after the first `skip` pairs, two at a time; returns how many are left to the host,
 * and which in UNFINISHED.
 */
export function normals(skip: i32, count: i32): i32 {
  const from = WORDS + ((<usize>skip) << 3)
  let left: usize = UNFINISHED
  for (let i = 0; i < count; i += 2) {
    // high₀ low₀ high₁ low₁ → highs in the first two lanes, lows in the last two.
    const words = v128.load(from + ((<usize>i) << 3))
    const apart = v128.shuffle<i32>(words, words, 0, 2, 1, 3)
    const magnitude = v128.and(apart, i32x4(0x7fffffff, 0x7fffffff, -1, -1))
    const high = f64x2.convert_low_i32x4_u(magnitude)
    const low = f64x2.convert_low_i32x4_u(v128.shuffle<i64>(magnitude, magnitude, 1, 0))
    const whole = f64x2.add(f64x2.add(f64x2.mul(high, s(4294967296)), low), s(0.5))
    const q = f64x2.mul(whole, s(5.421010862427522e-20))
    // The sign bit of z is the negation of the sign bit of the first word.
    const negative = v128.xor(v128.and(i64x2.shl(words, 32), i64x2.splat(i64.MIN_VALUE)), i64x2.splat(i64.MIN_VALUE))
    v128.store(VARIATES + ((<usize>i) << 3), v128.xor(central(f64x2.sub(s(0.5), q)), negative))
    const tails = f64x2.lt(q, s(0.075))
    if (v128.any_true(tails)) {
      if (v128.extract_lane<i64>(tails, 0) !== 0) {
        store<i32>(left, i)
        left += 4
      }
      if (v128.extract_lane<i64>(tails, 1) !== 0) {
        store<i32>(left, i + 1)
        left += 4
      }
    }
  }
  return <i32>((left - UNFINISHED) >> 2)
}
