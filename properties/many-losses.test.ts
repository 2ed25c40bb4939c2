/**
 * Sums of very many losses on few lattice points, in blocks: against the exact accountant, which has no lattice.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deltaOf, epsilonOf } from '../src/privacy/accountant.js'
import * as Event from '../src/privacy/event/event.js'
import { exact } from '../src/privacy/exact/accountant.js'
import type { Neighbouring } from '../src/privacy/neighbouring.js'
import { pld } from '../src/privacy/pld/accountant.js'
import { blocksFor } from '../src/privacy/pld/block.js'
import { gaussianPair } from '../src/privacy/pld/gaussian-pair.js'
import { wantedStep } from '../src/privacy/pld/lattice-sums.js'
import { componentsOf, planFor } from '../src/privacy/pld/plan.js'
import { poissonSampledPair } from '../src/privacy/pld/poisson-pair.js'
import { tiltedSum } from '../src/privacy/pld/tilted-sum.js'
import { logUniform } from './arbitraries/event.js'
import { rightOf } from './laws/accountant.js'

const steps = (sigma: number, q: number, count: number): Event.PrivacyEvent =>
  Event.selfComposed(count)(Event.poissonSampled(q)(Event.gaussian(sigma)))

describe('very many losses', () => {
  it.each([
    [2, 0.01, 1e8],
    [0.8, 0.01, 1e8],
    [1, 1e-4, 1e8],
  ])('σ %s, q %s, %s steps: the bounds are 1e-4 apart, and hold the truth', (sigma, q, count) => {
    const event = steps(sigma, q, count)
    const [found, truth] = [rightOf(epsilonOf(pld(), 1e-5)(event)), rightOf(epsilonOf(exact(), 1e-5)(event))]
    expect(found.upper).toBeLessThanOrEqual(found.lower * (1 + 1e-4))
    expect(found.lower).toBeLessThanOrEqual(truth.upper)
    expect(found.upper).toBeGreaterThanOrEqual(truth.lower)
  })

  it('few lattice points give bounds that hold the truth, of ε and of δ', () =>
    fc.assert(
      fc.property(
        logUniform({ low: 0.5, high: 10 }),
        logUniform({ low: 1e-4, high: 0.5 }),
        logUniform({ low: 1e4, high: 1e8 }),
        logUniform({ low: 1e-25, high: 0.1 }),
        fc.integer({ min: 12, max: 15 }),
        fc.constantFrom<Neighbouring>('addOrRemoveOne', 'replaceOne'),
        (sigma, q, count, delta, log2, neighbouring) => {
          const event = steps(sigma, q, Math.round(count))
          const few = pld({ mostPoints: 2 ** log2, neighbouring })
          const truth = rightOf(epsilonOf(exact({ neighbouring }), delta)(event))
          fc.pre(truth.upper < 1e5)
          const found = rightOf(epsilonOf(few, delta)(event))
          expect(found.lower).toBeLessThanOrEqual(truth.upper * (1 + 1e-9) + 1e-12)
          expect(found.upper).toBeGreaterThanOrEqual(truth.lower * (1 - 1e-9) - 1e-12)
          const known = rightOf(deltaOf(exact({ neighbouring }), truth.estimate)(event))
          const read = rightOf(deltaOf(few, truth.estimate)(event))
          expect(read.lower).toBeLessThanOrEqual(known.upper * (1 + 1e-9))
          expect(read.upper).toBeGreaterThanOrEqual(known.lower * (1 - 1e-9))
        },
      ),
      { numRuns: 15 },
    ))

  it('a block holds as many losses as it says, and their tilted mean and mass', () => {
    const [component] = componentsOf([
      { pair: poissonSampledPair('remove', 0.01)(gaussianPair(0.5)), count: 1_000_003 },
    ])
    if (component === undefined) throw new Error('no component')
    const plan = planFor([component], { epsilon: 36, logDelta: Math.log(1e-5), tolerance: 3.6e-3 })
    const wanted = wantedStep([component], plan)
    const blocks = blocksFor(component, plan, { step: 20 * wanted, wanted, mostPoints: 2 ** 16 })
    if (blocks === undefined) throw new Error('no blocks')
    const { term, rest } = blocks
    const size = (1_000_003 - rest) / term.count
    expect(Number.isInteger(size)).toBe(true)
    const window = { first: -(2 ** 15), length: 2 ** 16 }
    const { upper, lower } = tiltedSum([{ ...term, count: 1 }], plan, window)
    const moment = (theta: number): number => {
      const { logMass, loss } = component.sketch
      return size * Math.log(logMass.reduce((sum, log, i) => sum + Math.exp(log + theta * (loss[i] as number)), 0))
    }
    for (const { logScale } of [upper, lower]) expect(Math.abs(logScale - moment(plan.theta))).toBeLessThan(1e-3)
    expect(upper.logScale).toBeGreaterThan(lower.logScale)
  })

  it('there are no blocks of few losses, or where none is short enough', () => {
    const of = (count: number) => componentsOf([{ pair: poissonSampledPair('remove', 0.01)(gaussianPair(0.5)), count }])
    const tried = (count: number, coarser: number) => {
      const [component] = of(count)
      if (component === undefined) throw new Error('no component')
      const plan = planFor([component], { epsilon: 1, logDelta: -10, tolerance: 1e-4 })
      const wanted = wantedStep([component], plan)
      return blocksFor(component, plan, { step: coarser * wanted, wanted, mostPoints: 2 ** 14 })
    }
    expect(tried(100, 10)).toBeUndefined()
    expect(tried(100_000, 1e4)).toBeUndefined()
  })
})
