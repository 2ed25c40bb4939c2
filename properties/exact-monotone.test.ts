/**
 * The exact accountant over trainings of every size: order in σ, q, T and δ, and below Rényi. Bounds are compared, so that few steps of small q,
 * whose bounds may stand apart, take part.
 */
import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Bounds } from '../src/privacy/accountant.js'
import { exact } from '../src/privacy/exact/accountant.js'
import type { ExactCurve } from '../src/privacy/exact/curve.js'
import { rdp } from '../src/privacy/rdp/accountant.js'
import { logUniform } from './arbitraries/event.js'
import { type Run, rightOf, runEvent } from './laws/accountant.js'

const runs: Arbitrary<Run> = fc.record({
  sigma: logUniform({ low: 0.6, high: 20 }),
  q: logUniform({ low: 1e-3, high: 1 }),
  steps: logUniform({ low: 1, high: 1e6 }).map(Math.round),
})
const deltas = logUniform({ low: 1e-12, high: 1e-2 })
const more = fc.double({ min: 1, max: 3, noNaN: true })
const accountant = exact()
const curveOf = (run: Run): ExactCurve => rightOf(accountant.interpret(runEvent(run)))
const spent = (run: Run, delta: number): Bounds => accountant.epsilon(delta)(curveOf(run))

describe('exact, over trainings of every size', () => {
  const law = (what: string, holds: (run: Run, delta: number, factor: number) => void): void =>
    it(what, () => {
      fc.assert(
        fc.property(runs, deltas, more, (run, delta, factor) => {
          holds(run, delta, factor)
        }),
        { numRuns: 25 },
      )
    })
  const expectAtMost = (small: Bounds, large: Bounds): void => {
    expect(small.lower).toBeLessThanOrEqual(small.estimate)
    expect(small.estimate).toBeLessThanOrEqual(small.upper)
    expect(small.lower).toBeLessThanOrEqual(large.upper)
  }
  law('more noise spends no more', (run, delta, factor) =>
    expectAtMost(spent({ ...run, sigma: run.sigma * factor }, delta), spent(run, delta)),
  )
  law('more records a batch spend no less', (run, delta, factor) =>
    expectAtMost(spent(run, delta), spent({ ...run, q: Math.min(1, run.q * factor) }, delta)),
  )
  law('more steps spend no less', (run, delta, factor) =>
    expectAtMost(spent(run, delta), spent({ ...run, steps: Math.ceil(run.steps * factor) }, delta)),
  )
  law('a larger δ asks for no larger ε', (run, delta, factor) =>
    expectAtMost(spent(run, delta * factor), spent(run, delta)),
  )
  law('the truth is below Rényi’s bound', (run, delta) => {
    const bound = rdp().epsilon(delta)(rightOf(rdp().interpret(runEvent(run)))).upper
    expect(spent(run, delta).lower).toBeLessThanOrEqual(bound)
    expect(spent(run, delta).upper).toBeLessThanOrEqual(bound * (1 + 1e-9) + 1e-12)
  })
  law('δ at ε.upper is within δ, and beyond it at ε.lower', (run, delta) => {
    const { lower, upper } = spent(run, delta)
    const at = (epsilon: number): Bounds => accountant.delta(epsilon)(curveOf(run))
    expect(at(upper).lower).toBeLessThanOrEqual(delta * (1 + 1e-9))
    if (lower > 0) expect(at(lower).upper).toBeGreaterThanOrEqual(delta * (1 - 1e-9))
  })
})
