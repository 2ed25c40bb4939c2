/**
 * Privacy events as JSON, and back with every field checked.
 */

import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import { type InvalidParameter, invalidParameter } from '../invalid-parameter.js'
import type { NoiseGrade, PrivacyEvent } from './event.js'

/**
 * The event as a value that `JSON.stringify` keeps: an event is plain data already.
 *
 * @example
 * eventToJson({ _tag: 'NoOp' }) // => { _tag: 'NoOp' }
 */
export const eventToJson = (event: PrivacyEvent): PrivacyEvent => event

type Fields = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

type Read<A> = (field: string) => Either<InvalidParameter, A>

/** Readers of the fields of one record that stands at `path`. */
const readers = (fields: Fields, path: string) => {
  const at = (field: string): string => (path === '' ? field : `${path}.${field}`)
  const numberWhere =
    (accept: (x: number) => boolean, requirement: string): Read<number> =>
    (field) => {
      const value = fields[field]
      return typeof value === 'number' && accept(value)
        ? E.right(value)
        : E.left(invalidParameter(at(field), value, requirement))
    }
  const nonNegative: Read<number> = numberWhere((x) => x >= 0 && x < Infinity, 'a finite number ≥ 0')
  const probability: Read<number> = numberWhere((x) => x >= 0 && x <= 1, 'a number in [0, 1]')
  const count: Read<number> = numberWhere((x) => Number.isSafeInteger(x) && x >= 0, 'an integer ≥ 0')
  const positiveCount: Read<number> = numberWhere((x) => Number.isSafeInteger(x) && x > 0, 'an integer > 0')
  const grade: Read<NoiseGrade> = (field) => {
    const value = fields[field]
    return value === 'float' || value === 'secure' || value === 'discrete'
      ? E.right(value)
      : E.left(invalidParameter(at(field), value, "'float', 'secure' or 'discrete'"))
  }
  const text: Read<string> = (field) => {
    const value = fields[field]
    return typeof value === 'string' ? E.right(value) : E.left(invalidParameter(at(field), value, 'a string'))
  }
  const event: Read<PrivacyEvent> = (field) => read(fields[field], at(field))
  const events: Read<readonly PrivacyEvent[]> = (field) => {
    const value = fields[field]
    return Array.isArray(value)
      ? E.traverseArray(([index, item]: readonly [number, unknown]) => read(item, `${at(field)}[${index}]`))(
          value.map((item: unknown, index) => [index, item] as const),
        )
      : E.left(invalidParameter(at(field), value, 'a list of events'))
  }
  return { nonNegative, probability, count, positiveCount, grade, text, event, events }
}

/** Reads the named fields and sets them beside the tag; the first failure wins. */
const tagged = (
  _tag: PrivacyEvent['_tag'],
  fields: Readonly<Record<string, Either<InvalidParameter, unknown>>>,
): Either<InvalidParameter, PrivacyEvent> => {
  const out: Record<string, unknown> = { _tag }
  for (const [name, value] of Object.entries(fields)) {
    if (E.isLeft(value)) return value
    out[name] = value.right
  }
  return E.right(out as unknown as PrivacyEvent)
}

const read = (json: unknown, path: string): Either<InvalidParameter, PrivacyEvent> => {
  if (!isRecord(json)) return E.left(invalidParameter(path === '' ? 'event' : path, json, 'a privacy event'))
  const field = readers(json, path)
  switch (json._tag) {
    case 'NoOp':
    case 'NonPrivate':
      return tagged(json._tag, {})
    case 'Unsupported':
      return tagged('Unsupported', { reason: field.text('reason') })
    case 'Gaussian':
      return tagged('Gaussian', { noiseMultiplier: field.nonNegative('noiseMultiplier'), grade: field.grade('grade') })
    case 'Laplace':
      return tagged('Laplace', { noiseMultiplier: field.nonNegative('noiseMultiplier') })
    case 'PureDp':
      return tagged('PureDp', { epsilon: field.nonNegative('epsilon') })
    case 'PoissonSampled':
      return tagged('PoissonSampled', {
        samplingProbability: field.probability('samplingProbability'),
        event: field.event('event'),
      })
    case 'SampledWithoutReplacement':
      return tagged('SampledWithoutReplacement', {
        datasetSize: field.positiveCount('datasetSize'),
        batchSize: field.count('batchSize'),
        event: field.event('event'),
      })
    case 'Shuffled':
      return tagged('Shuffled', { batches: field.positiveCount('batches'), event: field.event('event') })
    case 'SelfComposed':
      return tagged('SelfComposed', { count: field.count('count'), event: field.event('event') })
    case 'Composed':
      return tagged('Composed', { events: field.events('events') })
    default:
      return E.left(invalidParameter(path === '' ? '_tag' : `${path}._tag`, json._tag, 'the tag of a privacy event'))
  }
}

/**
 * Reads an event from parsed JSON.
 *
 * Guarantee   the inverse of `eventToJson` on events whose numbers are in their domains; unknown fields are dropped
 * Errors      the first field that is missing or out of its domain, with its path
 *
 * @example
 * eventFromJson({ _tag: 'PureDp', epsilon: 1 }) // => { _tag: 'Right', right: { _tag: 'PureDp', epsilon: 1 } }
 */
export const eventFromJson = (json: unknown): Either<InvalidParameter, PrivacyEvent> => read(json, '')
