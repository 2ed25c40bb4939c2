/**
 * The largest true positive rate of a test, beside the tests that have it.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as Event from '../src/privacy/event/event.js'
import { gdp } from '../src/privacy/gdp.js'
import { pld } from '../src/privacy/pld/accountant.js'
import { tradeOff, truePositiveRate } from '../src/privacy/trade-off.js'
import { ndtr } from '../src/tensor/special.js'
import { rightOf } from './golden/accounting/record.js'

describe('true positive rates', () => {
  it('of a Gaussian are those of the test of Neyman and Pearson, however small the false ones', () =>
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 20, noNaN: true }),
        fc.double({ min: -4, max: 25, noNaN: true }),
        (mu, z) => {
          const rate = truePositiveRate(gdp())(ndtr(-z))({ precision: mu * mu })
          expect(Math.abs(rate / ndtr(mu - z) - 1)).toBeLessThan(1e-10)
        },
      ),
      { numRuns: 200 },
    ))
  it('of randomized response are those of the likeliest outcomes first, from above and to the step of the search', () =>
    fc.assert(
      fc.property(
        fc.double({ min: 0.02, max: 0.98, noNaN: true }),
        fc.integer({ min: 2, max: 20 }),
        fc.double({ min: -12, max: 0, noNaN: true }),
        (noiseParameter, buckets, log) => {
          const accountant = pld({ neighbouring: 'replaceOne' })
          const curve = rightOf(accountant.interpret(Event.randomizedResponse({ noiseParameter, buckets })))
          const alpha = 10 ** log
          const other = noiseParameter / buckets
          const own = 1 - noiseParameter + other
          // The outcome of P, those that both have alike, the outcome of Q: [mass under P, mass under Q].
          const outcomes = [
            [own, other],
            [(buckets - 2) * other, (buckets - 2) * other],
            [other, own],
          ] as const
          let [left, best] = [alpha, 0]
          for (const [p, q] of outcomes) {
            const taken = Math.min(left, q)
            best += q === 0 ? 0 : (taken / q) * p
            left -= taken
          }
          const rate = truePositiveRate(accountant)(alpha)(curve)
          expect(rate).toBeGreaterThanOrEqual(best * (1 - 1e-12))
          expect(rate).toBeLessThanOrEqual(best * (1 + 1e-6))
        },
      ),
      { numRuns: 100 },
    ))
  it('and the least false negative rate are 1 together', () =>
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 8, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (mu, alpha) => {
          const curve = { precision: mu * mu }
          const sum = truePositiveRate(gdp())(alpha)(curve) + tradeOff(gdp())(alpha)(curve)
          expect(Math.abs(sum - 1)).toBeLessThan(1e-11)
        },
      ),
      { numRuns: 100 },
    ))
  it('at no false positives are what gives itself away', () => {
    expect(truePositiveRate(gdp())(0)({ precision: 100 })).toBe(0)
    const half = rightOf(pld().interpret(Event.approximateDp({ epsilon: 1, delta: 0.5 })))
    expect(truePositiveRate(pld())(0)(half)).toBeCloseTo(0.5, 9)
    expect(() => truePositiveRate(gdp())(1.5)({ precision: 1 })).toThrow('a false positive rate is in [0, 1], not 1.5')
  })
})
