/**
 * Privacy odometers: what has been spent so far by an interaction that has no budget.
 *
 * A filter bounds the whole interaction up to its stop. An odometer reads the first of a ladder of filters, fixed beforehand, that
 * has not stopped yet: the interaction so far lies within its guarantee.
 *
 * References  Rogers, Roth, Ullman & Vadhan 2016, arXiv:1605.08294 · Feldman & Zrnic 2021, arXiv:2008.11193, section 4.2
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { UnsupportedEvent } from '../accountant.js'
import type { PrivacyEvent } from '../event/event.js'
import { type InvalidParameter, invalidParameter } from '../invalid-parameter.js'
import { sameData } from '../same-data.js'
import { type FilterState, initialState, type PrivacyFilter } from './filter.js'

/** Filters of one kind, whose budgets grow. */
export interface Odometer {
  readonly ladder: readonly PrivacyFilter[]
}

/**
 * An odometer from a family of filters: guarantees (2^(k/steps) ε₀, δ) for k = 0, 1, ….
 *
 * Errors   those of the filters; filters whose states are not in one unit, as Rényi filters at different orders
 *
 * @example
 * odometer((epsilon) => gdpFilter({ epsilon, delta: 1e-5 }))({ smallest: 0.1, largest: 100 })._tag // => 'Right'
 */
export const odometer =
  (filterAt: (epsilon: number) => Either<InvalidParameter, PrivacyFilter>) =>
  ({
    smallest,
    largest,
    stepsPerDoubling = 4,
  }: {
    readonly smallest: number
    readonly largest: number
    readonly stepsPerDoubling?: number
  }): Either<InvalidParameter, Odometer> => {
    const rungs = Math.max(1, Math.ceil(Math.log2(largest / smallest) * stepsPerDoubling) + 1)
    if (!(smallest > 0 && largest >= smallest && stepsPerDoubling > 0 && rungs <= 10_000))
      return E.left(invalidParameter('largest', largest, 'at least the smallest ε > 0, on at most 10,000 rungs'))
    return E.filterOrElse(
      ({ ladder }: Odometer) => ladder.every(({ units }) => sameData(units, ladder[0]?.units)),
      () => invalidParameter('filterAt', 'filters of different units', 'a family of one unit: fix the order'),
    )(
      E.map((ladder: readonly PrivacyFilter[]): Odometer => ({ ladder }))(
        E.traverseArray((k: number) => filterAt(smallest * 2 ** (k / stepsPerDoubling)))(
          Array.from({ length: rungs }, (_, k) => k),
        ),
      ),
    )
  }

/** The state before the first event. */
export const initialReading = ({ ladder }: Odometer): FilterState => initialState(ladder[0] as PrivacyFilter)

/** The state after an event, which always runs. */
export const recorded =
  ({ ladder }: Odometer) =>
  (event: PrivacyEvent) =>
  (state: FilterState): Either<UnsupportedEvent, FilterState> =>
    E.map(
      (cost: readonly number[]): FilterState => ({ spent: state.spent.map((spent, i) => spent + (cost[i] as number)) }),
    )((ladder[0] as PrivacyFilter).costOf(event))

/**
 * What has been spent: the guarantee of the first filter of the ladder that admits it; an infinite ε beyond the last.
 */
export const reading =
  ({ ladder }: Odometer) =>
  ({ spent }: FilterState): { readonly epsilon: number; readonly delta: number } =>
    ladder.find(({ within }) => within(spent))?.guarantee ?? {
      epsilon: Infinity,
      delta: (ladder[0] as PrivacyFilter).guarantee.delta,
    }
