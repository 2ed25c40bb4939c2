/**
 * Pooling of volumes: over the planes, then over the depths. n sample · c channel.
 */
import { type Shape, shapeError } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { EmptyTree } from '../../tensor/tree.js'
import { reshape } from '../../tensor/view.js'
import { type Window2d, windowOutput } from '../../tensor/window.js'
import { type LayerRule, withoutParams } from '../layer.js'
import { alongAxes } from './along-axes.js'
import { averagedFrom } from './pool.js'
import { type Triple, triple } from './volume.js'

/** The settings of `maxPool3d` and `avgPool3d`. */
export interface Pool3dOptions {
  readonly kernel: number | Triple
  /** Default: the kernel, so that windows do not overlap. */
  readonly stride?: number | Triple
  /** Default 0. */
  readonly padding?: number | Triple
}

/** The window of each plane, and that of the depths of all its pixels. */
interface Windows {
  readonly plane: Window2d
  readonly depth: Window2d
}

const windowsOf = ({ kernel, stride, padding }: Pool3dOptions): Windows => {
  const [[kd, kh, kw], [sd, sh, sw], [pd, ph, pw]] = [triple(kernel), triple(stride ?? kernel), triple(padding ?? 0)]
  return {
    plane: { kernel: [kh, kw], stride: [sh, sw], padding: [ph, pw], dilation: [1, 1] },
    depth: { kernel: [kd, 1], stride: [sd, 1], padding: [pd, 0], dilation: [1, 1] },
  }
}

const pooled =
  (name: string, { plane, depth }: Windows) =>
  (input: Shape): Shape => {
    const [c, d, h, w] = input as readonly [number, number, number, number]
    if (input.length !== 4) throw shapeError(`${name} needs [c, d, h, w]`, input)
    const [oh, ow] = windowOutput(plane, [h, w])
    return [c, windowOutput(depth, [d, oh * ow])[0], oh, ow]
  }

/** [n, c, d, h, w] as planes [n, c·d, h, w], and as columns [n, c, d, h·w]. */
const asPlanes = (x: Tensor): Tensor => {
  const [n, c, d, h, w] = x.shape as readonly [number, number, number, number, number]
  return reshape([n, c * d, h, w])(x)
}
const asColumns = ([n, c, d]: Shape, x: Tensor): Tensor => {
  const [oh, ow] = x.shape.slice(-2) as [number, number]
  return reshape([n as number, c as number, d as number, oh * ow])(x)
}

/** Where the largest numbers were found, and the shapes on the way. */
export interface MaxPool3dCache {
  readonly ofPlanes: Tensor
  readonly ofDepths: Tensor
  readonly input: Shape
}

/**
 * The largest number of each window; its cotangent goes to the first place that holds it.
 *
 * Shapes  x [n, c, d, h, w] → y [n, c, od, oh, ow]
 *
 * @example
 * maxPool3d({ kernel: 2 }).init(key(0), [3, 4, 6, 7]).output // => [3, 2, 3, 3]
 */
export const maxPool3d = (options: Pool3dOptions): LayerRule<EmptyTree, MaxPool3dCache> => {
  const windows = windowsOf(options)
  const name = `maxPool3d(${triple(options.kernel).join('×')})`
  const output = pooled(name, windows)
  return withoutParams({
    name,
    output,
    forward: (backend, x) => {
      const planes = backend.maxPool2d(asPlanes(x), windows.plane)
      const depths = backend.maxPool2d(asColumns(x.shape, planes.y), windows.depth)
      const y = reshape([x.shape[0] as number, ...output(x.shape.slice(1))])(depths.y)
      return [y, { ofPlanes: planes.argmax, ofDepths: depths.argmax, input: x.shape }]
    },
    backward: (backend, { ofPlanes, ofDepths, input }, gy) => {
      const [n, c, d, h, w] = input as readonly [number, number, number, number, number]
      const [oh, ow] = ofPlanes.shape.slice(-2) as [number, number]
      const columns = reshape(ofDepths.shape)(gy)
      const ofColumns = backend.maxPool2dGrad(columns, ofDepths, [n, c, d, oh * ow])
      return reshape(input)(backend.maxPool2dGrad(reshape(ofPlanes.shape)(ofColumns), ofPlanes, [n, c * d, h, w]))
    },
  })
}

/**
 * The mean of each window; padding counts as zeros.
 *
 * Shapes  x [n, c, d, h, w] → y [n, c, od, oh, ow]
 *
 * @example
 * avgPool3d({ kernel: [1, 2, 2], stride: 1 }).init(key(0), [3, 4, 6, 7]).output // => [3, 4, 5, 6]
 */
export const avgPool3d = (options: Pool3dOptions): LayerRule<EmptyTree, Shape> => {
  const windows = windowsOf(options)
  const name = `avgPool3d(${triple(options.kernel).join('×')})`
  const output = pooled(name, windows)
  return withoutParams({
    name,
    output,
    forward: (backend, x) => {
      const planes = backend.avgPool2d(asPlanes(x), windows.plane)
      const y = backend.avgPool2d(asColumns(x.shape, planes), windows.depth)
      return [reshape([x.shape[0] as number, ...output(x.shape.slice(1))])(y), x.shape]
    },
    backward: (backend, input, gy) => {
      const [n, c, d, h, w] = input as readonly [number, number, number, number, number]
      const [oh, ow] = gy.shape.slice(-2) as [number, number]
      const columns = backend.avgPool2dGrad(asColumns([n, c, gy.shape[2] as number], gy), windows.depth, [
        n,
        c,
        d,
        oh * ow,
      ])
      return reshape(input)(
        backend.avgPool2dGrad(reshape([n, c * d, oh, ow])(columns), windows.plane, [n, c * d, h, w]),
      )
    },
  })
}

/**
 * Means over as many windows as the output has cells, whatever the extent of the input; 1 is global average pooling.
 *
 * Shapes  x [n, c, d, h, w] → y [n, c, …output]
 *
 * @example
 * adaptiveAvgPool3d([1, 2, 2]).init(key(0), [8, 3, 7, 5]).output // => [8, 1, 2, 2]
 */
export const adaptiveAvgPool3d = (output: number | Triple): LayerRule<EmptyTree, readonly Tensor[]> => {
  const cells = triple(output)
  return alongAxes(`adaptiveAvgPool3d(${cells.join('×')})`, 3, (extent, axis) =>
    averagedFrom(cells[axis] as number, extent),
  )
}
