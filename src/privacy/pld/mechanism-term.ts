/**
 * Which events have a loss law, and which.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { MechanismEvent } from '../accountant.js'
import type { PrivacyEvent } from '../event/event.js'
import { isNoiseMultiplier, noiseMultiplierOf, noiseMultiplierRequirement, precisionOf } from '../gaussian-precision.js'
import { approximateDpOfGroup, type Neighbouring, sensitivityOf } from '../neighbouring.js'
import {
  nonPrivatePld,
  type PldCurve,
  PldCurves,
  type PldMechanism,
  type PldSampling,
  pldOf,
  shuffledPld,
} from './curve.js'

const isCount = (n: number): boolean => Number.isSafeInteger(n) && n >= 0
const isProbability = (q: number): boolean => q >= 0 && q <= 1

/** A mechanism, or one of the two limits: nothing is released, everything is. */
type Found = Either<string, PldMechanism | 'nothing' | 'everything'>

const scaled = (sensitivity: number, noiseMultiplier: number, of: (ratio: number) => PldMechanism): Found =>
  !isNoiseMultiplier(noiseMultiplier)
    ? E.left(noiseMultiplierRequirement)
    : noiseMultiplier === 0
      ? E.right('everything')
      : sensitivity / noiseMultiplier < 1e-150
        ? E.right('nothing')
        : E.right(of(sensitivity / noiseMultiplier))

/** The mechanism of an event without a sample. */
const mechanismOf = (event: MechanismEvent, neighbouring: Neighbouring): Found => {
  const moves = sensitivityOf(neighbouring)
  switch (event._tag) {
    case 'NonPrivate':
      return E.right('everything')
    case 'Laplace':
      return scaled(moves, event.noiseMultiplier, (beta) => ({ _tag: 'Laplace', beta }))
    case 'DiscreteGaussian': {
      const sensitivity = moves * event.sensitivity
      if (!isCount(event.sensitivity)) return E.left('a sensitivity must be an integer ≥ 0')
      if (sensitivity === 0) return E.right('nothing')
      return event.sigma >= 0.03 * sensitivity && event.sigma <= 1e4
        ? E.right({ _tag: 'DiscreteGaussian', sigma: event.sigma, sensitivity })
        : E.left('the width of discrete noise must be in [0.03 sensitivities, 1e4] for its losses to be listed')
    }
    case 'DiscreteLaplace': {
      const sensitivity = moves * event.sensitivity
      if (!(isCount(event.sensitivity) && sensitivity <= 1e5))
        return E.left('a sensitivity must be an integer in [0, 5e4]')
      if (sensitivity === 0) return E.right('nothing')
      return event.scale >= 0.002 * sensitivity && event.scale < 1e150
        ? E.right({ _tag: 'DiscreteLaplace', rate: 1 / event.scale, sensitivity })
        : E.left('the scale of discrete noise must be in [0.002 sensitivities, 1e150]')
    }
    case 'RandomizedResponse': {
      const { noiseParameter, buckets } = event
      if (neighbouring === 'addOrRemoveOne')
        return E.left('an answer of a record that is not there; it is analysed where datasets are of one size')
      if (!(isProbability(noiseParameter) && Number.isSafeInteger(buckets) && buckets > 1))
        return E.left('randomized response needs a noise parameter in [0, 1] and two buckets or more')
      if (noiseParameter === 0) return E.right('everything')
      return E.right({ _tag: 'RandomizedResponse', noiseParameter, buckets })
    }
    case 'PureDp':
    case 'ApproximateDp': {
      const delta = event._tag === 'PureDp' ? 0 : event.delta
      if (!(event.epsilon >= 0 && isProbability(delta))) return E.left('an ε must be ≥ 0, and a δ in [0, 1]')
      const group = approximateDpOfGroup(moves)({ epsilon: event.epsilon, delta })
      return group.epsilon === Infinity || group.delta === 1
        ? E.right('everything')
        : E.right({ _tag: 'ApproximateDp', ...group })
    }
    case 'MixtureOfGaussians': {
      const { noiseMultiplier, sensitivities, probabilities } = event
      const total = probabilities.reduce((sum, p) => sum + p, 0)
      const listed = sensitivities.length === probabilities.length && probabilities.every(isProbability)
      if (!(listed && Math.abs(total - 1) <= 1e-9 && sensitivities.every((c) => c >= 0 && c < 1e150)))
        return E.left('a mixture needs a probability for each sensitivity ≥ 0, 1 in all')
      const most = sensitivities.reduce((a, b, i) => ((probabilities[i] as number) > 0 ? Math.max(a, b) : a), 0)
      if (most > 0 && most < 1e-6 * noiseMultiplier && noiseMultiplier < Infinity)
        return E.left('a mixture that moves less than a millionth of its noise is read by rdp() only')
      return scaled(most, noiseMultiplier, () => ({
        _tag: 'MixtureOfGaussians',
        mus: sensitivities.map((c) => c / noiseMultiplier),
        probabilities: probabilities.map((p) => p / total),
      }))
    }
    case 'Gaussian':
    case 'TreeAggregation':
    case 'MatrixFactorisation':
      return E.chain((sigma: number) => scaled(moves, sigma, (mu) => ({ _tag: 'Gaussian', mu })))(
        noiseMultiplierOf(event),
      )
    case 'ExponentialMechanism':
      return E.left('a bounded range is no loss law; PureDp with its ε is one')
    case 'ZeroConcentratedDp':
      return E.left('Rényi divergences are no loss law; rdp() reads them')
    default:
      return E.left('no loss law of this sampler; rdp() has a bound for some')
  }
}

const curveOf = (found: Found, sampling: PldSampling): Either<string, PldCurve> =>
  E.map((mechanism: PldMechanism | 'nothing' | 'everything') =>
    mechanism === 'nothing'
      ? PldCurves.empty
      : mechanism === 'everything'
        ? nonPrivatePld
        : pldOf({ mechanism, sampling }),
  )(found)

/** Everything that happens on one batch, as one mechanism: Gaussians are one Gaussian, any other mechanism stands alone. */
const onOneBatch = (event: PrivacyEvent, neighbouring: Neighbouring): Found => {
  const precision = precisionOf(event)
  if (precision !== undefined)
    return scaled(sensitivityOf(neighbouring), precision === 0 ? Infinity : precision ** -0.5, (mu) => ({
      _tag: 'Gaussian',
      mu,
    }))
  switch (event._tag) {
    case 'NoOp':
      return E.right('nothing')
    case 'Composed':
    case 'SelfComposed':
    case 'Unsupported':
      return E.left('only Gaussian mechanisms share a batch here')
    default:
      return 'event' in event ? E.left('no loss law of a sample of such a sample') : mechanismOf(event, neighbouring)
  }
}

/** How often a record may be drawn on average: a mixture has a part for each number. */
const MOST_DRAWS = 4

/** A truncated sample that is none: of everybody, batches of a fixed size; of a size that nothing exceeds, a Poisson sample. */
const uncut = ({
  datasetSize,
  samplingProbability,
  truncatedBatchSize,
  event,
}: Extract<MechanismEvent, { readonly _tag: 'TruncatedPoissonSampled' }>): MechanismEvent =>
  truncatedBatchSize >= datasetSize
    ? { _tag: 'PoissonSampled', samplingProbability, event }
    : { _tag: 'SampledWithoutReplacement', datasetSize, batchSize: truncatedBatchSize, event }

/** The curve of one mechanism or sampler, or why there is none. */
export const pldMechanism =
  (neighbouring: Neighbouring, inner: (event: PrivacyEvent) => Either<string, PldCurve>) =>
  (event: MechanismEvent): Either<string, PldCurve> => {
    switch (event._tag) {
      case 'PoissonSampled': {
        const q = event.samplingProbability
        if (!isProbability(q)) return E.left('a sampling probability must be in [0, 1]')
        if (q === 1) return inner(event.event)
        if (q === 0) return E.map(() => PldCurves.empty)(inner(event.event))
        // Each record passes two independent draws.
        if (event.event._tag === 'PoissonSampled' && isProbability(event.event.samplingProbability))
          return pldMechanism(
            neighbouring,
            inner,
          )({ ...event.event, samplingProbability: q * event.event.samplingProbability })
        const found = onOneBatch(event.event, neighbouring)
        const tag = E.isRight(found) && typeof found.right !== 'string' ? found.right._tag : undefined
        if (tag === 'RandomizedResponse')
          return E.left('a record that was not drawn gives no answer, which shows who was')
        if (neighbouring === 'replaceOne' && tag !== undefined && tag !== 'Gaussian' && tag !== 'MixtureOfGaussians')
          return E.left('of samples in which a record is replaced, only those of Gaussians have a pair here')
        return curveOf(found, { _tag: 'Poisson', samplingProbability: q })
      }
      case 'TruncatedPoissonSampled': {
        const { datasetSize, samplingProbability, truncatedBatchSize } = event
        if (
          !(
            isProbability(samplingProbability) &&
            isCount(datasetSize) &&
            isCount(truncatedBatchSize) &&
            datasetSize > 0
          )
        )
          return E.left('a sampling probability must be in [0, 1], and sizes integers ≥ 0')
        if (samplingProbability === 0 || truncatedBatchSize === 0)
          return E.map(() => PldCurves.empty)(inner(event.event))
        const found = onOneBatch(event.event, neighbouring)
        if (E.isRight(found) && typeof found.right !== 'string' && found.right._tag !== 'Gaussian')
          return E.left('of truncated samples, only those of Gaussians have a pair here')
        return samplingProbability === 1 || truncatedBatchSize >= datasetSize
          ? pldMechanism(neighbouring, inner)(uncut(event))
          : curveOf(found, { _tag: 'TruncatedPoisson', samplingProbability, datasetSize, truncatedBatchSize })
      }
      case 'SampledWithoutReplacement': {
        const { datasetSize, batchSize } = event
        if (!(isCount(batchSize) && isCount(datasetSize) && batchSize <= datasetSize))
          return E.left('a batch is a part of the dataset')
        if (batchSize === 0) return E.map(() => PldCurves.empty)(inner(event.event))
        if (batchSize === datasetSize)
          return neighbouring === 'addOrRemoveOne'
            ? E.left('without the record there is no batch of as many records')
            : inner(event.event)
        const found = onOneBatch(event.event, neighbouring)
        if (E.isRight(found) && typeof found.right !== 'string' && found.right._tag !== 'Gaussian')
          return E.left('of batches of a fixed size, only those of Gaussians have a pair here')
        return curveOf(found, { _tag: 'FixedSize', samplingProbability: batchSize / datasetSize })
      }
      case 'SampledWithReplacement': {
        const { datasetSize, batchSize } = event
        if (neighbouring !== 'addOrRemoveOne')
          return E.left('of a record that is replaced among draws with replacement no pair is known; rdp() has a bound')
        if (!(isCount(batchSize) && isCount(datasetSize))) return E.left('sizes must be integers ≥ 0')
        if (batchSize === 0) return E.map(() => PldCurves.empty)(inner(event.event))
        if (datasetSize < 2) return E.left('draws are from two records or more')
        if (batchSize > MOST_DRAWS * datasetSize) return E.left('a record is drawn too often')
        const found = onOneBatch(event.event, neighbouring)
        if (E.isRight(found) && typeof found.right !== 'string' && found.right._tag !== 'Gaussian')
          return E.left('of batches drawn with replacement, only those of Gaussians have a pair here')
        return curveOf(found, { _tag: 'WithReplacement', batchSize, datasetSize })
      }
      case 'Shuffled':
        if (!(isCount(event.batches) && event.batches > 0))
          return E.left('an epoch has a whole number of batches, at least 1')
        return neighbouring === 'addOrRemoveOne'
          ? E.left('batches of a shuffled epoch are not Poisson samples, and one record more moves every other record')
          : E.map(shuffledPld(event.batches))(inner(event.event))
      default:
        return curveOf(mechanismOf(event, neighbouring), { _tag: 'None' })
    }
  }
