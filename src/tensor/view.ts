/**
 * Views: the same numbers under another shape. None copies, save `reshape` of a strided view and `take`.
 */
import { checkShape, rowMajor, type Shape, shapeError, sizeOf } from './shape.js'
import { allocate, contiguous, copyInto, size, type Tensor, unsafeTensor, viewOf } from './tensor.js'

/**
 * The same elements, in row-major order, under another shape of equal size.
 *
 * @example
 * reshape([3, 2])(arange(6)).shape // => [3, 2]
 */
export const reshape =
  (shape: Shape) =>
  (t: Tensor): Tensor => {
    if (sizeOf(checkShape(shape)) !== size(t)) throw shapeError('reshape keeps the number of elements', t.shape, shape)
    return viewOf(contiguous(t), shape, rowMajor(shape))
  }

/**
 * Axes in another order; without an argument, reversed.
 *
 * @example
 * transpose()(zeros([2, 3, 4])).shape // => [4, 3, 2]
 */
export const transpose =
  (axes?: readonly number[]) =>
  (t: Tensor): Tensor => {
    const order = axes ?? t.shape.map((_, axis) => t.shape.length - 1 - axis)
    if (
      order.length !== t.shape.length ||
      new Set(order).size !== order.length ||
      order.some((a) => t.shape[a] === undefined)
    )
      throw shapeError('transpose needs a permutation of the axes', order, t.shape)
    return viewOf(
      t,
      order.map((a) => t.shape[a] as number),
      order.map((a) => t.stride[a] as number),
    )
  }

/** A range of one axis: from `start` to `end` (exclusive) by `step`; a negative step walks backwards from `start`. */
export interface Slice {
  readonly axis: number
  readonly start?: number
  readonly end?: number
  readonly step?: number
}

/**
 * Part of one axis, as a view.
 *
 * @example
 * toArray(slice({ axis: 0, start: 1, end: 6, step: 2 })(arange(8))) // => [1, 3, 5]
 */
export const slice =
  ({ axis, start, end, step = 1 }: Slice) =>
  (t: Tensor): Tensor => {
    const extent = t.shape[axis]
    if (extent === undefined || step === 0 || !Number.isInteger(step))
      throw shapeError(`slice: no such axis or step (axis ${axis}, step ${step})`, t.shape)
    const from = start ?? (step > 0 ? 0 : extent - 1)
    const to = end ?? (step > 0 ? extent : -1)
    const length = Math.max(0, Math.ceil((to - from) / step))
    if (!Number.isInteger(from) || !Number.isInteger(to))
      throw shapeError(`slice ${from}:${to}:${step} is not made of integers`, t.shape)
    if (
      length > 0 &&
      (from < 0 || from >= extent || from + (length - 1) * step < 0 || from + (length - 1) * step >= extent)
    )
      throw shapeError(`slice ${from}:${to}:${step} leaves axis ${axis}`, t.shape)
    const stride = t.stride[axis] as number
    return viewOf(
      t,
      t.shape.with(axis, length),
      t.stride.with(axis, stride * step),
      length > 0 ? t.offset + from * stride : t.offset,
    )
  }

/**
 * The chosen rows of axis 0, in the given order, copied.
 *
 * @example
 * toArray(take([2, 0, 2])(arange(4))) // => [2, 0, 2]
 */
export const take =
  (indices: Readonly<ArrayLike<number>>) =>
  (t: Tensor): Tensor => {
    const [extent, ...rest] = t.shape
    if (extent === undefined) throw shapeError('take needs an axis', t.shape)
    const row = sizeOf(rest)
    const out = allocate(t.dtype, indices.length * row)
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i] as number
      if (!(Number.isInteger(index) && index >= 0 && index < extent)) throw shapeError(`take: no row ${index}`, t.shape)
      copyInto(out, i * row, viewOf(t, rest, t.stride.slice(1), t.offset + index * (t.stride[0] as number)))
    }
    return unsafeTensor(out, [indices.length, ...rest])
  }

/**
 * A view of a larger shape: axes are aligned at the right, and an axis of extent 1 repeats.
 *
 * @example
 * toArray(broadcast([2, 2])(tensor([1, 2], [2]))) // => [1, 2, 1, 2]
 */
export const broadcast =
  (shape: Shape) =>
  (t: Tensor): Tensor => {
    const added = checkShape(shape).length - t.shape.length
    const fits = added >= 0 && t.shape.every((extent, axis) => extent === shape[axis + added] || extent === 1)
    if (!fits) throw shapeError('shape does not broadcast', t.shape, shape)
    const stride = shape.map((extent, axis) =>
      axis < added || t.shape[axis - added] !== extent ? 0 : (t.stride[axis - added] as number),
    )
    return viewOf(t, shape, stride)
  }

/** Joins along axis 0. All parts share dtype and the other extents. */
export const concatenate = (parts: readonly [Tensor, ...Tensor[]]): Tensor => {
  const [first] = parts
  if (first.shape.length === 0) throw shapeError('concatenate needs an axis', first.shape)
  const rest = first.shape.slice(1)
  const rows = parts.reduce((sum, part) => {
    if (part.shape.length !== first.shape.length || part.shape.slice(1).some((e, axis) => e !== rest[axis]))
      throw shapeError('concatenate: rows differ in shape', first.shape, part.shape)
    return sum + (part.shape[0] as number)
  }, 0)
  const out = allocate(first.dtype, rows * sizeOf(rest))
  parts.reduce((start, part) => {
    copyInto(out, start, part)
    return start + size(part)
  }, 0)
  return unsafeTensor(out, [rows, ...rest])
}
