/**
 * Weight standardisation. n sample · o output channel · m entry of a channel's weight.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { sizeOf } from '../../tensor/shape.js'
import { scalar, type Tensor } from '../../tensor/tensor.js'
import { broadcast, reshape } from '../../tensor/view.js'
import { keepingPullback, type LayerRule, layer } from '../layer.js'
import { packedAs } from '../pack.js'
import { pullStandardised, type Standardised, standardise } from './standardise.js'

/** Parameters with a weight [o, …] and perhaps a bias. */
export type WeightedParams = { readonly weight: Tensor; readonly bias?: Tensor }

/** The inner cache, and the standardised weight with what its derivative needs. */
export interface WeightStandardisedCache<C> {
  readonly inner: C
  readonly standardised: Standardised
}

const asRows = (backend: Backend, weight: Tensor): Tensor =>
  packedAs(backend, [weight.shape[0] as number, sizeOf(weight.shape.slice(1))], weight)

/**
 * A layer whose weight is standardised before it is used: zero mean and unit variance over each output channel, divided by
 * the root of its fan-in m, so that unit inputs give unit outputs. The trained parameter is the weight before that.
 *
 *   Ŵₒ = (Wₒ − μₒ) / √(m (σ²ₒ + ε))     gWₒ = (ĝₒ − mean ĝₒ − zₒ mean(ĝₒ zₒ)) / √(m (σ²ₒ + ε)),  z = √m Ŵ
 *
 * Shapes     those of the layer; its weight is [o, …]
 * Cost       per-sample gradients of the weight are formed: the derivative of the standardisation mixes its entries
 * Reference  Qiao et al. 2019, arXiv:1903.10520; De et al. 2022, arXiv:2204.13650 (under privacy, with group normalisation)
 *
 * @example
 * weightStandardised()(conv2d(4, { kernel: 3 })).init(key(0), [2, 5, 5]).output // => [4, 3, 3]
 */
export const weightStandardised =
  ({ epsilon = 1e-4 }: { readonly epsilon?: number } = {}) =>
  <C>(rule: LayerRule<WeightedParams, C>): LayerRule<WeightedParams, WeightStandardisedCache<C>> => {
    /** 1/√m of rows as long as m. */
    const byFanIn = (backend: Backend, rows: Tensor): Tensor =>
      backend.zip('mul', rows, scalar(1 / Math.sqrt(rows.shape.at(-1) as number), 'float64'))
    const withWeight = (backend: Backend, params: WeightedParams, { normalised }: Standardised): WeightedParams => ({
      ...params,
      weight: reshape(params.weight.shape)(byFanIn(backend, normalised)),
    })
    const complete: LayerRule<WeightedParams, WeightStandardisedCache<C>> = layer<
      WeightedParams,
      WeightStandardisedCache<C>
    >({
      name: `weightStandardised(${rule.name})`,
      init: rule.init,
      forward: (backend, params, x) => {
        const standardised = standardise(backend, epsilon, asRows(backend, params.weight))
        const [y, inner] = rule.forward(backend, withWeight(backend, params, standardised), x)
        return [y, { inner, standardised }]
      },
      backward: (backend, params, { inner, standardised }, gy) =>
        rule.backward(backend, withWeight(backend, params, standardised), inner, gy),
      perSampleGrad: (backend, params, { inner, standardised }, gy) => {
        const g = rule.perSampleGrad(backend, withWeight(backend, params, standardised), inner, gy)
        const [o, m] = standardised.normalised.shape as readonly [number, number]
        const n = gy.shape[0] as number
        const repeated = (x: Tensor): Tensor =>
          packedAs(backend, [n * o, x.shape[1] as number], broadcast([n, ...x.shape])(x))
        const each = {
          normalised: repeated(standardised.normalised),
          inverseDeviation: repeated(standardised.inverseDeviation),
        }
        const pulled = pullStandardised(backend, each, byFanIn(backend, packedAs(backend, [n * o, m], g.weight)))
        return { ...g, weight: reshape(g.weight.shape)(pulled) }
      },
      pullback: (backend, params, cache, gy) => keepingPullback(complete, backend, params, cache, gy),
    })
    return complete
  }
