/**
 * Counts: the simplest sums of whole numbers.
 */
import { type Tensor, tensor, toArray } from '../tensor/tensor.js'
import type { IntegerSum } from './clip/integer-sum.js'

/**
 * How many samples are in each category. What is no category counts nowhere.
 *
 * Shapes     categories [n] → counts [categories], float64
 * Guarantee  adding one sample moves the counts by at most 1, in l1 and l2 norm
 * Errors     RangeError unless categories is an integer ≥ 1
 *
 * @example
 * toArray(histogram(3)(tensor([0, 2, 2, 7], [4], 'int32')).sum) // => [1, 0, 2]
 */
export const histogram = (categories: number): ((labels: Tensor) => IntegerSum<Tensor>) => {
  if (!(Number.isInteger(categories) && categories >= 1))
    throw new RangeError(`categories is ${categories}: it must be an integer >= 1`)
  return (labels) => {
    const counts = new Float64Array(categories)
    for (const label of toArray(labels)) if (counts[label] !== undefined) counts[label]++
    return {
      _tag: 'IntegerSum',
      sum: tensor(counts, [categories], 'float64'),
      gridSpacing: 1,
      l2Bound: 1,
      l1Bound: 1,
      dtype: 'float64',
    }
  }
}
