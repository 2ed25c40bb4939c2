/**
 * ε(δ): the root of log δ(ε) = log δ, with ends that are verified, not derived.
 */
import { type Composition, cumulants } from './composition.js'
import { type ContourOptions, defaultContour, SMOOTHED_POINTS, smoothedContour } from './contour-integral.js'
import { agrees, chernoffBound, closedForm, contourReader, type Enclosure, enclose, type Method } from './enclosure.js'
import { type SaddlePoint, saddlePoint } from './saddle-point.js'
import { HIDDEN, slowIntegral } from './slow-integral.js'
import { epsilonStepByStep } from './step-by-step.js'

/** ε with its enclosure: δ(upper) ≤ δ ≤ δ(lower) were both evaluated. */
export interface EpsilonEnclosure {
  readonly lower: number
  readonly estimate: number
  readonly upper: number
  readonly method: Method
  readonly tilt: number
}

/**
 * Where the approximation at the saddle puts ε: for a given c, ε = K′(c) − 1/c − 1/(1 + c) makes it the saddle point. Along c the
 * approximation of log δ falls like −c times ε's rise: a secant in log c, inside of a bracket.
 */
export const approximateEpsilon = (
  composition: Composition,
  logDelta: number,
): SaddlePoint & { readonly epsilon: number } => {
  const at = cumulants(composition)
  const reading = (u: number): SaddlePoint & { readonly epsilon: number } => {
    const tilt = Math.exp(u)
    const { value, mean, variance } = at(tilt)
    if (!(value < Infinity))
      return { epsilon: Infinity, tilt, exponent: Infinity, logDelta: -Infinity, variance: Infinity }
    const epsilon = mean - 1 / tilt - 1 / (1 + tilt)
    const curvature = variance + 1 / (tilt * tilt) + 1 / ((1 + tilt) * (1 + tilt))
    const exponent = value - tilt * epsilon
    const found = exponent - u - Math.log1p(tilt) - 0.5 * Math.log(2 * Math.PI * curvature)
    return { epsilon, tilt, exponent, logDelta: found, variance: curvature }
  }
  let [low, high] = [-14, 18]
  let u = 1
  let here = reading(u)
  let below = here
  for (let iteration = 0; iteration < 60; iteration++) {
    const excess = here.logDelta - logDelta
    if (excess > 0) [low, below] = [u, here]
    else high = u
    if (Math.abs(excess) < 0.02) return here
    if (high - low < 1e-3) break
    // d log δ / du ≈ −c dε/du = −c² F″ where the saddle moves with ε.
    const wished = u + excess / Math.max(here.tilt * here.tilt * here.variance, 1)
    u =
      Number.isFinite(wished) && wished > low && wished < high
        ? Math.max(u - 2, Math.min(u + 2, wished))
        : 0.5 * (low + high)
    here = reading(u)
  }
  // Where one large loss takes over from many small ones ε leaps, and the side before the leap is the right one.
  return below
}

/** A reading of log δ that a search can use. */
type Reading = (epsilon: number) => Enclosure

interface Root {
  readonly epsilon: number
  readonly here: Enclosure
  readonly slope: number
}

/** Newton's steps on log δ(ε) inside of a bracket. */
const root = (read: Reading, logDelta: number, start: number): Root => {
  let low = 0
  let high = Infinity
  let epsilon = start
  let here = read(epsilon)
  let slope = here.slope
  for (let iteration = 0; iteration < 80; iteration++) {
    const excess = here.estimate - logDelta
    if (excess > 0) low = epsilon
    else high = epsilon
    if ((epsilon === 0 && excess <= 0) || Math.abs(excess) <= 1e-14 * Math.abs(logDelta)) break
    const wished = epsilon - excess / here.slope
    const usable = Number.isFinite(wished) && here.slope < 0
    const next =
      usable && wished > low && wished < high
        ? wished
        : usable && wished <= 0 && low === 0
          ? 0
          : high < Infinity
            ? low > 0
              ? Math.sqrt(low * high)
              : high / 8
            : 2 * Math.max(epsilon, start, 1e-3)
    // A step that the enclosure cannot tell from none ends the search.
    if (Math.abs(next - epsilon) <= 1e-13 * epsilon || (high < Infinity && high - low <= 1e-14 * high)) break
    const before = { epsilon, estimate: here.estimate }
    epsilon = next
    here = read(epsilon)
    // Closed forms state no slope: the secant's will do.
    if (Number.isNaN(here.slope) && here.method === 'single step')
      here = { ...here, slope: (here.estimate - before.estimate) / (epsilon - before.epsilon) }
    if (here.slope < 0) slope = here.slope
  }
  return { epsilon, here, slope }
}

/** The root of a contour that was planned elsewhere, with its ends and the width of its enclosure; undefined where it says nothing. */
export const rootWithin = (
  read: Reading,
  logDelta: number,
  start: number,
): (EpsilonEnclosure & { readonly width: number }) | undefined => {
  const { epsilon, here, slope } = root(read, logDelta, start)
  const width = here.upper - here.lower
  if (!(width < 1)) return undefined
  const { method, tilt } = here
  return { ...ends(read, { epsilon, logDelta, slope }, here), estimate: epsilon, method, tilt, width }
}

/**
 * ε at log δ < 0, from the steepest-descent approximation: one contour serves all the steps of the search, and a second one if the root
 * turns out to lie far from where the first was planned.
 *
 * Cost       a contour, a shorter one as self check, and six readings
 * Guarantee  `upper` satisfies δ(upper) ≤ δ and `lower` satisfies δ(lower) ≥ δ (or is 0), each by its own enclosure
 */
export const solveEpsilon =
  (composition: Composition, options: ContourOptions = defaultContour) =>
  (logDelta: number): EpsilonEnclosure => {
    const first = approximateEpsilon(composition, logDelta)
    const finish = (read: Reading, { epsilon, here, slope }: Root, method: Method): EpsilonEnclosure => ({
      ...ends(read, { epsilon, logDelta, slope }, here),
      estimate: epsilon,
      method,
      tilt: here.tilt > 0 ? here.tilt : first.tilt,
    })
    const start = first.epsilon > 0 && first.epsilon < Infinity ? first.epsilon : 0
    if (closedForm(composition, start) !== undefined) {
      const read: Reading = (epsilon) => closedForm(composition, epsilon) ?? enclose(composition, options)(epsilon)
      const found = root(read, logDelta, start)
      return finish(read, found, found.here.method)
    }
    let planned = start
    let saddle: SaddlePoint =
      start === first.epsilon ? { ...first, logDelta } : { ...saddlePoint(composition, first.tilt)(start), logDelta }
    for (let attempt = 0; attempt < 4; attempt++) {
      const reader = contourReader(composition, saddle, planned, options)
      if (reader === undefined) break
      const found = root(reader.read, logDelta, planned)
      // Read far from where it was planned, a contour's errors may be larger than they need be.
      const far = Math.abs(found.epsilon - planned) * Math.abs(found.slope) > 0.7
      if (attempt < 3 && far && found.here.upper - found.here.lower > 1e-10) {
        planned = found.epsilon
        saddle = { ...saddlePoint(composition, saddle.tilt)(planned), logDelta }
        continue
      }
      if (!(found.here.lower > -Infinity) || agrees(composition, reader, found.epsilon, found.here, options))
        return finish(reader.read, found, 'contour')
      break
    }
    return solveSlowly(composition, logDelta, planned, saddle)
  }

/** Evaluations of the slow integral, from a start that the smoothed contour gave. */
const SLOW_STEPS = 4

/**
 * Where no contour converges: the smoothed contour, evaluated once, gives the ends and a start; the slow integral the estimate.
 */
const solveSlowly = (
  composition: Composition,
  logDelta: number,
  planned: number,
  at: SaddlePoint,
): EpsilonEnclosure => {
  let saddle = at
  let joined = smoothedContour(composition, { saddle, logDelta, epsilon: planned }, SMOOTHED_POINTS)
  /** The saddle with its exponent at another ε. */
  const saddleAt = (epsilon: number): SaddlePoint => ({
    ...saddle,
    exponent: cumulants(composition)(saddle.tilt).value - saddle.tilt * epsilon,
  })
  const reading = (epsilon: number): Enclosure => {
    const upper = chernoffBound(saddleAt(epsilon))
    const found = joined?.read(epsilon)
    return found !== undefined && found.upper >= found.lower
      ? { ...found, upper: Math.min(found.upper, upper), method: 'smoothed', tilt: saddle.tilt }
      : { lower: -Infinity, estimate: upper, upper, method: 'chernoff', slope: -saddle.tilt, tilt: saddle.tilt }
  }
  let found = root(reading, logDelta, planned)
  if (Math.abs(found.epsilon - planned) * Math.abs(found.slope) > 0.7) {
    saddle = { ...saddlePoint(composition, saddle.tilt)(found.epsilon), logDelta }
    joined = smoothedContour(composition, { saddle, logDelta, epsilon: found.epsilon }, SMOOTHED_POINTS)
    found = root(reading, logDelta, found.epsilon)
  }
  let epsilon = found.epsilon
  let slope = found.slope
  const slow = slowIntegral(composition, { tilt: saddle.tilt, planned: epsilon, first: 1 / Math.sqrt(saddle.variance) })
  let error = Infinity
  for (let step = 0; step < SLOW_STEPS && slow !== undefined; step++) {
    const here = slow(epsilon)
    if (here === undefined || !(here.slope < 0)) break
    const move = (here.logDelta - logDelta) / here.slope
    slope = here.slope
    error = here.error
    epsilon = Math.max(0, epsilon - move)
    // Newton's next step would be of the order of this one's square.
    if (Math.abs(move * slope) <= 1e-6 || Math.abs(move) <= 1e-12 * epsilon) break
  }
  if (error > HIDDEN) epsilon = epsilonStepByStep(composition, logDelta, epsilon) ?? epsilon
  const here = reading(epsilon)
  const proved = ends(reading, { epsilon, logDelta, slope }, here)
  const estimate = Math.min(Math.max(epsilon, proved.lower), proved.upper)
  return { ...proved, estimate, method: here.method, tilt: saddle.tilt }
}

/** Steps away from the root until the enclosure proves the side. */
const ends = (
  read: Reading,
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
