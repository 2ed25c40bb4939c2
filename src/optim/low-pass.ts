/**
 * Low-pass filters on updates: the gradient of a training changes slowly, independent noise does not.
 */
import { scaleTensor } from '../tensor/elementwise.js'
import { cast, type Tensor } from '../tensor/tensor.js'
import { mapTree, type Tree, zerosLike, zipTreesWith } from '../tensor/tree.js'
import { combine } from './leaf.js'
import type { GradientTransformation } from './transform.js'

/** A linear filter. Default: the first-order filter of DOPPLER, feedback [0.9] and forward [0.05, 0.05]. */
export interface LowPassOptions {
  /** a₁, a₂, …: of the outputs before. */
  readonly feedback?: readonly number[]
  /** b₀, b₁, …: of the gradients, the newest first. */
  readonly forward?: readonly number[]
}

/** The newest first, zeros before the beginning. `response` are the outputs that gradients of 1 would have given. */
export type LowPassState = {
  readonly step: number
  readonly inputs: readonly Tree[]
  readonly outputs: readonly Tree[]
  readonly response: readonly number[]
}

/**
 * DOPPLER, a low-pass filter on privatised gradients:
 *
 *   mₜ = Σᵢ aᵢ mₜ₋ᵢ + Σⱼ bⱼ gₜ₋ⱼ        uₜ = mₜ / cₜ,   cₜ the same recursion on gradients of 1
 *
 * Dividing by cₜ makes the first steps unbiased: constant gradients pass unchanged. Post-processing, so nothing is spent.
 *
 * Cost        one pass for each coefficient, one tree of memory for each but b₀
 * References  Zhang, Bu et al. 2024, arXiv:2408.13460 (DOPPLER, NeurIPS 2024)
 *
 * @throws RangeError unless coefficients are finite, b₀ is not 0, and no response cₜ is 0
 * @example
 * toArray(lowPass().update(tensor([2], [1]), lowPass().init(zeros([1])), zeros([1]))[0]) // => [2]
 */
export const lowPass = ({
  feedback = [0.9],
  forward = [0.05, 0.05],
}: LowPassOptions = {}): GradientTransformation<LowPassState> => {
  const [newest = 0, ...older] = forward
  if (![...feedback, ...forward].every(Number.isFinite) || newest === 0)
    throw new RangeError(
      `forward is [${forward}] and feedback [${feedback}]: both must be finite, and the first of forward not 0`,
    )
  const weighted = (trees: readonly Tree[], weights: readonly number[]): readonly (readonly [Tree, number])[] =>
    weights.map((weight, i) => [trees[i] as Tree, weight])
  return {
    init: (params) => ({
      step: 0,
      inputs: older.map(() => zerosLike(params)),
      outputs: feedback.map(() => zerosLike(params)),
      response: feedback.map(() => 0),
    }),
    update: (updates, { step, inputs, outputs, response }) => {
      const history = [...weighted(inputs, older), ...weighted(outputs, feedback)]
      const filtered = history.reduce(
        (sum, [tree, weight]) => zipTreesWith(combine(1, weight))(sum, tree),
        mapTree(scaleTensor(newest))(updates),
      )
      // Of the gradients of 1, as many are there as there were steps.
      const constant =
        forward.slice(0, step + 1).reduce((sum, b) => sum + b, 0) +
        feedback.reduce((sum, a, i) => sum + a * (response[i] as number), 0)
      if (constant === 0) throw new RangeError(`the filter has no response to a constant in step ${step}`)
      const shifted = <A>(newestOne: A, rest: readonly A[]): readonly A[] => [newestOne, ...rest].slice(0, rest.length)
      return [
        mapTree(scaleTensor(1 / constant))(filtered),
        {
          step: step + 1,
          inputs: shifted<Tree>(asLike(updates, inputs), inputs),
          outputs: shifted<Tree>(asLike(filtered, outputs), outputs),
          response: shifted(constant, response),
        },
      ]
    },
  }
}

/** A tree in the dtypes of those it joins, which are those of the parameters. */
const asLike = (tree: Tree, [like]: readonly Tree[]): Tree =>
  like === undefined ? tree : zipTreesWith((joins: Tensor, leaf: Tensor) => cast(joins.dtype)(leaf))(like, tree)
