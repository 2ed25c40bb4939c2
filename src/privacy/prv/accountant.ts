/**
 * The accountant of privacy random variables: losses rounded to a lattice with their means kept, and what rounding can have done to the
 * sum, with high probability.
 */
import { type Accountant, type Bounds, checkDelta, checkEpsilon } from '../accountant.js'
import type { Neighbouring } from '../neighbouring.js'
import { interpretAsPld } from '../pld/accountant.js'
import { type Enclosed, infinityOf, mostLossOf } from '../pld/composed-bounds.js'
import { directionsOf, type PldCurve, PldCurves } from '../pld/curve.js'
import { withFarGaussians } from '../pld/far-gaussians.js'
import { withFarTerms } from '../pld/far-terms.js'
import { type Component, componentsOf, guessEpsilon, guessLogDelta, planFor } from '../pld/plan.js'
import { roundedSum } from './rounded-sum.js'

/** Choices of the accountant of privacy random variables. */
export interface PrvOptions {
  /** The relation between datasets; `addOrRemoveOne` if not given. */
  readonly neighbouring?: Neighbouring
  /** What ε may be off by to either side; a hundredth of ε if not given. */
  readonly epsilonError?: number
  /** What δ may be off by to either side, at most half of it; a thousandth of δ if not given. */
  readonly deltaError?: number
  /** The most lattice points; a power of two, 2²⁰ if not given. */
  readonly mostPoints?: number
}

const exactly = (value: number): Enclosed => ({ lower: value, estimate: value, upper: value })

/** Errors that are meant: those given where they make sense, else shares of what is asked for. */
const errorsAt = (
  { epsilonError, deltaError }: PrvOptions,
  epsilon: number,
  delta: number,
): { readonly epsilonError: number; readonly deltaError: number } => ({
  epsilonError: epsilonError ?? Math.max(1e-4, 0.01 * epsilon),
  deltaError: Math.max(1e-300, Math.min(0.5 * delta, deltaError ?? 1e-3 * delta)),
})

/** The distance from ε that a plan may ignore: a small part of its error. */
const TOLERANCE = 0.01

/** Points of the first look, which finds where ε is. */
const FIRST_POINTS = 2 ** 14

/** ε of one direction, 0 < δ < 1. What is meant is at least `scale`: the ε of another direction. */
const epsilonOfDirection = (
  components: readonly Component[],
  delta: number,
  scale: number,
  options: PrvOptions,
): Enclosed => {
  const { mostPoints = 2 ** 20 } = options
  const infinity = infinityOf(components)
  if (infinity >= delta) return exactly(Infinity)
  const most = Math.max(0, mostLossOf(components))
  const logDelta = Math.log(delta - infinity)
  let epsilon = Math.min(guessEpsilon(components, logDelta), most)
  let found: Enclosed = { lower: 0, estimate: epsilon, upper: most }
  // The first ε is a guess; from where it leads to, the errors and the plan are made anew.
  for (let look = 0; look < 4; look++) {
    const errors = errorsAt(options, Math.max(scale, epsilon), delta - infinity)
    const plan = planFor(components, { epsilon, logDelta, tolerance: TOLERANCE * errors.epsilonError })
    const points = look === 0 ? Math.min(FIRST_POINTS, mostPoints) : mostPoints
    const sum = roundedSum(components, plan, errors, points)
    const upper = Math.min(most, (sum.upper.epsilon(delta - sum.deltaError) ?? Infinity) + sum.epsilonError)
    const lower = Math.max(0, (sum.lower.epsilon(delta + sum.deltaError) ?? 0) - sum.epsilonError)
    found = { lower: Math.max(found.lower, Math.min(lower, upper)), estimate: 0, upper: Math.min(found.upper, upper) }
    const middle = sum.middle.epsilon(delta) ?? 0.5 * (found.lower + Math.min(found.upper, 2 * found.lower))
    found = { ...found, estimate: Math.min(found.upper, Math.max(found.lower, middle)) }
    const moved = Math.abs(found.estimate - epsilon)
    epsilon = upper < Infinity ? found.estimate : Math.min(most, 2 * epsilon + 1)
    const fine = look > 0 || points === mostPoints || sum.epsilonError <= errors.epsilonError
    if (fine && moved * plan.slope < 1 && upper < Infinity) break
  }
  return found
}

/** What a reading says, or what is true anyway where losses of a thousand left float64. */
const known = (read: number, otherwise: number): number => (Number.isNaN(read) ? otherwise : read)

/** δ of one direction. */
const deltaOfDirection = (components: readonly Component[], epsilon: number, options: PrvOptions): Enclosed => {
  const { mostPoints = 2 ** 20 } = options
  const infinity = infinityOf(components)
  if (epsilon >= mostLossOf(components)) return exactly(infinity)
  const { logDelta } = guessLogDelta(components, epsilon)
  const errors = errorsAt(options, epsilon, Math.exp(Math.max(-690, logDelta)))
  const plan = planFor(components, { epsilon, logDelta, tolerance: TOLERANCE * errors.epsilonError })
  const sum = roundedSum(components, plan, errors, mostPoints)
  const upper = known(Math.min(1, sum.upper.delta(epsilon - sum.epsilonError) + sum.deltaError), 1)
  const below = known(sum.lower.delta(epsilon + sum.epsilonError) - sum.deltaError, 0)
  const lower = Math.min(upper, Math.max(0, below))
  return { lower, estimate: Math.min(upper, Math.max(lower, known(sum.middle.delta(epsilon), upper))), upper }
}

const worst = (found: readonly Enclosed[]): Enclosed => ({
  lower: found.reduce((most, { lower }) => Math.max(most, lower), 0),
  estimate: found.reduce((most, { estimate }) => Math.max(most, estimate), 0),
  upper: found.reduce((most, { upper }) => Math.max(most, upper), 0),
})

/**
 * The accountant of privacy random variables (PRV).
 *
 * Reads      what `pld` reads, and both directions as it does, mixed freely
 * Guarantee  lower ≤ truth ≤ upper: they stand `epsilonError` from where the rounded losses put ε, at δ ± `deltaError`. Sums are tilted
 *            before they are transformed, so that this holds in float64 at every δ. Means need no quadrature and cannot fail to match;
 *            where the mesh of the wanted error has more than `mostPoints` points, or twice that for all distinct terms together, the error
 *            is as much larger as the mesh is, and the bounds say so
 * Cost       √T meshes per unit of ε: 10 ms to 1 s. `pld` is closer at the same cost
 * Errors     a RangeError for an ε or δ that is none; UnsupportedEvent for what has no loss law here
 * References Gopi, Lee & Wutschitz 2021, arXiv:2106.02848
 *
 * @example
 * prv().epsilon(1e-5)({ precision: 1, terms: [] }).estimate.toFixed(2) // => '4.38'
 */
export const prv = (options: PrvOptions = {}): Accountant<PldCurve> => {
  const { neighbouring = 'addOrRemoveOne' } = options
  const pairsOf = directionsOf(neighbouring)
  const bounds = (found: Enclosed): Bounds => ({ ...found, neighbouring, method: 'privacy random variable' })
  const near: Accountant<PldCurve> = {
    name: 'prv',
    neighbouring,
    curve: PldCurves,
    interpret: interpretAsPld('prv', neighbouring),
    epsilon: (delta) => {
      checkDelta(delta)
      return (curve) => {
        if (delta === 1 || (curve.precision === 0 && curve.terms.length === 0)) return bounds(exactly(0))
        if (curve.precision === Infinity) return bounds(exactly(Infinity))
        const directions = pairsOf(curve).map(componentsOf)
        if (delta > 0)
          return bounds(
            directions.reduce(
              (found, components) =>
                found.lower === Infinity
                  ? found
                  : worst([found, epsilonOfDirection(components, delta, found.estimate, options)]),
              exactly(0),
            ),
          )
        const most = directions.map((components) =>
          infinityOf(components) > 0 ? Infinity : Math.max(0, mostLossOf(components)),
        )
        return bounds(worst(most.map((value) => ({ lower: 0, estimate: value, upper: value * (1 + 1e-13) }))))
      }
    },
    delta: (epsilon) => {
      checkEpsilon(epsilon)
      return (curve) => {
        if (curve.precision === 0 && curve.terms.length === 0) return bounds(exactly(0))
        if (curve.precision === Infinity) return bounds(exactly(epsilon === Infinity ? 0 : 1))
        const directions = pairsOf(curve).map(componentsOf)
        return bounds(worst(directions.map((components) => deltaOfDirection(components, epsilon, options))))
      }
    },
  }
  return withFarTerms(withFarGaussians(near))
}
