import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Accountant, deltaOf, epsilonOf } from '../src/privacy/accountant.js'
import * as Event from '../src/privacy/event/event.js'
import { exact } from '../src/privacy/exact/accountant.js'
import { pld } from '../src/privacy/pld/accountant.js'
import { dividedEpsilon, dividedReadings } from '../src/privacy/pld/divided-readings.js'
import { gaussianPair } from '../src/privacy/pld/gaussian-pair.js'
import { partsFor } from '../src/privacy/pld/large-losses.js'
import { chernoffAt, latticeReadings, wantedStep } from '../src/privacy/pld/lattice-sums.js'
import { massError } from '../src/privacy/pld/loss-pair.js'
import { componentsOf, planFor } from '../src/privacy/pld/plan.js'
import { poissonSampledPair } from '../src/privacy/pld/poisson-pair.js'
import { restrictedPair } from '../src/privacy/pld/restricted-pair.js'
import { logUniform } from './arbitraries/event.js'
import { rightOf } from './laws/accountant.js'

const training = (sigma: number, q: number, steps: number): Event.PrivacyEvent =>
  Event.selfComposed(steps)(Event.poissonSampled(q)(Event.gaussian(sigma)))

const cells = fc.record({
  sigma: logUniform({ low: 0.6, high: 3 }),
  q: logUniform({ low: 1e-4, high: 0.01 }),
  count: fc.integer({ min: 2, max: 3000 }),
  direction: fc.constantFrom('remove' as const, 'add' as const),
})

describe('the part of a pair between two losses', () => {
  it('has, with the rest, all the masses of the pair', () => {
    fc.assert(
      fc.property(cells, fc.double({ min: 0, max: 1, noNaN: true }), ({ sigma, q, direction }, share) => {
        const pair = poissonSampledPair(direction, q)(gaussianPair(1 / sigma))
        const edges = Float64Array.from({ length: 41 }, (_, i) => -0.5 * q + (i / 40) * (direction === 'add' ? q : 2))
        const cut = (edges[0] as number) + share * ((edges[40] as number) - (edges[0] as number))
        const small = restrictedPair(pair, { low: -Infinity, high: cut, factor: 2 }).density?.masses(edges)
        const large = restrictedPair(pair, { low: cut, high: Infinity, factor: 4 }).density?.masses(edges)
        const whole = pair.density?.masses(edges)
        for (let i = 0; i < 40; i++)
          for (const side of ['p', 'q'] as const) {
            const expected = whole?.[side][i] as number
            const found = (small?.[side][i] as number) / 2 + (large?.[side][i] as number) / 4
            expect(Math.abs(found - expected)).toBeLessThanOrEqual(8 * massError * expected + 1e-300)
          }
      }),
      { numRuns: 60 },
    )
  })
})

describe('a composition divided by how many of its losses are large', () => {
  it('has the δ of the undivided one, and parts that together are all of it', () => {
    fc.assert(
      fc.property(cells, logUniform({ low: 1e-12, high: 1e-4 }), ({ sigma, q, count }, delta) => {
        const { estimate } = rightOf(epsilonOf(exact(), delta)(training(sigma, q, count)))
        fc.pre(estimate > 1e-4)
        const components = componentsOf([{ pair: poissonSampledPair('remove', q)(gaussianPair(1 / sigma)), count }])
        const aim = { epsilon: estimate, logDelta: Math.log(delta), tolerance: 1e-3 * estimate }
        const parts = partsFor(components, aim, Infinity)
        fc.pre(parts !== undefined)
        const whole = parts?.parts.reduce((sum, { weight }) => sum + weight, 0) ?? 0
        expect(whole).toBeLessThanOrEqual(1 + 1e-10)
        expect(whole + (parts?.rest ?? 0)).toBeGreaterThanOrEqual(1 - 1e-10)
        const plan = planFor(components, aim)
        const slow = latticeReadings(components, plan, { wanted: wantedStep(components, plan), mostPoints: 2 ** 15 })
        const readings = dividedReadings(parts as NonNullable<typeof parts>, { finer: 1, mostPoints: 2 ** 15 })
        for (const epsilon of [0.7 * estimate, estimate, 1.2 * estimate]) {
          const above = Math.min(slow.upper.delta(epsilon - slow.lossError), chernoffAt(slow, epsilon))
          const below = slow.lower.delta(epsilon + slow.lossError)
          expect(readings.lower(epsilon)).toBeLessThanOrEqual(above)
          expect(below).toBeLessThanOrEqual(readings.upper(epsilon))
        }
        const ends = dividedEpsilon(readings, delta, { epsilon: estimate, reach: 0.01 * estimate })
        expect(ends.lower).toBeLessThanOrEqual(ends.upper)
        expect(readings.upper(ends.upper)).toBeLessThanOrEqual(delta)
      }),
      { numRuns: 12 },
    )
  })

  it('is what makes a few large losses among many small ones no harder than others', () => {
    // Truths to 34 digits, by properties/golden/contour.py.
    const known = [
      { sigma: 1.1, q: 1e-4, steps: 1e4, delta: 1e-10, epsilon: 0.06359398122202928 },
      { sigma: 4, q: 1e-4, steps: 1e5, delta: 1e-8, epsilon: 0.03526475317941841 },
    ]
    for (const { sigma, q, steps, delta, epsilon } of known) {
      const { lower, upper } = rightOf(epsilonOf(pld(), delta)(training(sigma, q, steps)))
      expect(lower).toBeLessThanOrEqual(epsilon)
      expect(upper).toBeGreaterThanOrEqual(epsilon)
      expect(upper - epsilon).toBeLessThanOrEqual(Math.max(1e-6, 1e-4 * epsilon))
    }
  })

  it('is tried too where a few points resolve the whole but for its rounding errors', () => {
    const mixture = Event.mixtureOfGaussians({
      noiseMultiplier: 1,
      sensitivities: [2, 1.25],
      probabilities: [0.7, 0.3],
    })
    const event = Event.selfComposed(834)(Event.poissonSampled(1e-6)(mixture))
    for (const neighbouring of ['addOrRemoveOne', 'replaceOne'] as const) {
      const accountants = [exact({ neighbouring }), pld({ neighbouring })] as unknown as readonly Accountant<unknown>[]
      const deltas = accountants.map((accountant) => rightOf(deltaOf(accountant, 1)(event)))
      const epsilons = accountants.map((accountant) => rightOf(epsilonOf(accountant, 4.7e-9)(event)))
      for (const { lower, upper } of [...deltas, ...epsilons]) expect(upper - lower).toBeLessThanOrEqual(1e-3 * upper)
      for (const [one, other] of [deltas, epsilons]) {
        expect(one?.lower).toBeLessThanOrEqual(other?.upper as number)
        expect(other?.lower).toBeLessThanOrEqual(one?.upper as number)
      }
    }
  })

  it('is read from below also where ε is smaller than the first guess of how far it may be off', () => {
    const log = (epsilon: number): number => -20 - 30 * (epsilon - 0.017)
    const bounds = {
      upper: (epsilon: number) => Math.exp(log(epsilon) + 1e-4),
      lower: (epsilon: number) => Math.exp(log(epsilon) - 1e-4),
    }
    for (const epsilon of [0.0165, 0.017, 0.01705, 0.1]) {
      const { lower, upper } = dividedEpsilon(bounds, Math.exp(-20), { epsilon, reach: 0.04 })
      expect(lower).toBeCloseTo(0.017 - 1e-4 / 30, 9)
      expect(upper).toBeCloseTo(0.017 + 1e-4 / 30, 9)
    }
  })

  it('resolves a δ that a single one of many losses makes, and says nothing wrong where no double holds δ', () => {
    const at = (steps: number, epsilon: number) => rightOf(deltaOf(pld(), epsilon)(training(2, 1e-4, steps)))
    for (const epsilon of [0.05, 0.1]) {
      const [one, many] = [at(1, epsilon), at(1000, epsilon)]
      expect(many.upper - many.lower).toBeLessThanOrEqual(1e-3 * many.upper)
      // At least one of the steps alone, and small losses help a little.
      expect(many.upper).toBeGreaterThan(100 * one.lower)
    }
    const { lower, upper } = at(1000, 30)
    expect(lower).toBeGreaterThanOrEqual(0)
    expect(upper).toBeLessThan(1e-200)
  })
})
