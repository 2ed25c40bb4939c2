/**
 * Events at the ends of their ranges: bounds in order, and the two accountants of privacy losses agree with each other.
 */
import { describe, expect, it } from 'vitest'
import { type Bounds, deltaOf, epsilonOf } from '../src/privacy/accountant.js'
import * as Event from '../src/privacy/event/event.js'
import { neighbouringRelations } from '../src/privacy/neighbouring.js'
import { pld } from '../src/privacy/pld/accountant.js'
import { prv } from '../src/privacy/prv/accountant.js'
import { rightOf } from './laws/accountant.js'

const inOrder = ({ lower, estimate, upper }: Bounds): void => {
  expect(lower).toBeGreaterThanOrEqual(0)
  expect(estimate).toBeGreaterThanOrEqual(lower)
  expect(upper).toBeGreaterThanOrEqual(estimate)
}

const cut = (datasetSize: number, samplingProbability: number, truncatedBatchSize: number): Event.PrivacyEvent =>
  Event.truncatedPoissonSampled({ datasetSize, samplingProbability, truncatedBatchSize })(Event.gaussian(1))

const events: readonly (readonly [name: string, event: Event.PrivacyEvent])[] = [
  ['a sample cut to ten', cut(100, 0.5, 10)],
  ['a sample cut to one', cut(100, 0.5, 1)],
  ['a sample that is hardly cut', cut(100, 0.5, 45)],
  ['Laplace noise of the smallest scale', Event.laplace(5e-324)],
  ['Laplace noise of a tiny scale', Event.laplace(1e-300)],
]

describe.each(neighbouringRelations)('%s', (neighbouring) => {
  it.each(events)('%s', (_, event) => {
    const read = (answer: (accountant: ReturnType<typeof pld>) => Bounds): void => {
      const [one, other] = [pld({ neighbouring }), prv({ neighbouring })].map(answer) as [Bounds, Bounds]
      for (const bounds of [one, other]) inOrder(bounds)
      expect(one.lower).toBeLessThanOrEqual(other.upper)
      expect(other.lower).toBeLessThanOrEqual(one.upper)
    }
    for (const epsilon of [0, 0.01, 1])
      read((accountant) => accountant.delta(epsilon)(rightOf(accountant.interpret(event))))
    read((accountant) => accountant.epsilon(1e-5)(rightOf(accountant.interpret(event))))
  })
})

it('losses that leave float64 are bounded by what is the most', () => {
  const event = Event.poissonSampled(0.46)(Event.gaussian(0.001))
  inOrder(rightOf(epsilonOf(prv(), 0.9)(event)))
  inOrder(rightOf(deltaOf(prv(), 1)(event)))
})

describe('the lower end is reached', () => {
  it('two neighbours of a record that is replaced need not be twice as far from each other', () => {
    // The largest P(S) − Q(S) with a law R that is ε-close to both, over probabilities R(S).
    const e = Math.E
    const most = Array.from({ length: 10_001 }, (_, i) => i / 10_000).reduce((far, r) => {
      const [p, q] = [Math.min(e * r, 1 - (1 - r) / e), Math.max(r / e, 1 - e * (1 - r))]
      return Math.max(far, p - q)
    }, 0)
    for (const accountant of [pld({ neighbouring: 'replaceOne' }), prv({ neighbouring: 'replaceOne' })]) {
      const { lower, upper } = accountant.delta(0)(rightOf(accountant.interpret(Event.pureDp(1))))
      expect(lower).toBeLessThanOrEqual(most)
      expect(lower).toBeGreaterThan(0.46)
      expect(upper).toBeGreaterThanOrEqual(most)
    }
  })
  it('a truncated sample is at least the Poisson sample of those in a batch, beside records that add nothing', () => {
    // One record of two in each batch: the record is in it with probability (1 − q) q + q²/2.
    const q = 0.3
    const rate = (1 - q) * q + 0.5 * q * q
    const poisson = pld().delta(0.2)(rightOf(pld().interpret(Event.poissonSampled(rate)(Event.gaussian(1)))))
    const { lower, upper } = pld().delta(0.2)(rightOf(pld().interpret(cut(2, q, 1))))
    expect(lower).toBeLessThanOrEqual(poisson.upper)
    expect(lower).toBeGreaterThan(0.9999 * poisson.lower)
    expect(upper).toBeGreaterThan(poisson.upper)
  })
})
