/**
 * Zeros around the last two axes.
 */
import ops from 'ndarray-ops'
import { checkShape, shapeError } from '../../shape.js'
import { size, type Tensor, zeros } from '../../tensor.js'
import { slice } from '../../view.js'
import type { Padding2d } from '../backend.js'
import { ndarrayOver } from './array.js'

/**
 * y[…, h + top, w + left] = x[…, h, w], and 0 elsewhere.
 *
 * Shapes  x […, h, w] → […, top + h + bottom, left + w + right]
 */
export const pad2d = (x: Tensor, { top, bottom, left, right }: Padding2d): Tensor => {
  const rank = x.shape.length
  const [h, w] = x.shape.slice(-2)
  if (h === undefined || w === undefined) throw shapeError('pad2d needs two axes', x.shape)
  checkShape([top, bottom, left, right])
  const y = zeros([...x.shape.slice(0, -2), top + h + bottom, left + w + right], 'float64')
  if (size(x) === 0) return y
  const rows = slice({ axis: rank - 2, start: top, end: top + h })(y)
  ops.assign(ndarrayOver(slice({ axis: rank - 1, start: left, end: left + w })(rows)), ndarrayOver(x))
  return y
}
