/**
 * RMSprop.
 */
import { larger, minus, over, plus, root, times } from '../tensor/formula.js'
import type { EmptyTree } from '../tensor/tree.js'
import { type AccumulatorState, accumulate } from './accumulate.js'
import { addDecayedWeights } from './decay.js'
import { checkBelowOne, checkNonNegative } from './hyperparameters.js'
import { type TraceState, trace } from './momentum.js'
import type { Schedule } from './schedule.js'
import { chain, type GradientTransformation, type StepState, scaleByLearningRate } from './transform.js'

/** Defaults 0.99, 1e-8, false. */
export interface RmsOptions {
  /** α: how much of the mean square a step keeps, in [0, 1). */
  readonly decay?: number
  readonly epsilon?: number
  /** Divide by the standard deviation instead of the root mean square. */
  readonly centered?: boolean
}

/** `mean` is the empty tree unless centered. */
export type RmsState = AccumulatorState<'square' | 'mean'>

/**
 * g over its root mean square:
 *
 *   vₜ = α vₜ₋₁ + (1 − α) gₜ²,  mₜ = α mₜ₋₁ + (1 − α) gₜ        uₜ = gₜ / (√vₜ + ε), centered: gₜ / (√(vₜ − mₜ²) + ε)
 *
 * Cost        one pass, one accumulator (two when centered)
 * References  Tieleman, Hinton 2012 · Graves 2013, arXiv:1308.0850 (centered); numbers of `torch.optim.RMSprop`
 *
 * @throws RangeError for options outside of their range
 */
export const scaleByRms = ({
  decay = 0.99,
  epsilon = 1e-8,
  centered = false,
}: RmsOptions = {}): GradientTransformation<RmsState> => {
  checkBelowOne('decay', decay)
  checkNonNegative('epsilon', epsilon)
  return accumulate({
    initial: { square: 0, mean: centered ? 0 : undefined },
    rule: ({ gradient, before, after, update }) => {
      const [v, m] = [before.square, before.mean]
      const [nextV, nextM] = [after.square, after.mean]
      for (let i = 0; i < update.length; i++) {
        const g = gradient[i] as number
        const square = decay * (v[i] as number) + (1 - decay) * g * g
        nextV[i] = square
        let spread = square
        if (centered) {
          const mean = decay * (m[i] as number) + (1 - decay) * g
          nextM[i] = mean
          // Equal to 0 but for rounding when g never changes; rounding must not make it negative.
          spread = Math.max(square - mean * mean, 0)
        }
        update[i] = g / (Math.sqrt(spread) + epsilon)
      }
    },
    formulas: ({ gradient: g, before }) => {
      const square = plus(times(decay, before.square), times(times(1 - decay, g), g))
      const mean = plus(times(decay, before.mean), times(1 - decay, g))
      const spread = centered ? larger(minus(square, times(mean, mean)), 0) : square
      return { update: over(g, plus(root(spread), epsilon)), after: { square, mean } }
    },
  })
}

/** The settings of `rmsprop`. */
export interface RmspropOptions extends RmsOptions {
  readonly learningRate: number | Schedule
  /** Of the rescaled gradients, in [0, 1). Default 0. */
  readonly momentum?: number
  /** λ of the L2 term. Default 0. */
  readonly weightDecay?: number
}

/** What `rmsprop` remembers from step to step. */
export type RmspropState = readonly [decay: EmptyTree, square: RmsState, momentum: TraceState, schedule: StepState]

/**
 * Descent along rescaled gradients: chain(addDecayedWeights, scaleByRms, trace, scaleByLearningRate).
 *
 * @throws RangeError for options outside of their range
 * @example
 * rmsprop({ learningRate: 0.1 }).init(scalar(1))[1].step // => 0
 */
export const rmsprop = ({
  learningRate,
  momentum = 0,
  weightDecay = 0,
  ...rms
}: RmspropOptions): GradientTransformation<RmspropState> =>
  chain(addDecayedWeights(weightDecay), scaleByRms(rms), trace({ decay: momentum }), scaleByLearningRate(learningRate))
