/**
 * Norms of the gradients of a convolution in the Gram form. n sample · g group · t output position · d entry of a patch
 * (channel of the group, place in the kernel) · o output channel of the group.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { scalar, type Tensor } from '../../tensor/tensor.js'
import { reshape, transpose } from '../../tensor/view.js'
import { type Convolution2d, windowOutput } from '../../tensor/window.js'
import { packedAs } from '../pack.js'

/** What each output position sees of the input: x [n, c, h, w] → [n, g, t, d]. */
const patches = (backend: Backend, convolution: Convolution2d, x: Tensor): Tensor => {
  const { kernel, stride, padding, dilation, groups } = convolution
  const [n, c, h, w] = x.shape as readonly [number, number, number, number]
  const [oh, ow] = windowOutput(convolution, [h, w])
  const [top, left] = padding
  const whole = backend.pad2d(x, { top, bottom: top, left, right: left })
  const [height, width] = [h + 2 * top, w + 2 * left]
  const windows: Tensor = {
    ...whole,
    shape: [n, groups, oh, ow, c / groups, ...kernel],
    stride: [
      c * height * width,
      (c / groups) * height * width,
      stride[0] * width,
      stride[1],
      height * width,
      dilation[0] * width,
      dilation[1],
    ],
  }
  return packedAs(backend, [n, groups, oh * ow, (c / groups) * kernel[0] * kernel[1]], windows)
}

/**
 * The squared norm of the gradient of each sample in the weight, and in the bias where `one` is 1. Groups are counted
 * apart: channels of different groups never meet.
 *
 *   ‖g‖² = Σ_g Σₛₜ (⟨patchₛ, patchₜ⟩ + one)⟨gyₛ, gyₜ⟩      over channels of the group
 *
 * Shapes     x [n, c, h, w], gy [n, o, oh, ow] → [n], float64
 * Cost       O(n t² (d + o)) for each group; patches [n, g, t, d] are formed
 * Reference  Bu et al. 2022, arXiv:2205.10683, section 3
 *
 * @internal
 */
export const convolutionGramNorm = (
  backend: Backend,
  convolution: Convolution2d,
  { x, gy, one }: { readonly x: Tensor; readonly gy: Tensor; readonly one: 0 | 1 },
): Tensor => {
  const [n, o, oh, ow] = gy.shape as readonly [number, number, number, number]
  const { groups } = convolution
  const a = patches(backend, convolution, x)
  const b = transpose([0, 1, 3, 2])(packedAs(backend, [n, groups, o / groups, oh * ow], gy))
  const gram = (m: Tensor): Tensor => backend.matmul(m, transpose([0, 1, 3, 2])(m))
  const inputs = one === 0 ? gram(a) : backend.zip('add', gram(a), scalar(1))
  const flat = (m: Tensor): Tensor => reshape([n, groups * (oh * ow) ** 2])(m)
  return backend.rowDots(flat(inputs), flat(gram(b)))
}
