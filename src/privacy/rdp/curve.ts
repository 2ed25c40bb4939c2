/**
 * Rényi curves: divergences as functions of the order, kept as data and added under composition.
 */
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import { sameData } from '../same-data.js'
import { branchesRdpAtExcess } from './branches.js'
import {
  exponentialMechanismRdpAtExcess,
  gaussianRdpAtExcess,
  laplaceRdpAtExcess,
  pureDpRdpAtExcess,
  zeroConcentratedRdpAtExcess,
} from './closed-form.js'
import { discreteGaussianRdpAtExcess } from './discrete-gaussian.js'
import { lossPairRdpAtExcess } from './loss-pair.js'
import { mixtureOfGaussiansRdpAtExcess } from './mixture-of-gaussians.js'
import { repeatAndSelectRdpAtExcess } from './repeat-and-select.js'
import { poissonSampledRdpAtExcess, withoutReplacementCurveRdpAtExcess } from './sampled-curve.js'
import { sampledGaussianRdpAtExcess } from './sampled-gaussian.js'
import type { RdpCurve, RdpTerm } from './term.js'
import { withoutReplacementRdpAtExcess } from './without-replacement.js'

export type { RdpCurve, RdpTerm } from './term.js'

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
      const at = terms.findIndex((other) => sameData(other.term, term))
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
    (excess === Infinity ? 1 : 1 + 1 / (1 + 2 * excess)) * oneHop(2 * excess) + oneHop(1 + 2 * excess)

const termAtExcess = (term: RdpTerm): ((excess: number) => number) => {
  switch (term._tag) {
    case 'NonPrivate':
    case 'Failure':
      return () => Infinity
    case 'Gaussian':
      return gaussianRdpAtExcess(term.noiseMultiplier)
    case 'SampledGaussian':
      return term.hops === 1 ? sampledGaussianRdpAtExcess(term) : twoHops(sampledGaussianRdpAtExcess(term))
    case 'GaussianWithoutReplacement':
      return withoutReplacementRdpAtExcess(term)
    case 'Laplace':
      return laplaceRdpAtExcess(term.noiseMultiplier)
    case 'DiscreteGaussian':
      return discreteGaussianRdpAtExcess(term)
    case 'PureDp':
      return pureDpRdpAtExcess(term.epsilon)
    case 'ExponentialMechanism':
      return exponentialMechanismRdpAtExcess(term.epsilon)
    case 'ZeroConcentratedDp':
      return zeroConcentratedRdpAtExcess(term)
    case 'MixtureOfGaussians':
      return mixtureOfGaussiansRdpAtExcess(term)
    case 'LossPair':
      return lossPairRdpAtExcess(term.pair, term.samplingProbability)
    case 'PoissonSampled':
      return poissonSampledRdpAtExcess({ ...term, rdpAtExcess: rdpAtExcess(term.curve) })
    case 'WithoutReplacement':
      return withoutReplacementCurveRdpAtExcess({ ...term, rdpAtExcess: rdpAtExcess(term.curve) })
    case 'RepeatAndSelect':
      return repeatAndSelectRdpAtExcess(term.repetitions, rdpAtExcess(term.curve))
    case 'Branches':
      return branchesRdpAtExcess(
        term.branches.map(({ logProbability, curve }) => ({ logProbability, rdpAtExcess: rdpAtExcess(curve) })),
      )
    case 'TwoHops':
      return twoHops(rdpAtExcess(term.curve))
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

/** The curve of one mechanism. */
export const rdpOf = (term: RdpTerm): RdpCurve => ({ terms: [{ term, count: 1 }] })

/** The curve of `count` mechanisms in a row. */
export const repeatRdp =
  (count: number) =>
  ({ terms }: RdpCurve): RdpCurve =>
    count === 0 ? RdpCurves.empty : { terms: terms.map((part) => ({ term: part.term, count: part.count * count })) }

/** log of the probability that nothing is released without protection: −∞ where something is. */
export const logSafeOf = ({ terms }: RdpCurve): number =>
  terms.reduce(
    (sum, { term, count }) =>
      term._tag === 'NonPrivate'
        ? -Infinity
        : term._tag === 'Failure'
          ? sum + count * Math.log1p(-term.probability)
          : sum,
    0,
  )

/** A curve without its failures. */
export const withoutFailures = ({ terms }: RdpCurve): RdpCurve => ({
  terms: terms.filter(({ term }) => term._tag !== 'NonPrivate' && term._tag !== 'Failure'),
})
