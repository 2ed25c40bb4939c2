/**
 * Pooling of whole channels, whatever axes they have. n sample · c channel · m position.
 */
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import { scalar, type Tensor } from '../../tensor/tensor.js'
import type { EmptyTree } from '../../tensor/tree.js'
import { broadcast, reshape } from '../../tensor/view.js'
import { type LayerRule, withoutParams } from '../layer.js'
import { packedAs } from '../pack.js'

/** [c] of [c, …], or a ShapeError. */
const channelsOf =
  (name: string) =>
  (input: Shape): Shape => {
    const [channels] = input
    if (channels === undefined || sizeOf(input.slice(1)) === 0)
      throw shapeError(`${name} needs [c, …] with at least one position`, input)
    return [channels]
  }

/** [n, c] as [n, c, 1, …], to meet `input`. */
const perChannel = (input: Shape, gy: Tensor): Tensor => reshape(input.map((e, axis) => (axis < 2 ? e : 1)))(gy)

/**
 * The mean of each channel.
 *
 * Shapes  x [n, c, …] → y [n, c]
 *
 * @example
 * globalAvgPool.init(key(0), [32, 7, 5]).output // => [32]
 */
export const globalAvgPool: LayerRule<EmptyTree, Shape> = withoutParams<Shape>({
  name: 'globalAvgPool',
  output: channelsOf('globalAvgPool'),
  forward: (backend, x) => {
    const m = sizeOf(x.shape.slice(2))
    const sums = backend.sum(packedAs(backend, [x.shape[0] as number, x.shape[1] as number, m], x), [2])
    return [backend.zip('mul', sums, scalar(1 / m, 'float64')), x.shape]
  },
  backward: (backend, input, gy) => {
    const share = backend.zip('mul', gy, scalar(1 / sizeOf(input.slice(2)), 'float64'))
    return packedAs(backend, input, broadcast(input)(perChannel(input, share)))
  },
})

/** Where the largest numbers were found in rows [n, c, 1, m], and the shape of x. */
export interface GlobalMaxPoolCache {
  readonly argmax: Tensor
  readonly input: Shape
}

/**
 * The largest number of each channel; its cotangent goes to the first place that holds it.
 *
 * Shapes  x [n, c, …] → y [n, c]
 *
 * @example
 * globalMaxPool.init(key(0), [32, 7]).output // => [32]
 */
export const globalMaxPool: LayerRule<EmptyTree, GlobalMaxPoolCache> = withoutParams<GlobalMaxPoolCache>({
  name: 'globalMaxPool',
  output: channelsOf('globalMaxPool'),
  forward: (backend, x) => {
    const [n, c] = x.shape as readonly [number, number]
    const m = sizeOf(x.shape.slice(2))
    const window = { kernel: [1, m], stride: [1, m], padding: [0, 0], dilation: [1, 1] } as const
    const { y, argmax } = backend.maxPool2d(packedAs(backend, [n, c, 1, m], x), window)
    return [reshape([n, c])(y), { argmax, input: x.shape }]
  },
  backward: (backend, { argmax, input }, gy) => {
    const [n, c] = input as readonly [number, number]
    const row = [n, c, 1, sizeOf(input.slice(2))]
    return reshape(input)(backend.maxPool2dGrad(packedAs(backend, [n, c, 1, 1], gy), argmax, row))
  },
})
