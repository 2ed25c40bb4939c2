/**
 * The laws of an accountant: a homomorphism of monoids, and readings that move the right way.
 */
import fc, { type Arbitrary } from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { expect, it } from 'vitest'
import { type Accountant, type Bounds, deltaOf, epsilonOf } from '../../src/privacy/accountant.js'
import * as Event from '../../src/privacy/event/event.js'
import { logUniform, noiseMultiplier, samplingProbability, uncheckedEvent } from '../arbitraries/event.js'

/** An accountant and the events that it reads. */
export interface AccountantCase<Curve> {
  readonly name: string
  readonly accountant: Accountant<Curve>
  readonly events: Arbitrary<Event.PrivacyEvent>
  /** The smallest δ at which ε(δ(ε)) = ε to 1e-6; 1e-250 if not given. */
  readonly smallestDelta?: number
}

const deltas: Arbitrary<number> = logUniform({ low: 1e-15, high: 0.5 })

/** The value, where there must be one. */
export const rightOf = <A>(either: E.Either<unknown, A>): A => {
  if (E.isLeft(either)) return expect.fail(`a failure: ${JSON.stringify(either.left)}`)
  return either.right
}

/** Equal up to the tolerance of a search for the best order. */
const expectClose = (actual: number, expected: number): void => {
  if (actual !== expected) expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-12 + 1e-8 * Math.abs(expected))
}

const expectOrdered = ({ lower, estimate, upper }: Bounds): void => {
  expect(lower).toBeGreaterThanOrEqual(0)
  expect(estimate).toBeGreaterThanOrEqual(lower)
  expect(upper).toBeGreaterThanOrEqual(estimate)
}

/** Homomorphism, unit, repetition, order, and no answer that is no number. */
export const accountantLaws = <Curve>({
  name,
  accountant,
  events,
  smallestDelta = 1e-250,
}: AccountantCase<Curve>): void => {
  const { curve, interpret } = accountant
  const read = (delta: number) => (c: Curve) => accountant.epsilon(delta)(c).estimate
  const spent = (delta: number, event: Event.PrivacyEvent): number =>
    rightOf(epsilonOf(accountant, delta)(event)).estimate
  const law = <A>(what: string, arbitrary: Arbitrary<A>, holds: (a: A) => void, numRuns = 60) =>
    it(`${name}: ${what}`, () => {
      fc.assert(
        fc.property(arbitrary, (a) => {
          holds(a)
        }),
        { numRuns },
      )
    })

  law('interpret(x ∘ y) = interpret(x) + interpret(y)', fc.tuple(events, events, deltas), ([x, y, delta]) =>
    expectClose(
      spent(delta, Event.Composition.concat(x, y)),
      read(delta)(curve.concat(rightOf(interpret(x)), rightOf(interpret(y)))),
    ),
  )
  it(`${name}: NoOp ↦ empty, which spends nothing`, () => {
    expect(interpret(Event.noOp)).toEqual(E.right(curve.empty))
    expect(accountant.epsilon(1e-5)(curve.empty)).toMatchObject({ lower: 0, estimate: 0, upper: 0 })
    expect(accountant.delta(0)(curve.empty)).toMatchObject({ lower: 0, estimate: 0, upper: 0 })
  })
  law('T × x is x + … + x', fc.tuple(events, fc.nat(12), deltas), ([x, count, delta]) => {
    const one = rightOf(interpret(x))
    const sum = Array.from({ length: count }, () => one).reduce(curve.concat, curve.empty)
    expectClose(spent(delta, Event.selfComposed(count)(x)), read(delta)(sum))
  })
  law(
    'curves: (a + b) + c = a + (b + c), 0 + a = a = a + 0, a + b = b + a',
    fc.tuple(events, events, events, deltas),
    ([x, y, z, delta]) => {
      const [a, b, c] = [x, y, z].map((event) => rightOf(interpret(event))) as [Curve, Curve, Curve]
      const at = read(delta)
      expectClose(at(curve.concat(curve.concat(a, b), c)), at(curve.concat(a, curve.concat(b, c))))
      expectClose(at(curve.concat(a, b)), at(curve.concat(b, a)))
      expectClose(at(curve.concat(curve.empty, a)), at(a))
      expectClose(at(curve.concat(a, curve.empty)), at(a))
    },
  )
  law('the normal form means the same', fc.tuple(events, deltas), ([x, delta]) =>
    expectClose(spent(delta, Event.normalise(x)), spent(delta, x)),
  )
  law('one event more spends no less', fc.tuple(events, events, deltas), ([x, y, delta]) =>
    expect(spent(delta, Event.composed([x, y])) * (1 + 1e-9)).toBeGreaterThanOrEqual(spent(delta, x)),
  )
  law(
    'ε decreases in δ and δ in ε',
    fc.tuple(events, deltas, fc.double({ min: 1, max: 10, noNaN: true })),
    ([x, delta, factor]) => {
      expect(spent(delta, x) * (1 + 1e-9) + 1e-15).toBeGreaterThanOrEqual(spent(Math.min(1, delta * factor), x))
      const at = (epsilon: number): number => rightOf(deltaOf(accountant, epsilon)(x)).estimate
      expect(at(factor) * (1 + 1e-9)).toBeGreaterThanOrEqual(at(factor * 2))
    },
  )
  law(
    'bounds are ordered, and carry the relation',
    fc.tuple(events, deltas, fc.double({ min: 0, max: 1e4, noNaN: true })),
    ([x, delta, epsilon]) => {
      for (const bounds of [epsilonOf(accountant, delta)(x), deltaOf(accountant, epsilon)(x)].map((either) =>
        rightOf<Bounds>(either),
      )) {
        expectOrdered(bounds)
        expect(bounds.neighbouring).toBe(accountant.neighbouring)
      }
      expect(rightOf(deltaOf(accountant, epsilon)(x)).upper).toBeLessThanOrEqual(1)
    },
  )
  law('ε(δ(ε)) = ε', fc.tuple(events, logUniform({ low: 0.01, high: 50 })), ([x, epsilon]) => {
    const delta = rightOf(deltaOf(accountant, epsilon)(x)).estimate
    if (delta > smallestDelta && delta < 0.9) {
      const back = spent(delta, x)
      expect(Math.abs(back - epsilon)).toBeLessThanOrEqual(1e-6 * epsilon)
    }
  })
  law(
    'an event with numbers out of their domains is a failure or a bound, never a NaN',
    fc.tuple(uncheckedEvent, deltas),
    ([x, delta]) => {
      const answer = epsilonOf(accountant, delta)(x)
      if (E.isLeft(answer)) expect(answer.left._tag).toBe('UnsupportedEvent')
      else expectOrdered(answer.right)
    },
    150,
  )
  it(`${name}: what nobody can analyse is a failure, what nobody protected is infinite`, () => {
    expect(interpret(Event.unsupported('by hand'))).toMatchObject({ _tag: 'Left', left: { reason: 'by hand' } })
    expect(rightOf(epsilonOf(accountant, 1e-5)(Event.nonPrivate))).toMatchObject({ lower: Infinity, upper: Infinity })
    expect(rightOf(deltaOf(accountant, 3)(Event.nonPrivate))).toMatchObject({ lower: 1, upper: 1 })
  })
  it(`${name}: a δ outside of [0, 1] and an ε below 0 are failures`, () => {
    for (const delta of [-1e-9, 1.1, Number.NaN]) {
      expect(epsilonOf(accountant, delta)(Event.noOp)).toMatchObject({ left: { _tag: 'InvalidParameter' } })
      expect(() => accountant.epsilon(delta)).toThrow(RangeError)
    }
    for (const epsilon of [-1e-9, Number.NaN]) {
      expect(deltaOf(accountant, epsilon)(Event.noOp)).toMatchObject({ left: { _tag: 'InvalidParameter' } })
      expect(() => accountant.delta(epsilon)).toThrow(RangeError)
    }
  })
}

/** A training run: T Poisson-sampled Gaussian steps. */
export interface Run {
  readonly sigma: number
  readonly q: number
  readonly steps: number
}

/** The event of a run. */
export const runEvent = ({ sigma, q, steps }: Run): Event.PrivacyEvent =>
  Event.selfComposed(steps)(Event.poissonSampled(q)(Event.gaussian(sigma)))

/** Runs over the whole range of settings. */
export const runs: Arbitrary<Run> = fc.record({
  sigma: noiseMultiplier,
  q: samplingProbability,
  steps: logUniform({ low: 1, high: 1e6 }).map(Math.round),
})

/** How ε moves with the settings of a run. */
export const sampledGaussianLaws = <Curve>({ name, accountant }: Omit<AccountantCase<Curve>, 'events'>): void => {
  const spent = (run: Run, delta: number): number => rightOf(epsilonOf(accountant, delta)(runEvent(run))).estimate
  const more = fc.double({ min: 1, max: 4, noNaN: true })
  const law = (what: string, holds: (run: Run, delta: number, factor: number) => void) =>
    it(`${name}: ${what}`, () => {
      fc.assert(
        fc.property(runs, deltas, more, (run, delta, factor) => {
          holds(run, delta, factor)
        }),
        { numRuns: 60 },
      )
    })
  const expectAtMost = (small: number, large: number): void =>
    expect(small).toBeLessThanOrEqual(large * (1 + 1e-9) + 1e-15)

  law('ε decreases in σ', (run, delta, factor) =>
    expectAtMost(spent({ ...run, sigma: run.sigma * factor }, delta), spent(run, delta)),
  )
  law('ε increases in q', (run, delta, factor) =>
    expectAtMost(spent(run, delta), spent({ ...run, q: Math.min(1, run.q * factor) }, delta)),
  )
  law('ε increases in T', (run, delta, factor) =>
    expectAtMost(spent(run, delta), spent({ ...run, steps: Math.ceil(run.steps * factor) }, delta)),
  )
  law('q = 1 is not sampled, q = 0 is nothing', (run, delta) => {
    const unsampled = Event.selfComposed(run.steps)(Event.gaussian(run.sigma))
    expect(spent({ ...run, q: 1 }, delta)).toBe(rightOf(epsilonOf(accountant, delta)(unsampled)).estimate)
    expect(spent({ ...run, q: 0 }, delta)).toBe(0)
  })
  law('q → 1 is continuous', (run, delta) =>
    expect(spent({ ...run, q: 1 - 2 ** -50 }, delta)).toBeCloseTo(spent({ ...run, q: 1 }, delta), 6),
  )
  law('Gaussians on one batch are one Gaussian', (run, delta) => {
    const { sigma, q, steps } = run
    const pair = Event.composed([Event.gaussian(sigma * Math.SQRT2), Event.gaussian(sigma * Math.SQRT2)])
    const both = rightOf(
      epsilonOf(accountant, delta)(Event.selfComposed(steps)(Event.poissonSampled(q)(pair))),
    ).estimate
    expectAtMost(Math.abs(both - spent(run, delta)), 1e-8 * both)
  })
}
