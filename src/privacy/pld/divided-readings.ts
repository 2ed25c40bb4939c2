/**
 * δ and ε of a composition that was divided by how many of its losses are large: bounds of all parts, added.
 */
import { type Parts, weightError } from './large-losses.js'
import { chernoffAt, latticeReadings, wantedStep } from './lattice-sums.js'

/** Bounds of δ at any ε ≥ 0, close to each other near the ε that was planned for. */
export interface DividedReadings {
  readonly upper: (epsilon: number) => number
  readonly lower: (epsilon: number) => number
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
  return {
    upper: (epsilon) =>
      found.reduce((sum, { weight, readings }) => {
        const delta = Math.min(
          1 + weightError,
          readings.upper.delta(epsilon - readings.lossError),
          chernoffAt(readings, epsilon),
        )
        return sum + weight * (1 + weightError) * delta
      }, rest),
    lower: (epsilon) =>
      found.reduce(
        (sum, { weight, readings }) =>
          sum + weight * (1 - weightError) * readings.lower.delta(epsilon + readings.lossError),
        0,
      ),
  }
}

/** The ends of ε ≥ 0 at δ by readings, from near `epsilon` outwards by steps of `reach`; an upper end of ∞ where none is found. */
export const dividedEpsilon = (
  { upper, lower }: DividedReadings,
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
  const steps = Array.from({ length: 40 }, (_, i) => reach * 2 ** i)
  const high = within(epsilon) ? epsilon : steps.map((step) => epsilon + step).find(within)
  const low = beyond(epsilon) ? epsilon : steps.map((step) => epsilon - step).find((x) => x > 0 && beyond(x))
  return {
    upper: high === undefined ? Infinity : within(0) ? 0 : between(high, low ?? 0, within),
    lower: low === undefined ? 0 : between(low, high ?? low + 2 * reach, beyond),
  }
}
