/**
 * Answers to a query, one after another, the cheapest first: whoever asks may stop listening at any of them.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import {
  type Accountant,
  type AccountingFailure,
  type Bounds,
  centralLimit,
  deltaReading,
  epsilonOf,
  exact,
  gdp,
  pld,
  prv,
  rdp,
  showAccountingFailure,
  type UnsupportedEvent,
} from '../../../src/privacy/index.js'
import { eventOf, type Query, type Relation, relations } from './query.js'

/** By whom: five that prove their bounds, and the central limit, which proves nothing. */
export type Method = 'exact' | 'pld' | 'prv' | 'rdp' | 'gdp' | 'limit'

/** An enclosure of ε or δ at a place; for the central limit, one number at both ends. */
export interface CurvePoint {
  readonly at: number
  readonly lower: number
  readonly upper: number
}

export type Answer =
  | {
      readonly _tag: 'Epsilon'
      readonly method: Method
      readonly relation: Relation
      readonly bounds: E.Either<string, Pick<Bounds, 'lower' | 'estimate' | 'upper'>>
      readonly milliseconds: number
    }
  /** Points to be added to a curve of the method: ε against steps, or δ against ε. */
  | {
      readonly _tag: 'Points'
      readonly method: Method
      readonly curve: 'steps' | 'delta'
      readonly points: readonly CurvePoint[]
    }

/** An answer, and how long it took. */
const timed = <A>(ask: () => A): readonly [answer: A, milliseconds: number] => {
  const began = performance.now()
  const answer = ask()
  return [answer, performance.now() - began]
}

const said = E.mapLeft<AccountingFailure, string>(showAccountingFailure)

/** ε after so many steps. A defect of one accountant at the edge of its range must not take the others with it. */
const readingOf = <Curve>(accountant: Accountant<Curve>, query: Query, steps: number): E.Either<string, Bounds> =>
  pipe(
    E.tryCatch(
      () => said(epsilonOf(accountant, query.delta)(eventOf(query, steps))),
      (cause) => `the ${accountant.name} accountant failed (${cause instanceof Error ? cause.message : cause})`,
    ),
    E.flatten,
  )

const epsilonBy = <Curve>(
  method: Method,
  accountant: (relation: Relation) => Accountant<Curve>,
  query: Query,
  relation: Relation,
): Answer => {
  const [bounds, milliseconds] = timed(() => readingOf(accountant(relation), query, query.steps))
  return { _tag: 'Epsilon', method, relation, bounds, milliseconds }
}

/** The chosen relation first. */
const inOrder = ({ neighbouring }: Query): readonly Relation[] => [
  neighbouring,
  ...relations.filter((relation) => relation !== neighbouring),
]

/** Numbers of steps around T, four a decade from T/100 to 10 T, in rising order. */
export const stepCounts = ({ steps }: Query, perDecade = 4): readonly number[] => [
  ...new Set(
    Array.from({ length: 3 * perDecade + 1 }, (_, k) => Math.max(1, Math.round(steps * 10 ** (k / perDecade - 2)))),
  ),
]

/** The nearest to T first, larger before smaller: few steps may take long. */
const outwards = (query: Query, counts: readonly number[]): readonly number[] =>
  counts.toSorted((a, b) => Math.abs(Math.log(a / query.steps)) - Math.abs(Math.log(b / query.steps)) || b - a)

const point = (at: number, { lower, upper }: Pick<Bounds, 'lower' | 'upper'>): CurvePoint => ({ at, lower, upper })

const alongSteps = function* <Curve>(
  method: Method,
  accountant: Accountant<Curve>,
  query: Query,
  counts: readonly number[],
): Generator<Answer> {
  for (const count of counts) {
    const found = readingOf(accountant, query, count)
    if (E.isRight(found)) yield { _tag: 'Points', method, curve: 'steps', points: [point(count, found.right)] }
  }
}

/** Places of ε from 0 to somewhat beyond the ε of the query, denser near 0, where the error rates of attacks come from. */
const epsilons = (epsilon: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, k) => 1.5 * epsilon * (k / (count - 1)) ** 1.8)

const joined = (answers: Iterable<Answer>): readonly CurvePoint[] =>
  [...answers].flatMap((answer) => (answer._tag === 'Points' ? answer.points : []))

const ofRdp = function* (query: Query): Generator<Answer> {
  const by = (relation: Relation) => rdp({ neighbouring: relation })
  for (const relation of inOrder(query)) yield epsilonBy('rdp', by, query, relation)
  const accountant = by(query.neighbouring)
  yield {
    _tag: 'Points',
    method: 'rdp',
    curve: 'steps',
    points: joined(alongSteps('rdp', accountant, query, stepCounts(query))),
  }
  const curve = accountant.interpret(eventOf(query))
  if (E.isLeft(curve)) return
  const { upper } = accountant.epsilon(query.delta)(curve.right)
  if (upper < Infinity)
    yield {
      _tag: 'Points',
      method: 'rdp',
      curve: 'delta',
      points: epsilons(upper, 60).map((epsilon) => point(epsilon, accountant.delta(epsilon)(curve.right))),
    }
}

const ofGdp = function* (query: Query): Generator<Answer> {
  for (const relation of inOrder(query)) yield epsilonBy('gdp', () => gdp({ neighbouring: relation }), query, relation)
}

/** The central limit is that of adding or removing a record. */
const ofLimit = function* (query: Query): Generator<Answer> {
  const epsilonAfter = (count: number): E.Either<UnsupportedEvent, number> =>
    pipe(
      centralLimit(eventOf(query, count)),
      E.map(({ epsilon }) => E.getOrElse(() => ({ approximate: Number.NaN }))(epsilon(query.delta)).approximate),
    )
  const [found, milliseconds] = timed(() => epsilonAfter(query.steps))
  yield {
    _tag: 'Epsilon',
    method: 'limit',
    relation: 'addOrRemoveOne',
    bounds: said(E.map((value: number) => ({ lower: value, estimate: value, upper: value }))(found)),
    milliseconds,
  }
  yield {
    _tag: 'Epsilon',
    method: 'limit',
    relation: 'replaceOne',
    bounds: E.left('The central limit of Poisson batches is one of adding or removing a record.'),
    milliseconds: 0,
  }
  if (query.neighbouring !== 'addOrRemoveOne') return
  yield {
    _tag: 'Points',
    method: 'limit',
    curve: 'steps',
    points: stepCounts(query).flatMap((at) => {
      const value = epsilonAfter(at)
      return E.isRight(value) ? [{ at, lower: value.right, upper: value.right }] : []
    }),
  }
  const limit = centralLimit(eventOf(query))
  if (E.isLeft(limit) || E.isLeft(found)) return
  yield {
    _tag: 'Points',
    method: 'limit',
    curve: 'delta',
    points: epsilons(found.right, 60).flatMap((at) => {
      const value = limit.right.delta(at)
      return E.isRight(value) ? [{ at, lower: value.right.approximate, upper: value.right.approximate }] : []
    }),
  }
}

/** What takes a few milliseconds. */
export const instantAnswers = function* (query: Query): Generator<Answer> {
  yield* ofRdp(query)
  yield* ofGdp(query)
  yield* ofLimit(query)
}

/** The exact accountant: milliseconds a number, where there are many steps. */
export const exactAnswers = function* (query: Query): Generator<Answer> {
  const by = (relation: Relation) => exact({ neighbouring: relation })
  for (const relation of inOrder(query)) yield epsilonBy('exact', by, query, relation)
  const accountant = by(query.neighbouring)
  const curve = accountant.interpret(eventOf(query))
  if (E.isLeft(curve)) return
  const { estimate } = accountant.epsilon(query.delta)(curve.right)
  const delta = deltaReading(accountant)(curve.right)
  const counts = outwards(query, stepCounts(query))
  const near = counts.filter((count) => count >= query.steps)
  yield* alongSteps('exact', accountant, query, near)
  if (estimate < Infinity)
    for (const epsilon of epsilons(estimate, 36))
      yield { _tag: 'Points', method: 'exact', curve: 'delta', points: [point(epsilon, delta(epsilon))] }
  yield* alongSteps(
    'exact',
    accountant,
    query,
    counts.filter((count) => count < query.steps),
  )
}

/** The accountants that put losses on a lattice: up to seconds. */
export const latticeAnswers = function* (query: Query): Generator<Answer> {
  const pldBy = (relation: Relation) => pld({ neighbouring: relation })
  const prvBy = (relation: Relation) => prv({ neighbouring: relation })
  for (const relation of inOrder(query)) {
    yield epsilonBy('pld', pldBy, query, relation)
    yield epsilonBy('prv', prvBy, query, relation)
  }
  for (const count of outwards(query, stepCounts(query, 2))) {
    yield* alongSteps('pld', pldBy(query.neighbouring), query, [count])
    yield* alongSteps('prv', prvBy(query.neighbouring), query, [count])
  }
}
