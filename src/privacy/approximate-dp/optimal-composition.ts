/**
 * The optimal composition of (ε, δ) mechanisms: the exact δ(ε) of the worst mechanisms that have these guarantees.
 *
 *   δ(ε) = 1 − Π(1 − δᵢ)ⁿⁱ (1 − Σ_l P(l) (1 − e^(ε − l))₊)
 *
 * where l = Σ εᵢ(2kᵢ − nᵢ), kᵢ ~ Binomial(nᵢ, e^εᵢ/(1 + e^εᵢ)), is the loss of randomised responses.
 *
 * References  Kairouz, Oh & Viswanath 2015, arXiv:1311.0776, Thm 3.3 · Murtagh & Vadhan 2016, arXiv:1507.03113, Thm 1.5
 */
import { logBinomialMass } from '../../tensor/binomial.js'
import { logSumExp } from '../../tensor/special.js'
import { narrow } from '../root.js'

/** `count` mechanisms that are each (ε, δ)-DP. */
export interface CountedGuarantee {
  readonly epsilon: number
  readonly delta: number
  readonly count: number
}

/** Losses and the logarithms of their probabilities, losses falling. */
interface Losses {
  readonly loss: Float64Array
  readonly logMass: Float64Array
}

/** How many losses are held: beyond, the exact composition is not formed. */
export const LARGEST_COMPOSITION: number = 2 ** 18

/** Π (nᵢ + 1): the losses that the composition may have. */
export const lossesOf = (guarantees: readonly CountedGuarantee[]): number =>
  guarantees.reduce((product, { epsilon, count }) => (epsilon > 0 ? product * (count + 1) : product), 1)

const composedLosses = (guarantees: readonly CountedGuarantee[]): Losses => {
  let loss = new Float64Array([0])
  let logMass = new Float64Array([0])
  for (const { epsilon, count } of guarantees) {
    if (!(epsilon > 0)) continue
    const own = Array.from({ length: count + 1 }, (_, k) =>
      logBinomialMass({ trials: count, successes: k, logOdds: epsilon }),
    )
    const nextLoss = new Float64Array(loss.length * own.length)
    const nextMass = new Float64Array(nextLoss.length)
    for (let i = 0; i < loss.length; i++)
      for (let k = 0; k < own.length; k++) {
        nextLoss[i * own.length + k] = (loss[i] as number) + epsilon * (2 * k - count)
        nextMass[i * own.length + k] = (logMass[i] as number) + (own[k] as number)
      }
    loss = nextLoss
    logMass = nextMass
  }
  const order = Array.from(loss.keys()).sort((a, b) => (loss[b] as number) - (loss[a] as number))
  return {
    loss: Float64Array.from(order, (i) => loss[i] as number),
    logMass: Float64Array.from(order, (i) => logMass[i] as number),
  }
}

/** log Σ_l P(l) (1 − e^(ε − l))₊: every term is positive. */
const logDeltaOf = ({ loss, logMass }: Losses, epsilon: number): number => {
  const logs: number[] = []
  for (let i = 0; i < loss.length && (loss[i] as number) > epsilon; i++)
    logs.push((logMass[i] as number) + Math.log(-Math.expm1(epsilon - (loss[i] as number))))
  return logSumExp(logs)
}

/** The two readings of a composition. */
export interface OptimalComposition {
  /** δ at ε ≥ 0. */
  readonly delta: (epsilon: number) => number
  /** The smallest ε ≥ 0 at δ, from above; Infinity where every δ(ε) is larger. */
  readonly epsilon: (delta: number) => number
}

/**
 * The composition of mechanisms of known guarantees, at most `LARGEST_COMPOSITION` losses of them.
 *
 * Cost       O(losses · log losses) when formed, O(losses) a δ, 20 of those an ε
 * Guarantee  relative error of δ ≤ 1e-11; the ε is within 1e-12 above the root
 *
 * @example
 * optimalComposition([{ epsilon: 1, delta: 0, count: 1 }]).delta(0).toFixed(12) // => Math.tanh(0.5).toFixed(12)
 */
export const optimalComposition = (guarantees: readonly CountedGuarantee[]): OptimalComposition => {
  const losses = composedLosses(guarantees)
  const logSafe = guarantees.reduce((sum, { delta, count }) => sum + (count > 0 ? count * Math.log1p(-delta) : 0), 0)
  const failure = -Math.expm1(logSafe)
  const largest = losses.loss[0] as number
  return {
    delta: (epsilon) => failure + (1 - failure) * Math.exp(logDeltaOf(losses, epsilon)),
    epsilon: (delta) => {
      if (delta >= 1) return 0
      if (delta < failure) return Infinity
      const target = Math.log((delta - failure) / (1 - failure))
      const f = (epsilon: number): number => logDeltaOf(losses, epsilon) - target
      if (f(0) <= 0) return 0
      return target === -Infinity
        ? largest
        : narrow({ bracket: { above: 0, below: largest }, tolerance: 1e-12 })(f).below
    },
  }
}
