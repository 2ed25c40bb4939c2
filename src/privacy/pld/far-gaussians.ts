/**
 * Gaussians whose losses lie beyond what a lattice reaches: ε of half a million and more. No privacy is left there, but bounds are.
 */
import type { Accountant, Bounds } from '../accountant.js'
import { gdp } from '../gdp.js'
import type { PldCurve } from './curve.js'
import { farthest } from './sketch.js'

/** The rest of a composition is given this part of δ where δ is asked for. */
const REST = 1e-12

/** Their precision says already which relation it is of. */
const ofGaussians = gdp()

const between = (lower: number, upper: number, { neighbouring, method }: Bounds): Bounds => {
  const most = Math.max(lower, upper)
  return { lower, estimate: lower, upper: most, neighbouring, ...(method === undefined ? {} : { method }) }
}

/**
 * An accountant that leaves Gaussians which are too far for `near` to the closed form, and adds what `near` finds for the rest.
 *
 *   max(ε₁(δ), ε₂(δ)) ≤ ε(δ) ≤ ε₁(δ/2) + ε₂(δ/2),   max(δ₁(ε), δ₂(ε)) ≤ δ(ε) ≤ δ₁(ε − ε₂) + δ₂
 *
 * Reference  Dwork & Roth 2014, The Algorithmic Foundations of Differential Privacy, Thm 3.16 (basic composition)
 */
export const withFarGaussians = (near: Accountant<PldCurve>): Accountant<PldCurve> => ({
  ...near,
  epsilon: (delta) => {
    const [whole, far] = [near.epsilon(delta), ofGaussians.epsilon(delta)]
    return (curve) => {
      if (!(curve.precision > farthest && curve.precision < Infinity) || delta === 0 || delta === 1) return whole(curve)
      const [gaussians, rest] = partsOf(curve)
      if (rest.terms.length === 0) return { ...far(gaussians), neighbouring: near.neighbouring }
      const [one, other] = [ofGaussians.epsilon(0.5 * delta)(gaussians), near.epsilon(0.5 * delta)(rest)]
      return between(Math.max(far(gaussians).lower, whole(rest).lower), one.upper + other.upper, other)
    }
  },
  delta: (epsilon) => {
    const [whole, far] = [near.delta(epsilon), ofGaussians.delta(epsilon)]
    return (curve) => {
      if (!(curve.precision > farthest && curve.precision < Infinity) || epsilon === Infinity) return whole(curve)
      const [gaussians, rest] = partsOf(curve)
      if (rest.terms.length === 0) return { ...far(gaussians), neighbouring: near.neighbouring }
      const spent = near.epsilon(REST)(rest).upper
      const upper = spent <= epsilon ? Math.min(1, ofGaussians.delta(epsilon - spent)(gaussians).upper + REST) : 1
      return between(Math.max(far(gaussians).lower, whole(rest).lower), upper, whole(rest))
    }
  },
})

/** The Gaussians of a curve, and everything else. */
const partsOf = ({ precision, terms }: PldCurve): readonly [gaussians: PldCurve, rest: PldCurve] => [
  { precision, terms: [] },
  { precision: 0, terms },
]
