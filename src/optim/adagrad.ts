/**
 * Adagrad.
 */
import { over, plus, root, times } from '../tensor/formula.js'
import type { EmptyTree } from '../tensor/tree.js'
import { type AccumulatorState, accumulate } from './accumulate.js'
import { addDecayedWeights } from './decay.js'
import { checkNonNegative } from './hyperparameters.js'
import { asSchedule, type Schedule } from './schedule.js'
import { chain, type GradientTransformation, type StepState, scaleByLearningRate } from './transform.js'

/** Defaults 0, 1e-10. */
export interface SumOfSquaresOptions {
  /** What the sums start from. */
  readonly initialSum?: number
  readonly epsilon?: number
}

/** The sum of the squares so far. */
export type SumOfSquaresState = AccumulatorState<'sum'>

/**
 * g over the root of the sum of all its squares:
 *
 *   sₜ = sₜ₋₁ + gₜ²        uₜ = gₜ / (√sₜ + ε)
 *
 * Cost        one pass, one accumulator
 * References  Duchi, Hazan, Singer 2011
 *
 * @throws RangeError for options outside of their range
 */
export const scaleBySumOfSquares = ({
  initialSum = 0,
  epsilon = 1e-10,
}: SumOfSquaresOptions = {}): GradientTransformation<SumOfSquaresState> => {
  checkNonNegative('initialSum', initialSum)
  checkNonNegative('epsilon', epsilon)
  return accumulate({
    initial: { sum: initialSum },
    rule: ({ gradient, before, after, update }) => {
      const s = before.sum
      const next = after.sum
      for (let i = 0; i < update.length; i++) {
        const g = gradient[i] as number
        const sum = (s[i] as number) + g * g
        next[i] = sum
        update[i] = g / (Math.sqrt(sum) + epsilon)
      }
    },
    formulas: ({ gradient: g, before }) => {
      const sum = plus(before.sum, times(g, g))
      return { update: over(g, plus(root(sum), epsilon)), after: { sum } }
    },
  })
}

/** The settings of `adagrad`. */
export interface AdagradOptions extends SumOfSquaresOptions {
  readonly learningRate: number | Schedule
  /** The learning rate of step t is divided by 1 + t·learningRateDecay. Default 0. */
  readonly learningRateDecay?: number
  /** λ of the L2 term. Default 0. */
  readonly weightDecay?: number
}

/** What `adagrad` remembers from step to step. */
export type AdagradState = readonly [decay: EmptyTree, sum: SumOfSquaresState, schedule: StepState]

/**
 * Descent with a rate for each coordinate: chain(addDecayedWeights, scaleBySumOfSquares, scaleByLearningRate).
 *
 * References  numbers of `torch.optim.Adagrad`
 *
 * @throws RangeError for options outside of their range
 * @example
 * adagrad({ learningRate: 0.1 }).init(scalar(1))[1].step // => 0
 */
export const adagrad = ({
  learningRate,
  learningRateDecay = 0,
  weightDecay = 0,
  ...sums
}: AdagradOptions): GradientTransformation<AdagradState> => {
  checkNonNegative('learningRateDecay', learningRateDecay)
  const base = asSchedule(learningRate)
  return chain(
    addDecayedWeights(weightDecay),
    scaleBySumOfSquares(sums),
    scaleByLearningRate((step) => base(step) / (1 + step * learningRateDecay)),
  )
}
