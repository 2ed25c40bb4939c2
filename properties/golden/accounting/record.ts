/**
 * Records of the golden file of privacy accounting, and figures to compare.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type Accountant, epsilonOf } from '../../../src/privacy/accountant.js'
import * as Event from '../../../src/privacy/event/event.js'
import type { Neighbouring } from '../../../src/privacy/neighbouring.js'
import { notSupported, type Outcome } from '../outcome.js'

export type Fields = Readonly<Record<string, unknown>>

/** One record of the file. */
export interface AccountingRecord {
  readonly id: string
  readonly kind: string
  readonly inputs: Fields
  readonly expected: Fields
  readonly tol: Fields
  /** The truth, where the record holds another accountant's figure. */
  readonly crossCheck?: Fields
}

/** The records of a file of the format { about, records }. */
export const accountingRecords = (file: unknown): readonly AccountingRecord[] =>
  (file as { readonly records: readonly AccountingRecord[] }).records

/** A number that may be written as a string: decimals with more digits than a double, `Infinity`. */
export const numberOf = (value: unknown): number => (typeof value === 'number' ? value : Number(value))
export const numbersOf = (value: unknown): readonly number[] => (Array.isArray(value) ? value : [value]).map(numberOf)

/** A figure of ours beside one of theirs. */
export interface Figure {
  readonly actual: number
  readonly expected: number
  readonly rel: number
  readonly abs: number
  /** What the reader of an outcome should know beside its error. */
  readonly note?: string
}

/** Figures to compare, or why there are none. */
export type Answer = readonly Figure[] | string

/** |actual − expected| in units of abs + rel |expected|: at most 1 passes. */
const errorOf = ({ actual, expected, rel, abs }: Figure): number =>
  actual === expected ? 0 : Math.abs(actual - expected) / (abs + rel * Math.abs(expected))

export const outcomeOf = (answer: Answer): Outcome => {
  if (typeof answer === 'string') return notSupported(answer)
  const notes = answer.flatMap(({ note }) => (note === undefined ? [] : [note]))
  return {
    _tag: 'compared',
    error: answer.map(errorOf).reduce((a, b) => (Number.isNaN(b) || b > a ? b : a), 0),
    tolerance: 1,
    ...(notes.length === 0 ? {} : { note: notes.join(', ') }),
  }
}

export const figures = (
  { tol }: AccountingRecord,
  actual: number | readonly number[],
  expected: unknown,
  extra: Partial<Figure> = {},
): readonly Figure[] => {
  const wanted = numbersOf(expected)
  const found = typeof actual === 'number' ? [actual] : actual
  return wanted.map((value, index) => ({
    actual: found[index] ?? Number.NaN,
    expected: value,
    rel: numberOf(tol.rel ?? 0),
    abs: numberOf(tol.abs ?? 0),
    ...extra,
  }))
}

export const rightOf = <A>(either: E.Either<unknown, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left))
  return either.right
}
export const epsilonAt =
  <Curve>(accountant: Accountant<Curve>, delta: unknown) =>
  (event: Event.PrivacyEvent): number =>
    rightOf(epsilonOf(accountant, numberOf(delta))(event)).estimate

const NEIGHBOURING: Readonly<Record<string, Neighbouring>> = {
  ADD_OR_REMOVE_ONE: 'addOrRemoveOne',
  REPLACE_ONE: 'replaceOne',
  REPLACE_SPECIAL: 'replaceSpecial',
}
export const neighbouringOf = (inputs: Fields): Neighbouring =>
  NEIGHBOURING[String(inputs.neighboring)] ?? 'addOrRemoveOne'

/** T Poisson-sampled Gaussians (T Gaussians where q is 1 or not given), or phases of them. */
export const dpSgdEvent = (inputs: Fields): Event.PrivacyEvent =>
  Array.isArray(inputs.phases)
    ? Event.composed(inputs.phases.map((phase) => dpSgdEvent(phase as Fields)))
    : Event.selfComposed(numberOf(inputs.steps ?? 1))(
        Event.poissonSampled(numberOf(inputs.sampleRate ?? 1))(Event.gaussian(numberOf(inputs.sigma))),
      )
