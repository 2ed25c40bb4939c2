/**
 * Losses from a function of one sample's numbers.
 */
import { ShapeEq, shapeError, sizeOf } from '../../tensor/shape.js'
import { cast, size, storageOf, type Tensor, unsafeTensor } from '../../tensor/tensor.js'
import type { Loss } from './loss.js'

/** One sample: reads prediction and target, writes the gradient (zeros before), returns the loss. */
export type RowLoss = (prediction: Float64Array, target: Float64Array, gradient: Float64Array) => number

/** The elements in row-major order, in float64. */
const numbers = (t: Tensor): Float64Array => {
  const exact = cast('float64')(t)
  return (storageOf(exact) as Float64Array).subarray(exact.offset, exact.offset + size(exact))
}

/** The loss whose every sample is a row. Shapes must have been checked. @internal */
export const lossOfRows =
  (row: RowLoss): Loss =>
  (prediction, target) => {
    const count = prediction.shape[0] as number
    const [width, targetWidth] = [prediction, target].map(({ shape }) => sizeOf(shape.slice(1))) as [number, number]
    const [p, t] = [numbers(prediction), numbers(target)]
    const value = new Float64Array(count)
    const cotangent = new Float64Array(count * width)
    for (let n = 0; n < count; n++)
      value[n] = row(
        p.subarray(n * width, (n + 1) * width),
        t.subarray(n * targetWidth, (n + 1) * targetWidth),
        cotangent.subarray(n * width, (n + 1) * width),
      )
    return { value: unsafeTensor(value, [count]), cotangent: unsafeTensor(cotangent, prediction.shape) }
  }

/**
 * A loss that is the mean, over the sample's own axes, of a function of a prediction and its target.
 *
 * @internal
 */
export const meanOf = (
  name: string,
  of: (prediction: number, target: number) => readonly [value: number, derivative: number],
): Loss => {
  const loss = lossOfRows((y, t, gradient) => {
    let sum = 0
    for (let j = 0; j < y.length; j++) {
      const [value, derivative] = of(y[j] as number, t[j] as number)
      sum += value
      gradient[j] = derivative / y.length
    }
    return sum / y.length
  })
  return (prediction, target) => {
    if (!ShapeEq.equals(prediction.shape, target.shape) || prediction.shape.length === 0)
      throw shapeError(`${name} needs prediction and target of one shape`, prediction.shape, target.shape)
    return loss(prediction, target)
  }
}
