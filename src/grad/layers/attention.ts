/**
 * Multi-head self-attention. n sample · t position · e feature · h head · d feature of a head (e = h d).
 */
import { type Shape, shapeError } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { EmptyTree } from '../../tensor/tree.js'
import { inForm } from '../composition/form.js'
import { parallel } from '../composition/parallel.js'
import { sequential } from '../composition/sequential.js'
import type { AnyLayer, LayerRule } from '../layer.js'
import { selfHeads } from './attention-heads.js'
import { type LinearParams, linear } from './linear.js'
import { maskAlone, withMask } from './sequence-mask.js'

/** in_proj_weight [3e, e] (queries, keys, values), in_proj_bias [3e]; out_proj.weight [e, e], out_proj.bias [e]. */
export type AttentionParams = {
  readonly in_proj_weight: Tensor
  readonly in_proj_bias?: Tensor
  readonly out_proj: LinearParams
}

/** The settings of `selfAttention`. */
export interface AttentionOptions {
  /** e. */
  readonly features: number
  /** h; must divide the features. */
  readonly heads: number
  /** Does a position see only itself and those before it? Default false. */
  readonly causal?: boolean
  /** Is the last feature of the input a mask, and of the output too? Default false. */
  readonly masked?: boolean
  /** Default true: a bias in both projections. */
  readonly bias?: boolean
}

/** The parameters of the projections in, of the heads (none), and of the projection out. */
type Projections = readonly [LinearParams, EmptyTree, LinearParams]

/** The parts of a projection of queries, keys and values under PyTorch's names. @internal */
export const projectionIn = ({ weight, bias }: LinearParams): Omit<AttentionParams, 'out_proj'> => ({
  in_proj_weight: weight,
  ...(bias === undefined ? {} : { in_proj_bias: bias }),
})

/** The other way. @internal */
export const projectionOf = ({ in_proj_weight, in_proj_bias }: AttentionParams): LinearParams => ({
  weight: in_proj_weight,
  ...(in_proj_bias === undefined ? {} : { bias: in_proj_bias }),
})

/** What attention does, for any projections in and out; with a mask, which goes by, where `masked`. @internal */
export const attending = (
  inward: AnyLayer,
  { masked = false, ...options }: Pick<AttentionOptions, 'heads' | 'causal' | 'masked'>,
  outward: AnyLayer,
): AnyLayer => {
  const heads = selfHeads({ ...options, masked }) as unknown as AnyLayer
  return masked
    ? (parallel({ combine: 'concatenate', axis: 1 })(
        sequential(withMask(inward), heads, outward) as unknown as AnyLayer,
        maskAlone as unknown as AnyLayer,
      ) as unknown as AnyLayer)
    : (sequential(inward, heads, outward) as unknown as AnyLayer)
}

/** Throws unless the sample is [t, e], with a mask [t, e + 1]. @internal */
export const checkSequence =
  (name: string, { features, heads, masked = false }: AttentionOptions) =>
  (input: Shape): Shape => {
    const width = features + (masked ? 1 : 0)
    if (input.length !== 2 || input[1] !== width || features % heads !== 0)
      throw shapeError(
        `${name} needs [t, ${width}]${masked ? ' with a mask' : ''}, and heads that divide the features`,
        input,
      )
    return input
  }

/**
 * Self-attention: each position becomes a mean of all, weighted by how well its query meets their keys, in several heads.
 *
 *   [q, k, v] = W_in x + b_in     a = softmax(q kᵀ/√d)     y = W_out [a v over heads] + b_out
 *
 * Only the projections have parameters: two affine maps with t positions, in the Gram form where that is cheaper. With a
 * mask nobody looks at a position that does not count; where none counts, the mean is zeros (PyTorch's is NaN).
 *
 * Shapes     x [n, t, e] → y [n, t, e]; `masked`: [n, t, e + 1] → [n, t, e + 1], the last feature a mask
 * Cost       O(n t² e + n t e²); norms as for `linear`
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Vaswani et al. 2017, arXiv:1706.03762
 *
 * @example
 * selfAttention({ features: 8, heads: 2 }).init(key(0), [5, 8]).params.in_proj_weight.shape // => [24, 8]
 */
export const selfAttention = (options: AttentionOptions): LayerRule<AttentionParams, unknown> => {
  const { features, bias = true, masked = false } = options
  const words = `${options.heads} heads${options.causal === true ? ', causal' : ''}${masked ? ', masked' : ''}`
  const name = `selfAttention(${features}, ${words})`
  const check = checkSequence(name, options)
  const whole = attending(linear(3 * features, { bias }), options, linear(features, { bias }))
  type Inner = Projections | readonly [Projections, EmptyTree]
  return inForm<AttentionParams, Inner>({
    name,
    into: (params) => {
      const inner: Projections = [projectionOf(params), {}, params.out_proj]
      return masked ? [inner, {}] : inner
    },
    from: (params) => {
      const [inward, , outward] = (masked ? params[0] : params) as Projections
      return { ...projectionIn(inward), out_proj: outward }
    },
    input: { into: check, from: check },
  })(whole as unknown as LayerRule<Inner, unknown>)
}
