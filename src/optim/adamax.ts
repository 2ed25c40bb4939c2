/**
 * Adamax: Adam with the infinity norm.
 */
import { larger, magnitude, over, plus, times } from '../tensor/formula.js'
import type { EmptyTree } from '../tensor/tree.js'
import { type AccumulatorState, accumulate } from './accumulate.js'
import type { AdamOptions } from './adam.js'
import { addDecayedWeights } from './decay.js'
import { checkBelowOne, checkNonNegative } from './hyperparameters.js'
import { chain, type GradientTransformation, type StepState, scaleByLearningRate } from './transform.js'

/** The running mean and the running maximum. */
export type AdamaxMomentsState = AccumulatorState<'firstMoment' | 'norm'>

/** What `adamax` remembers from step to step. */
export type AdamaxState = readonly [decay: EmptyTree, moments: AdamaxMomentsState, schedule: StepState]

/**
 * Adam with L2 decay and a running maximum for its scale:
 *
 *   mₜ = β₁ mₜ₋₁ + (1 − β₁) gₜ,  nₜ = max(β₂ nₜ₋₁, |gₜ| + ε)        uₜ = mₜ / ((1 − β₁ᵗ) nₜ)
 *
 * Cost        one pass, two accumulators
 * References  Kingma, Ba 2015, arXiv:1412.6980, section 7.1; numbers of `torch.optim.Adamax`
 *
 * @throws RangeError for options outside of their range
 * @example
 * adamax({ learningRate: 0.1 }).init(scalar(1))[1].step // => 0
 */
export const adamax = ({
  learningRate,
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
  weightDecay = 0,
}: Omit<AdamOptions, 'amsgrad'>): GradientTransformation<AdamaxState> => {
  checkBelowOne('beta1', beta1)
  checkBelowOne('beta2', beta2)
  checkNonNegative('epsilon', epsilon)
  const moments: GradientTransformation<AdamaxMomentsState> = accumulate({
    initial: { firstMoment: 0, norm: 0 },
    rule: ({ gradient, before, after, update, step }) => {
      const [m, n] = [before.firstMoment, before.norm]
      const [nextM, nextN] = [after.firstMoment, after.norm]
      const first = 1 / (1 - beta1 ** step)
      for (let i = 0; i < update.length; i++) {
        const g = gradient[i] as number
        const mean = beta1 * (m[i] as number) + (1 - beta1) * g
        const norm = Math.max(beta2 * (n[i] as number), Math.abs(g) + epsilon)
        nextM[i] = mean
        nextN[i] = norm
        update[i] = (first * mean) / norm
      }
    },
    formulas: ({ gradient: g, before, step }) => {
      const first = 1 / (1 - beta1 ** step)
      const mean = plus(times(beta1, before.firstMoment), times(1 - beta1, g))
      const norm = larger(times(beta2, before.norm), plus(magnitude(g), epsilon))
      return { update: over(times(first, mean), norm), after: { firstMoment: mean, norm } }
    },
  })
  return chain(addDecayedWeights(weightDecay), moments, scaleByLearningRate(learningRate))
}
