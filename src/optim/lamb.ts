/**
 * LAMB: Adam whose step is as long as the parameters of a leaf are large.
 */
import { scaleTensor } from '../tensor/elementwise.js'
import { contiguous, size, storageOf, type Tensor } from '../tensor/tensor.js'
import { type EmptyTree, zipTreesWith } from '../tensor/tree.js'
import { type AdamMoments, type AdamMomentsState, type AdamOptions, scaleByAdam } from './adam.js'
import { addDecayedWeights } from './decay.js'
import { chain, type GradientTransformation, type StepState, scaleByLearningRate, stateless } from './transform.js'

const norm = (leaf: Tensor): number => {
  const { data, offset } = { ...contiguous(leaf), data: storageOf(contiguous(leaf)) }
  let sum = 0
  for (let i = offset; i < offset + size(leaf); i++) sum += (data[i] as number) ** 2
  return Math.sqrt(sum)
}

/**
 * u · ‖params‖ / ‖u‖, leaf by leaf; u itself where one of the norms is 0 or not finite.
 *
 * References  You et al. 2020, arXiv:1904.00962, Algorithm 2 with φ(z) = z
 *
 * @example
 * toArray(scaleByTrustRatio.update(tensor([0, 2], [2]), emptyTree, tensor([3, 4], [2]))[0]) // => [0, 5]
 */
export const scaleByTrustRatio: GradientTransformation<EmptyTree> = stateless((updates, params) =>
  zipTreesWith((update, leaf) => {
    const ratio = norm(leaf) / norm(update)
    return ratio > 0 && ratio < Number.POSITIVE_INFINITY ? scaleTensor(ratio)(update) : update
  })(updates, params),
)

/** Adam's, with epsilon 1e-6 by default. */
export type LambOptions = Omit<AdamOptions, keyof AdamMoments> & Omit<AdamMoments, 'amsgrad'>

export type LambState = readonly [
  moments: AdamMomentsState,
  decay: EmptyTree,
  trustRatio: EmptyTree,
  schedule: StepState,
]

/**
 * LAMB: chain(scaleByAdam, addDecayedWeights, scaleByTrustRatio, scaleByLearningRate).
 *
 * References  You et al. 2020, arXiv:1904.00962, Algorithm 2
 *
 * @throws RangeError for options outside of their range
 */
export const lamb = ({
  learningRate,
  weightDecay = 0,
  epsilon = 1e-6,
  ...moments
}: LambOptions): GradientTransformation<LambState> =>
  chain(
    scaleByAdam({ epsilon, ...moments }),
    addDecayedWeights(weightDecay),
    scaleByTrustRatio,
    scaleByLearningRate(learningRate),
  )
