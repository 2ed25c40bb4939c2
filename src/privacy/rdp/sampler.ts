/**
 * Mechanisms on samples as Rényi curves.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { MechanismEvent } from '../accountant.js'
import { type Mechanism, normalise, type PrivacyEvent } from '../event/event.js'
import { precisionOf } from '../gaussian-precision.js'
import { approximateDpOfGroup, type Neighbouring, sampledApproximateDp, sensitivityOf } from '../neighbouring.js'
import { logSafeOf, type RdpCurve, RdpCurves, rdpOf, repeatRdp } from './curve.js'
import {
  displacedRecordCurve,
  type ReadCurve,
  sound,
  truncatedPoissonCurve,
  withReplacementCurve,
} from './displaced-record.js'
import { approximateDpCurve, forRelation, lossPairOf } from './mechanism.js'

/** An event on batches. */
export type SampledEvent = Exclude<MechanismEvent, Mechanism>

type Of<T extends SampledEvent['_tag']> = Extract<SampledEvent, { readonly _tag: T }>

const isCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 0
const isProbability = (q: number): boolean => q >= 0 && q <= 1
const nonPrivate: RdpCurve = rdpOf({ _tag: 'NonPrivate' })

/** A Poisson sample with 0 < q < 1 of an event in normal form, when one record is added or removed. */
const poissonSampled = (read: ReadCurve, q: number, event: PrivacyEvent): Either<string, RdpCurve> => {
  if (event._tag === 'NonPrivate') return E.right(nonPrivate)
  const precision = precisionOf(event)
  if (precision === 0) return E.right(RdpCurves.empty)
  if (precision === Infinity) return E.right(nonPrivate)
  if (precision !== undefined)
    return E.right(
      rdpOf({
        _tag: 'SampledGaussian',
        noiseMultiplier: event._tag === 'Gaussian' ? event.noiseMultiplier : precision ** -0.5,
        samplingProbability: q,
        hops: 1,
      }),
    )
  return E.chain((curve: RdpCurve): Either<string, RdpCurve> => {
    if (curve.terms.length === 0) return E.right(curve)
    if (curve.terms.some(({ term }) => term._tag === 'NonPrivate')) return E.right(nonPrivate)
    if (event._tag === 'ApproximateDp') {
      const { epsilon, delta } = sampledApproximateDp(q)(event)
      return E.right(approximateDpCurve(epsilon, delta))
    }
    if (event._tag === 'MixtureOfGaussians')
      return E.right(
        rdpOf({
          _tag: 'MixtureOfGaussians',
          noiseMultiplier: event.noiseMultiplier,
          sensitivities: [0, ...event.sensitivities],
          probabilities: [1 - q, ...event.probabilities.map((p) => q * p)],
        }),
      )
    const pair = 'event' in event || 'events' in event ? undefined : lossPairOf(event)
    if (pair !== undefined) return E.right(rdpOf({ _tag: 'LossPair', pair, samplingProbability: q }))
    return E.map((inner: RdpCurve) => rdpOf({ _tag: 'PoissonSampled', curve: inner, samplingProbability: q }))(
      sound(curve),
    )
  })(read('addOrRemoveOne')(event))
}

const readPoisson = (
  read: ReadCurve,
  neighbouring: Neighbouring,
  { samplingProbability: q, event }: Of<'PoissonSampled'>,
): Either<string, RdpCurve> => {
  if (!isProbability(q)) return E.left('a sampling probability must be in [0, 1]')
  if (q === 0) return E.map(() => RdpCurves.empty)(read(neighbouring)(event))
  if (q === 1) return read(neighbouring)(event)
  const inner = normalise(event)
  // Each record passes two independent draws.
  if (inner._tag === 'PoissonSampled' && isProbability(inner.samplingProbability))
    return readPoisson(read, neighbouring, { ...inner, samplingProbability: q * inner.samplingProbability })
  const oneStep = poissonSampled(read, q, inner)
  if (neighbouring !== 'replaceOne') return oneStep
  if (inner._tag === 'ApproximateDp')
    return E.map(() => {
      const { epsilon, delta } = approximateDpOfGroup(2)(sampledApproximateDp(q)(inner))
      return approximateDpCurve(epsilon, delta)
    })(oneStep)
  return E.chain((curve: RdpCurve): Either<string, RdpCurve> => {
    const [first] = curve.terms
    return first?.term._tag === 'SampledGaussian'
      ? E.right(rdpOf({ ...first.term, hops: sensitivityOf(neighbouring) }))
      : E.map(forRelation(neighbouring))(sound(curve))
  })(oneStep)
}

const readWithoutReplacement = (
  read: ReadCurve,
  neighbouring: Neighbouring,
  { batchSize, datasetSize, event }: Of<'SampledWithoutReplacement'>,
): Either<string, RdpCurve> => {
  if (!(isCount(batchSize) && isCount(datasetSize) && batchSize <= datasetSize))
    return E.left('a batch is a part of the dataset')
  if (batchSize === 0) return E.map(() => RdpCurves.empty)(read(neighbouring)(event))
  if (batchSize === datasetSize)
    return neighbouring === 'addOrRemoveOne'
      ? E.left('without the record there is no batch of as many records')
      : read(neighbouring)(event)
  return displacedRecordCurve(read, neighbouring, batchSize / datasetSize, event)
}

const readTruncated = (
  read: ReadCurve,
  neighbouring: Neighbouring,
  { event, ...sampler }: Of<'TruncatedPoissonSampled'>,
): Either<string, RdpCurve> => {
  const { datasetSize, samplingProbability: q, truncatedBatchSize } = sampler
  if (!(isProbability(q) && isCount(datasetSize) && datasetSize > 0 && isCount(truncatedBatchSize)))
    return E.left('a sampling probability must be in [0, 1], and sizes integers ≥ 0')
  if (q === 0 || truncatedBatchSize === 0) return E.map(() => RdpCurves.empty)(read(neighbouring)(event))
  return truncatedBatchSize >= datasetSize
    ? readPoisson(read, neighbouring, { _tag: 'PoissonSampled', samplingProbability: q, event })
    : truncatedPoissonCurve(read, neighbouring, sampler, event)
}

const readWithReplacement = (
  read: ReadCurve,
  neighbouring: Neighbouring,
  { batchSize, datasetSize, event }: Of<'SampledWithReplacement'>,
): Either<string, RdpCurve> => {
  if (!(isCount(batchSize) && isCount(datasetSize))) return E.left('sizes must be integers ≥ 0')
  if (batchSize === 0) return E.map(() => RdpCurves.empty)(read(neighbouring)(event))
  if (datasetSize < 2) return E.left('draws are from two records or more')
  const precision = precisionOf(event)
  if (precision === undefined)
    return E.left('of batches drawn with replacement, only Gaussian sums: a record may stand in one many times')
  if (precision === 0) return E.right(RdpCurves.empty)
  if (precision === Infinity) return E.right(nonPrivate)
  return withReplacementCurve(read, neighbouring, { batchSize, datasetSize }, precision)
}

const readRepeatAndSelect = (
  read: ReadCurve,
  neighbouring: Neighbouring,
  { mean, shape, event }: Of<'RepeatAndSelect'>,
): Either<string, RdpCurve> => {
  if (shape !== 'poisson' && !(shape > -1 && shape < Infinity))
    return E.left("the shape of a negative binomial must be > −1, or 'poisson'")
  if (!(mean >= 1 && mean < Infinity)) return E.left('the mean number of runs must be finite and ≥ 1')
  return E.chain((curve: RdpCurve): Either<string, RdpCurve> => {
    if (curve.terms.length === 0) return E.right(curve)
    if (curve.terms.some(({ term }) => term._tag === 'NonPrivate')) return E.right(nonPrivate)
    return E.map((inner: RdpCurve) => rdpOf({ _tag: 'RepeatAndSelect', curve: inner, repetitions: { mean, shape } }))(
      logSafeOf(curve) === 0
        ? E.right(curve)
        : E.left('no theorem here for a choice among runs that may fail with a probability δ'),
    )
  })(read(neighbouring)(event))
}

/** The curve of an event on batches. */
export const sampledCurve =
  (read: ReadCurve, neighbouring: Neighbouring) =>
  (event: SampledEvent): Either<string, RdpCurve> => {
    switch (event._tag) {
      case 'PoissonSampled':
        return readPoisson(read, neighbouring, event)
      case 'SampledWithoutReplacement':
        return readWithoutReplacement(read, neighbouring, event)
      case 'RepeatAndSelect':
        return readRepeatAndSelect(read, neighbouring, event)
      case 'Shuffled':
        // Given the permutation a record stands in one batch only, and the others are post-processing.
        return neighbouring === 'addOrRemoveOne'
          ? E.left('batches of a shuffled epoch are not Poisson samples, and one record more moves every other record')
          : read(neighbouring)(event.event)
      case 'RandomAllocation':
        // Given who stands where, which no other record depends on, a record takes part in so many of the events.
        return isCount(event.participations) && isCount(event.steps) && event.participations <= event.steps
          ? E.map(repeatRdp(event.participations))(read(neighbouring)(event.event))
          : E.left('a record takes part in at most as many steps as there are')
      case 'TruncatedPoissonSampled':
        return readTruncated(read, neighbouring, event)
      case 'SampledWithReplacement':
        return readWithReplacement(read, neighbouring, event)
    }
  }
