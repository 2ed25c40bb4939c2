/**
 * Privacy events: what was released, as plain data. An event says nothing about ε; an accountant reads it.
 *
 * Events form a monoid under composition. σ = noiseMultiplier = standard deviation (Laplace: scale) of the noise divided by
 * the clip bound C, q = samplingProbability, T = count.
 *
 * Reference  the event algebra of Google's dp_accounting
 */
import type { Eq } from 'fp-ts/lib/Eq.js'
import type { Monoid } from 'fp-ts/lib/Monoid.js'

/**
 * How the normal noise was made: `float` (floating point, any generator: experiments), `secure` (floating point from a
 * cryptographic generator), `discrete` (the discrete Gaussian on a grid, in integers).
 */
export type NoiseGrade = 'float' | 'secure' | 'discrete'

/** Nothing about the data was released. The unit of composition. */
export interface NoOp {
  readonly _tag: 'NoOp'
}

/** Something was released without protection: ε = ∞. */
export interface NonPrivate {
  readonly _tag: 'NonPrivate'
}

/** Something was released that no accountant here can analyse, and why. */
export interface Unsupported {
  readonly _tag: 'Unsupported'
  readonly reason: string
}

/**
 * Normal noise of standard deviation σC on a sum of vectors clipped to l2 norm C.
 *
 * The grade is part of the event, not of the analysis: `discrete` is accounted as the continuous Gaussian, which is an upper
 * bound unsampled (Canonne, Kamath & Steinke 2020, arXiv:2004.00010), and agrees under sampling
 * to less than 1e-15 as long as the grid is finer than σC/10 (its sums are the trapezoid rule of `sampled-gaussian.ts`).
 */
export interface Gaussian {
  readonly _tag: 'Gaussian'
  readonly noiseMultiplier: number
  readonly grade: NoiseGrade
}

/** Laplace noise of scale σC on a sum of numbers (or vectors) clipped to l1 norm C. */
export interface Laplace {
  readonly _tag: 'Laplace'
  readonly noiseMultiplier: number
}

/** Any mechanism that is ε-differentially private with δ = 0 when one record is added or removed. */
export interface PureDp {
  readonly _tag: 'PureDp'
  readonly epsilon: number
}

/** The event on a batch into which each record was drawn independently with probability q. The batch size is random. */
export interface PoissonSampled {
  readonly _tag: 'PoissonSampled'
  readonly samplingProbability: number
  readonly event: PrivacyEvent
}

/** The event on a uniformly drawn batch of exactly `batchSize` of `datasetSize` records. Never accounted as `PoissonSampled`. */
export interface SampledWithoutReplacement {
  readonly _tag: 'SampledWithoutReplacement'
  readonly datasetSize: number
  readonly batchSize: number
  readonly event: PrivacyEvent
}

/**
 * One epoch over shuffled data: the records are permuted once, cut into `batches` disjoint batches, and the event happens on
 * each. Never accounted as `PoissonSampled`: its ε can be many times larger (Chua et al. 2024, arXiv:2403.17673).
 */
export interface Shuffled {
  readonly _tag: 'Shuffled'
  readonly batches: number
  readonly event: PrivacyEvent
}

/** The event `count` times in a row, each on fresh randomness, possibly chosen in view of the earlier results. */
export interface SelfComposed {
  readonly _tag: 'SelfComposed'
  readonly count: number
  readonly event: PrivacyEvent
}

/** The events one after another. */
export interface Composed {
  readonly _tag: 'Composed'
  readonly events: readonly PrivacyEvent[]
}

export type PrivacyEvent =
  | NoOp
  | NonPrivate
  | Unsupported
  | Gaussian
  | Laplace
  | PureDp
  | PoissonSampled
  | SampledWithoutReplacement
  | Shuffled
  | SelfComposed
  | Composed

export const noOp: PrivacyEvent = { _tag: 'NoOp' }
export const nonPrivate: PrivacyEvent = { _tag: 'NonPrivate' }

/** An event that no accountant can analyse. */
export const unsupported = (reason: string): PrivacyEvent => ({ _tag: 'Unsupported', reason })

/**
 * The Gaussian mechanism.
 *
 * Constructors do not check numbers: an accountant answers a σ < 0 or a q > 1 with a failure, as `eventFromJson` does.
 *
 * @example
 * Event.gaussian(1.1) // => { _tag: 'Gaussian', noiseMultiplier: 1.1, grade: 'float' }
 */
export const gaussian = (noiseMultiplier: number, grade: NoiseGrade = 'float'): PrivacyEvent => ({
  _tag: 'Gaussian',
  noiseMultiplier,
  grade,
})

/** The Laplace mechanism. */
export const laplace = (noiseMultiplier: number): PrivacyEvent => ({ _tag: 'Laplace', noiseMultiplier })

/** A mechanism known to be ε-DP. */
export const pureDp = (epsilon: number): PrivacyEvent => ({ _tag: 'PureDp', epsilon })

/**
 * The event on a Poisson-sampled batch.
 *
 * @example
 * Event.showEvent(Event.selfComposed(1000)(Event.poissonSampled(0.01)(Event.gaussian(1.1)))) // => '1000 × Poisson(0.01, Gaussian(1.1))'
 */
export const poissonSampled =
  (samplingProbability: number) =>
  (event: PrivacyEvent): PrivacyEvent => ({ _tag: 'PoissonSampled', samplingProbability, event })

/** The event on a batch of fixed size, drawn without replacement. */
export const sampledWithoutReplacement =
  ({ datasetSize, batchSize }: { readonly datasetSize: number; readonly batchSize: number }) =>
  (event: PrivacyEvent): PrivacyEvent => ({ _tag: 'SampledWithoutReplacement', datasetSize, batchSize, event })

/** The event on each of the disjoint batches of one shuffled epoch. */
export const shuffled =
  (batches: number) =>
  (event: PrivacyEvent): PrivacyEvent => ({ _tag: 'Shuffled', batches, event })

/** The event `count` times. */
export const selfComposed =
  (count: number) =>
  (event: PrivacyEvent): PrivacyEvent => ({ _tag: 'SelfComposed', count, event })

/** The events one after another. */
export const composed = (events: readonly PrivacyEvent[]): PrivacyEvent => ({ _tag: 'Composed', events })

/** Structural equality; `normalise` first to compare meanings. */
export const EventEq: Eq<PrivacyEvent> = {
  equals: (a, b) => {
    if (a === b) return true
    if (a._tag === 'Composed' && b._tag === 'Composed')
      return (
        a.events.length === b.events.length && a.events.every((e, i) => EventEq.equals(e, b.events[i] as PrivacyEvent))
      )
    const keys = Object.keys(a)
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => {
        const left: unknown = a[key as keyof PrivacyEvent]
        const right: unknown = b[key as keyof PrivacyEvent]
        return key === 'event' ? EventEq.equals(left as PrivacyEvent, right as PrivacyEvent) : Object.is(left, right)
      })
    )
  },
}

const itemsOf = (event: PrivacyEvent): readonly PrivacyEvent[] =>
  event._tag === 'Composed' ? event.events : event._tag === 'NoOp' ? [] : [event]

const ofItems = (items: readonly PrivacyEvent[]): PrivacyEvent =>
  items.length === 0 ? noOp : items.length === 1 ? (items[0] as PrivacyEvent) : composed(items)

/** Puts one event after others, as a count where it equals the last. */
const append = (items: PrivacyEvent[], next: PrivacyEvent): PrivacyEvent[] => {
  const last = items.at(-1)
  const [lastEvent, lastCount] = last?._tag === 'SelfComposed' ? [last.event, last.count] : [last, 1]
  const [nextEvent, nextCount] = next._tag === 'SelfComposed' ? [next.event, next.count] : [next, 1]
  if (lastEvent !== undefined && isCount(lastCount) && isCount(nextCount) && EventEq.equals(lastEvent, nextEvent))
    items[items.length - 1] = selfComposed(lastCount + nextCount)(lastEvent)
  else items.push(next)
  return items
}

const isCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 0

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

/**
 * The normal form: nested compositions are flat, `NoOp` is gone, equal neighbours are counted, a count of 1 is not written,
 * a count of a count is their product. The meaning is unchanged, and no number is judged.
 *
 * Guarantee   idempotent; two groupings of one sequence have one normal form
 *
 * @example
 * Event.normalise(Event.composed([Event.gaussian(1), Event.noOp, Event.gaussian(1)])) // => Event.selfComposed(2)(Event.gaussian(1))
 */
export const normalise = (event: PrivacyEvent): PrivacyEvent => {
  switch (event._tag) {
    case 'Composed':
      return ofItems(event.events.flatMap((inner) => itemsOf(normalise(inner))).reduce(append, []))
    case 'SelfComposed': {
      const inner = normalise(event.event)
      if (inner._tag === 'NoOp' || event.count === 0) return noOp
      if (event.count === 1) return inner
      return inner._tag === 'SelfComposed' && isCount(inner.count * event.count)
        ? selfComposed(inner.count * event.count)(inner.event)
        : selfComposed(event.count)(inner)
    }
    case 'PoissonSampled':
    case 'SampledWithoutReplacement':
    case 'Shuffled': {
      const inner = normalise(event.event)
      return inner._tag === 'NoOp' ? noOp : { ...event, event: inner }
    }
    default:
      return event
  }
}

/**
 * The event in one line.
 *
 * @example
 * Event.showEvent(Event.gaussian(1.1, 'discrete')) // => 'Gaussian(1.1, discrete)'
 */
export const showEvent = (event: PrivacyEvent): string => {
  switch (event._tag) {
    case 'NoOp':
    case 'NonPrivate':
      return event._tag
    case 'Unsupported':
      return `Unsupported(${event.reason})`
    case 'Gaussian':
      return `Gaussian(${event.noiseMultiplier}${event.grade === 'float' ? '' : `, ${event.grade}`})`
    case 'Laplace':
      return `Laplace(${event.noiseMultiplier})`
    case 'PureDp':
      return `PureDp(${event.epsilon})`
    case 'PoissonSampled':
      return `Poisson(${event.samplingProbability}, ${showEvent(event.event)})`
    case 'SampledWithoutReplacement':
      return `WithoutReplacement(${event.batchSize} of ${event.datasetSize}, ${showEvent(event.event)})`
    case 'Shuffled':
      return `Shuffled(${event.batches} batches, ${showEvent(event.event)})`
    case 'SelfComposed':
      return `${event.count} × ${event.event._tag === 'Composed' ? `(${showEvent(event.event)})` : showEvent(event.event)}`
    case 'Composed':
      return event.events.length === 0 ? 'NoOp' : event.events.map(showEvent).join(' + ')
  }
}
