/**
 * Adadelta.
 */
import { over, plus, root, times } from '../tensor/formula.js'
import type { EmptyTree } from '../tensor/tree.js'
import { type AccumulatorState, accumulate } from './accumulate.js'
import { addDecayedWeights } from './decay.js'
import { checkBelowOne, checkNonNegative } from './hyperparameters.js'
import type { Schedule } from './schedule.js'
import { chain, type GradientTransformation, type StepState, scaleByLearningRate } from './transform.js'

/** Defaults 1, 0.9, 1e-6, 0. */
export interface AdadeltaOptions {
  readonly learningRate?: number | Schedule
  /** ρ: how much of both mean squares a step keeps, in [0, 1). */
  readonly decay?: number
  readonly epsilon?: number
  /** λ of the L2 term. */
  readonly weightDecay?: number
}

/** Mean squares of the gradients and of the steps. */
export type AdadeltaMeansState = AccumulatorState<'square' | 'delta'>

/** What `adadelta` remembers from step to step. */
export type AdadeltaState = readonly [decay: EmptyTree, means: AdadeltaMeansState, schedule: StepState]

/**
 * Descent in the units of the parameters:
 *
 *   vₜ = ρ vₜ₋₁ + (1 − ρ) gₜ²,  uₜ = √(dₜ₋₁ + ε) / √(vₜ + ε)·gₜ,  dₜ = ρ dₜ₋₁ + (1 − ρ) uₜ²
 *
 * Cost        one pass, two accumulators
 * References  Zeiler 2012, arXiv:1212.5701; numbers of `torch.optim.Adadelta`
 *
 * @throws RangeError for options outside of their range
 * @example
 * adadelta({}).init(scalar(1))[1].step // => 0
 */
export const adadelta = ({
  learningRate = 1,
  decay = 0.9,
  epsilon = 1e-6,
  weightDecay = 0,
}: AdadeltaOptions): GradientTransformation<AdadeltaState> => {
  checkBelowOne('decay', decay)
  checkNonNegative('epsilon', epsilon)
  const means: GradientTransformation<AdadeltaMeansState> = accumulate({
    initial: { square: 0, delta: 0 },
    rule: ({ gradient, before, after, update }) => {
      const [v, d] = [before.square, before.delta]
      const [nextV, nextD] = [after.square, after.delta]
      for (let i = 0; i < update.length; i++) {
        const g = gradient[i] as number
        const square = decay * (v[i] as number) + (1 - decay) * g * g
        const u = (Math.sqrt((d[i] as number) + epsilon) / Math.sqrt(square + epsilon)) * g
        nextV[i] = square
        nextD[i] = decay * (d[i] as number) + (1 - decay) * u * u
        update[i] = u
      }
    },
    formulas: ({ gradient: g, before: { square: v, delta: d } }) => {
      const square = plus(times(decay, v), times(times(1 - decay, g), g))
      const u = times(over(root(plus(d, epsilon)), root(plus(square, epsilon))), g)
      return { update: u, after: { square, delta: plus(times(decay, d), times(times(1 - decay, u), u)) } }
    },
  })
  return chain(addDecayedWeights(weightDecay), means, scaleByLearningRate(learningRate))
}
