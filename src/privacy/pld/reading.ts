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

/** A δ as a function of ε, and back. */
export interface Reading {
  readonly delta: (epsilon: number) => number
  /** The ε in the window above which δ(ε) ≤ δ: its lower end if that is all of it; undefined where δ(ε) > δ still at its upper end. */
  readonly epsilon: (delta: number) => number | undefined
}

/**
 * Reads a law, with its error added (side 1: an upper bound) or taken off (side −1: a lower bound), or as it is (side 0).
 *
 * Cost  one pass over the window, then a constant per δ and another pass per ε
 */
export const readingOf = (
  { first, step, theta, logScale, mass, error, folded, relative, infinity, beyond }: TiltedSum,
  side: 1 | 0 | -1,
): Reading => {
  const { length } = mass
  // Σ_{j > i} w e^(−θ(t_j − t_i)) (1 − e^(−(t_j − t_i))) by a recurrence of positive terms: see `lattice-law.ts` for κ.
  const sums = new Float64Array(length)
  const decay = Math.exp(-theta * step)
  const drop = -Math.expm1(-step)
  let scaled = 0
  for (let i = length - 2; i >= 0; i--) {
    const above = scaled + (mass[i + 1] as number)
    sums[i] = decay * ((sums[i + 1] as number) + drop * above)
    scaled = decay * Math.exp(-step) * above
  }
  const slack = side * Math.exp(logLargestWeight(theta)) * (side === 1 ? error : error + folded)
  const lost = infinity + (side === 1 ? beyond : 0)
  // Sums of N positive terms.
  const rounding = (1 + side * (length + 64) * 2 ** -53) * (side === 1 ? 1 + relative : 1 / (1 + relative))
  const finite = (i: number): number => Math.max(0, (sums[i] as number) * rounding + slack)
  const logAt = (i: number): number => logScale - theta * (first + i * step) + Math.log(finite(i))
  const at = (i: number): number => Math.exp(Math.min(0, logAt(i)))
  const total = (value: number): number => Math.min(1, Math.max(0, lost + value))
  const delta = (epsilon: number): number => {
    const place = (epsilon - first) / step
    // Below the window nothing is known but that δ is smaller than 1; above it, only the error remains.
    if (place < 0) return side === 1 ? 1 : total(at(0))
    if (place >= length - 1) return total(side === 1 ? Math.exp(logScale - theta * epsilon) * Math.max(0, slack) : 0)
    const i = Math.floor(place)
    // Between lattice points δ is linear in e^ε.
    const part = Math.expm1((place - i) * step) / Math.expm1(step)
    return total((1 - part) * at(i) + part * at(i + 1))
  }
  const epsilon = (target: number): number | undefined => {
    const wanted = target - lost
    if (!(wanted > 0)) return undefined
    const logWanted = Math.log(wanted)
    const exceeds = (i: number): boolean => logAt(i) > logWanted
    // From the top: a lower bound says nothing where its error outgrows it, far below the root.
    let high = length - 1
    if (exceeds(high)) return undefined
    while (high > 0 && !exceeds(high - 1)) high--
    if (high === 0) return first
    // δ relative to its value at the lower of the two points; linear in e^ε between them.
    const above = logAt(high - 1)
    const [wish, right] = [Math.exp(logWanted - above), Math.exp(logAt(high) - above)]
    const part = Math.min(1, Math.max(0, (wish - right) / (1 - right)))
    return first + high * step + Math.log1p(part * Math.expm1(-step))
  }
  return { delta, epsilon }
}
