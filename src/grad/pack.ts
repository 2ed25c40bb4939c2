/**
 * Copies that a backend makes: a strided view in row-major order, and tensors side by side. Reshaping a view would copy it
 * in JavaScript.
 */
import type { Backend } from '../tensor/backend/backend.js'
import { type Shape, sizeOf } from '../tensor/shape.js'
import { isContiguous, scalar, type Tensor, viewOf } from '../tensor/tensor.js'
import { concatenate, reshape, slice, transpose } from '../tensor/view.js'

const one = scalar(1)

/** The same numbers in row-major order: 1·x. @internal */
export const packed = (backend: Backend, x: Tensor): Tensor => (isContiguous(x) ? x : backend.zip('mul', x, one))

/** `reshape` of any view, copied by the backend where it must be. @internal */
export const packedAs = (backend: Backend, shape: Shape, x: Tensor): Tensor => reshape(shape)(packed(backend, x))

/** Shape of tensors side by side along an axis. */
const joinedShape = (axis: number, parts: readonly [Tensor, ...Tensor[]]): Shape =>
  parts[0].shape.with(
    axis,
    parts.reduce((sum, { shape }) => sum + (shape[axis] as number), 0),
  )

/**
 * Tensors side by side along an axis: each padded by zeros to the whole, and added. Other extents are equal.
 *
 * @internal
 */
export const join = (backend: Backend, axis: number, parts: readonly [Tensor, ...Tensor[]]): Tensor => {
  const [first, ...others] = parts
  if (others.length === 0) return first
  const shape = joinedShape(axis, parts)
  const lead = sizeOf(shape.slice(0, axis))
  const total = sizeOf(shape.slice(axis))
  let left = 0
  const padded = parts.map((part) => {
    const width = sizeOf(part.shape.slice(axis))
    const whole = backend.pad2d(packedAs(backend, [lead, width], part), {
      top: 0,
      bottom: 0,
      left,
      right: total - left - width,
    })
    left += width
    return whole
  })
  return reshape(shape)(padded.reduce((sum, part) => backend.zip('add', sum, part)))
}

/** The parts of a tensor whose extents along an axis are given, as views. @internal */
export const parted = (axis: number, extents: readonly number[], x: Tensor): readonly Tensor[] => {
  let start = 0
  return extents.map((extent) => {
    const part = slice({ axis, start, end: start + extent })(x)
    start += extent
    return part
  })
}

/** One place of an axis, which disappears: a view. @internal */
export const pick = (axis: number, index: number, x: Tensor): Tensor =>
  viewOf(x, x.shape.toSpliced(axis, 1), x.stride.toSpliced(axis, 1), x.offset + index * (x.stride[axis] as number))

/** Tensors of one shape [n, …] as [n, t, …], where there are any. @internal */
export const stacked = (backend: Backend, steps: readonly [Tensor, ...Tensor[]]): Tensor => {
  const { shape } = steps[0]
  const all = reshape([steps.length, ...shape])(concatenate(steps))
  return packed(backend, transpose([1, 0, ...shape.slice(1).map((_, axis) => axis + 2)])(all))
}
