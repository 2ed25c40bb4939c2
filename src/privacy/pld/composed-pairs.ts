/**
 * Compositions of any pairs: what the accountant reads, and what nobody has made an event of yet.
 */
import {
  defaultResolution,
  deltaBounds,
  type Enclosed,
  epsilonBounds,
  infinityOf,
  mostLossOf,
  type Resolution,
} from './composed-bounds.js'
import type { PrivacyLossPair } from './loss-pair.js'
import { componentsOf } from './plan.js'
import { singleDelta, singleEpsilon } from './single.js'

/** A pair, and how often it is composed. */
export interface CountedPair {
  readonly pair: PrivacyLossPair
  readonly count: number
}

const exactly = (value: number): Enclosed => ({ lower: value, estimate: value, upper: value })

/** A sum of losses has rounding errors of its own. */
const widened = (value: number): Enclosed => ({
  lower: value * (1 - 1e-13),
  estimate: value,
  upper: value * (1 + 1e-13),
})

const onlyPair = (pairs: readonly CountedPair[]): PrivacyLossPair | undefined =>
  pairs.length === 1 && pairs[0]?.count === 1 ? pairs[0].pair : undefined

/**
 * ε ≥ 0 at δ ∈ [0, 1] of a composition of pairs, in their direction.
 *
 * Guarantee  lower ≤ truth ≤ upper
 * Cost       as `pld`; a single pair needs no transform
 *
 * @example
 * epsilonOfPairs([{ pair: pairOfMasses([{ p: 0.75, q: 0.25 }, { p: 0.25, q: 0.75 }]), count: 1 }])(0.6).upper // => 0
 */
export const epsilonOfPairs =
  (pairs: readonly CountedPair[], resolution: Resolution = defaultResolution) =>
  (delta: number): Enclosed => {
    const infinity = infinityOf(pairs)
    if (delta >= 1) return exactly(0)
    if (infinity > 0 && infinity >= delta) return exactly(Infinity)
    if (delta === 0) return widened(Math.max(0, mostLossOf(pairs)))
    const pair = onlyPair(pairs)
    if (pair === undefined) return epsilonBounds(componentsOf(pairs), delta, resolution)
    const read = (side: 1 | 0 | -1): number => singleEpsilon(pair, side)(delta)
    const [lower, estimate, upper] = [read(-1), read(0), read(1)]
    return { lower: Math.min(lower, estimate), estimate, upper: Math.max(estimate, upper) }
  }

/**
 * δ at ε ≥ 0 of a composition of pairs, in their direction.
 *
 * Guarantee  lower ≤ truth ≤ upper
 *
 * @example
 * deltaOfPairs([{ pair: pairOfMasses([{ p: 0.75, q: 0.25 }, { p: 0.25, q: 0.75 }]), count: 1 }])(0).estimate // => 0.5
 */
export const deltaOfPairs =
  (pairs: readonly CountedPair[], resolution: Resolution = defaultResolution) =>
  (epsilon: number): Enclosed => {
    if (epsilon === Infinity) return exactly(infinityOf(pairs))
    const pair = onlyPair(pairs)
    if (pair === undefined) return deltaBounds(componentsOf(pairs), epsilon, resolution)
    const { value, error } = singleDelta(pair)(epsilon)
    return { lower: Math.max(0, value - error), estimate: value, upper: Math.min(1, value + error) }
  }
