import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { epsilonOf } from '../src/privacy/accountant.js'
import * as Event from '../src/privacy/event/event.js'
import { exact } from '../src/privacy/exact/accountant.js'
import { gdp } from '../src/privacy/gdp.js'
import { rdp } from '../src/privacy/rdp/accountant.js'
import { userEpsilonByGroups, userLevelEvent } from '../src/privacy/user-level.js'
import { rightOf } from './laws/accountant.js'

const DELTA = 1e-5
const orders = [1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 60]
const accountant = rdp({ orders })
const upper = (event: Event.PrivacyEvent): number => rightOf(epsilonOf(accountant, DELTA)(event)).upper
const ofUser = (k: number, event: Event.PrivacyEvent): number => upper(rightOf(userLevelEvent(k)(event)))
const byGroups = (k: number, event: Event.PrivacyEvent): number =>
  rightOf(userEpsilonByGroups(accountant, { maxExamplesPerUser: k, delta: DELTA })(event)).upper

const sigma = fc.double({ min: 0.8, max: 6, noNaN: true })
const sampled = fc
  .tuple(sigma, fc.double({ min: 1e-3, max: 0.2, noNaN: true }), fc.integer({ min: 1, max: 300 }))
  .map(([noiseMultiplier, q, steps]) =>
    Event.selfComposed(steps)(Event.poissonSampled(q)(Event.gaussian(noiseMultiplier))),
  )

describe('events of users', () => {
  it('a user with one record is a record', () => {
    fc.assert(
      fc.property(sampled, (event) => {
        expect(ofUser(1, event) / upper(event)).toBeCloseTo(1, 9)
        expect(byGroups(1, event)).toBe(upper(event))
      }),
      { numRuns: 6 },
    )
  })

  it('more records cost more; the mixture costs no more than the group’s bound', () => {
    fc.assert(
      fc.property(sampled, (event) => {
        const [one, two, four] = [upper(event), ofUser(2, event), ofUser(4, event)]
        expect(two).toBeGreaterThanOrEqual(one * (1 - 1e-9))
        expect(four).toBeGreaterThanOrEqual(two * (1 - 1e-9))
        // Two bounds at a few orders may cross; the proved upper end of the truth is below that of the group.
        const truth = rightOf(epsilonOf(exact(), DELTA)(rightOf(userLevelEvent(4)(event))))
        expect(truth.upper).toBeLessThanOrEqual(byGroups(4, event))
      }),
      { numRuns: 6 },
    )
  })

  it('never sampled, or always: nothing, or k times the sensitivity', () => {
    const at = (q: number): Event.PrivacyEvent => rightOf(userLevelEvent(3)(Event.poissonSampled(q)(Event.gaussian(3))))
    expect(at(0)).toEqual(Event.noOp)
    expect(at(1)).toMatchObject({ _tag: 'Gaussian', noiseMultiplier: 1 })
    const mixed = at(0.5)
    expect(mixed).toMatchObject({ _tag: 'MixtureOfGaussians', sensitivities: [0, 1, 2, 3] })
    if (mixed._tag === 'MixtureOfGaussians')
      mixed.probabilities.forEach((p, i) => {
        expect(p).toBeCloseTo([0.125, 0.375, 0.375, 0.125][i] as number, 13)
      })
  })

  it('goes through compositions, trees and shuffled epochs', () => {
    const event = Event.composed([
      Event.selfComposed(4)(Event.gaussian(2)),
      Event.treeAggregation({ noiseMultiplier: 2, steps: 7 }),
      Event.matrixFactorisation({ noiseMultiplier: 2, sensitivity: 3 }),
      Event.shuffled(9)(Event.gaussian(2)),
      Event.nonPrivate,
    ])
    expect(rightOf(userLevelEvent(2)(event))).toEqual(
      Event.composed([
        Event.selfComposed(4)(Event.gaussian(1)),
        Event.treeAggregation({ noiseMultiplier: 1, steps: 7 }),
        Event.matrixFactorisation({ noiseMultiplier: 1, sensitivity: 3 }),
        Event.shuffled(9)(Event.gaussian(1)),
        Event.nonPrivate,
      ]),
    )
  })

  it.each([
    Event.laplace(1),
    Event.unsupported('no reason'),
    Event.poissonSampled(0.1)(Event.laplace(1)),
    Event.poissonSampled(2)(Event.gaussian(1)),
    Event.shuffled(3)(Event.laplace(1)),
    Event.randomAllocation({ steps: 3 })(Event.gaussian(1)),
  ])('no theorem, no event: %j', (event) => {
    expect(E.isLeft(userLevelEvent(2)(event))).toBe(true)
    expect(E.isLeft(userLevelEvent(2)(Event.composed([event])))).toBe(true)
  })

  it('a user has records', () => {
    expect(E.isLeft(userLevelEvent(0)(Event.gaussian(1)))).toBe(true)
    expect(E.isLeft(userEpsilonByGroups(rdp(), { maxExamplesPerUser: 1.5, delta: DELTA })(Event.gaussian(1)))).toBe(
      true,
    )
  })
})

describe('ε of users by groups', () => {
  it('pure privacy: k times ε, at any δ', () => {
    const { upper: spent } = rightOf(userEpsilonByGroups(rdp(), { maxExamplesPerUser: 5, delta: 0 })(Event.pureDp(0.3)))
    expect(spent).toBeCloseTo(1.5, 9)
  })

  it('above the truth of a Gaussian mechanism, where k records are k times the sensitivity', () => {
    fc.assert(
      fc.property(sigma, fc.integer({ min: 2, max: 6 }), (s, k) => {
        const event = Event.gaussian(4 * s)
        const truth = rightOf(epsilonOf(gdp(), DELTA)(rightOf(userLevelEvent(k)(event)))).upper
        const found = rightOf(userEpsilonByGroups(gdp(), { maxExamplesPerUser: k, delta: DELTA })(event)).upper
        expect(found).toBeGreaterThanOrEqual(truth)
        expect(found).toBeLessThan(4 * truth + 0.1)
      }),
      { numRuns: 20 },
    )
  })

  it('infinite where no δ of a record is small enough', () => {
    expect(byGroups(40, Event.selfComposed(100)(Event.gaussian(1)))).toBe(Infinity)
    expect(byGroups(2, Event.nonPrivate)).toBe(Infinity)
  })
})
