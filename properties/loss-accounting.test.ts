import { readFileSync } from 'node:fs'
import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Accountant, type Bounds, deltaOf, epsilonOf } from '../src/privacy/accountant.js'
import * as Event from '../src/privacy/event/event.js'
import { exact } from '../src/privacy/exact/accountant.js'
import { gdp } from '../src/privacy/gdp.js'
import { pld } from '../src/privacy/pld/accountant.js'
import { epsilonOfPairs } from '../src/privacy/pld/composed-pairs.js'
import { type PldCurve, PldCurves } from '../src/privacy/pld/curve.js'
import { gaussianPair } from '../src/privacy/pld/gaussian-pair.js'
import { pairOfDistribution } from '../src/privacy/pld/loss-pair.js'
import { prv } from '../src/privacy/prv/accountant.js'
import { rdp } from '../src/privacy/rdp/accountant.js'
import { logComb } from '../src/tensor/special.js'
import { logUniform, uncheckedEvent } from './arbitraries/event.js'
import { accountingCases } from './golden/accounting/cases.js'
import { passed } from './golden/outcome.js'
import { rightOf } from './laws/accountant.js'

const golden: unknown = JSON.parse(readFileSync(new URL('./golden/loss-accounting.json', import.meta.url), 'utf8'))

/** Few points: bounds are wider, and as true. */
const quick = { relativeTolerance: 1e-3, absoluteTolerance: 1e-4, mostPoints: 2 ** 14 }
const accountants: readonly Accountant<PldCurve>[] = [pld(quick), prv({ mostPoints: 2 ** 14 })]

const mechanisms: Arbitrary<Event.PrivacyEvent> = fc.oneof(
  logUniform({ low: 0.5, high: 8 }).map((sigma) => Event.gaussian(sigma)),
  logUniform({ low: 0.5, high: 20 }).map(Event.laplace),
  logUniform({ low: 0.01, high: 1 }).map(Event.pureDp),
  fc
    .tuple(logUniform({ low: 0.5, high: 10 }), fc.integer({ min: 1, max: 3 }))
    .map(([sigma, sensitivity]) => Event.discreteGaussian({ sigma: sensitivity * sigma, sensitivity })),
  fc
    .tuple(logUniform({ low: 1, high: 10 }), fc.integer({ min: 1, max: 3 }))
    .map(([scale, sensitivity]) => Event.discreteLaplace({ scale: sensitivity * scale, sensitivity })),
)
const events: Arbitrary<Event.PrivacyEvent> = fc
  .array(
    fc
      .tuple(
        fc.oneof(fc.constant(1), logUniform({ low: 1e-3, high: 0.5 })),
        mechanisms,
        fc.integer({ min: 1, max: 300 }),
      )
      .map(([q, event, count]) => Event.selfComposed(count)(Event.poissonSampled(q)(event))),
    { minLength: 1, maxLength: 2 },
  )
  .map(Event.composed)
const deltas = logUniform({ low: 1e-30, high: 0.1 })
const at = <Curve>(accountant: Accountant<Curve>, delta: number, event: Event.PrivacyEvent): Bounds =>
  rightOf(epsilonOf(accountant, delta)(event))

const expectOrdered = ({ lower, estimate, upper }: Bounds): void => {
  expect(lower).toBeGreaterThanOrEqual(0)
  expect(estimate).toBeGreaterThanOrEqual(lower)
  expect(upper).toBeGreaterThanOrEqual(estimate)
}

/** Two intervals hold one number, so they meet. */
const expectMeeting = (a: Bounds, b: Bounds): void => {
  expect(a.lower).toBeLessThanOrEqual(b.upper * (1 + 1e-12) + 1e-12)
  expect(b.lower).toBeLessThanOrEqual(a.upper * (1 + 1e-12) + 1e-12)
}

describe.each(accountants.map((accountant) => [accountant.name, accountant] as const))('%s', (_, accountant) => {
  const law = <A>(what: string, arbitrary: Arbitrary<A>, holds: (a: A) => void, numRuns = 8) =>
    it(what, () => {
      fc.assert(
        fc.property(arbitrary, (a) => {
          holds(a)
        }),
        { numRuns },
      )
    })
  law(
    'is a homomorphism: composed events are composed curves, bit for bit, in any order',
    fc.tuple(events, events, deltas),
    ([x, y, delta]) => {
      const { curve, interpret, epsilon } = accountant
      const [a, b] = [rightOf(interpret(x)), rightOf(interpret(y))]
      const together = epsilon(delta)(rightOf(interpret(Event.composed([x, y]))))
      expect(epsilon(delta)(curve.concat(a, b))).toEqual(together)
      const { upper, lower } = epsilon(delta)(curve.concat(b, a))
      expect(Math.abs(upper - together.upper) + Math.abs(lower - together.lower)).toBeLessThanOrEqual(1e-9 * upper)
    },
  )
  it('NoOp is the unit, and counts are counts', () => {
    expect(accountant.interpret(Event.noOp)).toEqual({ _tag: 'Right', right: PldCurves.empty })
    expect(at(accountant, 1e-5, Event.noOp)).toMatchObject({ lower: 0, estimate: 0, upper: 0 })
    const one = rightOf(accountant.interpret(Event.poissonSampled(0.1)(Event.gaussian(1))))
    const three = rightOf(accountant.interpret(Event.selfComposed(3)(Event.poissonSampled(0.1)(Event.gaussian(1)))))
    expect([one, one, one].reduce(PldCurves.concat, PldCurves.empty)).toEqual(three)
  })
  law(
    'bounds are ordered, also at a δ of 1e-30',
    fc.tuple(events, deltas, logUniform({ low: 1e-3, high: 20 })),
    ([x, delta, epsilon]) => {
      expectOrdered(at(accountant, delta, x))
      const { lower, estimate, upper } = rightOf(deltaOf(accountant, epsilon)(x))
      expectOrdered({ lower, estimate, upper, neighbouring: 'addOrRemoveOne' })
      expect(upper).toBeLessThanOrEqual(1)
    },
  )
  law('ε falls with δ, and rises with one event more', fc.tuple(events, events, deltas), ([x, y, delta]) => {
    const here = at(accountant, delta, x)
    expect(at(accountant, Math.min(1, 5 * delta), x).lower).toBeLessThanOrEqual(here.upper)
    expect(at(accountant, delta, Event.composed([x, y])).upper).toBeGreaterThanOrEqual(here.lower)
  })
  law('δ at ε(δ) is δ within bounds', fc.tuple(events, deltas), ([x, delta]) => {
    const { lower, upper } = at(accountant, delta, x)
    if (upper > 0 && upper < Infinity)
      expect(rightOf(deltaOf(accountant, upper * (1 + 1e-9))(x)).lower).toBeLessThanOrEqual(delta * (1 + 1e-9))
    if (lower > 0 && lower < Infinity)
      expect(rightOf(deltaOf(accountant, lower * (1 - 1e-9))(x)).upper).toBeGreaterThanOrEqual(delta * (1 - 1e-9))
  })
  law(
    'what is proved from below is below what Rényi curves prove from above',
    fc.tuple(events, deltas),
    ([x, delta]) => {
      const renyi = rightOf(epsilonOf(rdp(), delta)(x))
      expect(at(accountant, delta, x).lower).toBeLessThanOrEqual(renyi.upper * (1 + 1e-9))
    },
  )
  law(
    'numbers out of their domains are a failure or a bound',
    fc.tuple(uncheckedEvent, deltas),
    ([x, delta]) => {
      const answer = epsilonOf(accountant, delta)(x)
      if (answer._tag === 'Right') expectOrdered(answer.right)
    },
    60,
  )
  it('what nobody protected is infinite, what has no loss law is a failure', () => {
    expect(at(accountant, 1e-5, Event.nonPrivate)).toMatchObject({ lower: Infinity, upper: Infinity })
    expect(accountant.interpret(Event.zeroConcentratedDp(0.1))).toMatchObject({ _tag: 'Left' })
    expect(accountant.interpret(Event.unsupported('by hand'))).toMatchObject({ left: { reason: 'by hand' } })
    expect(() => accountant.epsilon(2)).toThrow(RangeError)
    expect(() => accountant.delta(-1)).toThrow(RangeError)
  })
})

describe('pld and prv', () => {
  it('a Poisson sample that may be as large as the dataset, or never is so large, is a Poisson sample', () => {
    const gaussian = Event.gaussian(1)
    for (const neighbouring of ['addOrRemoveOne', 'replaceOne', 'replaceSpecial'] as const)
      for (const [datasetSize, truncatedBatchSize, samplingProbability] of [
        [1, 1, 1 - 2 ** -53],
        [50, 60, 0.3],
        [4000, 3900, 0.01],
      ] as const) {
        const sampler = { datasetSize, truncatedBatchSize, samplingProbability }
        const cut = deltaOf(pld({ neighbouring }), 1)(Event.truncatedPoissonSampled(sampler)(gaussian))
        expect(cut).toEqual(deltaOf(pld({ neighbouring }), 1)(Event.poissonSampled(samplingProbability)(gaussian)))
        expect(rightOf(cut).upper).toBeGreaterThan(0)
      }
  })
  it('bound the same number', () =>
    fc.assert(
      fc.property(events, deltas, (x, delta) => {
        const [a, b] = accountants.map((accountant) => at(accountant, delta, x)) as [Bounds, Bounds]
        expectMeeting(a, b)
      }),
      { numRuns: 8 },
    ))
  it('on a truth that others miss: δ of 1e-18 and of 1e-30', () => {
    const run = (sigma: number, q: number, steps: number) =>
      Event.selfComposed(steps)(Event.poissonSampled(q)(Event.gaussian(sigma)))
    for (const [event, delta, truth] of [
      [run(4, 0.00033, 10_000), 1.1e-18, 0.06721361563312567],
      [run(1.1, 256 / 60_000, 14_060), 1e-30, 7.796154149809365],
    ] as const)
      for (const accountant of [pld(), prv()]) {
        const { lower, upper } = at(accountant, delta, event)
        expect(lower).toBeLessThanOrEqual(truth)
        expect(upper).toBeGreaterThanOrEqual(truth)
        if (accountant.name === 'pld') expect(upper - truth).toBeLessThanOrEqual(Math.max(1e-6, 1e-4 * truth))
      }
  })
  it('n-fold randomized response is a binomial law', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        logUniform({ low: 0.01, high: 2 }),
        // Nearer to the largest loss, the rounding of the losses themselves is a part of δ.
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (n, epsilon, part) => {
          const target = part * n * epsilon
          let exact = 0
          for (let k = 0; k <= n; k++) {
            const loss = (2 * k - n) * epsilon
            if (loss > target)
              exact -=
                Math.exp(logComb({ n, k }) + k * epsilon - n * Math.log1p(Math.exp(epsilon))) *
                Math.expm1(target - loss)
          }
          const { lower, estimate, upper } = rightOf(
            deltaOf(pld(), target)(Event.selfComposed(n)(Event.pureDp(epsilon))),
          )
          const slack = 1e-10 * exact + 1e-300
          expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(1e-8 * exact + 1e-300)
          expect(lower).toBeLessThanOrEqual(exact + slack)
          expect(upper).toBeGreaterThanOrEqual(exact - slack)
        },
      ),
      { numRuns: 40 },
    ))
  it('atoms at ∞ add up: (ε, δ) mechanisms', () => {
    const event = Event.selfComposed(10)(Event.approximateDp({ epsilon: 0.1, delta: 1e-3 }))
    expect(at(pld(), 5e-3, event).upper).toBe(Infinity)
    expect(rightOf(deltaOf(pld(), Infinity)(event)).upper).toBeCloseTo(1 - 0.999 ** 10, 12)
    expect(rightOf(deltaOf(pld(), 1)(event)).upper).toBeGreaterThanOrEqual(1 - 0.999 ** 10)
    expect(at(pld(), 0, Event.selfComposed(10)(Event.pureDp(0.1))).upper).toBeCloseTo(1, 12)
  })
  it('any loss with a distribution function composes', () => {
    const density = gaussianPair(0.5).density
    if (density === undefined) return expect.fail('a density')
    const given = epsilonOfPairs([{ pair: pairOfDistribution(density), count: 4 }])(1e-5)
    const { lower, upper } = at(pld(), 1e-5, Event.selfComposed(4)(Event.gaussian(2)))
    expect(given.lower).toBeLessThanOrEqual(upper)
    expect(given.upper).toBeGreaterThanOrEqual(lower)
    expect(given.upper - lower).toBeLessThanOrEqual(2e-4 * upper)
  })
  it('replacing a record: at least removing one, at most two of them', () => {
    const event = Event.selfComposed(100)(Event.poissonSampled(0.05)(Event.gaussian(1)))
    const replaced = at(pld({ neighbouring: 'replaceOne' }), 1e-6, event)
    expect(replaced.lower).toBeGreaterThanOrEqual(at(pld(), 1e-6, event).upper)
    const special = at(pld({ neighbouring: 'replaceSpecial' }), 1e-6, event)
    expect(special.upper).toBe(at(pld(), 1e-6, event).upper)
  })
})

describe('noise too narrow for its losses to be resolved', () => {
  const narrow = logUniform({ low: 1e-12, high: 1e-3 })
  const q = logUniform({ low: 1e-4, high: 0.5 })
  const someDelta = logUniform({ low: 1e-12, high: 0.9 })
  it('is enclosed: what has a closed form by it, what is more noise from below, all that is seen from above', () =>
    fc.assert(
      fc.property(narrow, q, someDelta, (sigma, samplingProbability, delta) => {
        const event = Event.poissonSampled(samplingProbability)(Event.gaussian(sigma))
        const closed = rightOf(epsilonOf(exact(), delta)(event))
        expectOrdered(closed)
        const wider = at(exact(), delta, Event.poissonSampled(samplingProbability)(Event.gaussian(2 * sigma)))
        expect(wider.lower).toBeLessThanOrEqual(closed.upper)
        for (const accountant of accountants) {
          const found = at(accountant, delta, event)
          expectOrdered(found)
          expectMeeting(found, closed)
        }
      }),
      { numRuns: 4 },
    ))
  it('several times, every accountant encloses one number', () =>
    fc.assert(
      fc.property(narrow, q, someDelta, fc.integer({ min: 2, max: 30 }), (sigma, samplingProbability, delta, count) => {
        const event = Event.selfComposed(count)(Event.poissonSampled(samplingProbability)(Event.gaussian(sigma)))
        const [first, second, third] = [
          ...accountants.map((accountant) => at(accountant, delta, event)),
          at(exact(), delta, event),
        ]
        for (const found of [first, second, third] as Bounds[]) expectOrdered(found)
        expectMeeting(first as Bounds, second as Bounds)
        expectMeeting(first as Bounds, third as Bounds)
        // No more than all batches' records can be told.
        const told = -Math.expm1(count * Math.log1p(-samplingProbability))
        for (const accountant of accountants)
          expect(rightOf(deltaOf(accountant, 1)(event)).lower).toBeLessThanOrEqual(told * (1 + 1e-9))
      }),
      // Rounded, its least loss lies above where nearly all of the law without the record is.
      { numRuns: 6, examples: [[0.001, 0.4136378745011516, 0.9, 2]] },
    ))
  it('Laplace noise and pure ε have a finite lower end', () => {
    for (const event of [Event.laplace(1e-5), Event.pureDp(1e4)])
      for (const accountant of accountants) {
        const { lower, upper } = at(accountant, 1e-5, event)
        expect(lower).toBeLessThan(1e4)
        expect(upper).toBe(Infinity)
      }
  })
})

describe('golden records', () => {
  it.each(accountingCases(golden))('$name', ({ run }) => {
    expect(passed(run())).toBe(true)
  })
})

describe('Gaussians whose losses are too far for a lattice', () => {
  const counts = logUniform({ low: 110, high: 1e11 }).map(Math.ceil)
  it('are enclosed, alone and beside other losses', () => {
    const rest = Event.selfComposed(10)(Event.poissonSampled(0.1)(Event.gaussian(1)))
    fc.assert(
      fc.property(counts, logUniform({ low: 1e-12, high: 0.5 }), (count, delta) => {
        const gaussians = Event.selfComposed(count)(Event.gaussian(0.01))
        const exact = rightOf(epsilonOf(gdp(), delta)(gaussians))
        for (const accountant of accountants) {
          const alone = at(accountant, delta, gaussians)
          expectOrdered(alone)
          expectMeeting(alone, exact)
          const beside = at(accountant, delta, Event.composed([gaussians, rest]))
          expectOrdered(beside)
          expect(beside.upper).toBeGreaterThanOrEqual(exact.lower)
          expect(beside.upper).toBeLessThan(1.1 * exact.upper)
          for (const epsilon of [0, exact.estimate, 2e4 * count])
            expectOrdered(rightOf(deltaOf(accountant, epsilon)(Event.composed([gaussians, rest]))))
        }
      }),
      { numRuns: 4 },
    )
  })
})
