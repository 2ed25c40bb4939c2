/**
 * Inputs and targets of the same samples.
 */
import type { Tensor } from '../tensor/tensor.js'
import { take } from '../tensor/view.js'

/** Inputs [n, …] and targets [n, …] of the same samples. */
export interface Batch {
  readonly input: Tensor
  readonly target: Tensor
}

/** The chosen samples of a batch. */
export const takeBatch =
  (indices: Readonly<ArrayLike<number>>) =>
  ({ input, target }: Batch): Batch => ({ input: take(indices)(input), target: take(indices)(target) })
