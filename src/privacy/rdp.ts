/**
 * The Rényi accountant: curves rdp(α), added under composition, read as (ε, δ) at the best real order.
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
} from './accountant.js'
import type { PrivacyEvent } from './event.js'
import { type Neighbouring, sensitivityOf } from './neighbouring.js'
import { gaussianRdpAtExcess, laplaceRdpAtExcess, pureDpRdpAtExcess } from './rdp-closed-form.js'
import { bestDelta, bestEpsilon, type RdpConversion } from './rdp-conversion.js'
import { sampledGaussianRdpAtExcess } from './rdp-sampled-gaussian.js'
import { withoutReplacementRdpAtExcess } from './rdp-without-replacement.js'

/** A mechanism whose Rényi divergence is known at every order. `hops` 2: neighbours that are two such steps apart. */
export type RdpTerm =
  | { readonly _tag: 'NonPrivate' }
  | { readonly _tag: 'Gaussian'; readonly noiseMultiplier: number }
  | {
      readonly _tag: 'SampledGaussian'
      readonly noiseMultiplier: number
      readonly samplingProbability: number
      readonly hops: 1 | 2
    }
  | {
      readonly _tag: 'GaussianWithoutReplacement'
      /** In units of the sensitivity to a replaced record. */
      readonly noiseMultiplier: number
      readonly samplingProbability: number
    }
  | { readonly _tag: 'Laplace'; readonly noiseMultiplier: number }
  | { readonly _tag: 'PureDp'; readonly epsilon: number }

/** A curve as data: Σ count · rdp of term. Evaluated at any order, on demand. */
export interface RdpCurve {
  readonly terms: readonly { readonly term: RdpTerm; readonly count: number }[]
}

const sameTerm = (a: RdpTerm, b: RdpTerm): boolean =>
  Object.keys(a).length === Object.keys(b).length &&
  Object.entries(a).every(([key, value]) => (b as unknown as Readonly<Record<string, unknown>>)[key] === value)

/**
 * Curves under addition. Equal terms are counted, so that T equal steps are one term, however they were composed.
 *
 * Reference  Mironov 2017, arXiv:1702.07476, Prop. 1: Rényi divergences of adaptively composed mechanisms add
 */
export const RdpCurves: Monoid<RdpCurve> = {
  empty: { terms: [] },
  concat: (a, b) => {
    const terms = [...a.terms]
    for (const { term, count } of b.terms) {
      const at = terms.findIndex((other) => sameTerm(other.term, term))
      if (at < 0) terms.push({ term, count })
      else terms[at] = { term, count: (terms[at]?.count ?? 0) + count }
    }
    return { terms }
  },
}

/**
 * Two records, each one hop: D_α(P‖Q) ≤ 2α/(2α−1) · D_{2α−1}(P‖R) + D_{2α}(R‖Q).
 *
 * Reference  Mironov 2017, arXiv:1702.07476, Prop. 11, with p = 2 − 1/α: for Gaussians an equality
 */
const twoHops =
  (oneHop: (excess: number) => number) =>
  (excess: number): number =>
    (1 + 1 / (1 + 2 * excess)) * oneHop(2 * excess) + oneHop(1 + 2 * excess)

const termAtExcess = (term: RdpTerm): ((excess: number) => number) => {
  switch (term._tag) {
    case 'NonPrivate':
      return () => Infinity
    case 'Gaussian':
      return gaussianRdpAtExcess(term.noiseMultiplier)
    case 'SampledGaussian':
      return term.hops === 1 ? sampledGaussianRdpAtExcess(term) : twoHops(sampledGaussianRdpAtExcess(term))
    case 'GaussianWithoutReplacement':
      return withoutReplacementRdpAtExcess(term)
    case 'Laplace':
      return laplaceRdpAtExcess(term.noiseMultiplier)
    case 'PureDp':
      return pureDpRdpAtExcess(term.epsilon)
  }
}

/** A curve as a function of the excess c = α − 1 ≥ 0. */
export const rdpAtExcess = ({ terms }: RdpCurve): ((excess: number) => number) => {
  const parts = terms.map(({ term, count }) => ({ at: termAtExcess(term), count }))
  return (excess) => parts.reduce((sum, { at, count }) => sum + count * at(excess), 0)
}

/**
 * A curve as a function of the order α ≥ 1, ∞ included.
 *
 * @example
 * rdpAtOrder({ terms: [{ term: { _tag: 'Gaussian', noiseMultiplier: 1 }, count: 3 }] })(2) // => 3
 */
export const rdpAtOrder =
  (curve: RdpCurve) =>
  (order: number): number =>
    rdpAtExcess(curve)(order - 1)

const single = (term: RdpTerm): RdpCurve => ({ terms: [{ term, count: 1 }] })

const repeat =
  (count: number) =>
  ({ terms }: RdpCurve): RdpCurve =>
    count === 0 ? RdpCurves.empty : { terms: terms.map((part) => ({ term: part.term, count: part.count * count })) }

/**
 * Σ σᵢ⁻² of an event that consists of Gaussians only, all on one batch: they are one Gaussian of noise multiplier
 * (Σ σᵢ⁻²)^(−½), and stay so under a sample that they share. Undefined for any other event.
 */
const precisionOf = (event: PrivacyEvent): number | undefined => {
  switch (event._tag) {
    case 'NoOp':
      return 0
    case 'Gaussian':
      return event.noiseMultiplier >= 0 ? event.noiseMultiplier ** -2 : undefined
    case 'SelfComposed': {
      const one = precisionOf(event.event)
      return one !== undefined && Number.isSafeInteger(event.count) && event.count >= 0
        ? event.count === 0
          ? 0
          : event.count * one
        : undefined
    }
    case 'Composed':
      return event.events.reduce<number | undefined>((sum, part) => {
        const next = precisionOf(part)
        return sum === undefined || next === undefined ? undefined : sum + next
      }, 0)
    default:
      return undefined
  }
}

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
        return E.right(single({ _tag: 'NonPrivate' }))
      case 'Gaussian':
      case 'Laplace':
        return event.noiseMultiplier >= 0
          ? E.right(
              event.noiseMultiplier === 0
                ? single({ _tag: 'NonPrivate' })
                : single({ _tag: event._tag, noiseMultiplier: event.noiseMultiplier / sensitivity }),
            )
          : E.left('a noise multiplier must be ≥ 0')
      case 'PureDp':
        return event.epsilon >= 0
          ? E.right(single({ _tag: 'PureDp', epsilon: event.epsilon * sensitivity }))
          : E.left('an ε must be ≥ 0')
      case 'PoissonSampled': {
        const q = event.samplingProbability
        if (!isProbability(q)) return E.left('a sampling probability must be in [0, 1]')
        if (q === 0) return E.map(() => RdpCurves.empty)(inner(event.event))
        if (q === 1) return inner(event.event)
        // Each record passes two independent draws.
        if (event.event._tag === 'PoissonSampled' && isProbability(event.event.samplingProbability))
          return inner({ ...event.event, samplingProbability: q * event.event.samplingProbability })
        if (event.event._tag === 'NonPrivate') return E.right(single({ _tag: 'NonPrivate' }))
        const precision = precisionOf(event.event)
        if (precision === undefined)
          return E.left('no theorem here for a Poisson sample of anything but Gaussian mechanisms')
        if (precision === 0) return E.right(RdpCurves.empty)
        if (precision === Infinity) return E.right(single({ _tag: 'NonPrivate' }))
        return E.right(
          single({
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
        if (precision === Infinity) return E.right(single({ _tag: 'NonPrivate' }))
        // The theorem compares batches in which any record replaces any other, so the sensitivity is 2 under both relations.
        return E.right(
          single({
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
 * Reads      Gaussian, Laplace and ε-DP mechanisms; Poisson samples of Gaussians (several Gaussians on one batch included). Under
 *            `replaceOne` a clipped sum moves twice as far, and a Poisson sample is bounded through the dataset without the
 *            record. A batch of fixed size has a bound of its own, and only where datasets are of one size. A shuffled epoch counts as one release, without amplification, and only where the other records stay put
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
    repeat,
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
