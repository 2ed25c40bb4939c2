/**
 * Two-dimensional convolution. n sample · c input channel · o output channel · (h, w) pixel · t output position.
 *
 *   yₙₒₜ = Σ_{c,u,v} W_{o,c,u,v} x_{n,c,t·stride + (u,v)·dilation − padding} + bₒ      within each group of channels
 */
import { foldIn, type Key } from '../../sampling/key.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { type Convolution2d, convolutionOutput, type Pair, pair } from '../../tensor/window.js'
import { convolutionCosts, gramIsCheaper, normWay } from '../cost.js'
import { groupedAffine } from '../grouped.js'
import { contractingPullback, keepingPullback, type LayerRule, layer, lazy, type Pullback } from '../layer.js'
import { addNorms } from '../norm-sums.js'
import { summationError } from '../rounding.js'
import { normOfFormed, normOfGram } from '../terms.js'
import { type ConvolutionPadding, convolutionWith } from './convolution-padding.js'
import { fanInUniform } from './initialise.js'
import type { PaddingMode } from './pad.js'

/** weight [o, c/groups, kh, kw]; bias [o] unless left out. */
export type Conv2dParams = { readonly weight: Tensor; readonly bias?: Tensor }

/** The settings of `conv2d`. */
export interface Conv2dOptions {
  readonly kernel: number | Pair
  /** Default 1. */
  readonly stride?: number | Pair
  /** Around the input, default 0. */
  readonly padding?: ConvolutionPadding<Pair>
  /** What the padding is made of; default zeros. */
  readonly paddingMode?: PaddingMode
  /** Default 1. */
  readonly dilation?: number | Pair
  /** Default 1; must divide both channel counts. As many as input channels: depthwise. */
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
 * Cost       a norm by the Gram form, O(n ((h w)² c + t² o + g t² kh kw)), or by forming the sample's gradient in the cache,
 *            whichever is less; the book-keeping plan keeps gradients where that pays (see `keepsGradients`). Padding of other
 *            modes than zeros is made before the convolution
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Bu et al. 2022, arXiv:2205.10683 (norms of convolutions); Rochette, Manoel, Tramel 2019, arXiv:1912.06015
 *
 * @example
 * conv2d(16, { kernel: 8, stride: 2 }).init(key(0), [1, 35, 35]).output // => [16, 14, 14]
 */
export const conv2d = (outputChannels: number, options: Conv2dOptions): LayerRule<Conv2dParams, Tensor> => {
  const window = {
    kernel: pair(options.kernel),
    stride: pair(options.stride ?? 1),
    dilation: pair(options.dilation ?? 1),
  }
  return convolutionWith((padding) => zeroPadded(outputChannels, { ...options, padding: padding as unknown as Pair }))(
    `conv2d(${outputChannels})`,
    window,
    { padding: options.padding, mode: options.paddingMode },
  )
}

/** A convolution with zeros on both sides alike, as the backend knows it. */
const zeroPadded = (
  outputChannels: number,
  options: Conv2dOptions & { readonly padding: Pair },
): LayerRule<Conv2dParams, Tensor> => {
  const { bias = true, groups = 1 } = options
  const convolution: Convolution2d = {
    kernel: pair(options.kernel),
    stride: pair(options.stride ?? 1),
    padding: options.padding,
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
    forwardThen: (backend, params, x, then) => [backend.conv2d(x, params.weight, params.bias, convolution, then), x],
    backward: (backend, params, x, gy) => backend.conv2dInputGrad(gy, params.weight, convolution, x.shape),
    perSampleGrad: (backend, params, x, gy) => ({
      weight: backend.conv2dPerSampleGrad(x, gy, convolution),
      ...(params.bias === undefined ? {} : { bias: backend.sum(gy, [2, 3]) }),
    }),
    perSampleSquaredNorm: (backend, params, x, gy) => {
      const positions = sizeOf(gy.shape.slice(2))
      const one = params.bias === undefined ? 0 : 1
      const [o, ...patch] = params.weight.shape as readonly [number, ...number[]]
      // A pixel is in at most kh·kw patches.
      const terms = {
        ofX: backend.rowDots(x, x),
        ofCotangent: backend.rowDots(gy, gy),
        uses: kh * kw,
        ones: one * positions,
      }
      // The gradient is summed by weightedGrad in another order, or filtered.
      const ofSum = summationError(backend, positions + 2)
      const filtering = backend.filtering?.(convolution, x.shape, gy.shape)
      const ofGradient =
        ofSum + (filtering === undefined ? ofSum : filtering.amplification * summationError(backend, filtering.terms))
      const entries = sizeOf(patch)
      if (gramIsCheaper(convolutionCosts(convolution, x.shape, gy.shape, filtering))) {
        const ofSquaredNorm = summationError(backend, entries + o + 4)
        const squaredNorm = backend.conv2dGramSquaredNorm(x, gy, one, convolution)
        const extents = { t: positions, i: groups * entries, o }
        return normOfGram(backend, squaredNorm, terms, { ofSquaredNorm, ofGradient, extents })
      }
      const ofWeight = backend.conv2dSquaredNorm(x, gy, convolution)
      const bias = params.bias === undefined ? undefined : backend.sum(gy, [2, 3])
      const squaredNorm = bias === undefined ? ofWeight : addNorms(ofWeight, backend.rowDots(bias, bias))
      return normOfFormed(squaredNorm, terms, { ofSquaredNorm: 0, ofGradient })
    },
    weightedGrad: (backend, params, x, gy, weight) => ({
      weight: backend.conv2dWeightedGrad(x, gy, weight, convolution),
      ...(params.bias === undefined ? {} : { bias: backend.weightedRowSum(weight, backend.sum(gy, [2, 3])) }),
    }),
    pullback: (backend, params, x, gy) => {
      const filtering = backend.filtering?.(convolution, x.shape, gy.shape)
      const norm = normWay(convolutionCosts(convolution, x.shape, gy.shape, filtering), gy.shape[0] as number)
      /** Norms come with the gradients where they are asked for first. */
      let formed: { readonly grad: Tensor; readonly squaredNorm?: Tensor } | undefined
      const form = (isNormed: boolean) => {
        formed ??= (isNormed ? backend.conv2dNormedGrad?.(x, gy, convolution) : undefined) ?? {
          grad: backend.conv2dPerSampleGrad(x, gy, convolution),
        }
        return formed
      }
      const bias = lazy(() => backend.sum(gy, [2, 3]))
      const pullbackOf = (p: Conv2dParams): Pullback<Conv2dParams> => {
        if (norm !== 'keep') return contractingPullback(rule, backend, p, x, gy)
        const perSampleGrad = (): Conv2dParams => ({
          weight: form(false).grad,
          ...(p.bias === undefined ? {} : { bias: bias() }),
        })
        const kept = keepingPullback({ backward: rule.backward, perSampleGrad }, backend, p, x, gy)
        return {
          ...kept,
          squaredNorm: lazy(() => {
            const ofWeight = form(true).squaredNorm
            if (ofWeight === undefined) return kept.squaredNorm()
            return p.bias === undefined ? ofWeight : addNorms(ofWeight, backend.rowDots(bias(), bias()))
          }),
        }
      }
      return {
        ...pullbackOf(params),
        norm,
        grouped: (labels) => groupedAffine(backend, labels, pullbackOf({ weight: params.weight }), bias),
      }
    },
  })
  return rule
}
