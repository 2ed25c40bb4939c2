/**
 * The budget of a run whose settings are changed in view of its results: composition theorems do not cover such a run, a privacy
 * filter does.
 *
 * Reference  Feldman & Zrnic 2021, arXiv:2008.11193
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import {
  type FilterState,
  type InvalidParameter,
  initialState,
  invalidParameter,
  type PrivacyEvent,
  type PrivacyFilter,
  type PrivacyTarget,
  rdpFilter,
  request,
} from '../../../src/privacy/index.js'

export interface Budget {
  readonly filter: PrivacyFilter
  readonly spent: FilterState
}

/** Orders that one is chosen of, 1.1 to 128. */
const ORDERS: readonly number[] = Array.from({ length: 42 }, (_, k) => 1 + 0.1 * 1.19 ** k)

/** How many such events the filter admits. */
const admitted = (filter: PrivacyFilter, event: PrivacyEvent): number =>
  pipe(
    filter.costOf(event),
    E.match(
      () => 0,
      (cost) => {
        const fits = (count: number): boolean => filter.within(cost.map((one) => one * count))
        let count = 1
        while (count < 2 ** 40 && fits(2 * count)) count *= 2
        return fits(count) ? count : 0
      },
    ),
  )

/**
 * A filter for a run that begins with such steps: of a grid of orders the one that admits most of them. It is chosen before the run, from
 * public numbers.
 *
 * Errors  InvalidParameter for a budget that not one step fits into
 */
export const budgetFor = (target: PrivacyTarget, step: PrivacyEvent): E.Either<InvalidParameter, Budget> => {
  const filters = ORDERS.flatMap((order) => {
    const made = rdpFilter({ ...target, order })
    return E.isRight(made) ? [{ filter: made.right, steps: admitted(made.right, step) }] : []
  })
  const best = filters.reduce<(typeof filters)[number] | undefined>(
    (most, next) => (next.steps > (most?.steps ?? 0) ? next : most),
    undefined,
  )
  return best === undefined
    ? E.left(invalidParameter('privacy budget', target.epsilon, 'large enough for one step with this noise'))
    : E.right({ filter: best.filter, spent: initialState(best.filter) })
}

/** The budget after one more event, or undefined where it would be exceeded. */
export const spend = ({ filter, spent }: Budget, event: PrivacyEvent): Budget | undefined => {
  const next = request(filter)(event)(spent)
  return E.isRight(next) ? { filter, spent: next.right } : undefined
}
