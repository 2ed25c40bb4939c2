/**
 * Audits in one run: m canaries, each put in or left out by a fair coin of its own, all in one training; then guesses.
 *
 * Legend: m canaries, r guesses (the others are abstained from), v of them right.
 */
import { logBinomialMass, logBinomialTail } from '../../tensor/binomial.js'
import { ndtri } from '../../tensor/normal-quantile.js'
import { ndtr } from '../../tensor/special.js'
import { epsilonOfGdp } from '../gdp.js'
import { narrow } from '../root.js'
import { checkCounted, checkSignificance } from './clopper-pearson.js'
import type { AuditLevel } from './membership.js'

/** The outcome of a run. */
export interface OneRun {
  /** m: canaries whose coins were thrown, guessed at or not. */
  readonly canaries: number
  /** r ≤ m. */
  readonly guesses: number
  /** v ≤ r. */
  readonly correct: number
}

const check = ({ canaries, guesses, correct }: OneRun): void => {
  checkCounted({ successes: correct, trials: guesses })
  checkCounted({ successes: guesses, trials: canaries })
}

/**
 * The chance of v or more right guesses of r, at most, were the training (ε, δ)-DP.
 *
 *   p = β + 2mδ · max_{1≤i≤v} (P[K ≥ v − i] − β)/i,   β = P[K ≥ v],  K ~ Bin(r, e^ε/(1 + e^ε))
 *
 * Cost       O(v + √r)
 * Guarantee  an upper bound, for guesses made from the result alone, without a look at the coins
 * Reference  Steinke, Nasr & Jagielski 2023, arXiv:2305.08846, Thm 5.2
 *
 * @example
 * oneRunPValue({ epsilon: 0, delta: 0 })({ canaries: 100, guesses: 100, correct: 60 }).toFixed(6) // => '0.028444'
 */
export const oneRunPValue =
  ({ epsilon, delta }: { readonly epsilon: number; readonly delta: number }) =>
  (run: OneRun): number => {
    check(run)
    const { canaries, guesses, correct } = run
    const at = (successes: number) => ({ trials: guesses, successes, logOdds: epsilon })
    const beta = Math.exp(logBinomialTail(at(correct)))
    if (delta === 0) return beta
    // P[K ≥ v − i] − β by its terms, each from the last: P[K = k − 1] / P[K = k] = k / ((r − k + 1) e^ε).
    let steepest = 0
    let between = 0
    let mass = correct > 0 ? Math.exp(logBinomialMass(at(correct - 1))) : 0
    for (let i = 1; i <= correct; i++) {
      between += mass
      steepest = Math.max(steepest, between / i)
      const k = correct - i
      mass *= k / ((guesses - k + 1) * Math.exp(epsilon))
    }
    return Math.min(1, beta + 2 * canaries * delta * steepest)
  }

/** The largest parameter that is rejected, 0 if none is: from the side where it is. */
const largestRejected = (isKept: (x: number) => number): number => {
  if (isKept(0) > 0) return 0
  let [below, above] = [0, 1]
  while (isKept(above) <= 0) [below, above] = [above, 2 * above]
  return narrow({ bracket: { above, below }, tolerance: 1e-9 })(isKept).below
}

/**
 * A lower bound of ε(δ): the largest ε at which p ≤ significance.
 *
 * Guarantee  exceeds the true ε(δ) with probability at most `significance`
 * Reference  Steinke, Nasr & Jagielski 2023, arXiv:2305.08846
 *
 * @example
 * oneRunEpsilon({ significance: 0.05, delta: 1e-5 })({ canaries: 1000, guesses: 100, correct: 95 }).toFixed(4) // => '2.1652'
 */
export const oneRunEpsilon =
  ({ significance, delta }: AuditLevel) =>
  (run: OneRun): number => {
    checkSignificance(significance)
    // At δ = 0 already more likely than that: then for δ > 0 too.
    if (oneRunPValue({ epsilon: 0, delta: 0 })(run) > significance) return 0
    return largestRejected((epsilon) => oneRunPValue({ epsilon, delta })(run) - significance)
  }

/**
 * Is μ-GDP refuted? If it held, the probability of v or more right guesses of r would be below the significance: its share of
 * the probability that a guess is right (r) or wrong (h) is followed from v downwards.
 *
 *   h ← max(h, Φ(Φ⁻¹(ρ) − μ)),   ρ ← ρ + i/(r − i) (h_new − h),   i = v − 1 … 0;   refuted where ρ + h > r/m at the end
 *
 * Returns r/m − ρ − h: negative where refuted.
 */
const gaussianMargin =
  (mu: number, significance: number) =>
  ({ canaries, guesses, correct }: OneRun): number => {
    const target = guesses / canaries
    let right = (significance * correct) / canaries
    let wrong = (significance * (guesses - correct)) / canaries
    for (let i = correct - 1; i >= 0; i--) {
      const next = Math.max(wrong, ndtr(ndtri(Math.min(right, 1)) - mu))
      // Once unchanged, nothing changes any more.
      if (next === wrong) break
      right = Math.min(1, right + (i / (guesses - i)) * (next - wrong))
      wrong = next
      // Both grow: refuted already.
      if (right + wrong > target) break
    }
    return target - right - wrong
  }

/**
 * Is it refuted that the training is μ-GDP?
 *
 * Guarantee  of a training that is, with probability at most `significance`
 * Reference  Mahloujifar, Melis & Chaudhuri 2024, arXiv:2410.22235, Algorithm 3
 *
 * @example
 * refutesGaussian(0.5, 0.05)({ canaries: 1000, guesses: 100, correct: 95 }) // => true
 */
export const refutesGaussian =
  (mu: number, significance: number) =>
  (run: OneRun): boolean => {
    checkSignificance(significance)
    check(run)
    return run.guesses > 0 && gaussianMargin(mu, significance)(run) < 0
  }

/**
 * A lower bound of μ, where the mechanism is known to be μ-GDP for some μ.
 *
 * Cost       O(v) for each of about 30 values of μ
 * Guarantee  exceeds the true μ with probability at most `significance`
 * Reference  Mahloujifar, Melis & Chaudhuri 2024, arXiv:2410.22235, Algorithm 3
 */
export const oneRunMu =
  (significance: number) =>
  (run: OneRun): number => {
    checkSignificance(significance)
    check(run)
    return run.guesses === 0 ? 0 : largestRejected((mu) => gaussianMargin(mu, significance)(run))
  }

/**
 * ε(δ) of that μ: nearer the truth than `oneRunEpsilon`. For Poisson-sampled training, whose trade-off curve is only nearly
 * Gaussian, it is an estimate.
 *
 * @example
 * gaussianOneRunEpsilon({ significance: 0.05, delta: 1e-5 })({ canaries: 1000, guesses: 100, correct: 95 }).toFixed(3) // => '3.323'
 */
export const gaussianOneRunEpsilon =
  ({ significance, delta }: AuditLevel) =>
  (run: OneRun): number =>
    epsilonOfGdp(oneRunMu(significance)(run))(delta).lower
