/**
 * What layers that normalise groups of channels have in common.
 */
import type { Backend, GroupStatistics, Through, UnaryOp } from '../../tensor/backend/backend.js'
import type { Tensor } from '../../tensor/tensor.js'
import { keepingPullback, type LayerRule, lazy, type Pullback } from '../layer.js'
import type { GoingOn } from '../then.js'

/** weight γ [c] and bias β [c]; no bias, or neither, where left out. */
export type GroupNormParams = { readonly weight?: Tensor; readonly bias?: Tensor }

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
): Pick<LayerRule<GroupNormParams, GroupNormCache>, 'forward' | 'backward' | 'perSampleGrad' | 'pullback'> &
  GoingOn<GroupNormParams, GroupNormCache, Pullback<GroupNormParams>> => {
  const pulled = (
    backend: Backend,
    { weight }: GroupNormParams,
    cache: GroupNormCache,
    gy: Tensor,
    through?: Through,
  ): Derivatives => backend.groupNormGrad(cache.x, gy, weight, cache.statistics, through)
  const gradients = (params: GroupNormParams, { ofWeight, ofBias }: Derivatives): GroupNormParams => ({
    ...(params.weight === undefined ? {} : { weight: ofWeight }),
    ...(params.bias === undefined ? {} : { bias: ofBias }),
  })
  const forward = (
    backend: Backend,
    params: GroupNormParams,
    x: Tensor,
    then?: UnaryOp,
  ): readonly [y: Tensor, cache: GroupNormCache] => {
    const { y, ...statistics } = backend.groupNorm(x, { groups: groupsOf(x.shape[1] as number), epsilon }, params, then)
    return [y, { x, statistics }]
  }
  const pullback = (
    backend: Backend,
    params: GroupNormParams,
    cache: GroupNormCache,
    gy: Tensor,
    through?: Through,
  ): Pullback<GroupNormParams> => {
    const all = lazy(() => pulled(backend, params, cache, gy, through))
    const shared = { backward: () => all().gx, perSampleGrad: () => gradients(params, all()) }
    return keepingPullback(shared, backend, params, cache, gy)
  }
  return {
    forward: (backend, params, x) => forward(backend, params, x),
    forwardThen: forward,
    backward: (backend, params, cache, gy) => pulled(backend, params, cache, gy).gx,
    perSampleGrad: (backend, params, cache, gy) => gradients(params, pulled(backend, params, cache, gy)),
    pullback: (backend, params, cache, gy) => pullback(backend, params, cache, gy),
    pullbackThrough: pullback,
  }
}
