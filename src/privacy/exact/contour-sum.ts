/**
 * The sum of the outer trapezoid rule, and a bound of what its terms err by.
 */
import type { Composition } from './composition.js'
import { BLOCK, type Block, block, blockEvaluator } from './contour-block.js'
import { shiftedNodes } from './shifted-nodes.js'

/** A contour: s = c + ikh for k = 0 … points − 1, and the precision v of the Gaussian that joins the composition. */
export interface Contour {
  readonly tilt: number
  readonly spacing: number
  readonly points: number
  readonly smoothing: number
}

export interface ContourSum {
  /** Σ' Re f, f = e^{K(s) − sε − E} / (s(s + 1)); Σ' halves the first term. */
  readonly value: number
  /** Σ' Re f s. */
  readonly slope: number
  /** A bound of the error of the value. */
  readonly error: number
}

/** What is summed: the kernel beside e^{K(s) − sε}. `both` 1/(s(s+1)): δ; `p` 1/s: P(L > ε); `q` 1/(s+1): e^ε Q(L > ε). */
export type Kernel = 'both' | 'p' | 'q'

const ROUNDOFF = 2 ** -53

interface Part {
  readonly count: number
  readonly scale: number
  readonly evaluate: (start: number, out: Block) => void
}

/**
 * The sum over a contour; undefined where a tilt is out of the range of the inner rule, or a moment overflows.
 *
 * `exponent` is E, a number near K(c) − cε that keeps the terms of order one.
 *
 * Cost       a complex product per point, node and distinct step: about 3 ns each
 */
export const contourSum = (
  composition: Composition,
  { tilt: c, spacing, points, smoothing }: Contour,
  {
    epsilon,
    exponent,
    kernel = 'both',
  }: { readonly epsilon: number; readonly exponent: number; readonly kernel?: Kernel },
): ContourSum | undefined => {
  const parts: Part[] = []
  for (const { pair, count } of composition.steps) {
    const nodes = shiftedNodes(pair, c)
    if (nodes === undefined) return undefined
    parts.push({ count, scale: nodes.scale, evaluate: blockEvaluator(nodes, { tilt: c, spacing }) })
  }
  const precision = composition.precision + smoothing
  let value = 0
  let slope = 0
  let error = 0
  const moments = block()
  const kRe = new Float64Array(BLOCK)
  const kIm = new Float64Array(BLOCK)
  const spread = new Float64Array(BLOCK)
  for (let first = 0; first < points; first += BLOCK) {
    const here = Math.min(BLOCK, points - first)
    for (let k = 0; k < here; k++) {
      const y = (first + k) * spacing
      kRe[k] = 0.5 * precision * (c * c - y * y + c)
      kIm[k] = 0.5 * precision * (2 * c + 1) * y
      spread[k] = 0
    }
    for (const { count, scale, evaluate } of parts) {
      evaluate(first * spacing, moments)
      const unit = Math.exp(-scale)
      for (let k = 0; k < here; k++) {
        const re = moments.re[k] as number
        const im = moments.im[k] as number
        const logModulus =
          scale === 0 ? 0.5 * Math.log1p(re * (2 + re) + im * im) : 0.5 * Math.log((re + unit) ** 2 + im * im)
        kRe[k] = (kRe[k] as number) + count * (scale + logModulus)
        kIm[k] = (kIm[k] as number) + count * Math.atan2(im, unit + re)
        spread[k] = (spread[k] as number) + count * Math.log1p(moments.error * Math.exp(-logModulus))
      }
    }
    for (let k = 0; k < here; k++) {
      const y = (first + k) * spacing
      const height = (kRe[k] as number) - c * epsilon - exponent
      // A modulus of 0 is fine, NaN is an overflow in a moment.
      if (Number.isNaN(height)) return undefined
      const phase = (kIm[k] as number) - y * epsilon
      const half = first + k === 0 ? 0.5 : 1
      // The kernel is 1/(aRe + i aIm); the slope's is 1/(s + 1).
      const aRe = kernel === 'both' ? c * (c + 1) - y * y : kernel === 'p' ? c : c + 1
      const aIm = kernel === 'both' ? (2 * c + 1) * y : y
      const norm = aRe * aRe + aIm * aIm
      const modulus = half * Math.exp(height)
      const [cosine, sine] = [Math.cos(phase), Math.sin(phase)]
      value += (modulus * (cosine * aRe + sine * aIm)) / norm
      slope += (modulus * (cosine * (c + 1) + sine * y)) / ((c + 1) * (c + 1) + y * y)
      const size = 1 + Math.abs(kRe[k] as number) + Math.abs(kIm[k] as number) + (c + y) * epsilon
      const doubt = spread[k] as number
      // Apart, since |f| may underflow where the doubt about it overflows.
      const wrong = doubt < 1 ? modulus * Math.expm1(doubt) : half * Math.exp(height + doubt)
      error += (wrong + modulus * ROUNDOFF * (16 * size + points)) / Math.sqrt(norm)
    }
  }
  return Number.isNaN(value + slope + error) ? undefined : { value, slope, error }
}
