/**
 * What stands around the input of a convolution: how much, and of what.
 */
import { shapeError } from '../../tensor/shape.js'
import type { Tree } from '../../tensor/tree.js'
import { after } from '../composition/after.js'
import type { LayerRule } from '../layer.js'
import { type Edge, type PaddingMode, pad, samePadding } from './pad.js'

/**
 * Numbers on each side, for all axes or for each; `same`, as many as keep the extents (the smaller half before; stride 1
 * only); `valid`, none.
 */
export type ConvolutionPadding<Extents> = number | Extents | 'same' | 'valid'

/** The window of a convolution, an entry for each axis. */
export interface WindowAxes {
  readonly kernel: readonly number[]
  readonly stride: readonly number[]
  readonly dilation: readonly number[]
}

/** The edges of each axis. Throws a ShapeError for `same` with a stride. */
const edgesOf = (
  name: string,
  { kernel, stride, dilation }: WindowAxes,
  padding: ConvolutionPadding<readonly number[]>,
): readonly Edge[] => {
  if (padding === 'valid') return kernel.map(() => [0, 0])
  if (padding !== 'same')
    return kernel.map((_, axis) => {
      const count = typeof padding === 'number' ? padding : (padding[axis] as number)
      return [count, count]
    })
  if (stride.some((step) => step !== 1)) throw shapeError(`${name}: padding 'same' needs stride 1`, stride)
  return samePadding(kernel, dilation)
}

/**
 * A convolution with padding of any mode, from one that knows zeros on both sides alike: other padding is made before it.
 *
 * @internal
 */
export const convolutionWith =
  <P extends Tree, C>(convolution: (padding: readonly number[]) => LayerRule<P, C>) =>
  (
    name: string,
    window: WindowAxes,
    {
      padding = 0,
      mode = 'zeros',
    }: {
      readonly padding?: ConvolutionPadding<readonly number[]> | undefined
      readonly mode?: PaddingMode | undefined
    },
  ): LayerRule<P, C> => {
    const edges = edgesOf(name, window, padding)
    const known = edges.every(([before, afterwards]) => before === afterwards && (mode === 'zeros' || before === 0))
    return known
      ? convolution(edges.map(([before]) => before))
      : after(pad({ edges, mode }))(convolution(edges.map(() => 0)))
  }
