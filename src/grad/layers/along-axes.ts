/**
 * A matrix along each of the axes after the channels. n sample · c channel · i input position · o output position of an axis.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import { type Tensor, tensor } from '../../tensor/tensor.js'
import type { EmptyTree } from '../../tensor/tree.js'
import { reshape, transpose } from '../../tensor/view.js'
import { type LayerRule, withoutParams } from '../layer.js'
import { packedAs } from '../pack.js'

/** Entry (o, i) of the matrix of an axis, and how long the axis becomes. */
export interface AxisMap {
  readonly extent: number
  /** What output o takes of input i. */
  readonly row: (o: number) => readonly (readonly [i: number, share: number])[]
}

/** The [o, i] matrix. */
const matrixOf = ({ extent, row }: AxisMap, input: number): Tensor => {
  const entries = new Array<number>(extent * input).fill(0)
  for (let o = 0; o < extent; o++)
    for (const [i, share] of row(o)) entries[o * input + i] = (entries[o * input + i] as number) + share
  return tensor(entries, [extent, input], 'float64')
}

/** The matrix times every line of x along an axis; along the last as one product. */
const times = (backend: Backend, axis: number, matrix: Tensor, x: Tensor): Tensor => {
  const [lead, rest] = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis + 1))]
  const extent = x.shape[axis] as number
  const lines =
    rest === 1
      ? backend.matmul(packedAs(backend, [lead, extent], x), transpose()(matrix))
      : backend.matmul(matrix, packedAs(backend, [lead, extent, rest], x))
  return reshape(x.shape.with(axis, matrix.shape[0] as number))(lines)
}

/**
 * y = M x along every axis after the channels, one after the other.
 *
 * Shapes  x [n, c, i…] → y [n, c, o…]
 * Cost    Π of the extents times the longest, for each axis: a dense product
 *
 * @internal
 */
export const alongAxes = (
  name: string,
  axes: number | 'any',
  map: (extent: number, axis: number) => AxisMap,
): LayerRule<EmptyTree, readonly Tensor[]> => {
  const check = (input: Shape): Shape => {
    if (axes === 'any' ? input.length < 2 : input.length !== axes + 1)
      throw shapeError(`${name} needs channels and ${axes === 'any' ? 'at least one axis' : `${axes} axes`}`, input)
    return input
  }
  return withoutParams<readonly Tensor[]>({
    name,
    output: (input) => check(input).map((extent, axis) => (axis === 0 ? extent : map(extent, axis - 1).extent)),
    forward: (backend, x) => {
      const matrices = x.shape.slice(2).map((extent, axis) => matrixOf(map(extent, axis), extent))
      return [matrices.reduce((y, matrix, axis) => times(backend, axis + 2, matrix, y), x), matrices]
    },
    backward: (backend, matrices, gy) =>
      matrices.reduce((g, matrix, axis) => times(backend, axis + 2, transpose()(matrix), g), gy),
  })
}
