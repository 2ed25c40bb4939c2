/**
 * Lion: the sign of a momentum.
 */
import { plus, sign, times } from '../tensor/formula.js'
import type { EmptyTree } from '../tensor/tree.js'
import { type AccumulatorState, accumulate } from './accumulate.js'
import { addDecayedWeights } from './decay.js'
import { checkBelowOne } from './hyperparameters.js'
import type { Schedule } from './schedule.js'
import { chain, type GradientTransformation, type StepState, scaleByLearningRate } from './transform.js'

/** Defaults 0.9, 0.99. */
export interface LionMoments {
  /** How much of the momentum the direction takes, in [0, 1). */
  readonly beta1?: number
  /** How much of the momentum is kept, in [0, 1). */
  readonly beta2?: number
}

/** The running mean. */
export type LionMomentsState = AccumulatorState<'momentum'>

/**
 * Lion's direction:
 *
 *   uₜ = sign(β₁ mₜ₋₁ + (1 − β₁) gₜ),  mₜ = β₂ mₜ₋₁ + (1 − β₂) gₜ
 *
 * Cost        one pass, one accumulator
 * References  Chen et al. 2023, arXiv:2302.06675, Program 1
 *
 * @throws RangeError for options outside of their range
 * @example
 * toArray(scaleByLion().update(tensor([3, -2, 0], [3]), scaleByLion().init(zeros([3])), zeros([3]))[0]) // => [1, -1, 0]
 */
export const scaleByLion = ({
  beta1 = 0.9,
  beta2 = 0.99,
}: LionMoments = {}): GradientTransformation<LionMomentsState> => {
  checkBelowOne('beta1', beta1)
  checkBelowOne('beta2', beta2)
  return accumulate({
    initial: { momentum: 0 },
    rule: ({ gradient, before, after, update }) => {
      const [old, next] = [before.momentum, after.momentum]
      for (let i = 0; i < update.length; i++) {
        const g = gradient[i] as number
        const m = old[i] as number
        next[i] = beta2 * m + (1 - beta2) * g
        update[i] = Math.sign(beta1 * m + (1 - beta1) * g)
      }
    },
    formulas: ({ gradient: g, before: { momentum: m } }) => ({
      update: sign(plus(times(beta1, m), times(1 - beta1, g))),
      after: { momentum: plus(times(beta2, m), times(1 - beta2, g)) },
    }),
  })
}

/** The settings of `lion`. */
export interface LionOptions extends LionMoments {
  readonly learningRate: number | Schedule
  /** λ of the decoupled decay. Default 0. */
  readonly weightDecay?: number
}

/** What `lion` remembers from step to step. */
export type LionState = readonly [moments: LionMomentsState, decay: EmptyTree, schedule: StepState]

/**
 * Lion with decoupled weight decay: chain(scaleByLion, addDecayedWeights, scaleByLearningRate).
 *
 * @throws RangeError for options outside of their range
 */
export const lion = ({ learningRate, weightDecay = 0, ...moments }: LionOptions): GradientTransformation<LionState> =>
  chain(scaleByLion(moments), addDecayedWeights(weightDecay), scaleByLearningRate(learningRate))
