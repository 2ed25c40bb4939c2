/**
 * Mechanisms on whole datasets as Rényi curves.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { Mechanism, NoOp, Unsupported } from '../event/event.js'
import { isNoiseMultiplier, noiseMultiplierOf, noiseMultiplierRequirement } from '../gaussian-precision.js'
import { approximateDpOfGroup, type Neighbouring, sensitivityOf } from '../neighbouring.js'
import { type RdpCurve, RdpCurves, type RdpTerm, rdpOf } from './curve.js'
import type { LossPair } from './loss-pair.js'

/** A mechanism that says something. */
export type UnsampledMechanism = Exclude<Mechanism, NoOp | Unsupported>

const nonPrivate: RdpCurve = rdpOf({ _tag: 'NonPrivate' })

const known = (term: RdpTerm): Either<string, RdpCurve> => E.right(rdpOf(term))

/** Is Δ a whole number of grid steps? */
const isSensitivity = (sensitivity: number): boolean =>
  Number.isSafeInteger(sensitivity) && Number.isSafeInteger(2 * sensitivity) && sensitivity >= 0

/** A number that noise may be as wide as, and its square too. */
const isWidth = (width: number): boolean => width >= 0 && width <= 1e150

/**
 * The pair of laws that dominates a mechanism when one record is added or removed, where its losses are known one by one: what a
 * Poisson sample of it is analysed by. Undefined for any other mechanism, and for numbers out of their domains.
 */
export const lossPairOf = (event: Mechanism): LossPair | undefined => {
  switch (event._tag) {
    case 'Laplace':
      return isNoiseMultiplier(event.noiseMultiplier) && event.noiseMultiplier > 0
        ? { _tag: 'Laplace', scale: event.noiseMultiplier }
        : undefined
    case 'DiscreteLaplace':
      return isSensitivity(event.sensitivity) && isWidth(event.scale) && event.scale > 0
        ? { _tag: 'DiscreteLaplace', scale: event.scale, sensitivity: event.sensitivity }
        : undefined
    case 'PureDp':
      return event.epsilon >= 0 ? { _tag: 'PureDp', epsilon: event.epsilon } : undefined
    default:
      return undefined
  }
}

/** Two steps of a curve where one record is replaced: through the dataset without it. */
export const forRelation =
  (neighbouring: Neighbouring) =>
  (oneStep: RdpCurve): RdpCurve =>
    neighbouring !== 'replaceOne' ||
    oneStep.terms.length === 0 ||
    oneStep.terms.some(({ term }) => term._tag === 'NonPrivate')
      ? oneStep
      : rdpOf({ _tag: 'TwoHops', curve: oneStep })

const randomizedResponse = (
  neighbouring: Neighbouring,
  { noiseParameter, buckets }: { readonly noiseParameter: number; readonly buckets: number },
): Either<string, RdpCurve> => {
  if (!(noiseParameter >= 0 && noiseParameter <= 1)) return E.left('a noise parameter must be in [0, 1]')
  if (!(Number.isSafeInteger(buckets) && buckets > 1)) return E.left('randomised response is between 2 buckets or more')
  if (neighbouring === 'addOrRemoveOne')
    return E.left('one answer more is seen, whatever it says; it is analysed where datasets are of one size')
  if (noiseParameter / buckets === 0) return E.right(nonPrivate)
  if (noiseParameter === 1) return E.right(RdpCurves.empty)
  const toAnother = neighbouring === 'replaceOne'
  const pair: LossPair = { _tag: 'RandomizedResponse', noiseParameter, buckets, toAnother }
  return known({ _tag: 'LossPair', pair, samplingProbability: 1 })
}

const mixture = (event: Extract<Mechanism, { readonly _tag: 'MixtureOfGaussians' }>): Either<string, RdpCurve> => {
  const { noiseMultiplier, sensitivities, probabilities } = event
  if (!isNoiseMultiplier(noiseMultiplier)) return E.left(noiseMultiplierRequirement)
  if (sensitivities.length !== probabilities.length || sensitivities.length === 0)
    return E.left('a mixture has as many probabilities as sensitivities, and at least one')
  if (!sensitivities.every((sensitivity) => sensitivity >= 0 && sensitivity <= 1e150))
    return E.left('sensitivities of a mixture must be in [0, 1e150]')
  const total = probabilities.reduce((sum, p) => sum + p, 0)
  if (!probabilities.every((p) => p >= 0 && p <= 1) || !(Math.abs(total - 1) <= 1e-9))
    return E.left('probabilities of a mixture must sum to 1')
  if (
    noiseMultiplier === Infinity ||
    sensitivities.every((sensitivity, i) => sensitivity === 0 || probabilities[i] === 0)
  )
    return E.right(RdpCurves.empty)
  if (noiseMultiplier === 0) return E.right(nonPrivate)
  const largest = Math.max(...sensitivities.filter((_, i) => (probabilities[i] as number) > 0)) / noiseMultiplier
  if (!(largest >= 1e-150 && largest <= 1e150))
    return E.left('the largest sensitivity of a mixture must be between 1e-150 and 1e150 times its noise')
  return known({
    _tag: 'MixtureOfGaussians',
    noiseMultiplier,
    sensitivities,
    probabilities: probabilities.map((p) => p / total),
  })
}

/**
 * The curve of a mechanism on a whole dataset.
 *
 * One record replaced by another moves a sum twice as far, and doubles what an ε-DP mechanism or a score spends; a mechanism that
 * is known by one step only is bounded by two of them.
 */
export const mechanismCurve =
  (neighbouring: Neighbouring) =>
  (event: UnsampledMechanism): Either<string, RdpCurve> => {
    const sensitivity = sensitivityOf(neighbouring)
    switch (event._tag) {
      case 'NonPrivate':
        return E.right(nonPrivate)
      case 'Gaussian':
      case 'TreeAggregation':
      case 'MatrixFactorisation':
        return E.map((sigma: number) =>
          sigma === 0 ? nonPrivate : rdpOf({ _tag: 'Gaussian', noiseMultiplier: sigma / sensitivity }),
        )(noiseMultiplierOf(event))
      case 'Laplace':
        if (!isNoiseMultiplier(event.noiseMultiplier)) return E.left(noiseMultiplierRequirement)
        return event.noiseMultiplier === 0
          ? E.right(nonPrivate)
          : known({ _tag: 'Laplace', noiseMultiplier: event.noiseMultiplier / sensitivity })
      case 'DiscreteGaussian':
        if (!isSensitivity(event.sensitivity)) return E.left('a sensitivity on a grid must be an integer ≥ 0')
        if (!isWidth(event.sigma)) return E.left('the σ of noise on a grid must be in [0, 1e150]')
        if (event.sensitivity === 0) return E.right(RdpCurves.empty)
        return event.sigma === 0
          ? E.right(nonPrivate)
          : known({ _tag: 'DiscreteGaussian', sigma: event.sigma, sensitivity: event.sensitivity * sensitivity })
      case 'DiscreteLaplace': {
        if (!isSensitivity(event.sensitivity)) return E.left('a sensitivity on a grid must be an integer ≥ 0')
        if (!isWidth(event.scale)) return E.left('the scale of noise on a grid must be in [0, 1e150]')
        if (event.sensitivity === 0) return E.right(RdpCurves.empty)
        const pair = lossPairOf({ ...event, sensitivity: event.sensitivity * sensitivity })
        return pair === undefined ? E.right(nonPrivate) : known({ _tag: 'LossPair', pair, samplingProbability: 1 })
      }
      case 'RandomizedResponse':
        return randomizedResponse(neighbouring, event)
      case 'ExponentialMechanism':
      case 'PureDp':
        return event.epsilon >= 0
          ? known({ _tag: event._tag, epsilon: event.epsilon * sensitivity })
          : E.left('an ε must be ≥ 0')
      case 'ApproximateDp': {
        const { epsilon, delta } = sensitivity === 2 ? approximateDpOfGroup(2)(event) : event
        if (!(event.epsilon >= 0 && event.delta >= 0 && event.delta <= 1))
          return E.left('an ε must be ≥ 0 and a δ in [0, 1]')
        return delta >= 1 ? E.right(nonPrivate) : E.right(approximateDpCurve(epsilon, delta))
      }
      case 'ZeroConcentratedDp':
        return event.rho >= 0 && event.xi >= 0
          ? E.right(forRelation(neighbouring)(rdpOf({ _tag: 'ZeroConcentratedDp', rho: event.rho, xi: event.xi })))
          : E.left('ρ and ξ must be ≥ 0')
      case 'MixtureOfGaussians':
        return E.map(forRelation(neighbouring))(mixture(event))
    }
  }

/**
 * An (ε, δ)-DP mechanism: no worse than one that fails openly with probability δ, and is ε-DP otherwise.
 *
 * Reference  Kairouz, Oh & Viswanath 2015, arXiv:1311.0776, Thm 3.3 and its proof
 */
export const approximateDpCurve = (epsilon: number, delta: number): RdpCurve =>
  RdpCurves.concat(
    rdpOf({ _tag: 'PureDp', epsilon }),
    delta === 0 ? RdpCurves.empty : rdpOf({ _tag: 'Failure', probability: delta }),
  )
