/**
 * Filters and odometers: what they admit keeps the guarantee, and costs no more than the theory says.
 */
import fc, { type Arbitrary } from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { epsilonOf } from '../src/privacy/accountant.js'
import { approximateDp } from '../src/privacy/approximate-dp/accountant.js'
import { calibrateSteps } from '../src/privacy/calibrate.js'
import * as Event from '../src/privacy/event/event.js'
import { exact } from '../src/privacy/exact/accountant.js'
import { approximateDpFilter } from '../src/privacy/filter/approximate.js'
import {
  type FilterState,
  filterStateFromJson,
  initialState,
  type PrivacyFilter,
  request,
  showRefusal,
} from '../src/privacy/filter/filter.js'
import { gdpFilter } from '../src/privacy/filter/gaussian.js'
import { initialReading, odometer, reading, recorded } from '../src/privacy/filter/odometer.js'
import { rdpFilter, zcdpFilter } from '../src/privacy/filter/renyi.js'
import { gdp } from '../src/privacy/gdp.js'
import type { Neighbouring } from '../src/privacy/neighbouring.js'
import { rdp } from '../src/privacy/rdp/accountant.js'
import { logUniform, noiseMultiplier, samplingProbability, uncheckedEvent } from './arbitraries/event.js'
import { rightOf } from './laws/accountant.js'

/** Asks for one event after another, whatever was refused before: the state, and what was admitted. */
const run = (filter: PrivacyFilter, events: readonly Event.PrivacyEvent[]) =>
  events.reduce<{ readonly state: FilterState; readonly admitted: readonly Event.PrivacyEvent[] }>(
    ({ state, admitted }, event) => {
      const next = request(filter)(event)(state)
      return E.isLeft(next) ? { state, admitted } : { state: next.right, admitted: [...admitted, event] }
    },
    { state: initialState(filter), admitted: [] },
  )

const targets = fc.record({
  epsilon: logUniform({ low: 0.05, high: 20 }),
  delta: logUniform({ low: 1e-12, high: 0.1 }),
})
const gaussians = noiseMultiplier.map((sigma) => Event.gaussian(sigma))
const pure = logUniform({ low: 1e-3, high: 2 }).map(Event.pureDp)
const sampled = fc.tuple(samplingProbability, gaussians).map(([q, event]) => Event.poissonSampled(q)(event))
const counted = (inner: Arbitrary<Event.PrivacyEvent>) =>
  fc.tuple(fc.integer({ min: 1, max: 50 }), inner).map(([count, event]) => Event.selfComposed(count)(event))

/** Does what was admitted spend at most the budget, by an accountant of its own? */
const keeps = (
  name: string,
  filterOf: (target: { readonly epsilon: number; readonly delta: number }) => E.Either<unknown, PrivacyFilter>,
  events: Arbitrary<Event.PrivacyEvent>,
  spent: (delta: number) => (event: Event.PrivacyEvent) => number,
) =>
  it(`${name}: what was admitted spends at most the budget`, () =>
    fc.assert(
      fc.property(targets, fc.array(fc.oneof(events, counted(events)), { maxLength: 12 }), (target, list) => {
        const filter = filterOf(target)
        if (E.isLeft(filter)) return
        const { admitted } = run(filter.right, list)
        expect(spent(target.delta)(Event.composed(admitted))).toBeLessThanOrEqual(target.epsilon)
      }),
      { numRuns: 60 },
    ))

describe('the budget', () => {
  const rdpSpent = (delta: number) => (event: Event.PrivacyEvent) => rightOf(epsilonOf(rdp(), delta)(event)).estimate
  keeps('gdp', gdpFilter, gaussians, (delta) => (event) => rightOf(epsilonOf(gdp(), delta)(event)).upper)
  keeps('rdp', rdpFilter, fc.oneof(gaussians, sampled, pure), rdpSpent)
  keeps(
    'zcdp',
    zcdpFilter,
    fc.oneof(
      gaussians,
      pure,
      logUniform({ low: 1e-4, high: 1 }).map((rho) => Event.zeroConcentratedDp(rho)),
    ),
    rdpSpent,
  )
  keeps(
    'approximate-dp, optimal composition',
    (target) => approximateDpFilter({ ...target, slack: target.delta }),
    pure,
    (delta) => (event) => rightOf(epsilonOf(approximateDp(), delta)(event)).estimate,
  )
  it('rdp against the exact accountant', () => {
    const filter = rightOf(rdpFilter({ epsilon: 2, delta: 1e-5, order: 6 }))
    const steps = Array.from({ length: 400 }, (_, t) =>
      Event.selfComposed(20)(Event.poissonSampled(0.01 + 1e-4 * t)(Event.gaussian(1 + t / 100))),
    )
    const { admitted } = run(filter, steps)
    expect(admitted.length).toBeGreaterThan(10)
    expect(admitted.length).toBeLessThan(400)
    const spent = rightOf(epsilonOf(exact(), 1e-5)(Event.composed(admitted))).upper
    expect(spent).toBeLessThanOrEqual(2)
  })
})

describe('no loss', () => {
  it('as many Gaussians fit into the Gaussian filter as if all had been fixed beforehand', () =>
    fc.assert(
      fc.property(targets, logUniform({ low: 1, high: 30 }), (target, sigma) => {
        const filter = rightOf(gdpFilter(target))
        const steps = calibrateSteps(gdp(), target)((count) => Event.selfComposed(count)(Event.gaussian(sigma)))
        if (E.isLeft(steps) || steps.right === 0 || steps.right > 1e9) return
        const fits = (count: number) =>
          E.isRight(request(filter)(Event.selfComposed(count)(Event.gaussian(sigma)))(initialState(filter)))
        expect(fits(steps.right) || fits(steps.right - 1)).toBe(true)
        expect(fits(Math.ceil(steps.right * (1 + 1e-9)) + 1)).toBe(false)
      }),
      { numRuns: 40 },
    ))
  it('the Rényi filter admits what its order admits without adaptivity', () => {
    const target = { epsilon: 3, delta: 1e-6 }
    const filter = rightOf(rdpFilter({ ...target, order: 12 }))
    const steps = rightOf(
      calibrateSteps(
        rdp({ orders: [12] }),
        target,
      )((count) => Event.selfComposed(count)(Event.poissonSampled(0.02)(Event.gaussian(1)))),
    )
    const fits = (count: number) =>
      E.isRight(
        request(filter)(Event.selfComposed(count)(Event.poissonSampled(0.02)(Event.gaussian(1))))(initialState(filter)),
      )
    expect([fits(steps), fits(steps + 1)]).toEqual([true, false])
  })
  it('zCDP of Gaussians is as good as their Rényi curve', () => {
    const target = { epsilon: 3, delta: 1e-6 }
    const filter = rightOf(zcdpFilter(target))
    const steps = rightOf(calibrateSteps(rdp(), target)((count) => Event.selfComposed(count)(Event.gaussian(20))))
    const fits = (count: number) =>
      E.isRight(request(filter)(Event.selfComposed(count)(Event.gaussian(20)))(initialState(filter)))
    expect([fits(steps), fits(steps + 1)]).toEqual([true, false])
  })
  it('without slack the ε of ε-DP mechanisms add up', () => {
    const filter = rightOf(approximateDpFilter({ epsilon: 1, delta: 0, slack: 0 }))
    expect(
      run(
        filter,
        Array.from({ length: 20 }, () => Event.pureDp(0.0999)),
      ).admitted,
    ).toHaveLength(10)
  })
})

describe.each([
  ['gdp', rightOf(gdpFilter({ epsilon: 1, delta: 1e-5 }))],
  ['rdp', rightOf(rdpFilter({ epsilon: 1, delta: 1e-5 }))],
  ['zcdp', rightOf(zcdpFilter({ epsilon: 1, delta: 1e-5, approximateDelta: 1e-6 }))],
  ['approximate-dp', rightOf(approximateDpFilter({ epsilon: 1, delta: 1e-5, slack: 5e-6 }))],
] as const)('the %s filter', (_name, filter) => {
  it('spends nothing on nothing, and adds up in any order', () =>
    fc.assert(
      fc.property(pure, pure, (a, b) => {
        const cost = (event: Event.PrivacyEvent) => rightOf(filter.costOf(event))
        expect(cost(Event.noOp)).toEqual(filter.units.map(() => 0))
        const [ab, ba] = [cost(Event.composed([a, b])), cost(Event.composed([b, a]))]
        ab.forEach((x, i) => {
          expect(Math.abs(x - (ba[i] as number))).toBeLessThanOrEqual(1e-15 * x)
          expect(Math.abs(x - ((cost(a)[i] as number) + (cost(b)[i] as number)))).toBeLessThanOrEqual(1e-14 * x)
        })
      }),
    ))
  it('refuses with a reason, and leaves the state as it was', () => {
    const start = initialState(filter)
    const refused = request(filter)(Event.pureDp(50))(start)
    expect(refused).toMatchObject({ _tag: 'Left', left: { _tag: 'OverBudget', spent: start.spent } })
    if (E.isLeft(refused)) expect(showRefusal(refused.left)).toContain('over its budget')
    const unread = request(filter)(Event.unsupported('by hand'))(start)
    expect(unread).toMatchObject({ _tag: 'Left', left: { _tag: 'UnsupportedEvent', reason: 'by hand' } })
  })
  it('answers every event with a state of finite numbers or a refusal', () =>
    fc.assert(
      fc.property(uncheckedEvent, (event) => {
        const next = request(filter)(event)(initialState(filter))
        if (E.isRight(next)) expect(next.right.spent.every((x) => x >= 0 && x < Infinity)).toBe(true)
      }),
    ))
  it('keeps its state as JSON', () => {
    const { state } = run(filter, [Event.pureDp(0.01), Event.pureDp(0.02)])
    expect(filterStateFromJson(filter)(JSON.parse(JSON.stringify(state)))).toEqual(E.right(state))
    for (const wrong of [
      null,
      {},
      { spent: [] },
      { spent: filter.units.map(() => -1) },
      { spent: filter.units.map(() => null) },
    ])
      expect(filterStateFromJson(filter)(wrong)).toMatchObject({ _tag: 'Left', left: { parameter: 'spent' } })
  })
})

describe('targets', () => {
  it('that no filter has are refused', () => {
    for (const target of [
      { epsilon: 0, delta: 1e-5 },
      { epsilon: 1, delta: 0 },
      { epsilon: 1, delta: 1 },
    ]) {
      expect(gdpFilter(target)._tag).toBe('Left')
      expect(rdpFilter(target)._tag).toBe('Left')
      expect(zcdpFilter(target)._tag).toBe('Left')
    }
    expect(rdpFilter({ epsilon: 1, delta: 1e-5, order: 1.01 })._tag).toBe('Left')
    expect(zcdpFilter({ epsilon: 1, delta: 1e-5, approximateDelta: 1e-5 })._tag).toBe('Left')
    expect(approximateDpFilter({ epsilon: 1, delta: 1e-5, slack: 1e-4 })._tag).toBe('Left')
  })
  it('under a relation that moves sums twice as far hold a quarter as many Gaussians', () => {
    const of = (neighbouring: Neighbouring) =>
      rightOf(rightOf(gdpFilter({ epsilon: 1, delta: 1e-5, neighbouring })).costOf(Event.gaussian(3)))
    expect(of('replaceOne')[0]).toBeCloseTo(4 * (of('addOrRemoveOne')[0] as number), 12)
  })
})

describe('odometers', () => {
  const gauge = rightOf(
    odometer((epsilon) => gdpFilter({ epsilon, delta: 1e-6 }))({ smallest: 0.01, largest: 100, stepsPerDoubling: 8 }),
  )
  it('read at least what is spent, and at most a rung more', () =>
    fc.assert(
      fc.property(fc.array(fc.oneof(gaussians, counted(gaussians)), { minLength: 1, maxLength: 8 }), (events) => {
        const state = events.reduce((at, event) => rightOf(recorded(gauge)(event)(at)), initialReading(gauge))
        const spent = rightOf(epsilonOf(gdp(), 1e-6)(Event.composed(events))).estimate
        const { epsilon } = reading(gauge)(state)
        expect(epsilon).toBeGreaterThanOrEqual(spent * (1 - 1e-9))
        if (epsilon < Infinity && epsilon > 0.02) expect(epsilon).toBeLessThanOrEqual(spent * 2 ** (1 / 8) * (1 + 1e-6))
      }),
      { numRuns: 60 },
    ))
  it('are infinite beyond the ladder, and never fall', () => {
    const state = rightOf(recorded(gauge)(Event.gaussian(1e-3))(initialReading(gauge)))
    expect(reading(gauge)(state)).toEqual({ epsilon: Infinity, delta: 1e-6 })
    expect(reading(gauge)(initialReading(gauge)).epsilon).toBe(0.01)
  })
  it('need one unit for all rungs', () => {
    expect(odometer((epsilon) => rdpFilter({ epsilon, delta: 1e-6 }))({ smallest: 1, largest: 10 })._tag).toBe('Left')
    expect(
      odometer((epsilon) => rdpFilter({ epsilon, delta: 1e-6, order: 20 }))({ smallest: 1, largest: 10 })._tag,
    ).toBe('Right')
  })
})
