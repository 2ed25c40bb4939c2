/**
 * Tensors as the golden files write them, and how far apart two are.
 */
import { type Tensor, tensor } from '../../src/tensor/index.js'

/** A tensor of a golden file, row-major. */
export interface Numbers {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

export const tensorOf = ({ shape, data }: Numbers): Tensor => tensor(data, shape, 'float64')

/**
 * Largest difference, relative to the largest expected magnitude, or to `least` where that is more (absolute where both
 * are 0).
 */
export const relativeError = (actual: readonly number[], expected: readonly number[], least = 0): number => {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  const scale = expected.reduce((largest, e) => Math.max(largest, Math.abs(e)), least)
  const difference = actual.reduce((largest, x, i) => {
    const gap = Math.abs(x - (expected[i] as number))
    return Number.isNaN(gap) ? Number.POSITIVE_INFINITY : Math.max(largest, gap)
  }, 0)
  return scale > 0 ? difference / scale : difference
}
