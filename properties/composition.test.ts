/**
 * Composition of guarantees, the central limit, and μ of mechanisms that are no Gaussians.
 */
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { type Bounds, deltaOf, epsilonOf } from '../src/privacy/accountant.js'
import { approximateDp } from '../src/privacy/approximate-dp/accountant.js'
import { advancedComposition, basicComposition } from '../src/privacy/approximate-dp/composition-bounds.js'
import { optimalComposition } from '../src/privacy/approximate-dp/optimal-composition.js'
import { type Approximation, approximateEpsilonOf, centralLimit } from '../src/privacy/central-limit.js'
import * as Event from '../src/privacy/event/event.js'
import { exact } from '../src/privacy/exact/accountant.js'
import { logDeltaOfGdp } from '../src/privacy/gdp.js'
import { gdpOfPureDp, gdpOfRandomizedResponse } from '../src/privacy/mu-of-mechanism.js'
import { rdp } from '../src/privacy/rdp/accountant.js'
import { logUniform } from './arbitraries/event.js'
import { accountantLaws, rightOf, runEvent } from './laws/accountant.js'

const guarantees = fc.array(
  fc.record({
    epsilon: logUniform({ low: 1e-3, high: 2 }),
    delta: fc.oneof(fc.constant(0), logUniform({ low: 1e-12, high: 1e-3 })),
    count: fc.integer({ min: 1, max: 6 }),
  }),
  { minLength: 1, maxLength: 4 },
)

/** δ(ε) by listing every outcome of every randomised response. */
const listed = (each: readonly { readonly epsilon: number; readonly delta: number }[], epsilon: number): number => {
  const outcomes = each.reduce<readonly (readonly [loss: number, p: number])[]>(
    (all, { epsilon: one }) =>
      all.flatMap(([loss, p]): readonly (readonly [number, number])[] => [
        [loss + one, p / (1 + Math.exp(-one))],
        [loss - one, p / (1 + Math.exp(one))],
      ]),
    [[0, 1]],
  )
  const rest = outcomes.reduce((sum, [loss, p]) => sum + p * Math.max(0, -Math.expm1(epsilon - loss)), 0)
  const safe = each.reduce((product, { delta }) => product * (1 - delta), 1)
  return 1 - safe * (1 - rest)
}

describe('optimal composition', () => {
  it('is the sum over all outcomes', () =>
    fc.assert(
      fc.property(guarantees, fc.double({ min: 0, max: 5, noNaN: true }), (list, epsilon) => {
        const each = list.flatMap(({ count, ...one }) => Array.from({ length: count }, () => one))
        if (each.length > 12) return
        const [found, wanted] = [optimalComposition(list).delta(epsilon), listed(each, epsilon)]
        expect(Math.abs(found - wanted)).toBeLessThanOrEqual(1e-11 * wanted + 1e-14)
      }),
    ))
  it('is below advanced and basic composition, and so is ε at every δ', () =>
    fc.assert(
      fc.property(guarantees, logUniform({ low: 1e-10, high: 0.1 }), (list, slack) => {
        const optimal = optimalComposition(list)
        for (const { epsilon, delta } of [basicComposition(list), advancedComposition(slack)(list)]) {
          expect(optimal.delta(epsilon)).toBeLessThanOrEqual(delta * (1 + 1e-11) + 1e-16)
          expect(optimal.epsilon(delta * (1 + 1e-9) + 1e-15)).toBeLessThanOrEqual(epsilon * (1 + 1e-9))
        }
      }),
    ))
  it('ε(δ(ε)) = ε', () =>
    fc.assert(
      fc.property(guarantees, fc.double({ min: 0.01, max: 0.9, noNaN: true }), (list, part) => {
        const epsilon = part * basicComposition(list).epsilon
        const optimal = optimalComposition(list)
        const back = optimal.epsilon(optimal.delta(epsilon))
        // What δ holds of ε where open failures are most of it.
        expect(Math.abs(back - epsilon)).toBeLessThanOrEqual(1e-6 * epsilon + 1e-9)
      }),
    ))
  it('is Rényi’s bound or less for ε-DP mechanisms', () =>
    fc.assert(
      fc.property(logUniform({ low: 1e-3, high: 1 }), fc.integer({ min: 1, max: 500 }), (epsilon, count) => {
        const event = Event.selfComposed(count)(Event.pureDp(epsilon))
        const [optimal, renyi] = [approximateDp(), rdp()].map((accountant) =>
          rightOf(epsilonOf(accountant as ReturnType<typeof rdp>, 1e-6)(event)),
        ) as [Bounds, Bounds]
        expect(optimal.estimate).toBeLessThanOrEqual(renyi.upper * (1 + 1e-9))
      }),
      { numRuns: 40 },
    ))
  it('beyond its size is advanced composition, which is no smaller', () => {
    const event = (count: number) => Event.selfComposed(count)(Event.pureDp(1e-4))
    const at = (count: number) => rightOf(epsilonOf(approximateDp(), 1e-6)(event(count)))
    expect(at(300_000).upper).toBeGreaterThan(at(200_000).upper)
    expect(at(300_000).upper).toBeLessThan(1.3 * rightOf(epsilonOf(rdp(), 1e-6)(event(300_000))).upper)
    const { upper } = rightOf(deltaOf(approximateDp(), at(300_000).upper)(event(300_000)))
    expect(Math.abs(upper / 1e-6 - 1)).toBeLessThan(1e-6)
  })
})

accountantLaws({
  name: 'approximate-dp',
  accountant: approximateDp(),
  events: fc
    .array(
      fc.tuple(
        fc.integer({ min: 1, max: 20 }),
        fc.oneof(
          fc.constantFrom(0.01, 0.1, 1).map(Event.pureDp),
          fc.constantFrom(0.5, 1).map(Event.laplace),
          fc.constant(Event.approximateDp({ epsilon: 0.1, delta: 1e-300 })),
        ),
      ),
      { maxLength: 2 },
    )
    .map((list) => Event.composed(list.map(([count, event]) => Event.selfComposed(count)(event)))),
  smallestDelta: 1e-200,
})

describe('the central limit', () => {
  it('says less than the truth: 3.44 where it is 6.35', () => {
    const event = runEvent({ sigma: 0.5, q: 0.001, steps: 10_000 })
    const { approximate } = rightOf(approximateEpsilonOf(1e-6)(event))
    const truth = rightOf(epsilonOf(exact(), 1e-6)(event))
    expect(approximate.toFixed(2)).toBe('3.44')
    expect(truth.lower.toFixed(2)).toBe('6.35')
  })
  it('is typed so that nobody takes it for a bound', () => {
    const claim = rightOf(approximateEpsilonOf(1e-5)(Event.gaussian(1)))
    const take = (bounds: Bounds): number => bounds.upper
    // @ts-expect-error an approximation has no upper bound
    expect(take(claim)).toBeUndefined()
    // @ts-expect-error nor are bounds an approximation
    const back: Approximation = { lower: 0, estimate: 1, upper: 1, neighbouring: 'addOrRemoveOne' }
    expect(back).toBeDefined()
  })
  it('is exact for whole datasets, continuous at q → 1 for neither, and nothing at q = 0', () => {
    const mu = (event: Event.PrivacyEvent) => rightOf(centralLimit(event)).mu
    expect(mu(Event.selfComposed(9)(Event.gaussian(3)))).toBeCloseTo(1, 14)
    expect(mu(Event.poissonSampled(1)(Event.gaussian(4)))).toBe(0.25)
    expect(mu(Event.poissonSampled(0)(Event.gaussian(4)))).toBe(0)
    expect(centralLimit(Event.poissonSampled(0.1)(Event.laplace(1)))._tag).toBe('Left')
    expect(E.isLeft(rightOf(centralLimit(Event.gaussian(1))).epsilon(2))).toBe(true)
  })
})

describe('μ of mechanisms that are no Gaussians', () => {
  it('ε-DP: δ of the Gaussian is at least that of randomised response, and meets it', () =>
    fc.assert(
      fc.property(logUniform({ low: 1e-3, high: 20 }), fc.double({ min: 0, max: 1, noNaN: true }), (epsilon, part) => {
        const at = part * epsilon
        const response = optimalComposition([{ epsilon, delta: 0, count: 1 }]).delta(at)
        expect(Math.exp(logDeltaOfGdp(gdpOfPureDp(epsilon))(at))).toBeGreaterThanOrEqual(response * (1 - 1e-9))
      }),
    ))
  it('two buckets are the ε-DP mechanism of their odds', () => {
    const [noiseParameter, buckets] = [0.4, 2]
    const epsilon = Math.log((1 - 0.2) / 0.2)
    expect(gdpOfRandomizedResponse({ noiseParameter, buckets })).toBeCloseTo(gdpOfPureDp(epsilon), 12)
  })
})
