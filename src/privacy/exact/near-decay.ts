/**
 * The bound of |φ(y)| = |M(c + iy)| / M(c) where y is of the order of the inverse spread of the losses.
 *
 * Theorem. Let ν ≤ G be a measure of mass μ whose losses lie in an interval of length β/b, 0 < β ≤ π, and Q = min over a of ∫ (L − a)² dν.
 * Then for a ≤ y ≤ b
 *
 *   |φ(y)|² ≤ 1 − 2 (1 − cos β)/β² · a² μ Q
 *
 * Proof. |φ|² = E cos(y(L − L̃)) with L̃ an independent copy. 1 − cos x ≥ x² (1 − cos β)/β² for |x| ≤ β, as (1 − cos x)/x² falls on [0, π], and
 * 1 − cos x ≥ 0 elsewhere; ∬ (L − L̃)² dν dν = 2μQ. ∎
 *
 * From nodes: on a cell of length h with (log G)″ ≤ Λ, log G is at least its chord less Λh²/8, and a geometric interpolation has at least the
 * integral h √(G₀G₁); so the cell holds a mass ν ≥ h √(G₀G₁) e^{−Λh²/8}, at losses within w/2 of the middle of its ends. √Q is a distance
 * (from L to the constants), so √Q ≥ √Q(middles) − √(Σ ν w²/4).
 */
import type { TiltedLaw } from './tilted-law.js'

/** A bound of log |φ(y)| for all y ∈ [a, b]. */
export type CellDecay = (a: number, b: number) => number

/** Windows' lengths times b. */
const LENGTHS: readonly number[] = [Math.PI, 1.9, 0.9]
const SHARES = LENGTHS.map((beta) => (2 * (1 - Math.cos(beta))) / (beta * beta))

/** Where windows stand: at the edges of the losses, and about these parts of the tilted mass. */
const QUANTILES: readonly number[] = [0.03, 0.15, 0.5, 0.85]

/** The first index from which on an increasing sequence is at least x. */
const firstFrom = (values: Float64Array, x: number): number => {
  let [low, high] = [0, values.length]
  while (high > low) {
    const middle = (low + high) >> 1
    if ((values[middle] as number) < x) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * The bound as a function of the cell [a, b].
 *
 * Cost   a pass over the nodes; then 18 windows a cell, found by bisection
 */
export const nearDecay = ({ step, density, total, loss, rise }: TiltedLaw): CellDecay => {
  const count = loss.length
  const cells = count - 1
  // Moments are taken about the edge where losses crowd: differences of sums must keep their digits.
  const crowdsBelow =
    (loss[1] as number) - (loss[0] as number) < (loss[count - 1] as number) - (loss[count - 2] as number)
  const origin = loss[crowdsBelow ? 0 : count - 1] as number
  const array = (): Float64Array => new Float64Array(count)
  // Prefix sums over cells: mass, first and second moment of the middles, and what the widths may take away.
  const [mass, one, two, width] = [array(), array(), array(), array()]
  const eighth = 0.125 * step * step
  for (let k = 0; k < cells; k++) {
    const [from, to] = [loss[k] as number, loss[k + 1] as number]
    const bent = Math.max(rise[k] as number, rise[k + 1] as number)
    const nu =
      Math.sqrt((density[k] as number) * (density[k + 1] as number)) * (bent > 0 ? Math.exp(-eighth * bent) : 1)
    const x = 0.5 * (from + to) - origin
    mass[k + 1] = (mass[k] as number) + nu
    one[k + 1] = (one[k] as number) + nu * x
    two[k + 1] = (two[k] as number) + nu * x * x
    width[k + 1] = (width[k] as number) + 0.25 * nu * (to - from) * (to - from)
  }
  const whole = mass[cells] as number
  const centres = QUANTILES.map((part) => loss[Math.min(cells, firstFrom(mass, part * whole))] as number)
  const [lowest, highest] = [loss[0] as number, loss[cells] as number]
  // Of a difference of sums that cancels to nothing nothing is claimed.
  const rounding = 1e-13 * total * (two[cells] as number)
  /** μQ of the cells in a window. */
  const spreadFrom = (low: number, length: number): number => {
    const start = firstFrom(loss, low)
    const stop = firstFrom(loss, low + length) - 1
    if (stop <= start) return 0
    const within = (sums: Float64Array): number => (sums[stop] as number) - (sums[start] as number)
    const mu = within(mass)
    const spread = mu * within(two) - within(one) ** 2 - rounding
    const left = spread > 0 ? Math.sqrt(spread) - Math.sqrt(mu * within(width)) : 0
    return left > 0 ? left * left : 0
  }
  return (a, b) => {
    let share = 0
    LENGTHS.forEach((beta, i) => {
      const length = beta / b
      let spread = Math.max(spreadFrom(lowest, length), spreadFrom(highest - length, length))
      for (const centre of centres) spread = Math.max(spread, spreadFrom(centre - 0.5 * length, length))
      share = Math.max(share, (SHARES[i] as number) * spread)
    })
    return 0.5 * Math.log1p(-Math.min(0.999, (0.999999 * share * a * a) / (total * total)))
  }
}
