/**
 * What is read off the gradients of a batch, sample by sample and summed.
 */
import { defaultBackend } from '../tensor/backend/default.js'
import { runningSum } from '../tensor/running-sum.js'
import { ShapeEq, shapeError } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import type { Tree } from '../tensor/tree.js'
import { concatenate, slice } from '../tensor/view.js'
import type { Batch } from './batch.js'
import type { LayerRule } from './layer.js'
import type { Loss } from './losses/loss.js'
import { partByPart } from './part-by-part.js'
import { type GradientOptions, withPerSampleGradients } from './per-sample.js'

/**
 * The loss and the gradient of each sample. Every leaf is [n, …param].
 *
 * @example
 * perSampleGrad(meanSquaredError, linear(1, { bias: false }))({ weight: tensor([1], [1, 1]) }, { input: tensor([2, 3], [2, 1]), target: tensor([0, 0], [2, 1]) }).grad.weight.shape // => [2, 1, 1]
 */
export const perSampleGrad =
  <P extends Tree, C>(loss: Loss, model: LayerRule<P, C>, options: GradientOptions = {}) =>
  (params: P, batch: Batch): { readonly loss: Tensor; readonly grad: P } =>
    withPerSampleGradients(loss, model, options)(params, batch, (g) => ({ loss: g.loss, grad: g.grad() }))

/** Tensors of the parts of a batch, as of the whole. */
const joined = (parts: readonly Tensor[]): Tensor =>
  parts.length === 1 ? (parts[0] as Tensor) : concatenate(parts as unknown as readonly [Tensor, ...Tensor[]])

/** The loss and the squared gradient norm of each sample, over all parameters: [n], float64. */
export const perSampleSquaredNorm = <P extends Tree, C>(
  loss: Loss,
  model: LayerRule<P, C>,
  options: GradientOptions = {},
): ((params: P, batch: Batch) => { readonly loss: Tensor; readonly squaredNorm: Tensor }) => {
  const overParts = partByPart(loss, model, options)
  return (params, batch) =>
    overParts(params, batch, () => ({
      use: (g) => ({ loss: g.loss, squaredNorm: g.squaredNorm() }),
      finish: (parts) => ({
        loss: joined(parts.map((part) => part.loss)),
        squaredNorm: joined(parts.map((part) => part.squaredNorm)),
      }),
    }))
}

/** Σₙ wₙ gₙ. With all weights 1 it is the gradient of the summed loss, as training without privacy computes it. */
export const weightedGrad = <P extends Tree, C>(
  loss: Loss,
  model: LayerRule<P, C>,
  options: GradientOptions = {},
): ((params: P, batch: Batch, weight: Tensor) => { readonly loss: Tensor; readonly grad: P }) => {
  const overParts = partByPart(loss, model, options)
  return (params, batch, weight) => {
    if (!ShapeEq.equals(weight.shape, batch.input.shape.slice(0, 1)))
      throw shapeError('weightedGrad: one weight for each sample', weight.shape, batch.input.shape)
    return overParts(params, batch, () => {
      const total = runningSum<P>()
      let start = 0
      return {
        use: (g) => {
          const own = slice({ axis: 0, start, end: start + g.count })(weight)
          const [loss, grad] = [g.loss, g.weightedSum(own)]
          // Added as the last thing: what was not read to its end is read again.
          return { count: g.count, loss, grad: total.add(grad) ? undefined : grad }
        },
        accept: ({ count, grad }) => {
          start += count
          if (grad !== undefined) total.begin(grad)
          return true
        },
        finish: (parts) => ({ loss: joined(parts.map((part) => part.loss)), grad: total.value() as P }),
      }
    })
  }
}

/** The model's output for each input: [n, …]. */
export const predict =
  <P extends Tree, C>(model: LayerRule<P, C>, { backend = defaultBackend() }: GradientOptions = {}) =>
  (params: P, input: Tensor): Tensor =>
    backend.scope(() => model.forward(backend, params, input)[0])
