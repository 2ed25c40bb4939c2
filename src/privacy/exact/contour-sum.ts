/**
 * The sum of the outer trapezoid rule at one ε, and a bound of what its terms err by.
 */
import type { ContourMoments } from './contour-moments.js'

export interface ContourSum {
  /** Σ' Re f, f = e^{K(s) − sε − E} / (s(s + 1)); Σ' halves the first term. */
  readonly value: number
  /** Σ' Re f s. */
  readonly slope: number
  /** A bound of the error of the value. */
  readonly error: number
}

const ROUNDOFF = 2 ** -53

/**
 * The sum over a contour. `exponent` is E, a number near K(c) − cε that keeps the terms of order one; `smoothing` is the precision v of a
 * Gaussian that joins the composition.
 *
 * Cost       two exponentials and a sine and cosine a point
 */
export const contourSum = (
  { contour: { tilt: c, spacing, points }, re, im, doubt }: ContourMoments,
  {
    epsilon,
    exponent,
    smoothing = 0,
  }: {
    readonly epsilon: number
    readonly exponent: number
    readonly smoothing?: number
  },
): ContourSum => {
  let value = 0
  // What additions lose is carried along: the sum errs by two roundings, whatever the number of points.
  let carry = 0
  let slope = 0
  let error = 0
  for (let k = 0; k < points; k++) {
    const y = k * spacing
    const kRe = (re[k] as number) + 0.5 * smoothing * (c * c - y * y + c)
    const kIm = (im[k] as number) + 0.5 * smoothing * (2 * c + 1) * y
    const height = kRe - c * epsilon - exponent
    const doubtful = doubt[k] as number
    if (height + Math.min(doubtful, 1) < -90) {
      // Forgotten terms are part of the error.
      error += Math.exp(height + doubtful) / (c * Math.min(1, c + 1))
      continue
    }
    const phase = kIm - y * epsilon
    const half = k === 0 ? 0.5 : 1
    // The kernel is 1/(aRe + i aIm); the slope's is 1/(s + 1).
    const [aRe, aIm] = [c * (c + 1) - y * y, (2 * c + 1) * y]
    const norm = aRe * aRe + aIm * aIm
    const modulus = half * Math.exp(height)
    const [cosine, sine] = [Math.cos(phase), Math.sin(phase)]
    const term = (modulus * (cosine * aRe + sine * aIm)) / norm
    const sum = value + term
    carry += Math.abs(value) >= Math.abs(term) ? value - sum + term : term - sum + value
    value = sum
    slope += (modulus * (cosine * (c + 1) + sine * y)) / ((c + 1) * (c + 1) + y * y)
    const size = 1 + Math.abs(kRe) + Math.abs(kIm) + (c + y) * epsilon
    // Apart, since |f| may underflow where the doubt about it overflows.
    const wrong = doubtful < 1 ? modulus * Math.expm1(doubtful) : half * Math.exp(height + doubtful)
    error += (wrong + modulus * ROUNDOFF * 16 * size) / Math.sqrt(norm)
  }
  return { value: value + carry, slope, error }
}
