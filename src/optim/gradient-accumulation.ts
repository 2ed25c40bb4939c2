/**
 * Gradient accumulation: several gradients, one step.
 */
import { scaleTensor } from '../tensor/elementwise.js'
import { cast } from '../tensor/tensor.js'
import { mapTree, type Tree, zerosLike, zipTreesWith } from '../tensor/tree.js'
import { checkPositiveInteger } from './hyperparameters.js'
import { combine } from './leaf.js'
import { type GradientTransformation, type OptimizerState, probeWith } from './transform.js'

/** The sum so far, of how many, and the state of the method that takes the mean. */
export type GradientAccumulationState<S extends OptimizerState> = {
  readonly count: number
  readonly sum: Tree
  readonly inner: S
}

/**
 * The mean of `every` gradients in a row goes to `inner`; the steps between update nothing.
 *
 * Under privacy each gradient is a release of its own, noise and event included; to split one batch that is too large for
 * memory, use physical batches instead, which draw their noise once.
 *
 * Cost   one tree of memory, one pass a gradient
 *
 * @throws RangeError unless every is an integer ≥ 1
 * @example
 * const twice = accumulateGradients(2, scale(-1))
 * const [, state] = twice.update(scalar(1), twice.init(scalar(0)), scalar(0))
 * toArray(twice.update(scalar(3), state, scalar(0))[0]) // => [-2]
 */
export const accumulateGradients = <S extends OptimizerState>(
  every: number,
  inner: GradientTransformation<S>,
): GradientTransformation<GradientAccumulationState<S>> => {
  checkPositiveInteger('every', every)
  return {
    ...probeWith(inner, ({ inner: state }: GradientAccumulationState<S>) => state),
    init: (params) => ({ count: 0, sum: zerosLike(params), inner: inner.init(params) }),
    update: (updates, { count, sum, inner: state }, params) => {
      const together = zipTreesWith(combine(1, 1))(sum, updates)
      if (count + 1 < every) return [zerosLike(updates), { count: count + 1, sum: together, inner: state }]
      const mean = zipTreesWith((gradient, total) => cast(gradient.dtype)(total))(
        updates,
        mapTree(scaleTensor(1 / every))(together),
      )
      const [changed, next] = inner.update(mean, state, params)
      return [changed, { count: 0, sum: zerosLike(sum), inner: next }]
    },
  }
}
