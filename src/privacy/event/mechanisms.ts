/**
 * Mechanisms: the events that hold no other event.
 *
 * Legend: σ = noiseMultiplier = standard deviation (Laplace: scale) of the noise divided by the bound C of what one record adds
 * to a sum. Noise on a grid has no such quotient: its events hold width and sensitivity, both in steps of the grid.
 */

/**
 * How the normal noise was made: `float` (floating point, any generator: experiments), `secure` (floating point from a
 * cryptographic generator), `discrete` (the discrete Gaussian on a grid, in integers).
 */
export type NoiseGrade = 'float' | 'secure' | 'discrete'

/** Nothing about the data was released. The unit of composition. */
export interface NoOp {
  readonly _tag: 'NoOp'
}

/** Something was released without protection: ε = ∞. */
export interface NonPrivate {
  readonly _tag: 'NonPrivate'
}

/** Something was released that no accountant here can analyse, and why. */
export interface Unsupported {
  readonly _tag: 'Unsupported'
  readonly reason: string
}

/**
 * Normal noise of standard deviation σC on a sum of vectors clipped to l2 norm C.
 *
 * The grade is part of the event, not of the analysis: where it is `discrete`, σ is the multiplier of a continuous Gaussian of which
 * the discrete noise is post-processing, a little less than that of the noise (`eventOnGrid`), so that any analysis holds.
 */
export interface Gaussian {
  readonly _tag: 'Gaussian'
  readonly noiseMultiplier: number
  readonly grade: NoiseGrade
}

/** Laplace noise of scale σC on a sum of numbers (or vectors) clipped to l1 norm C. */
export interface Laplace {
  readonly _tag: 'Laplace'
  readonly noiseMultiplier: number
}

/**
 * An integer, to which one record adds at most `sensitivity`, with noise of mass ∝ e^(−x²/(2σ²)) on the integers.
 *
 * Reference  Canonne, Kamath & Steinke 2020, arXiv:2004.00010
 */
export interface DiscreteGaussian {
  readonly _tag: 'DiscreteGaussian'
  /** σ: a parameter, near the standard deviation where it is above 1. */
  readonly sigma: number
  readonly sensitivity: number
}

/**
 * An integer, to which one record adds at most `sensitivity`, with noise of mass ∝ e^(−|x|/scale) on the integers: two-sided
 * geometric noise.
 *
 * Reference  Ghosh, Roughgarden & Sundararajan 2012, arXiv:0811.2841
 */
export interface DiscreteLaplace {
  readonly _tag: 'DiscreteLaplace'
  readonly scale: number
  readonly sensitivity: number
}

/**
 * Each record answers with one of `buckets` values: with probability `noiseParameter` one drawn uniformly, else its own. The
 * record that contributes nothing answers uniformly.
 *
 * Reference  Warner 1965; Kairouz, Bonawitz & Ramage 2016, arXiv:1602.07387
 */
export interface RandomizedResponse {
  readonly _tag: 'RandomizedResponse'
  readonly noiseParameter: number
  readonly buckets: number
}

/**
 * A choice with probability ∝ e^(ε·score/(2Δ)): ε-DP, and its losses span no more than ε (ε-bounded range).
 *
 * Reference  McSherry & Talwar 2007; Durfee & Rogers 2019, arXiv:1905.04273
 */
export interface ExponentialMechanism {
  readonly _tag: 'ExponentialMechanism'
  readonly epsilon: number
}

/** Any mechanism that is ε-differentially private with δ = 0 when one record is added or removed. */
export interface PureDp {
  readonly _tag: 'PureDp'
  readonly epsilon: number
}

/** Any mechanism that is (ε, δ)-differentially private when one record is added or removed. */
export interface ApproximateDp {
  readonly _tag: 'ApproximateDp'
  readonly epsilon: number
  readonly delta: number
}

/**
 * Any mechanism whose Rényi divergences are at most ξ + ρα at every order α > 1 when one record is added or removed.
 *
 * Reference  Bun & Steinke 2016, arXiv:1605.02065, Def. 1.1, Def. 8.1
 */
export interface ZeroConcentratedDp {
  readonly _tag: 'ZeroConcentratedDp'
  readonly rho: number
  readonly xi: number
}

/**
 * Normal noise of standard deviation σC on a sum to which one record adds a vector of norm cC, where c is drawn from
 * `sensitivities` with `probabilities`, hidden from the reader: Σ pᵢ N(cᵢ, σ²) beside N(0, σ²).
 *
 * Reference  Choquette-Choo, Ganesh, Steinke & Thakurta 2023, arXiv:2310.15526
 */
export interface MixtureOfGaussians {
  readonly _tag: 'MixtureOfGaussians'
  readonly noiseMultiplier: number
  readonly sensitivities: readonly number[]
  readonly probabilities: readonly number[]
}

/**
 * Prefix sums of `steps` clipped sums from one binary tree, whose nodes carry normal noise of standard deviation σC each; a
 * record stands in one leaf at most. Several epochs with a fresh tree each are a composition.
 *
 * Reference  Kairouz et al. 2021, arXiv:2103.00039, App. D
 */
export interface TreeAggregation {
  readonly _tag: 'TreeAggregation'
  readonly noiseMultiplier: number
  readonly steps: number
}

/**
 * Correlated noise on the sums of a whole training, from a factorisation A = BE of what is released: E's outputs carry normal
 * noise of standard deviation σC, and one record moves them by at most `sensitivity` clip bounds in l2, over all the steps in
 * which it may take part.
 *
 * Reference  Denisov, McMahan, Rush, Smith & Thakurta 2022, arXiv:2202.08312
 */
export interface MatrixFactorisation {
  readonly _tag: 'MatrixFactorisation'
  readonly noiseMultiplier: number
  readonly sensitivity: number
}

/** An event that holds no other event. */
export type Mechanism =
  | NoOp
  | NonPrivate
  | Unsupported
  | Gaussian
  | Laplace
  | DiscreteGaussian
  | DiscreteLaplace
  | RandomizedResponse
  | ExponentialMechanism
  | PureDp
  | ApproximateDp
  | ZeroConcentratedDp
  | MixtureOfGaussians
  | TreeAggregation
  | MatrixFactorisation
