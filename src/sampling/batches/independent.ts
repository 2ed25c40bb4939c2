/**
 * Samplers in which every record decides for itself: Poisson, cyclic Poisson, balls and bins. Shards draw them together without a
 * word between them.
 */
import { toArray } from '../../tensor/tensor.js'
import { foldIn, type Key } from '../key.js'
import { randomIntegers } from '../permutation.js'
import { type ExampleRange, poissonSampleRange } from '../poisson.js'
import {
  type BallsAndBinsScheme,
  type CyclicPoissonScheme,
  checkWhole,
  type PoissonScheme,
  type SamplingScheme,
  type ShardedSampler,
} from './scheme.js'

const sharded = <S extends SamplingScheme>(
  scheme: S,
  shard: (source: Key, step: number) => (range: ExampleRange) => Int32Array,
): ShardedSampler<S> => ({
  scheme,
  shard,
  batch: (source, step) => (datasetSize) =>
    shard(source, checkWhole('step', step, 0, 2 ** 48))({ start: 0, end: checkWhole('datasetSize', datasetSize, 0) }),
})

/** The records of a range that are in one of `groups`. Record i's group depends on (key, i) alone. */
const membersOf =
  (groups: number, group: number, source: Key) =>
  ({ start, end }: ExampleRange): Int32Array =>
    Int32Array.from(
      toArray(randomIntegers(groups)([end - start], start)(source)).flatMap((of, i) =>
        of === group ? [start + i] : [],
      ),
    )

/**
 * Poisson sampling, as `poissonSample`.
 *
 * @example
 * poissonSampler({ samplingProbability: 1 }).batch(key(0), 3)(2) // => new Int32Array([0, 1])
 */
export const poissonSampler = ({ samplingProbability }: Omit<PoissonScheme, '_tag'>): ShardedSampler<PoissonScheme> =>
  sharded({ _tag: 'Poisson', samplingProbability }, poissonSampleRange({ samplingProbability }))

/**
 * Cyclic Poisson sampling: for mechanisms with correlated noise, whose records must not take part too often.
 *
 *   i ∈ batch(t)  ⟺  group(i) = t mod b  and  U(key, t, i) < q      group(i) uniform on {0, …, b − 1}, the same in all steps
 *
 * Guarantee  a record takes part in every b-th step at most. Groups are drawn record by record, so one record more or less
 *            leaves the others where they are
 * Errors     RangeError unless 0 ≤ q ≤ 1 and cycle is an integer ≥ 1
 * Reference  Choquette-Choo et al. 2023, arXiv:2306.08153
 *
 * @example
 * const { batch } = cyclicPoissonSampler({ samplingProbability: 1, cycle: 2 })
 * const both = [...batch(key(0), 0)(9), ...batch(key(0), 1)(9)]
 * both.sort() // => [0, 1, 2, 3, 4, 5, 6, 7, 8]
 */
export const cyclicPoissonSampler = ({
  samplingProbability,
  cycle,
}: Omit<CyclicPoissonScheme, '_tag'>): ShardedSampler<CyclicPoissonScheme> => {
  const coins = poissonSampleRange({ samplingProbability })
  checkWhole('cycle', cycle, 1)
  return sharded({ _tag: 'CyclicPoisson', samplingProbability, cycle }, (source, step) => {
    const heads = coins(foldIn(0)(source), step)
    const members = membersOf(cycle, step % cycle, foldIn(1)(source))
    return (range) => {
      const chosen = new Set(heads(range))
      return members(range).filter((i) => chosen.has(i))
    }
  })
}

/**
 * Balls and bins: each epoch of `batches` steps, each record is thrown into one of its batches.
 *
 *   i ∈ batch(t)  ⟺  bin(key, ⌊t / batches⌋, i) = t mod batches
 *
 * Guarantee  every record takes part exactly once an epoch; batches have random sizes, and may be empty
 * Errors     RangeError unless batches is an integer ≥ 1
 * Reference  Chua et al. 2024, arXiv:2412.16802
 *
 * @example
 * ballsAndBinsSampler({ batches: 1 }).batch(key(0), 5)(3) // => new Int32Array([0, 1, 2])
 */
export const ballsAndBinsSampler = ({
  batches,
}: Omit<BallsAndBinsScheme, '_tag'>): ShardedSampler<BallsAndBinsScheme> => {
  checkWhole('batches', batches, 1)
  return sharded({ _tag: 'BallsAndBins', batches }, (source, step) =>
    membersOf(batches, step % batches, foldIn(Math.floor(step / batches))(source)),
  )
}
