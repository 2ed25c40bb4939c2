/**
 * δ(ε) of one pair: δ = Σ over bins above ε of P(bin) − e^ε Q(bin). No lattice, no error but that of the masses.
 */
import { narrow } from '../root.js'
import { massError, type PrivacyLossPair } from './loss-pair.js'
import { farthest } from './sketch.js'

/** A δ and what it may err by. */
export interface SingleDelta {
  readonly value: number
  readonly error: number
}

const BINS = 80

/**
 * δ of a single pair at any real ε.
 *
 * Cost       80 bins, close where the difference is small
 * Guarantee  the error is `massError` of P(L > ε), as P and e^ε Q are subtracted bin by bin
 *
 * @example
 * singleDelta({ infinity: 0.5, nothing: 0, atoms: [{ loss: 0, p: 0.5 }] })(0).value // => 0.5
 */
export const singleDelta =
  ({ infinity, atoms, density }: PrivacyLossPair): ((epsilon: number) => SingleDelta) =>
  (epsilon) => {
    let [value, whole] = [infinity, infinity]
    for (const { loss, p } of atoms)
      if (loss > epsilon) {
        value -= p * Math.expm1(epsilon - loss)
        whole += p
      }
    if (density !== undefined && epsilon < density.most) {
      const low = Math.max(epsilon, density.least)
      const span = Math.max(0, Math.min(density.most, Math.max(farthest, 2 * low)) - low)
      // From 1e-12 of the span to all of it, in even steps of its logarithm.
      const edges = Float64Array.from({ length: BINS + 1 }, (_, i) =>
        i === 0 ? low : i === BINS ? density.most : low + span * 10 ** (-12 * (1 - i / (BINS - 1))),
      )
      const { p, q } = density.masses(edges)
      for (let i = 0; i < BINS; i++) {
        const mass = p[i] as number
        whole += mass
        value += Math.max(0, mass - Math.exp(epsilon - Math.max(0, edges[i] as number)) * (q[i] as number))
      }
    }
    return { value: Math.min(1, value), error: 4 * massError * whole }
  }

/**
 * ε of a single pair: where δ(ε), with or without its error, falls to δ. 0 where δ(0) is below it already; ∞ where δ never
 * is, δ = 0 included.
 */
export const singleEpsilon =
  (pair: PrivacyLossPair, side: 1 | 0 | -1) =>
  (delta: number): number => {
    const at = singleDelta(pair)
    const read = (epsilon: number): number => {
      const { value, error } = at(epsilon)
      return value + side * error
    }
    if (read(0) <= delta) return 0
    if (pair.infinity >= delta) return Infinity
    let below = 1
    while (read(below) > delta) {
      if (below > 1e300) return Infinity
      below *= 2
    }
    const bracket = narrow({ bracket: { above: below > 1 ? below / 2 : 0, below }, tolerance: 1e-14 })((epsilon) => {
      const value = read(epsilon)
      return value > 0 ? Math.log(value) - Math.log(delta) : -Infinity
    })
    return side === -1 ? bracket.above : side === 1 ? bracket.below : 0.5 * (bracket.above + bracket.below)
  }
