/**
 * Minima of unimodal functions of one variable.
 */

/** A point and the value there. */
export interface Minimum {
  readonly x: number
  readonly value: number
}

const GOLDEN = (3 - Math.sqrt(5)) / 2

/**
 * The minimum of a unimodal function on [low, high]: golden section, with parabolic steps where they help.
 *
 * Infinity is allowed as a value as long as the function stays unimodal; the value returned was computed at the point returned.
 *
 * Cost        about 15 evaluations for a smooth function and a tolerance of 1e-6 (high − low), 40 at most
 * References  Brent 1973, Algorithms for Minimization Without Derivatives, chapter 5
 *
 * @example
 * Math.round(1000 * minimise({ low: 0, high: 5, tolerance: 1e-6 })((x) => (x - 2) ** 2).x) // => 2000
 */
export const minimise =
  ({ low, high, tolerance }: { readonly low: number; readonly high: number; readonly tolerance: number }) =>
  (f: (x: number) => number): Minimum => {
    let [a, b] = [low, high]
    let x = a + GOLDEN * (b - a)
    let fx = f(x)
    // The best, the second best and the one before: through them goes the parabola.
    let [second, third] = [x, x]
    let [fSecond, fThird] = [fx, fx]
    let step = 0
    let earlier = 0
    for (let iteration = 0; iteration < 200; iteration++) {
      const middle = 0.5 * (a + b)
      if (Math.abs(x - middle) + 0.5 * (b - a) <= 2 * tolerance) break
      let parabolic = false
      if (Math.abs(earlier) > tolerance) {
        const r = (x - second) * (fx - fThird)
        const s = (x - third) * (fx - fSecond)
        const denominator = 2 * (s - r)
        const move = -((x - third) * s - (x - second) * r) / denominator
        // Written so that a NaN, from an infinite value, declines the parabola.
        if (Math.abs(move) < 0.5 * Math.abs(earlier) && x + move > a && x + move < b) {
          earlier = step
          step = x + move - a < 2 * tolerance || b - x - move < 2 * tolerance ? Math.sign(middle - x) * tolerance : move
          parabolic = true
        }
      }
      if (!parabolic) {
        earlier = x >= middle ? a - x : b - x
        step = GOLDEN * earlier
      }
      const next = x + (Math.abs(step) >= tolerance ? step : step > 0 ? tolerance : -tolerance)
      const fNext = f(next)
      // A wall of infinity stands at one end: on the right for every caller, so that of two infinite values the left one is nearer.
      if (fNext <= fx && !(fNext === Infinity && next > x)) {
        if (next >= x) a = x
        else b = x
        ;[third, fThird, second, fSecond, x, fx] = [second, fSecond, x, fx, next, fNext]
      } else {
        if (next < x) a = next
        else b = next
        if (fNext <= fSecond || second === x) [third, fThird, second, fSecond] = [second, fSecond, next, fNext]
        else if (fNext <= fThird || third === x || third === second) [third, fThird] = [next, fNext]
      }
    }
    return { x, value: fx }
  }

/**
 * The least value on [0, ∞) of a unimodal function: doubling until it ceases to fall, to 2¹⁴ at most, then sections. A level
 * part that it begins with is passed over.
 *
 * Guarantee  the value is one that f has, within 1e-7 of where it is least or beyond 2¹³
 *
 * @example
 * leastFromZero((x) => (x - 2) ** 2 + 1).toFixed(9) // => '1.000000000'
 */
export const leastFromZero = (f: (x: number) => number): number => {
  const first = f(0)
  let [low, middle, high] = [0, 0, 1 / 64]
  let [before, here] = [first, f(high)]
  while ((here < before || here === first) && high < 2 ** 14) {
    ;[low, middle, high] = [middle, high, 2 * high]
    ;[before, here] = [here, f(high)]
  }
  return Math.min(first, before, here, minimise({ low, high, tolerance: 1e-7 })(f).value)
}
