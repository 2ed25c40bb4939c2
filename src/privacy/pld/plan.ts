/**
 * What a composition is to be resolved with: the tilt, the window, the step. Planned from sketches; what is proved is proved from the
 * laws that come of it, so a bad plan gives wide bounds, never wrong ones.
 */
import { minimise } from '../minimise.js'
import type { PrivacyLossPair } from './loss-pair.js'
import { leastLoss, mostLoss } from './loss-pair.js'
import { logLargestWeight } from './reading.js'
import { type Cumulant, cumulantOf, cutSketch, type LossSketch, sketchOf } from './sketch.js'
import type { Tilts } from './tilted-sum.js'

/** A pair, how often it is composed, and its sketch. */
export interface Component {
  readonly pair: PrivacyLossPair
  readonly count: number
  readonly sketch: LossSketch
}

/** Pairs with counts, as components. */
export const componentsOf = (
  pairs: readonly { readonly pair: PrivacyLossPair; readonly count: number }[],
): readonly Component[] => pairs.map(({ pair, count }) => ({ pair, count, sketch: sketchOf(pair) }))

/** How much of δ, relative to it, may be lost or gained where a tolerance in ε is to be met. */
const shareOf = (slope: number, tolerance: number): number => Math.min(1e-4, Math.max(1e-8, 0.01 * slope * tolerance))

/** Rounding errors of the transform of one term, in the l1 norm and with a reserve; they grow with the number of terms. */
const ROUNDING = 1e-13

/** Where δ is looked for, and how exactly: tolerance is how far ε may be off. */
export interface Aim {
  readonly epsilon: number
  readonly logDelta: number
  readonly tolerance: number
}

/** A tilt, and the interval in which the sum lies but for what does not count. */
export interface Plan extends Tilts, Aim {
  readonly low: number
  readonly high: number
  /** −d log δ/dε, about: the saddle point, which the tilt is but where tails are heavy. */
  readonly slope: number
  /** Losses that are met with this probability may be taken for infinite. */
  readonly negligible: number
  /** The tilted mass of what δ consists of. */
  readonly relevant: number
}

/** The cumulant of a sum. */
const cumulantOfSum = (components: readonly Component[]): ((theta: number) => Cumulant) => {
  const parts = components.map(({ sketch, count }) => ({ at: cumulantOf(sketch), count }))
  return (theta) => {
    let [value, mean, variance] = [0, 0, 0]
    for (const { at, count } of parts) {
      const one = at(theta)
      value += count * one.value
      mean += count * one.mean
      variance += count * one.variance
    }
    return { value, mean, variance }
  }
}

/** The steepest-descent approximation of δ at the ε of which c is the saddle point. */
const approximate = (
  { value, mean, variance }: Cumulant,
  c: number,
): { readonly epsilon: number; readonly logDelta: number } => {
  const epsilon = mean - 1 / c - 1 / (1 + c)
  const curvature = variance + 1 / (c * c) + 1 / ((1 + c) * (1 + c))
  return {
    epsilon,
    logDelta: value - c * epsilon - Math.log(c) - Math.log1p(c) - 0.5 * Math.log(2 * Math.PI * curvature),
  }
}

/** The tilt at which something falls short no more, by bisection in its logarithm. */
const saddle = (
  at: (theta: number) => Cumulant,
  fallsShort: (point: { readonly epsilon: number; readonly logDelta: number }) => boolean,
): number => {
  const spread = Math.max(Math.sqrt(at(0).variance), 1e-300)
  let [low, high] = [Math.log(1e-3 / (1 + spread)), Math.min(Math.log(1e4 / spread), Math.log(1e9))]
  for (let i = 0; i < 24; i++) {
    const middle = 0.5 * (low + high)
    const c = Math.exp(middle)
    if (fallsShort(approximate(at(c), c))) low = middle
    else high = middle
  }
  return Math.exp(0.5 * (low + high))
}

const cumulantWithout = (components: readonly Component[], negligible: number): ((theta: number) => Cumulant) =>
  cumulantOfSum(components.map((part) => ({ ...part, sketch: cutSketch(part.sketch, negligible / part.count) })))

/** About where δ is reached. */
export const guessEpsilon = (components: readonly Component[], logDelta: number): number => {
  const at = cumulantWithout(components, 1e-5 * Math.exp(logDelta))
  const c = saddle(at, (point) => point.logDelta > logDelta)
  const { epsilon } = approximate(at(c), c)
  return epsilon > 0 && epsilon < Infinity ? epsilon : 0
}

/** About what log δ is, and −d log δ/dε. What is so far out that it does not count depends on δ, and δ on it. */
export const guessLogDelta = (
  components: readonly Component[],
  epsilon: number,
): { readonly logDelta: number; readonly slope: number } => {
  let logDelta = -80
  let c = 1
  for (let round = 0; round < 3; round++) {
    const at = cumulantWithout(components, 1e-5 * Math.exp(logDelta))
    c = saddle(at, (point) => point.epsilon < epsilon)
    const found = approximate(at(c), c).logDelta
    logDelta = Number.isFinite(found) ? Math.min(0, found) : logDelta
  }
  return { logDelta, slope: c }
}

/** Losses of a component that may all be next to its end. */
const MOST_AT_END = 3

/** How far above the last atom of a cut sketch the losses that it stands for may reach. */
const lastGap = ({ sketch, count }: Component, negligible: number): number => {
  const kept = cutSketch(sketch, negligible / count).loss.length
  const gap = kept < sketch.loss.length ? (sketch.loss[kept] as number) - (sketch.loss[kept - 1] as number) : 0
  return Math.min(count, MOST_AT_END) * gap
}

/** Parts of the saddle point that a tilt may be. */
const PARTS = [1, 0.75, 0.5, 0.3, 0.15, 0] as const

/**
 * The plan for an aim.
 *
 * The saddle point of δ makes rounding errors smallest. Under it, though, heavy tails may fill a window many times wider than what δ
 * consists of; so of several tilts the one with the shortest window is taken, of those whose rounding errors are small enough.
 *
 * Cost  a dozen to a hundred evaluations of the cumulant
 */
export const planFor = (components: readonly Component[], { epsilon, logDelta, tolerance }: Aim): Plan => {
  const rough = cumulantWithout(components, 1e-5 * Math.exp(logDelta))
  const slope = saddle(rough, (point) => point.epsilon < epsilon)
  const share = shareOf(slope, tolerance)
  const negligible = share * Math.exp(logDelta)
  const at = cumulantWithout(components, negligible)
  const bound = (read: (pair: PrivacyLossPair) => number): number =>
    components.reduce((sum, { pair, count }) => sum + count * read(pair), 0)
  const [least, most] = [bound(leastLoss), bound(mostLoss)]
  const repetitions = bound(() => 1)
  const gap = components.reduce((sum, part) => sum + lastGap(part, negligible), 0)
  const withTilt = (theta: number): Plan => {
    const here = at(theta)
    const sd = Math.sqrt(here.variance) + 1e-12
    const logRelevant = Math.min(0, logDelta - (here.value - theta * epsilon + logLargestWeight(theta)))
    const log = Math.max(3, -logRelevant - Math.log(share))
    const reach = (side: 1 | -1, digits: number): { readonly s: number; readonly end: number } => {
      const end = (logS: number): number => {
        const s = Math.exp(logS)
        return (at(theta + side * s).value - here.value + digits) / s
      }
      const { x, value } = minimise({ low: Math.log(1e-3 / sd), high: Math.log(1e3 / sd), tolerance: 0.1 })(end)
      return { s: Math.exp(x), end: side * value }
    }
    const left = reach(-1, log)
    // What is above the window counts in full: next to ε that is more than any weight there.
    const inFull = (end: number): number => here.value - theta * end - logDelta - Math.log(share)
    const nearest = reach(1, log)
    const right = inFull(nearest.end) > log ? reach(1, inFull(Math.max(epsilon, nearest.end))) : nearest
    const low = Math.max(Math.min(left.end, epsilon - 1 / slope), least)
    const high = Math.min(Math.max(right.end + gap, epsilon + 1 / slope), most)
    return {
      epsilon,
      logDelta,
      tolerance,
      theta,
      slope,
      toTheRight: right.s,
      toTheLeft: left.s,
      low,
      high: Math.max(high, low),
      negligible,
      relevant: Math.exp(logRelevant),
    }
  }
  const first = withTilt(slope)
  let best = first
  for (const part of PARTS.slice(1)) {
    const plan = withTilt(part * slope)
    if (plan.relevant * share < ROUNDING * Math.min(1e5, repetitions)) break
    if (plan.high - plan.low > 0.8 * (best.high - best.low)) break
    best = plan
  }
  return best
}
