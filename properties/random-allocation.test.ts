import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { type Bounds, deltaOf, epsilonOf } from '../src/privacy/accountant.js'
import * as Event from '../src/privacy/event/event.js'
import { gdp } from '../src/privacy/gdp.js'
import { type AllocationCurve, AllocationCurves, allocation } from '../src/privacy/random-allocation/accountant.js'
import { gaussianRatio, meanOfCopies, type RatioLaw } from '../src/privacy/random-allocation/ratio-law.js'
import { deltaOfRatio, powerOfRatio, productOfRatios } from '../src/privacy/random-allocation/ratio-product.js'
import { key } from '../src/sampling/key.js'
import { standardNormals } from '../src/sampling/normal.js'
import { ndtr } from '../src/tensor/special.js'
import { rightOf } from './laws/accountant.js'

const coarse = allocation({ cells: 256 })
const epoch = (steps: number, sigma: number, participations = 1): Event.PrivacyEvent =>
  Event.randomAllocation({ steps, participations })(Event.gaussian(sigma))
const epsilonAt = (event: Event.PrivacyEvent, delta = 1e-5): Bounds => rightOf(epsilonOf(coarse, delta)(event))
const deltaAt = (event: Event.PrivacyEvent, epsilon: number): Bounds => rightOf(deltaOf(coarse, epsilon)(event))

const sum = (values: Float64Array, from = 0): number => values.reduce((s, x) => s + x, from)

/** E[(Z − k)₊] of the ratio Z of N(1, σ²) to N(0, σ²) under N(0, σ²). */
const call = (sigma: number, k: number): number => {
  if (k <= 0) return 1 - k
  const x = Math.log(k) * sigma
  return ndtr(0.5 / sigma - x) - k * ndtr(-0.5 / sigma - x)
}

/** E f of the mean of two ratios, by the trapezoid rule over one, the other in closed form. */
const twoSteps = (sigma: number, epsilon: number): { readonly removing: number; readonly adding: number } => {
  const bound = Math.exp(epsilon)
  let [removing, adding] = [0, 0]
  const h = 0.01
  for (let t = -12; t <= 14; t += h) {
    const weight = (h * Math.exp(-0.5 * t * t)) / Math.sqrt(2 * Math.PI)
    const z = Math.exp(t / sigma - 0.5 / sigma / sigma)
    // ((z + Z)/2 − e^ε)₊ = (Z − (2e^ε − z))₊ / 2
    removing += weight * 0.5 * call(sigma, 2 * bound - z)
    // (1 − e^ε (z + Z)/2)₊ = e^ε/2 (k − Z)₊ with k = 2e^(−ε) − z, and (k − Z)₊ = (Z − k)₊ + k − Z
    const k = 2 / bound - z
    if (k > 0) adding += weight * 0.5 * bound * (call(sigma, k) + k - 1)
  }
  return { removing, adding }
}

describe('laws of a ratio', () => {
  const both = (sigma: number, steps: number): readonly RatioLaw[] =>
    (['lower', 'upper'] as const).map((side) => meanOfCopies(gaussianRatio(sigma, 0.08 / sigma, side), steps))

  it('keep their mass under P and Q', () => {
    for (const sigma of [0.4, 2])
      for (const steps of [1, 2, 7])
        for (const { q, p, zero, infinity } of both(sigma, steps)) {
          expect(sum(q, zero)).toBeCloseTo(1, 11)
          expect(sum(p, infinity)).toBeCloseTo(1, 11)
        }
  })

  it('of one step: δ of the Gaussian mechanism, between the bounds', () => {
    for (const sigma of [0.5, 1, 3])
      for (const epsilon of [0, 0.3, 1, 3]) {
        const [lower, upper] = both(sigma, 1).map((law) => deltaOfRatio(law)(epsilon)) as [number, number]
        const truth = call(sigma, Math.exp(epsilon))
        expect(lower).toBeLessThanOrEqual(truth * (1 + 1e-12))
        expect(upper).toBeGreaterThanOrEqual(truth * (1 - 1e-12))
        if (truth > 1e-12) expect(upper / lower).toBeLessThan(1.05)
      }
  })

  it('of two steps: δ by quadrature, between the bounds, in both directions', () => {
    for (const sigma of [0.6, 1, 2])
      for (const epsilon of [0, 0.5, 1.5]) {
        const { removing, adding } = twoSteps(sigma, epsilon)
        const [lower, upper] = both(sigma, 2).map((law) => deltaOfRatio(law)(epsilon)) as [number, number]
        const truth = Math.max(removing, adding)
        expect(lower).toBeLessThanOrEqual(truth * (1 + 1e-9))
        expect(upper).toBeGreaterThanOrEqual(truth * (1 - 1e-9))
        if (truth > 1e-9) expect(upper / lower).toBeLessThan(1.1)
      }
  })

  it('finer cells bring the bounds nearer, in second order', () => {
    const gap = (step: number): number => {
      const [lower, upper] = (['lower', 'upper'] as const).map((side) =>
        deltaOfRatio(meanOfCopies(gaussianRatio(1, step, side), 5))(0.5),
      ) as [number, number]
      return upper - lower
    }
    expect(gap(0.05)).toBeLessThan(0.35 * gap(0.1))
    expect(gap(0.025)).toBeLessThan(0.35 * gap(0.05))
  })

  it('products: powers are repeated products, and bounds of coarser grids still enclose', () => {
    for (const side of ['lower', 'upper'] as const) {
      const one = meanOfCopies(gaussianRatio(1, 0.05, side), 4)
      const [square, other] = [powerOfRatio(one, 3), productOfRatios(one, productOfRatios(one, one) as RatioLaw)]
      for (const epsilon of [0, 1, 2])
        expect(deltaOfRatio(square as RatioLaw)(epsilon)).toBeCloseTo(deltaOfRatio(other as RatioLaw)(epsilon), 9)
      const mixed = productOfRatios(one, meanOfCopies(gaussianRatio(1, 0.1, side), 4)) as RatioLaw
      const fine = powerOfRatio(meanOfCopies(gaussianRatio(1, 0.0125, side), 4), 2) as RatioLaw
      for (const epsilon of [0, 1, 2]) {
        const [a, b] = [deltaOfRatio(mixed)(epsilon), deltaOfRatio(fine)(epsilon)]
        expect(side === 'upper' ? a >= b : a <= b).toBe(true)
      }
    }
  })

  it('agree with draws: three steps, two epochs', () => {
    const [sigma, draws] = [1, 40_000]
    const normals = standardNormals(draws * 6)(key(2))
    const ratio = (at: number, shift: number): number => {
      let total = 0
      for (let i = 0; i < 3; i++) {
        const x = sigma * (normals[at + i] as number) + (i === 0 ? shift : 0)
        total += Math.exp((2 * x - 1) / (2 * sigma * sigma)) / 3
      }
      return total
    }
    for (const epsilon of [0.2, 1]) {
      // Under P the record is in the first step: the steps are alike.
      let [first, second] = [0, 0]
      for (let d = 0; d < draws; d++) {
        const term = Math.max(0, 1 - Math.exp(epsilon) / (ratio(6 * d, 1) * ratio(6 * d + 3, 1)))
        first += term / draws
        second += (term * term) / draws
      }
      const error = 5 * Math.sqrt((second - first * first) / draws)
      const { lower, upper } = deltaAt(Event.selfComposed(2)(epoch(3, 1)), epsilon)
      expect(first).toBeGreaterThan(lower - error)
      expect(first).toBeLessThan(upper + error)
    }
  })
})

describe('the accountant of random allocation', () => {
  it('one step an epoch is the Gaussian mechanism; so are as many participations as steps', () => {
    for (const [event, gaussian] of [
      [Event.selfComposed(3)(epoch(1, 1.5)), Event.selfComposed(3)(Event.gaussian(1.5))],
      [epoch(4, 2, 4), Event.selfComposed(4)(Event.gaussian(2))],
      [Event.composed([epoch(1, 2), Event.gaussian(1)]), Event.composed([Event.gaussian(2), Event.gaussian(1)])],
    ] as const) {
      const { lower, upper } = epsilonAt(event)
      const truth = rightOf(epsilonOf(gdp(), 1e-5)(gaussian)).estimate
      expect(lower).toBeLessThanOrEqual(truth)
      expect(upper).toBeGreaterThanOrEqual(truth * (1 - 1e-12))
      expect(upper - lower).toBeLessThan(0.03 * truth)
    }
  })

  it('bounds are in order; more steps hide better; no more is spent than without hiding', () => {
    const sigma = fc.double({ min: 0.5, max: 5, noNaN: true })
    fc.assert(
      fc.property(sigma, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 4 }), (s, steps, epochs) => {
        const at = (t: number): Bounds => epsilonAt(Event.selfComposed(epochs)(epoch(t, s)))
        const [here, more] = [at(steps), at(2 * steps)]
        for (const { lower, estimate, upper } of [here, more]) {
          expect(lower).toBeLessThanOrEqual(estimate)
          expect(estimate).toBeLessThanOrEqual(upper)
        }
        expect(more.lower).toBeLessThanOrEqual(here.upper)
        const unsampled = rightOf(epsilonOf(gdp(), 1e-5)(Event.selfComposed(epochs)(Event.gaussian(s)))).estimate
        expect(here.lower).toBeLessThanOrEqual(unsampled)
      }),
      { numRuns: 12 },
    )
  })

  it('ε(δ(ε)) encloses ε', () => {
    const event = Event.selfComposed(2)(epoch(5, 1))
    for (const epsilon of [0.3, 1, 2]) {
      const { lower, upper } = deltaAt(event, epsilon)
      expect(epsilonAt(event, upper).upper).toBeLessThanOrEqual(epsilon * (1 + 1e-6))
      expect(epsilonAt(event, lower).lower).toBeGreaterThanOrEqual(epsilon * (1 - 1e-6))
    }
  })

  it('is a homomorphism: counts add up, and NoOp is nothing', () => {
    const { interpret, curve } = coarse
    const curveOf = (event: Event.PrivacyEvent): AllocationCurve => rightOf(interpret(event))
    const [x, y] = [epoch(5, 1), Event.composed([Event.gaussian(2), epoch(3, 1)])]
    expect(curveOf(Event.composed([x, y, x]))).toEqual(curve.concat(curve.concat(curveOf(x), curveOf(y)), curveOf(x)))
    expect(curveOf(Event.selfComposed(3)(x))).toEqual(curveOf(Event.composed([x, x, x])))
    expect(curveOf(Event.noOp)).toEqual(AllocationCurves.empty)
    expect(curveOf(epoch(7, 1, 3)).epochs).toEqual([
      { noiseMultiplier: 1, steps: 2, count: 2 },
      { noiseMultiplier: 1, steps: 3, count: 1 },
    ])
  })

  it('several participations: an upper bound alone', () => {
    const { lower, estimate, upper } = epsilonAt(epoch(10, 1, 2))
    expect(lower).toBe(0)
    expect(estimate).toBe(upper)
    expect(upper).toBeCloseTo(epsilonAt(Event.selfComposed(2)(epoch(5, 1))).upper, 9)
  })

  it('extremes have bounds, and no answer is NaN', () => {
    const events = [
      epoch(10, 0.02),
      epoch(3, 0.06),
      epoch(1000, 50),
      Event.selfComposed(40)(epoch(2, 0.5)),
      epoch(2, 1e9),
    ]
    for (const event of events) {
      for (const delta of [0, 1e-25, 1e-6]) {
        const { lower, upper } = epsilonAt(event, delta)
        expect(lower).toBeLessThanOrEqual(upper)
      }
      for (const epsilon of [1, Infinity]) {
        const { lower, upper } = deltaAt(event, epsilon)
        expect(lower).toBeLessThanOrEqual(upper)
        expect(upper).toBeLessThanOrEqual(1)
      }
    }
    expect(epsilonAt(Event.noOp)).toMatchObject({ lower: 0, upper: 0 })
    expect(epsilonAt(Event.composed([Event.nonPrivate, epoch(2, 1)])).upper).toBe(Infinity)
    expect(() => coarse.epsilon(2)(AllocationCurves.empty)).toThrow(RangeError)
  })

  it('beyond the range of the laws, no worse than the same Gaussians unsampled', () => {
    const far: readonly (readonly [Event.PrivacyEvent, Event.PrivacyEvent, number])[] = [
      [epoch(4, 684 ** -0.5, 3), Event.selfComposed(3)(Event.gaussian(684 ** -0.5)), 0.5],
      [epoch(5, 1), Event.gaussian(1), 1e-25],
      [Event.selfComposed(3000)(epoch(2, 1)), Event.selfComposed(3000)(Event.gaussian(1)), 1e-5],
    ]
    for (const [hidden, known, delta] of far) {
      const [spent, most] = [epsilonAt(hidden, delta), rightOf(epsilonOf(gdp(), delta)(known))]
      expect(spent.lower).toBeLessThanOrEqual(spent.upper)
      expect(spent.upper).toBeLessThanOrEqual(most.upper)
      const probability = deltaAt(hidden, most.upper)
      expect(probability.upper).toBeLessThanOrEqual(delta * (1 + 1e-6))
      expect(probability.lower).toBeLessThanOrEqual(probability.upper)
    }
  })

  it('is no accountant of a replaced record, whatever the types say', () => {
    expect(() => allocation({ neighbouring: 'replaceOne' as never })).toThrow(
      'neighbouring is "replaceOne": random allocation is known under addOrRemoveOne and replaceSpecial',
    )
  })

  it.each([
    epoch(3, 1, 4),
    epoch(0, 1),
    epoch(2.5, 1),
    epoch(3, -1),
    Event.randomAllocation({ steps: 3 })(Event.laplace(1)),
    Event.poissonSampled(0.1)(Event.gaussian(1)),
  ])('no theorem, no number: %j', (event) => {
    expect(E.isLeft(epsilonOf(coarse, 1e-5)(event))).toBe(true)
  })
})
