/**
 * The exact engine on mixtures of Gaussians, and the bounds that its contours end by.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deltaOf, epsilonOf } from '../src/privacy/accountant.js'
import * as Event from '../src/privacy/event/event.js'
import { exact } from '../src/privacy/exact/accountant.js'
import { type Composition, cumulants } from '../src/privacy/exact/composition.js'
import { contourMoments } from '../src/privacy/exact/contour-moments.js'
import { decay, decayFrom } from '../src/privacy/exact/decay-bound.js'
import { enclose } from '../src/privacy/exact/enclosure.js'
import { type MixturePair, type Pair, type PairKind, posteriorAt } from '../src/privacy/exact/pair.js'
import { singleStep } from '../src/privacy/exact/single-step.js'
import { tiltedLaw } from '../src/privacy/exact/tilted-law.js'
import { logUniform } from './arbitraries/event.js'
import { rightOf } from './laws/accountant.js'

const composition = (pair: Pair, count: number): Composition => ({ precision: 0, steps: [{ pair, count }] })
const directions = fc.constantFrom<PairKind>('remove', 'add')

/** Mixtures with the largest sensitivity 1; often with mass at 0. */
const mixtures = (kinds: fc.Arbitrary<PairKind> = directions): fc.Arbitrary<MixturePair> =>
  fc
    .record({
      kind: kinds,
      noiseMultiplier: logUniform({ low: 0.4, high: 8 }),
      others: fc.uniqueArray(
        fc.integer({ min: 0, max: 95 }).map((c) => c / 100),
        { minLength: 1, maxLength: 4 },
      ),
      odds: fc.array(logUniform({ low: 0.01, high: 1 }), { minLength: 5, maxLength: 5 }),
      atZero: fc.boolean(),
    })
    .map(({ kind, noiseMultiplier, others, odds, atZero }) => {
      const sensitivities = [...(atZero ? [0, ...others.filter((c) => c > 0)] : others), 1]
      const total = sensitivities.reduce((sum, _, i) => sum + (odds[i % 5] as number), 0)
      return {
        kind,
        noiseMultiplier,
        sensitivities,
        probabilities: sensitivities.map((_, i) => (odds[i % 5] as number) / total),
      }
    })
const sampled: fc.Arbitrary<Pair> = fc.record({
  kind: fc.constantFrom<PairKind>('remove', 'add', 'replace'),
  noiseMultiplier: logUniform({ low: 0.3, high: 10 }),
  samplingProbability: logUniform({ low: 1e-5, high: 0.95 }),
})

describe('mixtures', () => {
  it('have second moments Σ pᵢpⱼ e^{cᵢcⱼ/σ²}', () =>
    fc.assert(
      fc.property(mixtures(fc.constant('remove')), (pair) => {
        const { noiseMultiplier: sigma, sensitivities: c, probabilities: p } = pair
        const excess = c.reduce(
          (sum, ci, i) =>
            sum +
            c.reduce((s, cj, j) => s + (p[i] as number) * (p[j] as number) * Math.expm1((ci * cj) / sigma / sigma), 0),
          0,
        )
        const { value } = cumulants(composition(pair, 1))(1)
        expect(Math.abs(value / Math.log1p(excess) - 1)).toBeLessThan(1e-11)
      }),
    ))
  it('of one component are sampled steps', () =>
    fc.assert(
      fc.property(sampled, logUniform({ low: 0.05, high: 3 }), fc.integer({ min: 100, max: 10_000 }), (pair, e, n) => {
        if (!('samplingProbability' in pair)) return
        const { kind, noiseMultiplier, samplingProbability: q } = pair
        if (noiseMultiplier < 0.7 || q < 0.01) return
        const mixture: Pair = { kind, noiseMultiplier, sensitivities: [0, 1], probabilities: [1 - q, q] }
        const [one, other] = [enclose(composition(pair, n))(e), enclose(composition(mixture, n))(e)]
        expect(one.lower).toBeLessThanOrEqual(other.upper)
        expect(other.lower).toBeLessThanOrEqual(one.upper)
        expect(Math.abs(one.estimate - other.estimate)).toBeLessThanOrEqual(1e-8 * (1 + Math.abs(one.estimate)))
      }),
      { numRuns: 25 },
    ))
  it('in one step: the closed form lies in what the contour encloses', () =>
    fc.assert(
      fc.property(mixtures(), logUniform({ low: 0.01, high: 2 }), (pair, epsilon) => {
        const closed = singleStep(pair, epsilon)
        // A hair of precision forbids the closed form, and moves δ by less than the margin.
        const found = enclose({ ...composition(pair, 1), precision: 1e-14 })(epsilon)
        if (closed === undefined || closed.logDelta < -40 || found.method !== 'contour') return
        expect(found.upper).toBeGreaterThanOrEqual(closed.logDelta - closed.error)
        expect(found.estimate).toBeLessThanOrEqual(closed.logDelta + closed.error + 1e-4)
      }),
      { numRuns: 20 },
    ))
  const event = Event.mixtureOfGaussians
  it('are read in units of their largest sensitivity, equal ones counted', () => {
    const { interpret } = exact()
    const one = { noiseMultiplier: 4, sensitivities: [2, 0, 1], probabilities: [0.25, 0.25, 0.5] }
    const twice = rightOf(interpret(Event.composed([event(one), event({ ...one, noiseMultiplier: 4 })])))
    expect(twice).toEqual({
      precision: 0,
      steps: [{ noiseMultiplier: 2, sensitivities: [0, 0.5, 1], probabilities: [0.25, 0.5, 0.25], count: 2 }],
    })
    expect(rightOf(interpret(event({ noiseMultiplier: 2, sensitivities: [0, 2], probabilities: [0.9, 0.1] })))).toEqual(
      rightOf(interpret(Event.poissonSampled(0.1)(Event.gaussian(1)))),
    )
    expect(rightOf(interpret(event({ noiseMultiplier: 2, sensitivities: [2], probabilities: [1] })))).toEqual(
      rightOf(interpret(Event.gaussian(1))),
    )
    expect(interpret(event({ noiseMultiplier: 1, sensitivities: [-1], probabilities: [1] }))).toMatchObject({
      _tag: 'Left',
    })
  })
  it('a group of k under Poisson sampling spends more than one record, and no more than the group bound of k Gaussians', () => {
    const [sigma, q, k, steps] = [2, 0.05, 3, 200]
    const choose = [1, 3, 3, 1]
    const group = event({
      noiseMultiplier: sigma,
      sensitivities: choose.map((_, i) => i),
      probabilities: choose.map((n, i) => n * q ** i * (1 - q) ** (k - i)),
    })
    const spent = (e: Event.PrivacyEvent): number =>
      rightOf(epsilonOf(exact(), 1e-6)(Event.selfComposed(steps)(e))).upper
    expect(spent(group)).toBeGreaterThan(spent(Event.poissonSampled(q)(Event.gaussian(sigma))))
    expect(spent(group)).toBeLessThan(spent(Event.gaussian(sigma / k)))
    const mixed = Event.composed([Event.selfComposed(steps)(group), Event.gaussian(3)])
    const bounds = rightOf(epsilonOf(exact(), 1e-6)(mixed))
    expect(bounds.upper - bounds.lower).toBeLessThan(1e-8 * bounds.estimate)
    const back = rightOf(deltaOf(exact(), bounds.estimate)(mixed))
    expect(Math.abs(back.estimate / 1e-6 - 1)).toBeLessThan(1e-8)
  })
})

describe('the bounds of decay', () => {
  const pairs = fc.oneof(sampled, mixtures())
  it('are above |M(c + iy)/M(c)| at every height', () =>
    fc.assert(
      fc.property(
        pairs,
        logUniform({ low: 0.01, high: 60 }),
        logUniform({ low: 0.01, high: 3 }),
        (pair, tilt, spacing) => {
          const what = composition(pair, 1)
          const moments = contourMoments(what, { tilt, spacing, points: 200 })
          if (moments === undefined) return
          const bounds = decay(what, tilt)
          const [origin] = moments.re as unknown as [number]
          for (let k = 1; k < 200; k += 3) {
            const y = k * spacing
            const truth = (moments.re[k] as number) - origin
            const doubt = moments.doubt[k] as number
            expect(bounds.within(0.95 * y, 1.03 * y)).toBeGreaterThanOrEqual(truth - doubt)
            expect(bounds.far(y)).toBeGreaterThanOrEqual(truth - doubt)
            if (k % 10 === 0) expect(decayFrom(bounds, y)).toBeGreaterThanOrEqual(truth - doubt)
          }
        },
      ),
      { numRuns: 60 },
    ))
  it('rest on true curvatures: second differences of log G and log p stay within the bounds at nodes', () =>
    fc.assert(
      fc.property(pairs, logUniform({ low: 0.01, high: 60 }), (pair, tilt) => {
        const law = tiltedLaw(pair, tilt)
        if (law === undefined) return
        const { step, logDensity, logSlope, loss, bend, rise, slopeBend } = law
        const largest = (values: Float64Array): number =>
          values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
        // log G is a sum of terms of this size, rounded at eight places, and then differenced twice.
        const noise = (1e-11 + 8 * 2 ** -52 * (tilt * largest(loss) + largest(logDensity))) / step ** 2
        for (let k = 1; k + 1 < logDensity.length; k++) {
          const second = (values: Float64Array): number =>
            ((values[k + 1] as number) - 2 * (values[k] as number) + (values[k - 1] as number)) / step ** 2
          const most = (values: Float64Array): number =>
            Math.max(values[k - 1] as number, values[k] as number, values[k + 1] as number)
          expect(Math.abs(second(logDensity))).toBeLessThanOrEqual(most(bend) + noise)
          expect(second(logDensity)).toBeLessThanOrEqual(most(rise) + noise)
          expect(Math.abs(second(logSlope))).toBeLessThanOrEqual(most(slopeBend) + noise)
        }
      }),
      { numRuns: 60, endOnFailure: true },
    ))
  it('v ≤ m (1 − m)', () =>
    fc.assert(
      fc.property(pairs, fc.double({ min: -15, max: 40, noNaN: true }), (pair, t) => {
        const out = { mean: 0, variance: 0, ratio: 0 }
        posteriorAt(pair)(t, out)
        expect(out.variance).toBeLessThanOrEqual(out.mean * (1 - out.mean) + 1e-15)
        expect(out.mean).toBeLessThanOrEqual(1 + 1e-15)
      }),
    ))
})
