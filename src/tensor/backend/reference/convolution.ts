/**
 * Convolution and its derivatives, all read off one trilinear form,
 *
 *   ⟨gy, conv2d(x, weight)⟩ = Σ over taps of gy[y] · x[x] · weight[w]
 *
 * where a tap is one meeting of an output pixel with a position of the kernel and a channel of its group, at a pixel of
 * the input (the padding is zeros, so it adds nothing):
 *
 *   y = (n, o, oh, ow)   w = (o, c, kh, kw)   x = (n, g·C/G + c, oh·stride + kh·dilation − padding, …), g = ⌊o / (O/G)⌋
 *
 * The derivative in any of the three factors drops that factor from the sum.
 *
 * Index legend: n sample · o output channel · c channel of a group · g group · oh, ow output pixel · kh, kw kernel.
 */
import { checkShape, type Shape, ShapeEq, shapeError, sizeOf } from '../../shape.js'
import type { Tensor } from '../../tensor.js'
import { type Convolution2d, convolutionOutput } from '../../window.js'
import { elements, filled } from './array.js'

type Four = readonly [number, number, number, number]

interface Shapes {
  readonly input: Shape
  readonly weight: Shape
  readonly output: Shape
}

/** Row-major positions in input, weight and output, and the sample that they belong to. */
interface Tap {
  readonly n: number
  readonly x: number
  readonly w: number
  readonly y: number
}

const eachTap = (convolution: Convolution2d, shapes: Shapes, visit: (tap: Tap) => void): void => {
  const { stride, dilation, padding, groups } = convolution
  const [, channels, height, width] = shapes.input as Four
  const [, groupChannels, kernelHeight, kernelWidth] = shapes.weight as Four
  const [samples, outputs, outputHeight, outputWidth] = shapes.output as Four
  for (let n = 0; n < samples; n++)
    for (let o = 0; o < outputs; o++)
      for (let oh = 0; oh < outputHeight; oh++)
        for (let ow = 0; ow < outputWidth; ow++)
          for (let c = 0; c < groupChannels; c++)
            for (let kh = 0; kh < kernelHeight; kh++)
              for (let kw = 0; kw < kernelWidth; kw++) {
                const channel = Math.floor(o / (outputs / groups)) * groupChannels + c
                const row = oh * stride[0] + kh * dilation[0] - padding[0]
                const column = ow * stride[1] + kw * dilation[1] - padding[1]
                if (row < 0 || row >= height || column < 0 || column >= width) continue
                visit({
                  n,
                  x: ((n * channels + channel) * height + row) * width + column,
                  w: ((o * groupChannels + c) * kernelHeight + kh) * kernelWidth + kw,
                  y: ((n * outputs + o) * outputHeight + oh) * outputWidth + ow,
                })
              }
}

/** Throws unless a cotangent has the shape of the output. */
const checkCotangent = (convolution: Convolution2d, { input, weight, output }: Shapes): void => {
  const expected = convolutionOutput(convolution, checkShape(input), weight)
  if (!ShapeEq.equals(expected, output))
    throw shapeError('conv2d: the cotangent has not the shape of the output', output, expected)
}

/**
 * y[n,o,oh,ow] = bias[o] + Σ_{c,kh,kw} x[n, g·C/G + c, oh·stride + kh·dilation − padding, …] · weight[o,c,kh,kw]
 *
 * Shapes  x [n, c, h, w] · weight [o, c/groups, kh, kw] · bias [o] → [n, o, oh, ow]
 */
export const conv2d = (x: Tensor, weight: Tensor, bias: Tensor | undefined, convolution: Convolution2d): Tensor => {
  const output = convolutionOutput(convolution, x.shape, weight.shape)
  const [, outputs, outputHeight, outputWidth] = output as Four
  if (bias !== undefined && !ShapeEq.equals(bias.shape, [outputs]))
    throw shapeError('conv2d: one bias for each output channel', bias.shape, [outputs])
  const [input, w] = [elements(x), elements(weight)]
  const b = bias === undefined ? new Float64Array(outputs) : elements(bias)
  return filled(output, (y) => {
    for (let i = 0; i < y.length; i++) y[i] = b[Math.floor(i / (outputHeight * outputWidth)) % outputs] as number
    eachTap(convolution, { input: x.shape, weight: weight.shape, output }, (tap) => {
      y[tap.y] = (y[tap.y] as number) + (input[tap.x] as number) * (w[tap.w] as number)
    })
  })
}

/**
 * gx[x] = Σ over the taps of x of gy[y] · weight[w]
 *
 * Shapes  gy [n, o, oh, ow] · weight [o, c/groups, kh, kw] → [n, c, h, w] = input
 */
export const conv2dInputGrad = (gy: Tensor, weight: Tensor, convolution: Convolution2d, input: Shape): Tensor => {
  const shapes = { input, weight: weight.shape, output: gy.shape }
  checkCotangent(convolution, shapes)
  const [g, w] = [elements(gy), elements(weight)]
  return filled(input, (gx) => {
    eachTap(convolution, shapes, (tap) => {
      gx[tap.x] = (gx[tap.x] as number) + (g[tap.y] as number) * (w[tap.w] as number)
    })
  })
}

/** The shapes that an input and a cotangent imply. */
const shapesOf = (x: Tensor, gy: Tensor, convolution: Convolution2d): Shapes => {
  const weight = [gy.shape[1] as number, (x.shape[1] as number) / convolution.groups, ...convolution.kernel]
  const shapes = { input: x.shape, weight, output: gy.shape }
  checkCotangent(convolution, shapes)
  return shapes
}

/**
 * g[n,w] = Σ over the taps of w in sample n of x[x] · gy[y]
 *
 * Shapes  x [n, c, h, w] · gy [n, o, oh, ow] → [n, o, c/groups, kh, kw]
 */
export const conv2dPerSampleGrad = (x: Tensor, gy: Tensor, convolution: Convolution2d): Tensor => {
  const shapes = shapesOf(x, gy, convolution)
  const [input, g] = [elements(x), elements(gy)]
  return filled([x.shape[0] as number, ...shapes.weight], (out) => {
    eachTap(convolution, shapes, (tap) => {
      const at = tap.n * sizeOf(shapes.weight) + tap.w
      out[at] = (out[at] as number) + (input[tap.x] as number) * (g[tap.y] as number)
    })
  })
}

/**
 * g[w] = Σ over the taps of w in all samples of weight[n] · x[x] · gy[y]
 *
 * Shapes  x [n, c, h, w] · gy [n, o, oh, ow] · weight [n] → [o, c/groups, kh, kw]
 */
export const conv2dWeightedGrad = (x: Tensor, gy: Tensor, weight: Tensor, convolution: Convolution2d): Tensor => {
  const shapes = shapesOf(x, gy, convolution)
  if (!ShapeEq.equals(weight.shape, x.shape.slice(0, 1)))
    throw shapeError('one weight for each sample', weight.shape, x.shape)
  const [input, g, scale] = [elements(x), elements(gy), elements(weight)]
  return filled(shapes.weight, (out) => {
    eachTap(convolution, shapes, (tap) => {
      const term = (scale[tap.n] as number) * (input[tap.x] as number) * (g[tap.y] as number)
      out[tap.w] = (out[tap.w] as number) + term
    })
  })
}
