/**
 * Roots of monotone functions of one variable.
 */

/** An interval whose ends have been judged: the function is > 0 at `above` and ≤ 0 at `below`. */
export interface Bracket {
  readonly above: number
  readonly below: number
}

/**
 * Narrows a bracket of a root until its relative width is at most `tolerance`. Both ends stay on their sides, whatever the
 * rounding of f, so that a caller who must not cross the root takes `below`.
 *
 * Regula falsi with Illinois' halving, and a bisection wherever that is slow or f is infinite.
 *
 * Cost   8 to 15 evaluations of a smooth function for a tolerance of 1e-10
 *
 * @example
 * narrow({ bracket: { above: 1, below: 4 }, tolerance: 1e-12 })((x) => 2 - x).below.toFixed(6) // => '2.000000'
 */
export const narrow =
  ({ bracket, tolerance }: { readonly bracket: Bracket; readonly tolerance: number }) =>
  (f: (x: number) => number): Bracket => {
    let { above, below } = bracket
    let fAbove = f(above)
    let fBelow = f(below)
    let side = 0
    for (let iteration = 0; iteration < 300; iteration++) {
      const width = Math.abs(above - below)
      const target = tolerance * Math.max(Math.abs(above), Math.abs(below))
      if (width <= target) break
      const secant = below + ((above - below) * -fBelow) / (fAbove - fBelow)
      const middle = above + 0.5 * (below - above)
      const usable = Number.isFinite(secant) && iteration % 4 !== 3
      // A step to half the tolerance beyond the secant's point, so that the other end moves too once the root is found.
      const nudge = 0.5 * target * Math.sign(below - above)
      const [low, high] = above < below ? [above, below] : [below, above]
      const wished = usable ? secant + (side >= 0 ? nudge : -nudge) : middle
      const x = wished > low && wished < high ? wished : middle
      if (x === above || x === below) break
      const value = f(x)
      if (value > 0) {
        above = x
        fAbove = value
        if (side === 1) fBelow /= 2
        side = 1
      } else {
        below = x
        fBelow = value
        if (side === -1) fAbove /= 2
        side = -1
      }
    }
    return { above, below }
  }
