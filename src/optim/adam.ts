/**
 * Adam, AMSGrad and AdamW.
 */
import { larger, over, plus, root, times } from '../tensor/formula.js'
import type { EmptyTree } from '../tensor/tree.js'
import { type AccumulatorState, accumulate } from './accumulate.js'
import { addDecayedWeights } from './decay.js'
import { checkBelowOne, checkNonNegative } from './hyperparameters.js'
import type { Schedule } from './schedule.js'
import { chain, type GradientTransformation, type StepState, scaleByLearningRate } from './transform.js'

/** Defaults 0.9, 0.999, 1e-8, false. */
export interface AdamMoments {
  /** Decay of the first moment, in [0, 1). */
  readonly beta1?: number
  /** Decay of the second moment, in [0, 1). */
  readonly beta2?: number
  readonly epsilon?: number
  /** Divide by the largest second moment so far. */
  readonly amsgrad?: boolean
}

/** `maximum` is the empty tree without amsgrad. */
export type AdamMomentsState = AccumulatorState<'firstMoment' | 'secondMoment' | 'maximum'>

/**
 * Adam's direction:
 *
 *   mₜ = β₁ mₜ₋₁ + (1 − β₁) gₜ,  vₜ = β₂ vₜ₋₁ + (1 − β₂) gₜ²        uₜ = m̂ₜ / (√v̂ₜ + ε)
 *   m̂ₜ = mₜ / (1 − β₁ᵗ),  v̂ₜ = vₜ / (1 − β₂ᵗ), and with amsgrad v̂ₜ = max(v₁, …, vₜ) / (1 − β₂ᵗ)
 *
 * Cost        one pass, two accumulators (three with amsgrad)
 * References  Kingma, Ba 2015, arXiv:1412.6980 · Reddi, Kale, Kumar 2018, arXiv:1904.09237; numbers of `torch.optim.Adam`
 *
 * @throws RangeError for options outside of their range
 */
export const scaleByAdam = ({
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
  amsgrad = false,
}: AdamMoments = {}): GradientTransformation<AdamMomentsState> => {
  checkBelowOne('beta1', beta1)
  checkBelowOne('beta2', beta2)
  checkNonNegative('epsilon', epsilon)
  return accumulate({
    initial: { firstMoment: 0, secondMoment: 0, maximum: amsgrad ? 0 : undefined },
    rule: ({ gradient, before, after, update, step }) => {
      const [m, v, maximum] = [before.firstMoment, before.secondMoment, before.maximum]
      const [nextM, nextV, nextMaximum] = [after.firstMoment, after.secondMoment, after.maximum]
      const first = 1 / (1 - beta1 ** step)
      const second = 1 / Math.sqrt(1 - beta2 ** step)
      for (let i = 0; i < update.length; i++) {
        const g = gradient[i] as number
        const mean = beta1 * (m[i] as number) + (1 - beta1) * g
        const square = beta2 * (v[i] as number) + (1 - beta2) * g * g
        nextM[i] = mean
        nextV[i] = square
        let scale = square
        if (amsgrad) {
          scale = Math.max(maximum[i] as number, square)
          nextMaximum[i] = scale
        }
        update[i] = (first * mean) / (second * Math.sqrt(scale) + epsilon)
      }
    },
    formulas: ({ gradient: g, before, step }) => {
      const first = 1 / (1 - beta1 ** step)
      const second = 1 / Math.sqrt(1 - beta2 ** step)
      const mean = plus(times(beta1, before.firstMoment), times(1 - beta1, g))
      const square = plus(times(beta2, before.secondMoment), times(times(1 - beta2, g), g))
      const scale = amsgrad ? larger(before.maximum, square) : square
      return {
        update: over(times(first, mean), plus(times(second, root(scale)), epsilon)),
        after: { firstMoment: mean, secondMoment: square, maximum: scale },
      }
    },
  })
}

/** The settings of `adam` and `adamw`. */
export interface AdamOptions extends AdamMoments {
  readonly learningRate: number | Schedule
  /** λ: of the L2 term in `adam`, of the decoupled decay in `adamw`. Default 0. */
  readonly weightDecay?: number
}

/** What `adam` remembers from step to step. */
export type AdamState = readonly [decay: EmptyTree, moments: AdamMomentsState, schedule: StepState]

/**
 * Adam with L2 decay: chain(addDecayedWeights, scaleByAdam, scaleByLearningRate).
 *
 * @throws RangeError for options outside of their range
 * @example
 * adam({ learningRate: 0.1 }).init(scalar(1))[1].step // => 0
 */
export const adam = ({ learningRate, weightDecay = 0, ...moments }: AdamOptions): GradientTransformation<AdamState> =>
  chain(addDecayedWeights(weightDecay), scaleByAdam(moments), scaleByLearningRate(learningRate))

/** What `adamw` remembers from step to step. */
export type AdamWState = readonly [moments: AdamMomentsState, decay: EmptyTree, schedule: StepState]

/**
 * Adam with decoupled weight decay: chain(scaleByAdam, addDecayedWeights, scaleByLearningRate).
 *
 * References  Loshchilov, Hutter 2019, arXiv:1711.05101; numbers of `torch.optim.AdamW`
 *
 * @throws RangeError for options outside of their range
 */
export const adamw = ({ learningRate, weightDecay = 0, ...moments }: AdamOptions): GradientTransformation<AdamWState> =>
  chain(scaleByAdam(moments), addDecayedWeights(weightDecay), scaleByLearningRate(learningRate))
