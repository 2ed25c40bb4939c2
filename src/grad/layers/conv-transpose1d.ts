/**
 * Transposed convolution of sequences whose channels come first: that of images of height 1.
 */
import { type Shape, shapeError } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { inForm } from '../composition/form.js'
import type { LayerRule } from '../layer.js'
import type { ConvTransposeParams } from './conv-transpose.js'
import { convTranspose2d } from './conv-transpose2d.js'
import { addHeight, dropHeight, weightIn } from './height-one.js'

/** The settings of `convTranspose1d`. */
export interface ConvTranspose1dOptions {
  readonly kernel: number
  /** Default 1. */
  readonly stride?: number
  /** Positions that are cut off at both ends of the output, default 0. */
  readonly padding?: number
  /** Default 1. */
  readonly dilation?: number
  /** Default 1; must divide both channel counts. */
  readonly groups?: number
  /** Default true. */
  readonly bias?: boolean
  /** Positions at the end that no input position reaches by its first place; less than the stride. Default 0. */
  readonly outputPadding?: number
}

/**
 * Transposed convolution of sequences: each input position adds a kernel to the output.
 *
 *   y_{n,o,t·stride + u·dilation − padding} += Σ_c W_{c,o,u} x_{n,c,t}, then + bₒ      within each group
 *
 * Shapes     x [n, c, l] → y [n, o, t], t = (l − 1)·stride − 2·padding + dilation·(kernel − 1) + outputPadding + 1;
 *            weight [c, o/groups, k] (as PyTorch has it); bias [o]
 * Cost       as convTranspose2d
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Dumoulin, Visin 2016, arXiv:1603.07285, chapter 4
 *
 * @example
 * convTranspose1d(2, { kernel: 3, stride: 2 }).init(key(0), [4, 5]).output // => [2, 11]
 */
export const convTranspose1d = (
  outputChannels: number,
  options: ConvTranspose1dOptions,
): LayerRule<ConvTransposeParams, Tensor> => {
  const { kernel, stride = 1, padding = 0, dilation = 1, outputPadding = 0, ...rest } = options
  const plane = convTranspose2d(outputChannels, {
    ...rest,
    kernel: [1, kernel],
    stride: [1, stride],
    padding: [0, padding],
    dilation: [1, dilation],
    outputPadding: [0, outputPadding],
  })
  const name = `convTranspose1d(${outputChannels}, ${kernel})`
  return inForm<ConvTransposeParams, ConvTransposeParams>({
    name,
    into: (params) => weightIn(params, addHeight),
    from: (params) => weightIn(params, dropHeight),
    input: {
      into: (input: Shape) => {
        if (input.length !== 2) throw shapeError(`${name} needs [c, l]`, input)
        return addHeight(input)
      },
      from: dropHeight,
    },
    output: { into: addHeight, from: dropHeight },
  })(plane)
}
