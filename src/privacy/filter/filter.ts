/**
 * Privacy filters: may the next event, chosen in view of all earlier results, still run under the budget?
 *
 * Composition theorems fix the parameters of all mechanisms beforehand. A filter is a stopping rule under which they may depend on
 * what was released, and the whole interaction still keeps a guarantee that was fixed at the start. All filters here add up costs.
 *
 * References  Rogers, Roth, Ullman & Vadhan 2016, arXiv:1605.08294 (filters and odometers)
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import { type UnsupportedEvent, unsupportedEvent } from '../accountant.js'
import { type PrivacyEvent, showEvent } from '../event/event.js'
import { type InvalidParameter, invalidParameter } from '../invalid-parameter.js'
import type { Neighbouring } from '../neighbouring.js'

/** What has been spent, in the units of the filter: plain data, to be kept with the ledger. */
export interface FilterState {
  readonly spent: readonly number[]
}

/** The event would take the interaction over its budget. The state is unchanged, and another event may still fit. */
export interface OverBudget {
  readonly _tag: 'OverBudget'
  readonly filter: string
  readonly event: PrivacyEvent
  readonly spent: readonly number[]
  /** What would have been spent with the event. */
  readonly needed: readonly number[]
}

/** Why an event may not run. */
export type Refusal = OverBudget | UnsupportedEvent

/** A rule that adds up costs. */
export interface PrivacyFilter {
  readonly name: string
  readonly neighbouring: Neighbouring
  /** The guarantee of the whole interaction, whatever is asked for. */
  readonly guarantee: { readonly epsilon: number; readonly delta: number }
  /** What each cost is. */
  readonly units: readonly string[]
  /** The costs of an event: a homomorphism into addition. */
  readonly costOf: (event: PrivacyEvent) => Either<UnsupportedEvent, readonly number[]>
  /** May so much be spent? Monotone. */
  readonly within: (spent: readonly number[]) => boolean
}

/**
 * The state before the first event.
 *
 * @example
 * initialState({ units: ['rho'] }) // => { spent: [0] }
 */
export const initialState = ({ units }: Pick<PrivacyFilter, 'units'>): FilterState => ({ spent: units.map(() => 0) })

/**
 * May this event run next? The next state, or why not. The parameters of the event may depend on everything released so far; it
 * must not run after a refusal.
 *
 * Guarantee   the interaction of all admitted events has the guarantee of the filter
 * Errors      OverBudget; UnsupportedEvent where the filter has no cost for it
 */
export const request =
  (filter: PrivacyFilter) =>
  (event: PrivacyEvent) =>
  (state: FilterState): Either<Refusal, FilterState> =>
    E.chain((cost: readonly number[]): Either<Refusal, FilterState> => {
      if (cost.some((one) => Number.isNaN(one)))
        return E.left(unsupportedEvent(filter.name, event, 'its cost is not a number'))
      const needed = state.spent.map((spent, i) => spent + (cost[i] as number))
      return filter.within(needed)
        ? E.right({ spent: needed })
        : E.left({ _tag: 'OverBudget', filter: filter.name, event, spent: state.spent, needed })
    })(filter.costOf(event))

/**
 * A refusal as one sentence.
 *
 * @example
 * showRefusal({ _tag: 'OverBudget', filter: 'gdp', event: Event.gaussian(1), spent: [0.5], needed: [1.5] }) // => 'Gaussian(1) would take the gdp filter from 0.5 to 1.5, over its budget'
 */
export const showRefusal = (refusal: Refusal): string =>
  refusal._tag === 'OverBudget'
    ? `${showEvent(refusal.event)} would take the ${refusal.filter} filter from ${refusal.spent.join(', ')} to ${refusal.needed.join(', ')}, over its budget`
    : `the ${refusal.accountant} filter cannot take ${showEvent(refusal.event)}: ${refusal.reason}`

/**
 * Reads a state from parsed JSON.
 *
 * Errors   what is no state of this filter
 *
 * @example
 * filterStateFromJson({ units: ['rho'] })({ spent: [0.25] }) // => { _tag: 'Right', right: { spent: [0.25] } }
 */
export const filterStateFromJson =
  ({ units }: Pick<PrivacyFilter, 'units'>) =>
  (json: unknown): Either<InvalidParameter, FilterState> => {
    const spent = (json as { readonly spent?: unknown } | null | undefined)?.spent
    return Array.isArray(spent) &&
      spent.length === units.length &&
      spent.every((x: unknown) => typeof x === 'number' && x >= 0 && x < Infinity)
      ? E.right({ spent: spent as readonly number[] })
      : E.left(invalidParameter('spent', spent, `${units.length} finite numbers ≥ 0 (${units.join(', ')})`))
  }
