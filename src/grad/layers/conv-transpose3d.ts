/**
 * Transposed convolution of volumes. n sample · c input channel · o output channel · t input position.
 */
import type { Tensor } from '../../tensor/tensor.js'
import type { LayerRule } from '../layer.js'
import { type ConvTransposeParams, transposedConvolution } from './conv-transpose.js'
import { conv3d } from './conv3d.js'
import { type Triple, triple, volumeOf } from './volume.js'

/** The settings of `convTranspose3d`. */
export interface ConvTranspose3dOptions {
  readonly kernel: number | Triple
  /** Default 1. */
  readonly stride?: number | Triple
  /** Slices, rows and columns that are cut off at each side of the output, default 0. */
  readonly padding?: number | Triple
  /** Default 1. */
  readonly dilation?: number | Triple
  /** Default 1; must divide both channel counts. */
  readonly groups?: number
  /** Default true. */
  readonly bias?: boolean
  /** Slices, rows and columns at the end that no input position reaches by its first place; less than the stride. Default 0. */
  readonly outputPadding?: number | Triple
}

/**
 * Transposed convolution of volumes: each input position adds a kernel to the output.
 *
 *   y_{n,o,t·stride + (u,v,s)·dilation − padding} += Σ_c W_{c,o,u,v,s} x_{n,c,t}, then + bₒ      within each group
 *
 * Shapes     x [n, c, d, h, w] → y [n, o, od, oh, ow], extents as for `convTranspose2d`; weight [c, o/groups, kd, kh, kw] (as
 *            PyTorch has it); bias [o]
 * Cost       as conv3d of the output
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Dumoulin, Visin 2016, arXiv:1603.07285, chapter 4
 *
 * @example
 * convTranspose3d(2, { kernel: 2, stride: 2 }).init(key(0), [4, 3, 2, 5]).output // => [2, 6, 4, 10]
 */
export const convTranspose3d = (
  outputChannels: number,
  options: ConvTranspose3dOptions,
): LayerRule<ConvTransposeParams, Tensor> => {
  const { bias = true, groups = 1 } = options
  const kernel = triple(options.kernel)
  const window = {
    kernel,
    stride: triple(options.stride ?? 1),
    padding: triple(options.padding ?? 0),
    dilation: triple(options.dilation ?? 1),
    groups,
  }
  const name = `convTranspose3d(${outputChannels}, ${kernel.join('×')})`
  const volume = volumeOf({ name, ...window })
  return transposedConvolution(outputChannels, {
    name,
    window: { ...window, outputPadding: triple(options.outputPadding ?? 0) },
    bias,
    convolution: {
      rule: conv3d(0, { ...window, bias: false }),
      cacheOf: volume.cacheOf,
      shapesOf: volume.shapesOf,
    },
  })
}
