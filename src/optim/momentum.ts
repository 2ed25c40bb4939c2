/**
 * Momentum, as PyTorch's SGD has it.
 */
import { cast, full } from '../tensor/tensor.js'
import { emptyTree, mapTree, zipTreesWith } from '../tensor/tree.js'
import type { AccumulatorState } from './accumulate.js'
import { checkBelowOne, checkNonNegative } from './hyperparameters.js'
import { combine } from './leaf.js'
import type { GradientTransformation } from './transform.js'

/** Defaults: no dampening, no Nesterov. */
export interface TraceOptions {
  /** How much of the trace a step keeps, in [0, 1). */
  readonly decay: number
  /** How much of a gradient the trace leaves out, in [0, 1]; not of the first. */
  readonly dampening?: number
  /** Look ahead: needs decay > 0 and no dampening. */
  readonly nesterov?: boolean
}

/** The trace is the empty tree when decay is 0. */
export type TraceState = AccumulatorState<'trace'>

/**
 * Momentum:
 *
 *   b₁ = g₁,  bₜ = decay·bₜ₋₁ + (1 − dampening)·gₜ        uₜ = bₜ,  or gₜ + decay·bₜ with nesterov
 *
 * With decay 0 updates pass unchanged and nothing is kept.
 *
 * Cost        one pass, one accumulator
 * References  Polyak 1964 · Nesterov 1983 · Sutskever et al. 2013; numbers of `torch.optim.SGD`
 *
 * @throws RangeError for options outside of their range
 * @example
 * toArray(trace({ decay: 0.5 }).update(tensor([1], [1]), { step: 1, trace: tensor([4], [1]) }, tensor([0], [1]))[0]) // => [3]
 */
export const trace = ({ decay, dampening = 0, nesterov = false }: TraceOptions): GradientTransformation<TraceState> => {
  checkBelowOne('decay', decay)
  checkNonNegative('dampening', dampening)
  if (nesterov && (decay === 0 || dampening !== 0))
    throw new RangeError(`nesterov needs decay > 0 and dampening 0: decay is ${decay}, dampening is ${dampening}`)
  if (decay === 0)
    return {
      init: () => ({ step: 0, trace: emptyTree }),
      update: (updates, { step, trace: nothing }) => [updates, { step: step + 1, trace: nothing }],
    }
  return {
    init: (params) => ({ step: 0, trace: mapTree((leaf) => full(0, leaf.shape, leaf.dtype))(params) }),
    update: (updates, state) => {
      const first = state.step === 0
      const next = zipTreesWith(combine(first ? 0 : decay, first ? 1 : 1 - dampening))(state.trace, updates)
      const ahead = zipTreesWith(nesterov ? combine(1, decay) : (gradient, after) => cast(gradient.dtype)(after))
      return [ahead(updates, next), { step: state.step + 1, trace: next }]
    },
  }
}
