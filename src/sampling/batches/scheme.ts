/**
 * How batches are selected, as plain data: what a sampler promises and privacy accounts for. T steps · N records · B batch size.
 */
import type { Key } from '../key.js'
import type { ExampleRange } from '../poisson.js'

/** Every record joins every batch by a coin of its own. */
export interface PoissonScheme {
  readonly _tag: 'Poisson'
  readonly samplingProbability: number
}

/** A Poisson batch of which a uniform part of `truncatedBatchSize` is kept where more were drawn. */
export interface TruncatedPoissonScheme {
  readonly _tag: 'TruncatedPoisson'
  readonly datasetSize: number
  readonly samplingProbability: number
  readonly truncatedBatchSize: number
}

/** B different records, every set of B equally likely; each step anew. */
export interface WithoutReplacementScheme {
  readonly _tag: 'WithoutReplacement'
  readonly datasetSize: number
  readonly batchSize: number
}

/** B uniform draws, in which a record may occur more than once; each step anew. */
export interface WithReplacementScheme {
  readonly _tag: 'WithReplacement'
  readonly datasetSize: number
  readonly batchSize: number
}

/** A new order of all records each epoch, cut into `batches` parts. */
export interface ShuffledScheme {
  readonly _tag: 'Shuffled'
  readonly datasetSize: number
  readonly batches: number
}

/** Each record belongs to one of `cycle` groups, uniformly; step t draws a Poisson batch from group t mod `cycle`. */
export interface CyclicPoissonScheme {
  readonly _tag: 'CyclicPoisson'
  readonly samplingProbability: number
  readonly cycle: number
}

/** Each epoch of `batches` steps, each record is thrown into one of its batches, uniformly and independently. */
export interface BallsAndBinsScheme {
  readonly _tag: 'BallsAndBins'
  readonly batches: number
}

/** How the batches of a run were selected, as plain data: what `samplingEvent` turns into the event that it justifies. */
export type SamplingScheme =
  | PoissonScheme
  | TruncatedPoissonScheme
  | WithoutReplacementScheme
  | WithReplacementScheme
  | ShuffledScheme
  | CyclicPoissonScheme
  | BallsAndBinsScheme

/**
 * A selection of batches: a function of a key and a step, and the scheme that it follows. The scheme is what its event is made
 * of; no other event may be claimed for its batches.
 */
export interface BatchSampler<S extends SamplingScheme = SamplingScheme> {
  readonly scheme: S
  /** The records of one step. */
  readonly batch: (source: Key, step: number) => (datasetSize: number) => Int32Array
}

/** A selection that is each record's own affair: the union of the shards' parts is the batch, however the data are cut. */
export interface ShardedSampler<S extends SamplingScheme = SamplingScheme> extends BatchSampler<S> {
  /** The part of a batch that lies in a range of examples. */
  readonly shard: (source: Key, step: number) => (range: ExampleRange) => Int32Array
}

/** Defects of numbers that a scheme is made of. @internal */
export const checkWhole = (name: string, value: number, least: number, most: number = 2 ** 31): number => {
  if (!(Number.isInteger(value) && value >= least && value <= most))
    throw new RangeError(`${name} is ${value}: it must be an integer in [${least}, ${most}]`)
  return value
}

/** The size that a scheme was made for is public; another one would be another event. @internal */
export const checkSize = (planned: number, found: number): void => {
  if (planned !== found)
    throw new RangeError(`datasetSize is ${found}: the sampler was made for ${planned} records, and its event says so`)
}
