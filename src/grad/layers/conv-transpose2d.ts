/**
 * Transposed convolution of images. n sample · c input channel · o output channel · t input position.
 */
import { scalar, type Tensor } from '../../tensor/tensor.js'
import { broadcast } from '../../tensor/view.js'
import { type Pair, pair } from '../../tensor/window.js'
import type { LayerRule } from '../layer.js'
import { type ConvTransposeParams, transposedConvolution } from './conv-transpose.js'
import { conv2d } from './conv2d.js'

/** The settings of `convTranspose2d`. */
export interface ConvTranspose2dOptions {
  readonly kernel: number | Pair
  /** Default 1. */
  readonly stride?: number | Pair
  /** Rows and columns that are cut off at each side of the output, default 0. */
  readonly padding?: number | Pair
  /** Default 1. */
  readonly dilation?: number | Pair
  /** Default 1; must divide both channel counts. */
  readonly groups?: number
  /** Default true. */
  readonly bias?: boolean
  /** Rows and columns at the end that no input position reaches by its first place; less than the stride. Default 0. */
  readonly outputPadding?: number | Pair
}

/**
 * Transposed convolution of images (also called deconvolution): each input position adds a kernel to the output.
 *
 *   y_{n,o,t·stride + (u,v)·dilation − padding} += Σ_c W_{c,o,u,v} x_{n,c,t}, then + bₒ      within each group
 *   gW = the gradient of conv2d in its weight, input and cotangent exchanged     gb = Σ gy
 *
 * Shapes     x [n, c, h, w] → y [n, o, oh, ow], oh = (h − 1)·stride − 2·padding + dilation·(kernel − 1) + outputPadding + 1;
 *            weight [c, o/groups, kh, kw] (as PyTorch has it); bias [o]
 * Cost       as conv2d
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Dumoulin, Visin 2016, arXiv:1603.07285, chapter 4
 *
 * @example
 * convTranspose2d(2, { kernel: 3, stride: 2, padding: 1, outputPadding: 1 }).init(key(0), [4, 5, 5]).output // => [2, 10, 10]
 */
export const convTranspose2d = (
  outputChannels: number,
  options: ConvTranspose2dOptions,
): LayerRule<ConvTransposeParams, Tensor> => {
  const { bias = true, groups = 1 } = options
  const kernel = pair(options.kernel)
  const window = {
    kernel,
    stride: pair(options.stride ?? 1),
    padding: pair(options.padding ?? 0),
    dilation: pair(options.dilation ?? 1),
    groups,
  }
  return transposedConvolution(outputChannels, {
    name: `convTranspose2d(${outputChannels}, ${kernel.join('×')})`,
    window: { ...window, outputPadding: pair(options.outputPadding ?? 0) },
    bias,
    convolution: {
      rule: conv2d(0, { ...window, bias: false }),
      cacheOf: (_backend, y) => y,
      shapesOf: (count, y) => broadcast([count, ...y])(scalar(0)),
    },
  })
}
