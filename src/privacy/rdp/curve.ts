/**
 * Rényi curves: divergences as functions of the order, kept as data and added under composition.
 */
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import { gaussianRdpAtExcess, laplaceRdpAtExcess, pureDpRdpAtExcess } from './closed-form.js'
import { sampledGaussianRdpAtExcess } from './sampled-gaussian.js'
import { withoutReplacementRdpAtExcess } from './without-replacement.js'

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

/** The curve of one mechanism. */
export const rdpOf = (term: RdpTerm): RdpCurve => ({ terms: [{ term, count: 1 }] })

/** The curve of `count` mechanisms in a row. */
export const repeatRdp =
  (count: number) =>
  ({ terms }: RdpCurve): RdpCurve =>
    count === 0 ? RdpCurves.empty : { terms: terms.map((part) => ({ term: part.term, count: part.count * count })) }
