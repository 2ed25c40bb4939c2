/**
 * Curves of the exact engine: ε along a training, derivatives of ε, and what attacks can reach.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Bounds } from '../src/privacy/accountant.js'
import { exact } from '../src/privacy/exact/accountant.js'
import { exactAlong } from '../src/privacy/exact/along-steps.js'
import { type ExactCurve, repeatCurve } from '../src/privacy/exact/curve.js'
import { epsilonGradient } from '../src/privacy/exact/gradient.js'
import { gdp } from '../src/privacy/gdp.js'
import { rdp } from '../src/privacy/rdp/accountant.js'
import { bayesRisk, deltaCurve, epsilonCurve, tradeOffCurve } from '../src/privacy/risk.js'
import { advantage, tradeOff, truePositiveRate } from '../src/privacy/trade-off.js'
import { ndtr } from '../src/tensor/special.js'
import { logUniform } from './arbitraries/event.js'

const step = (noiseMultiplier: number, samplingProbability: number, count = 1): ExactCurve => ({
  precision: 0,
  steps: [{ noiseMultiplier, samplingProbability, count }],
})

describe('ε along a training', () => {
  it('is ε at each count, and encloses what a contour of its own finds', () => {
    const counts = [0, 1, 100, 101, 3000, 3001, 3100, 4000]
    for (const neighbouring of ['addOrRemoveOne', 'replaceOne'] as const) {
      const curve = step(1.1, 0.02)
      const found = exactAlong(1e-6, neighbouring)(counts)(curve)
      counts.forEach((count, i) => {
        const alone = exact({ neighbouring }).epsilon(1e-6)(repeatCurve(count)(curve))
        const here = found[i] as typeof alone
        expect(here.lower).toBeLessThanOrEqual(alone.upper)
        expect(alone.lower).toBeLessThanOrEqual(here.upper)
        expect(Math.abs(here.estimate - alone.estimate)).toBeLessThanOrEqual(1e-8 * alone.estimate)
      })
    }
  })
  it('has the bounds of exact where no contour serves, and is as good where counts are dense', () => {
    const curve = step(1, 1e-3)
    const alone = (count: number) => exact().epsilon(1e-5)(repeatCurve(count)(curve))
    expect(exactAlong(1e-5)([2, 3, 5])(curve)).toEqual([2, 3, 5].map(alone))
    const dense = Array.from({ length: 400 }, (_, i) => 5000 + i)
    const found = exactAlong(1e-5)(dense)(curve)
    for (const count of [5000, 5100, 5200, 5300, 5399]) {
      const [one, other] = [alone(count), found[count - 5000] as Bounds]
      expect(other.lower).toBeLessThanOrEqual(one.upper)
      expect(one.lower).toBeLessThanOrEqual(other.upper)
      expect(other.upper).toBeLessThanOrEqual(one.upper * (1 + 1e-8))
    }
  })
  it('grows, over mixed curves too', () => {
    const curve: ExactCurve = { ...step(0.9, 0.01, 3), precision: 1e-4 }
    const counts = Array.from({ length: 60 }, (_, i) => 400 + 5 * i)
    const found = exactAlong(1e-5)(counts)(curve)
    for (let i = 1; i < found.length; i++)
      expect(found[i]?.lower as number).toBeGreaterThan(found[i - 1]?.estimate as number)
  })
})

describe('derivatives of ε', () => {
  it('are those of finite differences, in σ, q, T and the precision beside, for both relations', () =>
    fc.assert(
      fc.property(
        fc.constantFrom('addOrRemoveOne' as const, 'replaceOne' as const),
        fc.double({ min: 0.8, max: 3, noNaN: true }),
        logUniform({ low: 0.01, high: 0.2 }),
        fc.integer({ min: 500, max: 20_000 }),
        logUniform({ low: 1e-9, high: 1e-3 }),
        (neighbouring, sigma, q, count, delta) => {
          const curveOf = (s: number, p: number, n: number, v: number): ExactCurve => ({
            ...step(s, p, n),
            precision: v,
          })
          const at = (...x: Parameters<typeof curveOf>): number =>
            exact({ neighbouring }).epsilon(delta)(curveOf(...x)).estimate
          const gradient = epsilonGradient(delta, neighbouring)(curveOf(sigma, q, count, 0.01))
          const of = gradient?.steps[0]
          if (gradient === undefined || of?.samplingProbability === undefined) return expect.fail('no gradient')
          const difference = (f: (x: number) => number, x: number, h = 1e-4 * x): number =>
            (f(x + h) - f(x - h)) / (2 * h)
          const close = (exactly: number, finite: number): void =>
            expect(Math.abs(exactly / finite - 1)).toBeLessThan(2e-6)
          close(
            of.noiseMultiplier,
            difference((x) => at(x, q, count, 0.01), sigma),
          )
          close(
            of.samplingProbability,
            difference((x) => at(sigma, x, count, 0.01), q),
          )
          close(
            of.count,
            difference((x) => at(sigma, q, x, 0.01), count, 1),
          )
          close(
            gradient.precision,
            difference((x) => at(sigma, q, count, x), 0.01),
          )
        },
      ),
      { numRuns: 8 },
    ))
  it('of a mixture that is a sampled step are its own', () => {
    const gradient = epsilonGradient(1e-5)({
      precision: 0,
      steps: [{ noiseMultiplier: 1, sensitivities: [0, 0.5, 1], probabilities: [0.9, 0.05, 0.05], count: 500 }],
    })
    const at = (noiseMultiplier: number): number =>
      exact().epsilon(1e-5)({
        precision: 0,
        steps: [{ noiseMultiplier, sensitivities: [0, 0.5, 1], probabilities: [0.9, 0.05, 0.05], count: 500 }],
      }).estimate
    const finite = (at(1 + 1e-4) - at(1 - 1e-4)) / 2e-4
    expect(Math.abs((gradient?.steps[0]?.noiseMultiplier as number) / finite - 1)).toBeLessThan(1e-6)
    expect(gradient?.steps[0]?.samplingProbability).toBeUndefined()
  })
})

describe('risk', () => {
  const curve = step(1, 0.05, 500)
  it('δ and ε curves read what the accountant reads, also where it shares contours', () => {
    const epsilons = [0, 0.1, 0.5, 1, 2, 4, 7]
    deltaCurve(exact())(epsilons)(curve).forEach(({ lower, upper, estimate }, i) => {
      const alone = exact().delta(epsilons[i] as number)(curve)
      expect(lower).toBeLessThanOrEqual(alone.upper)
      expect(alone.lower).toBeLessThanOrEqual(upper)
      expect(Math.abs(estimate / alone.estimate - 1)).toBeLessThan(1e-8)
    })
    const [point] = epsilonCurve(exact())([1e-5])(curve)
    expect(point).toEqual({ delta: 1e-5, ...exact().epsilon(1e-5)(curve) })
  })
  it('the trade-off curve is the trade-off function, convex, and above that of a looser accountant', () => {
    const rates = [0, 0.001, 0.1, 0.5, 1]
    const found = tradeOffCurve(exact())(rates)(curve)
    const looser = tradeOffCurve(rdp())(rates)({
      terms: [
        { term: { _tag: 'SampledGaussian', noiseMultiplier: 1, samplingProbability: 0.05, hops: 1 }, count: 500 },
      ],
    })
    found.forEach(({ falseNegativeRate }, i) => {
      expect(falseNegativeRate).toBeGreaterThanOrEqual((looser[i]?.falseNegativeRate as number) - 1e-12)
      expect(Math.abs(falseNegativeRate - tradeOff(exact())(rates[i] as number)(curve))).toBeLessThan(1e-9)
    })
    for (let i = 1; i + 1 < found.length; i++) {
      const [a, b, c] = [found[i - 1], found[i], found[i + 1]] as [
        (typeof found)[number],
        (typeof found)[number],
        (typeof found)[number],
      ]
      const share = (b.falsePositiveRate - a.falsePositiveRate) / (c.falsePositiveRate - a.falsePositiveRate)
      expect(b.falseNegativeRate).toBeLessThanOrEqual(
        (1 - share) * a.falseNegativeRate + share * c.falseNegativeRate + 1e-9,
      )
    }
  })
  it('the Bayes risk at ½ is ½ (1 − advantage), at any prior no more than guessing, and that of a Gaussian', () =>
    fc.assert(
      fc.property(logUniform({ low: 0.05, high: 4 }), fc.double({ min: 0.01, max: 0.99, noNaN: true }), (mu, prior) => {
        const gaussian = { precision: mu * mu }
        const half = bayesRisk(gdp())(0.5)(gaussian)
        expect(Math.abs(half - 0.5 * (1 - advantage(gdp())(gaussian).upper))).toBeLessThan(1e-12)
        const risk = bayesRisk(gdp())(prior)(gaussian)
        expect(risk).toBeLessThanOrEqual(Math.min(prior, 1 - prior))
        // The best test of N(0, 1) against N(μ, 1) rejects above μ/2 + log((1 − π)/π)/μ.
        const threshold = mu / 2 + Math.log((1 - prior) / prior) / mu
        const direct = (1 - prior) * ndtr(-threshold) + prior * ndtr(threshold - mu)
        expect(Math.abs(risk - direct)).toBeLessThan(1e-11)
      }),
    ))
  it('a true positive rate is at least the false positive rate, and bounded by e^ε α + δ', () => {
    for (const alpha of [0.001, 0.05, 0.4]) {
      const rate = truePositiveRate(exact())(alpha)(curve)
      const { epsilon, delta } = { epsilon: exact().epsilon(1e-3)(curve).upper, delta: 1e-3 }
      expect(rate).toBeGreaterThanOrEqual(alpha)
      expect(rate).toBeLessThanOrEqual(Math.exp(epsilon) * alpha + delta + 1e-12)
    }
  })
})
