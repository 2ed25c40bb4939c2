/**
 * The table of docs/accounting.md that says what each accountant makes of each kind of event is what they say.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import {
  type Accountant,
  allocation,
  Event,
  epsilonOf,
  exact,
  neighbouringRelations,
  type PrivacyEvent,
  pld,
  rdp,
} from '../src/privacy/index.js'
import { whatIsRead } from './laws/what-is-read.js'

const page = readFileSync(fileURLToPath(new URL('../docs/accounting.md', import.meta.url)), 'utf8')

describe('what is read', () => {
  it('is what the page says: npx tsx scripts/what-is-read.ts prints it', () => {
    const table = whatIsRead()
    const [head = ''] = table.split('\n')
    const from = page.indexOf(head)
    expect(from).toBeGreaterThan(0)
    expect(page.slice(from, page.indexOf('\n\n', from))).toBe(table)
  })

  it('trees and factorisations are the Gaussians that they are, on samples too', () => {
    // A leaf of a tree of seven steps stands in three of its nodes.
    const same: readonly (readonly [PrivacyEvent, number])[] = [
      [Event.treeAggregation({ noiseMultiplier: 3, steps: 7 }), 3 ** 0.5],
      [Event.matrixFactorisation({ noiseMultiplier: 3, sensitivity: 2 }), 1.5],
    ]
    const sizes = { datasetSize: 1000, batchSize: 50 }
    const samplers: readonly ((event: PrivacyEvent) => PrivacyEvent)[] = [
      Event.poissonSampled(0.05),
      Event.sampledWithoutReplacement(sizes),
      Event.sampledWithReplacement(sizes),
      Event.randomAllocation({ steps: 20, participations: 1 }),
    ]
    const upper =
      (event: PrivacyEvent) =>
      <Curve>(accountant: Accountant<Curve>): number | undefined => {
        const found = epsilonOf(accountant, 1e-5)(event)
        return E.isRight(found) ? found.right.upper : undefined
      }
    for (const [event, sigma] of same)
      for (const sampled of samplers) {
        const answers = (release: PrivacyEvent): readonly (number | undefined)[] => {
          const of = upper(Event.selfComposed(10)(sampled(release)))
          return [of(exact()), of(pld()), of(rdp()), of(allocation({ cells: 256 }))]
        }
        const [found, known] = [answers(event), answers(Event.gaussian(sigma))]
        expect(known.some((epsilon) => epsilon !== undefined)).toBe(true)
        known.forEach((epsilon, i) => {
          if (epsilon === undefined) expect(found[i]).toBeUndefined()
          else expect(found[i]).toBeCloseTo(epsilon, 7)
        })
      }
  })

  it('no sample of randomised response: an answer shows who was drawn', () => {
    const sampled = Event.poissonSampled(0.1)(Event.randomizedResponse({ noiseParameter: 0.5, buckets: 4 }))
    for (const neighbouring of neighbouringRelations)
      expect(E.isLeft(epsilonOf(pld({ neighbouring }), 1e-5)(sampled))).toBe(true)
  })
})
