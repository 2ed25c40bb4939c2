/**
 * Accountants: a homomorphism from privacy events into a monoid of curves, and the two readings of a curve.
 */

import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import {
  type Composed,
  type NoOp,
  type PrivacyEvent,
  type SelfComposed,
  showEvent,
  type Unsupported,
} from './event/event.js'
import { type InvalidParameter, invalidParameter, showInvalidParameter } from './invalid-parameter.js'
import type { Neighbouring } from './neighbouring.js'

/** An event that an accountant has no theorem for, and which part of it. */
export interface UnsupportedEvent {
  readonly _tag: 'UnsupportedEvent'
  readonly accountant: string
  readonly event: PrivacyEvent
  readonly reason: string
}

/** What can stand in the way of an ε or a δ. */
export type AccountingFailure = UnsupportedEvent | InvalidParameter

/**
 * An ε or a δ with what is proven about it. `upper` is the claim; the truth lies in [lower, upper]; `estimate` is the number
 * without the allowance for rounding and truncation. `lower` is 0 where an accountant proves an upper bound only, as `rdp`.
 */
export interface Bounds {
  readonly lower: number
  readonly estimate: number
  readonly upper: number
  /** The relation between datasets for which this holds. */
  readonly neighbouring: Neighbouring
  /** How it was found, by an accountant that has several ways. */
  readonly method?:
    | 'gaussian'
    | 'single step'
    | 'contour'
    | 'smoothed'
    | 'chernoff'
    | 'connected dots'
    | 'privacy random variable'
  /** The Rényi order at which the bound was read, where it was read from a Rényi curve. */
  readonly order?: number
}

/**
 * A way to turn events into ε.
 *
 * Laws   interpret(x ∘ y) = interpret(x) + interpret(y) in the monoid of curves; interpret(NoOp) = empty;
 *        interpret(T × x) = the T-fold sum; ε decreases in δ, and ε(δ(ε)) ≤ ε up to rounding
 */
export interface Accountant<Curve> {
  readonly name: string
  readonly neighbouring: Neighbouring
  readonly curve: Monoid<Curve>
  /** The curve of an event, or the part of it for which there is no theorem. */
  readonly interpret: (event: PrivacyEvent) => Either<UnsupportedEvent, Curve>
  /** ε at δ ∈ [0, 1]. Throws a RangeError on any other δ; `epsilonOf` answers that with a Left. */
  readonly epsilon: (delta: number) => (curve: Curve) => Bounds
  /** δ at ε ∈ [0, ∞]. Throws a RangeError on any other ε. */
  readonly delta: (epsilon: number) => (curve: Curve) => Bounds
  /** δ at many ε ≥ 0 of one curve, where that is cheaper than asking for each: bounds as those of `delta`. */
  readonly profile?: (curve: Curve) => (epsilon: number) => Bounds
}

/** An event that is a mechanism, or a sample of one: what is left when composition has been taken apart. */
export type MechanismEvent = Exclude<PrivacyEvent, NoOp | Composed | SelfComposed | Unsupported>

/** The parts of an accountant that differ: how to read one mechanism, and how to repeat a curve. */
export interface Interpretation<Curve> {
  readonly name: string
  readonly curve: Monoid<Curve>
  /** The curve of so many repetitions. */
  readonly repeat: (count: number) => (curve: Curve) => Curve
  /** The curve of one mechanism, or why there is none. */
  readonly mechanism: (event: MechanismEvent) => Either<string, Curve>
}

/** The failure of one event, in the name of an accountant. */
export const unsupportedEvent = (accountant: string, event: PrivacyEvent, reason: string): UnsupportedEvent => ({
  _tag: 'UnsupportedEvent',
  accountant,
  event,
  reason,
})

/**
 * The homomorphism that an interpretation of mechanisms extends to: the fold over composition.
 *
 * Cost   one mechanism per node of the event; a count costs nothing
 */
export const interpretBy = <Curve>({
  name,
  curve,
  repeat,
  mechanism,
}: Interpretation<Curve>): ((event: PrivacyEvent) => Either<UnsupportedEvent, Curve>) => {
  const interpret = (event: PrivacyEvent, times = 1): Either<UnsupportedEvent, Curve> => {
    switch (event._tag) {
      case 'NoOp':
        return E.right(curve.empty)
      case 'Unsupported':
        return E.left(unsupportedEvent(name, event, event.reason))
      case 'Composed': {
        let total = curve.empty
        for (const part of event.events) {
          const next = interpret(part, times)
          if (E.isLeft(next)) return next
          total = curve.concat(total, next.right)
        }
        return E.right(total)
      }
      case 'SelfComposed': {
        const { count } = event
        if (!(Number.isSafeInteger(count) && count >= 0))
          return E.left(unsupportedEvent(name, event, 'a count must be an integer ≥ 0'))
        if (!Number.isSafeInteger(times * count))
          return E.left(unsupportedEvent(name, event, 'no more than 2^53 repetitions can be counted'))
        return E.map(repeat(count))(interpret(event.event, times * count))
      }
      default:
        return E.mapLeft((reason: string) => unsupportedEvent(name, event, reason))(mechanism(event))
    }
  }
  return (event) => interpret(event)
}

const isDelta = (delta: number): boolean => delta >= 0 && delta <= 1
const DELTA = 'in [0, 1]'
const EPSILON = 'a number ≥ 0'

/** Throws unless δ ∈ [0, 1]. */
export const checkDelta = (delta: number): number => {
  if (!isDelta(delta)) throw new RangeError(showInvalidParameter(invalidParameter('delta', delta, DELTA)))
  return delta
}

/** Throws unless ε ≥ 0. */
export const checkEpsilon = (epsilon: number): number => {
  if (!(epsilon >= 0)) throw new RangeError(showInvalidParameter(invalidParameter('epsilon', epsilon, EPSILON)))
  return epsilon
}

/**
 * The ε that an event spends at a given δ.
 *
 * Errors   UnsupportedEvent where the accountant has no theorem; InvalidParameter for a δ outside of [0, 1]
 *
 * @example
 * epsilonOf(rdp(), 1e-5)(Event.noOp) // => { _tag: 'Right', right: { lower: 0, estimate: 0, upper: 0, neighbouring: 'addOrRemoveOne' } }
 */
export const epsilonOf =
  <Curve>(accountant: Accountant<Curve>, delta: number) =>
  (event: PrivacyEvent): Either<AccountingFailure, Bounds> =>
    isDelta(delta)
      ? E.map(accountant.epsilon(delta))(accountant.interpret(event))
      : E.left(invalidParameter('delta', delta, DELTA))

/**
 * The δ that an event spends at a given ε.
 *
 * Errors   UnsupportedEvent where the accountant has no theorem; InvalidParameter for an ε < 0
 */
export const deltaOf =
  <Curve>(accountant: Accountant<Curve>, epsilon: number) =>
  (event: PrivacyEvent): Either<AccountingFailure, Bounds> =>
    epsilon >= 0
      ? E.map(accountant.delta(epsilon))(accountant.interpret(event))
      : E.left(invalidParameter('epsilon', epsilon, EPSILON))

/**
 * A failure as one sentence.
 *
 * @example
 * showAccountingFailure(invalidParameter('delta', 2, 'in [0, 1]')) // => 'delta must be in [0, 1], not 2'
 */
export const showAccountingFailure = (failure: AccountingFailure): string =>
  failure._tag === 'InvalidParameter'
    ? showInvalidParameter(failure)
    : `the ${failure.accountant} accountant cannot account for ${showEvent(failure.event)}: ${failure.reason}`
