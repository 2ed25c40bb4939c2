/**
 * Tensors as a kernel sees them: numbers on the device under some strides.
 */
import { rowMajor, type Shape, sizeOf } from '../../shape.js'
import { allocate, copyInto, isContiguous, size, storageOf, type Tensor } from '../../tensor.js'
import type { Session, Slot } from './session.js'

/** A view of a slot. */
export interface Operand {
  readonly slot: Slot
  readonly offset: number
  readonly shape: Shape
  readonly stride: readonly number[]
}

/** First and last element that a view reaches, as places of its storage. */
const reach = (t: Tensor): readonly [first: number, last: number] => {
  let first = t.offset
  let last = t.offset
  t.shape.forEach((extent, axis) => {
    const far = (extent - 1) * (t.stride[axis] as number)
    if (far < 0) first += far
    else last += far
  })
  return [first, last]
}

/** The elements of a view as float32; of a tensor without elements, one 0. */
export const strided =
  (session: Session) =>
  (t: Tensor): Operand => {
    const data = storageOf(t)
    const { shape, stride } = t
    if (size(t) === 0) return { slot: upload(session)(new Float32Array(1)), offset: 0, shape, stride: rowMajor(shape) }
    const there = session.slotOf(data)
    if (there !== undefined) return { slot: there, offset: t.offset, shape, stride }
    const [first, last] = reach(t)
    const length = last - first + 1
    if (length > 2 * size(t)) {
      const numbers = new Float32Array(size(t))
      copyInto(numbers, 0, t)
      return { slot: upload(session)(numbers), offset: 0, shape, stride: rowMajor(shape) }
    }
    const slot = session.uploadFrom(data, first, length, () => {
      const part = data.subarray(first, last + 1)
      return part instanceof Float32Array ? part : new Float32Array(part)
    })
    return { slot, offset: t.offset - first, shape, stride }
  }

/** Numbers of the host, as they are. */
export const upload =
  (session: Session) =>
  (numbers: Float32Array): Slot =>
    session.uploadFrom(numbers, 0, numbers.length, () => numbers)

/** Axes of views of one shape, innermost first, as few as possible: neighbours that every view walks through in one go are joined. */
export const joinedAxes = (
  shape: Shape,
  strides: readonly (readonly number[])[],
): readonly { readonly extent: number; readonly steps: readonly number[] }[] => {
  const axes: { readonly extent: number; readonly steps: readonly number[] }[] = []
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis] as number
    if (extent === 1) continue
    const steps = strides.map((stride) => stride[axis] as number)
    const inner = axes.at(-1)
    if (inner?.steps.every((step, view) => steps[view] === step * inner.extent))
      axes.splice(-1, 1, { extent: inner.extent * extent, steps: inner.steps })
    else axes.push({ extent, steps })
  }
  return axes
}

/** The elements of a view in row-major order, from the start of a slot. */
export const dense =
  (session: Session) =>
  (t: Tensor): Slot => {
    const { slot, offset, shape, stride } = strided(session)(t)
    const inOrder = isContiguous({ ...t, shape, stride })
    if (inOrder && offset === 0) return slot
    const axes = joinedAxes(shape, [stride])
    return session.launch(
      'gather',
      [slot],
      [axes.length, offset, ...axes.flatMap(({ extent, steps }) => [extent, ...steps])],
      Math.max(1, sizeOf(shape)),
    )
  }

/** float32 numbers, none farther from zero than the element it stands for. */
export const roundedToZero =
  (session: Session) =>
  (t: Tensor): Slot => {
    if (t.dtype === 'float32') return dense(session)(t)
    const exact = new Float64Array(size(t))
    copyInto(exact, 0, t)
    const rounded = allocate('float32', Math.max(1, exact.length)) as Float32Array
    rounded.set(exact)
    const bits = new Int32Array(rounded.buffer)
    // One bit pattern less is one step towards zero, from an infinity too.
    for (let i = 0; i < exact.length; i++)
      if (Math.abs(rounded[i] as number) > Math.abs(exact[i] as number)) bits[i] = (bits[i] as number) - 1
    return upload(session)(rounded)
  }
