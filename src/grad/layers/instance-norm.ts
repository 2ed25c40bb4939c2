/**
 * Instance normalisation: each channel of each sample on its own. n sample · c channel · m pixel (of one, two or three
 * axes).
 */
import { type Shape, shapeError } from '../../tensor/shape.js'
import { full, type Tensor, zeros } from '../../tensor/tensor.js'
import { type LayerRule, layer } from '../layer.js'
import { type GroupNormCache, normalisedGroups } from './normalised-groups.js'

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
}: InstanceNormOptions = {}): LayerRule<InstanceNormParams, GroupNormCache> => {
  const name = `instanceNorm(${affine ? 'affine' : ''})`
  return layer<InstanceNormParams, GroupNormCache>({
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
    ...normalisedGroups((channels) => Math.max(1, channels), epsilon),
  })
}
