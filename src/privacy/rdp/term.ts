/**
 * Rényi curves as data: the mechanisms whose divergence is known at every order, and sums of them.
 */
import type { DiscreteGaussianParameters } from './discrete-gaussian.js'
import type { LossPair } from './loss-pair.js'
import type { MixtureParameters } from './mixture-of-gaussians.js'
import type { Repetitions } from './repeat-and-select.js'

/** A curve: Σ count · rdp of term. Evaluated at any order, on demand. */
export interface RdpCurve {
  readonly terms: readonly { readonly term: RdpTerm; readonly count: number }[]
}

/** A mechanism whose Rényi divergence is known at every order. `hops` 2: neighbours that are two such steps apart. */
export type RdpTerm =
  | { readonly _tag: 'NonPrivate' }
  /** With this probability something is released without protection, otherwise nothing: (0, δ)-DP. */
  | { readonly _tag: 'Failure'; readonly probability: number }
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
  | ({ readonly _tag: 'DiscreteGaussian' } & DiscreteGaussianParameters)
  | { readonly _tag: 'PureDp'; readonly epsilon: number }
  | { readonly _tag: 'ExponentialMechanism'; readonly epsilon: number }
  | { readonly _tag: 'ZeroConcentratedDp'; readonly rho: number; readonly xi: number }
  | ({ readonly _tag: 'MixtureOfGaussians' } & MixtureParameters)
  /** A mechanism of known losses, Poisson sampled unless the probability is 1. */
  | { readonly _tag: 'LossPair'; readonly pair: LossPair; readonly samplingProbability: number }
  /** A Poisson sample of anything. */
  | { readonly _tag: 'PoissonSampled'; readonly curve: RdpCurve; readonly samplingProbability: number }
  /** A batch of fixed size of anything; the curve is that of a replaced record. */
  | { readonly _tag: 'WithoutReplacement'; readonly curve: RdpCurve; readonly samplingProbability: number }
  | { readonly _tag: 'RepeatAndSelect'; readonly curve: RdpCurve; readonly repetitions: Repetitions }
  /** One of several, drawn whatever the record. */
  | {
      readonly _tag: 'Branches'
      readonly branches: readonly { readonly logProbability: number; readonly curve: RdpCurve }[]
    }
  /** Neighbours that are two steps of the curve apart. */
  | { readonly _tag: 'TwoHops'; readonly curve: RdpCurve }
