/**
 * δ and ε of a composition between two bounds: bins on a lattice, both laws of them, both sums, both readings; the lattice halved until
 * the bounds meet a tolerance.
 */
import { dividedEpsilon, dividedReadings } from './divided-readings.js'
import { type Parts, partsFor } from './large-losses.js'
import { chernoffAt, type LatticeReadings, latticeReadings, pointsFor, wantedStep } from './lattice-sums.js'
import { mostLoss } from './loss-pair.js'
import { type Aim, type Component, guessEpsilon, guessLogDelta, type Plan, planFor } from './plan.js'
import { logLargestWeight } from './reading.js'

/** How close the bounds are to be, and at what cost. */
export interface Resolution {
  /** Distance of the bounds of ε relative to ε. */
  readonly relative: number
  /** Distance of the bounds of ε that is good enough whatever ε is. */
  readonly absolute: number
  /** The most lattice points that a composition may be resolved by: a power of two. */
  readonly mostPoints: number
}

/** Bounds of ε within 1e-4 relative or 1e-6, as long as 2²⁰ points can tell. */
export const defaultResolution: Resolution = { relative: 1e-4, absolute: 1e-6, mostPoints: 2 ** 20 }

/** What is proved, and the number in between. */
export interface Enclosed {
  readonly lower: number
  readonly estimate: number
  readonly upper: number
}

/** What two enclosures prove together; the estimate of the second, if it is possible. */
const tighter = (a: Enclosed, b: Enclosed): Enclosed => {
  const lower = Math.max(a.lower, b.lower)
  const upper = Math.min(a.upper, b.upper)
  return { lower, estimate: Math.min(upper, Math.max(lower, b.estimate)), upper }
}

const widthOf = ({ lower, upper }: Enclosed): number => upper - lower

/** A finer reading whose bounds are no closer than this, relative to those before, is at the end of what its rounding errors let it tell. */
const CLOSER = 0.9

/** Answers from readings, finer ones until they meet the tolerance, gain nothing, or the points run out. */
const refine = (
  components: readonly Component[],
  plan: Plan,
  { mostPoints, rounds }: { readonly mostPoints: number; readonly rounds: number },
  answer: (readings: LatticeReadings) => Enclosed,
  met: (found: Enclosed) => boolean,
): Enclosed => {
  let best: Enclosed | undefined
  let wanted = wantedStep(components, plan)
  for (let round = 1; ; round++) {
    const readings = latticeReadings(components, plan, { wanted, mostPoints })
    const found = answer(readings)
    const before = best
    best = before === undefined ? found : tighter(before, found)
    const gained = before === undefined || !(widthOf(before) < Infinity) || widthOf(found) < CLOSER * widthOf(before)
    if (met(best) || !gained || round >= rounds || 2 * readings.length > mostPoints) return best
    wanted = Math.min(wanted, readings.step) / 2
  }
}

/** Rounds of halving the step; points of the first look. */
const ROUNDS = 4
const FIRST_POINTS = 2 ** 15

/** A δ below e to this is next to the smallest doubles. */
const LEAST_LOG_DELTA = -690

/** Lattices of at most so many points need no division; how often a division is planned anew, and how much finer than wanted its lattices are, a first look included. */
const FEW_POINTS = 2 ** 16
const LOOKS = 3
const FINER = [0.1, 1, 2.5] as const

/** Parts that take half the points of the whole or less, if it takes many. */
const fewerParts = (components: readonly Component[], plan: Plan): Parts | undefined => {
  const points = pointsFor(plan, wantedStep(components, plan))
  return points > FEW_POINTS ? partsFor(components, plan, 0.5 * points) : undefined
}

/** A third of the way from the upper bound to the lower one: where second-order errors of 1 and −2 cancel. */
const between = (lower: number, upper: number): number => (upper < Infinity ? upper - (upper - lower) / 3 : lower)

const sumOver = <C extends { readonly count: number }>(
  components: readonly C[],
  read: (component: C) => number,
): number => components.reduce((sum, component) => sum + component.count * read(component), 0)

/** P of an infinite loss of a composition. */
export const infinityOf = (components: readonly Pick<Component, 'pair' | 'count'>[]): number =>
  0 - Math.expm1(sumOver(components, ({ pair }) => Math.log1p(-Math.min(1, pair.infinity))))

/** The largest finite loss of a composition. */
export const mostLossOf = (components: readonly Pick<Component, 'pair' | 'count'>[]): number =>
  sumOver(components, ({ pair }) => mostLoss(pair))

/**
 * ε at δ ∈ (0, 1), at least 0.
 *
 * Guarantee  lower ≤ truth ≤ upper. Where no window resolves δ, upper is Chernoff's bound
 */
export const epsilonBounds = (
  components: readonly Component[],
  delta: number,
  { relative, absolute, mostPoints }: Resolution,
): Enclosed => {
  const infinity = infinityOf(components)
  if (infinity >= delta) return { lower: Infinity, estimate: Infinity, upper: Infinity }
  const most = mostLossOf(components)
  const logDelta = Math.log(delta - infinity)
  const toleranceAt = (epsilon: number): number => Math.max(absolute, relative * epsilon)
  const answer = ({ upper, lower, sum, lossError }: LatticeReadings): Enclosed => {
    const { theta, logScale } = sum
    const finite = delta - sum.infinity
    const chernoff = finite > 0 ? (logScale + logLargestWeight(theta) - Math.log(finite)) / theta : Infinity
    const high = Math.max(0, Math.min(upper.epsilon(delta) ?? Infinity, chernoff) + lossError)
    const low = Math.max(0, Math.min((lower.epsilon(delta) ?? 0) - lossError, high))
    const capped = Math.min(high, Math.max(0, most))
    return { lower: Math.min(low, capped), estimate: between(Math.min(low, capped), capped), upper: capped }
  }
  const met = ({ lower, upper }: Enclosed): boolean => upper - lower <= toleranceAt(upper)
  // A first look, with few points, finds where ε is; it costs little, and a plan for another ε may cost much.
  const inside = (x: number): number => Math.max(0, Math.min(x, most - absolute))
  let epsilon = inside(guessEpsilon(components, logDelta))
  let found: Enclosed = { lower: 0, estimate: epsilon, upper: Infinity }
  for (let look = 0; look < 4; look++) {
    const plan = planFor(components, { epsilon, logDelta, tolerance: 100 * toleranceAt(epsilon) })
    found = refine(components, plan, { mostPoints: Math.min(FIRST_POINTS, mostPoints), rounds: 1 }, answer, met)
    if (epsilon >= found.lower && epsilon <= found.upper) break
    epsilon = inside(found.upper < Infinity ? found.estimate : 2 * epsilon)
  }
  const aimed = (): Aim => ({ epsilon, logDelta, tolerance: toleranceAt(epsilon) })
  /** Reads parts until the tolerance is met, nothing is gained, or ε turns out to be elsewhere: then true. */
  const readDivided = (parts: Parts, slope: number): boolean => {
    let moved = false
    for (const finer of FINER) {
      const readings = dividedReadings(parts, { finer, mostPoints })
      const { lower, upper } = dividedEpsilon(readings, delta, { epsilon, reach: 1 / slope })
      found = tighter(found, { lower, estimate: between(lower, upper), upper })
      moved = Math.abs(found.estimate - epsilon) * slope > 0.5
      if (met(found) || moved || readings.isFinest(found.estimate)) break
    }
    epsilon = inside(found.estimate)
    return moved && !met(found)
  }
  let parts: Parts | undefined
  for (let look = 0; look < LOOKS; look++) {
    const plan = planFor(components, aimed())
    parts = fewerParts(components, plan)
    if (parts === undefined || !readDivided(parts, plan.slope)) break
  }
  for (let look = 0; look < 2 && !met(found); look++) {
    const plan = planFor(components, aimed())
    found = tighter(found, refine(components, plan, { mostPoints, rounds: ROUNDS }, answer, met))
    if (Math.abs(found.estimate - epsilon) * plan.slope < 0.5) break
    epsilon = inside(found.estimate)
  }
  // Where rounding errors of the whole are too large, those of parts may not be, however many points these take.
  if (parts === undefined && !met(found)) {
    const plan = planFor(components, aimed())
    parts = partsFor(components, plan, Infinity)
    if (parts !== undefined) readDivided(parts, plan.slope)
  }
  return found
}

/**
 * δ at ε ≥ 0.
 *
 * Guarantee  lower ≤ truth ≤ upper
 */
export const deltaBounds = (components: readonly Component[], epsilon: number, resolution: Resolution): Enclosed => {
  const { relative, mostPoints } = resolution
  const infinity = infinityOf(components)
  if (epsilon >= mostLossOf(components)) return { lower: infinity, estimate: infinity, upper: infinity }
  const answer = (readings: LatticeReadings): Enclosed => {
    const { upper, lower, lossError } = readings
    const high = Math.min(1, upper.delta(epsilon - lossError), chernoffAt(readings, epsilon))
    const low = Math.min(lower.delta(epsilon + lossError), high)
    return { lower: low, estimate: between(low, high), upper: high }
  }
  const met = ({ lower, upper }: Enclosed): boolean => upper - lower <= 10 * relative * upper
  const guess = guessLogDelta(components, epsilon)
  if (guess.logDelta < LEAST_LOG_DELTA) {
    // A δ that no double holds is below that at a smaller ε, which one does.
    const nearer = guessEpsilon(components, 0.9 * LEAST_LOG_DELTA)
    if (nearer < epsilon)
      return { lower: infinity, estimate: infinity, upper: deltaBounds(components, nearer, resolution).upper }
  }
  const { slope } = guess
  let logDelta = Math.max(LEAST_LOG_DELTA, guess.logDelta)
  const aim = (part: number): Aim => ({ epsilon, logDelta, tolerance: part })
  for (let look = 0; look < 4; look++) {
    const plan = planFor(components, aim((1000 * relative) / (1 + slope)))
    const found = refine(components, plan, { mostPoints: Math.min(FIRST_POINTS, mostPoints), rounds: 1 }, answer, met)
    if (logDelta >= Math.log(found.lower) && logDelta <= Math.log(found.upper)) break
    logDelta = Math.max(LEAST_LOG_DELTA, Math.log(found.estimate))
  }
  let best: Enclosed = { lower: 0, estimate: 0, upper: 1 }
  /** Reads parts until the tolerance is met, nothing is gained, or δ turns out to be elsewhere: then true. */
  const readDivided = (parts: Parts): boolean => {
    let moved = false
    for (const finer of FINER) {
      const readings = dividedReadings(parts, { finer, mostPoints })
      const upper = Math.min(1, readings.upper(epsilon))
      const lower = Math.min(upper, readings.lower(epsilon))
      best = tighter(best, { lower, estimate: between(lower, upper), upper })
      moved = Math.abs(Math.log(best.estimate) - logDelta) > 1
      if (met(best) || moved || readings.isFinest(epsilon)) break
    }
    logDelta = Math.max(LEAST_LOG_DELTA, Math.log(best.estimate))
    return moved && !met(best)
  }
  for (let look = 0; look < LOOKS; look++) {
    const plan = planFor(components, aim((10 * relative) / (1 + slope)))
    let parts = fewerParts(components, plan)
    if (parts === undefined) {
      best = tighter(best, refine(components, plan, { mostPoints, rounds: look === 0 ? ROUNDS : 1 }, answer, met))
      // Where rounding errors of the whole are too large, those of parts may not be, however many points these take.
      parts = met(best) ? undefined : partsFor(components, plan, Infinity)
    }
    if (parts === undefined || !readDivided(parts)) break
  }
  return best
}
