/**
 * Multi-head attention of one sequence to another. n sample · t position · s position of the memory · e feature.
 */
import { type Shape, shapeError } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { EmptyTree } from '../../tensor/tree.js'
import { concatenate, slice, transpose } from '../../tensor/view.js'
import { inForm } from '../composition/form.js'
import { parallel } from '../composition/parallel.js'
import { part } from '../composition/part.js'
import { sequential } from '../composition/sequential.js'
import { type AnyLayer, asLayer, type LayerRule } from '../layer.js'
import type { AttentionParams } from './attention.js'
import { crossHeads } from './attention-heads.js'
import { flatten } from './flatten.js'
import { type LinearParams, linear } from './linear.js'
import { maskAlone } from './sequence-mask.js'

/** The settings of `crossAttention`. */
export interface CrossAttentionOptions {
  /** e. */
  readonly features: number
  /** h; must divide the features. */
  readonly heads: number
  /** s: how many positions, at the end of the input, are the memory that is looked at. */
  readonly memory: number
  /** Is the last feature of the input a mask, and of the output too? Default false. */
  readonly masked?: boolean
  /** Default true: a bias in both projections. */
  readonly bias?: boolean
}

/** Parts along the first axis of a parameter, side by side. */
const joinedRows = (lead: 0 | 1, a: Tensor, b: Tensor): Tensor => {
  if (lead === 0) return concatenate([a, b])
  const swap = transpose([1, 0, ...a.shape.slice(2).map((_, axis) => axis + 2)])
  return swap(concatenate([swap(a), swap(b)]))
}

/**
 * Attention of the first positions of a sequence to its last s, the memory: queries come from those, keys and values from
 * these. The two stand in one sequence, so that a sample stays one tensor.
 *
 *   q = W_q x + b_q     [k, v] = W_kv m + b_kv     y = W_out [softmax(q kᵀ/√d) v over heads] + b_out
 *
 * Shapes     [x, m] [n, t + s, e] → y [n, t, e]; `masked`: e + 1 features, the last of which is a mask
 * Cost       O(n t s e + n (t + s) e²); norms as for three `linear` layers, of t, s and t positions
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Vaswani et al. 2017, arXiv:1706.03762, section 3.2.3
 *
 * @example
 * crossAttention({ features: 8, heads: 2, memory: 3 }).init(key(0), [7, 8]).output // => [4, 8]
 */
export const crossAttention = (options: CrossAttentionOptions): LayerRule<AttentionParams, unknown> => {
  const { features: e, heads, memory: s, masked = false, bias = true } = options
  const name = `crossAttention(${e}, ${heads} heads, memory ${s}${masked ? ', masked' : ''})`
  const width = e + (masked ? 1 : 0)
  const features = masked ? [part({ axis: -1, end: -1 })] : []
  const branch = (positions: AnyLayer, ...rules: readonly unknown[]): AnyLayer =>
    asLayer(sequential(positions, ...(rules as readonly AnyLayer[]), asLayer(flatten)))
  const own = asLayer(part({ axis: 0, end: -s }))
  const ofMemory = asLayer(part({ axis: 0, start: -s }))
  const inward = parallel({ combine: 'concatenate' })(
    branch(own, ...features, linear(e, { bias })),
    branch(ofMemory, ...features, linear(2 * e, { bias })),
    ...(masked ? [branch(ofMemory, maskAlone)] : []),
  )
  const attended = sequential(
    asLayer(inward),
    asLayer(crossHeads({ heads, features: e, memory: s, masked })),
    linear(e, { bias }),
  )
  const whole = masked
    ? parallel({ combine: 'concatenate', axis: 1 })(asLayer(attended), asLayer(sequential(own, asLayer(maskAlone))))
    : attended

  /** Within a branch the projection comes before `flatten`. */
  const at = masked ? 2 : 1
  type Branch = readonly (LinearParams | EmptyTree)[]
  type Attended = readonly [readonly Branch[], EmptyTree, LinearParams]
  type Inner = Attended | readonly [Attended, readonly EmptyTree[]]
  const branchOf = (projection: LinearParams): Branch => [...new Array<EmptyTree>(at).fill({}), projection, {}]
  const rows = (start: number, end: number, { in_proj_weight, in_proj_bias }: AttentionParams): LinearParams => {
    const cut = slice({ axis: 0, start, end })
    return { weight: cut(in_proj_weight), ...(in_proj_bias === undefined ? {} : { bias: cut(in_proj_bias) }) }
  }
  const check = (input: Shape): Shape => {
    if (input.length !== 2 || input[1] !== width || (input[0] as number) < s || !(s >= 1) || e % heads !== 0)
      throw shapeError(`${name} needs [t + ${s}, ${width}], and heads that divide the features`, input)
    return input
  }
  return inForm<AttentionParams, Inner>({
    name,
    into: (params) => {
      const [q, kv] = [rows(0, e, params), rows(e, 3 * e, params)]
      const third: readonly Branch[] = masked ? [[{}, {}, {}]] : []
      const inner: Attended = [[branchOf(q), branchOf(kv), ...third], {}, params.out_proj]
      return masked ? [inner, [{}, {}]] : inner
    },
    from: (params, lead) => {
      const [branches, , outward] = (masked ? params[0] : params) as Attended
      const [q, kv] = [branches[0]?.[at], branches[1]?.[at]] as readonly [LinearParams, LinearParams]
      return {
        in_proj_weight: joinedRows(lead, q.weight, kv.weight),
        ...(q.bias === undefined || kv.bias === undefined ? {} : { in_proj_bias: joinedRows(lead, q.bias, kv.bias) }),
        out_proj: outward,
      }
    },
    input: { into: check, from: check },
  })(whole as unknown as LayerRule<Inner, unknown>)
}
