/**
 * Group normalisation: the normalisation that private learning can use, since it never looks across samples.
 * n sample · g group · c channel.
 */
import { type Shape, shapeError } from '../../tensor/shape.js'
import { full, zeros } from '../../tensor/tensor.js'
import { type LayerRule, layer } from '../layer.js'
import { type GroupNormCache, type GroupNormParams, normalisedGroups } from './normalised-groups.js'

export type { GroupNormCache, GroupNormParams } from './normalised-groups.js'

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
