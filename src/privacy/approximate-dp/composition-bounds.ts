/**
 * Closed-form bounds of the composition of (ε, δ) mechanisms.
 */
import type { ApproximateGuarantee } from '../neighbouring.js'
import type { CountedGuarantee } from './optimal-composition.js'

/** 1 − Π(1 − δᵢ)ⁿⁱ. */
const failureOf = (guarantees: readonly CountedGuarantee[], slack = 0): number =>
  -Math.expm1(
    guarantees.reduce(
      (sum, { delta, count }) => sum + (count > 0 ? count * Math.log1p(-delta) : 0),
      Math.log1p(-slack),
    ),
  )

/**
 * Basic composition: (Σ εᵢ, 1 − Π(1 − δᵢ)).
 *
 * Reference  Dwork, Kenthapadi, McSherry, Mironov & Naor 2006, Thm 1
 *
 * @example
 * basicComposition([{ epsilon: 0.5, delta: 0, count: 4 }]) // => { epsilon: 2, delta: 0 }
 */
export const basicComposition = (guarantees: readonly CountedGuarantee[]): ApproximateGuarantee => ({
  epsilon: guarantees.reduce((sum, { epsilon, count }) => (count > 0 ? sum + count * epsilon : sum), 0),
  delta: failureOf(guarantees),
})

/**
 * Advanced composition, at a slack δ̃ > 0.
 *
 *   ε = Σ εᵢ tanh(εᵢ/2) + √(2 log(1/δ̃) Σ εᵢ²),   δ = 1 − (1 − δ̃) Π(1 − δᵢ)
 *
 * or that of basic composition, where it is smaller.
 *
 * Reference  Kairouz, Oh & Viswanath 2015, arXiv:1311.0776, Thm 3.5; Dwork, Rothblum & Vadhan 2010
 *
 * @example
 * advancedComposition(1e-6)([{ epsilon: 0.01, delta: 0, count: 100 }]).epsilon < 0.6 // => true
 */
export const advancedComposition =
  (slack: number) =>
  (guarantees: readonly CountedGuarantee[]): ApproximateGuarantee => {
    const present = guarantees.filter(({ epsilon, count }) => epsilon > 0 && count > 0)
    const mean = present.reduce((sum, { epsilon, count }) => sum + count * epsilon * Math.tanh(epsilon / 2), 0)
    const squares = present.reduce((sum, { epsilon, count }) => sum + count * epsilon * epsilon, 0)
    const basic = basicComposition(guarantees)
    const epsilon = mean + Math.sqrt(-2 * Math.log(slack) * squares) * (1 + 1e-15)
    return epsilon < basic.epsilon ? { epsilon, delta: failureOf(guarantees, slack) } : basic
  }
