/**
 * The Rényi accountant: events become Rényi curves, which are read as (ε, δ) at the best real order.
 */

import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import {
  type Accountant,
  type Bounds,
  checkDelta,
  checkEpsilon,
  interpretBy,
  type MechanismEvent,
} from '../accountant.js'
import type { PrivacyEvent } from '../event/event.js'
import { isNoiseMultiplier, noiseMultiplierOf, noiseMultiplierRequirement, precisionOf } from '../gaussian-precision.js'
import { type Neighbouring, sensitivityOf } from '../neighbouring.js'
import { bestDelta, bestEpsilon, type RdpConversion } from './conversion.js'
import { type RdpCurve, RdpCurves, rdpAtExcess, rdpOf, repeatRdp } from './curve.js'

const isCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 0
const isProbability = (q: number): boolean => q >= 0 && q <= 1

const mechanismFor =
  (neighbouring: Neighbouring, interpret: (event: PrivacyEvent) => Either<{ readonly reason: string }, RdpCurve>) =>
  (event: MechanismEvent): Either<string, RdpCurve> => {
    const sensitivity = sensitivityOf(neighbouring)
    const inner = (part: PrivacyEvent): Either<string, RdpCurve> =>
      E.mapLeft(({ reason }: { readonly reason: string }) => reason)(interpret(part))
    switch (event._tag) {
      case 'NonPrivate':
        return E.right(rdpOf({ _tag: 'NonPrivate' }))
      case 'Gaussian':
      case 'TreeAggregation':
      case 'MatrixFactorisation':
        return E.map((sigma: number) =>
          sigma === 0
            ? rdpOf({ _tag: 'NonPrivate' })
            : rdpOf({ _tag: 'Gaussian', noiseMultiplier: sigma / sensitivity }),
        )(noiseMultiplierOf(event))
      case 'Laplace':
        return isNoiseMultiplier(event.noiseMultiplier)
          ? E.right(
              event.noiseMultiplier === 0
                ? rdpOf({ _tag: 'NonPrivate' })
                : rdpOf({ _tag: event._tag, noiseMultiplier: event.noiseMultiplier / sensitivity }),
            )
          : E.left(noiseMultiplierRequirement)
      case 'DiscreteGaussian':
      case 'DiscreteLaplace':
      case 'RandomizedResponse':
      case 'ExponentialMechanism':
      case 'ApproximateDp':
      case 'ZeroConcentratedDp':
      case 'MixtureOfGaussians':
      case 'RepeatAndSelect':
      case 'TruncatedPoissonSampled':
      case 'SampledWithReplacement':
      case 'RandomAllocation':
        return E.left('no Rényi curve of it here')
      case 'PureDp':
        return event.epsilon >= 0
          ? E.right(rdpOf({ _tag: 'PureDp', epsilon: event.epsilon * sensitivity }))
          : E.left('an ε must be ≥ 0')
      case 'PoissonSampled': {
        const q = event.samplingProbability
        if (!isProbability(q)) return E.left('a sampling probability must be in [0, 1]')
        if (q === 0) return E.map(() => RdpCurves.empty)(inner(event.event))
        if (q === 1) return inner(event.event)
        // Each record passes two independent draws.
        if (event.event._tag === 'PoissonSampled' && isProbability(event.event.samplingProbability))
          return inner({ ...event.event, samplingProbability: q * event.event.samplingProbability })
        if (event.event._tag === 'NonPrivate') return E.right(rdpOf({ _tag: 'NonPrivate' }))
        const precision = precisionOf(event.event)
        if (precision === undefined)
          return E.left('no theorem here for a Poisson sample of anything but Gaussian mechanisms')
        if (precision === 0) return E.right(RdpCurves.empty)
        if (precision === Infinity) return E.right(rdpOf({ _tag: 'NonPrivate' }))
        return E.right(
          rdpOf({
            _tag: 'SampledGaussian',
            noiseMultiplier: event.event._tag === 'Gaussian' ? event.event.noiseMultiplier : precision ** -0.5,
            samplingProbability: q,
            hops: sensitivity,
          }),
        )
      }
      case 'SampledWithoutReplacement': {
        if (neighbouring === 'addOrRemoveOne')
          return E.left('a batch of fixed size is not a Poisson sample; it is analysed where datasets are of one size')
        const { batchSize, datasetSize } = event
        if (!(isCount(batchSize) && isCount(datasetSize) && batchSize <= datasetSize))
          return E.left('a batch is a part of the dataset')
        if (batchSize === 0) return E.map(() => RdpCurves.empty)(inner(event.event))
        if (batchSize === datasetSize) return inner(event.event)
        const precision = precisionOf(event.event)
        if (precision === undefined)
          return E.left('no theorem here for a batch of fixed size but of Gaussian mechanisms')
        if (precision === 0) return E.right(RdpCurves.empty)
        if (precision === Infinity) return E.right(rdpOf({ _tag: 'NonPrivate' }))
        // The theorem compares batches in which any record replaces any other, so the sensitivity is 2 under both relations.
        return E.right(
          rdpOf({
            _tag: 'GaussianWithoutReplacement',
            noiseMultiplier: 0.5 * precision ** -0.5,
            samplingProbability: batchSize / datasetSize,
          }),
        )
      }
      case 'Shuffled':
        // Given the permutation a record stands in one batch only, and the others are post-processing.
        return neighbouring === 'addOrRemoveOne'
          ? E.left('batches of a shuffled epoch are not Poisson samples, and one record more moves every other record')
          : inner(event.event)
    }
  }

/** Choices of the Rényi accountant. */
export interface RdpOptions {
  /** The relation between datasets; `addOrRemoveOne` if not given. */
  readonly neighbouring?: Neighbouring
  /** Orders > 1 to read the curve at. If not given, the best real order is found. */
  readonly orders?: readonly number[]
  /** The step from a Rényi guarantee to (ε, δ); `improved` if not given. */
  readonly conversion?: RdpConversion
}

/**
 * The Rényi accountant.
 *
 * Reads      Gaussian, Laplace and ε-DP mechanisms; Poisson samples of Gaussians (several Gaussians on one batch included).
 *            Under `replaceOne` a clipped sum moves twice as far, and a Poisson sample is bounded through the dataset without
 *            the record. Only where datasets are of one size: Gaussians on batches of fixed size, by a bound of their own,
 *            and shuffled epochs, each as one release without amplification
 * Guarantee  `upper` is an upper bound of ε (or δ): the divergences are raised by 1e-12 relative before they are converted.
 *            `lower` is 0, except for a non-private event: a Rényi curve proves nothing from below
 * Cost       about 20 evaluations of each distinct term: well under a millisecond a term, whatever the number of steps
 * References Mironov 2017, arXiv:1702.07476 · Mironov, Talwar & Zhang 2019, arXiv:1908.10530 · Balle et al. 2020, arXiv:1905.09982
 *
 * @example
 * rdp().interpret(Event.selfComposed(3)(Event.gaussian(2))) // => { _tag: 'Right', right: { terms: [{ term: { _tag: 'Gaussian', noiseMultiplier: 2 }, count: 3 }] } }
 */
export const rdp = ({
  neighbouring = 'addOrRemoveOne',
  orders,
  conversion = 'improved',
}: RdpOptions = {}): Accountant<RdpCurve> => {
  const interpret: Accountant<RdpCurve>['interpret'] = interpretBy({
    name: 'rdp',
    curve: RdpCurves,
    repeat: repeatRdp,
    mechanism: (event) => mechanismFor(neighbouring, interpret)(event),
  })
  const exactly = (value: number): Bounds => ({ lower: value, estimate: value, upper: value, neighbouring })
  const isNonPrivate = ({ terms }: RdpCurve): boolean => terms.some(({ term }) => term._tag === 'NonPrivate')
  return {
    name: 'rdp',
    neighbouring,
    curve: RdpCurves,
    interpret,
    epsilon: (delta) => {
      checkDelta(delta)
      return (curve) => {
        if (curve.terms.length === 0 || delta === 1) return exactly(0)
        if (isNonPrivate(curve)) return exactly(Infinity)
        const at = rdpAtExcess(curve)
        // The loss never exceeds the divergence of infinite order, at any δ.
        const worst = at(Infinity)
        const whole = { lower: 0, estimate: worst, upper: worst * (1 + 1e-12), neighbouring, order: Infinity }
        if (delta === 0) return whole
        const found = bestEpsilon(delta, conversion, orders)(at)
        return found.estimate < worst ? { lower: 0, ...found, neighbouring } : whole
      }
    },
    delta: (epsilon) => {
      checkEpsilon(epsilon)
      return (curve) => {
        if (curve.terms.length === 0) return exactly(0)
        if (isNonPrivate(curve)) return exactly(epsilon === Infinity ? 0 : 1)
        const at = rdpAtExcess(curve)
        if (epsilon >= at(Infinity)) return { lower: 0, estimate: 0, upper: 0, neighbouring, order: Infinity }
        return { lower: 0, ...bestDelta(epsilon, conversion, orders)(at), neighbouring }
      }
    },
  }
}
