/**
 * Adam that takes the variance of known noise out of its second moment.
 */
import { larger, minus, over, plus, root, times } from '../tensor/formula.js'
import type { EmptyTree } from '../tensor/tree.js'
import { type AccumulatorState, accumulate } from './accumulate.js'
import type { AdamOptions } from './adam.js'
import { addDecayedWeights } from './decay.js'
import { checkBelowOne, checkNonNegative } from './hyperparameters.js'
import { chain, type GradientTransformation, type StepState, scaleByLearningRate } from './transform.js'

/** The settings of `noiseCorrectedAdam`. */
export interface NoiseCorrectedAdamOptions extends Omit<AdamOptions, 'amsgrad' | 'epsilon'> {
  /** Φ: the variance of the noise on each number of a gradient. (σC / expectedBatchSize)² after the Gaussian mechanism. */
  readonly noiseVariance: number
  /** γ′: the least divisor. Default 1e-8. */
  readonly floor?: number
}

/** The running means of gradients and of their squares, as in Adam. */
export type NoiseCorrectedMomentsState = AccumulatorState<'firstMoment' | 'secondMoment'>

/** What `noiseCorrectedAdam` remembers from step to step. */
export type NoiseCorrectedAdamState = readonly [
  decay: EmptyTree,
  moments: NoiseCorrectedMomentsState,
  schedule: StepState,
]

/**
 * Bias-corrected DP-Adam, with L2 decay. Noise of variance Φ adds Φ to the second moment of every number, and under strong
 * noise plain Adam divides all of them by the same √Φ; here it is subtracted:
 *
 *   uₜ = m̂ₜ / √max(v̂ₜ − Φ, γ′²),   m̂ₜ and v̂ₜ as in Adam
 *
 * Post-processing: Φ is made of public numbers, so nothing is spent.
 *
 * Cost        one pass, two accumulators
 * References  Tang, Shpilevskiy & Lécuyer 2024, arXiv:2312.14334, Algorithm 1
 *
 * @throws RangeError for options outside of their range
 * @example
 * noiseCorrectedAdam({ learningRate: 0.1, noiseVariance: 0.01 }).init(scalar(1))[1].step // => 0
 */
export const noiseCorrectedAdam = ({
  learningRate,
  noiseVariance,
  floor = 1e-8,
  beta1 = 0.9,
  beta2 = 0.999,
  weightDecay = 0,
}: NoiseCorrectedAdamOptions): GradientTransformation<NoiseCorrectedAdamState> => {
  checkBelowOne('beta1', beta1)
  checkBelowOne('beta2', beta2)
  checkNonNegative('noiseVariance', noiseVariance)
  if (!(floor > 0 && Number.isFinite(floor)))
    throw new RangeError(`floor is ${floor}: it must be a finite number above 0`)
  const moments: GradientTransformation<NoiseCorrectedMomentsState> = accumulate({
    initial: { firstMoment: 0, secondMoment: 0 },
    rule: ({ gradient, before, after, update, step }) => {
      const [m, v] = [before.firstMoment, before.secondMoment]
      const [nextM, nextV] = [after.firstMoment, after.secondMoment]
      const first = 1 / (1 - beta1 ** step)
      const second = 1 / (1 - beta2 ** step)
      for (let i = 0; i < update.length; i++) {
        const g = gradient[i] as number
        const mean = beta1 * (m[i] as number) + (1 - beta1) * g
        const square = beta2 * (v[i] as number) + (1 - beta2) * g * g
        nextM[i] = mean
        nextV[i] = square
        update[i] = (first * mean) / Math.sqrt(Math.max(second * square - noiseVariance, floor * floor))
      }
    },
    formulas: ({ gradient: g, before, step }) => {
      const first = 1 / (1 - beta1 ** step)
      const second = 1 / (1 - beta2 ** step)
      const mean = plus(times(beta1, before.firstMoment), times(1 - beta1, g))
      const square = plus(times(beta2, before.secondMoment), times(times(1 - beta2, g), g))
      const scale = root(larger(minus(times(second, square), noiseVariance), floor * floor))
      return { update: over(times(first, mean), scale), after: { firstMoment: mean, secondMoment: square } }
    },
  })
  return chain(addDecayedWeights(weightDecay), moments, scaleByLearningRate(learningRate))
}
