/**
 * A composition, divided by how many of its losses are large.
 *
 * Where q is small and σ too, one step in a million may lose as much as all the others together. No tilt suits both: what makes the sum of
 * the many large enough gives all weight to the few. So each loss is small (at most `cut`) or large, and for every number k of
 * large ones the composition is one of n − k small and k large losses, each with a tilt and a lattice of its own:
 *
 *   δ(ε) = Σ_k C(n, k) (1 − m)^{n−k} m^k δ_k(ε) + (what is left out, at most C(n, K + 1) m^{K+1}),   m = P(L > cut)
 *
 * with P and Q of the small losses divided by 1 − m and those of the large ones by m, so that δ_k ≤ 1.
 */

import { pointsFor, wantedStep } from './lattice-sums.js'
import type { PrivacyLossPair } from './loss-pair.js'
import { type Aim, type Component, type Plan, planFor } from './plan.js'
import { restrictedPair } from './restricted-pair.js'
import { type LossSketch, sketchOf } from './sketch.js'

/** One number of large losses of each component, with the plan for it. */
export interface Part {
  readonly components: readonly Component[]
  readonly weight: number
  readonly plan: Plan
}

/** Parts, and the probability of what they leave out, at most. */
export interface Parts {
  readonly parts: readonly Part[]
  readonly rest: number
}

/** Where losses become large, as parts of ε. */
const CUTS = [0.5, 0.25, 0.12, 0.06] as const

/** The most losses of one component that may be large, the most parts, and the expected number of large losses from which on a cut is too low. */
const MOST_LARGE = 10
const MOST_PARTS = 40
const OFTEN = 2

/** What weights may err by, relative to themselves. */
export const weightError = 1e-10

interface Half {
  readonly pair: PrivacyLossPair
  readonly sketch: LossSketch
  readonly factor: number
}

/** A component whose losses may be large, and how probable each number of large ones is. */
interface Divided {
  readonly count: number
  readonly small: Half
  readonly large: Half
  readonly weights: readonly number[]
  readonly rest: number
}

const half = (pair: PrivacyLossPair, low: number, high: number, factor: number): Half => {
  const restricted = restrictedPair(pair, { low, high, factor })
  return { pair: restricted, sketch: sketchOf(restricted), factor }
}

/** C(n, k) f^{−(n−k)} g^{−k}, where P was multiplied by f and g. */
const weightsOf = (count: number, { small, large }: { readonly small: number; readonly large: number }): number[] => {
  let logChoices = 0
  return Array.from({ length: Math.min(count, MOST_LARGE) + 1 }, (_, k) => {
    if (k > 0) logChoices += Math.log((count - k + 1) / k)
    return Math.exp(logChoices - (count - k) * Math.log(small) - k * Math.log(large))
  })
}

/** A component divided at a cut, its number of large losses bounded so that more are met with at most `budget`; undefined where it cannot be. */
const divide = ({ pair, count }: Component, cut: number, budget: number): Divided | undefined => {
  const { density } = pair
  if (density === undefined) return undefined
  const { p: mass } = density.above(cut)
  if (!(mass * count < OFTEN && mass > 0)) return undefined
  const factors = { small: 1 / (1 - mass), large: 1 / mass }
  if (!(factors.large < Infinity)) return undefined
  const weights = weightsOf(count, factors)
  // The union bound of k large losses.
  const most = Array.from(weights.keys()).find((k) => {
    const beyond = k + 1 > count ? 0 : (weights[k + 1] ?? Infinity) * factors.small ** (count - k - 1)
    return beyond <= budget
  })
  if (most === undefined) return undefined
  const beyond = most + 1 > count ? 0 : (weights[most + 1] as number) * factors.small ** (count - most - 1)
  return {
    count,
    small: half(pair, -Infinity, cut, factors.small),
    large: half(pair, cut, Infinity, factors.large),
    weights: weights.slice(0, most + 1),
    rest: beyond * (1 + 1e-6),
  }
}

/** A composition with its components divided where they can be. */
interface Division {
  readonly whole: readonly Component[]
  readonly divided: readonly Divided[]
}

const counted = (half: Half, count: number): readonly Component[] =>
  count > 0 ? [{ pair: half.pair, sketch: half.sketch, count }] : []

/** Every choice of a number of large losses for each divided component, with its weight. */
const choices = (
  divided: readonly Divided[],
): readonly { readonly weight: number; readonly components: readonly Component[] }[] =>
  divided.reduce<readonly { readonly weight: number; readonly components: readonly Component[] }[]>(
    (found, { count, small, large, weights }) =>
      found.flatMap(({ weight, components }) =>
        weights.map((w, k) => ({
          weight: weight * w,
          components: [...components, ...counted(small, count - k), ...counted(large, k)],
        })),
      ),
    [{ weight: 1, components: [] }],
  )

/** The plan of a part: what may be neglected is judged by δ of the whole. */
const planOf = (components: readonly Component[], weight: number, { epsilon, logDelta, tolerance }: Aim): Plan =>
  planFor(components, { epsilon, logDelta: Math.min(-1e-3, logDelta - Math.log(weight)), tolerance })

/**
 * The parts that take the fewest lattice points; undefined where none takes fewer than `atMost`.
 *
 * Cost  some ten milliseconds a cut that is tried
 */
export const partsFor = (components: readonly Component[], aim: Aim, atMost: number): Parts | undefined => {
  if (components.some(({ pair }) => pair.infinity > 0 || pair.atoms.length > 0)) return undefined
  const budget = (1e-6 * Math.exp(aim.logDelta)) / components.length
  let best: { readonly points: number; readonly parts: Parts } | undefined
  for (const share of CUTS) {
    const { whole, divided } = divisionAt(components, share * aim.epsilon, budget)
    const found = choices(divided)
    if (divided.length === 0 || found.length > MOST_PARTS) break
    let points = 0
    const parts: Part[] = []
    for (const { weight, components: some } of found) {
      if (!(weight > 0)) continue
      const all = [...whole, ...some]
      const plan = planOf(all, weight, aim)
      points += pointsFor(plan, wantedStep(all, plan))
      if (!(points < Math.min(atMost, best?.points ?? Infinity))) break
      parts.push({ components: all, weight, plan })
    }
    if (points < Math.min(atMost, best?.points ?? Infinity))
      best = { points, parts: { parts, rest: divided.reduce((sum, { rest }) => sum + rest, 0) } }
    else if (best !== undefined) break
  }
  return best?.parts
}

const divisionAt = (components: readonly Component[], cut: number, budget: number): Division => {
  const whole: Component[] = []
  const divided: Divided[] = []
  for (const component of components) {
    const found = divide(component, cut, budget)
    if (found === undefined) whole.push(component)
    else divided.push(found)
  }
  return { whole, divided }
}
