/**
 * Calibration to (ε, δ), to an advantage and to error rates.
 */
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import {
  type CalibratedParameter,
  calibrate,
  noiseMultiplierScale,
  type RiskTarget,
  samplingProbabilityScale,
  showRiskFailure,
  stepCount,
} from '../src/privacy/calibrate-risk.js'
import * as Event from '../src/privacy/event/event.js'
import { exact } from '../src/privacy/exact/accountant.js'
import { analyticGaussianNoiseMultiplier, gdp } from '../src/privacy/gdp.js'
import { rdp } from '../src/privacy/rdp/accountant.js'
import { truePositiveRate } from '../src/privacy/trade-off.js'
import { logUniform } from './arbitraries/event.js'
import { rightOf } from './laws/accountant.js'

const accountant = exact()
const training =
  ({ sigma = 1, q = 0.02, steps = 1000 }) =>
  (name: string) =>
  (value: number): Event.PrivacyEvent =>
    Event.selfComposed(name === 'steps' ? value : steps)(
      Event.poissonSampled(name === 'samplingProbability' ? value : q)(
        Event.gaussian(name === 'noiseMultiplier' ? value : sigma),
      ),
    )
const targets: readonly RiskTarget[] = [
  { epsilon: 2, delta: 1e-6 },
  { advantage: 0.2 },
  { falsePositiveRate: 0.01, truePositiveRate: 0.05 },
]
const riskAt = (target: RiskTarget, event: Event.PrivacyEvent): number => {
  const curve = rightOf(accountant.interpret(event))
  return 'epsilon' in target
    ? accountant.epsilon(target.delta)(curve).upper / target.epsilon
    : 'advantage' in target
      ? accountant.delta(0)(curve).upper / target.advantage
      : truePositiveRate(accountant)(target.falsePositiveRate)(curve) / target.truePositiveRate
}
const parameters: readonly CalibratedParameter[] = [noiseMultiplierScale, samplingProbabilityScale, stepCount]

describe('calibration', () => {
  it.each(parameters.flatMap((parameter) => targets.map((target) => ({ name: parameter.name, parameter, target }))))(
    '$name for $target: the answer meets the target, its neighbour 1e-6 away does not',
    ({ parameter, target }) => {
      const eventOf = training({})(parameter.name)
      const { value, exceeding, reached } = rightOf(calibrate(accountant, target)(parameter)(eventOf))
      if (exceeding === undefined) return expect.fail('the whole range meets the target')
      expect(riskAt(target, eventOf(value))).toBeLessThanOrEqual(1)
      expect(riskAt(target, eventOf(exceeding))).toBeGreaterThan(1)
      if (parameter.integer === true) expect(Math.abs(exceeding - value)).toBe(1)
      else expect(Math.abs(exceeding / value - 1)).toBeLessThan(1e-6)
      expect(reached).toBeGreaterThan(0)
    },
  )
  it('finds the analytic Gaussian noise multiplier', () =>
    fc.assert(
      fc.property(logUniform({ low: 0.05, high: 20 }), logUniform({ low: 1e-12, high: 0.1 }), (epsilon, delta) => {
        const found = rightOf(calibrate(gdp(), { epsilon, delta })(noiseMultiplierScale)((s) => Event.gaussian(s)))
        const analytic = rightOf(analyticGaussianNoiseMultiplier({ epsilon, delta }))
        expect(Math.abs(found.value / analytic - 1)).toBeLessThan(1e-6)
      }),
      { numRuns: 30 },
    ))
  it('scales a schedule, beside what was spent', () => {
    const spent = Event.gaussian(4)
    const schedule = (scale: number): Event.PrivacyEvent =>
      Event.composed([spent, ...[0.8, 1, 1.5].map((part) => Event.selfComposed(50)(Event.gaussian(part * scale)))])
    const target = { epsilon: 3, delta: 1e-5 }
    const { value } = rightOf(calibrate(accountant, target)(noiseMultiplierScale)(schedule))
    expect(riskAt(target, schedule(value))).toBeLessThanOrEqual(1)
    expect(riskAt(target, schedule(value * (1 - 1e-6)))).toBeGreaterThan(1)
  })
  it('says why there is no answer', () => {
    const spent = (scale: number): Event.PrivacyEvent => Event.composed([Event.gaussian(0.5), Event.gaussian(scale)])
    const failure = calibrate(accountant, { advantage: 0.3 })(noiseMultiplierScale)(spent)
    expect(failure).toMatchObject({ _tag: 'Left', left: { _tag: 'UnreachableRisk', parameter: 'noiseMultiplier' } })
    if (E.isLeft(failure)) expect(showRiskFailure(failure.left)).toMatch(/^an advantage of 0.3 cannot be reached/)
    expect(calibrate(accountant, { epsilon: 1, delta: 1e-5 })(noiseMultiplierScale)(Event.laplace)).toMatchObject({
      left: { _tag: 'UnsupportedEvent' },
    })
    const wrong: readonly RiskTarget[] = [
      { epsilon: 0, delta: 0.1 },
      { epsilon: 1, delta: 1 },
      { advantage: 0 },
      { falsePositiveRate: 0.5, truePositiveRate: 0.5 },
      { falsePositiveRate: -1, truePositiveRate: 0.5 },
    ]
    for (const target of wrong)
      expect(calibrate(rdp(), target)(noiseMultiplierScale)(Event.gaussian)).toMatchObject({
        left: { _tag: 'InvalidParameter' },
      })
  })
  it('of a parameter whose whole range is private is its end', () => {
    const nothing = calibrate(accountant, { advantage: 0.3 })(stepCount)(() => Event.noOp)
    expect(nothing).toMatchObject({ right: { value: Number.MAX_SAFE_INTEGER, exceeding: undefined, reached: 0 } })
  })
})
