/**
 * Initial parameters: key → shape → tensor.
 */
import type { Key } from '../../sampling/key.js'
import { uniform } from '../../sampling/uniform.js'
import { mapTensor } from '../../tensor/elementwise.js'
import type { Shape } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'

/**
 * Uniform on ±1/√fanIn, for weights and biases alike: what PyTorch's linear and convolution layers start from.
 *
 * @reference He, Zhang, Ren, Sun 2015, arXiv:1502.01852, with a = √5
 */
export const fanInUniform =
  ({ shape, fanIn }: { readonly shape: Shape; readonly fanIn: number }) =>
  (key: Key): Tensor => {
    const bound = 1 / Math.sqrt(fanIn)
    return mapTensor((u) => bound * (2 * u - 1), 'float32')(uniform(shape)(key))
  }
