/**
 * A few sampled steps, one after another: known answers, closed forms, contours that converge.
 */

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Accountant } from '../src/privacy/accountant.js'
import { exact } from '../src/privacy/exact/accountant.js'
import type { Composition } from '../src/privacy/exact/composition.js'
import { enclose } from '../src/privacy/exact/enclosure.js'
import { singleStep } from '../src/privacy/exact/single-step.js'
import { stepByStep } from '../src/privacy/exact/step-by-step.js'
import { pld } from '../src/privacy/pld/accountant.js'
import { prv } from '../src/privacy/prv/accountant.js'
import { rdp } from '../src/privacy/rdp/accountant.js'
import { logUniform } from './arbitraries/event.js'
import { rightOf, runEvent } from './laws/accountant.js'

const sampled = (noiseMultiplier: number, samplingProbability: number, count: number): Composition => ({
  precision: 0,
  steps: [{ pair: { kind: 'remove', noiseMultiplier, samplingProbability }, count }],
})
const readingOf = (composition: Composition, epsilon: number): number =>
  stepByStep(composition, epsilon)?.(epsilon) ?? expect.fail('no curve')

interface Known {
  readonly sigma: number
  readonly q: number
  readonly epsilon: number
  readonly logDelta: number
}
const known = JSON.parse(readFileSync(new URL('golden/few-steps.json', import.meta.url), 'utf8')) as readonly Known[]

const runs = fc.record({
  sigma: logUniform({ low: 0.4, high: 4 }),
  q: logUniform({ low: 1e-6, high: 0.3 }),
})

describe('few steps', () => {
  it.each(known)('two steps of σ = $sigma, q = $q at ε = $epsilon', ({ sigma, q, epsilon, logDelta }) => {
    expect(Math.abs(readingOf(sampled(sigma, q, 2), epsilon) - logDelta)).toBeLessThan(1e-12)
    const found = exact().delta(epsilon)(rightOf(exact().interpret(runEvent({ sigma, q, steps: 2 }))))
    expect(Math.abs(Math.log(found.estimate) - logDelta)).toBeLessThan(1e-10)
    expect(found.lower).toBeLessThanOrEqual(Math.exp(logDelta))
    expect(found.upper).toBeGreaterThanOrEqual(Math.exp(logDelta))
  })

  it('one step is the closed form', () => {
    fc.assert(
      fc.property(runs, logUniform({ low: 1e-3, high: 10 }), ({ sigma, q }, times) => {
        const epsilon = times * q
        const closed = singleStep({ kind: 'remove', noiseMultiplier: sigma, samplingProbability: q }, epsilon)
        if (!(closed.logDelta > -600)) return
        const found = readingOf(sampled(sigma, q, 1), epsilon)
        expect(Math.abs(found - closed.logDelta)).toBeLessThanOrEqual(1e-12 * (1 - closed.logDelta) + closed.error)
      }),
    )
  })

  it('is between the bounds of a contour that converges, also where steps differ', () => {
    let compared = 0
    fc.assert(
      fc.property(
        fc.record({
          sigma: fc.double({ min: 0.6, max: 3, noNaN: true }),
          q: logUniform({ low: 0.02, high: 0.5 }),
          count: fc.integer({ min: 2, max: 4 }),
          more: fc.boolean(),
        }),
        logUniform({ low: 0.1, high: 4 }),
        ({ sigma, q, count, more }, epsilon) => {
          const { steps } = sampled(sigma, q, count)
          const composition = { precision: 0, steps: more ? [...steps, ...sampled(2 * sigma, q / 2, 1).steps] : steps }
          const { lower, upper, method } = enclose(composition)(epsilon)
          if (method !== 'contour' || upper - lower > 1e-9 || lower < -60) return
          compared++
          const found = readingOf(composition, epsilon)
          expect(found).toBeGreaterThanOrEqual(lower - 1e-11)
          expect(found).toBeLessThanOrEqual(upper + 1e-11)
        },
      ),
      { numRuns: 12 },
    )
    expect(compared).toBeGreaterThan(2)
  })

  it('what is hardly ever drawn is answered by everyone', () => {
    for (const q of [1e-310, 1e-295, 1e-200, 1e-20])
      for (const accountant of [exact(), pld(), prv(), rdp()] as readonly Accountant<unknown>[]) {
        const curve = rightOf(accountant.interpret(runEvent({ sigma: 1, q, steps: 10 })))
        for (const { lower, estimate, upper } of [accountant.epsilon(1e-5)(curve), accountant.delta(0.1)(curve)]) {
          expect(lower).toBeLessThanOrEqual(10 * q)
          expect(estimate).toBeGreaterThanOrEqual(lower)
          expect(upper).toBeGreaterThanOrEqual(estimate)
        }
      }
    const curve = rightOf(exact().interpret(runEvent({ sigma: 1, q: 1e-310, steps: 10 })))
    expect(exact().epsilon(1e-5)(curve).upper).toBe(0)
  }, 60_000)

  it('has no curve for Gaussians, other directions, and many steps', () => {
    const other = { kind: 'add', noiseMultiplier: 1, samplingProbability: 0.1 } as const
    expect(stepByStep({ precision: 1, steps: sampled(1, 0.1, 2).steps }, 1)).toBeUndefined()
    expect(stepByStep({ precision: 0, steps: [{ pair: other, count: 2 }] }, 1)).toBeUndefined()
    expect(stepByStep(sampled(1, 0.1, 33), 1)).toBeUndefined()
    expect(stepByStep(sampled(1, 0.1, 2), 0)).toBeUndefined()
  })
})
