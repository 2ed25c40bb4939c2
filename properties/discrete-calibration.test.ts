/**
 * Calibration of discrete noise, whose ε does not always fall with its width.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calibrateNoiseMultiplier } from '../src/privacy/calibrate.js'
import { calibrate, noiseMultiplierScale } from '../src/privacy/calibrate-risk.js'
import * as Event from '../src/privacy/event/event.js'
import { pld } from '../src/privacy/pld/accountant.js'
import { epsilonAt, rightOf } from './golden/accounting/record.js'

const ofWidth =
  (sensitivity: number, samplingProbability = 1) =>
  (sigma: number): Event.PrivacyEvent =>
    Event.poissonSampled(samplingProbability)(Event.discreteGaussian({ sigma, sensitivity }))

describe('calibration of discrete Gaussian noise', () => {
  it('meets the target, and a little less noise does not', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        fc.double({ min: 0.1, max: 12, noNaN: true }),
        fc.double({ min: -8, max: -1.5, noNaN: true }),
        (sensitivity, q, epsilon, logDelta) => {
          const target = { epsilon, delta: 10 ** logDelta }
          const event = ofWidth(sensitivity, q)
          const sigma = rightOf(calibrateNoiseMultiplier(pld(), target)(event))
          const { value } = rightOf(calibrate(pld(), target)(noiseMultiplierScale)(event))
          for (const [found, less] of [
            [sigma, 1 - 1e-6],
            [value, 1 - 1e-5],
          ] as const) {
            expect(epsilonAt(pld(), target.delta)(event(found))).toBeLessThanOrEqual(epsilon)
            expect(epsilonAt(pld(), target.delta)(event(found * less))).toBeGreaterThan(epsilon)
          }
        },
      ),
      { numRuns: 20 },
    ))
  it('is no promise for more noise: at σ between two that are private there may be one that is not', () => {
    const spent = (sigma: number): number => epsilonAt(pld(), 1e-5)(ofWidth(2)(sigma))
    expect(spent(0.62)).toBeLessThan(16)
    expect(spent(0.68)).toBeGreaterThan(16)
    expect(spent(0.71)).toBeLessThan(16)
  })
})
