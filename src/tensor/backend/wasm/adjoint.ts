/**
 * Convolutions that undo convolutions.
 */
import type { Shape } from '../../shape.js'
import type { Tensor } from '../../tensor.js'
import { reshape, slice, transpose } from '../../view.js'
import type { Convolution2d } from '../../window.js'
import type { Quad } from './geometry.js'

/**
 * The adjoint of a convolution without stride is a convolution of the padded cotangent: there is nothing to add up. It is
 * dearer only where the input is much larger than the output.
 */
export const adjointOf = (convolution: Convolution2d, input: Shape, output: Quad): Convolution2d | undefined => {
  const { kernel: size, stride, padding, dilation } = convolution
  const [h, w] = [dilation[0] * (size[0] - 1) - padding[0], dilation[1] * (size[1] - 1) - padding[1]]
  const grows = (input[2] as number) * (input[3] as number) > 1.3 * output[2] * output[3]
  return stride[0] !== 1 || stride[1] !== 1 || h < 0 || w < 0 || grows ? undefined : { ...convolution, padding: [h, w] }
}

/** [o, c/groups, kh, kw] → [groups, c/groups, o/groups, kh, kw], both kernel axes reversed; a view. */
export const turnedWeight = (weight: Tensor, groups: number): Tensor => {
  const [o, c, kh, kw] = weight.shape as Quad
  const grouped = reshape([groups, o / groups, c, kh, kw])(weight)
  return slice({ axis: 3, step: -1 })(slice({ axis: 4, step: -1 })(transpose([0, 2, 1, 3, 4])(grouped)))
}
