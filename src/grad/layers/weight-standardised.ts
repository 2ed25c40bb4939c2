/**
 * Weight standardisation. n sample · o output channel · m entry of a channel's weight.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { sizeOf } from '../../tensor/shape.js'
import { full, scalar, type Tensor, toArray, unsafeTensor } from '../../tensor/tensor.js'
import { reshape, transpose } from '../../tensor/view.js'
import { type LayerRule, layer, lazy, type Pullback, weightedSumOfRows } from '../layer.js'
import { addNorms } from '../norm-sums.js'
import { packedAs } from '../pack.js'
import { noShorterThan, summationError } from '../rounding.js'
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

/** Roundings of each of three terms on their way through the derivative of the standardisation. */
const ROUNDINGS = 32

/**
 * ‖gₙ‖² of the weight from the moments of ĝ [n, o, …], h = ĝ / √m, σ′ = √(σ² + ε):
 *
 *   Σₒ (‖hₒ‖² − m a² − b² (2 m − ‖zₒ‖²) + 2 a b Σ zₒ) / σ′ₒ²      a = mean hₒ, b = mean(hₒ zₒ)
 *
 * Guarantee  no shorter than the share of a weighted sum that goes through the derivative behind it: that, and what rounding can do to
 *            the products, is relative to Σₒ ‖hₒ‖² / σ′ₒ²
 */
const pulledSquaredNorm = (backend: Backend, { normalised: z, inverseDeviation }: Standardised, g: Tensor): Tensor => {
  const [o, m] = z.shape as readonly [number, number]
  const n = g.shape[0] as number
  const rows = packedAs(backend, [n * o, m], g)
  const ones = full(1, [m, 1])
  const ofSamples = transpose([1, 0, 2])(reshape([n, o, m])(rows))
  const [squares, sums] = [toArray(backend.rowDots(rows, rows)), toArray(backend.matmul(rows, ones))]
  const along = toArray(backend.matmul(ofSamples, reshape([o, m, 1])(z)))
  const [ofZ, sumOfZ] = [toArray(backend.rowDots(z, z)), toArray(backend.matmul(z, ones))]
  const scale = toArray(inverseDeviation).map((inverse) => inverse ** 2 / m)
  const [found, whole] = [new Float64Array(n), new Float64Array(n)]
  for (let sample = 0; sample < n; sample++)
    for (let channel = 0; channel < o; channel++) {
      const [row, by] = [sample * o + channel, scale[channel] as number]
      const [a, b] = [(sums[row] as number) / m, (along[channel * n + sample] as number) / m]
      const left =
        (squares[row] as number) -
        m * a * a -
        b * b * (2 * m - (ofZ[channel] as number)) +
        2 * a * b * (sumOfZ[channel] as number)
      found[sample] = (found[sample] as number) + by * left
      whole[sample] = (whole[sample] as number) + by * (squares[row] as number)
    }
  return noShorterThan({
    // Twice the error of each product, relative to ‖h‖², and a reserve.
    ofSquaredNorm: 5 * summationError(backend, m + 2),
    ofGradient: summationError(backend, ROUNDINGS),
  })(unsafeTensor(found, [n]), unsafeTensor(whole, [n]))
}

/**
 * A layer whose weight is standardised before it is used: zero mean and unit variance over each output channel, divided by
 * the root of its fan-in m, so that unit inputs give unit outputs. The trained parameter is the weight before that.
 *
 *   Ŵₒ = (Wₒ − μₒ) / √(m (σ²ₒ + ε))     gWₒ = (ĝₒ − mean ĝₒ − zₒ mean(ĝₒ zₒ)) / √(m (σ²ₒ + ε)),  z = √m Ŵ
 *
 * Shapes     those of the layer; its weight is [o, …]
 * Cost       gradients ĝ of each sample by the standardised weight are formed and kept; norms follow from their moments,
 *            ‖ĝₒ‖², Σ ĝₒ and ⟨ĝₒ, zₒ⟩, and the weighted sum from theirs: the derivative of the standardisation is linear
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
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
      perSampleGrad: (backend, params, cache, gy) => {
        const g = innerGrad(backend, params, cache, gy)
        return { ...g, weight: pulled(backend, cache.standardised, g.weight, 1) }
      },
      perSampleSquaredNorm: (backend, params, cache, gy) => pullback(backend, params, cache, gy).squaredNorm(),
      weightedGrad: (backend, params, cache, gy, weight) => pullback(backend, params, cache, gy).weightedGrad(weight),
      pullback: (...at) => pullback(...at),
    })
    /** ĝ of each sample. */
    const innerGrad = (
      backend: Backend,
      params: WeightedParams,
      { inner, standardised }: WeightStandardisedCache<C>,
      gy: Tensor,
    ): WeightedParams => rule.perSampleGrad(backend, withWeight(backend, params, standardised), inner, gy)
    /** The derivative of the standardisation, of ĝ with so many axes before those of the weight. */
    const pulled = (backend: Backend, standardised: Standardised, g: Tensor, lead: 0 | 1): Tensor => {
      const rows = packedAs(backend, [...g.shape.slice(0, lead), ...standardised.normalised.shape], g)
      return reshape(g.shape)(pullStandardised(backend, standardised, byFanIn(backend, rows)))
    }
    const pullback = (
      backend: Backend,
      params: WeightedParams,
      cache: WeightStandardisedCache<C>,
      gy: Tensor,
    ): Pullback<WeightedParams> => {
      const { standardised } = cache
      const kept = lazy(() => innerGrad(backend, params, cache, gy))
      return {
        norm: 'keep',
        inputGrad: lazy(() => complete.backward(backend, params, cache, gy)),
        perSampleGrad: lazy(() => {
          const g = kept()
          return { ...g, weight: pulled(backend, standardised, g.weight, 1) }
        }),
        squaredNorm: lazy(() => {
          const { weight, bias } = kept()
          const ofWeight = pulledSquaredNorm(backend, standardised, weight)
          return bias === undefined ? ofWeight : addNorms(ofWeight, backend.rowDots(bias, bias))
        }),
        weightedGrad: (by) => {
          const sum = weightedSumOfRows(backend, by)(kept())
          return { ...sum, weight: pulled(backend, standardised, sum.weight, 0) }
        },
        holds: () => [kept(), standardised],
      }
    }
    return complete
  }
