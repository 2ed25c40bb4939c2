/**
 * What the reference backend is built from: float64 arrays in row-major order, and ndarrays over the storage of tensors.
 */
import ndarray, { type NdArray } from 'ndarray'
import { type Shape, sizeOf } from '../../shape.js'
import { copyInto, size, storageOf, type Tensor, unsafeTensor } from '../../tensor.js'

/** A copy of the elements in row-major order. */
export const elements = (t: Tensor): Float64Array => {
  const out = new Float64Array(size(t))
  copyInto(out, 0, t)
  return out
}

/** The ndarray over the very storage of a tensor: to be written to only by who allocated it. */
export const ndarrayOver = (t: Tensor): NdArray => ndarray(storageOf(t), [...t.shape], [...t.stride], t.offset)

/** A fresh float64 tensor of a shape, as `fill` leaves it. */
export const filled = (shape: Shape, fill: (out: Float64Array) => void): Tensor => {
  const out = new Float64Array(sizeOf(shape))
  fill(out)
  return unsafeTensor(out, shape)
}
