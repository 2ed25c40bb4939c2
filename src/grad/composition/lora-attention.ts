/**
 * Low-rank adapters of attention: fixed projections, and trained corrections of some of them. n sample · t position ·
 * e feature.
 */
import type { EmptyTree, Tree } from '../../tensor/tree.js'
import { type AnyLayer, asLayer, type LayerRule } from '../layer.js'
import {
  type AttentionOptions,
  type AttentionParams,
  attending,
  checkSequence,
  projectionOf,
} from '../layers/attention.js'
import { linear } from '../layers/linear.js'
import { pad } from '../layers/pad.js'
import { inForm } from './form.js'
import { frozen } from './frozen.js'
import { type LoraOptions, type LoraParams, loraLinear, lowRank } from './lora.js'
import { parallel } from './parallel.js'
import { sequential } from './sequential.js'

/** A projection of attention. */
export type Projection = 'query' | 'key' | 'value' | 'output'

/** The settings of `loraAttention`. */
export interface LoraAttentionOptions extends LoraOptions, Omit<AttentionOptions, 'bias'> {
  /** Which projections are corrected; default queries and values, as Hu et al. have it. */
  readonly targets?: readonly Projection[]
}

/** The corrections by the name of their projection. */
export type LoraAttentionParams = { readonly [K in Projection]?: LoraParams }

const inward = ['query', 'key', 'value'] as const

/**
 * Self-attention with fixed parameters, and trained corrections of rank r of some of its projections; it starts as the
 * fixed layer.
 *
 *   q = W_q x + b_q + (α/r) U_q V_q x,   and so for keys, values and the output, where they are targets
 *
 * Shapes     those of `selfAttention`; for each target down [r, e], up [e, r]
 * Cost       norms as for two `linear` layers of width r for each target; no gradient of the fixed parameters is computed
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Errors     ShapeError where the input does not fit; RangeError where nothing is a target
 * Reference  Hu et al. 2022, arXiv:2106.09685, section 4.2
 *
 * @example
 * const base = selfAttention({ features: 8, heads: 2 }).init(key(0), [5, 8]).params
 * namedLeaves(loraAttention(base, { features: 8, heads: 2, rank: 2 }).init(key(1), [5, 8]).params).map(({ path }) => path) // => ['query.down', 'query.up', 'value.down', 'value.up']
 */
export const loraAttention = (
  base: AttentionParams,
  options: LoraAttentionOptions,
): LayerRule<LoraAttentionParams, unknown> => {
  const { features: e, rank, targets = ['query', 'value'], masked = false } = options
  const name = `loraAttention(${e}, ${options.heads} heads, rank ${rank})`
  if (targets.length === 0) throw new RangeError(`${name}: there is no target; at least one projection is corrected`)
  const corrected = inward.filter((projection) => targets.includes(projection))
  const affine = (features: number, bias: boolean): AnyLayer => asLayer(linear(features, { bias }))
  const placedAt = (index: number): AnyLayer => asLayer(pad({ edges: [[index * e, (2 - index) * e]] }))
  const correction = (projection: (typeof inward)[number]): AnyLayer =>
    asLayer(
      sequential(
        asLayer(lowRank(`${name}: ${projection}`, options, [affine(rank, false), affine(e, false)])),
        placedAt(inward.indexOf(projection)),
      ),
    )
  const fixed = projectionOf(base)
  const projections = parallel()(
    asLayer(frozen(fixed)(linear(3 * e, { bias: fixed.bias !== undefined }))),
    ...corrected.map(correction),
  )
  const outputs = targets.includes('output')
  const outward = outputs
    ? loraLinear(base.out_proj, options)
    : frozen(base.out_proj)(linear(e, { bias: base.out_proj.bias !== undefined }))
  const check = checkSequence(name, options)
  type Inner = readonly [readonly (Tree | EmptyTree)[], EmptyTree, Tree]
  return inForm<LoraAttentionParams & Tree, Tree>({
    name,
    into: (params) => {
      const inner: Inner = [
        [{}, ...corrected.map((projection) => [params[projection] as LoraParams, {}])],
        {},
        (outputs ? params.output : {}) as Tree,
      ]
      return masked ? [inner, {}] : inner
    },
    from: (params) => {
      const [parts, , output] = (masked ? (params as readonly Tree[])[0] : params) as Inner
      const own = corrected.map((projection, b) => [projection, (parts[b + 1] as readonly LoraParams[])[0]] as const)
      return { ...Object.fromEntries(own), ...(outputs ? { output } : {}) } as LoraAttentionParams & Tree
    },
    input: { into: check, from: check },
  })(attending(asLayer(projections), options, asLayer(outward)) as unknown as LayerRule<Tree, unknown>)
}
