/**
 * The exact accountant: Gaussians, Poisson samples of Gaussians and mixtures of Gaussians, any counts, mixed freely.
 */
import { type Accountant, type Bounds, checkDelta, checkEpsilon, interpretBy } from '../accountant.js'
import { epsilonOfGdp } from '../gdp.js'
import type { Neighbouring } from '../neighbouring.js'
import type { Composition } from './composition.js'
import { type ContourOptions, defaultContour } from './contour-integral.js'
import { compositionsOf, type ExactCurve, ExactCurves, repeatCurve } from './curve.js'
import { enclose, isWithin } from './enclosure.js'
import { closerDelta, closerEpsilon } from './lattice-bounds.js'
import { mechanismCurve } from './mechanism-curve.js'
import { profileOf } from './profile.js'
import { type EpsilonEnclosure, solveEpsilon } from './solve-epsilon.js'

/** Choices of the exact accountant. */
export interface ExactOptions extends Partial<ContourOptions> {
  /** The relation between datasets; `addOrRemoveOne` if not given. */
  readonly neighbouring?: Neighbouring
}

/**
 * The exact accountant of Gaussians, Poisson-sampled Gaussians and mixtures of Gaussians.
 *
 * Reads      Gaussian mechanisms, Poisson samples of them (several Gaussians on one batch included), mixtures of Gaussians (groups,
 *            users) and their Poisson samples, and compositions of all, whatever the counts; where a record is added or removed, batches
 *            of a fixed size of Gaussians too. Both directions of adding or removing a record are evaluated, and the worse is reported
 * Guarantee  lower ≤ truth ≤ upper, by the theorems that `contour-integral.ts` names; docs/accounting.md has their proofs. For hundreds
 *            of steps or more the two are within 1e-8 relative of each other; for few steps of small q, whose integrand decays slowly,
 *            and for a small δ that a few large losses make, they are those of `pld`, some 1e-4 apart, and the estimate between
 *            them is one; beyond the reach of both `upper` is the best Rényi bound and `lower` is 0
 * Cost       about 1 ms a δ and 3 ms an ε for each distinct step, whatever the number of steps; up to hundreds of milliseconds for
 *            few steps of small q
 * Errors     a RangeError for an ε or δ that is none; UnsupportedEvent for any other mechanism
 * References Alghamdi et al. 2023, arXiv:2208.09595, Thm 3.1 · Lebeda, Regehr, Kamath & Steinke 2024, arXiv:2405.20769 (both directions)
 *
 * @example
 * exact().epsilon(1e-5)({ precision: 0, steps: [{ noiseMultiplier: 1, samplingProbability: 0.01, count: 1000 }] }).estimate.toFixed(6) // => '1.828237'
 */
export const exact = ({
  neighbouring = 'addOrRemoveOne',
  mostPoints = defaultContour.mostPoints,
  digits = defaultContour.digits,
}: ExactOptions = {}): Accountant<ExactCurve> => {
  const options = { mostPoints, digits }
  const interpret: Accountant<ExactCurve>['interpret'] = interpretBy({
    name: 'exact',
    curve: ExactCurves,
    repeat: repeatCurve,
    mechanism: (event) => mechanismCurve(neighbouring, interpret)(event),
  })
  const exactly = (value: number): Bounds => ({ lower: value, estimate: value, upper: value, neighbouring })
  return {
    name: 'exact',
    neighbouring,
    curve: ExactCurves,
    interpret,
    epsilon: (delta) => {
      checkDelta(delta)
      return (curve) => {
        const [first, ...others] = compositionsOf(neighbouring)(curve)
        if (first === undefined || delta === 1) return exactly(0)
        if (curve.precision === Infinity) return exactly(Infinity)
        if (first.steps.length === 0) return { ...epsilonOfGdp(Math.sqrt(first.precision))(delta), neighbouring }
        if (delta === 0) return exactly(Infinity)
        const logDelta = Math.log(delta)
        const solve = (one: Composition): EpsilonEnclosure =>
          closerEpsilon(one, delta)(solveEpsilon(one, options)(logDelta))
        let { lower, estimate, upper, method } = solve(first)
        for (const other of others) {
          // A direction that is proved to be within δ at the upper end cannot move it.
          if (isWithin(other, upper, logDelta, options)) continue
          const further = solve(other)
          if (further.upper > upper) method = further.method
          lower = Math.max(lower, further.lower)
          estimate = Math.max(estimate, further.estimate)
          upper = Math.max(upper, further.upper)
        }
        return { lower, estimate, upper, neighbouring, method }
      }
    },
    delta: (epsilon) => {
      checkEpsilon(epsilon)
      return (curve) => {
        const enclosed = compositionsOf(neighbouring)(curve).map((composition) => {
          const { lower, estimate, upper, method } = enclose(composition, options)(epsilon)
          return { composition, lower: Math.exp(lower), estimate: Math.exp(estimate), upper: Math.exp(upper), method }
        })
        // A direction that cannot be the worse one is left as wide as it is.
        const least = enclosed.reduce((most, { lower }) => Math.max(most, lower), 0)
        const found = enclosed.map((one) => (one.upper > least ? closerDelta(one.composition, epsilon)(one) : one))
        const worst = (end: 'lower' | 'estimate' | 'upper'): number =>
          found.reduce((most, one) => Math.max(most, one[end]), 0)
        const upper = worst('upper')
        const method = found.find((one) => one.upper === upper)?.method ?? 'gaussian'
        return { lower: worst('lower'), estimate: worst('estimate'), upper, neighbouring, method }
      }
    },
    profile: profileOf(neighbouring, options),
  }
}
