/**
 * Pooling: one number out of each window of each plane. Index legend: oh, ow output pixel · kh, kw kernel.
 */
import { checkShape, type Shape, ShapeEq, shapeError, sizeOf } from '../../shape.js'
import { type Tensor, unsafeTensor } from '../../tensor.js'
import { type Window2d, windowOutput } from '../../window.js'
import { elements, filled } from './array.js'

/** Row-major positions: `y` in the output, `x` in the input and `place` in its plane; both undefined in the padding. */
interface Tap {
  readonly y: number
  readonly x: number | undefined
  readonly place: number
}

const outputOf = (window: Window2d, input: Shape): Shape => {
  const [n, c, h, w] = input
  if (input.length !== 4) throw shapeError('pooling takes [n, c, h, w]', input)
  return [n as number, c as number, ...windowOutput(window, [h as number, w as number])]
}

/** Every meeting of an output pixel with a position of the kernel, in row-major order. */
const eachTap = (
  { kernel, stride, padding, dilation }: Window2d,
  input: Shape,
  output: Shape,
  visit: (tap: Tap) => void,
) => {
  const [n, c, h, w] = input as readonly [number, number, number, number]
  const [, , outputHeight, outputWidth] = output as readonly [number, number, number, number]
  for (let plane = 0; plane < n * c; plane++)
    for (let oh = 0; oh < outputHeight; oh++)
      for (let ow = 0; ow < outputWidth; ow++)
        for (let kh = 0; kh < kernel[0]; kh++)
          for (let kw = 0; kw < kernel[1]; kw++) {
            const row = oh * stride[0] + kh * dilation[0] - padding[0]
            const column = ow * stride[1] + kw * dilation[1] - padding[1]
            const inside = row >= 0 && row < h && column >= 0 && column < w
            const place = row * w + column
            visit({
              y: (plane * outputHeight + oh) * outputWidth + ow,
              x: inside ? plane * h * w + place : undefined,
              place,
            })
          }
}

/**
 * y[oh,ow] = max over the window of x, and the place row·w + column in its plane where that maximum stands first. The
 * first NaN of a window wins; padding never does.
 *
 * Shapes  x [n, c, h, w] → y, argmax [n, c, oh, ow]
 *
 * @throws ShapeError when a window holds nothing but padding
 */
export const maxPool2d = (x: Tensor, window: Window2d): { readonly y: Tensor; readonly argmax: Tensor } => {
  const output = outputOf(window, x.shape)
  const input = elements(x)
  const argmax = new Int32Array(sizeOf(output)).fill(-1)
  const y = filled(output, (best) => {
    eachTap(window, x.shape, output, (tap) => {
      if (tap.x === undefined) return
      const value = input[tap.x] as number
      const incumbent = best[tap.y] as number
      const first = argmax[tap.y] === -1
      if (first || value > incumbent || (Number.isNaN(value) && !Number.isNaN(incumbent))) {
        best[tap.y] = value
        argmax[tap.y] = tap.place
      }
    })
  })
  if (argmax.includes(-1)) throw shapeError('maxPool2d: a window holds nothing but padding', window.kernel, x.shape)
  return { y, argmax: unsafeTensor(argmax, output) }
}

/**
 * gx[place] = Σ of gy over the output pixels whose maximum stood at that place.
 *
 * Shapes  gy, argmax [n, c, oh, ow] → [n, c, h, w] = input
 */
export const maxPool2dGrad = (gy: Tensor, argmax: Tensor, input: Shape): Tensor => {
  const [n, c, h, w] = checkShape(input)
  if (input.length !== 4 || gy.shape.length !== 4 || gy.shape[0] !== n || gy.shape[1] !== c)
    throw shapeError('maxPool2dGrad: cotangent and input do not fit', gy.shape, input)
  if (!ShapeEq.equals(gy.shape, argmax.shape))
    throw shapeError('maxPool2dGrad: one place for each cotangent', gy.shape, argmax.shape)
  const [g, places] = [elements(gy), elements(argmax)]
  const outputPlane = (gy.shape[2] as number) * (gy.shape[3] as number)
  const inputPlane = (h as number) * (w as number)
  return filled(input, (out) => {
    for (let i = 0; i < g.length; i++) {
      const at = Math.floor(i / outputPlane) * inputPlane + (places[i] as number)
      out[at] = (out[at] as number) + (g[i] as number)
    }
  })
}

/**
 * y[oh,ow] = (kh·kw)⁻¹ Σ over the window of x, padded by zeros.
 *
 * Shapes  x [n, c, h, w] → [n, c, oh, ow]
 */
export const avgPool2d = (x: Tensor, window: Window2d): Tensor => {
  const output = outputOf(window, x.shape)
  const input = elements(x)
  const area = window.kernel[0] * window.kernel[1]
  return filled(output, (y) => {
    eachTap(window, x.shape, output, (tap) => {
      if (tap.x !== undefined) y[tap.y] = (y[tap.y] as number) + (input[tap.x] as number) / area
    })
  })
}

/**
 * gx[x] = (kh·kw)⁻¹ Σ of gy over the windows that hold x.
 *
 * Shapes  gy [n, c, oh, ow] → [n, c, h, w] = input
 */
export const avgPool2dGrad = (gy: Tensor, window: Window2d, input: Shape): Tensor => {
  const output = outputOf(window, checkShape(input))
  if (!ShapeEq.equals(gy.shape, output))
    throw shapeError('avgPool2dGrad: the cotangent has not the shape of the output', gy.shape, output)
  const g = elements(gy)
  const area = window.kernel[0] * window.kernel[1]
  return filled(input, (gx) => {
    eachTap(window, input, output, (tap) => {
      if (tap.x !== undefined) gx[tap.x] = (gx[tap.x] as number) + (g[tap.y] as number) / area
    })
  })
}
