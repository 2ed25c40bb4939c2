/**
 * What is known of a query so far. A number of an earlier query stays until a newer one takes its place, and is marked as old.
 */
import * as E from 'fp-ts/lib/Either.js'
import { tradeOffOfApproximateDp } from '../../../src/privacy/index.js'
import type { Answer, CurvePoint, Method } from './answers.js'
import type { Query, Relation } from './query.js'

export interface Known<A> {
  /** Number of the query that it answers. */
  readonly query: number
  readonly value: A
}

export type EpsilonAnswer = Extract<Answer, { readonly _tag: 'Epsilon' }>

export interface Results {
  /** Number of the latest query. */
  readonly latest: number
  readonly query: Query
  readonly epsilons: Readonly<Record<string, Known<EpsilonAnswer>>>
  readonly curves: Readonly<Record<string, Known<readonly CurvePoint[]>>>
}

export const noResults = (query: Query): Results => ({ latest: 0, query, epsilons: {}, curves: {} })

const epsilonKey = (method: Method, relation: Relation): string => `${method} ${relation}`
const curveKey = (method: Method, curve: 'steps' | 'delta'): string => `${method} ${curve}`

/** The results once something new is asked. */
export const asked =
  (query: Query) =>
  (results: Results): Results => ({
    ...results,
    query,
    latest: results.latest + 1,
    // A curve of the other relation would be taken for one of this.
    curves: query.neighbouring === results.query.neighbouring ? results.curves : {},
  })

/** The results once an answer has come; answers to earlier queries are dropped. */
export const answered =
  (query: number, answer: Answer) =>
  (results: Results): Results => {
    if (query !== results.latest) return results
    if (answer._tag === 'Epsilon') {
      const key = epsilonKey(answer.method, answer.relation)
      return { ...results, epsilons: { ...results.epsilons, [key]: { query, value: answer } } }
    }
    const key = curveKey(answer.method, answer.curve)
    const known = results.curves[key]
    const before = known?.query === query ? known.value : []
    const value = [...before, ...answer.points].toSorted((a, b) => a.at - b.at)
    return { ...results, curves: { ...results.curves, [key]: { query, value } } }
  }

export const epsilonOfMethod = (
  { epsilons }: Results,
  method: Method,
  relation: Relation,
): Known<EpsilonAnswer> | undefined => epsilons[epsilonKey(method, relation)]

export const curveOfMethod = ({ curves }: Results, method: Method, curve: 'steps' | 'delta'): readonly CurvePoint[] =>
  curves[curveKey(method, curve)]?.value ?? []

/** Is it an answer to the latest query? */
export const isFresh = ({ latest }: Results, known: Known<unknown> | undefined): boolean => known?.query === latest

/** Those whose upper end is proved, the closest first. */
const proved: readonly Method[] = ['gdp', 'exact', 'pld', 'prv', 'rdp']

/** The claim: the smallest proved upper end that is known for the latest query. */
export interface Claim {
  readonly method: Method
  readonly lower: number
  readonly upper: number
}

export const claimOf = (results: Results, relation: Relation): Claim | undefined => {
  const claims = proved.flatMap((method): readonly Claim[] => {
    const known = epsilonOfMethod(results, method, relation)
    if (known === undefined || !isFresh(results, known) || E.isLeft(known.value.bounds)) return []
    const { lower, upper } = known.value.bounds.right
    return [{ method, lower, upper }]
  })
  const [first, ...others] = claims
  return first === undefined
    ? undefined
    : others.reduce((least, next) => (next.upper < least.upper ? next : least), first)
}

/** False positive rates of the trade-off curve, dense towards both ends. */
const RATES: readonly number[] = Array.from({ length: 81 }, (_, k) => 0.5 * (1 - Math.cos((Math.PI * k) / 80)))

/**
 * The least false negative rate at each false positive rate, from points of δ(ε): each gives a bound, and the best of them is one.
 */
export const tradeOffFrom = (points: readonly CurvePoint[]): readonly CurvePoint[] => {
  const bounds = points.map(({ at, upper }) => tradeOffOfApproximateDp({ epsilon: at, delta: Math.min(1, upper) }))
  return RATES.map((at) => {
    const rate = bounds.reduce((most, bound) => Math.max(most, bound(at)), 0)
    return { at, lower: rate, upper: rate }
  })
}
