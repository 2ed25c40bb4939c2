/**
 * Transformer blocks, as compositions. n sample · t position · s position of the memory · e feature.
 */
import type { EmptyTree, Tree } from '../../tensor/tree.js'
import { inForm } from '../composition/form.js'
import { onPart } from '../composition/part.js'
import { residual } from '../composition/residual.js'
import { sequential } from '../composition/sequential.js'
import { type AnyLayer, asLayer, type LayerRule } from '../layer.js'
import { gelu } from './activation.js'
import { type AttentionParams, selfAttention } from './attention.js'
import { crossAttention } from './cross-attention.js'
import { type LayerNormParams, layerNorm } from './layer-norm.js'
import { type LinearParams, linear } from './linear.js'
import { pad } from './pad.js'
import { withMask } from './sequence-mask.js'

/** PyTorch's names for the parts of `TransformerEncoderLayer` with `norm_first`. */
export type EncoderBlockParams = {
  readonly norm1: LayerNormParams
  readonly self_attn: AttentionParams
  readonly norm2: LayerNormParams
  readonly linear1: LinearParams
  readonly linear2: LinearParams
}

/** PyTorch's names for the parts of `TransformerDecoderLayer` with `norm_first`. */
export type DecoderBlockParams = EncoderBlockParams & {
  readonly multihead_attn: AttentionParams
  readonly norm3: LayerNormParams
}

/** The settings of `encoderBlock`. */
export interface EncoderBlockOptions {
  /** e. */
  readonly features: number
  readonly heads: number
  /** Features between the two affine maps; default 4e. */
  readonly hidden?: number
  /** Does a position see only itself and those before it? Default false; true in a decoder. */
  readonly causal?: boolean
  /** Is the last feature of the input a mask, and of the output too? Default false. */
  readonly masked?: boolean
  /** Between the two affine maps; default gelu. */
  readonly activation?: LayerRule<EmptyTree, unknown>
  /** Makes a layer for each place where PyTorch drops numbers between layers (see `withDropout`); default none. */
  readonly dropout?: () => LayerRule<EmptyTree, unknown>
  /** Default true: a bias in every affine map and normalisation. */
  readonly bias?: boolean
}

/** The settings of `decoderBlock`. */
export interface DecoderBlockOptions extends EncoderBlockOptions {
  /** s: how many positions, at the end of the input, are the memory. */
  readonly memory: number
}

/** The sublayers of blocks: each adds to its input what it makes of the normalised input. */
const sublayers = (options: EncoderBlockOptions) => {
  const { features, hidden = 4 * features, masked = false, bias = true, activation = gelu, dropout } = options
  const lifted = (rule: unknown): AnyLayer => (masked ? asLayer(withMask(asLayer(rule))) : asLayer(rule))
  const drop = (): readonly AnyLayer[] => (dropout === undefined ? [] : [lifted(dropout())])
  const norm = (): AnyLayer => asLayer(layerNorm({ bias }))
  const dropped = dropout !== undefined
  const afterwards = dropped ? [{}] : []
  return {
    lifted,
    drop,
    norm,
    /** Parameters of what stands after an attention. */
    afterwards,
    attend: (attention: AnyLayer): AnyLayer => asLayer(residual(sequential(lifted(norm()), attention, ...drop()))),
    attendParams: (norm1: Tree, attention: Tree): Tree => ({ body: [norm1, attention, ...afterwards], shortcut: [] }),
    transform: asLayer(
      residual(
        sequential(
          lifted(sequential(norm(), linear(hidden, { bias }), asLayer(activation))),
          ...drop(),
          lifted(linear(features, { bias })),
          ...drop(),
        ),
      ),
    ),
    transformParams: (norm2: Tree, linear1: Tree, linear2: Tree): Tree => ({
      body: [[norm2, linear1, {}], ...afterwards, linear2, ...afterwards],
      shortcut: [],
    }),
    linear2At: dropped ? 2 : 1,
  }
}

/** Parameters of a residual sublayer. */
interface Sublayer {
  readonly body: readonly Tree[]
}

const transformed = (
  params: Sublayer,
  linear2At: number,
): Pick<EncoderBlockParams, 'norm2' | 'linear1' | 'linear2'> => {
  const [norm2, linear1] = params.body[0] as unknown as readonly [LayerNormParams, LinearParams]
  return { norm2, linear1, linear2: params.body[linear2At] as unknown as LinearParams }
}

/**
 * A transformer block with normalisation first.
 *
 *   h = x + attention(norm₁ x)     y = h + W₂ gelu(W₁ norm₂ h + b₁) + b₂
 *
 * Shapes     x [n, t, e] → y [n, t, e]; `masked`: e + 1 features, the last of which is a mask
 * Cost       norms: four affine maps with t positions, each in its cheaper form
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Vaswani et al. 2017, arXiv:1706.03762; Xiong et al. 2020, arXiv:2002.04745 (normalisation first)
 *
 * @example
 * encoderBlock({ features: 8, heads: 2 }).init(key(0), [5, 8]).output // => [5, 8]
 */
export const encoderBlock = (options: EncoderBlockOptions): LayerRule<EncoderBlockParams, unknown> => {
  const { attend, attendParams, transform, transformParams, linear2At } = sublayers(options)
  type Parts = readonly [Sublayer & Tree, Sublayer & Tree]
  return inForm<EncoderBlockParams, Parts>({
    name: `encoderBlock(${options.features}, ${options.heads} heads)`,
    into: ({ norm1, self_attn, norm2, linear1, linear2 }) =>
      [attendParams(norm1, self_attn), transformParams(norm2, linear1, linear2)] as unknown as Parts,
    from: ([first, second]) => {
      const [norm1, self_attn] = first.body as unknown as readonly [LayerNormParams, AttentionParams]
      return { norm1, self_attn, ...transformed(second, linear2At) }
    },
  })(sequential(attend(asLayer(selfAttention(options))), transform) as unknown as LayerRule<Parts, unknown>)
}

/**
 * A transformer block that also looks at a memory: the last s positions of the input, which it hands on unchanged, so that
 * blocks follow each other. Causal unless told otherwise.
 *
 *   h = x + attention(norm₁ x)     k = h + attention(norm₂ h, m)     y = k + W₂ gelu(W₁ norm₃ k + b₁) + b₂
 *
 * Shapes     [x, m] [n, t + s, e] → [y, m] of the same shape; `masked`: e + 1 features, the last of which is a mask
 * Cost       norms: seven affine maps, each in its cheaper form
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Vaswani et al. 2017, arXiv:1706.03762; Xiong et al. 2020, arXiv:2002.04745 (normalisation first)
 *
 * @example
 * decoderBlock({ features: 8, heads: 2, memory: 3 }).init(key(0), [7, 8]).output // => [7, 8]
 */
export const decoderBlock = (options: DecoderBlockOptions): LayerRule<DecoderBlockParams, unknown> => {
  const { features, heads, memory, masked = false, bias = true, causal = true } = options
  const { attend, attendParams, transform, transformParams, linear2At, lifted, norm, drop, afterwards } =
    sublayers(options)
  const own = onPart({ axis: 0, end: -memory })
  const nothing = pad({
    edges: [
      [0, memory],
      [0, 0],
    ],
  })
  const look = sequential(
    own(lifted(norm())),
    asLayer(crossAttention({ features, heads, memory, masked, bias })),
    ...drop(),
    asLayer(nothing),
  )
  const whole = sequential(
    own(attend(asLayer(selfAttention({ ...options, causal })))),
    asLayer(residual(look)),
    own(transform),
  )
  type Parts = readonly [Sublayer & Tree, Sublayer & Tree, Sublayer & Tree]
  return inForm<DecoderBlockParams, Parts>({
    name: `decoderBlock(${features}, ${heads} heads, memory ${memory})`,
    into: ({ norm1, self_attn, norm2, multihead_attn, norm3, linear1, linear2 }) =>
      [
        attendParams(norm1, self_attn),
        { body: [norm2, multihead_attn, ...afterwards, {}], shortcut: [] },
        transformParams(norm3, linear1, linear2),
      ] as unknown as Parts,
    from: ([first, second, third]) => {
      const [norm1, self_attn] = first.body as unknown as readonly [LayerNormParams, AttentionParams]
      const [norm2, multihead_attn] = second.body as unknown as readonly [LayerNormParams, AttentionParams]
      const { norm2: norm3, linear1, linear2 } = transformed(third, linear2At)
      return { norm1, self_attn, norm2, multihead_attn, norm3, linear1, linear2 }
    },
  })(whole as unknown as LayerRule<Parts, unknown>)
}
