/**
 * Low-rank adapters: a frozen layer, and a trained correction of low rank beside it.
 */
import { scalar, type Tensor } from '../../tensor/tensor.js'
import { type EmptyTree, zerosLike } from '../../tensor/tree.js'
import { type LayerRule, withoutParams } from '../layer.js'
import { type LinearParams, linear } from '../layers/linear.js'
import { inForm } from './form.js'
import { frozen } from './frozen.js'
import { parallel } from './parallel.js'
import { sequential } from './sequential.js'

/** down V [r, i], up U [o, r]: what is trained. */
export type LoraParams = { readonly down: Tensor; readonly up: Tensor }

export interface LoraOptions {
  /** r. */
  readonly rank: number
  /** α: the correction is multiplied by α / r. Default r. */
  readonly alpha?: number
}

/** c·x. */
const times = (factor: number): LayerRule<EmptyTree, null> => {
  const c = scalar(factor, 'float64')
  return withoutParams({
    name: `times(${factor})`,
    output: (input) => input,
    forward: (backend, x) => [backend.zip('mul', x, c), null],
    backward: (backend, _none, gy) => backend.zip('mul', gy, c),
  })
}

/**
 * An affine layer with fixed parameters and a trained correction of rank r; it starts as the fixed layer, U being 0.
 *
 *   y = W x + b + (α/r) U V x     gU = (α/r) Σₜ gyₜ (V xₜ)ᵀ     gV = (α/r) Σₜ (Uᵀ gyₜ) xₜᵀ
 *
 * Shapes     x [n, …, i] → y [n, …, o]; down [r, i], up [o, r]
 * Cost       norms as for two `linear` layers of width r; no gradient of W is computed, and no noise is added to it
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Hu et al. 2022, arXiv:2106.09685; Yu et al. 2022, arXiv:2110.06500 (under privacy)
 *
 * @example
 * const base = linear(4).init(key(0), [6]).params
 * namedLeaves(loraLinear(base, { rank: 2 }).init(key(1), [6]).params).map(({ path }) => path) // => ['down', 'up']
 */
export const loraLinear = (base: LinearParams, { rank, alpha = rank }: LoraOptions): LayerRule<LoraParams, unknown> => {
  const outputs = base.weight.shape[0] as number
  type Correction = readonly [{ readonly weight: Tensor }, { readonly weight: Tensor }, EmptyTree]
  type Both = readonly [EmptyTree, Correction]
  const fixed = frozen(base)(linear(outputs, { bias: base.bias !== undefined }))
  const correction = sequential(
    linear(rank, { bias: false }),
    linear(outputs, { bias: false }),
    times(alpha / rank),
  ) as unknown as LayerRule<Correction, unknown>
  const rule = inForm<LoraParams, Both>({
    name: `loraLinear(${outputs}, rank ${rank})`,
    into: ({ down, up }) => [{}, [{ weight: down }, { weight: up }, {}]],
    from: ([, [down, up]]) => ({ down: down.weight, up: up.weight }),
  })(parallel()(fixed, correction) as unknown as LayerRule<Both, unknown>)
  return {
    ...rule,
    init: (k, input) => {
      const made = rule.init(k, input)
      return { ...made, params: { ...made.params, up: zerosLike(made.params.up) } }
    },
  }
}
