/**
 * Sums of squared norms, which a device forms where they lie: nobody waits for one layer's norm while the next could be formed.
 */
import { computed } from '../tensor/compute.js'
import { type Formula, plus } from '../tensor/formula.js'
import { cast, type Tensor, zeros } from '../tensor/tensor.js'

/** So many terms are added at once: a kernel takes only so many arguments. */
const MOST = 16

/** By how many terms, but for one. */
const sums = Array.from({ length: MOST }, (_, others) =>
  computed(others + 1, (first, ...rest) => rest.reduce((sum, term) => plus(sum, term), first as Formula)),
)

const added = (...terms: readonly [Tensor, ...Tensor[]]): Tensor => (sums[terms.length - 1] as typeof added)(...terms)

/**
 * Σ of squared norms, in their order.
 *
 * Shapes  each [n] → [n], float64; zeros where there are none
 *
 * @internal
 */
export const sumOfNorms = (count: number, norms: readonly Tensor[]): Tensor => {
  const [first, ...rest] = norms
  if (first === undefined) return zeros([count], 'float64')
  let sum = cast('float64')(first)
  for (let start = 0; start < rest.length; start += MOST - 1) sum = added(sum, ...rest.slice(start, start + MOST - 1))
  return sum
}

/** a + b of two squared norms [n]. @internal */
export const addNorms = (a: Tensor, b: Tensor): Tensor => added(a, b)
