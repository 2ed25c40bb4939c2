/**
 * Events on batches: an event E, and how the records that it sees were drawn. Batches drawn in different ways are different
 * events; none is ever accounted as another.
 */

/** The event on a batch into which each record was drawn independently with probability q. The batch size is random. */
export interface PoissonSampled<E> {
  readonly _tag: 'PoissonSampled'
  readonly samplingProbability: number
  readonly event: E
}

/**
 * The event on a Poisson sample of `datasetSize` records, of which a uniform part of `truncatedBatchSize` is kept where more
 * were drawn. Of two datasets of different sizes the larger has `datasetSize` records, here and below.
 *
 * Reference  Ganesh et al. 2025, arXiv:2508.15089
 */
export interface TruncatedPoissonSampled<E> {
  readonly _tag: 'TruncatedPoissonSampled'
  readonly datasetSize: number
  readonly samplingProbability: number
  readonly truncatedBatchSize: number
  readonly event: E
}

/** The event on a uniformly drawn batch of exactly `batchSize` of `datasetSize` records. Never accounted as `PoissonSampled`. */
export interface SampledWithoutReplacement<E> {
  readonly _tag: 'SampledWithoutReplacement'
  readonly datasetSize: number
  readonly batchSize: number
  readonly event: E
}

/** The event on `batchSize` independent uniform draws from `datasetSize` records: a record may stand in the batch more than once. */
export interface SampledWithReplacement<E> {
  readonly _tag: 'SampledWithReplacement'
  readonly datasetSize: number
  readonly batchSize: number
  readonly event: E
}

/**
 * The event on each of `steps` batches, where every record takes part in exactly `participations` of them, chosen uniformly
 * and independently of the other records (one: balls and bins).
 *
 * Reference  Chua et al. 2024, arXiv:2412.16802; Feldman & Shenfeld 2025, arXiv:2502.08202
 */
export interface RandomAllocation<E> {
  readonly _tag: 'RandomAllocation'
  readonly steps: number
  readonly participations: number
  readonly event: E
}

/**
 * One epoch over shuffled data: the records are permuted once, cut into `batches` disjoint batches, and the event happens on
 * each. Never accounted as `PoissonSampled`: its ε can be many times larger (Chua et al. 2024, arXiv:2403.17673).
 */
export interface Shuffled<E> {
  readonly _tag: 'Shuffled'
  readonly batches: number
  readonly event: E
}

/**
 * The event a random number of times, of which only the best result is released, as in the choice of hyperparameters. The
 * number is Poisson, or negative binomial with `shape` η > −1 truncated to ≥ 1 (0: logarithmic, 1: geometric), of that `mean`.
 *
 * Reference  Papernot & Steinke 2022, arXiv:2110.03620
 */
export interface RepeatAndSelect<E> {
  readonly _tag: 'RepeatAndSelect'
  readonly mean: number
  readonly shape: number | 'poisson'
  readonly event: E
}
