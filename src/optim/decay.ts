/**
 * Weight decay.
 */
import { type EmptyTree, zipTreesWith } from '../tensor/tree.js'
import { checkNonNegative } from './hyperparameters.js'
import { combine } from './leaf.js'
import { type GradientTransformation, identity, stateless } from './transform.js'

/**
 * u + λ·params. Before a method it is the gradient of (λ/2)‖params‖² (L2); after one it is decoupled decay (AdamW).
 *
 * References  Loshchilov, Hutter 2019, arXiv:1711.05101
 *
 * @throws RangeError unless weightDecay is finite and ≥ 0
 * @example
 * toArray(addDecayedWeights(0.5).update(tensor([1], [1]), emptyTree, tensor([4], [1]))[0]) // => [3]
 */
export const addDecayedWeights = (weightDecay: number): GradientTransformation<EmptyTree> =>
  checkNonNegative('weightDecay', weightDecay) === 0
    ? identity
    : stateless((updates, params) => zipTreesWith(combine(1, weightDecay))(updates, params))
