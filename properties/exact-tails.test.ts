/**
 * Tail probabilities of the exact engine's losses.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exact } from '../src/privacy/exact/accountant.js'
import type { ExactCurve } from '../src/privacy/exact/curve.js'
import { lossTails, type TailProbability } from '../src/privacy/exact/loss-tails.js'
import { ndtr } from '../src/tensor/special.js'
import { logUniform } from './arbitraries/event.js'

/** `slack` is what an error of δ in its last digits makes of the tail. */
const expectHeld = (
  { lower, estimate, upper }: TailProbability,
  truth: number,
  { tolerance, slack = 0 }: { readonly tolerance: number; readonly slack?: number },
): void => {
  expect(lower).toBeLessThanOrEqual(truth * (1 + 1e-13))
  expect(upper).toBeGreaterThanOrEqual(truth * (1 - 1e-13))
  expect(Math.abs(estimate - truth)).toBeLessThan(tolerance * truth + slack)
}

/** Of the Gaussian mechanism: L is N(μ²/2, μ²) under P, N(−μ²/2, μ²) under Q. */
const gaussianTails = (mu: number, epsilon: number): readonly [p: number, q: number] => [
  ndtr(mu / 2 - epsilon / mu),
  ndtr(-mu / 2 - epsilon / mu),
]

describe('tails of the loss', () => {
  it('are those of Gaussians in closed form', () =>
    fc.assert(
      fc.property(
        logUniform({ low: 0.1, high: 5 }),
        fc.oneof(fc.constant(0), fc.double({ min: 0, max: 4, noNaN: true })),
        (mu, deviations) => {
          const epsilon = mu * deviations
          const [found] = lossTails(epsilon)({ precision: mu * mu, steps: [] })
          if (found === undefined) return expect.fail('no direction')
          const [p, q] = gaussianTails(mu, epsilon)
          expectHeld(found.p, p, { tolerance: 2e-5 })
          expectHeld(found.q, q, { tolerance: 2e-5 })
        },
      ),
      { numRuns: 30 },
    ))
  it('are those of Gaussians through the contour: a mixture of one component', () =>
    fc.assert(
      fc.property(
        logUniform({ low: 1, high: 20 }),
        fc.integer({ min: 2, max: 500 }),
        fc.double({ min: 0, max: 4, noNaN: true }),
        (noiseMultiplier, count, deviations) => {
          const mu = Math.sqrt(count) / noiseMultiplier
          const epsilon = mu * deviations
          const mixture = { noiseMultiplier, sensitivities: [1], probabilities: [1], count }
          const [p, q] = gaussianTails(mu, epsilon)
          for (const found of lossTails(epsilon)({ precision: 0, steps: [mixture] })) {
            expectHeld(found.p, p, { tolerance: 1e-8 })
            expectHeld(found.q, q, { tolerance: 1e-8, slack: 1e-12 * Math.exp(-epsilon) })
            expect(found.p.upper - found.p.lower).toBeLessThan(1e-3 * p)
          }
        },
      ),
      { numRuns: 20 },
    ))
  it('of sampled steps: δ = P(L > ε) − e^ε Q(L > ε), and δ(ε) is the integral of e^t Q(L > t)', () => {
    const curve: ExactCurve = {
      precision: 1e-3,
      steps: [{ noiseMultiplier: 1, samplingProbability: 0.02, count: 600 }],
    }
    const remove = (epsilon: number) => lossTails(epsilon)(curve).find(({ direction }) => direction === 'remove')
    const deltaAt = (epsilon: number): number => exact().delta(epsilon)(curve).estimate
    for (const epsilon of [0, 0.5, 2, 4]) {
      const found = remove(epsilon)
      if (found === undefined) return expect.fail('no direction')
      const { p, q } = found
      expect(Math.abs((p.estimate - Math.exp(epsilon) * q.estimate) / deltaAt(epsilon) - 1)).toBeLessThan(1e-8)
    }
    // Simpson's rule on [1, 1.4].
    const nodes = Array.from({ length: 9 }, (_, i) => 1 + 0.05 * i)
    const integral = nodes.reduce((sum, t, i) => {
      const weight = i === 0 || i === 8 ? 1 : i % 2 === 1 ? 4 : 2
      return sum + (weight * 0.05 * Math.exp(t) * (remove(t)?.q.estimate ?? Number.NaN)) / 3
    }, 0)
    expect(Math.abs(integral / (deltaAt(1) - deltaAt(1.4)) - 1)).toBeLessThan(1e-6)
  })
  it('P(L > ε) of one direction at 0 and Q(L > 0) of the other are complements', () => {
    const steps = [{ noiseMultiplier: 2, samplingProbability: 0.1, count: 300 }]
    const found = lossTails(0)({ precision: 0, steps })
    const [remove, add] = [
      found.find((one) => one.direction === 'remove'),
      found.find((one) => one.direction === 'add'),
    ]
    if (remove === undefined || add === undefined) return expect.fail('no direction')
    // The loss of the other direction is −L, its P this one's Q.
    expect(Math.abs(remove.p.estimate + add.q.estimate - 1)).toBeLessThan(1e-9)
    expect(Math.abs(add.p.estimate + remove.q.estimate - 1)).toBeLessThan(1e-9)
  })
  it('beyond the largest loss, and of nothing, there are none; of everything, all', () => {
    const none = { lower: 0, estimate: 0, upper: 0 }
    const step = { noiseMultiplier: 1, samplingProbability: 0.1, count: 3 }
    const add = lossTails(0.4)({ precision: 0, steps: [step] }).find(({ direction }) => direction === 'add')
    expect(add).toEqual({ direction: 'add', p: none, q: none })
    expect(lossTails(0)({ precision: 0, steps: [] })).toEqual([{ direction: undefined, p: none, q: none }])
    const [all] = lossTails(1)({ precision: Infinity, steps: [] })
    expect(all?.p.estimate).toBeCloseTo(1, 12)
    expect(all?.q.upper).toBeLessThan(1e-12)
  })
})
