/**
 * Convolution and its derivatives, all read off one trilinear form. With x padded by zeros (numbers like any other, so
 * that 0 · NaN = NaN at a border too),
 *
 *   ⟨gy, conv2d(x, weight)⟩ = Σ over taps of gy[y] · x[x] · weight[w]
 *
 * where a tap is one meeting of an output pixel with a position of the kernel and a channel of its group:
 *
 *   y = (n, o, oh, ow)   w = (o, c, kh, kw)   x = (n, g·C/G + c, oh·stride + kh·dilation, ow·stride + kw·dilation)
 *
 * with g = ⌊o / (O/G)⌋. The derivative in any of the three factors drops that factor from the sum.
 *
 * Index legend: n sample · o output channel · c channel of a group · g group · oh, ow output pixel · kh, kw kernel.
 */
import { checkShape, type Shape, ShapeEq, shapeError, sizeOf } from '../../shape.js'
import { contiguous, type Tensor } from '../../tensor.js'
import { type Convolution2d, convolutionOutput } from '../../window.js'
import { elements, filled } from './array.js'
import { pad2d, symmetric, unpad2d } from './padding.js'

type Four = readonly [number, number, number, number]

/** Shapes of the padded input, the weight and the output. */
interface Shapes {
  readonly input: Shape
  readonly weight: Shape
  readonly output: Shape
}

/** Row-major positions in padded input, weight and output, and the sample that they belong to. */
interface Tap {
  readonly n: number
  readonly x: number
  readonly w: number
  readonly y: number
}

const eachTap = ({ stride, dilation, groups }: Convolution2d, shapes: Shapes, visit: (tap: Tap) => void): void => {
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
                const group = Math.floor(o / (outputs / groups))
                const channel = group * groupChannels + c
                const row = oh * stride[0] + kh * dilation[0]
                const column = ow * stride[1] + kw * dilation[1]
                visit({
                  n,
                  x: ((n * channels + channel) * height + row) * width + column,
                  w: ((o * groupChannels + c) * kernelHeight + kh) * kernelWidth + kw,
                  y: ((n * outputs + o) * outputHeight + oh) * outputWidth + ow,
                })
              }
}

const padded = (convolution: Convolution2d, [n, c, h, w]: Shape): Shape => [
  n as number,
  c as number,
  (h as number) + 2 * convolution.padding[0],
  (w as number) + 2 * convolution.padding[1],
]

/** Throws unless a cotangent has the shape of the output. */
const checkCotangent = (convolution: Convolution2d, input: Shape, weight: Shape, gy: Shape): void => {
  const output = convolutionOutput(convolution, checkShape(input), weight)
  if (!ShapeEq.equals(output, gy)) throw shapeError('conv2d: the cotangent has not the shape of the output', gy, output)
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
  const shapes = { input: padded(convolution, x.shape), weight: weight.shape, output }
  const [input, w, b] = [
    elements(pad2d(x, symmetric(convolution.padding))),
    elements(weight),
    bias === undefined ? new Float64Array(outputs) : elements(bias),
  ]
  return filled(output, (y) => {
    for (let i = 0; i < y.length; i++) y[i] = b[Math.floor(i / (outputHeight * outputWidth)) % outputs] as number
    eachTap(convolution, shapes, (tap) => {
      y[tap.y] = (y[tap.y] as number) + (input[tap.x] as number) * (w[tap.w] as number)
    })
  })
}

/**
 * gx[x] = Σ over the taps of x of gy[y] · weight[w], without the padding.
 *
 * Shapes  gy [n, o, oh, ow] · weight [o, c/groups, kh, kw] → [n, c, h, w] = input
 */
export const conv2dInputGrad = (gy: Tensor, weight: Tensor, convolution: Convolution2d, input: Shape): Tensor => {
  checkCotangent(convolution, input, weight.shape, gy.shape)
  const shapes = { input: padded(convolution, input), weight: weight.shape, output: gy.shape }
  const [g, w] = [elements(gy), elements(weight)]
  const gx = filled(shapes.input, (out) => {
    eachTap(convolution, shapes, (tap) => {
      out[tap.x] = (out[tap.x] as number) + (g[tap.y] as number) * (w[tap.w] as number)
    })
  })
  return contiguous(unpad2d(symmetric(convolution.padding))(gx))
}

/**
 * g[n][w] = Σ over the taps of w in sample n of x[x] · gy[y]
 *
 * Shapes  x [n, c, h, w] · gy [n, o, oh, ow] → [n, o, c/groups, kh, kw]
 */
export const conv2dPerSampleGrad = (x: Tensor, gy: Tensor, convolution: Convolution2d): Tensor => {
  const [samples, channels] = x.shape as Four
  const weight = [gy.shape[1] as number, channels / convolution.groups, ...convolution.kernel]
  checkCotangent(convolution, x.shape, weight, gy.shape)
  const shapes = { input: padded(convolution, x.shape), weight, output: gy.shape }
  const [input, g] = [elements(pad2d(x, symmetric(convolution.padding))), elements(gy)]
  return filled([samples, ...weight], (out) => {
    eachTap(convolution, shapes, (tap) => {
      const at = tap.n * sizeOf(weight) + tap.w
      out[at] = (out[at] as number) + (input[tap.x] as number) * (g[tap.y] as number)
    })
  })
}
