/**
 * The sum of rounded losses, and how far it is from the sum of the losses.
 *
 * Each rounding error lies in an interval of length h, and their means are known to `meanError`. So with n of them independent, by
 * Hoeffding's inequality the sum S̃ of the rounded losses and S of the losses keep
 *
 *   P[S > S̃ + x] ≤ η,   P[S < S̃ − x] ≤ η,   x = h √(n log(1/η)/2) + Σ meanError
 *
 * and  δ̃(ε + x) − η ≤ δ(ε) ≤ δ̃(ε − x) + η + P[a loss outside of the cells].
 *
 * Reference  Gopi, Lee & Wutschitz 2021, arXiv:2106.02848, Lemma 5.2, Thm 5.5
 */

import { leastLoss, mostLoss } from '../pld/loss-pair.js'
import type { Component, Plan } from '../pld/plan.js'
import { type Reading, readingOf } from '../pld/reading.js'
import { cutSketch, farthest } from '../pld/sketch.js'
import { type Term, tiltedSum } from '../pld/tilted-sum.js'
import { matchedCells } from './matched-cells.js'

/** δ̃ read from above, from the middle and from below, with the errors x and η. */
export interface RoundedSum {
  readonly upper: Reading
  readonly middle: Reading
  readonly lower: Reading
  readonly epsilonError: number
  readonly deltaError: number
}

/** What the rounding may cost: x and η; the mesh follows from them. */
export interface RoundingErrors {
  readonly epsilonError: number
  readonly deltaError: number
}

/** The mesh of given errors: half of x is left to what the means are off by. */
const meshOf = (repetitions: number, { epsilonError, deltaError }: RoundingErrors): number => {
  const log = Math.log(4 / deltaError)
  const step = (0.9 * epsilonError) / Math.sqrt(0.5 * repetitions * log)
  // n h²/12 must fit into the rest.
  return Math.min(step, Math.sqrt((1.2 * epsilonError) / repetitions))
}

/** Where the losses of a component lie but for a mass of `negligible` on either side. */
const rangeOf = ({ pair, sketch }: Component, negligible: number): { readonly low: number; readonly high: number } => {
  const kept = cutSketch(sketch, negligible).loss.length
  const { loss, mass } = sketch
  let [first, below] = [0, 0]
  while (first + 1 < loss.length && below + (mass[first] as number) < negligible) below += mass[first++] as number
  return {
    low: first === 0 ? Math.max(leastLoss(pair), -farthest) : (loss[first - 1] as number),
    high: kept === loss.length ? Math.min(mostLoss(pair), farthest) : (loss[kept] as number),
  }
}

const silent: Reading = { epsilon: () => undefined, delta: () => Number.NaN }

/** Of losses that have left float64 nothing is read. */
const unresolved: RoundedSum = { upper: silent, middle: silent, lower: silent, epsilonError: 0, deltaError: 0 }

/**
 * The sum of rounded losses of a composition.
 *
 * Where the mesh of the wanted errors needs more than `mostPoints`, it is wider and so are the errors that come back.
 */
export const roundedSum = (
  components: readonly Component[],
  plan: Plan,
  wanted: RoundingErrors,
  mostPoints: number,
): RoundedSum => {
  const repetitions = components.reduce((sum, { count }) => sum + count, 0)
  const ranges = components.map((component) => rangeOf(component, wanted.deltaError / (16 * repetitions)))
  const margin = 4 * (1 + Math.sqrt(repetitions))
  const widest = ranges.reduce((most, { low, high }) => Math.max(most, high - low), plan.high - plan.low)
  const mesh = Math.max(
    meshOf(repetitions, wanted),
    widest / Math.max(mostPoints / 2, mostPoints - 2 * margin),
    ranges.reduce((sum, { low, high }) => sum + high - low, 0) / (2 * mostPoints),
  )
  if (!Number.isFinite(mesh) || ranges.some(({ low, high }) => !Number.isFinite(high - low))) return unresolved
  const length = Math.min(mostPoints, 2 ** Math.ceil(Math.log2(Math.max(64, widest / mesh + 2 * margin))))
  let [meanError, left, offset] = [0, 0, 0]
  const terms = components.map(({ pair, count }, i): Term => {
    const { low, high } = ranges[i] as { low: number; high: number }
    const cells = matchedCells(pair, { step: mesh, low: low - 0.25 * mesh, high })
    meanError += count * cells.meanError
    left += count * cells.below
    offset += count * cells.law.offset
    return { upper: cells.law, lower: cells.law, count }
  })
  const spare = Math.max(0, length - (plan.high - plan.low) / mesh)
  const first = Math.floor((plan.low - offset) / mesh - 0.5 * spare)
  const steepest = 12 / (mesh * Math.sqrt(repetitions))
  const tilts = {
    theta: plan.theta,
    toTheRight: Math.min(plan.toTheRight, steepest),
    toTheLeft: Math.min(plan.toTheLeft, steepest),
  }
  const { upper, lower } = tiltedSum(terms, tilts, { first, length })
  const failure = wanted.deltaError / 4
  return {
    upper: readingOf(upper, 1),
    middle: readingOf(upper, 0),
    lower: readingOf(lower, -1),
    epsilonError: mesh * Math.sqrt(0.5 * repetitions * -Math.log(failure)) + meanError,
    deltaError: failure + left,
  }
}
