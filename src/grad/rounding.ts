/**
 * What rounding can do to a sum of products: how much longer a sample's share of a weighted sum may be than the norm that
 * another order of summation found. Clipping stands on that norm, so it must not be short.
 *
 *   ĝ = Σₜ gyₜ xₜᵀ as rounded,   ‖ĝ − g‖ ≤ γₜ √A,   A = Σₜ ‖gyₜ‖² · Σₜ ‖xₜ‖²
 *
 * A is large beside ‖g‖² where terms cancel: features with a large mean below a normalisation, whose cotangents add up
 * to nothing.
 */
import type { Backend } from '../tensor/backend/backend.js'
import { parametric } from '../tensor/compute.js'
import { type Formula, larger, type Operand, plus, root, times } from '../tensor/formula.js'
import type { Tensor } from '../tensor/tensor.js'

/** u: half the distance from 1 to the next number. */
const unitRoundoff = { float32: 2 ** -24, float64: 2 ** -53 } as const

/**
 * γₖ = k u / (1 − k u): how far rounding takes a sum of k products, in any order, relative to the sum of their absolute
 * values. Infinite where nothing can be said.
 *
 * @reference Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1
 */
export const summationError = ({ dtype }: Pick<Backend, 'dtype'>, terms: number): number => {
  const error = terms * unitRoundoff[dtype]
  return error < 1 ? error / (1 - error) : Number.POSITIVE_INFINITY
}

/** What a squared norm has to know of rounding: ε_s and ε_g. */
export interface RoundingOfNorm<A> {
  readonly ofSquaredNorm: A
  readonly ofGradient: A
}

/** The formula of `noShorterThan`. @internal */
export const lengthened = (s: Operand, a: Operand, { ofSquaredNorm, ofGradient }: RoundingOfNorm<Operand>): Formula => {
  const length = plus(root(plus(larger(s, 0), times(ofSquaredNorm, a))), times(ofGradient, root(a)))
  return times(length, length)
}

const longer = parametric(2, 2, (s, a, ofSquaredNorm, ofGradient) => lengthened(s, a, { ofSquaredNorm, ofGradient }))

/**
 * A squared norm that no weighted sum exceeds, from one that was computed in another order.
 *
 *   (√(s + ε_s A) + ε_g √A)²
 *
 * Shapes     found s [n], scale A [n] → [n], float64
 * Guarantee  at least ‖ĝₙ‖² for every ĝₙ within ε_g √A of a gₙ with ‖gₙ‖² ≤ s + ε_s A; rounding may have left s below 0
 */
export const noShorterThan = ({
  ofSquaredNorm,
  ofGradient,
}: RoundingOfNorm<number>): ((found: Tensor, scale: Tensor) => Tensor) => longer(ofSquaredNorm, ofGradient)
