/**
 * Transposed convolution: the adjoint of `conv2d` in its input, as a layer. n sample · c input channel · o output channel ·
 * t input position.
 */
import { foldIn, type Key } from '../../sampling/key.js'
import { zipTensorsWith } from '../../tensor/elementwise.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import { size, type Tensor } from '../../tensor/tensor.js'
import { reshape } from '../../tensor/view.js'
import { type Convolution2d, type Pair, pair } from '../../tensor/window.js'
import { derivedPullback, keepingPullback, keptNumbersLimit, type LayerRule, layer } from '../layer.js'
import { noShorterThan, summationError } from '../rounding.js'
import type { Conv2dOptions, Conv2dParams } from './conv2d.js'
import { fanInUniform } from './initialise.js'

export interface ConvTranspose2dOptions extends Conv2dOptions {
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
): LayerRule<Conv2dParams, Tensor> => {
  const { bias = true, groups = 1 } = options
  const convolution: Convolution2d = {
    kernel: pair(options.kernel),
    stride: pair(options.stride ?? 1),
    padding: pair(options.padding ?? 0),
    dilation: pair(options.dilation ?? 1),
    groups,
  }
  const { kernel, stride, padding, dilation } = convolution
  const outputPadding = pair(options.outputPadding ?? 0)
  const [kh, kw] = kernel
  const name = `convTranspose2d(${outputChannels}, ${kh}×${kw})`

  /** The shape of one output sample. */
  const outputOf = (input: Shape): Shape => {
    const [channels, ...plane] = input as readonly [number, ...Pair]
    const whole = [...kernel, ...stride, ...dilation].every((value) => Number.isSafeInteger(value) && value >= 1)
    const padded = [...padding, ...outputPadding].every((value) => Number.isSafeInteger(value) && value >= 0)
    const fits = outputPadding.every((value, axis) => value < (stride[axis] as number))
    if (!whole || !padded || !fits)
      throw shapeError(`${name}: no such window`, kernel, stride, padding, dilation, outputPadding)
    if (input.length !== 3 || channels % groups !== 0 || outputChannels % groups !== 0)
      throw shapeError(`${name} (groups ${groups}): needs [c, h, w] with channels that the groups divide`, input)
    const output = plane.map(
      (extent, axis) =>
        (extent - 1) * (stride[axis] as number) -
        2 * (padding[axis] as number) +
        (dilation[axis] as number) * ((kernel[axis] as number) - 1) +
        (outputPadding[axis] as number) +
        1,
    )
    if (!output.every((extent) => extent >= 1))
      throw shapeError(`${name}: nothing is left of the output`, input, output)
    return [outputChannels, ...output]
  }

  const rule: LayerRule<Conv2dParams, Tensor> = layer({
    name,
    init: (k: Key, input: Shape) => {
      const output = outputOf(input)
      const weight = [input[0] as number, outputChannels / groups, kh, kw]
      const fanIn = sizeOf(weight.slice(1))
      return {
        params: {
          weight: fanInUniform({ shape: weight, fanIn })(foldIn(0)(k)),
          ...(bias ? { bias: fanInUniform({ shape: [outputChannels], fanIn })(foldIn(1)(k)) } : {}),
        },
        output,
      }
    },
    forward: (backend, params, x) => {
      const shape = [x.shape[0] as number, ...outputOf(x.shape.slice(1))]
      const y = backend.conv2dInputGrad(x, params.weight, convolution, shape)
      return [params.bias === undefined ? y : backend.zip('add', y, reshape([outputChannels, 1, 1])(params.bias)), x]
    },
    backward: (backend, params, _x, gy) => backend.conv2d(gy, params.weight, undefined, convolution),
    perSampleGrad: (backend, params, x, gy) => ({
      weight: backend.conv2dPerSampleGrad(gy, x, convolution),
      ...(params.bias === undefined ? {} : { bias: backend.sum(gy, [2, 3]) }),
    }),
    perSampleSquaredNorm: (backend, params, x, gy) => {
      const positions = sizeOf(x.shape.slice(2))
      // The gradient is summed by weightedGrad in another order. An output pixel is in at most kh·kw patches.
      const held = noShorterThan({ ofSquaredNorm: 0, ofGradient: 2 * summationError(backend, positions + 2) })
      const scale = zipTensorsWith((a, b) => kh * kw * a * b)(backend.rowDots(gy, gy), backend.rowDots(x, x))
      const ofWeight = held(backend.conv2dSquaredNorm(gy, x, convolution), scale)
      if (params.bias === undefined) return ofWeight
      const gb = backend.sum(gy, [2, 3])
      return zipTensorsWith((a, b) => a + b)(ofWeight, backend.rowDots(gb, gb))
    },
    weightedGrad: (backend, params, x, gy, weight) => ({
      weight: backend.conv2dWeightedGrad(gy, x, weight, convolution),
      ...(params.bias === undefined ? {} : { bias: backend.weightedRowSum(weight, backend.sum(gy, [2, 3])) }),
    }),
    pullback: (backend, params, x, gy) =>
      ((x.shape[0] as number) * size(params.weight) <= keptNumbersLimit ? keepingPullback : derivedPullback)(
        rule,
        backend,
        params,
        x,
        gy,
      ),
  })
  return rule
}
