/**
 * Which curve the exact accountant reads from one mechanism.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { Accountant, MechanismEvent } from '../accountant.js'
import type { MixtureOfGaussians } from '../event/mechanisms.js'
import { isNoiseMultiplier, noiseMultiplierOf, precisionOf } from '../gaussian-precision.js'
import type { Neighbouring } from '../neighbouring.js'
import { type ExactCurve, ExactCurves } from './curve.js'

const nonPrivate: ExactCurve = { precision: Infinity, steps: [] }

/** A mixture in the units of its largest sensitivity; one component is a sampled step, or a Gaussian. */
const mixtureCurve = ({
  noiseMultiplier,
  sensitivities,
  probabilities,
}: MixtureOfGaussians): Either<string, ExactCurve> => {
  const isFine = (x: number): boolean => x >= 0 && x < 1e150
  const mass = probabilities.reduce((sum, p) => sum + p, 0)
  if (
    !isNoiseMultiplier(noiseMultiplier) ||
    sensitivities.length !== probabilities.length ||
    ![...sensitivities, ...probabilities].every(isFine) ||
    !(Math.abs(mass - 1) <= 1e-9)
  )
    return E.left('a mixture has sensitivities ≥ 0, and for each a probability; these sum to 1')
  const parts = sensitivities
    .map((sensitivity, i) => ({ sensitivity, probability: (probabilities[i] as number) / mass }))
    .filter(({ probability }) => probability > 0)
  const largest = parts.reduce((most, { sensitivity }) => Math.max(most, sensitivity), 0)
  if (largest === 0 || noiseMultiplier === Infinity) return E.right(ExactCurves.empty)
  const sigma = noiseMultiplier / largest
  if (sigma === 0) return E.right(nonPrivate)
  if (sigma > 1e6) return E.left('a mixture that moves less than a millionth of its noise is read by rdp() only')
  const away = parts.filter(({ sensitivity }) => sensitivity > 0)
  const q = away[0]?.probability as number
  if (parts.length === 1) return E.right({ precision: sigma ** -2, steps: [] })
  if (away.length === 1)
    return E.right({ precision: 0, steps: [{ noiseMultiplier: sigma, samplingProbability: q, count: 1 }] })
  const sorted = parts.toSorted((a, b) => a.sensitivity - b.sensitivity)
  return E.right({
    precision: 0,
    steps: [
      {
        noiseMultiplier: sigma,
        sensitivities: sorted.map(({ sensitivity }) => sensitivity / largest),
        probabilities: sorted.map(({ probability }) => probability),
        count: 1,
      },
    ],
  })
}

/** A Poisson sample of a mixture is a mixture: the record adds nothing where it is not drawn. */
const sampledMixture = (
  q: number,
  { sensitivities, probabilities, ...rest }: MixtureOfGaussians,
): MixtureOfGaussians => ({
  ...rest,
  sensitivities: [0, ...sensitivities],
  probabilities: [1 - q, ...probabilities.map((p) => q * p)],
})

/** The curve of one mechanism, or why there is none. */
export const mechanismCurve =
  (neighbouring: Neighbouring, interpret: Accountant<ExactCurve>['interpret']) =>
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
          return mechanismCurve(
            neighbouring,
            interpret,
          )({
            ...event.event,
            samplingProbability: q * event.event.samplingProbability,
          })
        if (event.event._tag === 'NonPrivate') return E.right(nonPrivate)
        if (event.event._tag === 'MixtureOfGaussians') return mixtureCurve(sampledMixture(q, event.event))
        const precision = precisionOf(event.event)
        if (precision === undefined)
          return E.left('only Poisson samples of Gaussian mechanisms and of mixtures have an exact curve here')
        if (precision === 0) return E.right(ExactCurves.empty)
        if (precision === Infinity) return E.right(nonPrivate)
        const noiseMultiplier = event.event._tag === 'Gaussian' ? event.event.noiseMultiplier : precision ** -0.5
        return E.right({ precision: 0, steps: [{ noiseMultiplier, samplingProbability: q, count: 1 }] })
      }
      case 'SampledWithoutReplacement': {
        const { datasetSize, batchSize } = event
        if (neighbouring !== 'addOrRemoveOne')
          return E.left(
            'of a record that is replaced in a batch of a fixed size no pair is known that is reached; pld() has bounds',
          )
        if (!(Number.isSafeInteger(datasetSize) && Number.isSafeInteger(batchSize) && batchSize >= 0))
          return E.left('sizes must be integers ≥ 0')
        if (batchSize >= datasetSize) return E.left('without the record there is no batch of as many records')
        // The record displaces another one, and moves the sum twice as far: reached by one at one end among others at the other.
        const precision = precisionOf(event.event)
        if (precision === undefined) return E.left('only batches of Gaussian mechanisms have an exact curve here')
        return mechanismCurve(
          neighbouring,
          interpret,
        )({
          _tag: 'PoissonSampled',
          samplingProbability: batchSize / datasetSize,
          event: { _tag: 'Gaussian', noiseMultiplier: 0.5 * precision ** -0.5, grade: 'float' },
        })
      }
      case 'Laplace':
      case 'DiscreteGaussian':
      case 'DiscreteLaplace':
      case 'RandomizedResponse':
        return E.left('its losses have atoms, which a contour does not resolve')
      case 'MixtureOfGaussians':
        return mixtureCurve(event)
      case 'ExponentialMechanism':
      case 'PureDp':
      case 'ApproximateDp':
      case 'ZeroConcentratedDp':
      case 'RepeatAndSelect':
        return E.left('it is known by a bound only, and an exact curve needs its law')
      case 'TruncatedPoissonSampled':
      case 'SampledWithReplacement':
      case 'RandomAllocation':
      case 'Shuffled':
        return E.left('no exact curve of batches that are drawn like this; pld() and rdp() have bounds for some')
    }
  }
