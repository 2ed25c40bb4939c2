/**
 * Random events of every kind, nested, through every accountant: a bound or a typed failure, never a NaN, an unexplained
 * infinity, or an exception. `EVENTS=10000 npx vitest run properties/every-event.test.ts` is the long run.
 */
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { type Accountant, deltaOf, epsilonOf, showAccountingFailure } from '../src/privacy/accountant.js'
import { approximateDp } from '../src/privacy/approximate-dp/accountant.js'
import type * as Event from '../src/privacy/event/event.js'
import { exact } from '../src/privacy/exact/accountant.js'
import { gdp } from '../src/privacy/gdp.js'
import { neighbouringRelations } from '../src/privacy/neighbouring.js'
import { pld } from '../src/privacy/pld/accountant.js'
import { prv } from '../src/privacy/prv/accountant.js'
import { allocation } from '../src/privacy/random-allocation/accountant.js'
import { rdp } from '../src/privacy/rdp/accountant.js'
import { anyEvent, anyMechanism, logUniform, uncheckedEvent } from './arbitraries/event.js'

const events = Number(process.env.EVENTS ?? 100)
const timeout = Math.max(60_000, 100 * events)

/** Every accountant, under every relation; `prv`, whose answers take seconds, in the long run only. */
const accountants: readonly Accountant<unknown>[] = neighbouringRelations.flatMap((neighbouring) => [
  ...[rdp, exact, gdp, approximateDp, pld, ...(process.env.EVENTS === undefined ? [] : [prv])].map(
    (accountant) => accountant({ neighbouring }) as unknown as Accountant<unknown>,
  ),
  ...(neighbouring === 'replaceOne' ? [] : [allocation({ neighbouring }) as unknown as Accountant<unknown>]),
])

/** The accountants whose answers take seconds see fewer events. */
const runsOf = (name: string): number => (name === 'pld' || name === 'prv' ? Math.ceil(events / 20) : events)

/** Is there something in it that is released with some probability, or for certain? */
const mayFail = (event: Event.PrivacyEvent): boolean => {
  switch (event._tag) {
    case 'NonPrivate':
    case 'ApproximateDp':
      return true
    case 'RandomizedResponse':
      return event.noiseParameter < 1e-300
    case 'Composed':
      return event.events.some(mayFail)
    default:
      return 'event' in event && mayFail(event.event)
  }
}

describe.each(accountants.map((accountant) => [accountant.name, accountant.neighbouring, accountant] as const))(
  '%s, %s',
  (name, neighbouring, accountant) => {
    const numRuns = runsOf(name)
    it(
      'a bound or a failure',
      () => {
        fc.assert(
          fc.property(
            fc.oneof(anyEvent, anyMechanism),
            logUniform({ low: 1e-30, high: 0.5 }),
            logUniform({ low: 1e-3, high: 100 }),
            (event, delta, epsilon) => {
              const [spent, failing] = [epsilonOf(accountant, delta)(event), deltaOf(accountant, epsilon)(event)]
              expect(spent._tag).toBe(failing._tag)
              if (E.isLeft(spent) || E.isLeft(failing)) {
                expect(
                  showAccountingFailure(E.isLeft(spent) ? spent.left : (failing as E.Left<never>).left).length,
                ).toBeGreaterThan(20)
                return
              }
              for (const { lower, estimate, upper, neighbouring: relation } of [spent.right, failing.right]) {
                expect(relation).toBe(neighbouring)
                expect(lower).toBeGreaterThanOrEqual(0)
                expect(estimate).toBeGreaterThanOrEqual(lower)
                expect(upper).toBeGreaterThanOrEqual(estimate)
              }
              expect(failing.right.upper).toBeLessThanOrEqual(1)
              if (spent.right.upper === Infinity) expect(mayFail(event)).toBe(true)
            },
          ),
          { numRuns, interruptAfterTimeLimit: timeout },
        )
      },
      timeout,
    )
    it(
      'numbers out of their domains are failures or bounds too',
      () => {
        fc.assert(
          fc.property(uncheckedEvent, logUniform({ low: 1e-30, high: 0.5 }), (event, delta) => {
            const spent = epsilonOf(accountant, delta)(event)
            if (E.isRight(spent)) expect(spent.right.upper).toBeGreaterThanOrEqual(spent.right.lower)
          }),
          { numRuns, interruptAfterTimeLimit: timeout },
        )
      },
      timeout,
    )
  },
)
