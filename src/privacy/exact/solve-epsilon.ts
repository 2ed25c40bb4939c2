/**
 * ε(δ): the root of log δ(ε) = log δ, with ends that are verified, not derived.
 */
import { type Composition, cumulants } from './composition.js'
import { type ContourOptions, defaultContour } from './contour-integral.js'
import { type Enclosure, enclose, type Method } from './enclosure.js'

/** ε with its enclosure: δ(upper) ≤ δ ≤ δ(lower) were both evaluated. */
export interface EpsilonEnclosure {
  readonly lower: number
  readonly estimate: number
  readonly upper: number
  readonly method: Method
  readonly tilt: number
}

/** Where the approximation at the saddle puts ε: for a given c, ε = K′(c) − 1/c − 1/(1 + c) makes it the saddle point. */
const approximate = (
  composition: Composition,
  logDelta: number,
): { readonly epsilon: number; readonly tilt: number } => {
  const at = cumulants(composition)
  const reading = (u: number): { readonly epsilon: number; readonly logDelta: number } => {
    const c = Math.exp(u)
    const { value, mean, variance } = at(c)
    if (!(value < Infinity)) return { epsilon: Infinity, logDelta: -Infinity }
    const epsilon = mean - 1 / c - 1 / (1 + c)
    const curvature = variance + 1 / (c * c) + 1 / ((1 + c) * (1 + c))
    return {
      epsilon,
      logDelta: value - c * epsilon - u - Math.log1p(c) - 0.5 * Math.log(2 * Math.PI * curvature),
    }
  }
  let [low, high] = [-14, 18]
  while (high - low > 1e-3) {
    const middle = 0.5 * (low + high)
    if (reading(middle).logDelta > logDelta) low = middle
    else high = middle
  }
  const { epsilon } = reading(low)
  return { epsilon: epsilon > 0 && epsilon < Infinity ? epsilon : 0, tilt: Math.exp(low) }
}

/**
 * ε at log δ < 0 by Newton's steps on log δ(ε) inside of a bracket, from the steepest-descent approximation.
 *
 * Cost       4 to 6 enclosures
 * Guarantee  `upper` satisfies δ(upper) ≤ δ and `lower` satisfies δ(lower) ≥ δ (or is 0), each by its own enclosure
 */
export const solveEpsilon =
  (composition: Composition, options: ContourOptions = defaultContour) =>
  (logDelta: number): EpsilonEnclosure => {
    const at = enclose(composition, options)
    const first = approximate(composition, logDelta)
    let tilt = first.tilt
    const read = (epsilon: number, bounds: boolean): Enclosure => {
      const found = at(epsilon, { start: tilt, bounds })
      if (found.tilt > 0) tilt = found.tilt
      return found
    }
    let low = 0
    let high = Infinity
    let epsilon = first.epsilon
    let here = read(epsilon, false)
    let slope = here.slope
    for (let iteration = 0; iteration < 60; iteration++) {
      const excess = here.estimate - logDelta
      if (excess > 0) low = epsilon
      else high = epsilon
      if (epsilon === 0 && excess <= 0) break
      const wished = epsilon - excess / here.slope
      const usable = Number.isFinite(wished) && here.slope < 0
      const next =
        usable && wished > low && wished < high
          ? wished
          : high < Infinity
            ? low > 0
              ? Math.sqrt(low * high)
              : high / 8
            : 2 * Math.max(epsilon, first.epsilon, 1e-3)
      // A step that the enclosure cannot tell from none ends the search.
      if (Math.abs(next - epsilon) <= 1e-13 * epsilon || (high < Infinity && high - low <= 1e-14 * high)) break
      const before = { epsilon, estimate: here.estimate }
      epsilon = next
      here = read(epsilon, false)
      // Closed forms state no slope: the secant's will do.
      if (Number.isNaN(here.slope) && here.method === 'single step')
        here = { ...here, slope: (here.estimate - before.estimate) / (epsilon - before.epsilon) }
      if (here.slope < 0) slope = here.slope
      if (Math.abs(here.estimate - logDelta) <= 1e-13 * Math.abs(logDelta)) break
    }
    const last = here.method === 'chernoff' ? read(epsilon, true) : here
    const proved = ends((end) => read(end, true), { epsilon, logDelta, slope }, last)
    return { ...proved, estimate: epsilon, method: last.method, tilt }
  }

/** Steps away from the root until the enclosure proves the side. */
const ends = (
  read: (epsilon: number) => Enclosure,
  { epsilon, logDelta, slope }: { readonly epsilon: number; readonly logDelta: number; readonly slope: number },
  here: Enclosure,
): { readonly lower: number; readonly upper: number } => {
  const steepness = slope < 0 ? -slope : 1 / Math.max(epsilon, 1e-6)
  const least = 1e-15 * epsilon
  let upper = epsilon
  let width = Math.max(0, here.upper - logDelta)
  if (width > 0)
    for (let reach = (1.5 * Math.min(width, 30)) / steepness + least, i = 0; i < 60; i++, reach *= 2) {
      upper = epsilon + reach
      width = read(upper).upper - logDelta
      if (width <= 0) break
      if (i === 59) upper = Infinity
    }
  let lower = epsilon
  let gap = logDelta - here.lower
  if (gap > 0 && epsilon > 0)
    for (let reach = (1.5 * Math.min(gap, 30)) / steepness + least, i = 0; ; i++, reach *= 2) {
      lower = i < 8 ? Math.max(0, epsilon - reach) : 0
      if (lower === 0) break
      gap = logDelta - read(lower).lower
      if (gap <= 0) break
    }
  return { lower, upper }
}
