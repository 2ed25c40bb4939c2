/**
 * How fast |M(c + iy)| falls for a composition: the bound that says where the contour may end.
 *
 * `far-decay.ts` and `near-decay.ts` prove bounds for one step; a composition's is their product with multiplicity, and the Gaussians'
 * e^{−vy²/2}. The near bound is read on cells [a, 1.08a], from the point down from which on the far bound does by itself.
 */
import type { Composition } from './composition.js'
import { type FarBound, farBounds, POWERS } from './far-decay.js'
import { type CellDecay, nearDecay } from './near-decay.js'
import { tiltedLaw } from './tilted-law.js'

/** A composition's bounds at one tilt, in log |M(c + iy)/M(c)|. */
export interface Decay {
  /** For every height ≥ y, by the far bound alone. */
  readonly far: (y: number) => number
  /** For every height in [a, b]. */
  readonly within: CellDecay
}

const RATIO = 1.08
const FARTHEST = 1e13

const farBound = (bounds: readonly FarBound[], y: number): number => {
  let best = 1
  for (const { lost, variation } of bounds) best = Math.min(best, lost + variation / y)
  return best
}

/**
 * The bounds at tilt c.
 *
 * Cost   a few dozen exponentials a node and distinct step
 */
export const decay = ({ precision, steps }: Composition, tilt: number): Decay => {
  const parts = steps.flatMap(({ pair, count }) => {
    const law = tiltedLaw(pair, tilt)
    return law === undefined ? [] : [{ count, bounds: farBounds(law, pair), near: nearDecay(law) }]
  })
  return {
    far: (y) =>
      parts.reduce((sum, { count, bounds }) => sum + count * Math.log(farBound(bounds, y)), -0.5 * precision * y * y),
    within: (a, b) =>
      parts.reduce(
        (sum, { count, bounds, near }) => sum + count * Math.min(Math.log(farBound(bounds, a)), near(a, b)),
        -0.5 * precision * a * a,
      ),
  }
}

/** The bound for every height ≥ y: the worst cell up to where the far bound is as good. */
export const decayFrom = ({ far, within }: Decay, y: number): number => {
  let worst = far(y)
  let best = -Infinity
  for (let a = y; a < FARTHEST; a *= RATIO) {
    best = Math.max(best, within(a, RATIO * a))
    worst = Math.min(worst, Math.max(best, far(RATIO * a)))
    if (far(RATIO * a) <= best) break
  }
  return worst
}

/** An end of the contour: from `y` on the bound is at most `bound`. */
export interface ContourEnd {
  readonly y: number
  readonly bound: number
}

/**
 * The first height (to 8 %) from which on the bound, less log y, is at most `target`; y = Infinity if there is none.
 *
 * The tail beyond is then at most e^target times the integrand's size, since ∫_y^∞ dy/y² = 1/y.
 */
export const decayEnd = ({ far, within }: Decay, target: number, first: number): ContourEnd => {
  // The far bound must do at every height that the near one may reach down to.
  const does = (y: number): boolean => far(y) - Math.log(first) <= target
  if (does(first)) return { y: first, bound: far(first) }
  let high = first
  while (!does(high) && high < FARTHEST) high *= 8
  if (!(high < FARTHEST)) return { y: Infinity, bound: 0 }
  let low = high / 8
  while (high > 1.04 * low) {
    const middle = Math.sqrt(low * high)
    if (does(middle)) high = middle
    else low = middle
  }
  let y = high
  let bound = far(y)
  while (y > first) {
    const next = within(y / RATIO, y)
    if (Math.max(next, bound) - Math.log(y / RATIO) > target) break
    y /= RATIO
    bound = Math.max(bound, next)
  }
  return { y, bound }
}

/**
 * The far bound alone, for a certificate: the first y (to 1 %) from which on it, and 1/y, are at most e^target, and the exponent κ that
 * is best there for each step.
 */
export const farDecay =
  ({ precision, steps }: Composition, tilt: number) =>
  (target: number): { readonly y: number; readonly powers: readonly number[] } => {
    const parts = steps.map(({ pair, count }) => {
      const law = tiltedLaw(pair, tilt)
      return { count, bounds: law === undefined ? [] : farBounds(law, pair) }
    })
    const bestAt = (bounds: readonly FarBound[], y: number): number =>
      bounds.reduce(
        (best, { lost, variation }, i) =>
          lost + variation / y < (bounds[best] as FarBound).lost + (bounds[best] as FarBound).variation / y ? i : best,
        0,
      )
    const at = (y: number): number =>
      parts.reduce((sum, { count, bounds }) => sum + count * Math.log(farBound(bounds, y)), -0.5 * precision * y * y)
    let y = 1e-3
    while (at(y) - Math.log(y) > target && y < 1e12) y *= 1.01
    return {
      y: y < 1e12 ? y : Infinity,
      powers: parts.map(({ bounds }) => POWERS[bestAt(bounds, y)] as number),
    }
  }
