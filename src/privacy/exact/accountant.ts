/**
 * The exact accountant: Gaussians and Poisson samples of Gaussians, any counts, mixed freely.
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
import { noiseMultiplierOf, precisionOf } from '../gaussian-precision.js'
import { epsilonOfGdp } from '../gdp.js'
import { type Neighbouring, sensitivityOf } from '../neighbouring.js'
import type { Composition } from './composition.js'
import { type ContourOptions, defaultContour } from './contour-integral.js'
import { enclose } from './enclosure.js'
import { solveEpsilon } from './solve-epsilon.js'

/** Equal Poisson-sampled Gaussian steps: σ in units of one record's bound, q ∈ (0, 1). */
export interface SampledSteps {
  readonly noiseMultiplier: number
  readonly samplingProbability: number
  readonly count: number
}

/** A composition as data: Σ σ⁻² of the unsampled Gaussians (∞: something was not private), and the sampled steps. */
export interface ExactCurve {
  readonly precision: number
  readonly steps: readonly SampledSteps[]
}

const withSteps = (steps: readonly SampledSteps[], next: SampledSteps): readonly SampledSteps[] => {
  const at = steps.findIndex(
    (other) => other.noiseMultiplier === next.noiseMultiplier && other.samplingProbability === next.samplingProbability,
  )
  return at < 0
    ? [...steps, next]
    : steps.map((other, index) => (index === at ? { ...other, count: other.count + next.count } : other))
}

/** Curves under composition: precisions add, equal steps are counted. */
export const ExactCurves: Monoid<ExactCurve> = {
  empty: { precision: 0, steps: [] },
  concat: (a, b) => ({ precision: a.precision + b.precision, steps: b.steps.reduce(withSteps, a.steps) }),
}

const repeat =
  (count: number) =>
  ({ precision, steps }: ExactCurve): ExactCurve =>
    count === 0
      ? ExactCurves.empty
      : { precision: count * precision, steps: steps.map((part) => ({ ...part, count: count * part.count })) }

const nonPrivate: ExactCurve = { precision: Infinity, steps: [] }

const mechanism =
  (interpret: Accountant<ExactCurve>['interpret']) =>
  (event: MechanismEvent): Either<string, ExactCurve> => {
    switch (event._tag) {
      case 'NonPrivate':
        return E.right(nonPrivate)
      case 'Gaussian':
      case 'TreeAggregation':
      case 'MatrixFactorisation':
        return E.map((sigma: number) => ({ precision: sigma ** -2, steps: [] }))(noiseMultiplierOf(event))
      case 'PoissonSampled': {
        const q = event.samplingProbability
        if (!(q >= 0 && q <= 1)) return E.left('a sampling probability must be in [0, 1]')
        const inner = E.mapLeft(({ reason }: { readonly reason: string }) => reason)(interpret(event.event))
        if (E.isLeft(inner) || q === 1) return inner
        if (q === 0) return E.right(ExactCurves.empty)
        // Each record passes two independent draws.
        if (event.event._tag === 'PoissonSampled')
          return mechanism(interpret)({
            ...event.event,
            samplingProbability: q * event.event.samplingProbability,
          })
        if (event.event._tag === 'NonPrivate') return E.right(nonPrivate)
        const precision = precisionOf(event.event)
        if (precision === undefined)
          return E.left('only Poisson samples of Gaussian mechanisms have an exact curve here')
        if (precision === 0) return E.right(ExactCurves.empty)
        if (precision === Infinity) return E.right(nonPrivate)
        const noiseMultiplier = event.event._tag === 'Gaussian' ? event.event.noiseMultiplier : precision ** -0.5
        return E.right({ precision: 0, steps: [{ noiseMultiplier, samplingProbability: q, count: 1 }] })
      }
      case 'Laplace':
      case 'DiscreteGaussian':
      case 'DiscreteLaplace':
      case 'RandomizedResponse':
        return E.left('its losses have atoms, which a contour does not resolve')
      case 'MixtureOfGaussians':
        return E.left('no exact curve of mixtures of Gaussians here')
      case 'ExponentialMechanism':
      case 'PureDp':
      case 'ApproximateDp':
      case 'ZeroConcentratedDp':
      case 'RepeatAndSelect':
        return E.left('it is known by a bound only, and an exact curve needs its law')
      case 'TruncatedPoissonSampled':
      case 'SampledWithoutReplacement':
      case 'SampledWithReplacement':
      case 'RandomAllocation':
      case 'Shuffled':
        return E.left('no exact curve of batches that are not Poisson samples; rdp() has a bound for some')
    }
  }

/**
 * The compositions whose δ is to be bounded. Adding or removing one record: both directions. Replacing one: one direction, which is its
 * own mirror image, and unsampled sums move twice as far.
 */
export const compositionsOf =
  (neighbouring: Neighbouring) =>
  ({ precision, steps }: ExactCurve): readonly Composition[] => {
    if (steps.length === 0) return [{ precision: precision * sensitivityOf(neighbouring) ** 2, steps: [] }]
    if (neighbouring === 'replaceOne')
      return [
        {
          precision: 4 * precision,
          steps: steps.map(({ count, ...step }) => ({ count, pair: { kind: 'replace', ...step } })),
        },
      ]
    return (['remove', 'add'] as const).map((kind) => ({
      precision,
      steps: steps.map(({ count, ...step }) => ({ count, pair: { kind, ...step } })),
    }))
  }

/** Choices of the exact accountant. */
export interface ExactOptions extends Partial<ContourOptions> {
  /** The relation between datasets; `addOrRemoveOne` if not given. */
  readonly neighbouring?: Neighbouring
}

/**
 * The exact accountant of Gaussians and Poisson-sampled Gaussians.
 *
 * Reads      Gaussian mechanisms, Poisson samples of them (several Gaussians on one batch included), and compositions of both, whatever
 *            the counts. Both directions of adding or removing a record are evaluated, and the worse is reported
 * Guarantee  lower ≤ truth ≤ upper, as far as every golden value and a 34-digit evaluation show; two constants of the bound on
 *            the tail of the contour (`decay-bound.ts`) are argued, not proved, so a claim of privacy should rest on `rdp` until
 *            they are. For hundreds of steps or more they are within 1e-8 relative of each other; for few steps of small q, whose
 *            integrand decays slowly, `upper` and `lower` may stand apart, and the estimate is an extrapolation between them; beyond the
 *            reach of the quadrature `upper` is the best Rényi bound and `lower` is 0
 * Cost       about 1 ms a δ and 5 ms an ε, whatever the number of steps, for each distinct step; up to seconds for few steps of small q
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
    repeat,
    mechanism: (event) => mechanism(interpret)(event),
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
        let { lower, estimate, upper, method } = solveEpsilon(first, options)(logDelta)
        for (const other of others) {
          // A direction that is proved to be within δ at the upper end cannot move it.
          if (enclose(other, options)(upper).upper <= logDelta) continue
          const further = solveEpsilon(other, options)(logDelta)
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
        const found = compositionsOf(neighbouring)(curve).map((composition) => enclose(composition, options)(epsilon))
        const worst = (end: 'lower' | 'estimate' | 'upper'): number =>
          found.reduce((most, one) => Math.max(most, Math.exp(one[end])), 0)
        const upper = worst('upper')
        const method = found.find((one) => Math.exp(one.upper) === upper)?.method ?? 'gaussian'
        return { lower: worst('lower'), estimate: worst('estimate'), upper, neighbouring, method }
      }
    },
  }
}
