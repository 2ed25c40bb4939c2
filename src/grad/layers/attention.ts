/**
 * Multi-head self-attention. n sample · t, s position · e feature · h head · d feature of a head (e = h d).
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError } from '../../tensor/shape.js'
import { scalar, type Tensor, tensor } from '../../tensor/tensor.js'
import type { EmptyTree } from '../../tensor/tree.js'
import { reshape, transpose } from '../../tensor/view.js'
import { inForm } from '../composition/form.js'
import { sequential } from '../composition/sequential.js'
import { type LayerRule, withoutParams } from '../layer.js'
import { join, packedAs, pick } from '../pack.js'
import { type LinearParams, linear } from './linear.js'
import { pullSoftmax, softmaxOf } from './softmax.js'

/** in_proj_weight [3e, e] (queries, keys, values), in_proj_bias [3e]; out_proj.weight [e, e], out_proj.bias [e]. */
export type AttentionParams = {
  readonly in_proj_weight: Tensor
  readonly in_proj_bias?: Tensor
  readonly out_proj: LinearParams
}

export interface AttentionOptions {
  /** e. */
  readonly features: number
  /** h; must divide the features. */
  readonly heads: number
  /** Does a position see only itself and those before it? Default false. */
  readonly causal?: boolean
  /** Default true: a bias in both projections. */
  readonly bias?: boolean
}

/** Queries, keys and values, [n, h, t, d] each, and the weights of the mean [n, h, t, s]. */
interface HeadsCache {
  readonly q: Tensor
  readonly k: Tensor
  readonly v: Tensor
  readonly weights: Tensor
}

/** 0 where position t may look at s, −∞ where s is later. */
const causalMask = (t: number): Tensor =>
  tensor(
    Array.from({ length: t * t }, (_, i) => (i % t > Math.floor(i / t) ? Number.NEGATIVE_INFINITY : 0)),
    [t, t],
  )

const swapLast = (x: Tensor): Tensor => transpose([0, 1, 3, 2])(x)

/** [n, h, t, d] as [n, t, 1, e]. */
const joinHeads = (backend: Backend, x: Tensor): Tensor => {
  const [n, h, t, d] = x.shape as readonly [number, number, number, number]
  return packedAs(backend, [n, t, 1, h * d], transpose([0, 2, 1, 3])(x))
}

/** softmax(q kᵀ / √d) v for each head: [n, t, 3e] → [n, t, e]. It has no parameters. */
const heads = ({ heads: h, causal = false }: AttentionOptions): LayerRule<EmptyTree, HeadsCache> => {
  /** [n, t, e] as a view [n, h, t, d]. */
  const split = (x: Tensor): Tensor => {
    const [n, t, e] = x.shape as readonly [number, number, number]
    return transpose([0, 2, 1, 3])(reshape([n, t, h, e / h])(x))
  }
  const scaled = (backend: Backend, d: number, x: Tensor): Tensor =>
    backend.zip('mul', x, scalar(1 / Math.sqrt(d), 'float64'))
  return withoutParams({
    name: `heads(${h})`,
    output: ([t, e]: Shape) => [t as number, (e as number) / 3],
    forward: (backend, x) => {
      const [n, t, threefold] = x.shape as readonly [number, number, number]
      const d = threefold / 3 / h
      const each = transpose([0, 3, 1, 2, 4])(reshape([n, t, 3, h, d])(x))
      const [q, k, v] = [0, 1, 2].map((part) => pick(3, part, each)) as unknown as readonly [Tensor, Tensor, Tensor]
      const scores = scaled(backend, d, backend.matmul(q, swapLast(k)))
      const weights = softmaxOf(backend, causal ? backend.zip('add', scores, causalMask(t)) : scores)
      return [reshape([n, t, h * d])(joinHeads(backend, backend.matmul(weights, v))), { q, k, v, weights }]
    },
    backward: (backend, { q, k, v, weights }, gy) => {
      const [n, , t, d] = q.shape as readonly [number, number, number, number]
      const cotangent = split(packedAs(backend, gy.shape, gy))
      const ofScores = pullSoftmax(backend, weights, backend.matmul(cotangent, swapLast(v)))
      const parts = [
        scaled(backend, d, backend.matmul(ofScores, k)),
        scaled(backend, d, backend.matmul(swapLast(ofScores), q)),
        backend.matmul(swapLast(weights), cotangent),
      ].map((part) => joinHeads(backend, part)) as unknown as readonly [Tensor, Tensor, Tensor]
      return reshape([n, t, 3 * h * d])(join(backend, 2, parts))
    },
  })
}

/** The parameters of the projections in, of the heads (none), and of the projection out. */
type Projections = readonly [LinearParams, EmptyTree, LinearParams]

/**
 * Self-attention: each position becomes a mean of all, weighted by how well its query meets their keys, in several heads.
 *
 *   [q, k, v] = W_in x + b_in     a = softmax(q kᵀ/√d)     y = W_out [a v over heads] + b_out
 *
 * Only the projections have parameters: two affine maps with t positions, in the Gram form where that is cheaper.
 *
 * Shapes     x [n, t, e] → y [n, t, e]
 * Cost       O(n t² e + n t e²); norms as for `linear`
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Vaswani et al. 2017, arXiv:1706.03762
 *
 * @example
 * selfAttention({ features: 8, heads: 2 }).init(key(0), [5, 8]).params.in_proj_weight.shape // => [24, 8]
 */
export const selfAttention = (options: AttentionOptions): LayerRule<AttentionParams, unknown> => {
  const { features, bias = true } = options
  const name = `selfAttention(${features}, ${options.heads} heads${options.causal === true ? ', causal' : ''})`
  const check = (input: Shape): Shape => {
    if (input.length !== 2 || input[1] !== features || features % options.heads !== 0)
      throw shapeError(`${name} needs [t, ${features}], which the heads divide`, input)
    return input
  }
  return inForm<AttentionParams, Projections>({
    name,
    into: ({ in_proj_weight, in_proj_bias, out_proj }) => [
      { weight: in_proj_weight, ...(in_proj_bias === undefined ? {} : { bias: in_proj_bias }) },
      {},
      out_proj,
    ],
    from: ([inward, , outward]) => ({
      in_proj_weight: inward.weight,
      ...(inward.bias === undefined ? {} : { in_proj_bias: inward.bias }),
      out_proj: outward,
    }),
    input: { into: check, from: check },
  })(
    sequential(linear(3 * features, { bias }), heads(options), linear(features, { bias })) as unknown as LayerRule<
      Projections,
      unknown
    >,
  )
}
