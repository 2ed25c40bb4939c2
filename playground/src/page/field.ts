/**
 * A number that a person chooses: its range, its words, its place on a slider, and its place in a link.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type InvalidParameter, invalidParameter } from '../../../src/privacy/invalid-parameter.js'

export interface Field {
  /** In a link. */
  readonly name: string
  readonly label: string
  readonly symbol: string
  /** One sentence about what it does. */
  readonly why: string
  readonly initial: number
  readonly scale: 'log' | 'linear'
  /** The ends of the slider; the number may lie beyond. */
  readonly slider: readonly [least: number, most: number]
  /** Significant digits of what the slider chooses. */
  readonly digits: number
  readonly whole?: boolean
  readonly allows: (value: number) => boolean
  /** What is allowed, as the end of a sentence that begins "must be". */
  readonly requirement: string
}

/** Positions of a slider: 0 … STOPS. */
export const STOPS = 400

/** What a position of the slider means. */
export const valueAt = ({ scale, slider: [least, most], digits, whole }: Field, position: number): number => {
  const share = Math.min(1, Math.max(0, position / STOPS))
  const exact = scale === 'log' ? least * (most / least) ** share : least + (most - least) * share
  const rounded = Number(exact.toPrecision(digits))
  return whole === true ? Math.max(least, Math.round(rounded)) : rounded
}

/** The position of a value, at an end of the slider where it lies beyond. */
export const positionOf = ({ scale, slider: [least, most] }: Field, value: number): number => {
  const share = scale === 'log' ? Math.log(value / least) / Math.log(most / least) : (value - least) / (most - least)
  return Math.round(STOPS * Math.min(1, Math.max(0, share)))
}

/** The next value that differs, some positions up or down: where rounding leaves a value as it is, the next but one. */
export const moved = (field: Field, value: number, positions: number): number => {
  const direction = Math.sign(positions)
  for (let to = positionOf(field, value) + positions; to >= 0 && to <= STOPS; to += direction)
    if ((valueAt(field, to) - value) * direction > 0) return valueAt(field, to)
  return direction > 0 ? Math.max(value, field.slider[1]) : Math.min(value, field.slider[0])
}

/**
 * A number as it is typed.
 *
 * Errors  InvalidParameter for what is no number that the field allows
 */
export const parseField =
  (field: Field) =>
  (text: string): E.Either<InvalidParameter, number> => {
    const value = text.trim() === '' ? Number.NaN : Number(text.trim().replace(',', '.'))
    return Number.isFinite(value) && field.allows(value) && (field.whole !== true || Number.isInteger(value))
      ? E.right(value)
      : E.left(invalidParameter(field.label.toLowerCase(), text, field.requirement))
  }

export type Fields<Name extends string> = Readonly<Record<Name, Field>>
export type Values<Name extends string> = Readonly<Record<Name, number>>

const namesOf = <Name extends string>(fields: Fields<Name>): readonly Name[] =>
  Object.keys(fields) as unknown as readonly Name[]

/** The values that a page starts with. */
export const initialValues = <Name extends string>(fields: Fields<Name>): Values<Name> =>
  Object.fromEntries(namesOf(fields).map((name) => [name, fields[name].initial])) as Values<Name>

/** The values in the order of the fields, for a link: those that are not as they begin. */
export const valuesToLink = <Name extends string>(
  fields: Fields<Name>,
  values: Values<Name>,
): readonly (readonly [name: string, value: string])[] =>
  namesOf(fields)
    .filter((name) => values[name] !== fields[name].initial)
    .map((name) => [fields[name].name, String(values[name])])

/** The values of a link, each as it begins where the link has none, and what is wrong with those that the link has. */
export const valuesFromLink = <Name extends string>(
  fields: Fields<Name>,
  link: URLSearchParams,
): { readonly values: Values<Name>; readonly problems: readonly InvalidParameter[] } => {
  const read = namesOf(fields).map((name) => {
    const text = link.get(fields[name].name)
    return { name, found: text === null ? E.right(fields[name].initial) : parseField(fields[name])(text) }
  })
  return {
    values: Object.fromEntries(
      read.map(({ name, found }) => [name, E.isRight(found) ? found.right : fields[name].initial]),
    ) as Values<Name>,
    problems: read.flatMap(({ found }) => (E.isLeft(found) ? [found.left] : [])),
  }
}
