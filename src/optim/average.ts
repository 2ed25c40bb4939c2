/**
 * Averages of the parameters along a training, which forget some of the noise. Post-processing: nothing is spent.
 */
import { type Tree, zipTreesWith } from '../tensor/tree.js'
import { checkBelowOne } from './hyperparameters.js'
import { combine } from './leaf.js'
import { applyUpdates, type GradientTransformation, type OptimizerState, probeWith } from './transform.js'

/** How much of the average a step keeps: in [0, 1), for the step that is counted from 1. */
export type AveragingRule = (step: number) => number

/**
 * Exponential moving average. With warm-up the first steps forget faster: min(decay, (1 + t) / (10 + t)).
 *
 * References  De et al. 2022, arXiv:2204.13650 (under privacy) · Polyak, Juditsky 1992
 *
 * @throws RangeError unless decay is in [0, 1)
 * @example
 * [exponentialAverage({ decay: 0.9 })(1), exponentialAverage({ decay: 0.9, warmUp: true })(1)] // => [0.9, 2 / 11]
 */
export const exponentialAverage = ({
  decay,
  warmUp = false,
}: {
  readonly decay: number
  readonly warmUp?: boolean
}): AveragingRule => {
  checkBelowOne('decay', decay)
  return warmUp ? (step) => Math.min(decay, (1 + step) / (10 + step)) : () => decay
}

/**
 * The mean of the parameters after each step from `from` on, all alike: until then the average is the last parameters.
 *
 * References  Polyak, Juditsky 1992; Shamir, Zhang 2013, arXiv:1212.1824 (suffix averaging)
 *
 * @example
 * [1, 9, 10, 11, 12].map(tailAverage({ from: 10 })) // => [0, 0, 0, 1 / 2, 2 / 3]
 */
export const tailAverage =
  ({ from }: { readonly from: number }): AveragingRule =>
  (step) =>
    step <= from ? 0 : (step - from) / (step - from + 1)

/** Steps taken, the average, and the state of the method. */
export type AveragedState<S extends OptimizerState> = {
  readonly step: number
  readonly average: Tree
  readonly inner: S
}

/**
 * A method beside which an average of the parameters is kept; the updates are the method's own. The average is in the state, so
 * that a checkpoint holds it.
 *
 *   āₜ = wₜ āₜ₋₁ + (1 − wₜ)(params + updates),   ā₀ = params
 *
 * Cost  one tree of memory, two passes a step
 *
 * @example
 * const kept = averaged(exponentialAverage({ decay: 0.5 }), scale(-1))
 * const [, state] = kept.update(scalar(2), kept.init(scalar(4)), scalar(4))
 * toArray(state.average as Tensor) // => [3]
 */
export const averaged = <S extends OptimizerState>(
  rule: AveragingRule,
  inner: GradientTransformation<S>,
): GradientTransformation<AveragedState<S>> => ({
  ...probeWith(inner, ({ inner: state }: AveragedState<S>) => state),
  init: (params) => ({ step: 0, average: params, inner: inner.init(params) }),
  update: (updates, { step, average, inner: state }, params) => {
    const [changed, next] = inner.update(updates, state, params)
    const keep = rule(step + 1)
    const mean = zipTreesWith(combine(keep, 1 - keep))(average, applyUpdates(params, changed))
    return [changed, { step: step + 1, average: mean, inner: next }]
  },
})
