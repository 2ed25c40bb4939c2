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
import { approximateDpCurve, forRelation, lossPairOf } from './mechanism.js'

/** Reads an event under a relation. */
export type ReadCurve = (neighbouring: Neighbouring) => (event: PrivacyEvent) => Either<string, RdpCurve>

/** An event on batches. */
export type SampledEvent = Exclude<MechanismEvent, Mechanism>

type Of<T extends SampledEvent['_tag']> = Extract<SampledEvent, { readonly _tag: T }>

const isCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 0
const isProbability = (q: number): boolean => q >= 0 && q <= 1
const nonPrivate: RdpCurve = rdpOf({ _tag: 'NonPrivate' })

/** A curve that theorems on samples can start from: nothing in it fails openly. */
const sound = (curve: RdpCurve): Either<string, RdpCurve> =>
  logSafeOf(curve) === 0 ? E.right(curve) : E.left('no theorem here for a sample of what may fail with a probability δ')

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
  if (neighbouring === 'addOrRemoveOne')
    return E.left('a batch of fixed size is not a Poisson sample; it is analysed where datasets are of one size')
  if (!(isCount(batchSize) && isCount(datasetSize) && batchSize <= datasetSize))
    return E.left('a batch is a part of the dataset')
  if (batchSize === 0) return E.map(() => RdpCurves.empty)(read(neighbouring)(event))
  if (batchSize === datasetSize) return read(neighbouring)(event)
  const samplingProbability = batchSize / datasetSize
  const precision = precisionOf(event)
  if (precision === 0) return E.right(RdpCurves.empty)
  if (precision === Infinity) return E.right(nonPrivate)
  // The theorems compare batches in which any record replaces any other, so the curve is that of a replaced record under both
  // relations, and the sensitivity 2.
  if (precision !== undefined)
    return E.right(
      rdpOf({
        _tag: 'GaussianWithoutReplacement',
        noiseMultiplier: 0.5 * precision ** -0.5,
        samplingProbability,
      }),
    )
  return E.chain((curve: RdpCurve): Either<string, RdpCurve> => {
    if (curve.terms.length === 0) return E.right(curve)
    if (curve.terms.some(({ term }) => term._tag === 'NonPrivate')) return E.right(nonPrivate)
    return E.map((inner: RdpCurve) => rdpOf({ _tag: 'WithoutReplacement', curve: inner, samplingProbability }))(
      sound(curve),
    )
  })(read('replaceOne')(event))
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
        return E.left('no Rényi bound of truncated Poisson samples here')
      case 'SampledWithReplacement':
        return E.left('no Rényi bound of batches drawn with replacement here: a record may stand in a batch many times')
    }
  }
