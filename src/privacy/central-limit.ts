/**
 * The central limit of sampled Gaussians: what many reports print as their ε, and what is no bound.
 *
 *   Poisson   μ² = Σ q² (e^(1/σ²) − 1)          uniform   μ² = Σ 2q² (e^(1/σ²) Φ(3/(2σ)) + 3Φ(−1/(2σ)) − 2)
 *
 * Where the number of steps is finite the true ε may be larger: at σ = 0.5, q = 0.001 after 10⁴ steps and δ = 1e-6 it is 6.35,
 * and the central limit says 3.44. Its answers are therefore an `Approximation`, which no function here takes for `Bounds`.
 *
 * Reference  Bu, Dong, Long & Su 2020, arXiv:1911.11607
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import { ndtr } from '../tensor/special.js'
import { type AccountingFailure, interpretBy, type MechanismEvent, type UnsupportedEvent } from './accountant.js'
import type { PrivacyEvent } from './event/event.js'
import { noiseMultiplierOf, precisionOf } from './gaussian-precision.js'
import { epsilonOfGdp, type GdpCurve, GdpCurves, logDeltaOfGdp } from './gdp.js'
import { type InvalidParameter, invalidParameter } from './invalid-parameter.js'

/** A number near the truth, on either side of it. */
export interface Approximation {
  readonly _tag: 'Approximation'
  readonly approximate: number
  /** It may be smaller than what is spent: never to be reported as a guarantee. */
  readonly mayUnderstate: true
}

/** Φ(y) − ½, without cancellation. */
const centralProbability = (y: number): number => {
  if (y > 1) return ndtr(y) - 0.5
  let term = y
  let sum = y
  for (let k = 1; k < 60 && Math.abs(term) > 1e-18 * sum; k++) {
    term *= (y * y) / (2 * k + 1)
    sum += term
  }
  return (sum * Math.exp(-0.5 * y * y)) / Math.sqrt(2 * Math.PI)
}

/** e^(x²) Φ(3x/2) + 3Φ(−x/2) − 2 with x = 1/σ, in parts that vanish with x. */
const uniformFactor = (x: number): number =>
  0.5 * Math.expm1(x * x) + Math.exp(x * x) * centralProbability(1.5 * x) - 3 * centralProbability(0.5 * x)

const square = (q: number, factor: number): GdpCurve => ({ precision: q * q * factor })

const mechanism = (event: MechanismEvent): Either<string, GdpCurve> => {
  switch (event._tag) {
    case 'Gaussian':
    case 'TreeAggregation':
    case 'MatrixFactorisation':
      return E.map((sigma: number) => ({ precision: sigma ** -2 }))(noiseMultiplierOf(event))
    case 'PoissonSampled': {
      const q = event.samplingProbability
      const precision = precisionOf(event.event)
      if (!(q >= 0 && q <= 1) || precision === undefined)
        return E.left('the central limit is that of Gaussians on samples with a probability in [0, 1]')
      return E.right(q === 0 ? GdpCurves.empty : q === 1 ? { precision } : square(q, Math.expm1(precision)))
    }
    case 'SampledWithoutReplacement': {
      const q = event.batchSize / event.datasetSize
      const precision = precisionOf(event.event)
      if (!(q >= 0 && q <= 1) || precision === undefined)
        return E.left('the central limit is that of Gaussians on batches that are a part of the dataset')
      return E.right(
        q === 0 || precision === 0
          ? GdpCurves.empty
          : q === 1
            ? { precision }
            : square(q, precision > 600 ? Infinity : 2 * uniformFactor(Math.sqrt(precision))),
      )
    }
    default:
      return E.left('the central limit is that of sampled Gaussians')
  }
}

const interpret = interpretBy({
  name: 'central limit',
  curve: GdpCurves,
  repeat: (count) => (curve: GdpCurve) => (count === 0 ? GdpCurves.empty : { precision: count * curve.precision }),
  mechanism,
})

/** The central limit of an event. */
export interface CentralLimit {
  readonly mu: number
  /** ε(δ), which may be below the truth. */
  readonly epsilon: (delta: number) => Either<InvalidParameter, Approximation>
  /** δ(ε), which may be below the truth. */
  readonly delta: (epsilon: number) => Either<InvalidParameter, Approximation>
}

const approximation = (approximate: number): Approximation => ({
  _tag: 'Approximation',
  approximate,
  mayUnderstate: true,
})

/**
 * The central limit of a composition of (sampled) Gaussians.
 *
 * Errors   UnsupportedEvent for anything else
 *
 * @example
 * pipe(centralLimit(Event.selfComposed(4)(Event.gaussian(2))), E.map((limit) => limit.mu)) // => E.right(1)
 */
export const centralLimit = (event: PrivacyEvent): Either<UnsupportedEvent, CentralLimit> =>
  E.map(({ precision }: GdpCurve): CentralLimit => {
    const mu = Math.sqrt(precision)
    return {
      mu,
      epsilon: (delta) =>
        delta >= 0 && delta <= 1
          ? E.right(approximation(epsilonOfGdp(mu)(delta).estimate))
          : E.left(invalidParameter('delta', delta, 'in [0, 1]')),
      delta: (epsilon) =>
        epsilon >= 0
          ? E.right(approximation(Math.exp(logDeltaOfGdp(mu)(epsilon))))
          : E.left(invalidParameter('epsilon', epsilon, 'a number ≥ 0')),
    }
  })(interpret(event))

/**
 * The ε that the central limit says, which may understate.
 *
 * Errors   as `epsilonOf`
 */
export const approximateEpsilonOf =
  (delta: number) =>
  (event: PrivacyEvent): Either<AccountingFailure, Approximation> =>
    E.chain((limit: CentralLimit): Either<AccountingFailure, Approximation> => limit.epsilon(delta))(
      centralLimit(event),
    )
