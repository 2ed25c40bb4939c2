/**
 * Interpolation: more positions of the same picture. n sample · c channel.
 */
import { shapeError } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { EmptyTree } from '../../tensor/tree.js'
import type { LayerRule } from '../layer.js'
import { type AxisMap, alongAxes } from './along-axes.js'

/** The settings of `upsample`. */
export interface UpsampleOptions {
  /** How many times as long each axis becomes, rounded down. */
  readonly factor: number | readonly number[]
  /** `linear` is bilinear for two axes, trilinear for three; default nearest. */
  readonly mode?: 'nearest' | 'linear'
  /** For `linear`: do the outermost positions stay where they are? Default false: the edges of the pixels do. */
  readonly alignCorners?: boolean
}

/**
 * Each axis after the channels made longer, by copies of the nearest position or by linear interpolation.
 *
 *   nearest    y_o = x_⌊o/f⌋
 *   linear     y_o = (1 − w) x_⌊s⌋ + w x_⌊s⌋₊₁, w = s − ⌊s⌋; s = max(0, (o + ½)/f − ½), or o (in − 1)/(out − 1) with corners aligned
 *
 * Shapes  x [n, c, d…] → y [n, c, ⌊f d⌋…]
 * Cost    a dense product along each axis
 * Errors  ShapeError where an axis has no factor, or nothing would be left
 *
 * @example
 * upsample({ factor: 2 }).init(key(0), [3, 4, 5]).output // => [3, 8, 10]
 */
export const upsample = ({
  factor,
  mode = 'nearest',
  alignCorners = false,
}: UpsampleOptions): LayerRule<EmptyTree, readonly Tensor[]> => {
  const name = `upsample(${mode}, ${[factor].flat().join('×')})`
  const map = (extent: number, axis: number): AxisMap => {
    const f = typeof factor === 'number' ? factor : (factor[axis] ?? Number.NaN)
    const output = Math.floor(extent * f)
    if (!(output >= 1 && f > 0)) throw shapeError(`${name}: nothing is left of an axis`, [extent])
    const last = extent - 1
    if (mode === 'nearest') return { extent: output, row: (o) => [[Math.min(last, Math.floor(o / f)), 1]] }
    const place = (o: number): number =>
      alignCorners ? (output === 1 ? 0 : (o * last) / (output - 1)) : Math.max(0, (o + 0.5) / f - 0.5)
    return {
      extent: output,
      row: (o) => {
        const at = Math.min(last, place(o))
        const from = Math.floor(at)
        return [
          [from, 1 - (at - from)],
          [Math.min(last, from + 1), at - from],
        ]
      },
    }
  }
  return alongAxes(name, typeof factor === 'number' ? 'any' : factor.length, map)
}
