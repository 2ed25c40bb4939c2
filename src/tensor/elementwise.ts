/**
 * Elementwise arithmetic in JavaScript numbers, for the small vectors of optimizers and schedules. The hot path goes
 * through a backend.
 */
import { ShapeEq, shapeError } from './shape.js'
import { allocate, contiguous, type DType, size, storageOf, type Tensor, unsafeTensor } from './tensor.js'

/**
 * f of every element, in the dtype of the argument.
 *
 * @example
 * toArray(mapTensor((x) => 2 * x)(tensor([1, 2], [2]))) // => [2, 4]
 */
export const mapTensor =
  (f: (x: number) => number, dtype?: DType) =>
  (t: Tensor): Tensor => {
    const source = contiguous(t)
    const data = storageOf(source)
    const out = allocate(dtype ?? t.dtype, size(t))
    for (let i = 0; i < out.length; i++) out[i] = f(data[source.offset + i] as number)
    return unsafeTensor(out, t.shape)
  }

/**
 * f of every pair of elements, in the dtype of the first argument.
 *
 * @throws ShapeError when the shapes differ
 */
export const zipTensorsWith =
  (f: (x: number, y: number) => number) =>
  (a: Tensor, b: Tensor): Tensor => {
    if (!ShapeEq.equals(a.shape, b.shape)) throw shapeError('zipTensorsWith: shapes differ', a.shape, b.shape)
    const [left, right] = [contiguous(a), contiguous(b)]
    const [x, y] = [storageOf(left), storageOf(right)]
    const out = allocate(a.dtype, size(a))
    for (let i = 0; i < out.length; i++) out[i] = f(x[left.offset + i] as number, y[right.offset + i] as number)
    return unsafeTensor(out, a.shape)
  }
