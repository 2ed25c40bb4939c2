/**
 * Losses that a backend computes, so that a device need not hand over its predictions. n sample · k class.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { ShapeEq, shapeError, sizeOf } from '../../tensor/shape.js'
import { scalar, type Tensor, tensor, toArray } from '../../tensor/tensor.js'
import { reshape } from '../../tensor/view.js'
import { isClass } from './labels.js'
import type { Loss, LossValue } from './loss.js'

/** As `Loss`, in the arithmetic and the dtype of a backend. */
export type BackendLoss = (backend: Backend, prediction: Tensor, target: Tensor) => LossValue

/** Any loss, on the host: the predictions are read. */
export const onHost =
  (loss: Loss): BackendLoss =>
  (_backend, prediction, target) =>
    loss(prediction, target)

/** [n, k] with a 1 in the column of each label; NaN in the row of one that is no class. */
const oneHot = (labels: Tensor, classes: number): Tensor => {
  const count = labels.shape[0] as number
  const ones = new Float32Array(count * classes)
  for (const [n, label] of toArray(labels).entries()) {
    if (isClass(label, classes)) ones[n * classes + label] = 1
    else ones.fill(Number.NaN, n * classes, (n + 1) * classes)
  }
  return tensor(ones, [count, classes])
}

/**
 * `crossEntropy` on a backend: ℓₙ = log Σₖ exp zₙₖ − zₙ,label.
 *
 * Shapes     prediction (logits) [n, k], target (class indices, on the host) [n] → [n]
 * Guarantee  a target that is not one of 0 … k − 1 has a loss and a gradient of NaN, as in `crossEntropy`
 *
 * @example
 * toArray(crossEntropyOn(defaultBackend(), tensor([0, 0], [1, 2]), tensor([1], [1], 'int32')).cotangent) // => [0.5, -0.5]
 */
export const crossEntropyOn: BackendLoss = (backend, prediction, target) => {
  const [count, classes] = prediction.shape as readonly [number, number]
  if (prediction.shape.length !== 2 || !ShapeEq.equals(target.shape, [count]))
    throw shapeError('crossEntropy needs logits [n, k] and labels [n]', prediction.shape, target.shape)
  const truth = oneHot(target, classes)
  // The largest logit of each sample, by the one maximum that the algebra has.
  const window = { kernel: [1, classes], stride: [1, 1], padding: [0, 0], dilation: [1, 1] } as const
  const largest = reshape([count, 1])(backend.maxPool2d(reshape([count, 1, 1, classes])(prediction), window).y)
  const shifted = backend.zip('sub', prediction, largest)
  const masses = backend.map('exp', shifted)
  const total = backend.sum(masses, [1])
  return {
    value: backend.zip('sub', backend.map('log', total), backend.sum(backend.zip('mul', shifted, truth), [1])),
    cotangent: backend.zip('sub', backend.zip('div', masses, reshape([count, 1])(total)), truth),
  }
}

/**
 * `meanSquaredError` on a backend: the mean over the sample's own axes of (prediction − target)².
 *
 * Shapes  prediction and target [n, …] → [n]
 *
 * @example
 * toArray(meanSquaredErrorOn(defaultBackend(), tensor([1, 3], [1, 2]), tensor([0, 0], [1, 2])).value) // => [5]
 */
export const meanSquaredErrorOn: BackendLoss = (backend, prediction, target) => {
  if (!ShapeEq.equals(prediction.shape, target.shape) || prediction.shape.length === 0)
    throw shapeError('meanSquaredError needs prediction and target of one shape', prediction.shape, target.shape)
  const width = sizeOf(prediction.shape.slice(1))
  const error = backend.zip('sub', prediction, target)
  const axes = prediction.shape.map((_, axis) => axis).slice(1)
  return {
    value: backend.zip('mul', backend.sum(backend.map('square', error), axes), scalar(1 / width, 'float64')),
    cotangent: backend.zip('mul', error, scalar(2 / width, 'float64')),
  }
}
