/**
 * Zeros around the last two axes.
 */
import ops from 'ndarray-ops'
import { checkShape, shapeError, sizeOf } from '../../shape.js'
import { type Tensor, zeros } from '../../tensor.js'
import { slice } from '../../view.js'
import type { Pair } from '../../window.js'
import type { Padding2d } from '../backend.js'
import { ndarrayOver } from './array.js'

/** The symmetric padding of a window. */
export const symmetric = ([rows, columns]: Pair): Padding2d => ({
  top: rows,
  bottom: rows,
  left: columns,
  right: columns,
})

/** The view that remains when padding is cut off again: the left inverse of `pad2d`, and its adjoint. */
export const unpad2d =
  ({ top, bottom, left, right }: Padding2d) =>
  (t: Tensor): Tensor => {
    const rank = t.shape.length
    const [h, w] = [t.shape[rank - 2] as number, t.shape[rank - 1] as number]
    const rows = slice({ axis: rank - 2, start: top, end: h - bottom })(t)
    return slice({ axis: rank - 1, start: left, end: w - right })(rows)
  }

/**
 * y[…, h + top, w + left] = x[…, h, w], and 0 elsewhere.
 *
 * Shapes  x […, h, w] → […, top + h + bottom, left + w + right]
 */
export const pad2d = (x: Tensor, padding: Padding2d): Tensor => {
  const { top, bottom, left, right } = padding
  const [h, w] = x.shape.slice(-2)
  if (h === undefined || w === undefined) throw shapeError('pad2d needs two axes', x.shape)
  checkShape([top, bottom, left, right])
  const y = zeros([...x.shape.slice(0, -2), top + h + bottom, left + w + right], 'float64')
  if (sizeOf(x.shape) > 0) ops.assign(ndarrayOver(unpad2d(padding)(y)), ndarrayOver(x))
  return y
}
