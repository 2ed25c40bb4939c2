/**
 * The union of all events, and how each is written.
 *
 * Constructors do not check numbers: an accountant answers a σ < 0 or a q > 1 with a failure, as `eventFromJson` does.
 */
import type { Mechanism, NoiseGrade } from './mechanisms.js'
import type {
  PoissonSampled,
  RandomAllocation,
  RepeatAndSelect,
  SampledWithoutReplacement,
  SampledWithReplacement,
  Shuffled,
  TruncatedPoissonSampled,
} from './samplers.js'

/** The event `count` times in a row, each on fresh randomness, possibly chosen in view of the earlier results. */
export interface SelfComposed {
  readonly _tag: 'SelfComposed'
  readonly count: number
  readonly event: PrivacyEvent
}

/** The events one after another. */
export interface Composed {
  readonly _tag: 'Composed'
  readonly events: readonly PrivacyEvent[]
}

/** What was released, as plain data. */
export type PrivacyEvent =
  | Mechanism
  | PoissonSampled<PrivacyEvent>
  | TruncatedPoissonSampled<PrivacyEvent>
  | SampledWithoutReplacement<PrivacyEvent>
  | SampledWithReplacement<PrivacyEvent>
  | RandomAllocation<PrivacyEvent>
  | Shuffled<PrivacyEvent>
  | RepeatAndSelect<PrivacyEvent>
  | SelfComposed
  | Composed

/** Nothing was released. */
export const noOp: PrivacyEvent = { _tag: 'NoOp' }

/** Something was released without protection: ε = ∞. */
export const nonPrivate: PrivacyEvent = { _tag: 'NonPrivate' }

/** An event that no accountant can analyse. */
export const unsupported = (reason: string): PrivacyEvent => ({ _tag: 'Unsupported', reason })

/**
 * The Gaussian mechanism.
 *
 * @example
 * Event.gaussian(1.1) // => { _tag: 'Gaussian', noiseMultiplier: 1.1, grade: 'float' }
 */
export const gaussian = (noiseMultiplier: number, grade: NoiseGrade = 'float'): PrivacyEvent => ({
  _tag: 'Gaussian',
  noiseMultiplier,
  grade,
})

/** The Laplace mechanism. */
export const laplace = (noiseMultiplier: number): PrivacyEvent => ({ _tag: 'Laplace', noiseMultiplier })

/** Discrete Gaussian noise on an integer. */
export const discreteGaussian = (noise: { readonly sigma: number; readonly sensitivity: number }): PrivacyEvent => ({
  _tag: 'DiscreteGaussian',
  sigma: noise.sigma,
  sensitivity: noise.sensitivity,
})

/** Discrete Laplace noise on an integer. */
export const discreteLaplace = (noise: { readonly scale: number; readonly sensitivity: number }): PrivacyEvent => ({
  _tag: 'DiscreteLaplace',
  scale: noise.scale,
  sensitivity: noise.sensitivity,
})

/**
 * Randomized response over `buckets` values.
 *
 * @example
 * Event.showEvent(Event.randomizedResponse({ noiseParameter: 0.5, buckets: 2 })) // => 'RandomizedResponse(0.5, 2 buckets)'
 */
export const randomizedResponse = (answer: {
  readonly noiseParameter: number
  readonly buckets: number
}): PrivacyEvent => ({
  _tag: 'RandomizedResponse',
  noiseParameter: answer.noiseParameter,
  buckets: answer.buckets,
})

/** The exponential mechanism at ε. */
export const exponentialMechanism = (epsilon: number): PrivacyEvent => ({ _tag: 'ExponentialMechanism', epsilon })

/** A mechanism known to be ε-DP. */
export const pureDp = (epsilon: number): PrivacyEvent => ({ _tag: 'PureDp', epsilon })

/** A mechanism known to be (ε, δ)-DP. */
export const approximateDp = (guarantee: { readonly epsilon: number; readonly delta: number }): PrivacyEvent => ({
  _tag: 'ApproximateDp',
  epsilon: guarantee.epsilon,
  delta: guarantee.delta,
})

/** A mechanism known to be (ξ, ρ)-zCDP; ξ = 0 if not given. */
export const zeroConcentratedDp = (rho: number, xi = 0): PrivacyEvent => ({ _tag: 'ZeroConcentratedDp', rho, xi })

/** Normal noise on a sum to which a record adds a random multiple of the clip bound. */
export const mixtureOfGaussians = (mixture: {
  readonly noiseMultiplier: number
  readonly sensitivities: readonly number[]
  readonly probabilities: readonly number[]
}): PrivacyEvent => ({
  _tag: 'MixtureOfGaussians',
  noiseMultiplier: mixture.noiseMultiplier,
  sensitivities: mixture.sensitivities,
  probabilities: mixture.probabilities,
})

/** Prefix sums of `steps` sums from one binary tree. */
export const treeAggregation = (tree: { readonly noiseMultiplier: number; readonly steps: number }): PrivacyEvent => ({
  _tag: 'TreeAggregation',
  noiseMultiplier: tree.noiseMultiplier,
  steps: tree.steps,
})

/** A training with correlated noise, of an l2 sensitivity already computed. */
export const matrixFactorisation = (release: {
  readonly noiseMultiplier: number
  readonly sensitivity: number
}): PrivacyEvent => ({
  _tag: 'MatrixFactorisation',
  noiseMultiplier: release.noiseMultiplier,
  sensitivity: release.sensitivity,
})

/**
 * The event on a Poisson-sampled batch.
 *
 * @example
 * Event.showEvent(Event.selfComposed(1000)(Event.poissonSampled(0.01)(Event.gaussian(1.1)))) // => '1000 × Poisson(0.01, Gaussian(1.1))'
 */
export const poissonSampled =
  (samplingProbability: number) =>
  (event: PrivacyEvent): PrivacyEvent => ({ _tag: 'PoissonSampled', samplingProbability, event })

/** The event on a Poisson-sampled batch that is cut to a largest size. */
export const truncatedPoissonSampled =
  (sampler: {
    readonly datasetSize: number
    readonly samplingProbability: number
    readonly truncatedBatchSize: number
  }) =>
  (event: PrivacyEvent): PrivacyEvent => ({
    _tag: 'TruncatedPoissonSampled',
    datasetSize: sampler.datasetSize,
    samplingProbability: sampler.samplingProbability,
    truncatedBatchSize: sampler.truncatedBatchSize,
    event,
  })

/** The event on a batch of fixed size, drawn without replacement. */
export const sampledWithoutReplacement =
  ({ datasetSize, batchSize }: { readonly datasetSize: number; readonly batchSize: number }) =>
  (event: PrivacyEvent): PrivacyEvent => ({ _tag: 'SampledWithoutReplacement', datasetSize, batchSize, event })

/** The event on a batch of fixed size, drawn with replacement. */
export const sampledWithReplacement =
  ({ datasetSize, batchSize }: { readonly datasetSize: number; readonly batchSize: number }) =>
  (event: PrivacyEvent): PrivacyEvent => ({ _tag: 'SampledWithReplacement', datasetSize, batchSize, event })

/** The event on each of `steps` batches, of which each record takes part in `participations`. */
export const randomAllocation =
  ({ steps, participations = 1 }: { readonly steps: number; readonly participations?: number }) =>
  (event: PrivacyEvent): PrivacyEvent => ({ _tag: 'RandomAllocation', steps, participations, event })

/** The event on each of the disjoint batches of one shuffled epoch. */
export const shuffled =
  (batches: number) =>
  (event: PrivacyEvent): PrivacyEvent => ({ _tag: 'Shuffled', batches, event })

/** The best result of a random number of runs of the event. */
export const repeatAndSelect =
  ({ mean, shape }: { readonly mean: number; readonly shape: number | 'poisson' }) =>
  (event: PrivacyEvent): PrivacyEvent => ({ _tag: 'RepeatAndSelect', mean, shape, event })

/** The event `count` times. */
export const selfComposed =
  (count: number) =>
  (event: PrivacyEvent): PrivacyEvent => ({ _tag: 'SelfComposed', count, event })

/** The events one after another. */
export const composed = (events: readonly PrivacyEvent[]): PrivacyEvent => ({ _tag: 'Composed', events })
