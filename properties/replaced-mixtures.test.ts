/**
 * A record that moves a sum by a random length, replaced by another that does: Σ pᵢ N(cᵢ, σ²) beside Σ pᵢ N(−cᵢ, σ²).
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Accountant, deltaOf, epsilonOf } from '../src/privacy/accountant.js'
import * as Event from '../src/privacy/event/event.js'
import { exact } from '../src/privacy/exact/accountant.js'
import { neighbouringRelations } from '../src/privacy/neighbouring.js'
import { pld } from '../src/privacy/pld/accountant.js'
import { prv } from '../src/privacy/prv/accountant.js'
import { rdp } from '../src/privacy/rdp/accountant.js'
import { ndtr } from '../src/tensor/special.js'
import { logUniform } from './arbitraries/event.js'
import { rightOf } from './laws/accountant.js'

/** Where each part of a mixture moves to. */
type Means = readonly (readonly [x: number, y: number])[]

interface Mixture {
  readonly noiseMultiplier: number
  readonly sensitivities: readonly number[]
  readonly probabilities: readonly number[]
}

const mixtures: fc.Arbitrary<Mixture> = fc
  .record({
    noiseMultiplier: logUniform({ low: 0.5, high: 5 }),
    parts: fc.array(
      fc.record({ sensitivity: fc.integer({ min: 0, max: 20 }), odds: logUniform({ low: 0.02, high: 1 }) }),
      { minLength: 1, maxLength: 4 },
    ),
  })
  .map(({ noiseMultiplier, parts }) => {
    const total = parts.reduce((sum, { odds }) => sum + odds, 0)
    return {
      noiseMultiplier,
      sensitivities: parts.map(({ sensitivity }) => sensitivity / 10),
      probabilities: parts.map(({ odds }) => odds / total),
    }
  })

const replaced = { neighbouring: 'replaceOne' } as const
const deltas = (epsilon: number, event: Event.PrivacyEvent) =>
  [exact(replaced), pld(replaced)].map((accountant) =>
    rightOf(deltaOf(accountant as Accountant<unknown>, epsilon)(event)),
  )

/** max_z P(z, ∞) − e^ε Q(z, ∞) by a search of thresholds, no loss being inverted. */
const byThresholds = ({ noiseMultiplier: sigma, sensitivities, probabilities }: Mixture, epsilon: number): number => {
  const mass = (side: 1 | -1, z: number): number =>
    sensitivities.reduce((sum, c, i) => sum + (probabilities[i] as number) * ndtr((side * c) / sigma - z), 0)
  const at = (z: number): number => mass(1, z) - Math.exp(epsilon) * mass(-1, z)
  let [best, step] = [0, 0.25]
  for (let z = -12; z <= 14; z += step) if (at(z) > at(best)) best = z
  for (; step > 1e-7; step /= 2) for (const z of [best - step / 2, best + step / 2]) if (at(z) > at(best)) best = z
  return Math.max(0, at(best))
}

describe('one release', () => {
  it('has the δ of the best threshold', () =>
    fc.assert(
      fc.property(mixtures, logUniform({ low: 0.01, high: 3 }), (mixture, epsilon) => {
        const truth = byThresholds(mixture, epsilon)
        for (const { lower, estimate, upper } of deltas(epsilon, Event.mixtureOfGaussians(mixture))) {
          expect(lower).toBeLessThanOrEqual(truth * (1 + 1e-9) + 1e-13)
          expect(upper).toBeGreaterThanOrEqual(truth * (1 - 1e-9) - 1e-13)
          expect(Math.abs(estimate - truth)).toBeLessThan(1e-8 * truth + 1e-12)
        }
      }),
    ))

  it('no two records, in whatever directions, are farther apart; opposite ones are as far', () => {
    const angle = fc.double({ min: 0, max: 2 * Math.PI, noNaN: true })
    const share = fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true }))
    const places = fc.array(fc.tuple(angle, share), { minLength: 4, maxLength: 4 })
    const h = 0.06
    /** ∫ (P − e^ε Q)₊ over the plane. */
    const apart = (
      { noiseMultiplier: sigma, probabilities }: Mixture,
      [left, right]: readonly [Means, Means],
      epsilon: number,
    ): number => {
      let sum = 0
      for (let x = -10; x <= 10; x += h)
        for (let y = -10; y <= 10; y += h) {
          const density = (means: Means): number =>
            probabilities.reduce((total, p, i) => {
              const [a, b] = means[i] as readonly [number, number]
              return total + p * Math.exp(-0.5 * ((x - a / sigma) ** 2 + (y - b / sigma) ** 2))
            }, 0)
          sum += Math.max(0, density(left) - Math.exp(epsilon) * density(right))
        }
      return (sum * h * h) / (2 * Math.PI)
    }
    fc.assert(
      fc.property(mixtures, places, places, fc.double({ min: 0, max: 1.5, noNaN: true }), (mixture, p, q, epsilon) => {
        const at = (drawn: typeof p): Means =>
          mixture.sensitivities.map((c, i) => {
            const [direction, length] = drawn[i] as readonly [number, number]
            return [c * length * Math.cos(direction), c * length * Math.sin(direction)] as const
          })
        const { upper } = rightOf(deltaOf(exact(replaced), epsilon)(Event.mixtureOfGaussians(mixture)))
        expect(apart(mixture, [at(p), at(q)], epsilon)).toBeLessThan(upper + 2e-3 * upper + 1e-5)
        const end = (side: 1 | -1): Means => mixture.sensitivities.map((c) => [side * c, 0])
        expect(Math.abs(apart(mixture, [end(1), end(-1)], epsilon) - upper)).toBeLessThan(2e-3 * upper + 1e-5)
      }),
      { numRuns: 12 },
    )
  })
})

describe('compositions', () => {
  it('two releases: the second at what the first has left, δ₂(ε) = E_P[δ₁(ε − L)]', () =>
    fc.assert(
      fc.property(mixtures, logUniform({ low: 0.05, high: 2 }), (mixture, epsilon) => {
        const { noiseMultiplier: sigma, sensitivities, probabilities } = mixture
        const density = (side: 1 | -1, z: number): number =>
          sensitivities.reduce(
            (sum, c, i) => sum + (probabilities[i] as number) * Math.exp(-0.5 * (z - (side * c) / sigma) ** 2),
            0,
          ) / Math.sqrt(2 * Math.PI)
        let truth = 0
        const h = 0.02
        for (let z = -9; z <= 9 + 4 / sigma; z += h) {
          const [p, q] = [density(1, z), density(-1, z)]
          const rest = epsilon - Math.log(p / q)
          // δ(−ε) = 1 − e^(−ε) + e^(−ε) δ(ε): this pair is its own mirror image.
          const one = byThresholds(mixture, Math.abs(rest))
          truth += h * p * (rest < 0 ? -Math.expm1(rest) + Math.exp(rest) * one : one)
        }
        for (const { lower, upper } of deltas(epsilon, Event.selfComposed(2)(Event.mixtureOfGaussians(mixture)))) {
          expect(lower).toBeLessThanOrEqual(truth * (1 + 1e-6) + 1e-9)
          expect(upper).toBeGreaterThanOrEqual(truth * (1 - 1e-6) - 1e-9)
        }
      }),
      { numRuns: 8 },
    ))

  it('the exact bounds and those of pld and prv meet, and no bound of rdp is below', () =>
    fc.assert(
      fc.property(
        mixtures,
        fc.integer({ min: 2, max: 300 }),
        logUniform({ low: 1e-10, high: 1e-3 }),
        (mixture, n, delta) => {
          const event = Event.selfComposed(n)(Event.mixtureOfGaussians(mixture))
          const of = (accountant: unknown) => rightOf(epsilonOf(accountant as Accountant<unknown>, delta)(event))
          const truth = of(exact(replaced))
          for (const accountant of [pld(replaced), prv(replaced)]) {
            const { lower, upper } = of(accountant)
            expect(lower).toBeLessThanOrEqual(truth.upper)
            expect(upper).toBeGreaterThanOrEqual(truth.lower)
          }
          expect(of(rdp(replaced)).upper).toBeGreaterThanOrEqual(truth.lower)
          expect(of(exact({ neighbouring: 'replaceSpecial' })).lower).toBeLessThanOrEqual(truth.upper)
        },
      ),
      { numRuns: 15 },
    ))
})

describe('the same by other names', () => {
  const same = (a: Event.PrivacyEvent, b: Event.PrivacyEvent, delta: number) => {
    for (const neighbouring of neighbouringRelations)
      for (const accountant of [exact({ neighbouring }), pld({ neighbouring })] as readonly Accountant<unknown>[]) {
        const [x, y] = [a, b].map((event) => rightOf(epsilonOf(accountant, delta)(event)))
        expect(x?.lower).toBeLessThanOrEqual((y?.upper as number) * (1 + 1e-12))
        expect(y?.lower).toBeLessThanOrEqual((x?.upper as number) * (1 + 1e-12))
      }
  }
  const noise = logUniform({ low: 0.5, high: 5 })
  const chance = fc.double({ min: 0.01, max: 0.9, noNaN: true })
  const counts = fc.integer({ min: 1, max: 20 })

  it('what is moved by one length for certain is a Gaussian; with some probability, its Poisson sample', () =>
    fc.assert(
      fc.property(noise, chance, counts, (noiseMultiplier, q, n) => {
        const times = Event.selfComposed(n)
        const gaussian = Event.gaussian(noiseMultiplier)
        const mixture = (sensitivities: readonly number[], probabilities: readonly number[]) =>
          times(Event.mixtureOfGaussians({ noiseMultiplier, sensitivities, probabilities }))
        same(mixture([1], [1]), times(gaussian), 1e-6)
        same(mixture([0, 1], [1 - q, q]), times(Event.poissonSampled(q)(gaussian)), 1e-6)
      }),
      { numRuns: 4 },
    ))

  it('a Poisson sample of a mixture is a mixture', () =>
    fc.assert(
      fc.property(mixtures, chance, counts, (mixture, q, n) => {
        const thinned = {
          ...mixture,
          sensitivities: [0, ...mixture.sensitivities],
          probabilities: [1 - q, ...mixture.probabilities.map((p) => q * p)],
        }
        same(
          Event.selfComposed(n)(Event.poissonSampled(q)(Event.mixtureOfGaussians(mixture))),
          Event.selfComposed(n)(Event.mixtureOfGaussians(thinned)),
          1e-6,
        )
      }),
      { numRuns: 8 },
    ))
})
