/**
 * The standard normal mass of an interval, to every digit, however short the interval and however far out.
 */
import { millsRatio, ndtr } from '../../tensor/special.js'

const HALF_LOG_2PI = 0.9189385332046728
/** Below this d · max(1, |m|), four terms of the series in d leave 1e-16. */
const SHORT = 0.03

/** Σₖ He₂ₖ(m) d²ᵏ / (2k + 1)! for k ≤ 3: the mean of e^(−my − y²/2) over |y| ≤ d. */
const meanAround = (m: number, d: number): number => {
  const a = m * m
  const b = d * d
  return 1 + (b / 6) * (a - 1 + (b / 20) * (a * (a - 6) + 3 + (b / 42) * (a * (a * (a - 15) + 45) - 15)))
}

/**
 * e^s (Φ(b) − Φ(a)) for a ≤ b, infinite ends included.
 *
 * Guarantee  relative error ≤ 1e-13 as long as the result is a normal number; the scale e^s keeps far intervals from underflow
 *
 * @example
 * normalMass(-Infinity, 0, 0) // => 0.5
 */
export const normalMass = (a: number, b: number, logScale: number): number => {
  if (!(a < b)) return 0
  const m = 0.5 * (a + b)
  const d = 0.5 * (b - a)
  if (d * Math.max(1, Math.abs(m)) < SHORT)
    return 2 * d * meanAround(m, d) * Math.exp(logScale - 0.5 * m * m - HALF_LOG_2PI)
  if (b <= 0) return upperMass(-b, -a, logScale)
  if (a >= 0) return upperMass(a, b, logScale)
  return Math.exp(logScale) * (ndtr(b) - 0.5 + (ndtr(-a) - 0.5))
}

/** 0 ≤ a < b: φ(a) [R(a) − e^(−(b−a)(b+a)/2) R(b)], R Mills' ratio. */
const upperMass = (a: number, b: number, logScale: number): number => {
  if (a === Infinity) return 0
  const rest = b === Infinity ? 0 : Math.exp(-0.5 * (b - a) * (b + a)) * millsRatio(b)
  return Math.exp(logScale - 0.5 * a * a - HALF_LOG_2PI) * (millsRatio(a) - rest)
}
