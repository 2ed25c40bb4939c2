/**
 * Momentum, as PyTorch's SGD has it.
 */
import { type AccumulatorState, accumulate } from './accumulate.js'
import { checkBelowOne, checkNonNegative } from './hyperparameters.js'
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
  const kept = accumulate({
    initial: { trace: decay === 0 ? undefined : 0 },
    rule: ({ gradient, before, after, update, step }) => {
      const old = before.trace
      const next = after.trace
      const keep = step === 1 ? 0 : decay
      const add = step === 1 ? 1 : 1 - dampening
      const ahead = nesterov ? decay : 1
      const direct = nesterov ? 1 : 0
      for (let i = 0; i < update.length; i++) {
        const g = gradient[i] as number
        const b = keep * (old[i] as number) + add * g
        next[i] = b
        update[i] = direct * g + ahead * b
      }
    },
  })
  return decay === 0
    ? { init: kept.init, update: (updates, state) => [updates, { ...state, step: state.step + 1 }] }
    : kept
}
