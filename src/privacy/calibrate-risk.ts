/**
 * Calibration of any monotone parameter to any of three targets: (ε, δ), an attacker's advantage, or a true positive rate at a false one.
 *
 * Every answer lies on the private side: the risk at the answer, from above, is at most the target's. What was spent before is part of
 * the event: `eventOf` composes it with what is to come.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import { type Accountant, showAccountingFailure, type UnsupportedEvent } from './accountant.js'
import type { PrivacyEvent } from './event/event.js'
import { type InvalidParameter, invalidParameter } from './invalid-parameter.js'
import { narrow } from './root.js'
import { truePositiveRate } from './trade-off.js'

/** What is to be met: at most this ε at δ, this advantage, or this true positive rate at that false positive rate. */
export type RiskTarget =
  | { readonly epsilon: number; readonly delta: number }
  | { readonly advantage: number }
  | { readonly falsePositiveRate: number; readonly truePositiveRate: number }

/** A parameter > 0 of an event, its range, and whether more of it spends more. */
export interface CalibratedParameter {
  readonly name: string
  readonly least: number
  readonly most: number
  readonly spends: 'more' | 'less'
  /** Where the search begins. */
  readonly start: number
  readonly integer?: boolean
}

/** σ of one mechanism, or the factor of a whole schedule of noise multipliers. */
export const noiseMultiplierScale: CalibratedParameter = {
  name: 'noiseMultiplier',
  least: 1e-15,
  most: 1e15,
  spends: 'less',
  start: 1,
}

/** q of one sampler, or the factor of a schedule whose largest q is 1. */
export const samplingProbabilityScale: CalibratedParameter = {
  name: 'samplingProbability',
  least: 1e-15,
  most: 1,
  spends: 'more',
  start: 0.01,
}

/** T, a whole number ≥ 1. */
export const stepCount: CalibratedParameter = {
  name: 'steps',
  least: 1,
  most: Number.MAX_SAFE_INTEGER,
  spends: 'more',
  start: 1000,
  integer: true,
}

/** An answer. */
export interface Calibrated {
  /** It meets the target. */
  readonly value: number
  /** The next value that was seen to exceed the target, 1e-7 relative (or one step) away; undefined where the whole range meets it. */
  readonly exceeding: number | undefined
  /** The risk at `value`, from above: ε, advantage or true positive rate. */
  readonly reached: number
}

/** The whole range of the parameter exceeds the target. */
export interface UnreachableRisk {
  readonly _tag: 'UnreachableRisk'
  readonly target: RiskTarget
  readonly parameter: string
  /** The most private value, and the risk there. */
  readonly at: number
  readonly reached: number
}

/** Why no noise was found that keeps a risk. */
export type RiskFailure = UnsupportedEvent | InvalidParameter | UnreachableRisk

const inside = (x: number): boolean => x > 0 && x < 1

const checked = (target: RiskTarget): Either<InvalidParameter, RiskTarget> => {
  if ('epsilon' in target)
    return !(target.epsilon > 0 && target.epsilon < Infinity)
      ? E.left(invalidParameter('epsilon', target.epsilon, 'a finite number > 0'))
      : !(target.delta >= 0 && target.delta < 1)
        ? E.left(invalidParameter('delta', target.delta, 'in [0, 1)'))
        : E.right(target)
  if ('advantage' in target)
    return inside(target.advantage)
      ? E.right(target)
      : E.left(invalidParameter('advantage', target.advantage, 'in (0, 1)'))
  return !(target.falsePositiveRate >= 0 && target.falsePositiveRate < 1)
    ? E.left(invalidParameter('falsePositiveRate', target.falsePositiveRate, 'in [0, 1)'))
    : target.truePositiveRate > target.falsePositiveRate && target.truePositiveRate < 1
      ? E.right(target)
      : E.left(
          invalidParameter('truePositiveRate', target.truePositiveRate, 'above the false positive rate, and below 1'),
        )
}

/** The risk of a curve, from above. */
const riskOf =
  <Curve>(accountant: Accountant<Curve>, target: RiskTarget) =>
  (curve: Curve): number =>
    'epsilon' in target
      ? accountant.epsilon(target.delta)(curve).upper
      : 'advantage' in target
        ? accountant.delta(0)(curve).upper
        : truePositiveRate(accountant)(target.falsePositiveRate)(curve)

/** log of the risk over what is allowed, above what guessing has: of order one in the logarithm of a parameter. */
const excess = (target: RiskTarget, risk: number): number => {
  const [allowed, guessing] =
    'epsilon' in target
      ? [target.epsilon, 0]
      : 'advantage' in target
        ? [target.advantage, 0]
        : [target.truePositiveRate, target.falsePositiveRate]
  return risk <= guessing ? -1000 : Math.log((risk - guessing) / (allowed - guessing))
}

/** Relative width of the last bracket. */
const TOLERANCE = 1e-7

/**
 * The value of a parameter that meets a target with nothing to spare.
 *
 * Guarantee  the risk at `value`, from above, is at most the target's; at `exceeding`, 1e-7 relative away, it is more. Where more of the
 *            parameter is not always more privacy, as for discrete Gaussian noise of less than about a step of its lattice, there are
 *            several such values: this is one, and a larger one may exceed the target
 * Cost       10 to 20 evaluations of the risk
 * Errors     InvalidParameter for a target that is none; UnsupportedEvent of the accountant; UnreachableRisk where the most private value
 *            exceeds it, because something else in the event spends it
 *
 * @example
 * calibrate(gdp(), { advantage: 2 })(noiseMultiplierScale)(Event.gaussian)._tag // => 'Left'
 */
export const calibrate =
  <Curve>(accountant: Accountant<Curve>, target: RiskTarget) =>
  (parameter: CalibratedParameter) =>
  (eventOf: (value: number) => PrivacyEvent): Either<RiskFailure, Calibrated> => {
    const valid = checked(target)
    if (E.isLeft(valid)) return valid
    const { name, least, most, spends, start, integer = false } = parameter
    const whole = (value: number): number => Math.min(most, Math.max(least, integer ? Math.round(value) : value))
    let failure: UnsupportedEvent | undefined
    const risk = (value: number): number => {
      const curve = accountant.interpret(eventOf(value))
      if (E.isRight(curve)) return riskOf(accountant, target)(curve.right)
      failure ??= curve.left
      return Infinity
    }
    const f = (log: number): number => excess(target, risk(whole(Math.exp(log))))
    const [privateEnd, otherEnd] = (spends === 'less' ? [most, least] : [least, most]).map(Math.log) as [number, number]
    const clamp = (log: number): number => Math.min(Math.max(log, Math.log(least)), Math.log(most))
    const first = Math.log(start)
    const tooMuch = f(first) > 0
    const end = tooMuch ? privateEnd : otherEnd
    let [here, there] = [first, first]
    for (let stride = 0.5; ; stride *= 1.5) {
      here = there
      there = clamp(here + Math.sign(end - here) * stride)
      if (failure !== undefined) return E.left(failure)
      if (there === here) {
        const at = end === Math.log(most) ? most : least
        const reached = risk(at)
        return tooMuch
          ? E.left({ _tag: 'UnreachableRisk', target, parameter: name, at, reached })
          : E.right({ value: at, exceeding: undefined, reached })
      }
      if (f(there) > 0 !== tooMuch) break
    }
    const bracket = tooMuch ? { above: here, below: there } : { above: there, below: here }
    const scale = Math.max(Math.abs(here), Math.abs(there), 1)
    const found = narrow({ bracket, tolerance: TOLERANCE / scale })(f)
    let [value, exceeding] = [whole(Math.exp(found.below)), whole(Math.exp(found.above))]
    while (integer && Math.abs(exceeding - value) > 1) {
      const middle = Math.floor((value + exceeding) / 2)
      if (excess(target, risk(middle)) > 0) exceeding = middle
      else value = middle
    }
    if (failure !== undefined) return E.left(failure)
    return E.right({ value, exceeding, reached: risk(value) })
  }

const showTarget = (target: RiskTarget): string =>
  'epsilon' in target
    ? `epsilon ${target.epsilon} at delta ${target.delta}`
    : 'advantage' in target
      ? `an advantage of ${target.advantage}`
      : `a true positive rate of ${target.truePositiveRate} at a false positive rate of ${target.falsePositiveRate}`

/**
 * A failure as one sentence.
 *
 * @example
 * showRiskFailure(invalidParameter('advantage', 2, 'in (0, 1)')) // => 'advantage must be in (0, 1), not 2'
 */
export const showRiskFailure = (failure: RiskFailure): string =>
  failure._tag === 'UnreachableRisk'
    ? `${showTarget(failure.target)} cannot be reached: ${failure.parameter} = ${failure.at} still has ${failure.reached}`
    : showAccountingFailure(failure)
