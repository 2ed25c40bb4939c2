/**
 * Privacy events as JSON, and back with every field checked.
 */

import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import { type InvalidParameter, invalidParameter } from '../invalid-parameter.js'
import type { PrivacyEvent } from './event.js'

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

/** Reads one value that stands at a path. */
type Read<A> = (value: unknown, path: string) => Either<InvalidParameter, A>

const where =
  <A>(accept: (value: unknown) => value is A, requirement: string): Read<A> =>
  (value, path) =>
    accept(value) ? E.right(value) : E.left(invalidParameter(path, value, requirement))

const numberWhere = (accept: (x: number) => boolean, requirement: string): Read<number> =>
  where((value): value is number => typeof value === 'number' && accept(value), requirement)

const positive = numberWhere((x) => x > 0 && x < Infinity, 'a finite number > 0')
const nonNegative = numberWhere((x) => x >= 0 && x < Infinity, 'a finite number ≥ 0')
const probability = numberWhere((x) => x >= 0 && x <= 1, 'a number in [0, 1]')
const count = numberWhere((x) => Number.isSafeInteger(x) && x >= 0, 'an integer ≥ 0')
const positiveCount = numberWhere((x) => Number.isSafeInteger(x) && x > 0, 'an integer > 0')
const severalCount = numberWhere((x) => Number.isSafeInteger(x) && x > 1, 'an integer > 1')
const text = where((value): value is string => typeof value === 'string', 'a string')
const grade = where(
  (value): value is 'float' | 'secure' | 'discrete' => value === 'float' || value === 'secure' || value === 'discrete',
  "'float', 'secure' or 'discrete'",
)
const shape = where(
  (value): value is number | 'poisson' =>
    value === 'poisson' || (typeof value === 'number' && value > -1 && value < Infinity),
  "a finite number > −1 or 'poisson'",
)

/** A list of values, each at its own path. */
const listOf =
  <A>(item: Read<A>, requirement: string): Read<readonly A[]> =>
  (value, path) =>
    Array.isArray(value)
      ? E.traverseArray(([index, one]: readonly [number, unknown]) => item(one, `${path}[${index}]`))(
          value.map((one: unknown, index) => [index, one] as const),
        )
      : E.left(invalidParameter(path, value, requirement))

const numbers = listOf(nonNegative, 'a list of numbers')
const probabilities: Read<readonly number[]> = (value, path) =>
  E.filterOrElse(
    (list: readonly number[]) => Math.abs(list.reduce((sum, p) => sum + p, 0) - 1) <= 1e-9,
    () => invalidParameter(path, value, 'probabilities that sum to 1'),
  )(listOf(probability, 'a list of probabilities')(value, path))

const event: Read<PrivacyEvent> = (json, path) => {
  if (!isRecord(json)) return E.left(invalidParameter(path === '' ? 'event' : path, json, 'a privacy event'))
  const at = (field: string): string => (path === '' ? field : `${path}.${field}`)
  if (typeof json._tag !== 'string' || !Object.hasOwn(readersOf, json._tag))
    return E.left(invalidParameter(at('_tag'), json._tag, 'the tag of a privacy event'))
  const fields = readersOf[json._tag as PrivacyEvent['_tag']]
  const out: Record<string, unknown> = { _tag: json._tag }
  for (const [name, read] of Object.entries<Read<unknown>>(fields)) {
    const value = read(json[name], at(name))
    if (E.isLeft(value)) return value
    out[name] = value.right
  }
  return consistent(out as unknown as PrivacyEvent, at)
}

/** What no field can tell alone. */
const consistent = (read: PrivacyEvent, at: (field: string) => string): Either<InvalidParameter, PrivacyEvent> => {
  switch (read._tag) {
    case 'MixtureOfGaussians':
      return read.probabilities.length === read.sensitivities.length
        ? E.right(read)
        : E.left(invalidParameter(at('probabilities'), read.probabilities, 'as many as there are sensitivities'))
    case 'RandomAllocation':
      return read.participations <= read.steps
        ? E.right(read)
        : E.left(invalidParameter(at('participations'), read.participations, 'at most the number of steps'))
    default:
      return E.right(read)
  }
}

/** The fields of every event, in the order in which they are read. */
const readersOf: {
  readonly [T in PrivacyEvent['_tag']]: Readonly<
    Record<Exclude<keyof Extract<PrivacyEvent, { readonly _tag: T }>, '_tag'>, Read<unknown>>
  >
} = {
  NoOp: {},
  NonPrivate: {},
  Unsupported: { reason: text },
  Gaussian: { noiseMultiplier: nonNegative, grade },
  Laplace: { noiseMultiplier: nonNegative },
  DiscreteGaussian: { sigma: positive, sensitivity: count },
  DiscreteLaplace: { scale: positive, sensitivity: count },
  RandomizedResponse: { noiseParameter: probability, buckets: severalCount },
  ExponentialMechanism: { epsilon: nonNegative },
  PureDp: { epsilon: nonNegative },
  ApproximateDp: { epsilon: nonNegative, delta: probability },
  ZeroConcentratedDp: { rho: nonNegative, xi: nonNegative },
  MixtureOfGaussians: { noiseMultiplier: nonNegative, sensitivities: numbers, probabilities },
  TreeAggregation: { noiseMultiplier: nonNegative, steps: positiveCount },
  MatrixFactorisation: { noiseMultiplier: nonNegative, sensitivity: nonNegative },
  PoissonSampled: { samplingProbability: probability, event },
  TruncatedPoissonSampled: {
    datasetSize: positiveCount,
    samplingProbability: probability,
    truncatedBatchSize: count,
    event,
  },
  SampledWithoutReplacement: { datasetSize: positiveCount, batchSize: count, event },
  SampledWithReplacement: { datasetSize: positiveCount, batchSize: count, event },
  RandomAllocation: { steps: positiveCount, participations: count, event },
  Shuffled: { batches: positiveCount, event },
  RepeatAndSelect: { mean: positive, shape, event },
  SelfComposed: { count, event },
  Composed: { events: listOf(event, 'a list of events') },
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
export const eventFromJson = (json: unknown): Either<InvalidParameter, PrivacyEvent> => event(json, '')
