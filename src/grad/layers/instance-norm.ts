/**
 * Instance normalisation: each channel of each sample on its own. n sample · c channel · m pixel (of one, two or three
 * axes).
 */

import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import { full, type Tensor, zeros } from '../../tensor/tensor.js'
import { reshape } from '../../tensor/view.js'
import { keepingPullback, type LayerRule, layer } from '../layer.js'
import { packedAs } from '../pack.js'
import { pullStandardised, type Standardised, standardise } from './standardise.js'

/** weight γ [c] and bias β [c]; no bias, or neither, where left out. */
export type InstanceNormParams = { readonly weight?: Tensor; readonly bias?: Tensor }

/** The settings of `instanceNorm`. */
export interface InstanceNormOptions {
  /** Default 1e-5. */
  readonly epsilon?: number
  /** Scale and shift? Default false, as in PyTorch. */
  readonly affine?: boolean
  /** Shift, if scaled? Default true. */
  readonly bias?: boolean
}

/** [n, c, …] as rows [n·c, m]. */
const byChannel = (backend: Backend, x: Tensor): Tensor =>
  packedAs(backend, [sizeOf(x.shape.slice(0, 2)), sizeOf(x.shape.slice(2))], x)

/** [c] as [c, 1, …], to meet [n, c, …]. */
const perChannel = (p: Tensor, { shape }: Tensor): Tensor => reshape([...p.shape, ...shape.slice(2).map(() => 1)])(p)

/**
 * Normalises each channel of each sample over its pixels, then scales and shifts it. It is `groupNorm` with a channel in
 * each group, for one, two or three spatial axes, with or without parameters.
 *
 *   x̂ = (x − μₙ_c) / √(σ²ₙ_c + ε)     y = γ_c x̂ + β_c     gγ = Σ gy x̂     gβ = Σ gy     (sums over pixels)
 *
 * Shapes     x [n, c, …] → y of the same shape; weight and bias [c]
 * Cost       per-sample gradients are 2c numbers, and are kept
 * Reference  Ulyanov, Vedaldi, Lempitsky 2016, arXiv:1607.08022
 *
 * @example
 * instanceNorm({ affine: true }).init(key(0), [3, 4, 5]).output // => [3, 4, 5]
 */
export const instanceNorm = ({
  epsilon = 1e-5,
  affine = false,
  bias = true,
}: InstanceNormOptions = {}): LayerRule<InstanceNormParams, Standardised> => {
  const name = `instanceNorm(${affine ? 'affine' : ''})`
  const rule: LayerRule<InstanceNormParams, Standardised> = layer<InstanceNormParams, Standardised>({
    name,
    init: (_key, input: Shape) => {
      const [channels] = input
      if (channels === undefined || input.length < 2 || input.length > 4)
        throw shapeError(`${name} needs [c, …] with one to three spatial axes`, input)
      return {
        params: affine ? { weight: full(1, [channels]), ...(bias ? { bias: zeros([channels]) } : {}) } : {},
        output: input,
      }
    },
    forward: (backend, params, x) => {
      const cache = standardise(backend, epsilon, byChannel(backend, x))
      const y = reshape(x.shape)(cache.normalised)
      const scaled = params.weight === undefined ? y : backend.zip('mul', y, perChannel(params.weight, x))
      return [params.bias === undefined ? scaled : backend.zip('add', scaled, perChannel(params.bias, x)), cache]
    },
    backward: (backend, { weight }, cache, gy) => {
      const scaled = weight === undefined ? gy : backend.zip('mul', gy, perChannel(weight, gy))
      return reshape(gy.shape)(pullStandardised(backend, cache, byChannel(backend, scaled)))
    },
    perSampleGrad: (backend, params, cache, gy) => {
      const pixels = gy.shape.slice(2).map((_, axis) => axis + 2)
      return {
        ...(params.weight === undefined
          ? {}
          : { weight: backend.sum(backend.zip('mul', gy, reshape(gy.shape)(cache.normalised)), pixels) }),
        ...(params.bias === undefined ? {} : { bias: backend.sum(gy, pixels) }),
      }
    },
    pullback: (backend, params, cache, gy) => keepingPullback(rule, backend, params, cache, gy),
  })
  return rule
}
