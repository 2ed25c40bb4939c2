/**
 * LAMB: Adam whose step is as long as the parameters of a leaf are large.
 */
import { scaleTensor } from '../tensor/elementwise.js'
import { contiguous, size, storageOf, type Tensor } from '../tensor/tensor.js'
import { type EmptyTree, zipTreesWith } from '../tensor/tree.js'
import { type AdamMoments, type AdamMomentsState, type AdamOptions, scaleByAdam } from './adam.js'
import { addDecayedWeights } from './decay.js'
import { chain, type GradientTransformation, type StepState, scaleByLearningRate, stateless } from './transform.js'

/** Scaled by the largest number, so that no square overflows or underflows. */
const norm = (leaf: Tensor): number => {
  const source = contiguous(leaf)
  const numbers = storageOf(source).subarray(source.offset, source.offset + size(leaf))
  let largest = 0
  for (let i = 0; i < numbers.length; i++) largest = Math.max(largest, Math.abs(numbers[i] as number))
  if (largest === 0) return 0
  let sum = 0
  for (let i = 0; i < numbers.length; i++) sum += ((numbers[i] as number) / largest) ** 2
  return largest * Math.sqrt(sum)
}

/** Below it a norm has lost digits. */
const leastNormal = 2 ** -1022

/**
 * u · ‖params‖ / ‖u‖, leaf by leaf; u itself where one of the norms is 0, subnormal or not finite.
 *
 * References  You et al. 2020, arXiv:1904.00962, Algorithm 2 with φ(z) = z
 *
 * @example
 * toArray(scaleByTrustRatio.update(tensor([0, 2], [2]), emptyTree, tensor([3, 4], [2]))[0]) // => [0, 5]
 */
export const scaleByTrustRatio: GradientTransformation<EmptyTree> = stateless((updates, params) =>
  zipTreesWith((update, leaf) => {
    const [length, wanted] = [norm(update), norm(leaf)]
    const ratio = wanted / length
    return length >= leastNormal && wanted >= leastNormal && ratio > 0 && ratio < Number.POSITIVE_INFINITY
      ? scaleTensor(ratio)(update)
      : update
  })(updates, params),
)

/** Adam's, with epsilon 1e-6 by default. */
export type LambOptions = Omit<AdamOptions, keyof AdamMoments> & Omit<AdamMoments, 'amsgrad'>

/** What `lamb` remembers from step to step. */
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
