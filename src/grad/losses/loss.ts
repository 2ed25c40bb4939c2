/**
 * Losses, one value per sample. There is no reduction to choose: a mean taken before clipping would divide every
 * gradient by a batch size that is private. n sample · k class.
 */
import { ShapeEq, shapeError, sizeOf } from '../../tensor/shape.js'
import { contiguous, type Storage, storageOf, type Tensor, unsafeTensor } from '../../tensor/tensor.js'
import { isClass, noLoss } from './labels.js'

/** The loss of each sample, [n], float64; and its gradient in the prediction, of the prediction's shape, float64. */
export interface LossValue {
  readonly value: Tensor
  readonly cotangent: Tensor
}

/** A loss of each sample on its own: row n of the cotangent depends on row n of prediction and target alone. */
export type Loss = (prediction: Tensor, target: Tensor) => LossValue

/** The numbers of one sample begin at `at`; views of their own would cost more than most losses do. */
interface Row<Numbers> {
  readonly of: Numbers
  readonly at: number
}

/** One sample at a time: `row` reads `width` numbers of each argument, writes the gradient, returns the loss. */
const perSample =
  (
    width: number,
    targetWidth: number,
    row: (prediction: Row<Storage>, target: Row<Storage>, gradient: Row<Float64Array>) => number,
  ): Loss =>
  (prediction, target) => {
    const count = prediction.shape[0] as number
    const [p, t] = [contiguous(prediction), contiguous(target)]
    const [predictions, targets] = [storageOf(p), storageOf(t)]
    const value = new Float64Array(count)
    const cotangent = new Float64Array(count * width)
    for (let n = 0; n < count; n++)
      value[n] = row(
        { of: predictions, at: p.offset + n * width },
        { of: targets, at: t.offset + n * targetWidth },
        { of: cotangent, at: n * width },
      )
    return { value: unsafeTensor(value, [count]), cotangent: unsafeTensor(cotangent, prediction.shape) }
  }

/**
 * Cross entropy of a softmax: ℓₙ = log Σₖ exp zₙₖ − zₙ,label.
 *
 *   ∂ℓₙ/∂zₙₖ = softmax(zₙ)ₖ − [k = label]
 *
 * Shapes     prediction (logits) [n, k], target (class indices) [n] → [n]
 * Guarantee  a target that is not one of 0 … k − 1 has a loss and a gradient of NaN: an error would tell that its record was drawn
 *
 * @example
 * toArray(crossEntropy(tensor([0, 0], [1, 2]), tensor([1], [1], 'int32')).value) // => [Math.log(2)]
 */
export const crossEntropy: Loss = (prediction, target) => {
  const [count, classes] = prediction.shape
  if (prediction.shape.length !== 2 || target.shape.length !== 1 || target.shape[0] !== count)
    throw shapeError('crossEntropy needs logits [n, k] and labels [n]', prediction.shape, target.shape)
  const width = classes as number
  return perSample(width, 1, ({ of: logits, at }, label, { of: gradient, at: out }) => {
    const truth = label.of[label.at] as number
    if (!isClass(truth, width)) return noLoss(gradient.subarray(out, out + width))
    let largest = Number.NEGATIVE_INFINITY
    for (let k = 0; k < width; k++) largest = Math.max(largest, logits[at + k] as number)
    let total = 0
    for (let k = 0; k < width; k++) {
      const mass = Math.exp((logits[at + k] as number) - largest)
      gradient[out + k] = mass
      total += mass
    }
    for (let k = 0; k < width; k++) gradient[out + k] = (gradient[out + k] as number) / total - (k === truth ? 1 : 0)
    return largest + Math.log(total) - (logits[at + truth] as number)
  })(prediction, target)
}

const sameShape = (name: string, prediction: Tensor, target: Tensor): number => {
  if (!ShapeEq.equals(prediction.shape, target.shape) || prediction.shape.length === 0)
    throw shapeError(`${name} needs prediction and target of one shape`, prediction.shape, target.shape)
  return sizeOf(prediction.shape.slice(1))
}

/**
 * Mean over the sample's own axes of (prediction − target)².
 *
 *   ∂ℓₙ/∂yₙⱼ = 2 (yₙⱼ − tₙⱼ) / m      m numbers a sample
 *
 * Shapes  prediction and target [n, …] → [n]
 *
 * @example
 * toArray(meanSquaredError(tensor([1, 3], [1, 2]), tensor([0, 0], [1, 2])).value) // => [5]
 */
export const meanSquaredError: Loss = (prediction, target) => {
  const width = sameShape('meanSquaredError', prediction, target)
  return perSample(width, width, (y, t, gradient) => {
    let sum = 0
    for (let j = 0; j < width; j++) {
      const error = (y.of[y.at + j] as number) - (t.of[t.at + j] as number)
      gradient.of[gradient.at + j] = (2 * error) / width
      sum += error * error
    }
    return sum / width
  })(prediction, target)
}

/**
 * Mean over the sample's own axes of the cross entropy of a sigmoid: ℓ = max(z, 0) − z t + log(1 + e^−|z|).
 *
 *   ∂ℓₙ/∂zₙⱼ = (σ(zₙⱼ) − tₙⱼ) / m
 *
 * Shapes  prediction (logits) and target (probabilities, mostly 0 or 1) [n, …] → [n]
 *
 * @example
 * toArray(binaryCrossEntropyWithLogits(tensor([0], [1, 1]), tensor([1], [1, 1])).value) // => [Math.log(2)]
 */
export const binaryCrossEntropyWithLogits: Loss = (prediction, target) => {
  const width = sameShape('binaryCrossEntropyWithLogits', prediction, target)
  return perSample(width, width, (z, t, gradient) => {
    let sum = 0
    for (let j = 0; j < width; j++) {
      const [logit, truth] = [z.of[z.at + j] as number, t.of[t.at + j] as number]
      const tail = Math.exp(-Math.abs(logit))
      gradient.of[gradient.at + j] = ((logit >= 0 ? 1 : tail) / (1 + tail) - truth) / width
      sum += Math.max(logit, 0) - logit * truth + Math.log1p(tail)
    }
    return sum / width
  })(prediction, target)
}
