/**
 * Bounds from laws on a lattice, for what a contour leaves wide: few steps of small q, whose integrand falls slowly, and a few large losses
 * among many small ones, where what cancels on the contour is far larger than δ.
 */
import type { Bounds } from '../accountant.js'
import type { Enclosed, Resolution } from '../pld/composed-bounds.js'
import { type CountedPair, deltaOfPairs, epsilonOfPairs } from '../pld/composed-pairs.js'
import { gaussianMixturePair, gaussianPair, replacedGaussianPair, replacedMixturePair } from '../pld/gaussian-pair.js'
import { type PrivacyLossPair, swapped } from '../pld/loss-pair.js'
import { poissonSampledPair } from '../pld/poisson-pair.js'
import type { Composition } from './composition.js'
import { componentsOf, type Pair } from './pair.js'
import { epsilonStepByStep, stepByStep } from './step-by-step.js'

/** How far apart bounds may be, relative to ε and relative to δ, before they are looked at again; and how close they are to be then. */
const WIDE = { epsilon: 3e-4, delta: 1e-2 }
const RESOLUTION: Resolution = { relative: 5e-5, absolute: 1e-7, mostPoints: 2 ** 18 }
/** Ten times the relative tolerance is that of δ. */
const RESOLUTION_OF_DELTA: Resolution = { ...RESOLUTION, relative: 5e-4 }

/** More distinct steps than this are not worth while. */
const MOST_DISTINCT = 3

/** Below this noise multiplier a threshold in units of the noise has lost the digits that masses need. */
const LEAST_NOISE = 1e-3

/** Below this sampling probability the quotients of losses overflow. */
const LEAST_CHANCE = 1e-290

/** The pair as a law of losses; undefined where its quotients overflow. */
const lossPair = (pair: Pair): PrivacyLossPair | undefined => {
  const { kind, noiseMultiplier: sigma } = pair
  if ('samplingProbability' in pair) {
    const q = pair.samplingProbability
    if (q < LEAST_CHANCE) return undefined
    return kind === 'replace'
      ? replacedGaussianPair({ mu: 1 / sigma, samplingProbability: q })
      : poissonSampledPair(kind, q)(gaussianPair(1 / sigma))
  }
  const { shifts, weights, rest } = componentsOf(pair)
  const parts = [
    { mu: 0, probability: rest },
    ...shifts.map((c, i) => ({ mu: c / sigma, probability: weights[i] as number })),
  ]
  if (kind === 'replace') return replacedMixturePair(parts)
  const mixture = gaussianMixturePair(parts)
  return kind === 'add' ? swapped(mixture) : mixture
}

const pairsOf = ({ precision, steps }: Composition): readonly CountedPair[] | undefined => {
  if (precision > LEAST_NOISE ** -2 || steps.some(({ pair }) => pair.noiseMultiplier < LEAST_NOISE)) return undefined
  const pairs = steps.flatMap(({ pair, count }) => {
    const found = lossPair(pair)
    return found === undefined ? [] : [{ pair: found, count }]
  })
  if (pairs.length < steps.length || pairs.length > MOST_DISTINCT) return undefined
  return precision > 0 ? [{ pair: gaussianPair(Math.sqrt(precision)), count: 1 }, ...pairs] : pairs
}

/** Bounds and how they were found. */
interface Found extends Enclosed {
  readonly method: NonNullable<Bounds['method']>
}

/** What two enclosures prove together. The estimate is that of the contour, where it has both bounds, else that of few steps, if any. */
const together = <F extends Found>(contour: F, lattice: Enclosed, fewSteps: () => number | undefined): F => {
  const lower = Math.max(contour.lower, lattice.lower)
  const upper = Math.max(lower, Math.min(contour.upper, lattice.upper))
  const known = contour.lower > 0 ? contour.estimate : (fewSteps() ?? lattice.estimate)
  const method = upper < contour.upper ? 'connected dots' : contour.method
  return { ...contour, lower, estimate: Math.min(upper, Math.max(lower, known)), upper, method }
}

/** A bound of the probability that any step sees the record at all: ε is 0 at a δ as large. */
const chanceOf = ({ precision, steps }: Composition): number =>
  precision > 0
    ? 1
    : steps.reduce((sum, { pair, count }) => {
        const { weights } = componentsOf(pair)
        return sum + count * weights.reduce((seen, weight) => seen + weight, 0)
      }, 0) *
      (1 + 1e-12)

/** ε of a contour at δ, with the bounds of a lattice where its own are wide. */
export const closerEpsilon =
  (composition: Composition, delta: number) =>
  <F extends Found>(found: F): F => {
    if (found.upper - found.lower <= Math.max(RESOLUTION.absolute, WIDE.epsilon * found.upper)) return found
    if (delta >= chanceOf(composition)) return { ...found, lower: 0, estimate: 0, upper: 0 }
    const pairs = pairsOf(composition)
    if (pairs === undefined) return found
    const lattice = epsilonOfPairs(pairs, RESOLUTION)(delta)
    return together(found, lattice, () => epsilonStepByStep(composition, Math.log(delta), lattice.estimate))
  }

/** δ of a contour at ε, with the bounds of a lattice where its own are wide. */
export const closerDelta =
  (composition: Composition, epsilon: number) =>
  <F extends Found>(found: F): F => {
    if (found.upper - found.lower <= WIDE.delta * found.upper) return found
    const pairs = pairsOf(composition)
    if (pairs === undefined) return found
    return together(found, deltaOfPairs(pairs, RESOLUTION_OF_DELTA)(epsilon), () => {
      const logDelta = stepByStep(composition, epsilon)?.(epsilon)
      return logDelta === undefined || Number.isNaN(logDelta) ? undefined : Math.exp(logDelta)
    })
  }
