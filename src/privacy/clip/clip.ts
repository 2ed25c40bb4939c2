/**
 * Clip rules, and the sum that they bound.
 */
import type { Semigroup } from 'fp-ts/lib/Semigroup.js'
import { addTrees, type Tree } from '../../tensor/tree.js'

/**
 * A rescaling of each sample, and the bound that it promises.
 *
 * Law  s · factor(s) ≤ l2Bound for every finite s ≥ 0
 *
 * Any record of this form is a rule: `{ factor: (norm) => 1 / (norm + 0.01), l2Bound: 1 }`. Where it breaks the law,
 * `clippedGrad` cuts it down to its bound (`safeFactor`).
 */
export interface ClipRule {
  /** What a gradient of this norm is multiplied by. */
  readonly factor: (norm: number) => number
  /** In units of the gradient. */
  readonly l2Bound: number
}

/** The number itself. @throws RangeError unless it is above 0. @internal */
export const positive = (name: string, value: number): number => {
  if (!(value > 0)) throw new RangeError(`${name} is ${value}: it must be a number above 0`)
  return value
}

/**
 * Flat clipping: a gradient longer than C is scaled down to length C.
 *
 *   factor(s) = min(1, C / s)
 *
 * An infinite C clips nothing (and then no noise makes the sum private).
 *
 * @throws RangeError unless l2ClipNorm > 0
 * @reference Abadi et al. 2016, arXiv:1607.00133, Algorithm 1
 * @example
 * flatClip(2).factor(8) // => 0.25
 */
export const flatClip = (l2ClipNorm: number): ClipRule => ({
  factor: (norm) => (norm > l2ClipNorm ? l2ClipNorm / norm : 1),
  l2Bound: positive('l2ClipNorm', l2ClipNorm),
})

/**
 * The hair by which a rescaled norm stays below its bound: 16 units of float32 rounding, of which a weight times a number,
 * or a weight times a product, takes two.
 */
const margin = 1 - 2 ** -20

/** Below it a quotient of float64 numbers is no longer relatively exact. */
const leastNormal = 2 ** -1022

/**
 * The factor of a rule, held to its promise: the weight w of a sample with this norm, 0 ≤ w and w · norm ≤ l2Bound with
 * room for rounding. A rule that promises too much, or returns NaN, loses signal, never privacy.
 *
 *   w = min(factor(norm), (1 − 2⁻²⁰) · l2Bound / norm),   0 where that is not a number, negative, infinite or subnormal
 *
 * @example
 * safeFactor({ factor: () => 5, l2Bound: 1 })(2) < 0.5 // => true
 */
export const safeFactor =
  ({ factor, l2Bound }: ClipRule) =>
  (norm: number): number => {
    if (!Number.isFinite(norm)) return 0
    const weight = Math.min(factor(norm), (l2Bound * margin) / norm)
    return weight >= leastNormal && weight < Number.POSITIVE_INFINITY ? weight : 0
  }

/**
 * Can sums of gradients of this length be kept in float32? Below 2⁻⁸⁰ a contribution drowns in underflow, whose rounding no
 * margin covers; above 2⁸⁰ a sum of many may overflow, and one sample more moves it by infinity. An infinite bound, under
 * which nothing is clipped, promises nothing.
 *
 * @internal
 */
export const isSummable = (l2Bound: number): boolean =>
  (l2Bound >= 2 ** -80 && l2Bound <= 2 ** 80) || l2Bound === Number.POSITIVE_INFINITY

/**
 * A sum over samples, each of which contributes at most `l2Bound` to it: what noise can make private. `clippedGrad` makes
 * it, mechanisms take it, and the sensitivity is never typed a second time.
 */
export interface BoundedSum<P extends Tree> {
  readonly _tag: 'BoundedSum'
  readonly sum: P
  /** The most that adding or removing one sample moves the sum, in l2 norm. */
  readonly l2Bound: number
}

/**
 * Sums over disjoint samples: sums add, and one sample still moves only one of them, so the bound is the larger. (Over the
 * same samples the bounds would add.)
 */
export const disjointSum = <P extends Tree>(): Semigroup<BoundedSum<P>> => ({
  concat: (a, b) => ({
    _tag: 'BoundedSum',
    sum: addTrees(a.sum, b.sum),
    l2Bound: Math.max(a.l2Bound, b.l2Bound),
  }),
})

/**
 * The same sum where one person may have contributed several of its samples: to add or remove a person moves it by their bounds
 * together.
 *
 *   C_person = k C
 *
 * @throws RangeError unless contributions is an integer ≥ 1
 * @example
 * overContributions(3)({ _tag: 'BoundedSum', sum: {}, l2Bound: 0.5 }).l2Bound // => 1.5
 */
export const overContributions = (contributions: number): (<P extends Tree>(sum: BoundedSum<P>) => BoundedSum<P>) => {
  if (!(Number.isInteger(contributions) && contributions >= 1))
    throw new RangeError(`contributions is ${contributions}: it must be an integer >= 1`)
  return (sum) => ({ ...sum, l2Bound: contributions * sum.l2Bound })
}
