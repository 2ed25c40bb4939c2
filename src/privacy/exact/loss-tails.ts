/**
 * Probabilities that the privacy loss exceeds ε, from δ(ε) and its slope.
 *
 *   F = −dδ/dε = e^ε Q(L > ε),   P(L > ε) = δ(ε) + F
 *
 * Bounds need no contour of their own. In x = e^ε, δ is convex with slope −Q(L > ε); so chords of δ to either side bound the slope between
 * them, and bounds of δ bound the chords:
 *
 *   (δ(ε) − δ(ε + d))/(e^d − 1) ≤ F ≤ (δ(ε − d) − δ(ε))/(1 − e^(−d)),   d > 0
 *
 * Below 0, δ(−ε) = 1 − e^(−ε) + e^(−ε) δ̃(ε), δ̃ that of P and Q exchanged.
 */
import { checkEpsilon } from '../accountant.js'
import type { Neighbouring } from '../neighbouring.js'
import { type Composition, essentialSupremum, mirroredComposition } from './composition.js'
import { type ContourOptions, defaultContour } from './contour-integral.js'
import { compositionsOf, type ExactCurve } from './curve.js'
import { enclose } from './enclosure.js'
import type { PairKind } from './pair.js'
import { profile } from './profile.js'

/** A probability between its bounds. */
export interface TailProbability {
  readonly lower: number
  readonly estimate: number
  readonly upper: number
}

/** Tails of the loss L = log dP/dQ in one direction. */
export interface LossTails {
  /** Whether P's dataset has the record, Q's, or each another one; undefined for unsampled Gaussians, where both directions are one. */
  readonly direction: PairKind | undefined
  /** P(L > ε). */
  readonly p: TailProbability
  /** Q(L > ε). */
  readonly q: TailProbability
}

/** Lengths of chords, in e-folds of δ: bending costs half of that, relative; bounds of δ cost their distance divided by it. */
const CHORDS = [0.3, 1e-2, 1e-4, 3e-6]

/** What an exponential and an operation or two err by. */
const ROUNDOFF = 2 ** -50

const raised = (x: number): number => (x === 0 ? 0 : x * (1 + ROUNDOFF) + Number.MIN_VALUE)
const lowered = (x: number): number => x * (1 - ROUNDOFF)

interface DeltaBounds {
  readonly lower: number
  readonly upper: number
}

/** Bounds of δ at ε of any sign. */
const deltaAnywhere = (composition: Composition, options: ContourOptions): ((epsilon: number) => DeltaBounds) => {
  const here = profile(composition, options)
  const exchanged = profile(mirroredComposition(composition), options)
  return (epsilon) => {
    const { lower, upper } = epsilon < 0 ? exchanged(-epsilon) : here(epsilon)
    // An exponential may vanish where δ does not.
    const least = lowered(Math.exp(lower))
    const most = upper === -Infinity ? 0 : raised(Math.max(Math.exp(upper), Number.MIN_VALUE))
    if (epsilon >= 0) return { lower: least, upper: most }
    const below = (delta: number): number => -Math.expm1(epsilon) + Math.exp(epsilon) * delta
    return { lower: lowered(below(least)), upper: raised(below(most)) }
  }
}

const tailsOf =
  (epsilon: number, options: ContourOptions) =>
  (composition: Composition): LossTails => {
    const direction = composition.steps[0]?.pair.kind
    const never = { lower: 0, estimate: 0, upper: 0 }
    if (epsilon >= essentialSupremum(composition) || epsilon === Infinity) return { direction, p: never, q: never }
    const deltaAt = deltaAnywhere(composition, options)
    const delta = deltaAt(epsilon)
    const { estimate, slope } = enclose(composition, options)(epsilon)
    // Closed forms have no slope of their own.
    const steepness = Number.isNaN(slope) ? 1e3 * Math.log(delta.upper / deltaAt(epsilon + 1e-3).upper) : -slope
    const lengths = CHORDS.map((length) => length / (1 + Math.abs(steepness)))
    const least = lengths.reduce((most, length) => {
      const far = epsilon + length
      return Math.max(most, (delta.lower - deltaAt(far).upper) / Math.expm1(far - epsilon))
    }, 0)
    // P(L > ε) ≤ 1 bounds F too.
    const most = lengths.reduce((best, length) => {
      const near = epsilon - length
      return Math.min(best, (deltaAt(near).upper - delta.lower) / -Math.expm1(near - epsilon))
    }, 1 - delta.lower)
    const middle = Number.isNaN(slope) ? 0.5 * (least + most) : -slope * Math.exp(estimate)
    const flux = { lower: lowered(least), estimate: Math.min(Math.max(middle, least), most), upper: raised(most) }
    return {
      direction,
      p: {
        lower: lowered(delta.lower + flux.lower),
        estimate: Math.min(1, Math.exp(estimate) + flux.estimate),
        upper: Math.min(1, raised(delta.upper + flux.upper)),
      },
      q: {
        lower: lowered(Math.exp(-epsilon) * flux.lower),
        estimate: Math.exp(-epsilon) * flux.estimate,
        upper: Math.min(1, raised(Math.exp(-epsilon) * flux.upper)),
      },
    }
  }

/**
 * P(L > ε) and Q(L > ε) of a composition at ε ≥ 0, for each direction of the relation. The worst P(L > ε) is the δ of probabilistic
 * (ε, δ)-DP.
 *
 * Guarantee  lower ≤ truth ≤ upper as for δ. Where δ is known to 1e-11, the bounds of F are some 1e-4 relative apart (more where F is small
 *            beside δ), and the estimate, from the contour's slope, errs by as little of δ as δ does; one step and unsampled Gaussians
 *            have closed forms of δ, and an estimate midway
 * Cost       ten δ next to ε, on shared contours where they converge: tens of milliseconds; a second or two for few steps of small q
 * Errors     a RangeError for an ε that is none
 *
 * @example
 * lossTails(0)({ precision: 4, steps: [] }).map(({ p, q }) => [p.estimate.toFixed(4), q.estimate.toFixed(4)]) // => [['0.8413', '0.1587']]
 */
export const lossTails =
  (epsilon: number, neighbouring: Neighbouring = 'addOrRemoveOne', options: ContourOptions = defaultContour) =>
  (curve: ExactCurve): readonly LossTails[] => {
    checkEpsilon(epsilon)
    return compositionsOf(neighbouring)(curve).map(tailsOf(epsilon, options))
  }
