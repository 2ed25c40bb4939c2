/**
 * Poisson sampling: each example joins a step by a coin of its own. The selection that amplification by subsampling is
 * proved for; its event is `poissonSampled`.
 *
 *   i ∈ batch(t)  ⟺  U(key, t, i) < q          i example · t step · q sampling probability
 *
 * References  Abadi et al. 2016, arXiv:1607.00133 · Balle, Barthe, Gaboardi 2018, arXiv:1807.01647
 */
import { foldIn, type Key, randomPairs } from './key.js'
import { threshold } from './uniform.js'

/** q, in [0, 1]: the probability that one example is in the batch of one step. */
export interface PoissonSampling {
  readonly samplingProbability: number
}

/** Examples start, …, end − 1 of a data set: a shard. */
export interface ExampleRange {
  readonly start: number
  readonly end: number
}

const checkRange = ({ start, end }: ExampleRange): void => {
  if (!(Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end && end <= 2 ** 31))
    throw new RangeError(`start is ${start} and end is ${end}: they must be integers with 0 <= start <= end <= 2^31`)
}

/**
 * The sampled examples of one shard, in ascending order: the part of `poissonSample` that lies in the range, so that
 * workers that own the shards draw the batch together without a word between them.
 *
 * Cost       O(end − start), about 20 ns an example
 * Guarantee  of `poissonSample`
 *
 * @throws RangeError when samplingProbability is outside of [0, 1] (at once), step is no count, or the range is none
 * @example
 * poissonSampleRange({ samplingProbability: 1 })(key(0), 7)({ start: 2, end: 5 }) // => new Int32Array([2, 3, 4])
 */
export const poissonSampleRange = ({
  samplingProbability,
}: PoissonSampling): ((source: Key, step: number) => (range: ExampleRange) => Int32Array) => {
  const { high, low } = threshold('samplingProbability', samplingProbability)
  return (source, step) => {
    if (!(Number.isInteger(step) && step >= 0 && step < 2 ** 49))
      throw new RangeError(`step is ${step}: it must be an integer in [0, 2^49)`)
    const stepKey = foldIn(step)(source)
    return (range) => {
      checkRange(range)
      const { start, end } = range
      const pairs = randomPairs(end - start, start)(stepKey)
      const chosen = new Int32Array(end - start)
      let count = 0
      for (let i = 0; i < end - start; i++) {
        const word = pairs[2 * i] as number
        if (word < high || (word === high && (pairs[2 * i + 1] as number) < low)) chosen[count++] = start + i
      }
      return chosen.slice(0, count)
    }
  }
}

/**
 * The examples of one step, in ascending order. Their number is random, about q·N, and may be 0: the empty batch is a
 * batch like any other, takes its noise and is counted.
 *
 * Cost       O(N), about 20 ns an example
 * Guarantee  examples are in the batch independently of each other and of other steps, each with probability q exactly
 *            for q ≥ 2⁻¹¹ (below: ⌊q·2⁶⁴⌋ / 2⁶⁴ ≤ q); whether i is chosen depends on (key, step, i) alone, not on N
 *
 * @throws RangeError when samplingProbability is outside of [0, 1] (at once), step or datasetSize is no count
 * @example
 * poissonSample({ samplingProbability: 0 })(key(0), 0)(1000).length // => 0
 */
export const poissonSample = (
  sampling: PoissonSampling,
): ((source: Key, step: number) => (datasetSize: number) => Int32Array) => {
  const sampleRange = poissonSampleRange(sampling)
  return (source, step) => {
    const ofStep = sampleRange(source, step)
    return (datasetSize) => {
      if (!(Number.isInteger(datasetSize) && datasetSize >= 0 && datasetSize <= 2 ** 31))
        throw new RangeError(`datasetSize is ${datasetSize}: it must be an integer in [0, 2^31]`)
      return ofStep({ start: 0, end: datasetSize })
    }
  }
}
