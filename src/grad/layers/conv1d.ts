/**
 * One-dimensional convolution. n sample · c input channel · o output channel · l position · t output position.
 *
 *   yₙₒₜ = Σ_{c,u} W_{o,c,u} x_{n,c,t·stride + u·dilation − padding} + bₒ      within each group of channels
 */
import { shapeError } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { inForm } from '../composition/form.js'
import type { LayerRule } from '../layer.js'
import { type Conv2dParams, conv2d } from './conv2d.js'
import type { ConvolutionPadding } from './convolution-padding.js'
import { addHeight, dropHeight, weightIn } from './height-one.js'
import type { PaddingMode } from './pad.js'

/** weight [o, c/groups, k]; bias [o] unless left out. */
export type Conv1dParams = { readonly weight: Tensor; readonly bias?: Tensor }

/** The settings of `conv1d`. */
export interface Conv1dOptions {
  readonly kernel: number
  /** Default 1. */
  readonly stride?: number
  /** At both ends of the input, default 0. */
  readonly padding?: ConvolutionPadding<number>
  /** What the padding is made of; default zeros. */
  readonly paddingMode?: PaddingMode
  /** Default 1. */
  readonly dilation?: number
  /** Default 1; must divide both channel counts. */
  readonly groups?: number
  /** Default true. */
  readonly bias?: boolean
}

/**
 * Convolution of sequences whose channels come first: that of images of height 1.
 *
 *   gW = Σₜ gyₜ patchₜᵀ, group by group     gb = Σₜ gyₜ
 *
 * Shapes     x [n, c, l] → y [n, o, t]; weight [o, c/groups, k]; bias [o]
 * Cost       as conv2d
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Bu et al. 2022, arXiv:2205.10683 (norms of convolutions)
 *
 * @example
 * conv1d(4, { kernel: 3, stride: 2, padding: 1 }).init(key(0), [3, 9]).output // => [4, 5]
 */
export const conv1d = (outputChannels: number, options: Conv1dOptions): LayerRule<Conv1dParams, Tensor> => {
  const { kernel, stride = 1, padding = 0, dilation = 1, ...rest } = options
  const plane = conv2d(outputChannels, {
    ...rest,
    kernel: [1, kernel],
    stride: [1, stride],
    padding: typeof padding === 'string' ? padding : [0, padding],
    dilation: [1, dilation],
  })
  const name = `conv1d(${outputChannels}, ${kernel})`
  return inForm<Conv1dParams, Conv2dParams>({
    name,
    into: (params) => weightIn(params, addHeight),
    from: (params) => weightIn(params, dropHeight),
    input: {
      into: (input) => {
        if (input.length !== 2) throw shapeError(`${name} needs [c, l]`, input)
        return addHeight(input)
      },
      from: dropHeight,
    },
    output: { into: addHeight, from: dropHeight },
  })(plane)
}
