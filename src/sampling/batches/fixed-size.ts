/**
 * Samplers in which records compete for places: their events need the size of the data, which is therefore public.
 */
import { toArray } from '../../tensor/tensor.js'
import { foldIn, type Key } from '../key.js'
import { permutation, randomIntegers } from '../permutation.js'
import { poissonSample } from '../poisson.js'
import {
  type BatchSampler,
  checkSize,
  checkWhole,
  type SamplingScheme,
  type ShuffledScheme,
  type TruncatedPoissonScheme,
  type WithoutReplacementScheme,
  type WithReplacementScheme,
} from './scheme.js'

const sized = <S extends SamplingScheme & { readonly datasetSize: number }>(
  scheme: S,
  batch: (source: Key, step: number) => Int32Array,
): BatchSampler<S> => ({
  scheme,
  batch: (source, step) => (datasetSize) => {
    checkSize(scheme.datasetSize, datasetSize)
    return batch(source, checkWhole('step', step, 0, 2 ** 48))
  },
})

/**
 * Poisson batches of at most B records, for a memory that holds no more.
 *
 * Guarantee  where more than B records are drawn, a uniform choice of B of them
 * Errors     RangeError unless 0 ≤ q ≤ 1 and the sizes are integers ≥ 0
 * Reference  Ganesh et al. 2025, arXiv:2508.15089
 *
 * @example
 * truncatedPoissonSampler({ datasetSize: 9, samplingProbability: 1, truncatedBatchSize: 4 }).batch(key(0), 0)(9).length // => 4
 */
export const truncatedPoissonSampler = ({
  datasetSize,
  samplingProbability,
  truncatedBatchSize,
}: Omit<TruncatedPoissonScheme, '_tag'>): BatchSampler<TruncatedPoissonScheme> => {
  const sample = poissonSample({ samplingProbability })
  checkWhole('datasetSize', datasetSize, 0)
  checkWhole('truncatedBatchSize', truncatedBatchSize, 0)
  return sized({ _tag: 'TruncatedPoisson', datasetSize, samplingProbability, truncatedBatchSize }, (source, step) => {
    const all = sample(foldIn(0)(source), step)(datasetSize)
    if (all.length <= truncatedBatchSize) return all
    const order = permutation(all.length)(foldIn(step)(foldIn(1)(source)))
    return order
      .slice(0, truncatedBatchSize)
      .map((place) => all[place] as number)
      .sort()
  })
}

/**
 * Batches of exactly B different records, every set equally likely.
 *
 * Cost    O(N) a step
 * Errors  RangeError unless 0 ≤ batchSize ≤ datasetSize are integers
 *
 * @example
 * withoutReplacementSampler({ datasetSize: 3, batchSize: 3 }).batch(key(0), 0)(3) // => new Int32Array([0, 1, 2])
 */
export const withoutReplacementSampler = ({
  datasetSize,
  batchSize,
}: Omit<WithoutReplacementScheme, '_tag'>): BatchSampler<WithoutReplacementScheme> => {
  checkWhole('batchSize', batchSize, 0, checkWhole('datasetSize', datasetSize, 1, 2 ** 31 - 1))
  return sized({ _tag: 'WithoutReplacement', datasetSize, batchSize }, (source, step) =>
    permutation(datasetSize)(foldIn(step)(source)).slice(0, batchSize).sort(),
  )
}

/**
 * Batches of B uniform draws. A record that is drawn twice stands in the batch twice, and moves its sum by two bounds: the event
 * counts that in.
 *
 * Errors  RangeError unless datasetSize ≥ 1 and batchSize ≥ 0 are integers
 *
 * @example
 * withReplacementSampler({ datasetSize: 1, batchSize: 3 }).batch(key(0), 0)(1) // => new Int32Array([0, 0, 0])
 */
export const withReplacementSampler = ({
  datasetSize,
  batchSize,
}: Omit<WithReplacementScheme, '_tag'>): BatchSampler<WithReplacementScheme> => {
  const draw = randomIntegers(checkWhole('datasetSize', datasetSize, 1))
  checkWhole('batchSize', batchSize, 0)
  return sized({ _tag: 'WithReplacement', datasetSize, batchSize }, (source, step) =>
    Int32Array.from(toArray(draw([batchSize])(foldIn(step)(source)))).sort(),
  )
}

/**
 * Epochs in a new order: what most training code does, and accounts as something else.
 *
 *   batch t = the part t mod `batches` of a uniform order of epoch ⌊t / batches⌋
 *
 * Guarantee  every record takes part exactly once an epoch; sizes differ by 1 at most. Its event is `Shuffled`, whose ε can be
 *            many times that of Poisson sampling (Chua et al. 2024, arXiv:2403.17673)
 * Cost       O(N) a step
 * Errors     RangeError unless batches ≥ 1 and datasetSize ≥ 0 are integers
 *
 * @example
 * shuffledSampler({ datasetSize: 4, batches: 1 }).batch(key(0), 7)(4) // => new Int32Array([0, 1, 2, 3])
 */
export const shuffledSampler = ({
  datasetSize,
  batches,
}: Omit<ShuffledScheme, '_tag'>): BatchSampler<ShuffledScheme> => {
  checkWhole('datasetSize', datasetSize, 0, 2 ** 31 - 1)
  checkWhole('batches', batches, 1)
  return sized({ _tag: 'Shuffled', datasetSize, batches }, (source, step) => {
    const order = permutation(datasetSize)(foldIn(Math.floor(step / batches))(source))
    const cut = (part: number): number => Math.floor((part * datasetSize) / batches)
    return order.slice(cut(step % batches), cut((step % batches) + 1)).sort()
  })
}
