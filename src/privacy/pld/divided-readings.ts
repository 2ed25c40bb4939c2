/**
 * δ and ε of a composition that was divided by how many of its losses are large: bounds of all parts, added.
 */
import { type Parts, weightError } from './large-losses.js'
import { chernoffAt, latticeReadings, wantedStep } from './lattice-sums.js'

/** Bounds of δ at any ε ≥ 0, close to each other near the ε that was planned for. */
export interface DividedReadings {
  readonly upper: (epsilon: number) => number
  readonly lower: (epsilon: number) => number
  /** Has the part whose bounds are the widest apart all the points that it may have? Then no finer reading tells more. */
  readonly isFinest: (epsilon: number) => boolean
}

/**
 * The readings of parts, on lattices whose steps are `finer` than wanted.
 *
 * Guarantee  lower ≤ δ ≤ upper
 */
export const dividedReadings = (
  { parts, rest }: Parts,
  { finer, mostPoints }: { readonly finer: number; readonly mostPoints: number },
): DividedReadings => {
  const found = parts.map(({ components, weight, plan }) => ({
    weight,
    readings: latticeReadings(components, plan, { wanted: wantedStep(components, plan) / finer, mostPoints }),
  }))
  type Found = (typeof found)[number]
  const upper = ({ weight, readings }: Found, epsilon: number): number =>
    weight *
    (1 + weightError) *
    Math.min(1 + weightError, readings.upper.delta(epsilon - readings.lossError), chernoffAt(readings, epsilon))
  const lower = ({ weight, readings }: Found, epsilon: number): number =>
    weight * (1 - weightError) * readings.lower.delta(epsilon + readings.lossError)
  return {
    upper: (epsilon) => found.reduce((sum, part) => sum + upper(part, epsilon), rest),
    lower: (epsilon) => found.reduce((sum, part) => sum + lower(part, epsilon), 0),
    isFinest: (epsilon) =>
      found.reduce(
        (widest, part) => {
          const gap = upper(part, epsilon) - lower(part, epsilon)
          return gap > widest.gap ? { gap, length: part.readings.length } : widest
        },
        { gap: 0, length: mostPoints },
      ).length >= mostPoints,
  }
}

/** The first step of a search, in parts of its reach: ε may be much smaller than that. */
const FIRST_STEP = 2 ** -12

/** The ends of ε ≥ 0 at δ by readings, from near `epsilon` outwards by steps about `reach`; an upper end of ∞ where none is found. */
export const dividedEpsilon = (
  { upper, lower }: Pick<DividedReadings, 'upper' | 'lower'>,
  delta: number,
  { epsilon, reach }: { readonly epsilon: number; readonly reach: number },
): { readonly lower: number; readonly upper: number } => {
  const between = (inside: number, outside: number, isInside: (x: number) => boolean): number => {
    let [kept, other] = [inside, outside]
    for (let i = 0; i < 60 && Math.abs(other - kept) > 1e-13 * Math.abs(kept); i++) {
      const middle = 0.5 * (kept + other)
      if (isInside(middle)) kept = middle
      else other = middle
    }
    return kept
  }
  const within = (x: number): boolean => upper(x) <= delta
  const beyond = (x: number): boolean => lower(x) > delta
  const steps = Array.from({ length: 52 }, (_, i) => reach * FIRST_STEP * 2 ** i)
  /** By steps down to half of ε, by halves from there on. */
  const towardsZero = (step: number): number =>
    2 * step < epsilon ? epsilon - step : (0.25 * epsilon * epsilon) / step
  const high = within(epsilon) ? epsilon : steps.map((step) => epsilon + step).find(within)
  const low = beyond(epsilon) ? epsilon : steps.map(towardsZero).find(beyond)
  return {
    upper: high === undefined ? Infinity : within(0) ? 0 : between(high, low ?? 0, within),
    lower: low === undefined ? 0 : between(low, high ?? low + 2 * reach, beyond),
  }
}
