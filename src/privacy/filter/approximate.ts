/**
 * The filter of (ε, δ) guarantees.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import { type ApproximateDpCurve, approximateDp } from '../approximate-dp/accountant.js'
import { checkTarget, type PrivacyTarget } from '../calibrate.js'
import { type InvalidParameter, invalidParameter } from '../invalid-parameter.js'
import type { Neighbouring } from '../neighbouring.js'
import type { PrivacyFilter } from './filter.js'

/** Choices of the (ε, δ) filter. */
export interface ApproximateDpFilterOptions extends PrivacyTarget {
  /** How much of δ pays for concentration; the rest, δ − slack, may go to the mechanisms. At 0 the ε simply add up. */
  readonly slack: number
  readonly neighbouring?: Neighbouring
}

/**
 * The (ε, δ) filter, with the constants of advanced composition:
 *
 *   √(2 log(1/δ′) Σ εᵢ²) + ½ Σ εᵢ² ≤ ε  or  Σ εᵢ ≤ ε,   and   Σ δᵢ ≤ δ − δ′,   δ′ = slack
 *
 * Which of the two sums of ε is used is fixed beforehand, by whether there is a slack.
 *
 * Reads       what `approximateDp` reads
 * Guarantee   the interaction is (ε, δ)-DP
 * References  Whitehouse, Ramdas, Rogers & Wu 2023, arXiv:2203.05481, Thm 1 · Rogers et al. 2016, arXiv:1605.08294 (sums)
 */
export const approximateDpFilter = ({
  slack,
  neighbouring = 'addOrRemoveOne',
  ...target
}: ApproximateDpFilterOptions): Either<InvalidParameter, PrivacyFilter> =>
  E.chain((checked: PrivacyTarget): Either<InvalidParameter, PrivacyFilter> => {
    if (!(slack >= 0 && slack <= checked.delta)) return E.left(invalidParameter('slack', slack, 'in [0, delta]'))
    const accountant = approximateDp({ neighbouring })
    const total = (sum: number, squares: number): number =>
      slack > 0 ? Math.sqrt(-2 * Math.log(slack) * squares) + 0.5 * squares : sum
    const forMechanisms = checked.delta - slack
    return E.right({
      name: 'approximate-dp',
      neighbouring,
      guarantee: checked,
      units: ['epsilon', 'epsilon²', 'delta'],
      costOf: (event) =>
        E.map(({ guarantees }: ApproximateDpCurve) =>
          guarantees.reduce(
            ([sum, squares, deltas], { epsilon, delta, count }) => [
              (sum as number) + count * epsilon,
              (squares as number) + count * epsilon * epsilon,
              (deltas as number) + count * delta,
            ],
            [0, 0, 0] as readonly number[],
          ),
        )(accountant.interpret(event)),
      within: ([sum, squares, deltas]) =>
        total(sum as number, squares as number) <= checked.epsilon * (1 - 1e-12) && (deltas as number) <= forMechanisms,
    })
  })(checkTarget(target))
