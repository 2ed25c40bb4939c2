/**
 * δ and ε of a tilted law of the summed loss.
 *
 *   δ(ε) = P(S = ∞) + e^(K − θε) Σ_{t > ε} w(t) e^(−θ(t−ε)) (1 − e^(−(t−ε))),   K = log E[e^(θS); S < ∞]
 *
 * An error E of w in the l1 norm moves δ by at most e^(K − θε) g(θ) E, g(θ) = θ^θ/(1+θ)^(1+θ), as no weight is larger. Mass that came
 * back from outside of the window only adds to an upper bound, which lacks P(S above the window); a lower bound has to do without it.
 */
import type { TiltedSum } from './tilted-sum.js'

/** log g(θ): the largest weight that a unit of tilted mass can have. */
export const logLargestWeight = (theta: number): number =>
  theta === 0 ? 0 : theta * -Math.log1p(1 / theta) - Math.log1p(theta)

/** Lattice points that a search passes at once. */
const STRIDE = 64

/** A δ as a function of ε, and back. */
export interface Reading {
  readonly delta: (epsilon: number) => number
  /**
   * The ε in the window above which δ(ε) ≤ δ; undefined where δ(ε) > δ still at its upper end. Where δ(ε) ≤ δ in all of it: its lower end, or
   * undefined for a lower bound.
   */
  readonly epsilon: (delta: number) => number | undefined
}

/**
 * Reads a law, with its error added (side 1: an upper bound) or taken off (side −1: a lower bound), or as it is (side 0).
 *
 * Cost  one pass over the window, then a constant per δ, and a second pass of δ's per ε
 */
export const readingOf = (
  { first, step, theta, logScale, mass, error, folded, relative, infinity, beyond }: TiltedSum,
  side: 1 | 0 | -1,
): Reading => {
  const { length } = mass
  // Σ_{j > i} w e^(−θ(t_j − t_i)) (1 − e^(−(t_j − t_i))) and Σ_{j ≥ i} w e^(−(θ+1)(t_j − t_i)), by recurrences of positive terms.
  const sums = new Float64Array(length)
  const scaled = new Float64Array(length)
  const decay = Math.exp(-theta * step)
  const drop = -Math.expm1(-step)
  const fall = decay * Math.exp(-step)
  scaled[length - 1] = mass[length - 1] as number
  for (let i = length - 2; i >= 0; i--) {
    const above = scaled[i + 1] as number
    sums[i] = decay * ((sums[i + 1] as number) + drop * above)
    scaled[i] = (mass[i] as number) + fall * above
  }
  const slack = side * Math.exp(logLargestWeight(theta)) * (side === 1 ? error : error + folded)
  const lost = infinity + (side === 1 ? beyond : 0)
  // Sums of N positive terms.
  const rounding = (1 + side * (length + 64) * 2 ** -53) * (side === 1 ? 1 + relative : 1 / (1 + relative))
  const scaleAt = (loss: number): number => logScale - theta * loss
  /** e^(K − θt) x, where either factor may be no number. */
  const scaledTo = (loss: number, x: number): number => (x === 0 ? 0 : Math.exp(scaleAt(loss) + Math.log(x)))
  const total = (value: number, loss: number): number => {
    const error = Math.sign(slack) * scaledTo(loss, Math.abs(slack))
    return Math.min(1, Math.max(0, lost + Math.max(0, value * rounding + error)))
  }
  const delta = (epsilon: number): number => {
    const place = (epsilon - first) / step
    // Below the window nothing is known but that δ is smaller than 1; above it, only the error remains.
    if (place < 0) return side === 1 ? 1 : delta(first)
    if (place >= length - 1) return total(0, epsilon)
    // From the lattice point above: between two of them δ is linear in e^ε.
    const i = Math.floor(place) + 1
    const loss = first + i * step
    const sum = (sums[i] as number) - Math.expm1(epsilon - loss) * (scaled[i] as number)
    return total(scaledTo(loss, Math.max(0, sum)), epsilon)
  }
  const epsilon = (target: number): number | undefined => {
    // From the top: a lower bound says nothing where its error outgrows it, far below the root.
    const exceeds = (i: number): boolean => delta(first + i * step) > target
    let high = length - 1
    if (!(target > lost) || exceeds(high)) return undefined
    while (high >= STRIDE && !exceeds(high - STRIDE)) high -= STRIDE
    while (high > 0 && !exceeds(high - 1)) high--
    // Of what is below the window a lower bound says nothing.
    if (high === 0) return side === -1 ? undefined : first
    let [above, below] = [first + (high - 1) * step, first + high * step]
    for (let i = 0; i < 60 && below - above > 1e-16 * Math.abs(below); i++) {
      const middle = 0.5 * (above + below)
      if (delta(middle) > target) above = middle
      else below = middle
    }
    return side === -1 ? above : below
  }
  return { delta, epsilon }
}
