/**
 * Group normalisation: the normalisation that private learning can use, since it never looks across samples.
 * n sample · g group · c channel.
 */
import type { Backend, GroupStatistics } from '../../tensor/backend/backend.js'
import { type Shape, shapeError } from '../../tensor/shape.js'
import { full, type Tensor, zeros } from '../../tensor/tensor.js'
import { keepingPullback, type LayerRule, layer, lazy } from '../layer.js'

/** weight γ [c] and bias β [c]; no bias, or neither, where left out. */
export type GroupNormParams = { readonly weight?: Tensor; readonly bias?: Tensor }

/** The settings of `groupNorm`. */
export interface GroupNormOptions {
  /** Must divide the channels. */
  readonly groups: number
  /** Default 1e-5. */
  readonly epsilon?: number
  /** Scale and shift? Default true. */
  readonly affine?: boolean
  /** Shift, if scaled? Default true. */
  readonly bias?: boolean
}

/** The input, and what was found in each group of it. */
export interface GroupNormCache {
  readonly x: Tensor
  readonly statistics: GroupStatistics
}

type Derivatives = ReturnType<Backend['groupNormGrad']>

/** What a normalisation does, whose groups follow from the channels. @internal */
export const normalisedGroups = (
  groupsOf: (channels: number) => number,
  epsilon: number,
): Pick<LayerRule<GroupNormParams, GroupNormCache>, 'forward' | 'backward' | 'perSampleGrad' | 'pullback'> => {
  const pulled = (backend: Backend, { weight }: GroupNormParams, cache: GroupNormCache, gy: Tensor): Derivatives =>
    backend.groupNormGrad(cache.x, gy, weight, cache.statistics)
  const gradients = (params: GroupNormParams, { ofWeight, ofBias }: Derivatives): GroupNormParams => ({
    ...(params.weight === undefined ? {} : { weight: ofWeight }),
    ...(params.bias === undefined ? {} : { bias: ofBias }),
  })
  return {
    forward: (backend, params, x) => {
      const { y, ...statistics } = backend.groupNorm(x, { groups: groupsOf(x.shape[1] as number), epsilon }, params)
      return [y, { x, statistics }]
    },
    backward: (backend, params, cache, gy) => pulled(backend, params, cache, gy).gx,
    perSampleGrad: (backend, params, cache, gy) => gradients(params, pulled(backend, params, cache, gy)),
    pullback: (backend, params, cache, gy) => {
      const all = lazy(() => pulled(backend, params, cache, gy))
      const shared = { backward: () => all().gx, perSampleGrad: () => gradients(params, all()) }
      return keepingPullback(shared, backend, params, cache, gy)
    },
  }
}

/**
 * Normalises each group of channels of each sample, then scales and shifts each channel.
 *
 *   x̂ = (x − μ_{n,g}) / √(σ²_{n,g} + ε)     y = γ_c x̂ + β_c     gγ = Σ gy x̂     gβ = Σ gy     (sums over pixels)
 *
 * Shapes     x [n, c, …] → y of the same shape
 * Cost       per-sample gradients are 2c numbers, and are kept
 * Reference  Wu, He 2018, arXiv:1803.08494
 *
 * @example
 * groupNorm({ groups: 2 }).init(key(0), [6, 4, 3]).output // => [6, 4, 3]
 */
export const groupNorm = ({
  groups,
  epsilon = 1e-5,
  affine = true,
  bias: shifts = true,
}: GroupNormOptions): LayerRule<GroupNormParams, GroupNormCache> =>
  layer<GroupNormParams, GroupNormCache>({
    name: `groupNorm(${groups})`,
    init: (_key, input: Shape) => {
      const [channels] = input
      if (channels === undefined || channels % groups !== 0)
        throw shapeError(`groupNorm: ${groups} groups do not divide the channels`, input)
      return {
        params: affine ? { weight: full(1, [channels]), ...(shifts ? { bias: zeros([channels]) } : {}) } : {},
        output: input,
      }
    },
    ...normalisedGroups(() => groups, epsilon),
  })
