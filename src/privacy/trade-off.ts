/**
 * What a guarantee says about an attacker who tests for one record: trade-off functions, advantage, and the ε that error rates need.
 *
 * Legend: α the false positive rate of a test between two neighbours, f(α) the least false negative rate that any test can then have.
 *
 *   f(α) = sup over ε ≥ 0 of max{ 0, 1 − δ(ε) − e^ε α, e^(−ε) (1 − δ(ε) − α) }
 *
 * References  Dong, Roth & Su 2022, arXiv:1905.02383, Prop. 2.12 · Kulynych et al. 2024, arXiv:2407.02191
 */
import type { Accountant, Bounds } from './accountant.js'
import { leastFromZero } from './minimise.js'

/** A guarantee (ε, δ). */
export interface ApproximateDp {
  readonly epsilon: number
  readonly delta: number
}

/** Error rates of a test. */
export interface ErrorRates {
  readonly falsePositiveRate: number
  readonly falseNegativeRate: number
}

/**
 * The trade-off function of one (ε, δ).
 *
 * @example
 * tradeOffOfApproximateDp({ epsilon: 0, delta: 0 })(0.25) // => 0.75
 */
export const tradeOffOfApproximateDp =
  ({ epsilon, delta }: ApproximateDp) =>
  (falsePositiveRate: number): number =>
    Math.max(0, 1 - delta - Math.exp(epsilon) * falsePositiveRate, Math.exp(-epsilon) * (1 - delta - falsePositiveRate))

/**
 * The smallest ε at which, with this δ, no test has both error rates below the given ones: the inverse of the above.
 *
 * @example
 * epsilonOfErrorRates(0)({ falsePositiveRate: 0.5, falseNegativeRate: 0.5 }) // => 0
 */
export const epsilonOfErrorRates =
  (delta: number) =>
  ({ falsePositiveRate, falseNegativeRate }: ErrorRates): number =>
    Math.max(
      0,
      Math.log((1 - delta - falsePositiveRate) / falseNegativeRate),
      Math.log((1 - delta - falseNegativeRate) / falsePositiveRate),
    )

/**
 * δ at many ε of one curve: shared work where the accountant can share it.
 *
 * @example
 * deltaReading(gdp())({ precision: 0 })(1).upper // => 0
 */
export const deltaReading =
  <Curve>(accountant: Accountant<Curve>) =>
  (curve: Curve): ((epsilon: number) => Bounds) =>
    accountant.profile?.(curve) ?? ((epsilon) => accountant.delta(epsilon)(curve))

const checkFalsePositiveRate = (falsePositiveRate: number): void => {
  if (!(falsePositiveRate >= 0 && falsePositiveRate <= 1))
    throw new RangeError(`a false positive rate is in [0, 1], not ${falsePositiveRate}`)
}

/** e^ε α: no rate becomes one by an ε beyond what a double can raise e to. */
const raised = (epsilon: number, falsePositiveRate: number): number =>
  falsePositiveRate === 0 ? 0 : Math.exp(epsilon) * falsePositiveRate

/**
 * The least false negative rate at a false positive rate, for any accountant.
 *
 * Guarantee  a lower bound of f(α), whatever the accountant's bounds, as every ε gives one; with an accountant whose upper bound of δ is
 *            exact, f(α) itself to about 1e-12 where δ is smooth, to 1e-7 where it has kinks, as that of a discrete mechanism. It holds
 *            for both directions at once, as δ does
 * Cost       about 60 evaluations of δ
 * Errors     a RangeError for an α outside of [0, 1]
 *
 * @example
 * tradeOff(gdp())(0.25)({ precision: 0 }) // => 0.75
 */
export const tradeOff =
  <Curve>(accountant: Accountant<Curve>) =>
  (falsePositiveRate: number) =>
  (curve: Curve): number => {
    checkFalsePositiveRate(falsePositiveRate)
    const delta = deltaReading(accountant)(curve)
    const slack = (epsilon: number): number => 1 - delta(epsilon).upper
    // The first is concave in e^ε, the second in e^(−ε), since δ is convex in e^ε: each has one maximum.
    return Math.max(
      0,
      -leastFromZero((epsilon) => raised(epsilon, falsePositiveRate) - slack(epsilon)),
      -leastFromZero((epsilon) => Math.exp(-epsilon) * (falsePositiveRate - slack(epsilon))),
    )
  }

/**
 * The largest true positive rate of any membership test at a false positive rate: 1 − f(α) without the subtraction, from above.
 *
 *   min over ε ≥ 0 of min{ 1, δ(ε) + e^ε α, (1 − e^(−ε)) + e^(−ε) (δ(ε) + α) }
 *
 * The same number bounds the success of any attack that reconstructs a record, or infers an attribute of it, where guessing without the
 * release succeeds with probability α.
 *
 * Guarantee  an upper bound, as every ε gives one; with an accountant whose upper bound of δ is exact, the rate itself to about 1e-12
 *            relative where δ is smooth, to 1e-7 where it has kinks, however small α is
 * Cost       about 60 evaluations of δ
 * Errors     a RangeError for an α outside of [0, 1]
 * Reference  Kulynych et al. 2025, arXiv:2507.06969 (reconstruction, re-identification and inference by one function)
 *
 * @example
 * truePositiveRate(gdp())(0.25)({ precision: 0 }) // => 0.25
 * truePositiveRate(gdp())(1e-10)({ precision: 1 }).toPrecision(5) // => '4.1303e-8'
 */
export const truePositiveRate =
  <Curve>(accountant: Accountant<Curve>) =>
  (falsePositiveRate: number) =>
  (curve: Curve): number => {
    checkFalsePositiveRate(falsePositiveRate)
    const delta = deltaReading(accountant)(curve)
    return Math.min(
      1,
      leastFromZero((epsilon) => delta(epsilon).upper + raised(epsilon, falsePositiveRate)),
      leastFromZero(
        (epsilon) => -Math.expm1(-epsilon) + Math.exp(-epsilon) * (delta(epsilon).upper + falsePositiveRate),
      ),
    )
  }

/**
 * The largest advantage of any test over guessing: true positive rate minus false positive rate, at most δ(0), the total variation.
 *
 * @example
 * advantage(gdp())({ precision: 0 }).upper // => 0
 */
export const advantage =
  <Curve>(accountant: Accountant<Curve>) =>
  (curve: Curve): Bounds =>
    accountant.delta(0)(curve)
