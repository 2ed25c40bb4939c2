/**
 * The transformer encoder, as a composition. n sample · t position · e feature.
 */
import type { EmptyTree } from '../../tensor/tree.js'
import { inForm } from '../composition/form.js'
import { type ResidualParams, residual } from '../composition/residual.js'
import { sequential } from '../composition/sequential.js'
import type { LayerRule } from '../layer.js'
import { gelu } from './activation.js'
import { type AttentionParams, selfAttention } from './attention.js'
import { type LayerNormParams, layerNorm } from './layer-norm.js'
import { type LinearParams, linear } from './linear.js'

/** PyTorch's names for the parts of `TransformerEncoderLayer` with `norm_first`. */
export type EncoderBlockParams = {
  readonly norm1: LayerNormParams
  readonly self_attn: AttentionParams
  readonly norm2: LayerNormParams
  readonly linear1: LinearParams
  readonly linear2: LinearParams
}

export interface EncoderBlockOptions {
  /** e. */
  readonly features: number
  readonly heads: number
  /** Features between the two affine maps; default 4e. */
  readonly hidden?: number
  /** Does a position see only itself and those before it? Default false. */
  readonly causal?: boolean
}

/** What the residual composition makes of the same parameters. */
type Parts = readonly [
  ResidualParams<readonly [LayerNormParams, AttentionParams], readonly []>,
  ResidualParams<readonly [LayerNormParams, LinearParams, EmptyTree, LinearParams], readonly []>,
]

/**
 * A transformer block with normalisation first: no dropout, which private training hardly uses.
 *
 *   h = x + attention(norm₁ x)     y = h + W₂ gelu(W₁ norm₂ h + b₁) + b₂
 *
 * Shapes     x [n, t, e] → y [n, t, e]
 * Cost       norms: four affine maps with t positions, each in its cheaper form
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Vaswani et al. 2017, arXiv:1706.03762; Xiong et al. 2020, arXiv:2002.04745 (normalisation first)
 *
 * @example
 * encoderBlock({ features: 8, heads: 2 }).init(key(0), [5, 8]).output // => [5, 8]
 */
export const encoderBlock = (options: EncoderBlockOptions): LayerRule<EncoderBlockParams, unknown> => {
  const { features, hidden = 4 * features } = options
  const attend = residual(sequential(layerNorm(), selfAttention(options)))
  const transform = residual(sequential(layerNorm(), linear(hidden), gelu, linear(features)))
  return inForm<EncoderBlockParams, Parts>({
    name: `encoderBlock(${features}, ${options.heads} heads)`,
    into: ({ norm1, self_attn, norm2, linear1, linear2 }) => [
      { body: [norm1, self_attn], shortcut: [] },
      { body: [norm2, linear1, {}, linear2], shortcut: [] },
    ],
    from: ([{ body: first }, { body: second }]) => {
      const [norm1, self_attn] = first
      const [norm2, linear1, , linear2] = second
      return { norm1, self_attn, norm2, linear1, linear2 }
    },
  })(sequential(attend, transform) as unknown as LayerRule<Parts, unknown>)
}
