/**
 * Elementwise arithmetic in JavaScript numbers, for the small vectors of optimizers and schedules. The hot path goes
 * through a backend.
 */
import { homeOf } from './home.js'
import { ShapeEq, shapeError } from './shape.js'
import { allocate, contiguous, type DType, type Storage, size, storageOf, type Tensor, unsafeTensor } from './tensor.js'

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

/** Loops of their own, so that V8 compiles each for one kind of array. */
const timesFloat32 = (factor: number, from: Float32Array, to: Float32Array): void => {
  for (let i = 0; i < to.length; i++) to[i] = factor * (from[i] as number)
}
const timesFloat64 = (factor: number, from: Float64Array, to: Float64Array): void => {
  for (let i = 0; i < to.length; i++) to[i] = factor * (from[i] as number)
}

/** The elements as storage in row-major order, to be read only. */
const elements = (t: Tensor): Storage => {
  const source = contiguous(t)
  return storageOf(source).subarray(source.offset, source.offset + size(t))
}

/**
 * factor · x, in the dtype of the argument.
 *
 * @example
 * toArray(scaleTensor(2)(tensor([1, 2], [2]))) // => [2, 4]
 */
export const scaleTensor =
  (factor: number) =>
  (t: Tensor): Tensor => {
    const home = homeOf(t)
    if (home !== undefined) return home.scale(factor, [t])[0] as Tensor
    const from = elements(t)
    const to = allocate(t.dtype, from.length)
    if (from instanceof Float32Array && to instanceof Float32Array) timesFloat32(factor, from, to)
    else if (from instanceof Float64Array && to instanceof Float64Array) timesFloat64(factor, from, to)
    else return mapTensor((x) => factor * x)(t)
    return unsafeTensor(to, t.shape)
  }

const plusFloat32 = (a: Float32Array, b: Float32Array, to: Float32Array): void => {
  for (let i = 0; i < to.length; i++) to[i] = (a[i] as number) + (b[i] as number)
}

/**
 * a + b, in the dtype of the first argument.
 *
 * @throws ShapeError when the shapes differ
 * @example
 * toArray(addTensors(tensor([1, 2], [2]), tensor([3, 4], [2]))) // => [4, 6]
 */
export const addTensors = (a: Tensor, b: Tensor): Tensor => {
  const home = homeOf(a, b)
  if (home !== undefined) return home.combine(1, a, 1, b)
  if (a.dtype !== 'float32' || b.dtype !== 'float32' || !ShapeEq.equals(a.shape, b.shape))
    return zipTensorsWith((x, y) => x + y)(a, b)
  const out = new Float32Array(size(a))
  plusFloat32(elements(a) as Float32Array, elements(b) as Float32Array, out)
  return unsafeTensor(out, a.shape)
}
