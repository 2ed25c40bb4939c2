/**
 * Pooling of sequences whose channels come first: that of images of height 1.
 */
import { type Shape, shapeError } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { type EmptyTree, emptyTree } from '../../tensor/tree.js'
import { inForm } from '../composition/form.js'
import type { LayerRule } from '../layer.js'
import { alongAxes } from './along-axes.js'
import { averagedFrom, avgPool2d, type MaxPoolCache, maxPool2d } from './pool.js'

/** The settings of `maxPool1d` and `avgPool1d`. */
export interface Pool1dOptions {
  readonly kernel: number
  /** Default: the kernel, so that windows do not overlap. */
  readonly stride?: number
  /** Default 0. */
  readonly padding?: number
}

const planeOptions = ({ kernel, stride, padding }: Pool1dOptions) => ({
  kernel: [1, kernel] as const,
  stride: [1, stride ?? kernel] as const,
  padding: [0, padding ?? 0] as const,
})

/** A layer of [c, 1, l] as one of [c, l]. */
const ofHeightOne = <C>(name: string, plane: LayerRule<EmptyTree, C>): LayerRule<EmptyTree, C> => {
  const add = (shape: Shape): Shape => {
    if (shape.length !== 2) throw shapeError(`${name} needs [c, l]`, shape)
    return [shape[0] as number, 1, shape[1] as number]
  }
  const drop = (shape: Shape): Shape => [shape[0] as number, shape[2] as number]
  const shapes = { into: add, from: drop }
  return inForm<EmptyTree, EmptyTree>({
    name,
    into: () => emptyTree,
    from: () => emptyTree,
    input: shapes,
    output: shapes,
  })(plane)
}

/**
 * The largest number of each window; its cotangent goes to the first place that holds it.
 *
 * Shapes  x [n, c, l] → y [n, c, t]
 *
 * @example
 * maxPool1d({ kernel: 2 }).init(key(0), [3, 9]).output // => [3, 4]
 */
export const maxPool1d = (options: Pool1dOptions): LayerRule<EmptyTree, MaxPoolCache> =>
  ofHeightOne(`maxPool1d(${options.kernel})`, maxPool2d(planeOptions(options)))

/**
 * The mean of each window; padding counts as zeros.
 *
 * Shapes  x [n, c, l] → y [n, c, t]
 */
export const avgPool1d = (options: Pool1dOptions): LayerRule<EmptyTree, Shape> =>
  ofHeightOne(`avgPool1d(${options.kernel})`, avgPool2d(planeOptions(options)))

/**
 * Means over as many windows as the output has places; 1 is global average pooling.
 *
 * Shapes  x [n, c, l] → y [n, c, output]
 *
 * @example
 * adaptiveAvgPool1d(1).init(key(0), [32, 7]).output // => [32, 1]
 */
export const adaptiveAvgPool1d = (output: number): LayerRule<EmptyTree, readonly Tensor[]> =>
  alongAxes(`adaptiveAvgPool1d(${output})`, 1, (extent) => averagedFrom(output, extent))
