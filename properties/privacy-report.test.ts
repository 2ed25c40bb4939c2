import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { atMost } from '../src/cli/screen.js'
import { Event, epsilonOf, eventFromJson, gdp, rdp } from '../src/privacy/index.js'
import {
  eventFacts,
  type PrivacyReport,
  privacyReport,
  privacyReportJson,
  showPrivacyReport,
} from '../src/report/index.js'

const right = <L, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left))
  return either.right
}

const training = (grade: 'float' | 'secure') =>
  Event.selfComposed(1000)(Event.poissonSampled(0.01)(Event.gaussian(1.1, grade)))

describe('the privacy report', () => {
  const report = right(
    privacyReport({
      ledger: training('secure'),
      accountant: rdp(),
      deltas: [1e-5, 1e-7],
      unit: 'one patient',
      assumptions: ['A patient has one record.'],
      notCovered: ['The choice of the network.'],
    }),
  )

  it('states the ε of the accountant, upper end first', () => {
    report.epsilons.forEach(({ delta, lower, estimate, upper }) => {
      expect({ lower, estimate, upper }).toMatchObject({
        upper: right(epsilonOf(rdp(), delta)(training('secure'))).upper,
      })
      expect(lower <= estimate && estimate <= upper).toBe(true)
    })
    const text = showPrivacyReport(report)
    expect(text).toMatch(/ε = [\d.]+ at δ = 1e-5/)
    for (const words of [
      'one patient',
      'adding or removing one record',
      'Poisson sampling with probability 0.01',
      'secure',
    ])
      expect(text).toContain(words)
    expect(text).toContain('- A patient has one record.')
    expect(text).toContain('- The choice of the network.')
    expect(text).toMatch(/## Assumptions[\s\S]*## Caveats[\s\S]*## Not covered/)
  })

  it('claims no less than was proved: six digits, the upper end rounded up, the lower end down', () =>
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (sigma) => {
        const stated = right(privacyReport({ ledger: Event.gaussian(sigma), accountant: gdp(), deltas: [1e-5] }))
        const { lower, upper } = stated.epsilons[0] as (typeof stated.epsilons)[number]
        const text = showPrivacyReport(stated)
        const [, claimed, , least] = (/\| 1e-5 \|([^|]*)\|([^|]*)\|([^|]*)\|/.exec(text) ?? []).map(Number)
        expect(text).toContain(`ε = ${claimed} at`)
        expect(claimed).toBeGreaterThanOrEqual(upper)
        expect(claimed).toBeLessThanOrEqual(upper * (1 + 2e-5))
        expect(least).toBeLessThanOrEqual(lower)
        expect(least).toBeGreaterThanOrEqual(lower * (1 - 2e-5))
      }),
    ))

  it('a command shows no less either', () =>
    fc.assert(
      fc.property(fc.double({ min: 0, noNaN: true, max: 1e6 }), fc.integer({ min: 0, max: 6 }), (bound, places) => {
        const shown = Number(atMost(bound, places))
        expect(shown).toBeGreaterThanOrEqual(bound)
        expect(shown - bound).toBeLessThan(1.001 * 10 ** -places)
      }),
    ))

  it('assumes a secret key from the system where the event does not say where the noise comes from', () => {
    for (const event of [
      Event.laplace(1),
      Event.discreteLaplace({ scale: 2, sensitivity: 1 }),
      Event.zeroConcentratedDp(1),
      Event.matrixFactorisation({ noiseMultiplier: 1, sensitivity: 2 }),
    ])
      expect(eventFacts(event).assumptions.join(' ')).toMatch(/The operating system gave the key of the noise/)
  })

  it('is JSON, and the ledger in it can be read back', () => {
    const read = JSON.parse(privacyReportJson(report)) as PrivacyReport
    expect(read).toEqual(report)
    expect(right(eventFromJson(read.ledger))).toEqual(Event.normalise(training('secure')))
    const nothing = right(privacyReport({ ledger: Event.nonPrivate, accountant: rdp() }))
    expect(JSON.parse(privacyReportJson(nothing)).epsilons[0].upper).toBe('Infinity')
  })

  it('says of noise from a seed that it protects nobody, and of noise from the system that its bits are floats', () => {
    expect(eventFacts(training('float')).caveats.join(' ')).toMatch(/whoever can guess it/)
    expect(eventFacts(training('secure')).caveats.join(' ')).not.toMatch(/whoever can guess it/)
    expect(eventFacts(training('secure')).caveats.join(' ')).toMatch(/Mironov/)
    expect(eventFacts(Event.gaussian(1, 'discrete')).caveats).toEqual([])
  })

  it('shuffled batches are not called Poisson', () => {
    const facts = eventFacts(Event.shuffled(10)(Event.gaussian(1)))
    expect(facts.samplers).toEqual(['epochs of 10 shuffled batches'])
  })

  it('what the accountant cannot read is its failure, not a report', () => {
    expect(E.isLeft(privacyReport({ ledger: training('float'), accountant: gdp() }))).toBe(true)
    expect(E.isLeft(privacyReport({ ledger: Event.noOp, accountant: rdp(), deltas: [2] }))).toBe(true)
  })

  it('each fact stands once, however often it happened', () =>
    fc.assert(
      fc.property(fc.array(fc.constantFrom(training('float'), training('secure'), Event.laplace(2))), (events) => {
        const facts = eventFacts(Event.composed(events))
        for (const words of [facts.samplers, facts.mechanisms, facts.grades, facts.assumptions, facts.caveats])
          expect(new Set<string>(words).size).toBe(words.length)
      }),
    ))
})
