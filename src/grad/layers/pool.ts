/**
 * Pooling over windows of the last two axes, and padding. None has parameters.
 */
import type { Padding2d } from '../../tensor/backend/backend.js'
import { type Shape, shapeError } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { EmptyTree } from '../../tensor/tree.js'
import { slice } from '../../tensor/view.js'
import { type Pair, pair, type Window2d, windowOutput } from '../../tensor/window.js'
import { type LayerRule, withoutParams } from '../layer.js'
import { type AxisMap, alongAxes } from './along-axes.js'

/** The settings of `maxPool2d` and `avgPool2d`. */
export interface PoolOptions {
  readonly kernel: number | Pair
  /** Default: the kernel, so that windows do not overlap. */
  readonly stride?: number | Pair
  /** Default 0. */
  readonly padding?: number | Pair
}

const windowOf = ({ kernel, stride, padding }: PoolOptions): Window2d => ({
  kernel: pair(kernel),
  stride: pair(stride ?? kernel),
  padding: pair(padding ?? 0),
  dilation: [1, 1],
})

/** [c, h, w] of one sample, or a ShapeError that names the layer. */
const image = (name: string, input: Shape): readonly [number, number, number] => {
  if (input.length !== 3) throw shapeError(`${name} needs [c, h, w]`, input)
  return input as unknown as readonly [number, number, number]
}

const pooled =
  (name: string, window: Window2d) =>
  (input: Shape): Shape => {
    const [c, h, w] = image(name, input)
    return [c, ...windowOutput(window, [h, w])]
  }

/** What the backward pass of max pooling needs. */
export interface MaxPoolCache {
  readonly argmax: Tensor
  readonly input: Shape
}

/**
 * The largest number of each window; its cotangent goes to the first place that holds it.
 *
 * Shapes  x [n, c, h, w] → y [n, c, oh, ow]
 *
 * @example
 * maxPool2d({ kernel: 2, stride: 1 }).init(key(0), [16, 14, 14]).output // => [16, 13, 13]
 */
export const maxPool2d = (options: PoolOptions): LayerRule<EmptyTree, MaxPoolCache> => {
  const window = windowOf(options)
  const name = `maxPool2d(${window.kernel.join('×')})`
  return withoutParams({
    name,
    output: pooled(name, window),
    forward: (backend, x) => {
      const { y, argmax } = backend.maxPool2d(x, window)
      return [y, { argmax, input: x.shape }]
    },
    backward: (backend, { argmax, input }, gy) => backend.maxPool2dGrad(gy, argmax, input),
  })
}

/**
 * The mean of each window; padding counts as zeros.
 *
 * Shapes  x [n, c, h, w] → y [n, c, oh, ow]
 */
export const avgPool2d = (options: PoolOptions): LayerRule<EmptyTree, Shape> => {
  const window = windowOf(options)
  const name = `avgPool2d(${window.kernel.join('×')})`
  return withoutParams({
    name,
    output: pooled(name, window),
    forward: (backend, x) => [backend.avgPool2d(x, window), x.shape],
    backward: (backend, input, gy) => backend.avgPool2dGrad(gy, window, input),
  })
}

/** Output r of `output` is the mean of ⌊r·in/out⌋ … ⌈(r+1)·in/out⌉ − 1. @internal */
export const averagedFrom = (output: number, input: number): AxisMap => ({
  extent: output,
  row: (r) => {
    const [from, to] = [Math.floor((r * input) / output), Math.ceil(((r + 1) * input) / output)]
    return Array.from({ length: to - from }, (_, i) => [from + i, 1 / (to - from)] as const)
  },
})

/**
 * Means over as many windows as the output has cells, whatever the extent of the input: y = A_h x A_wᵀ, where A averages
 * a row of windows. An output of 1 is global average pooling.
 *
 * Shapes  x [n, c, h, w] → y [n, c, …output]
 *
 * @example
 * adaptiveAvgPool2d(1).init(key(0), [32, 7, 5]).output // => [32, 1, 1]
 */
export const adaptiveAvgPool2d = (output: number | Pair): LayerRule<EmptyTree, readonly Tensor[]> => {
  const cells = pair(output)
  return alongAxes(`adaptiveAvgPool2d(${cells.join('×')})`, 2, (extent, axis) =>
    averagedFrom(cells[axis] as number, extent),
  )
}

/**
 * Zeros around the last two axes. A number stands for all four edges.
 *
 * @example
 * zeroPad2d({ top: 3, bottom: 4, left: 3, right: 4 }).init(key(0), [1, 28, 28]).output // => [1, 35, 35]
 */
export const zeroPad2d = (padding: number | Padding2d): LayerRule<EmptyTree, Shape> => {
  const edges = typeof padding === 'number' ? { top: padding, bottom: padding, left: padding, right: padding } : padding
  const name = 'zeroPad2d'
  return withoutParams({
    name,
    output: (input) => {
      const [c, h, w] = image(name, input)
      return [c, h + edges.top + edges.bottom, w + edges.left + edges.right]
    },
    forward: (backend, x) => [backend.pad2d(x, edges), x.shape],
    backward: (_backend, input, gy) => {
      const [, , h, w] = input as readonly [number, number, number, number]
      const rows = slice({ axis: 2, start: edges.top, end: edges.top + h })
      return slice({ axis: 3, start: edges.left, end: edges.left + w })(rows(gy))
    },
  })
}
