/**
 * Layer normalisation. n sample · t position (the axes before those normalised) · m entry (the axes normalised).
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, ShapeEq, shapeError, sizeOf } from '../../tensor/shape.js'
import { full, type Tensor, zeros } from '../../tensor/tensor.js'
import { reshape } from '../../tensor/view.js'
import { keepingPullback, type LayerRule, layer } from '../layer.js'
import { packedAs } from '../pack.js'
import { pullStandardised, type Standardised, standardise } from './standardise.js'

/** weight γ and bias β of the normalised shape; no bias, or neither, where left out. */
export type LayerNormParams = { readonly weight?: Tensor; readonly bias?: Tensor }

/** The settings of `layerNorm`. */
export interface LayerNormOptions {
  /** The last axes, which are normalised together; default: the last one. */
  readonly shape?: Shape
  /** Default 1e-5. */
  readonly epsilon?: number
  /** Scale and shift? Default true. */
  readonly affine?: boolean
  /** Shift, if scaled? Default true. */
  readonly bias?: boolean
}

/** Throws unless the last axes of `input` are `shape`. @internal */
export const checkEnd = (name: string, shape: Shape, input: Shape): void => {
  if (shape.length === 0 || sizeOf(shape) === 0 || !ShapeEq.equals(input.slice(-shape.length), shape))
    throw shapeError(`${name}: the last axes are not those that it normalises`, shape, input)
}

/** [n, …, m…] as rows [r, m]. @internal */
export const rowsOf = (backend: Backend, shape: Shape, x: Tensor): Tensor =>
  packedAs(backend, [sizeOf(x.shape.slice(0, x.shape.length - shape.length)), sizeOf(shape)], x)

/** Axes between the sample and those normalised. @internal */
export const positionAxes = (shape: Shape, x: Tensor): readonly number[] =>
  x.shape.slice(1, x.shape.length - shape.length).map((_, axis) => axis + 1)

/**
 * Normalises the last axes of each position of each sample, then scales and shifts each entry.
 *
 *   x̂ = (x − μₙₜ) / √(σ²ₙₜ + ε)     y = γ x̂ + β     gγ = Σₜ gyₜ x̂ₜ     gβ = Σₜ gyₜ
 *
 * Shapes     x [n, …, m…] → y of the same shape; weight and bias [m…]
 * Cost       per-sample gradients are 2m numbers, and are kept
 * Reference  Ba, Kiros, Hinton 2016, arXiv:1607.06450
 *
 * @example
 * layerNorm({ shape: [3, 4] }).init(key(0), [5, 3, 4]).output // => [5, 3, 4]
 */
export const layerNorm = ({
  shape,
  epsilon = 1e-5,
  affine = true,
  bias = true,
}: LayerNormOptions = {}): LayerRule<LayerNormParams, Standardised> => {
  const name = `layerNorm(${shape?.join('×') ?? ''})`
  const normalised = (input: Shape): Shape => shape ?? input.slice(-1)
  const rule: LayerRule<LayerNormParams, Standardised> = layer<LayerNormParams, Standardised>({
    name,
    init: (_key, input: Shape) => {
      const own = normalised(input)
      checkEnd(name, own, input)
      return {
        params: affine ? { weight: full(1, own), ...(bias ? { bias: zeros(own) } : {}) } : {},
        output: input,
      }
    },
    forward: (backend, params, x) => {
      const cache = standardise(backend, epsilon, rowsOf(backend, normalised(x.shape), x))
      const y = reshape(x.shape)(cache.normalised)
      const scaled = params.weight === undefined ? y : backend.zip('mul', y, params.weight)
      return [params.bias === undefined ? scaled : backend.zip('add', scaled, params.bias), cache]
    },
    backward: (backend, { weight }, cache, gy) => {
      const scaled = weight === undefined ? gy : backend.zip('mul', gy, weight)
      return reshape(gy.shape)(pullStandardised(backend, cache, rowsOf(backend, normalised(gy.shape), scaled)))
    },
    perSampleGrad: (backend, params, cache, gy) => {
      const axes = positionAxes(normalised(gy.shape), gy)
      return {
        ...(params.weight === undefined
          ? {}
          : { weight: backend.sum(backend.zip('mul', gy, reshape(gy.shape)(cache.normalised)), axes) }),
        ...(params.bias === undefined ? {} : { bias: backend.sum(gy, axes) }),
      }
    },
    pullback: (backend, params, cache, gy) => keepingPullback(rule, backend, params, cache, gy),
  })
  return rule
}
