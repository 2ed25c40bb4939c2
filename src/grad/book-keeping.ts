/**
 * One forward and one backward pass, from which the gradients of all samples are read: book-keeping.
 */
import type { Backend } from '../tensor/backend/backend.js'
import { zipTensorsWith } from '../tensor/elementwise.js'
import { cast, type Tensor } from '../tensor/tensor.js'
import { mapTree, type Tree } from '../tensor/tree.js'
import { reshape } from '../tensor/view.js'
import type { Batch } from './batch.js'
import { groupedReadings } from './grouped.js'
import { type GroupedReadings, type LayerRule, lazy, type Pullback } from './layer.js'
import type { Loss } from './losses/loss.js'
import { raised } from './raised.js'

/** The gradients gₙ of n losses, each reading computed when asked for. Valid within the call that hands it out. */
export interface PerSampleGradients<P extends Tree> {
  /** n. */
  readonly count: number
  /** [n], float64. */
  readonly loss: Tensor
  readonly prediction: Tensor
  /** Every leaf [n, …param]. */
  readonly grad: () => P
  /** ‖gₙ‖² over all parameters, [n], float64. */
  readonly squaredNorm: () => Tensor
  /** Σₙ wₙ gₙ for w [n]. */
  readonly weightedSum: (weight: Tensor) => P
  /** Both by groups of parameters: labels are made by `labelled`. */
  readonly grouped: (labels: Tree) => GroupedReadings<P>
}

/**
 * Takes a step of a pass: a function of tensors that differ from batch to batch, which looks at none of their numbers. Another pass
 * that has taken the same steps so far, for a batch of the same shape, does the same in a step of the same key.
 */
export type TakeStep = <A>(
  key: readonly unknown[],
  inputs: readonly Tensor[],
  step: (inputs: readonly Tensor[]) => A,
) => A

const once: TakeStep = (_key, inputs, step) => step(inputs)

/** The gradients of a batch. All that the backend computes is computed in steps, which are taken when something is read. */
export const bookKeeping = <P extends Tree, C>(
  loss: Loss,
  model: LayerRule<P, C>,
  backend: Backend,
  params: P,
  { input, target }: Batch,
  take: TakeStep = once,
): PerSampleGradients<P> => {
  const [prediction, cache] = take(['forward'], [input], ([x]) => model.forward(backend, params, x as Tensor))
  const { value, cotangent } = loss(prediction, target)
  const { cotangent: given, factor } = raised(backend, cotangent)
  const pulled = lazy(() => take(['pullback'], [given], ([gy]) => model.pullback(backend, params, cache, gy as Tensor)))
  const read = <A>(
    key: readonly unknown[],
    inputs: readonly Tensor[],
    of: (pullback: Pullback<P>, inputs: readonly Tensor[]) => A,
  ): A => {
    const pullback = pulled()
    return take(key, inputs, (own) => of(pullback, own))
  }
  const gradients: PerSampleGradients<P> = {
    count: input.shape[0] as number,
    loss: value,
    prediction,
    grad: () => read(['grad'], [], (pullback) => pullback.perSampleGrad()),
    squaredNorm: () => read(['squaredNorm'], [], (pullback) => pullback.squaredNorm()),
    weightedSum: (weight) => read(['weightedSum'], [weight], (pullback, [own]) => pullback.weightedGrad(own as Tensor)),
    grouped: (labels) => {
      const readings = read(['grouped', labels], [], (pullback) => groupedReadings(backend, pullback, labels))
      return {
        squaredNorms: () => take(['squaredNorms', labels], [], () => readings.squaredNorms()),
        weightedGrad: (weights) => take(['weightedGrad', labels], weights, (own) => readings.weightedGrad(own)),
      }
    },
  }
  return factor === undefined ? gradients : timesFactor(backend, factor, gradients)
}

/** The gradients of a cotangent that was raised, each times the power of 2 that undoes it. */
const timesFactor = <P extends Tree>(
  backend: Backend,
  factor: Tensor,
  gradients: PerSampleGradients<P>,
): PerSampleGradients<P> => {
  const squared = zipTensorsWith((s, f) => s * f * f)
  const ofSquare = (s: Tensor): Tensor => squared(s, factor)
  const times = zipTensorsWith((w, f) => w * f)
  const ofWeight = (w: Tensor): Tensor => times(cast('float64')(w), factor)
  return {
    ...gradients,
    grad: () =>
      // A product, and not `scaleRows`, keeps the bits of samples whose factor is 1.
      mapTree((leaf) =>
        backend.zip('mul', leaf, reshape([gradients.count, ...leaf.shape.slice(1).map(() => 1)])(factor)),
      )(gradients.grad()),
    squaredNorm: () => ofSquare(gradients.squaredNorm()),
    weightedSum: (weight) => gradients.weightedSum(ofWeight(weight)),
    grouped: (labels) => {
      const readings = gradients.grouped(labels)
      return {
        squaredNorms: () => new Map(Array.from(readings.squaredNorms(), ([group, s]) => [group, ofSquare(s)])),
        weightedGrad: (weights) => readings.weightedGrad(weights.map(ofWeight)),
      }
    },
  }
}
