/**
 * Root mean square normalisation. n sample · t position · m entry (the axes normalised).
 */
import type { Shape } from '../../tensor/shape.js'
import { full, scalar, type Tensor } from '../../tensor/tensor.js'
import { reshape } from '../../tensor/view.js'
import { keepingPullback, type LayerRule, layer } from '../layer.js'
import { checkEnd, positionAxes, rowsOf } from './layer-norm.js'
import { rowMean, type Standardised } from './standardise.js'

/** weight γ of the normalised shape, unless left out. */
export type RmsNormParams = { readonly weight?: Tensor }

/** The settings of `rmsNorm`. */
export interface RmsNormOptions {
  /** The last axes, which are normalised together; default: the last one. */
  readonly shape?: Shape
  /** Default 1e-6. */
  readonly epsilon?: number
  /** Scale? Default true. */
  readonly affine?: boolean
}

/**
 * Divides each position of each sample by its root mean square, then scales each entry.
 *
 *   x̂ = x / √(mean x² + ε)     y = γ x̂     gγ = Σₜ gyₜ x̂ₜ
 *
 * Shapes     x [n, …, m…] → y of the same shape; weight [m…]
 * Cost       per-sample gradients are m numbers, and are kept
 * Reference  Zhang, Sennrich 2019, arXiv:1910.07467
 *
 * @example
 * rmsNorm().init(key(0), [3, 8]).output // => [3, 8]
 */
export const rmsNorm = ({
  shape,
  epsilon = 1e-6,
  affine = true,
}: RmsNormOptions = {}): LayerRule<RmsNormParams, Standardised> => {
  const name = `rmsNorm(${shape?.join('×') ?? ''})`
  const normalised = (input: Shape): Shape => shape ?? input.slice(-1)
  const rule: LayerRule<RmsNormParams, Standardised> = layer({
    name,
    init: (_key, input: Shape) => {
      const own = normalised(input)
      checkEnd(name, own, input)
      return { params: affine ? { weight: full(1, own) } : {}, output: input }
    },
    forward: (backend, { weight }, x) => {
      const rows = rowsOf(backend, normalised(x.shape), x)
      const meanSquare = rowMean(backend, backend.map('square', rows))
      const root = backend.map('sqrt', backend.zip('add', meanSquare, scalar(epsilon, 'float64')))
      const inverseDeviation = backend.map('reciprocal', root)
      const cache = { normalised: backend.zip('mul', rows, inverseDeviation), inverseDeviation }
      const y = reshape(x.shape)(cache.normalised)
      return [weight === undefined ? y : backend.zip('mul', y, weight), cache]
    },
    // gx = (ĝ − x̂ mean(ĝ x̂)) / rms with ĝ = γ gy
    backward: (backend, { weight }, cache, gy) => {
      const scaled = weight === undefined ? gy : backend.zip('mul', gy, weight)
      const cotangent = rowsOf(backend, normalised(gy.shape), scaled)
      const alongScale = rowMean(backend, backend.zip('mul', cotangent, cache.normalised))
      const rest = backend.zip('sub', cotangent, backend.zip('mul', cache.normalised, alongScale))
      return reshape(gy.shape)(backend.zip('mul', rest, cache.inverseDeviation))
    },
    perSampleGrad: (backend, { weight }, cache, gy) => {
      if (weight === undefined) return {}
      const along = backend.zip('mul', gy, reshape(gy.shape)(cache.normalised))
      return { weight: backend.sum(along, positionAxes(normalised(gy.shape), gy)) }
    },
    pullback: (backend, params, cache, gy) => keepingPullback(rule, backend, params, cache, gy),
  })
  return rule
}
