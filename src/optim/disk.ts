/**
 * DiSK: a Kalman filter on privatised gradients, in its form with one gradient a step.
 */
import { type Tree, zerosLike, zipTreesWith } from '../tensor/tree.js'
import { combine } from './leaf.js'
import { applyUpdates, type GradientTransformation, type OptimizerState } from './transform.js'

/** The settings of `disk`. */
export interface DiskOptions {
  /** κ: the weight of the newest gradient, in (0, 1]. 1 filters nothing. */
  readonly kappa: number
}

/** Steps taken, the last update, the filtered gradient, and the state of the method. */
export type DiskState<S extends OptimizerState> = {
  readonly step: number
  readonly displacement: Tree
  readonly filtered: Tree
  readonly inner: S
}

/**
 * DiSK around a method. The gradient is asked for ahead of the parameters, where the filter needs it, and filtered:
 *
 *   hₜ = ∇f(θₜ + γ dₜ₋₁) clipped and noised,  γ = (1 − κ)/κ        g̃ₜ = (1 − κ) g̃ₜ₋₁ + κ hₜ,  g̃₁ = h₁        dₜ = inner(g̃ₜ)
 *
 * With this γ the combination (1 − κ)/(κγ) ∇f(θ + γd) + (1 − (1 − κ)/(κγ)) ∇f(θ) of the paper is one gradient, so a step is one
 * release by the Gaussian mechanism, with the sensitivity and the event that any step has: where the gradient is taken is public.
 *
 * Cost        two trees of memory, three passes a step
 * References  Zhang, Bu et al. 2024, arXiv:2410.03883, Algorithm 1
 *
 * @throws RangeError unless kappa is in (0, 1]
 * @example
 * const filtered = disk({ kappa: 0.5 }, scale(-1))
 * const [, state] = filtered.update(scalar(2), filtered.init(scalar(4)), scalar(4))
 * toArray(filtered.probe?.(scalar(2), state) as Tensor) // => [0]
 */
export const disk = <S extends OptimizerState>(
  { kappa }: DiskOptions,
  inner: GradientTransformation<S>,
): GradientTransformation<DiskState<S>> => {
  if (!(kappa > 0 && kappa <= 1)) throw new RangeError(`kappa is ${kappa}: it must be in (0, 1]`)
  if (inner.probe !== undefined)
    throw new RangeError('the inner method asks for gradients elsewhere already: one filter of this kind is enough')
  const ahead = (1 - kappa) / kappa
  return {
    init: (params) => ({
      step: 0,
      displacement: zerosLike(params),
      filtered: zerosLike(params),
      inner: inner.init(params),
    }),
    probe: (params, { step, displacement }) =>
      step === 0 ? params : zipTreesWith(combine(1, ahead))(params, displacement),
    update: (updates, { step, filtered, inner: state }, params) => {
      const next = step === 0 ? updates : zipTreesWith(combine(kappa, 1 - kappa))(updates, filtered)
      const [changed, after] = inner.update(next, state, params)
      const zero = zerosLike(params)
      return [
        changed,
        {
          step: step + 1,
          displacement: applyUpdates(zero, changed),
          filtered: applyUpdates(zero, next),
          inner: after,
        },
      ]
    },
  }
}
