/**
 * Events as data: the normal form, the text, and the fields that JSON may not get wrong.
 */
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import * as Event from '../src/privacy/event/event.js'
import { eventFromJson } from '../src/privacy/event/json.js'
import { rdp } from '../src/privacy/rdp/accountant.js'
import { anyEvent, anyMechanism, rdpEvents } from './arbitraries/event.js'

/** The parts of a normal form, in an order of their own. */
const bag = (event: Event.PrivacyEvent): readonly string[] =>
  (event._tag === 'Composed' ? event.events : [event]).map((part) => JSON.stringify(part)).sort()

describe('the normal form', () => {
  it('counts equal events wherever they stand', () => {
    const [a, b] = [Event.gaussian(1), Event.laplace(2)]
    expect(Event.normalise(Event.composed([a, b, a, Event.selfComposed(3)(Event.composed([b, a]))]))).toEqual(
      Event.composed([Event.selfComposed(5)(a), Event.selfComposed(4)(b)]),
    )
  })
  it('does not depend on the order of composition', () =>
    fc.assert(
      fc.property(
        fc.array(fc.oneof(anyEvent, anyMechanism), { maxLength: 6 }),
        fc.infiniteStream(fc.nat()),
        (events, ranks) => {
          const shuffled = events
            .map((event) => [event, ranks.next().value as number] as const)
            .sort(([, a], [, b]) => a - b)
            .map(([event]) => event)
          expect(bag(Event.normalise(Event.composed(shuffled)))).toEqual(bag(Event.normalise(Event.composed(events))))
        },
      ),
    ))
  it('is flat: no composition holds a composition, and no two parts are equal', () =>
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 4 }), (events) => {
        const parts = Event.normalise(Event.composed([...events, ...events]))
        if (parts._tag !== 'Composed') return
        const single = parts.events.map((part) => (part._tag === 'SelfComposed' ? part.event : part))
        expect(single.map(({ _tag }) => _tag)).not.toContain('Composed')
        expect(new Set(single.map((part) => JSON.stringify(part))).size).toBe(single.length)
      }),
    ))
  it('keeps counts that no integer holds apart', () => {
    const many = Event.selfComposed(2 ** 53 - 1)(Event.gaussian(1))
    expect(Event.normalise(Event.composed([many, many]))).toEqual(Event.composed([many, many]))
    expect(Event.normalise(Event.selfComposed(4)(many))).toEqual(Event.selfComposed(4)(many))
    expect(Event.normalise(Event.selfComposed(2.5)(Event.gaussian(1)))).toEqual(
      Event.selfComposed(2.5)(Event.gaussian(1)),
    )
  })
  it('means the same whatever the order', () =>
    fc.assert(
      fc.property(fc.tuple(rdpEvents, rdpEvents), ([a, b]) => {
        const curve = (event: Event.PrivacyEvent) => E.map(rdp().epsilon(1e-6))(rdp().interpret(event))
        const [there, back] = [curve(Event.composed([a, b])), curve(Event.composed([b, a]))]
        if (E.isLeft(there) || E.isLeft(back)) return expect(there._tag).toBe(back._tag)
        expect(Math.abs(there.right.estimate - back.right.estimate)).toBeLessThanOrEqual(1e-8 * there.right.estimate)
      }),
      { numRuns: 50 },
    ))
})

describe('text', () => {
  const step = Event.gaussian(2)
  it.each([
    [Event.discreteGaussian({ sigma: 3, sensitivity: 1 }), 'DiscreteGaussian(3, sensitivity 1)'],
    [Event.discreteLaplace({ scale: 2, sensitivity: 1 }), 'DiscreteLaplace(2, sensitivity 1)'],
    [Event.exponentialMechanism(0.5), 'Exponential(0.5)'],
    [Event.approximateDp({ epsilon: 1, delta: 1e-6 }), 'ApproximateDp(1, 0.000001)'],
    [Event.zeroConcentratedDp(0.5), 'zCDP(0.5)'],
    [Event.zeroConcentratedDp(0.5, 0.1), 'zCDP(0.5, 0.1)'],
    [
      Event.mixtureOfGaussians({ noiseMultiplier: 1, sensitivities: [0, 1], probabilities: [0.9, 0.1] }),
      'Mixture(1, 0.9 at 0, 0.1 at 1)',
    ],
    [Event.treeAggregation({ noiseMultiplier: 4, steps: 100 }), 'Tree(4, 100 steps)'],
    [Event.matrixFactorisation({ noiseMultiplier: 4, sensitivity: 1.5 }), 'MatrixFactorisation(4, sensitivity 1.5)'],
    [
      Event.truncatedPoissonSampled({ datasetSize: 100, samplingProbability: 0.1, truncatedBatchSize: 15 })(step),
      'TruncatedPoisson(0.1 of 100, at most 15, Gaussian(2))',
    ],
    [
      Event.sampledWithReplacement({ datasetSize: 100, batchSize: 10 })(step),
      'WithReplacement(10 of 100, Gaussian(2))',
    ],
    [Event.randomAllocation({ steps: 10 })(step), 'RandomAllocation(1 of 10 steps, Gaussian(2))'],
    [Event.repeatAndSelect({ mean: 10, shape: 'poisson' })(step), 'Best(10 runs on average, Poisson, Gaussian(2))'],
    [Event.repeatAndSelect({ mean: 10, shape: 0 })(step), 'Best(10 runs on average, shape 0, Gaussian(2))'],
  ])('%o', (event, text) => {
    expect(Event.showEvent(event)).toBe(text)
  })
  it('tells events apart that differ', () =>
    fc.assert(
      fc.property(anyMechanism, anyMechanism, (a, b) => {
        if (a._tag === 'Unsupported' || b._tag === 'Unsupported') return
        expect(Event.showEvent(a) === Event.showEvent(b)).toBe(Event.EventEq.equals(a, b))
      }),
    ))
})

describe('JSON', () => {
  const inner = { _tag: 'NoOp' }
  it.each([
    [{ _tag: 'DiscreteGaussian', sigma: 0, sensitivity: 1 }, 'sigma'],
    [{ _tag: 'DiscreteLaplace', scale: 1, sensitivity: 0.5 }, 'sensitivity'],
    [{ _tag: 'RandomizedResponse', noiseParameter: 0.5, buckets: 1 }, 'buckets'],
    [{ _tag: 'ApproximateDp', epsilon: 1, delta: 2 }, 'delta'],
    [{ _tag: 'ZeroConcentratedDp', rho: 1 }, 'xi'],
    [
      { _tag: 'MixtureOfGaussians', noiseMultiplier: 1, sensitivities: [1, -1], probabilities: [0.5, 0.5] },
      'sensitivities[1]',
    ],
    [
      { _tag: 'MixtureOfGaussians', noiseMultiplier: 1, sensitivities: [1, 2], probabilities: [0.5, 0.4] },
      'probabilities',
    ],
    [{ _tag: 'MixtureOfGaussians', noiseMultiplier: 1, sensitivities: [1, 2], probabilities: [1] }, 'probabilities'],
    [{ _tag: 'TreeAggregation', noiseMultiplier: 1, steps: 0 }, 'steps'],
    [{ _tag: 'RandomAllocation', steps: 2, participations: 3, event: inner }, 'participations'],
    [{ _tag: 'RepeatAndSelect', mean: 2, shape: -1, event: inner }, 'shape'],
    [{ _tag: 'RepeatAndSelect', mean: 2, shape: 'binomial', event: inner }, 'shape'],
    [{ _tag: 'TruncatedPoissonSampled', datasetSize: 9, samplingProbability: 0.1, event: inner }, 'truncatedBatchSize'],
    [{ _tag: 'toString' }, '_tag'],
  ])('%j is refused at %s', (json, parameter) => {
    expect(eventFromJson(json)).toMatchObject({ _tag: 'Left', left: { _tag: 'InvalidParameter', parameter } })
  })
})
