/**
 * Calibration: the noise, the number of steps or the sampling probability that meets a target (ε, δ).
 *
 * Every answer lies on the private side: the `upper` bound of the accountant at the answer is at most the target.
 */

import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import { type Accountant, type AccountingFailure, showAccountingFailure } from './accountant.js'
import type { PrivacyEvent } from './event/event.js'
import { type InvalidParameter, invalidParameter } from './invalid-parameter.js'
import { narrow } from './root.js'

/** What is to be met. */
export interface PrivacyTarget {
  readonly epsilon: number
  readonly delta: number
}

/** No value of the parameter meets the target. */
export interface UnreachableTarget {
  readonly _tag: 'UnreachableTarget'
  readonly target: PrivacyTarget
  /** The parameter that was varied, and the best that it could do. */
  readonly parameter: string
  readonly at: number
  readonly epsilon: number
}

/** Why calibration found no parameter that meets its target. */
export type CalibrationFailure = AccountingFailure | UnreachableTarget

/** ε as a function of one parameter; a failure wherever the event has none. */
type Spending = (parameter: number) => Either<AccountingFailure, number>

/** A target that some mechanism can meet: 0 < ε < ∞, 0 ≤ δ < 1 (0 < δ where asked). */
export const checkTarget = (
  { epsilon, delta }: PrivacyTarget,
  { positiveDelta = false }: { readonly positiveDelta?: boolean } = {},
): Either<InvalidParameter, PrivacyTarget> =>
  !(epsilon > 0 && epsilon < Infinity)
    ? E.left(invalidParameter('epsilon', epsilon, 'a finite number > 0'))
    : !(delta >= 0 && delta < 1 && (delta > 0 || !positiveDelta))
      ? E.left(invalidParameter('delta', delta, positiveDelta ? 'in (0, 1)' : 'in [0, 1)'))
      : E.right({ epsilon, delta })

const spending =
  <Curve>(accountant: Accountant<Curve>, delta: number, eventOf: (parameter: number) => PrivacyEvent): Spending =>
  (parameter) =>
    E.map((curve: Curve) => accountant.epsilon(delta)(curve).upper)(accountant.interpret(eventOf(parameter)))

/** Relative width of the last bracket: what the answer may give away. */
const TOLERANCE = 1e-11

/** log(ε / target), whose slope in log σ or log q is of order one; −1000 stands for ε = 0. */
const excessOver =
  (target: number, spent: Spending, fail: (failure: AccountingFailure) => void) =>
  (log: number): number => {
    const epsilon = spent(Math.exp(log))
    if (E.isLeft(epsilon)) {
      fail(epsilon.left)
      return Infinity
    }
    return epsilon.right === 0 ? -1000 : Math.log(epsilon.right / target)
  }

/**
 * The smallest noise multiplier whose event meets the target.
 *
 * The event may depend on the noise multiplier in any way (a schedule, several mechanisms, a prior spend beside it), as long
 * as more of it means less ε. Where it does not, as for discrete Gaussian noise of less than about a step of its lattice, the
 * answer meets the target, and a larger one may exceed it.
 *
 * Guarantee  ε(result).upper ≤ target; a noise multiplier smaller by 1e-10 relative exceeds the target. 0 where no noise
 *            is needed
 * Cost       10 to 30 evaluations of ε
 * Errors     InvalidParameter for a target that is none; UnsupportedEvent of the accountant; UnreachableTarget where even a
 *            noise multiplier of 1e15 exceeds the target, because something else in the event spends it
 *
 * @example
 * calibrateNoiseMultiplier(rdp(), { epsilon: 0, delta: 1e-5 })(Event.gaussian)._tag // => 'Left'
 */
export const calibrateNoiseMultiplier =
  <Curve>(accountant: Accountant<Curve>, target: PrivacyTarget) =>
  (eventOf: (noiseMultiplier: number) => PrivacyEvent): Either<CalibrationFailure, number> => {
    const checked = checkTarget(target)
    if (E.isLeft(checked)) return checked
    const spent = spending(accountant, target.delta, (noiseMultiplier) => eventOf(noiseMultiplier))
    const without = spent(0)
    if (E.isRight(without) && without.right <= target.epsilon) return E.right(0)
    return boundary(target, spent, { parameter: 'noiseMultiplier', start: 1, privateEnd: 1e15, otherEnd: 1e-15 })
  }

interface Search {
  readonly parameter: string
  /** Where to begin. */
  readonly start: number
  /** The parameter that spends least, and the one that spends most. */
  readonly privateEnd: number
  readonly otherEnd: number
}

/** Walks from `start` in steps that grow until the target lies between two points, then narrows. All in logarithms. */
const boundary = (
  target: PrivacyTarget,
  spent: Spending,
  { parameter, start, privateEnd, otherEnd }: Search,
): Either<CalibrationFailure, number> => {
  let failure: AccountingFailure | undefined
  const f = excessOver(target.epsilon, spent, (first) => {
    failure ??= first
  })
  const clamp = (log: number): number =>
    Math.min(Math.max(log, Math.log(Math.min(privateEnd, otherEnd))), Math.log(Math.max(privateEnd, otherEnd)))
  const first = Math.log(start)
  const tooMuch = f(first) > 0
  const direction = (tooMuch ? 1 : -1) * Math.sign(privateEnd - otherEnd)
  let here = first
  let there = first
  for (let step = 0.5; ; step *= 1.5) {
    here = there
    there = clamp(here + direction * step)
    if (failure !== undefined) return E.left(failure)
    if (there === here) {
      if (!tooMuch) return E.right(otherEnd)
      return E.left({
        _tag: 'UnreachableTarget',
        target,
        parameter,
        at: privateEnd,
        epsilon: E.getOrElse(() => Infinity)(spent(privateEnd)),
      })
    }
    if (f(there) > 0 !== tooMuch) break
  }
  const bracket = tooMuch ? { above: here, below: there } : { above: there, below: here }
  const { below } = narrowLog(bracket)(f)
  if (failure !== undefined) return E.left(failure)
  return E.right(Math.exp(below))
}

/** The width of a bracket of logarithms is relative to the parameter, not to its logarithm. */
const narrowLog =
  ({ above, below }: { readonly above: number; readonly below: number }) =>
  (f: (log: number) => number): { readonly above: number; readonly below: number } => {
    const scale = Math.max(Math.abs(above), Math.abs(below), 1)
    return narrow({ bracket: { above, below }, tolerance: TOLERANCE / scale })(f)
  }

/**
 * The largest number of steps whose event meets the target: `maximum` if all of them do.
 *
 * Guarantee  ε(result).upper ≤ target < ε(result + 1).upper, for an ε that grows with the steps
 * Errors     as `calibrateNoiseMultiplier`; UnreachableTarget where not even 0 steps meet it
 *
 * @example
 * calibrateSteps(rdp(), { epsilon: 1, delta: 1e-5 })(() => Event.noOp) // => { _tag: 'Right', right: 9007199254740991 }
 */
export const calibrateSteps =
  <Curve>(accountant: Accountant<Curve>, target: PrivacyTarget, maximum: number = Number.MAX_SAFE_INTEGER) =>
  (eventOf: (steps: number) => PrivacyEvent): Either<CalibrationFailure, number> => {
    const checked = checkTarget(target)
    if (E.isLeft(checked)) return checked
    const spent = spending(accountant, target.delta, (steps) => eventOf(steps))
    const none = spent(0)
    if (E.isLeft(none)) return none
    if (none.right > target.epsilon)
      return E.left({ _tag: 'UnreachableTarget', target, parameter: 'steps', at: 0, epsilon: none.right })
    let within = 0
    let beyond = 1
    for (; ; beyond = Math.min(2 * beyond, maximum)) {
      const epsilon = spent(beyond)
      if (E.isLeft(epsilon)) return epsilon
      if (epsilon.right > target.epsilon) break
      within = beyond
      if (beyond === maximum) return E.right(maximum)
    }
    while (beyond - within > 1) {
      const middle = within + Math.floor((beyond - within) / 2)
      const epsilon = spent(middle)
      if (E.isLeft(epsilon)) return epsilon
      if (epsilon.right <= target.epsilon) within = middle
      else beyond = middle
    }
    return E.right(within)
  }

/**
 * The largest sampling probability whose event meets the target; 1 if every record may take part in every step.
 *
 * Guarantee  ε(result).upper ≤ target; tight to 1e-10 relative
 * Errors     as `calibrateNoiseMultiplier`; UnreachableTarget where even 1e-15 exceeds it
 */
export const calibrateSamplingProbability =
  <Curve>(accountant: Accountant<Curve>, target: PrivacyTarget) =>
  (eventOf: (samplingProbability: number) => PrivacyEvent): Either<CalibrationFailure, number> => {
    const checked = checkTarget(target)
    if (E.isLeft(checked)) return checked
    const spent = spending(accountant, target.delta, (q) => eventOf(Math.min(q, 1)))
    return boundary(target, spent, { parameter: 'samplingProbability', start: 0.01, privateEnd: 1e-15, otherEnd: 1 })
  }

/**
 * A failure as one sentence.
 *
 * @example
 * showCalibrationFailure(invalidParameter('epsilon', 0, 'a finite number > 0')) // => 'epsilon must be a finite number > 0, not 0'
 */
export const showCalibrationFailure = (failure: CalibrationFailure): string =>
  failure._tag === 'UnreachableTarget'
    ? `epsilon ${failure.target.epsilon} at delta ${failure.target.delta} cannot be reached: ${failure.parameter} = ${failure.at} still spends ${failure.epsilon}`
    : showAccountingFailure(failure)
