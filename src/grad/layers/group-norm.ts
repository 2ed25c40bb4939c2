/**
 * Group normalisation: the normalisation that private learning can use, since it never looks across samples.
 * n sample · g group · c channel · m position within a group (its channels and pixels).
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import { full, scalar, type Tensor, zeros } from '../../tensor/tensor.js'
import { reshape } from '../../tensor/view.js'
import { keepingPullback, type LayerRule, layer } from '../layer.js'

/** weight γ [c] and bias β [c]; no bias, or neither, where left out. */
export type GroupNormParams = { readonly weight?: Tensor; readonly bias?: Tensor }

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

/** The normalised input, [n, c, …], and 1/σ of each group, [n, g, 1]. */
export interface GroupNormCache {
  readonly normalised: Tensor
  readonly inverseDeviation: Tensor
}

/** Axes after n and c. */
const spatial = (x: Tensor): readonly number[] => x.shape.slice(2).map((_, axis) => axis + 2)

/** [c] as [c, 1, …], to meet [n, c, …]. */
const perChannel = (p: Tensor, rank: number): Tensor => reshape([...p.shape, ...new Array(rank - 2).fill(1)])(p)

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
}: GroupNormOptions): LayerRule<GroupNormParams, GroupNormCache> => {
  const inGroups = (x: Tensor): Tensor => {
    const n = x.shape[0] as number
    return reshape([n, groups, sizeOf(x.shape.slice(1)) / groups])(x)
  }
  /** Mean over the last axis, kept as an axis of extent 1. */
  const mean = (backend: Backend, x: Tensor): Tensor => {
    const [n, g, m] = x.shape as readonly [number, number, number]
    return backend.zip('mul', reshape([n, g, 1])(backend.sum(x, [2])), scalar(1 / m, 'float64'))
  }
  const rule: LayerRule<GroupNormParams, GroupNormCache> = layer<GroupNormParams, GroupNormCache>({
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
    // Scopes give back what stands between x and y, which is more than both.
    forward: (backend, { weight, bias }, x) =>
      backend.scope(() => {
        const grouped = inGroups(x)
        const centred = backend.zip('sub', grouped, mean(backend, grouped))
        const variance = mean(backend, backend.map('square', centred))
        const deviation = backend.map('sqrt', backend.zip('add', variance, scalar(epsilon, 'float64')))
        const inverseDeviation = backend.map('reciprocal', deviation)
        const normalised = reshape(x.shape)(backend.zip('mul', centred, inverseDeviation))
        const rank = x.shape.length
        const scaled = weight === undefined ? normalised : backend.zip('mul', normalised, perChannel(weight, rank))
        const y = bias === undefined ? scaled : backend.zip('add', scaled, perChannel(bias, rank))
        return [y, { normalised, inverseDeviation }]
      }),
    // gx = (ĝ − mean ĝ − x̂ mean(ĝ x̂)) / σ with ĝ = γ gy: the part of ĝ that neither shift nor scale of a group explains.
    backward: (backend, { weight }, { normalised, inverseDeviation }, gy) =>
      backend.scope(() => {
        const scaled = inGroups(weight === undefined ? gy : backend.zip('mul', gy, perChannel(weight, gy.shape.length)))
        const x = inGroups(normalised)
        const alongScale = backend.zip('mul', x, mean(backend, backend.zip('mul', scaled, x)))
        const rest = backend.zip('sub', backend.zip('sub', scaled, mean(backend, scaled)), alongScale)
        return reshape(gy.shape)(backend.zip('mul', rest, inverseDeviation))
      }),
    perSampleGrad: (backend, params, { normalised }, gy) =>
      backend.scope(() => ({
        ...(params.weight === undefined
          ? {}
          : { weight: backend.sum(backend.zip('mul', gy, normalised), spatial(gy)) }),
        ...(params.bias === undefined ? {} : { bias: backend.sum(gy, spatial(gy)) }),
      })),
    pullback: (backend, params, cache, gy) => keepingPullback(rule, backend, params, cache, gy),
  })
  return rule
}
