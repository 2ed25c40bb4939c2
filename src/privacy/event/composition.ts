/**
 * Composition of events: equality, the monoid, and the normal form.
 */
import type { Eq } from 'fp-ts/lib/Eq.js'
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import { sameData } from '../same-data.js'
import { composed, noOp, type PrivacyEvent, selfComposed } from './privacy-event.js'

/** Structural equality; `normalise` first to compare meanings. */
export const EventEq: Eq<PrivacyEvent> = { equals: sameData }

const itemsOf = (event: PrivacyEvent): readonly PrivacyEvent[] =>
  event._tag === 'Composed' ? event.events : event._tag === 'NoOp' ? [] : [event]

const ofItems = (items: readonly PrivacyEvent[]): PrivacyEvent =>
  items.length === 0 ? noOp : items.length === 1 ? (items[0] as PrivacyEvent) : composed(items)

const isCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 0

const counted = (event: PrivacyEvent): readonly [event: PrivacyEvent, count: number] =>
  event._tag === 'SelfComposed' ? [event.event, event.count] : [event, 1]

/** Two items as one where they are counts of equal events. */
const joined = (a: PrivacyEvent, b: PrivacyEvent): PrivacyEvent | undefined => {
  const [[one, count], [other, more]] = [counted(a), counted(b)]
  return isCount(count) && isCount(more) && isCount(count + more) && EventEq.equals(one, other)
    ? selfComposed(count + more)(one)
    : undefined
}

/** Puts one event after others, as a count where it equals the last. */
const append = (items: PrivacyEvent[], next: PrivacyEvent): PrivacyEvent[] => {
  const last = items.at(-1)
  const both = last === undefined ? undefined : joined(last, next)
  if (both === undefined) items.push(next)
  else items[items.length - 1] = both
  return items
}

/**
 * Composition of events: one after the other. `NoOp` is the unit; equal neighbours become a count, so that a ledger of a
 * million equal steps stays one line.
 *
 * Guarantee   associative and with unit up to `normalise`; exactly so on normal forms
 *
 * @example
 * Event.Composition.concat(Event.gaussian(1), Event.gaussian(1)) // => Event.selfComposed(2)(Event.gaussian(1))
 */
export const Composition: Monoid<PrivacyEvent> = {
  concat: (a, b) => ofItems(itemsOf(b).reduce(append, [...itemsOf(a)])),
  empty: noOp,
}

/** Counts equal events, wherever they stand, at the place of the first. */
const gather = (items: readonly PrivacyEvent[]): readonly PrivacyEvent[] => {
  const out: PrivacyEvent[] = []
  // Places in `out` by text, as JSON: two events of one text may still differ, as −0 and 0 do, so equality decides.
  const places = new Map<string, number[]>()
  for (const item of items) {
    const text = JSON.stringify(counted(item)[0])
    const known = places.get(text) ?? []
    const place = known.find((at) => joined(out[at] as PrivacyEvent, item) !== undefined)
    if (place === undefined) places.set(text, [...known, out.push(item) - 1])
    else out[place] = joined(out[place] as PrivacyEvent, item) as PrivacyEvent
  }
  return out
}

/** `count` times what is in normal form. */
const repeated = (count: number, inner: PrivacyEvent): PrivacyEvent => {
  if (inner._tag === 'NoOp' || count === 0) return noOp
  if (count === 1) return inner
  const items = itemsOf(inner).map(counted)
  return isCount(count) && items.every(([, times]) => isCount(times * count))
    ? ofItems(items.map(([event, times]) => selfComposed(times * count)(event)))
    : selfComposed(count)(inner)
}

/**
 * The normal form: compositions are flat, `NoOp` is gone, equal events are counted at the place of the first, a count of 1 is
 * not written, a count of a composition is a composition of counts. The meaning is unchanged, and no number is judged.
 *
 * Guarantee   idempotent; two groupings of one sequence have one normal form, and two orders of one sequence the same events
 *
 * @example
 * Event.normalise(Event.composed([Event.gaussian(1), Event.noOp, Event.gaussian(1)])) // => Event.selfComposed(2)(Event.gaussian(1))
 */
export const normalise = (event: PrivacyEvent): PrivacyEvent => {
  switch (event._tag) {
    case 'Composed':
      return ofItems(gather(event.events.flatMap((inner) => itemsOf(normalise(inner)))))
    case 'SelfComposed':
      return repeated(event.count, normalise(event.event))
    case 'PoissonSampled':
    case 'TruncatedPoissonSampled':
    case 'SampledWithoutReplacement':
    case 'SampledWithReplacement':
    case 'RandomAllocation':
    case 'Shuffled':
    case 'RepeatAndSelect': {
      const inner = normalise(event.event)
      return inner._tag === 'NoOp' ? noOp : { ...event, event: inner }
    }
    default:
      return event
  }
}
