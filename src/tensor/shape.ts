/**
 * Shapes of tensors: sizes, row-major strides, broadcasting, and the one error that a wrong shape raises.
 */
import type { Eq } from 'fp-ts/lib/Eq.js'

/** Extent of each axis, outermost first. The empty shape is a scalar. */
export type Shape = readonly number[]

/** A shape mismatch is a defect of the caller: it throws, and names every shape involved. */
export interface ShapeError extends Error {
  readonly name: 'ShapeError'
  readonly shapes: readonly Shape[]
}

/** `[2,3]` */
export const showShape = (shape: Shape): string => `[${shape.join(',')}]`

/**
 * The error for shapes that do not fit together.
 *
 * @example
 * shapeError('matmul: inner extents differ', [2, 3], [4, 5]).message // => 'matmul: inner extents differ: [2,3], [4,5]'
 */
export const shapeError = (what: string, ...shapes: readonly Shape[]): ShapeError =>
  Object.assign(new Error(`${what}: ${shapes.map(showShape).join(', ')}`), { name: 'ShapeError' as const, shapes })

/** Number of elements: the product of the extents, 1 for a scalar. */
export const sizeOf = (shape: Shape): number => shape.reduce((product, extent) => product * extent, 1)

/**
 * Strides of a row-major (C order) layout, in elements.
 *
 * @example
 * rowMajor([2, 3, 4]) // => [12, 4, 1]
 */
export const rowMajor = (shape: Shape): readonly number[] => {
  const stride = new Array<number>(shape.length)
  for (let axis = shape.length - 1, step = 1; axis >= 0; axis--) {
    stride[axis] = step
    step *= shape[axis] as number
  }
  return stride
}

/** Equality of shapes. */
export const ShapeEq: Eq<Shape> = {
  equals: (a, b) => a.length === b.length && a.every((extent, axis) => extent === b[axis]),
}

/**
 * The common shape of two operands under NumPy's rule: axes are aligned at the right, and an extent of 1 stretches.
 *
 * @throws ShapeError when two extents differ and neither is 1
 * @example
 * broadcastShapes([4, 1, 3], [2, 3]) // => [4, 2, 3]
 */
export const broadcastShapes = (a: Shape, b: Shape): Shape => {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1
    const right = b[axis - rank + b.length] ?? 1
    if (left !== right && left !== 1 && right !== 1) throw shapeError('shapes do not broadcast', a, b)
    return left === 1 ? right : left
  })
}

/** Throws unless every extent is a non-negative integer. */
export const checkShape = (shape: Shape): Shape => {
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0))
    throw shapeError('a shape holds non-negative integers', shape)
  return shape
}
