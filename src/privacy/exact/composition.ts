/**
 * What the exact engine composes: counts of steps of one direction, and one Gaussian for all unsampled releases.
 */

import { largestLoss, mirrored, type Pair } from './pair.js'
import { type Cumulants, cumulantsAt } from './real-moment.js'

/** A composition under one direction. `precision` is Σ μ² of the unsampled Gaussians. */
export interface Composition {
  readonly precision: number
  readonly steps: readonly { readonly pair: Pair; readonly count: number }[]
}

/** K(c) = Σ n log M(c) with its first two derivatives; for the Gaussians ½ μ² c(c + 1). */
export const cumulants = ({ precision, steps }: Composition): ((tilt: number) => Cumulants) => {
  const parts = steps.map(({ pair, count }) => ({ at: cumulantsAt(pair), count }))
  return (tilt) => {
    let value = 0.5 * precision * tilt * (tilt + 1)
    let mean = precision * (tilt + 0.5)
    let variance = precision
    for (const { at, count } of parts) {
      const one = at(tilt)
      value += count * one.value
      mean += count * one.mean
      variance += count * one.variance
    }
    return { value, mean, variance }
  }
}

/** The composition with P and Q exchanged. */
export const mirroredComposition = ({ precision, steps }: Composition): Composition => ({
  precision,
  steps: steps.map(({ pair, count }) => ({ pair: mirrored(pair), count })),
})

/** The largest loss that can occur: beyond, δ(ε) is 0. */
export const essentialSupremum = ({ precision, steps }: Composition): number =>
  precision > 0 ? Infinity : steps.reduce((sum, { pair, count }) => sum + count * largestLoss(pair), 0)
