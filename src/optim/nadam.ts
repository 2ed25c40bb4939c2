/**
 * NAdam: Adam that looks ahead, as Nesterov does.
 */
import { over, plus, root, times } from '../tensor/formula.js'
import type { EmptyTree, Tree } from '../tensor/tree.js'
import { type AccumulatorState, accumulate } from './accumulate.js'
import type { AdamOptions } from './adam.js'
import { addDecayedWeights } from './decay.js'
import { checkBelowOne, checkNonNegative } from './hyperparameters.js'
import { chain, type GradientTransformation, type StepState, scaleByLearningRate } from './transform.js'

/** Moments as in Adam, and the product μ₁·…·μₜ of the momenta so far. */
export type NadamMomentsState = AccumulatorState<'firstMoment' | 'secondMoment'> & { readonly product: number }

/** What `nadam` remembers from step to step. */
export type NadamState = readonly [decay: EmptyTree, moments: NadamMomentsState, schedule: StepState]

/** The settings of `nadam`. */
export interface NadamOptions extends Omit<AdamOptions, 'amsgrad'> {
  /** ψ: how fast the momentum rises to β₁. Default 0.004. */
  readonly momentumDecay?: number
  /** Count μₜ twice in 1 − μ₁…μₜ₊₁, as PyTorch did before version 2: to go on with its runs. Default false. */
  readonly doubleCount?: boolean
}

/**
 * Adam with Nesterov momentum and L2 decay, moments as in Adam:
 *
 *   μₜ = β₁ (1 − ½·0.96^{tψ})
 *   uₜ = (μₜ₊₁ mₜ / (1 − μ₁…μₜ₊₁) + (1 − μₜ) gₜ / (1 − μ₁…μₜ)) / (√(vₜ / (1 − β₂ᵗ)) + ε)
 *
 * Cost        one pass, two accumulators
 * References  Dozat 2016, "Incorporating Nesterov momentum into Adam"; numbers of `torch.optim.NAdam` since PyTorch 2
 *
 * @throws RangeError for options outside of their range
 * @example
 * nadam({ learningRate: 0.1 }).init(scalar(1))[1].product // => 1
 */
export const nadam = ({
  learningRate,
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
  momentumDecay = 0.004,
  doubleCount = false,
  weightDecay = 0,
}: NadamOptions): GradientTransformation<NadamState> => {
  checkBelowOne('beta1', beta1)
  checkBelowOne('beta2', beta2)
  checkNonNegative('epsilon', epsilon)
  checkNonNegative('momentumDecay', momentumDecay)
  const momentum = (step: number): number => beta1 * (1 - 0.5 * 0.96 ** (step * momentumDecay))
  const coefficients = (product: number, step: number) => {
    const past = product * momentum(step)
    const ahead = past * (doubleCount ? momentum(step) : 1) * momentum(step + 1)
    return {
      ofMean: momentum(step + 1) / (1 - ahead),
      ofGradient: (1 - momentum(step)) / (1 - past),
      second: 1 / Math.sqrt(1 - beta2 ** step),
    }
  }
  const after = (product: number): GradientTransformation<AccumulatorState<'firstMoment' | 'secondMoment'>> =>
    accumulate({
      initial: { firstMoment: 0, secondMoment: 0 },
      rule: ({ gradient, before, after: next, update, step }) => {
        const [m, v] = [before.firstMoment, before.secondMoment]
        const [nextM, nextV] = [next.firstMoment, next.secondMoment]
        const { ofMean, ofGradient, second } = coefficients(product, step)
        for (let i = 0; i < update.length; i++) {
          const g = gradient[i] as number
          const mean = beta1 * (m[i] as number) + (1 - beta1) * g
          const square = beta2 * (v[i] as number) + (1 - beta2) * g * g
          nextM[i] = mean
          nextV[i] = square
          update[i] = (ofMean * mean + ofGradient * g) / (second * Math.sqrt(square) + epsilon)
        }
      },
      formulas: ({ gradient: g, before, step }) => {
        const { ofMean, ofGradient, second } = coefficients(product, step)
        const mean = plus(times(beta1, before.firstMoment), times(1 - beta1, g))
        const square = plus(times(beta2, before.secondMoment), times(times(1 - beta2, g), g))
        const direction = plus(times(ofMean, mean), times(ofGradient, g))
        return {
          update: over(direction, plus(times(second, root(square)), epsilon)),
          after: { firstMoment: mean, secondMoment: square },
        }
      },
    })
  const moments: GradientTransformation<NadamMomentsState> = {
    init: (params) => ({ ...after(1).init(params), product: 1 }),
    update: <P extends Tree>(updates: P, { product, ...kept }: NadamMomentsState, params: P) => {
      const [changed, next] = after(product).update(updates, kept, params)
      return [changed, { ...next, product: product * momentum(next.step) }]
    },
  }
  return chain(addDecayedWeights(weightDecay), moments, scaleByLearningRate(learningRate))
}
