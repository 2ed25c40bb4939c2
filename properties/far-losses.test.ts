/**
 * Events at the ends of their ranges: bounds in order, and the two accountants of privacy losses agree with each other.
 */
import { describe, expect, it } from 'vitest'
import type { Bounds } from '../src/privacy/accountant.js'
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
