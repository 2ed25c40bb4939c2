/**
 * Two-dimensional convolution. n sample · c input channel · o output channel · (h, w) pixel · t output position.
 *
 *   yₙₒₜ = Σ_{c,u,v} W_{o,c,u,v} x_{n,c,t·stride + (u,v)·dilation − padding} + bₒ      within each group of channels
 */
import { foldIn, type Key } from '../../sampling/key.js'
import { zipTensorsWith } from '../../tensor/elementwise.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import { size, type Tensor } from '../../tensor/tensor.js'
import { type Convolution2d, convolutionOutput, type Pair, pair } from '../../tensor/window.js'
import { derivedPullback, keepingPullback, keptNumbersLimit, type LayerRule, layer } from '../layer.js'
import { noShorterThan, summationError } from '../rounding.js'
import { fanInUniform } from './initialise.js'

/** weight [o, c/groups, kh, kw]; bias [o] unless left out. */
export type Conv2dParams = { readonly weight: Tensor; readonly bias?: Tensor }

export interface Conv2dOptions {
  readonly kernel: number | Pair
  /** Default 1. */
  readonly stride?: number | Pair
  /** Zeros around the input, default 0. */
  readonly padding?: number | Pair
  /** Default 1. */
  readonly dilation?: number | Pair
  /** Default 1; must divide both channel counts. */
  readonly groups?: number
  /** Default true. */
  readonly bias?: boolean
}

/**
 * Convolution (cross-correlation, as everybody calls it) of images.
 *
 *   gW = Σₜ gyₜ patchₜᵀ, group by group     gb = Σₜ gyₜ
 *
 * Shapes     x [n, c, h, w] → y [n, o, oh, ow]; weight [o, c/groups, kh, kw]; bias [o]
 * Cost       a norm forms the sample's gradient; the book-keeping plan keeps it for the weighted sum while all fit in
 *            64 MiB, and contracts anew beyond
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Bu et al. 2022, arXiv:2205.10683 (norms of convolutions); Rochette, Manoel, Tramel 2019, arXiv:1912.06015
 *
 * @example
 * conv2d(16, { kernel: 8, stride: 2 }).init(key(0), [1, 35, 35]).output // => [16, 14, 14]
 */
export const conv2d = (outputChannels: number, options: Conv2dOptions): LayerRule<Conv2dParams, Tensor> => {
  const { bias = true, groups = 1 } = options
  const convolution: Convolution2d = {
    kernel: pair(options.kernel),
    stride: pair(options.stride ?? 1),
    padding: pair(options.padding ?? 0),
    dilation: pair(options.dilation ?? 1),
    groups,
  }
  const [kh, kw] = convolution.kernel
  const rule: LayerRule<Conv2dParams, Tensor> = layer({
    name: `conv2d(${outputChannels}, ${kh}×${kw})`,
    init: (k: Key, input: Shape) => {
      const [channels] = input
      if (input.length !== 3 || channels === undefined || channels % groups !== 0 || outputChannels % groups !== 0)
        throw shapeError(`conv2d (groups ${groups}): needs [c, h, w] with channels that the groups divide`, input)
      const weight = [outputChannels, channels / groups, kh, kw]
      const fanIn = (channels / groups) * kh * kw
      return {
        params: {
          weight: fanInUniform({ shape: weight, fanIn })(foldIn(0)(k)),
          ...(bias ? { bias: fanInUniform({ shape: [outputChannels], fanIn })(foldIn(1)(k)) } : {}),
        },
        output: convolutionOutput(convolution, [1, ...input], weight).slice(1),
      }
    },
    forward: (backend, params, x) => [backend.conv2d(x, params.weight, params.bias, convolution), x],
    backward: (backend, params, x, gy) => backend.conv2dInputGrad(gy, params.weight, convolution, x.shape),
    perSampleGrad: (backend, params, x, gy) => ({
      weight: backend.conv2dPerSampleGrad(x, gy, convolution),
      ...(params.bias === undefined ? {} : { bias: backend.sum(gy, [2, 3]) }),
    }),
    perSampleSquaredNorm: (backend, params, x, gy) => {
      const ofWeight = backend.conv2dSquaredNorm(x, gy, convolution)
      const positions = sizeOf(gy.shape.slice(2))
      // The gradient is summed by weightedGrad in another order. A pixel is in at most kh·kw patches.
      const held = noShorterThan({ ofSquaredNorm: 0, ofGradient: 2 * summationError(backend, positions + 2) })
      const scale = (ones: number) =>
        zipTensorsWith((a, b) => (kh * kw * a + ones) * b)(backend.rowDots(x, x), backend.rowDots(gy, gy))
      if (params.bias === undefined) return held(ofWeight, scale(0))
      const gb = backend.sum(gy, [2, 3])
      return held(zipTensorsWith((a, b) => a + b)(ofWeight, backend.rowDots(gb, gb)), scale(positions))
    },
    weightedGrad: (backend, params, x, gy, weight) => ({
      weight: backend.conv2dWeightedGrad(x, gy, weight, convolution),
      ...(params.bias === undefined ? {} : { bias: backend.weightedRowSum(weight, backend.sum(gy, [2, 3])) }),
    }),
    pullback: (backend, params, x, gy) =>
      ((gy.shape[0] as number) * size(params.weight) <= keptNumbersLimit ? keepingPullback : derivedPullback)(
        rule,
        backend,
        params,
        x,
        gy,
      ),
  })
  return rule
}
