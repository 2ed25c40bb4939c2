/**
 * log δ(ε) of a composition, enclosed: by closed form where there is one, by contour where it converges, by Chernoff's bound where not.
 */
import type { Bounds } from '../accountant.js'
import { logDeltaOfGdp } from '../gdp.js'
import { type Composition, cumulants, essentialSupremum } from './composition.js'
import {
  type ContourOptions,
  contourAlong,
  defaultContour,
  type LogDelta,
  type PlannedContour,
  planContour,
  readContour,
  SMOOTHED_POINTS,
  type SmoothedContour,
  smoothedContour,
} from './contour-integral.js'
import { logChernoff, type SaddlePoint, saddlePoint } from './saddle-point.js'
import { singleStep } from './single-step.js'
import { HIDDEN, slowIntegral } from './slow-integral.js'
import { stepByStep } from './step-by-step.js'

/** How an enclosure was found. `smoothed`: bounds after a small Gaussian mechanism was joined. `chernoff`: an upper bound only. */
export type Method = NonNullable<Bounds['method']>

/** log δ with its enclosure. `slope` d log δ/dε and the abscissa `tilt` are for searches: NaN where unknown. */
export interface Enclosure extends LogDelta {
  readonly method: Method
  readonly tilt: number
}

const within = (logDelta: number, error: number, method: Method): Enclosure => ({
  lower: logDelta - error,
  estimate: logDelta,
  upper: Math.min(0, logDelta + error),
  method,
  slope: Number.NaN,
  tilt: Number.NaN,
})

/** What `logDeltaOfGdp` may err by. */
const gaussianError = (mu: number, epsilon: number, logDelta: number): number =>
  1e-12 * (1 + Math.abs(logDelta)) +
  4 * Number.EPSILON * (epsilon / mu + 0.5 * mu) * (1 + Math.abs(epsilon / mu - 0.5 * mu))

/** Noise multipliers below this have losses of thousands in a step. */
const NARROW = 0.02

/** The closed form at ε, where there is one. */
export const closedForm = (composition: Composition, epsilon: number): Enclosure | undefined => {
  const { precision, steps } = composition
  const only = steps[0]
  if (precision === Infinity) return within(epsilon === Infinity ? -Infinity : 0, 0, 'gaussian')
  if (epsilon >= essentialSupremum(composition) || epsilon === Infinity) return within(-Infinity, 0, 'single step')
  if (only === undefined) {
    const mu = Math.sqrt(precision)
    const logDelta = logDeltaOfGdp(mu)(epsilon)
    return within(logDelta, mu === 0 ? 0 : gaussianError(mu, epsilon, logDelta), 'gaussian')
  }
  if (precision > 0 || steps.length > 1 || only.count > 1) return undefined
  const closed = singleStep(only.pair, epsilon)
  // Of noise as narrow as that no contour tells more.
  const most = only.pair.noiseMultiplier < NARROW ? Infinity : 1e-6
  return closed.error < most ? within(closed.logDelta, closed.error, 'single step') : undefined
}

/** Chernoff's bound of log δ, rounded up. */
export const chernoffBound = (saddle: Pick<SaddlePoint, 'tilt' | 'exponent'>): number =>
  Math.min(0, logChernoff(saddle) + 1e-11 * (1 + Math.abs(saddle.exponent)))

/** A contour with what is needed to read it. */
export interface ContourReader {
  readonly read: (epsilon: number) => Enclosure
  readonly contour: PlannedContour
}

/** A contour as a reader; Chernoff's bound at its abscissa caps what it says. */
export const readerOf = (contour: PlannedContour): ContourReader => {
  const { tilt } = contour.plan.saddle
  const logMoment = contour.moments.re[0] as number
  return {
    contour,
    read: (at) => {
      const { lower, estimate, upper, slope } = readContour(contour, at)
      const bounded = Math.min(upper, chernoffBound({ tilt, exponent: logMoment - tilt * at }))
      // Without a lower bound all that is known is that δ is below the rounding: its slope is noise.
      return lower === -Infinity
        ? { lower, estimate: bounded, upper: bounded, method: 'contour', slope: Number.NaN, tilt }
        : { lower, estimate: Math.min(estimate, bounded), upper: bounded, method: 'contour', slope, tilt }
    },
  }
}

/** The contour that suits ε, to be read at any other near it; undefined where it would be longer than allowed. */
export const contourReader = (
  composition: Composition,
  saddle: SaddlePoint,
  epsilon: number,
  { mostPoints, digits }: ContourOptions,
): ContourReader | undefined => {
  const plan = planContour(composition, saddle, epsilon, digits)
  const contour = plan !== undefined && plan.wished <= mostPoints ? contourAlong(composition, plan) : undefined
  return contour && readerOf(contour)
}

/** Digits of the second contour of the self check. */
const CHECK_DIGITS = 14

/**
 * The self check: a contour at 0.85 of the abscissa, with nodes, step and end of its own, must enclose a common value.
 */
export const agrees = (
  composition: Composition,
  { contour: { plan } }: ContourReader,
  epsilon: number,
  found: LogDelta,
  { mostPoints }: ContourOptions,
): boolean => {
  const tilt = 0.85 * plan.saddle.tilt
  const { value, variance } = cumulants(composition)(tilt)
  const saddle = { tilt, exponent: value - tilt * epsilon, logDelta: found.estimate, variance: variance + tilt ** -2 }
  const other = contourReader(composition, saddle, epsilon, { mostPoints, digits: CHECK_DIGITS })?.read(epsilon)
  return other === undefined || (other.lower <= found.upper && found.lower <= other.upper)
}

/** The enclosure where no contour converges within its points: an extrapolated estimate between smoothed bounds. */
const slowly = (
  composition: Composition,
  saddle: SaddlePoint,
  epsilon: number,
  bounds: SmoothedContour | undefined,
): Enclosure => {
  const { tilt } = saddle
  const chernoff = chernoffBound(saddle)
  const slow = slowIntegral(composition, { tilt, planned: epsilon, first: 1 / Math.sqrt(saddle.variance) })?.(epsilon)
  const closer = slow === undefined || slow.error > HIDDEN ? stepByStep(composition, epsilon)?.(epsilon) : Number.NaN
  const known = slow?.logDelta ?? saddle.logDelta
  const estimate = Math.min(closer === undefined || Number.isNaN(closer) ? known : closer, chernoff)
  const slope = slow?.slope ?? -tilt
  const found = bounds?.read(epsilon)
  if (found === undefined || !(found.upper >= found.lower))
    return { lower: -Infinity, estimate, upper: chernoff, method: 'chernoff', slope, tilt }
  const upper = Math.min(found.upper, chernoff)
  return {
    lower: found.lower,
    estimate: Math.max(Math.min(estimate, upper), found.lower),
    upper,
    method: 'smoothed',
    slope,
    tilt,
  }
}

/**
 * The enclosure of log δ at ε ≥ 0. `start` is a guess of the saddle point.
 *
 * A contour whose bounds a second contour contradicts is not reported: Chernoff's bound is.
 *
 * Guarantee  lower ≤ log δ ≤ upper by everything that is stated in `contour-integral.ts`; always an answer
 * Cost       about a millisecond for a composition of hundreds of steps or more; 10 ms to a second for few steps of small q
 */
export const enclose =
  (composition: Composition, options: ContourOptions = defaultContour) =>
  (epsilon: number, { start = 1 }: { readonly start?: number } = {}): Enclosure => {
    const closed = closedForm(composition, epsilon)
    if (closed !== undefined) return closed
    const saddle = saddlePoint(composition, start)(epsilon)
    let reader = contourReader(composition, saddle, epsilon, options)
    if (reader === undefined) {
      const joined = smoothedContour(composition, { saddle, logDelta: saddle.logDelta, epsilon }, SMOOTHED_POINTS)
      return slowly(composition, saddle, epsilon, joined)
    }
    let found = reader.read(epsilon)
    // Where the approximation at the saddle was far too large, the errors were sized for it: then with what is known now.
    if (found.estimate < saddle.logDelta - 2) {
      const finer = contourReader(composition, { ...saddle, logDelta: found.estimate }, epsilon, options)
      if (finer !== undefined) {
        reader = finer
        found = finer.read(epsilon)
      }
    }
    if (found.lower === -Infinity || agrees(composition, reader, epsilon, found, options)) return found
    const upper = chernoffBound(saddle)
    return {
      lower: -Infinity,
      estimate: found.estimate,
      upper,
      method: 'chernoff',
      slope: -saddle.tilt,
      tilt: saddle.tilt,
    }
  }

/** Digits that tell on which side of a level δ is, unless it is next to it. */
const SIDE_DIGITS = 5

/** Is δ(ε) proved to be at most e^level, by a short contour? */
export const isWithin = (
  composition: Composition,
  epsilon: number,
  level: number,
  { mostPoints }: ContourOptions = defaultContour,
): boolean => {
  const closed = closedForm(composition, epsilon)
  if (closed !== undefined) return closed.upper <= level
  const saddle = saddlePoint(composition)(epsilon)
  if (chernoffBound(saddle) <= level) return true
  const reader = contourReader(composition, saddle, epsilon, { mostPoints, digits: SIDE_DIGITS })
  return reader !== undefined && reader.read(epsilon).upper <= level
}
