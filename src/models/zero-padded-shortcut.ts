/**
 * The way around a block that changes the shape of its input, without parameters. n sample · c channel.
 */
import { type LayerRule, withoutParams } from '../grad/index.js'
import { type Shape, shapeError } from '../tensor/shape.js'
import { contiguous } from '../tensor/tensor.js'
import type { EmptyTree } from '../tensor/tree.js'
import { reshape, slice } from '../tensor/view.js'
import type { Window2d } from '../tensor/window.js'

/**
 * Every `stride`-th pixel of the input, with channels of zeros behind its own.
 *
 * Shapes     x [n, c, h, w] → y [n, channels, ⌈h/stride⌉, ⌈w/stride⌉]
 * Errors     ShapeError for an input with more channels
 * Reference  He, Zhang, Ren, Sun 2016, arXiv:1512.03385, section 3.3, option A
 *
 * @example
 * zeroPaddedShortcut({ channels: 32, stride: 2 }).init(key(0), [16, 32, 32]).output // => [32, 16, 16]
 */
export const zeroPaddedShortcut = ({
  channels,
  stride,
}: {
  readonly channels: number
  readonly stride: number
}): LayerRule<EmptyTree, Shape> => {
  const name = `zeroPaddedShortcut(${channels})`
  const window: Window2d = { kernel: [1, 1], stride: [stride, stride], padding: [0, 0], dilation: [1, 1] }
  return withoutParams({
    name,
    output: (input) => {
      const [c, h, w] = input
      if (c === undefined || h === undefined || w === undefined || input.length !== 3 || c > channels)
        throw shapeError(`${name} needs [c, h, w] with at most ${channels} channels`, input)
      return [channels, Math.ceil(h / stride), Math.ceil(w / stride)]
    },
    forward: (backend, x) => {
      const pixels = stride === 1 ? contiguous(x) : backend.avgPool2d(x, window)
      const [n, c, h, w] = pixels.shape as readonly [number, number, number, number]
      const planes = reshape([n, c, h * w])(pixels)
      const wider = backend.pad2d(planes, { top: 0, bottom: channels - c, left: 0, right: 0 })
      return [reshape([n, channels, h, w])(wider), x.shape]
    },
    backward: (backend, input, gy) => {
      const own = slice({ axis: 1, start: 0, end: input[1] as number })(gy)
      return stride === 1 ? own : backend.avgPool2dGrad(own, window, input)
    },
  })
}
