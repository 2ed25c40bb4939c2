/**
 * RAdam: Adam whose first steps, where the second moment is a guess, leave it out.
 */
import { over, plus, root, times } from '../tensor/formula.js'
import type { EmptyTree } from '../tensor/tree.js'
import { type AccumulatorState, accumulate } from './accumulate.js'
import type { AdamOptions } from './adam.js'
import { addDecayedWeights } from './decay.js'
import { checkBelowOne, checkNonNegative } from './hyperparameters.js'
import { chain, type GradientTransformation, type StepState, scaleByLearningRate } from './transform.js'

/** The running means of gradients and of their squares, as in Adam. */
export type RadamMomentsState = AccumulatorState<'firstMoment' | 'secondMoment'>

/** What `radam` remembers from step to step. */
export type RadamState = readonly [decay: EmptyTree, moments: RadamMomentsState, schedule: StepState]

/** rₜ, the rectification of step t; undefined while the variance of the scale is infinite. */
const rectification = (beta2: number, step: number): number | undefined => {
  const limit = 2 / (1 - beta2) - 1
  const length = limit - (2 * step * beta2 ** step) / (1 - beta2 ** step)
  return length > 5
    ? Math.sqrt(((length - 4) * (length - 2) * limit) / ((limit - 4) * (limit - 2) * length))
    : undefined
}

/**
 * Rectified Adam with L2 decay, moments as in Adam:
 *
 *   ρ∞ = 2/(1 − β₂) − 1,  ρₜ = ρ∞ − 2t β₂ᵗ/(1 − β₂ᵗ),  rₜ² = (ρₜ − 4)(ρₜ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρₜ)
 *   uₜ = m̂ₜ rₜ √(1 − β₂ᵗ) / (√vₜ + ε) where ρₜ > 5,  else m̂ₜ
 *
 * Cost        one pass, two accumulators
 * References  Liu et al. 2020, arXiv:1908.03265; numbers of `torch.optim.RAdam`
 *
 * @throws RangeError for options outside of their range
 * @example
 * radam({ learningRate: 0.1 }).init(scalar(1))[1].step // => 0
 */
export const radam = ({
  learningRate,
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
  weightDecay = 0,
}: Omit<AdamOptions, 'amsgrad'>): GradientTransformation<RadamState> => {
  checkBelowOne('beta1', beta1)
  checkBelowOne('beta2', beta2)
  checkNonNegative('epsilon', epsilon)
  const moments: GradientTransformation<RadamMomentsState> = accumulate({
    initial: { firstMoment: 0, secondMoment: 0 },
    rule: ({ gradient, before, after, update, step }) => {
      const [m, v] = [before.firstMoment, before.secondMoment]
      const [nextM, nextV] = [after.firstMoment, after.secondMoment]
      const first = 1 / (1 - beta1 ** step)
      const rectified = rectification(beta2, step)
      const second = (rectified ?? 0) * Math.sqrt(1 - beta2 ** step)
      for (let i = 0; i < update.length; i++) {
        const g = gradient[i] as number
        const mean = beta1 * (m[i] as number) + (1 - beta1) * g
        const square = beta2 * (v[i] as number) + (1 - beta2) * g * g
        nextM[i] = mean
        nextV[i] = square
        const direction = first * mean
        update[i] = rectified === undefined ? direction : (direction * second) / (Math.sqrt(square) + epsilon)
      }
    },
    formulas: ({ gradient: g, before, step }) => {
      const rectified = rectification(beta2, step)
      const second = (rectified ?? 0) * Math.sqrt(1 - beta2 ** step)
      const mean = plus(times(beta1, before.firstMoment), times(1 - beta1, g))
      const square = plus(times(beta2, before.secondMoment), times(times(1 - beta2, g), g))
      const direction = times(1 / (1 - beta1 ** step), mean)
      return {
        update: rectified === undefined ? direction : over(times(direction, second), plus(root(square), epsilon)),
        after: { firstMoment: mean, secondMoment: square },
      }
    },
  })
  return chain(addDecayedWeights(weightDecay), moments, scaleByLearningRate(learningRate))
}
