/**
 * The accountant of random allocation: balls and bins.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import {
  type Accountant,
  type Bounds,
  checkDelta,
  checkEpsilon,
  interpretBy,
  type MechanismEvent,
} from '../accountant.js'
import { isNoiseMultiplier, noiseMultiplierOf, noiseMultiplierRequirement, precisionOf } from '../gaussian-precision.js'
import { epsilonOfGdp, logDeltaOfGdp } from '../gdp.js'
import type { Neighbouring } from '../neighbouring.js'
import { narrow } from '../root.js'
import { gaussianRatio, meanOfCopies, type RatioLaw, type Side } from './ratio-law.js'
import { deltaOfRatio, powerOfRatio, productOfRatios } from './ratio-product.js'

/** Equal epochs: one of `steps` Gaussians of this σ sees the record, which one is hidden. */
export interface AllocatedSteps {
  readonly noiseMultiplier: number
  readonly steps: number
  readonly count: number
}

/** A composition as data: Σ σ⁻² of the unsampled Gaussians, the epochs, and whether these are the mechanism or only dominate it. */
export interface AllocationCurve {
  readonly precision: number
  readonly epochs: readonly AllocatedSteps[]
  readonly exact: boolean
}

const withEpoch = (epochs: readonly AllocatedSteps[], next: AllocatedSteps): readonly AllocatedSteps[] => {
  const same = (other: AllocatedSteps): boolean =>
    other.noiseMultiplier === next.noiseMultiplier && other.steps === next.steps
  return epochs.some(same)
    ? epochs.map((other) => (same(other) ? { ...other, count: other.count + next.count } : other))
    : [...epochs, next]
}

/** Curves under composition: precisions add, equal epochs are counted. */
export const AllocationCurves: Monoid<AllocationCurve> = {
  empty: { precision: 0, epochs: [], exact: true },
  concat: (a, b) => ({
    precision: a.precision + b.precision,
    epochs: b.epochs.reduce(withEpoch, a.epochs),
    exact: a.exact && b.exact,
  }),
}

const repeat =
  (times: number) =>
  ({ precision, epochs, exact }: AllocationCurve): AllocationCurve =>
    times === 0
      ? AllocationCurves.empty
      : {
          precision: times * precision,
          epochs: epochs.map((epoch) => ({ ...epoch, count: times * epoch.count })),
          exact,
        }

const isCount = (count: number): boolean => Number.isSafeInteger(count) && count > 0

const mechanism = (event: MechanismEvent): Either<string, AllocationCurve> => {
  switch (event._tag) {
    case 'NonPrivate':
      return E.right({ precision: Infinity, epochs: [], exact: true })
    case 'Gaussian':
    case 'TreeAggregation':
    case 'MatrixFactorisation':
      return E.map((sigma: number) => ({ precision: sigma ** -2, epochs: [], exact: true }))(noiseMultiplierOf(event))
    case 'RandomAllocation': {
      const { steps, participations, event: inner } = event
      if (!(isCount(steps) && isCount(participations) && participations <= steps))
        return E.left('a record takes part in at least one of the steps, and not more often than there are')
      const precision = precisionOf(inner)
      if (precision === undefined) return E.left('only allocations to Gaussian mechanisms have a bound here')
      const noiseMultiplier = precision ** -0.5
      if (!isNoiseMultiplier(noiseMultiplier)) return E.left(noiseMultiplierRequirement)
      if (precision === 0) return E.right(AllocationCurves.empty)
      if (precision === Infinity || participations === steps)
        return E.right({ precision: participations * precision, epochs: [], exact: true })
      // A random partition into groups, one step of each: the same choice, with the partition told (joint convexity).
      const size = Math.floor(steps / participations)
      const larger = steps - size * participations
      const epochs = [
        { noiseMultiplier, steps: size, count: participations - larger },
        { noiseMultiplier, steps: size + 1, count: larger },
      ].filter(({ count }) => count > 0)
      return E.right({ precision: 0, epochs, exact: participations === 1 })
    }
    default:
      return E.left('no random allocation, and no Gaussian mechanism')
  }
}

/** The law of the whole composition on one side; undefined beyond its range. */
const lawOf = ({ precision, epochs }: AllocationCurve, side: Side, cells: number): RatioLaw | undefined => {
  const sigmas = [
    ...epochs.map(({ noiseMultiplier }) => noiseMultiplier),
    ...(precision > 0 ? [precision ** -0.5] : []),
  ]
  const least = Math.min(...sigmas)
  // The cells reach ten deviations to both sides; the means stand 1/σ² apart.
  const range = 20 / least + least ** -2
  if (range > 600) return undefined
  const step = range / cells
  const parts = epochs.map(({ noiseMultiplier, steps, count }) =>
    powerOfRatio(meanOfCopies(gaussianRatio(noiseMultiplier, step, side), steps), count),
  )
  const all = precision > 0 ? [...parts, gaussianRatio(precision ** -0.5, step, side)] : parts
  return all.reduce((product, part) =>
    product === undefined || part === undefined ? undefined : productOfRatios(product, part),
  )
}

/** What rounding may take: a hundred times what it does. */
const ROUNDING = 1e-9

/** Bounds of δ by the laws of a composition, as functions of ε ≤ 700: 1 and 0 beyond their range. */
interface Readings {
  readonly upper: (epsilon: number) => number
  readonly lower: (epsilon: number) => number
}

const readingsOf = (curve: AllocationCurve, cells: number): Readings => {
  const upper = lawOf(curve, 'upper', cells)
  const lower = curve.exact ? lawOf(curve, 'lower', cells) : undefined
  const deltaAbove = upper === undefined ? () => 1 : deltaOfRatio(upper)
  const deltaBelow = lower === undefined ? () => 0 : deltaOfRatio(lower)
  return {
    upper: (epsilon) => Math.min(1, deltaAbove(epsilon) * (1 + ROUNDING)),
    lower: (epsilon) => deltaBelow(epsilon) * (1 - ROUNDING),
  }
}

/** Told which of its Gaussians it is, a record sees no less: μ of all of them unsampled, whose bound holds beyond the laws too. */
const unsampledMu = ({ precision, epochs }: AllocationCurve): number =>
  Math.sqrt(epochs.reduce((sum, { noiseMultiplier, count }) => sum + count * noiseMultiplier ** -2, precision))

/** ε at which δ(ε) falls to δ, from above or from below; ∞ where it never does. */
const crossing = (delta: number, deltaAt: (epsilon: number) => number, side: 'above' | 'below'): number => {
  const f = (epsilon: number): number => deltaAt(epsilon) - delta
  if (f(0) <= 0) return 0
  let [above, below] = [0, 1]
  while (f(below) > 0) {
    above = below
    below *= 2
    if (below > 1024) return side === 'above' ? Infinity : above
  }
  const found = narrow({ bracket: { above, below }, tolerance: 1e-10 })(f)
  return side === 'above' ? found.below : found.above
}

/** Choices of the accountant of random allocation. */
export interface AllocationOptions {
  /** `addOrRemoveOne` if not given. */
  readonly neighbouring?: 'addOrRemoveOne' | 'replaceSpecial'
  /** Cells of the grid for one Gaussian; 2048 if not given. Bounds narrow with the square, cost grows with it. */
  readonly cells?: number
}

/**
 * The accountant of random allocation: epochs in each of which every record takes part in one step (or several), chosen
 * uniformly and hidden; and Gaussian mechanisms beside them.
 *
 *   P = (1/t) Σᵢ N(eᵢ, σ²I),  Q = N(0, σ²I);   dP/dQ = W = (1/t) Σᵢ e^{(2xᵢ − 1)/(2σ²)}
 *
 * Reads      RandomAllocation of Gaussians, Gaussian mechanisms, and compositions of both. Both directions of adding or removing a
 *            record are computed, and the worse is reported. k of t steps are dominated by one step each of k groups of about
 *            t/k: an upper bound, and `lower` is 0. Not under `replaceOne`, for which no dominating pair is known
 * Guarantee  lower ≤ truth ≤ upper for the pair above: mass is only spread or merged with its mean kept, which moves δ to one side
 *            (`ratio-law.ts`); rounding is given 1e-9. At the default ε is known to 4e-4 for an
 *            epoch of 10 steps at σ = 1, to 3e-3 for ten epochs of 100. δ below 1e-19 is out of reach of these laws, and so is
 *            |log W| beyond 600 (σ below 0.04): the upper bound is that of unsampled Gaussians there, and nowhere above it
 * Cost       cells² for each of log₂ t sums and log₂ (epochs) products: 0.2 to 2 s
 * Errors     UnsupportedEvent for any other mechanism; RangeError for an ε or a δ that is none, and for another relation
 * References Chua et al. 2024, arXiv:2412.16802 · Feldman & Shenfeld 2025, arXiv:2502.08202; arXiv:2602.17284 (dominating pair,
 *            decomposition, convolution)
 */
export const allocation = ({
  neighbouring = 'addOrRemoveOne',
  cells = 2048,
}: AllocationOptions = {}): Accountant<AllocationCurve> => {
  const relation: Neighbouring = neighbouring
  // A program without types would be told what another relation spends.
  if (relation !== 'addOrRemoveOne' && relation !== 'replaceSpecial')
    throw new RangeError(
      `neighbouring is ${JSON.stringify(relation)}: random allocation is known under addOrRemoveOne and replaceSpecial`,
    )
  const exactly = (value: number): Bounds => ({ lower: value, estimate: value, upper: value, neighbouring: relation })
  const enclosed = (lower: number, upper: number, exact: boolean): Bounds => ({
    lower: Math.min(lower, upper),
    estimate: exact && upper < Infinity ? 0.5 * (Math.min(lower, upper) + upper) : upper,
    upper,
    neighbouring: relation,
  })
  const isEmpty = ({ precision, epochs }: AllocationCurve): boolean => precision === 0 && epochs.length === 0
  return {
    name: 'allocation',
    neighbouring: relation,
    curve: AllocationCurves,
    interpret: interpretBy({ name: 'allocation', curve: AllocationCurves, repeat, mechanism }),
    epsilon: (delta) => {
      checkDelta(delta)
      return (curve) => {
        if (isEmpty(curve) || delta === 1) return exactly(0)
        if (curve.precision === Infinity || delta === 0) return exactly(Infinity)
        const unsampled = epsilonOfGdp(unsampledMu(curve))(delta)
        if (curve.epochs.length === 0) return { ...unsampled, neighbouring: relation }
        const { upper, lower } = readingsOf(curve, cells)
        const above = Math.min(crossing(delta, upper, 'above'), unsampled.upper)
        return enclosed(crossing(delta, lower, 'below'), above, curve.exact)
      }
    },
    delta: (epsilon) => {
      checkEpsilon(epsilon)
      return (curve) => {
        if (isEmpty(curve)) return exactly(0)
        if (curve.precision === Infinity) return exactly(epsilon === Infinity ? 0 : 1)
        const { upper, lower } = readingsOf(curve, cells)
        const unsampled = Math.exp(logDeltaOfGdp(unsampledMu(curve))(epsilon)) * (1 + ROUNDING)
        // e^ε is no number far beyond, and δ falls.
        return epsilon > 700
          ? enclosed(0, Math.min(upper(700), unsampled), false)
          : enclosed(lower(epsilon), Math.min(upper(epsilon), unsampled), curve.exact)
      }
    },
  }
}
